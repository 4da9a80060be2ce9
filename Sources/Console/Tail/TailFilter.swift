import Grid
import Primitives

/// What is typed after `/` in a tail: terms separated by spaces, all of which must hold. `k:`, `v:` and `h:` look at the key, the value
/// or the headers only, `p:` at the partition's number; without a prefix a term looks at key, value and headers. `!` before a term turns
/// it round. Terms are regular expressions; quotes keep spaces together.
package struct TailFilter: Equatable, Sendable {
    package let text: String
    private let terms: [Term]
    package let problem: String?

    private enum Field: Equatable, Sendable { case any, key, value, headers, partition }
    private struct Term: Equatable, Sendable {
        var field: Field
        var isInverse: Bool
        var pattern: Pattern
    }

    /// So much of a value is searched; what lies beyond is not worth a stuck screen.
    static let searchedMax = 256 * 1024

    package static let none = TailFilter("")

    package init(_ text: String) {
        self.text = text
        var problem: String?
        terms = TailFilter.words(text).compactMap { word in
            var body = Substring(word)
            let isInverse = body.first == "!"
            if isInverse { body = body.dropFirst() }
            var field = Field.any
            for (prefix, meant) in [("k:", Field.key), ("v:", .value), ("h:", .headers), ("p:", .partition)] where body.hasPrefix(prefix) {
                field = meant
                body = body.dropFirst(2)
                break
            }
            if body.isEmpty { return nil }
            if field == .partition { return Term(field: field, isInverse: isInverse, pattern: Pattern(literal: String(body))) }
            do throws(Pattern.Failure) {
                return Term(field: field, isInverse: isInverse, pattern: try Pattern(String(body)))
            } catch {
                problem = error.rawValue
                return Term(field: field, isInverse: isInverse, pattern: Pattern(literal: String(body)))
            }
        }
        self.problem = problem
    }

    package var isEmpty: Bool { terms.isEmpty }

    package func accepts(_ message: TailMessage) -> Bool {
        for term in terms where holds(term, message) == term.isInverse { return false }
        return true
    }

    private func holds(_ term: Term, _ message: TailMessage) -> Bool {
        switch term.field {
        case .key: return matches(term.pattern, message.key)
        case .value: return matches(term.pattern, message.value)
        case .headers: return headersMatch(term.pattern, message)
        case .partition: return term.pattern == Pattern(literal: String(message.partition.partition))
        case .any: return matches(term.pattern, message.value) || matches(term.pattern, message.key) || headersMatch(term.pattern, message)
        }
    }

    private func headersMatch(_ pattern: Pattern, _ message: TailMessage) -> Bool {
        message.headers.contains { pattern.matches($0.name + "=" + ($0.value.map { $0.prefix(TailFilter.searchedMax).lossyString } ?? "")) }
    }

    private func matches(_ pattern: Pattern, _ bytes: Bytes?) -> Bool {
        guard let bytes else { return false }
        return pattern.matches(bytes.prefix(TailFilter.searchedMax).lossyString)
    }

    /// What to highlight in a value's text.
    package func ranges(in text: String) -> [Range<Int>] {
        terms.filter { !$0.isInverse && $0.field != .partition }.flatMap { $0.pattern.ranges(in: text) }
    }

    /// Splits at spaces outside double quotes; the quotes go.
    private static func words(_ text: String) -> [String] {
        var out: [String] = []
        var current = ""
        var isQuoted = false
        for character in text {
            if character == "\"" {
                isQuoted.toggle()
            } else if character == " " && !isQuoted {
                if !current.isEmpty { out.append(current) }
                current = ""
            } else {
                current.append(character)
            }
        }
        if !current.isEmpty { out.append(current) }
        return out
    }
}
