/// Turns a pattern's text into a program, by recursive descent: alternatives of sequences of repeated atoms.
struct PatternCompiler {
    private let text: [Unicode.Scalar]
    private var at = 0
    private var depth = 0
    private let ignoresCase: Bool

    /// Fragments are relocatable: targets are relative to the fragment's start.
    private typealias Fragment = [Pattern.Instruction]

    init(_ text: String) {
        self.text = Array(text.unicodeScalars)
        ignoresCase = !text.unicodeScalars.contains { $0.properties.isUppercase }
    }

    mutating func compile() throws(Pattern.Failure) -> [Pattern.Instruction] {
        let body = try alternatives()
        if at < text.count { throw .unopenedGroup }
        return body + [.accept]
    }

    private mutating func alternatives() throws(Pattern.Failure) -> Fragment {
        var result = try sequence()
        while at < text.count, text[at] == "|" {
            at += 1
            let other = try sequence()
            result =
                [.split(1, result.count + 2)] + moved(result, 1) + [.jump(result.count + 2 + other.count)] + moved(other, result.count + 2)
            try checkSize(result)
        }
        return result
    }

    private mutating func sequence() throws(Pattern.Failure) -> Fragment {
        var result: Fragment = []
        while at < text.count, text[at] != "|", text[at] != ")" {
            let piece = try repeated()
            result += moved(piece, result.count)
            try checkSize(result)
        }
        return result
    }

    private mutating func repeated() throws(Pattern.Failure) -> Fragment {
        var piece = try atom()
        while at < text.count, let bounds = try repeatBounds() {
            if at < text.count, text[at] == "?" { at += 1 }
            piece = try expanded(piece, bounds.least, bounds.most)
        }
        return piece
    }

    private mutating func repeatBounds() throws(Pattern.Failure) -> (least: Int, most: Int?)? {
        switch text[at] {
        case "*":
            at += 1
            return (0, nil)
        case "+":
            at += 1
            return (1, nil)
        case "?":
            at += 1
            return (0, 1)
        case "{":
            guard let close = text[at...].firstIndex(of: "}") else { return nil }
            let parts = String(String.UnicodeScalarView(text[at + 1..<close])).split(separator: ",", omittingEmptySubsequences: false)
            guard let first = parts.first, let least = Int(first), parts.count <= 2, least >= 0 else { return nil }
            var most: Int? = least
            if parts.count == 2 { most = parts[1].isEmpty ? nil : Int(parts[1]) ?? -1 }
            if let most, most < least { throw .badRepeat }
            if max(least, most ?? 0) > 1000 { throw .tooLarge }
            at = close + 1
            return (least, most)
        default: return nil
        }
    }

    private func expanded(_ piece: Fragment, _ least: Int, _ most: Int?) throws(Pattern.Failure) -> Fragment {
        var result: Fragment = []
        for _ in 0..<least {
            result += moved(piece, result.count)
            try checkSize(result)
        }
        if let most {
            for _ in least..<most {
                let rest = [.split(1, piece.count + 1)] + moved(piece, 1)
                result += moved(rest, result.count)
                try checkSize(result)
            }
        } else {
            let loop: Fragment = [.split(1, piece.count + 2)] + moved(piece, 1) + [.jump(0)]
            result += moved(loop, result.count)
        }
        return result
    }

    private mutating func atom() throws(Pattern.Failure) -> Fragment {
        let scalar = text[at]
        at += 1
        switch scalar {
        case ".": return [.scalars(.any)]
        case "^": return [.start]
        case "$": return [.end]
        case "(": return try group()
        case "[": return [.scalars(try characterClass())]
        case "*", "+", "?": throw .nothingToRepeat
        case "\\": return [try escape()]
        default: return [.scalars(one(scalar))]
        }
    }

    private mutating func group() throws(Pattern.Failure) -> Fragment {
        depth += 1
        if depth > 50 { throw .tooLarge }
        if at + 1 < text.count, text[at] == "?", text[at + 1] == ":" || text[at + 1] == "i" {
            at += 2
            if at < text.count, text[at - 1] == "i", text[at] == ":" { at += 1 }
        }
        let inner = try alternatives()
        guard at < text.count, text[at] == ")" else { throw .unclosedGroup }
        at += 1
        depth -= 1
        return inner
    }

    private func one(_ scalar: Unicode.Scalar) -> ScalarSet {
        let value = ignoresCase ? Pattern.folded(scalar) : scalar.value
        return ScalarSet([value...value])
    }

    private mutating func escape() throws(Pattern.Failure) -> Pattern.Instruction {
        guard at < text.count else { throw .trailingBackslash }
        let scalar = text[at]
        at += 1
        switch scalar {
        case "b": return .boundary(true)
        case "B": return .boundary(false)
        default: return .scalars(escapedSet(scalar) ?? one(escapedScalar(scalar)))
        }
    }

    private func escapedSet(_ scalar: Unicode.Scalar) -> ScalarSet? {
        switch scalar {
        case "d": .digit
        case "D": ScalarSet.digit.inverse
        case "w": .word
        case "W": ScalarSet.word.inverse
        case "s": .space
        case "S": ScalarSet.space.inverse
        default: nil
        }
    }

    private func escapedScalar(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar {
        case "n": "\n"
        case "t": "\t"
        case "r": "\r"
        default: scalar
        }
    }

    private mutating func characterClass() throws(Pattern.Failure) -> ScalarSet {
        var set = ScalarSet([])
        if at < text.count, text[at] == "^" {
            set.negated = true
            at += 1
        }
        var first = true
        while at < text.count, first || text[at] != "]" {
            first = false
            if text[at] == "\\", at + 1 < text.count, let known = escapedSet(text[at + 1]), !known.negated {
                set.ranges += known.ranges
                at += 2
                continue
            }
            let low = try classScalar()
            var high = low
            if at + 1 < text.count, text[at] == "-", text[at + 1] != "]" {
                at += 1
                high = try classScalar()
            }
            if high.value >= low.value { set.ranges.append(low.value...high.value) }
            if ignoresCase { set.ranges.append(Pattern.folded(low)...max(Pattern.folded(low), Pattern.folded(high))) }
        }
        guard at < text.count else { throw .unclosedClass }
        at += 1
        return set
    }

    private mutating func classScalar() throws(Pattern.Failure) -> Unicode.Scalar {
        guard at < text.count else { throw .unclosedClass }
        var scalar = text[at]
        at += 1
        if scalar == "\\" {
            guard at < text.count else { throw .unclosedClass }
            scalar = escapedScalar(text[at])
            at += 1
        }
        return scalar
    }

    private func checkSize(_ fragment: Fragment) throws(Pattern.Failure) {
        if fragment.count > Pattern.instructionsMax { throw .tooLarge }
    }

    private func moved(_ fragment: Fragment, _ by: Int) -> Fragment {
        fragment.map { instruction in
            switch instruction {
            case .split(let a, let b): .split(a + by, b + by)
            case .jump(let target): .jump(target + by)
            default: instruction
            }
        }
    }
}
