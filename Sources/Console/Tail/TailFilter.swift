import Grid
import Primitives

/// What is typed after `/` in a tail: terms separated by spaces, all of which must hold, and then perhaps ` | ` and a program (jq).
///
/// `k:`, `v:`, `h:` and `t:` look at the key, the value, the headers (as `name=value`) or the topic only; without a prefix a term looks at
/// key, value and headers. Those are regular expressions; quotes keep spaces together. `p:` and `o:` compare the partition and the
/// offset, `ts:` the timestamp, with `5`, `5..9`, `>5`, `>=5`, `<5`, `<=5`; times are ages (`ts:>10m` is older than that, as a date would
/// be smaller: `ts:<2026-01-31`). `is:tombstone`, `is:binary`, `is:keyless`, `is:transactional`. `!` before a term turns it round.
package struct TailFilter: Equatable, Sendable {
    package let text: String
    private let terms: [Term]
    package let problem: String?
    /// Behind the ` | `: what it hides is not shown, what it puts out is shown in the value's stead.
    package let program: MessageProgram?

    enum Field: Equatable, Sendable { case any, key, value, headers, topic }
    enum Property: String, Equatable, Sendable { case tombstone, binary, keyless, transactional }
    enum Condition: Equatable, Sendable {
        case matches(Field, Pattern)
        case partition(ClosedRange<Int64>)
        case offset(ClosedRange<Int64>)
        case time(ClosedRange<Int64>)
        case property(Property)
    }
    struct Term: Equatable, Sendable {
        var isInverse: Bool
        var condition: Condition
    }

    /// So much of a value is searched; what lies beyond is not worth a stuck screen.
    static let searchedMax = 256 * 1024

    package static let none = TailFilter("")

    /// `now` is what ages count from. Without a compiler what stands behind ` | ` is left out; so it is while it is typed.
    package init(_ text: String, now: Timestamp = .none, compile: MessageProgram.Compiler? = nil) {
        self.text = text
        let (words, program) = TailFilter.halves(text)
        var parser = TermParser(now: now)
        terms = TailFilter.words(words).compactMap { parser.term($0) }
        switch (program, compile) {
        case (let program?, let compile?) where !program.isEmpty:
            switch compile(program) {
            case .success(let made): self.program = made
            case .failure(let failure):
                self.program = nil
                parser.problem = parser.problem ?? failure.message
            }
        default: self.program = nil
        }
        problem = parser.problem
    }

    /// What stands before the program, and the program: behind the first `|` that begins the text or has a space before it.
    static func halves(_ text: String) -> (words: String, program: String?) {
        var before: Character = " "
        var isQuoted = false
        for index in text.indices {
            if text[index] == "\"" { isQuoted.toggle() }
            if text[index] == "|" && before == " " && !isQuoted {
                let rest = text[text.index(after: index)...].drop { $0 == " " }
                return (String(text[..<index]), String(rest))
            }
            before = text[index]
        }
        return (text, nil)
    }

    package var isEmpty: Bool { terms.isEmpty && program == nil }

    /// Whether the terms hold; the program has its own say.
    package func accepts(_ message: TailMessage) -> Bool {
        for term in terms where holds(term.condition, message) == term.isInverse { return false }
        return true
    }

    /// Terms and program together.
    package func outcome(_ message: TailMessage) -> MessageProgram.Outcome {
        guard accepts(message) else { return .hidden }
        return program?.run(message) ?? .asItIs
    }

    private func holds(_ condition: Condition, _ message: TailMessage) -> Bool {
        switch condition {
        case .matches(.key, let pattern): matches(pattern, message.shownKey)
        case .matches(.value, let pattern): matches(pattern, message.shownValue)
        case .matches(.headers, let pattern): headersMatch(pattern, message)
        case .matches(.topic, let pattern): pattern.matches(message.partition.topic)
        case .matches(.any, let pattern):
            matches(pattern, message.shownValue) || matches(pattern, message.shownKey) || headersMatch(pattern, message)
        case .partition(let range): range.contains(Int64(message.partition.partition))
        case .offset(let range): range.contains(message.offset.rawValue)
        case .time(let range): range.contains(message.timestamp.milliseconds)
        case .property(.tombstone): message.value == nil && message.marker == nil
        case .property(.keyless): message.key == nil
        case .property(.transactional): message.isTransactional
        case .property(.binary): message.shownValue.map { Payload.isBinary($0.prefix(Payload.lineBytesMax)) } ?? false
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
        terms.flatMap { term -> [Range<Int>] in
            guard !term.isInverse, case .matches(let field, let pattern) = term.condition, field != .topic else { return [] }
            return pattern.ranges(in: text)
        }
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

/// Reads the terms of a filter; remembers what is wrong with one, which then counts as the plain text that it is.
private struct TermParser {
    let now: Timestamp
    var problem: String?

    init(now: Timestamp) { self.now = now }

    private static let fields: [(String, TailFilter.Field)] = [("k:", .key), ("v:", .value), ("h:", .headers), ("t:", .topic)]

    mutating func term(_ word: String) -> TailFilter.Term? {
        var body = Substring(word)
        let isInverse = body.first == "!"
        if isInverse { body = body.dropFirst() }
        if body.isEmpty { return nil }
        if let condition = number(body) { return TailFilter.Term(isInverse: isInverse, condition: condition) }
        var field = TailFilter.Field.any
        for (prefix, meant) in TermParser.fields where body.hasPrefix(prefix) {
            field = meant
            body = body.dropFirst(prefix.count)
            break
        }
        if body.isEmpty { return nil }
        do throws(Pattern.Failure) {
            return TailFilter.Term(isInverse: isInverse, condition: .matches(field, try Pattern(String(body))))
        } catch {
            problem = error.rawValue
            return TailFilter.Term(isInverse: isInverse, condition: .matches(field, Pattern(literal: String(body))))
        }
    }

    private mutating func number(_ body: Substring) -> TailFilter.Condition? {
        if body.hasPrefix("is:") {
            if let property = TailFilter.Property(rawValue: String(body.dropFirst(3))) { return .property(property) }
            problem = "is: tombstone, binary, keyless, transactional"
            return nil
        }
        if body.hasPrefix("p:"), body.count > 2 {
            return range(body.dropFirst(2), "p:", { Int64($0) }).map { .partition($0) }
        }
        if body.hasPrefix("o:"), body.count > 2 {
            return range(body.dropFirst(2), "o:", { Int64($0) }).map { .offset($0) }
        }
        if body.hasPrefix("ts:"), body.count > 3 {
            let now = now
            // Older than an age is before a point in time.
            let isAge = ISODuration.orShort(String(body.dropFirst(3).drop { "<>=".contains($0) })) != nil
            let found = range(body.dropFirst(3), "ts:", isAge: isAge) { text in
                ISODuration.orShort(text).map { now.milliseconds - $0 } ?? parseTime(text)?.milliseconds
            }
            return found.map { .time($0) }
        }
        return nil
    }

    private mutating func range(
        _ text: Substring, _ name: String, isAge: Bool = false, _ value: (String) -> Int64?
    ) -> ClosedRange<Int64>? {
        var text = text
        let isGreater = text.hasPrefix(">")
        let isLess = text.hasPrefix("<")
        var isEqual = false
        if isGreater || isLess {
            text = text.dropFirst()
            isEqual = text.hasPrefix("=")
            if isEqual { text = text.dropFirst() }
        }
        let parts = TermParser.split(text)
        guard let low = value(String(parts.0)), let high = parts.1.isEmpty ? low : value(String(parts.1)) else {
            problem = "\(name) 5, 5..9, >5, <=5"
            return nil
        }
        if isGreater == isLess { return min(low, high)...max(low, high) }
        if isGreater != isAge { return (isEqual || low == .max ? low : low + 1)...Int64.max }
        return Int64.min...(isEqual || low == .min ? low : low - 1)
    }

    private static func split(_ text: Substring) -> (Substring, Substring) {
        for index in text.indices where text[index...].hasPrefix("..") {
            return (text[..<index], text[index...].dropFirst(2))
        }
        return (text, "")
    }
}
