/// A regular expression that is matched in time linear in the text, whatever the pattern: a user's pattern over a stranger's payload
/// must not hang the screen. (Thompson's construction, all states in step; no back-references.)
///
/// Syntax: `.`, `[a-z]`, `[^…]`, `\d \w \s \b` and their opposites, `^ $`, `( )`, `(?: )`, `|`, `* + ? {m,n}`, lazy forms accepted.
/// Ignores case unless the pattern has a capital letter.
package struct Pattern: Equatable, Sendable {
    package enum Failure: String, Error, Equatable, Sendable {
        case unclosedGroup = "missing )"
        case unopenedGroup = "unexpected )"
        case unclosedClass = "missing ]"
        case nothingToRepeat = "nothing to repeat"
        case badRepeat = "bad repeat count"
        case trailingBackslash = "ends in a backslash"
        case tooLarge = "too large"
    }

    /// What one instruction of the compiled pattern does.
    enum Instruction: Equatable, Sendable {
        case scalars(ScalarSet)
        case start, end, boundary(Bool)
        case split(Int, Int)
        case jump(Int)
        case accept
    }

    /// A pattern that compiles to more than this is refused.
    static let instructionsMax = 4000

    let program: [Instruction]
    let ignoresCase: Bool
    /// The pattern as plain text, where it is that: the common case, searched without the machine.
    let literal: [UInt32]?

    package init(_ text: String) throws(Failure) {
        ignoresCase = !text.unicodeScalars.contains { $0.properties.isUppercase }
        let special = Set("\\.[](){}*+?|^$".unicodeScalars)
        if text.unicodeScalars.allSatisfy({ !special.contains($0) }) {
            literal = text.unicodeScalars.map { $0.value }
            program = [.accept]
            return
        }
        literal = nil
        var compiler = PatternCompiler(text)
        program = try compiler.compile()
    }

    /// A pattern that means its text as it is.
    package init(literal text: String) {
        ignoresCase = !text.unicodeScalars.contains { $0.properties.isUppercase }
        literal = text.unicodeScalars.map { $0.value }
        program = [.accept]
    }

    package func matches(_ text: String) -> Bool {
        if let literal { return literalMatch(literal, in: prepared(text), from: 0) != nil }
        var machine = PatternMachine(program: program, text: prepared(text))
        return machine.earliestEnd(0) != nil
    }

    /// Where it matches, in scalars, left to right, none of them empty; for highlighting.
    package func ranges(in text: String) -> [Range<Int>] {
        let scalars = prepared(text)
        var found: [Range<Int>] = []
        var from = 0
        while from < scalars.count, let match = firstMatch(in: scalars, from: from) {
            if match.isEmpty {
                from = match.upperBound + 1
            } else {
                found.append(match)
                from = match.upperBound
            }
        }
        return found
    }

    private func prepared(_ text: String) -> [UInt32] {
        text.unicodeScalars.map { ignoresCase ? Pattern.folded($0) : $0.value }
    }

    static func folded(_ scalar: Unicode.Scalar) -> UInt32 {
        if scalar.value < 0x80 { return scalar.value >= 0x41 && scalar.value <= 0x5A ? scalar.value + 32 : scalar.value }
        let lower = scalar.properties.lowercaseMapping.unicodeScalars
        return lower.count == 1 ? lower.first?.value ?? scalar.value : scalar.value
    }

    private func firstMatch(in text: [UInt32], from: Int) -> Range<Int>? {
        if let literal { return literalMatch(literal, in: text, from: from) }
        var machine = PatternMachine(program: program, text: text)
        return machine.firstMatch(from: from)
    }

    private func literalMatch(_ literal: [UInt32], in text: [UInt32], from: Int) -> Range<Int>? {
        guard let first = literal.first else { return from..<from }
        var start = from
        while start + literal.count <= text.count {
            if text[start] == first {
                var i = 1
                while i < literal.count, text[start + i] == literal[i] { i += 1 }
                if i == literal.count { return start..<start + i }
            }
            start += 1
        }
        return nil
    }
}

