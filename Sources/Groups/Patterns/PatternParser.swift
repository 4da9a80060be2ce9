/// An expression taken apart.
indirect enum PatternNode: Equatable, Sendable {
    case empty
    case letter(LetterSet)
    case at(PatternPlace)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// Nil: without limit.
    case repeated(PatternNode, Int, Int?)
}

/// Reads the syntax of RE2. Nothing is ever tried twice.
struct PatternParser {
    private let letters: [Unicode.Scalar]
    private var position = 0
    private var ignoresCase = false
    private var depth = 0

    /// Groups within groups; more are refused.
    private static let depthMax = 200
    /// The greatest count of a repetition, as in RE2.
    private static let countMax = 1_000

    init(_ text: String) { letters = Array(text.unicodeScalars) }

    mutating func parse() throws(TopicPattern.Invalid) -> PatternNode {
        let node = try choice()
        guard position == letters.count else { throw TopicPattern.Invalid(reason: "unexpected )") }
        return node
    }

    private var next: Unicode.Scalar? { position < letters.count ? letters[position] : nil }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        guard next == wanted else { return false }
        position += 1
        return true
    }

    private mutating func choice() throws(TopicPattern.Invalid) -> PatternNode {
        let before = ignoresCase
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        ignoresCase = before
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(TopicPattern.Invalid) -> PatternNode {
        var parts: [PatternNode] = []
        while let letter = next, letter != "|", letter != ")" {
            let part = try atom()
            parts.append(try repeats(of: part))
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func repeats(of atom: PatternNode) throws(TopicPattern.Invalid) -> PatternNode {
        var node = atom
        var isRepeated = false
        while let (least, most) = try count() {
            if isRepeated { throw TopicPattern.Invalid(reason: "invalid nested repetition operator") }
            isRepeated = true
            _ = take("?")
            node = .repeated(node, least, most)
        }
        return node
    }

    private mutating func count() throws(TopicPattern.Invalid) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard next == "{" else { return nil }
        // What is not a count is a brace to be matched.
        let start = position
        position += 1
        guard let least = number() else { return goBack(to: start) }
        var most: Int? = least
        if take(",") { most = next == "}" ? nil : number() ?? -1 }
        guard take("}"), most != -1 else { return goBack(to: start) }
        guard least <= PatternParser.countMax, most ?? 0 <= PatternParser.countMax, least <= most ?? least else {
            throw TopicPattern.Invalid(reason: "invalid repeat count")
        }
        return (least, most)
    }

    private mutating func goBack(to start: Int) -> (Int, Int?)? {
        position = start
        return nil
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let letter = next, LetterSet.digit.contains(letter) {
            value = min((value ?? 0) * 10 + Int(letter.value - 48), 100_000)
            position += 1
        }
        return value
    }

    private mutating func atom() throws(TopicPattern.Invalid) -> PatternNode {
        guard let letter = next else { return .empty }
        position += 1
        switch letter {
        case ".": return .letter(.any)
        case "^": return .at(.start)
        case "$": return .at(.end)
        case "(": return try group()
        case "[": return .letter(cased(try brackets()))
        case "\\": return try escaped()
        case "*", "+", "?": throw TopicPattern.Invalid(reason: "missing argument to repetition operator: \(letter)")
        default: return .letter(cased(LetterSet(letter)))
        }
    }

    private func cased(_ set: LetterSet) -> LetterSet { ignoresCase ? set.withBothCases : set }

    private mutating func group() throws(TopicPattern.Invalid) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= PatternParser.depthMax else { throw TopicPattern.Invalid(reason: "expression nests too deeply") }
        let before = ignoresCase
        if take("?") {
            if try flagsEndHere() { return .empty }
        }
        let node = try choice()
        guard take(")") else { throw TopicPattern.Invalid(reason: "missing closing )") }
        ignoresCase = before
        return node
    }

    /// After `(?`: a name, or flags. True where they hold for the rest of the enclosing group, `(?i)`.
    private mutating func flagsEndHere() throws(TopicPattern.Invalid) -> Bool {
        if take("P") || next == "<" {
            guard take("<") else { throw TopicPattern.Invalid(reason: "invalid named capture") }
            let start = position
            while let letter = next, LetterSet.word.contains(letter) { position += 1 }
            guard position > start, take(">") else { throw TopicPattern.Invalid(reason: "invalid named capture") }
            return false
        }
        var isOn = true
        while let letter = next {
            position += 1
            switch letter {
            case "i": ignoresCase = isOn
            case "m", "s", "U": break
            case "-": isOn = false
            case ":": return false
            case ")": return true
            default: throw TopicPattern.Invalid(reason: "invalid or unsupported Perl syntax")
            }
        }
        throw TopicPattern.Invalid(reason: "missing closing )")
    }

    private mutating func escaped() throws(TopicPattern.Invalid) -> PatternNode {
        guard let letter = next else { throw TopicPattern.Invalid(reason: "trailing backslash at end of expression") }
        switch letter {
        case "A": return place(.start)
        case "z": return place(.end)
        case "b": return place(.wordBoundary)
        case "B": return place(.noWordBoundary)
        case "Q": return quoted()
        default: return .letter(cased(try escapedSet()))
        }
    }

    private mutating func place(_ place: PatternPlace) -> PatternNode {
        position += 1
        return .at(place)
    }

    private mutating func quoted() -> PatternNode {
        position += 1
        var parts: [PatternNode] = []
        while let letter = next {
            position += 1
            if letter == "\\" && next == "E" {
                position += 1
                break
            }
            parts.append(.letter(cased(LetterSet(letter))))
        }
        return .sequence(parts)
    }

    /// What stands after a backslash, as a set of letters.
    private mutating func escapedSet() throws(TopicPattern.Invalid) -> LetterSet {
        guard let letter = next else { throw TopicPattern.Invalid(reason: "trailing backslash at end of expression") }
        position += 1
        switch letter {
        case "d": return .digit
        case "D": return LetterSet.digit.negated
        case "w": return .word
        case "W": return LetterSet.word.negated
        case "s": return .space
        case "S": return LetterSet.space.negated
        case "n": return LetterSet("\n")
        case "t": return LetterSet("\t")
        case "r": return LetterSet("\r")
        case "f": return LetterSet("\u{c}")
        case "a": return LetterSet("\u{7}")
        case "v": return LetterSet("\u{b}")
        case "x": return try hexadecimal()
        default:
            let isWord = LetterSet.word.contains(letter) && letter != "_"
            if isWord { throw TopicPattern.Invalid(reason: "invalid escape sequence: \\\(letter)") }
            return LetterSet(letter)
        }
    }

    private mutating func hexadecimal() throws(TopicPattern.Invalid) -> LetterSet {
        let isBraced = take("{")
        var text = ""
        while let letter = next, text.count < (isBraced ? 6 : 2), LetterSet.named("xdigit")?.contains(letter) == true {
            text.unicodeScalars.append(letter)
            position += 1
        }
        let isWhole = isBraced ? !text.isEmpty && take("}") : text.count == 2
        guard isWhole, let value = UInt32(text, radix: 16), let scalar = Unicode.Scalar(value) else {
            throw TopicPattern.Invalid(reason: "invalid escape sequence: \\x\(text)")
        }
        return LetterSet(scalar)
    }

    private mutating func brackets() throws(TopicPattern.Invalid) -> LetterSet {
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while true {
            guard let letter = next else { throw TopicPattern.Invalid(reason: "missing closing ]") }
            if letter == "]" && !isFirst { break }
            isFirst = false
            ranges += try member(letter)
        }
        position += 1
        return LetterSet(ranges, isNegated: isNegated)
    }

    /// One member of a bracketed class: a letter, a range of letters, a class of its own.
    private mutating func member(_ letter: Unicode.Scalar) throws(TopicPattern.Invalid) -> [ClosedRange<UInt32>] {
        if letter == "[", position + 1 < letters.count, letters[position + 1] == ":" { return try namedMember() }
        let low = try bound()
        guard low.ranges.count == 1, !low.isNegated, let from = low.ranges.first, from.count == 1 else { return low.positiveRanges }
        guard next == "-", position + 1 < letters.count, letters[position + 1] != "]" else { return low.ranges }
        position += 1
        let high = try bound()
        guard high.ranges.count == 1, !high.isNegated, let to = high.ranges.first, to.count == 1, from.lowerBound <= to.lowerBound else {
            throw TopicPattern.Invalid(reason: "invalid character class range")
        }
        return [from.lowerBound...to.lowerBound]
    }

    private mutating func bound() throws(TopicPattern.Invalid) -> LetterSet {
        guard let letter = next else { throw TopicPattern.Invalid(reason: "missing closing ]") }
        position += 1
        return letter == "\\" ? try escapedSet() : LetterSet(letter)
    }

    private mutating func namedMember() throws(TopicPattern.Invalid) -> [ClosedRange<UInt32>] {
        position += 2
        let isNegated = take("^")
        var name = ""
        while let letter = next, letter != ":" {
            name.unicodeScalars.append(letter)
            position += 1
        }
        guard take(":"), take("]"), let set = LetterSet.named(name) else {
            throw TopicPattern.Invalid(reason: "invalid character class range")
        }
        return isNegated ? set.negated.positiveRanges : set.ranges
    }
}
