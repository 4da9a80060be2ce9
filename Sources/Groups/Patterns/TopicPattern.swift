/// A regular expression over topic names, in the common syntax of RE2 (KIP-848): it must match the whole name.
///
/// Literals, `.`, classes (`[a-z]`, `[^…]`, `[[:alpha:]]`, `\d \w \s` and their opposites), groups (`( )`, `(?: )`, `(?P<name> )`, the
/// flags `i`, `s`, `U` and `m`, of which only `i` means anything to a name), `|`, `* + ? {m,n}` and their lazy forms, `^ $ \A \z \b \B`,
/// `\Q…\E`, `\xHH`. Back-references and look-around do not exist in RE2 and are refused.
///
/// Matching follows all alternatives at once, so that its time is the program's size times the name's length, whatever the expression.
struct TopicPattern: Equatable, Sendable {
    /// Why an expression is refused, in RE2's words.
    struct Invalid: Error, Equatable, Sendable {
        var reason: String
    }

    /// Instructions of one expression; more are refused.
    static let instructionsMax = 10_000
    /// Bytes of an expression; more are refused.
    static let bytesMax = 10_000

    private let program: [PatternInstruction]

    init(_ text: String) throws(Invalid) {
        guard text.utf8.count <= TopicPattern.bytesMax else { throw Invalid(reason: "expression too long") }
        var parser = PatternParser(text)
        let node = try parser.parse()
        var compiler = PatternCompiler()
        try compiler.compile(node)
        program = compiler.finish()
    }

    /// Whether the expression matches all of `name`.
    func matches(_ name: String) -> Bool {
        let letters = Array(name.unicodeScalars)
        var threads = ThreadList(program.count)
        var next = ThreadList(program.count)
        follow(0, letters, 0, &threads)
        for position in letters.indices {
            next.removeAll()
            for at in threads.places {
                if case .letter(let set) = program[at], set.contains(letters[position]) { follow(at + 1, letters, position + 1, &next) }
            }
            swap(&threads, &next)
            if threads.places.isEmpty { return false }
        }
        return threads.places.contains { program[$0] == .match }
    }

    /// Adds the places that are reached from `start` without a letter.
    private func follow(_ start: Int, _ letters: [Unicode.Scalar], _ position: Int, _ list: inout ThreadList) {
        var open = [start]
        while let at = open.popLast() {
            guard list.insert(at) else { continue }
            switch program[at] {
            case .letter, .match: break
            case .jump(let target): open.append(target)
            case .split(let one, let other):
                open.append(other)
                open.append(one)
            case .at(let place): if place.holds(letters, position) { open.append(at + 1) }
            }
        }
    }
}

/// The places in the program that are alive after some letters, each once.
private struct ThreadList {
    private(set) var places: [Int] = []
    private var isThere: [Bool]

    init(_ size: Int) { isThere = [Bool](repeating: false, count: size) }

    mutating func insert(_ place: Int) -> Bool {
        if isThere[place] { return false }
        isThere[place] = true
        places.append(place)
        return true
    }

    mutating func removeAll() {
        for place in places { isThere[place] = false }
        places.removeAll(keepingCapacity: true)
    }
}

/// A condition on a place between letters.
enum PatternPlace: Equatable, Sendable {
    case start
    case end
    case wordBoundary
    case noWordBoundary

    func holds(_ letters: [Unicode.Scalar], _ position: Int) -> Bool {
        switch self {
        case .start: position == 0
        case .end: position == letters.count
        case .wordBoundary: isBoundary(letters, position)
        case .noWordBoundary: !isBoundary(letters, position)
        }
    }

    private func isBoundary(_ letters: [Unicode.Scalar], _ position: Int) -> Bool {
        let before = position > 0 && LetterSet.word.contains(letters[position - 1])
        let after = position < letters.count && LetterSet.word.contains(letters[position])
        return before != after
    }
}

enum PatternInstruction: Equatable, Sendable {
    case letter(LetterSet)
    case jump(Int)
    case split(Int, Int)
    case at(PatternPlace)
    case match
}

/// Letters, as ranges of code points.
struct LetterSet: Equatable, Sendable {
    var ranges: [ClosedRange<UInt32>]
    var isNegated = false

    init(_ ranges: [ClosedRange<UInt32>], isNegated: Bool = false) {
        self.ranges = ranges
        self.isNegated = isNegated
    }

    init(_ scalar: Unicode.Scalar) { self.init([scalar.value...scalar.value]) }

    func contains(_ scalar: Unicode.Scalar) -> Bool { ranges.contains { $0.contains(scalar.value) } != isNegated }

    var negated: LetterSet { LetterSet(ranges, isNegated: !isNegated) }

    /// The same, and of ASCII letters also the other case.
    var withBothCases: LetterSet {
        var all = ranges
        for range in ranges {
            for (from, shift) in [(UInt32(65)...90, Int64(32)), (UInt32(97)...122, Int64(-32))] where range.overlaps(from) {
                let part = range.clamped(to: from)
                all.append(UInt32(Int64(part.lowerBound) + shift)...UInt32(Int64(part.upperBound) + shift))
            }
        }
        return LetterSet(all, isNegated: isNegated)
    }

    /// The ranges of a set that is not negated, and what a negated one leaves.
    var positiveRanges: [ClosedRange<UInt32>] {
        guard isNegated else { return ranges }
        var left: [ClosedRange<UInt32>] = []
        var from: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > from { left.append(from...(range.lowerBound - 1)) }
            from = max(from, range.upperBound + 1)
        }
        if from <= 0x10ffff { left.append(from...0x10ffff) }
        return left
    }

    static let any = LetterSet([], isNegated: true)
    static let digit = LetterSet([48...57])
    static let word = LetterSet([48...57, 65...90, 95...95, 97...122])
    static let space = LetterSet([9...10, 12...13, 32...32])

    /// The classes that are named within brackets, `[:alpha:]`.
    static func named(_ name: String) -> LetterSet? {
        switch name {
        case "alnum": LetterSet([48...57, 65...90, 97...122])
        case "alpha": LetterSet([65...90, 97...122])
        case "ascii": LetterSet([0...127])
        case "blank": LetterSet([9...9, 32...32])
        case "cntrl": LetterSet([0...31, 127...127])
        case "digit": digit
        case "graph": LetterSet([33...126])
        case "lower": LetterSet([97...122])
        case "print": LetterSet([32...126])
        case "punct": LetterSet([33...47, 58...64, 91...96, 123...126])
        case "space": LetterSet([9...13, 32...32])
        case "upper": LetterSet([65...90])
        case "word": word
        case "xdigit": LetterSet([48...57, 65...70, 97...102])
        default: nil
        }
    }
}