/// A set of scalars: ranges, perhaps all but them.
struct ScalarSet: Equatable, Sendable {
    var ranges: [ClosedRange<UInt32>]
    var negated: Bool

    init(_ ranges: [ClosedRange<UInt32>], negated: Bool = false) {
        self.ranges = ranges
        self.negated = negated
    }

    static let any = ScalarSet([], negated: true)
    static let digit = ScalarSet([0x30...0x39])
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A, 0xC0...0x2FF, 0x370...0x1FFF, 0x3040...0xD7FF])
    static let space = ScalarSet([0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x2000...0x200A, 0x3000...0x3000])
    var inverse: ScalarSet { ScalarSet(ranges, negated: !negated) }

    func contains(_ value: UInt32) -> Bool {
        for range in ranges where range.contains(value) { return !negated }
        return negated
    }
}

/// Runs all states of a program in step over a text.
private struct PatternMachine {
    let program: [Pattern.Instruction]
    let text: [UInt32]
    private var seen: [Int]
    private var stamp = 0

    init(program: [Pattern.Instruction], text: [UInt32]) {
        self.program = program
        self.text = text
        seen = Array(repeating: 0, count: program.count)
    }

    /// The leftmost match from `from` on, the longest there.
    mutating func firstMatch(from: Int) -> Range<Int>? {
        var start = from
        guard var end = earliestEnd(from) else { return nil }
        // Some match exists: find the leftmost start that has one. Only for lines on the screen, where squares of lengths are small.
        while start <= text.count {
            if let found = longest(from: start) { return start..<found }
            start += 1
            if start > end, let next = earliestEnd(start) { end = next }
        }
        return nil
    }

    /// The first place at which any match that starts at or after `from` ends; one pass for all starts.
    mutating func earliestEnd(_ from: Int) -> Int? {
        var threads: [Int] = []
        var at = from
        while at <= text.count {
            var next: [Int] = []
            stamp += 1
            for thread in threads { add(thread, at, &next) }
            add(0, at, &next)
            for thread in next where program[thread] == .accept { return at }
            guard at < text.count else { return nil }
            threads = step(next, text[at])
            at += 1
        }
        return nil
    }

    private mutating func longest(from: Int) -> Int? {
        var threads = [0]
        var found: Int?
        var at = from
        while at <= text.count, !threads.isEmpty {
            var next: [Int] = []
            stamp += 1
            for thread in threads { add(thread, at, &next) }
            for thread in next where program[thread] == .accept { found = at }
            guard at < text.count else { break }
            threads = step(next, text[at])
            at += 1
        }
        return found
    }

    private func step(_ threads: [Int], _ value: UInt32) -> [Int] {
        var out: [Int] = []
        for thread in threads {
            if case .scalars(let set) = program[thread], set.contains(value) { out.append(thread + 1) }
        }
        return out
    }

    /// Follows what consumes nothing.
    private mutating func add(_ first: Int, _ at: Int, _ out: inout [Int]) {
        var stack = [first]
        while let thread = stack.popLast() {
            if seen[thread] == stamp { continue }
            seen[thread] = stamp
            switch program[thread] {
            case .jump(let target): stack.append(target)
            case .split(let a, let b):
                stack.append(b)
                stack.append(a)
            case .start: if at == 0 { stack.append(thread + 1) }
            case .end: if at == text.count { stack.append(thread + 1) }
            case .boundary(let wanted): if isBoundary(at) == wanted { stack.append(thread + 1) }
            case .scalars, .accept: out.append(thread)
            }
        }
    }

    private func isBoundary(_ at: Int) -> Bool {
        let before = at > 0 && ScalarSet.word.contains(text[at - 1])
        let after = at < text.count && ScalarSet.word.contains(text[at])
        return before != after
    }
}
