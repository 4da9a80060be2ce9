/// What is typed after `/`: a regular expression; `!expression` for what does not match; `-f text` for fuzzy matching, the letters in
/// order with anything between. A text that is no valid expression is searched as it is, so that typing never empties the list.
package struct RowFilter: Equatable, Sendable {
    package let text: String
    package let isInverse: Bool
    /// Why the text is no expression; nil where it is one.
    package let problem: String?
    private let pattern: Pattern?
    private let letters: [UInt32]

    package init(_ text: String) {
        self.text = text
        var body = Substring(text)
        isInverse = body.first == "!"
        if isInverse { body = body.dropFirst() }
        if body.hasPrefix("-f ") {
            letters = body.dropFirst(3).unicodeScalars.map(Pattern.folded).filter { $0 != 0x20 }
            pattern = nil
            problem = nil
            return
        }
        letters = []
        do throws(Pattern.Failure) {
            pattern = body.isEmpty ? nil : try Pattern(String(body))
            problem = nil
        } catch {
            pattern = Pattern(literal: String(body))
            problem = error.rawValue
        }
    }

    package static let none = RowFilter("")
    package var isEmpty: Bool { pattern == nil && letters.isEmpty }

    package func accepts(_ candidate: String) -> Bool {
        if isEmpty { return true }
        return matches(candidate) != isInverse
    }

    /// The same of a row: an expression is looked for in its first cell, so that `$` is the end of its name, and then across all cells.
    package func accepts(row cells: [String]) -> Bool {
        if isEmpty { return true }
        let isFound = pattern.flatMap { pattern in cells.first.map { pattern.matches($0) } } ?? false
        return (isFound || matches(cells.joined(separator: " "))) != isInverse
    }

    private func matches(_ candidate: String) -> Bool {
        if let pattern { return pattern.matches(candidate) }
        var wanted = letters[...]
        for scalar in candidate.unicodeScalars {
            if let next = wanted.first, Pattern.folded(scalar) == next { wanted = wanted.dropFirst() }
        }
        return wanted.isEmpty
    }

    /// What to highlight; nothing where the filter is inverse or fuzzy.
    package func ranges(in text: String) -> [Range<Int>] {
        isInverse ? [] : pattern?.ranges(in: text) ?? []
    }
}
