/// Durations as Java writes them (ISO 8601): `P1DT2H3M4.5S`.
public enum ISODuration {
    /// Milliseconds, up to a hundred years; nil where it is none.
    public static func milliseconds(_ text: some StringProtocol) -> Int64? {
        guard text.first == "P" || text.first == "p" else { return nil }
        var (total, isTime, hasPart): (Double, Bool, Bool) = (0, false, false)
        var number = ""
        for letter in text.dropFirst().uppercased() {
            switch letter {
            case "0"..."9", ".": number.append(letter)
            case "T" where !isTime && number.isEmpty: isTime = true
            default:
                guard let unit = unit(letter, isTime: isTime), let count = Double(number), count.isFinite else { return nil }
                total += count * unit
                (number, hasPart) = ("", true)
            }
        }
        guard hasPart, number.isEmpty, total <= 3_153_600_000_000 else { return nil }
        return Int64(total)
    }

    /// ISO's, or a short one as people type it: `2d`, `1h30m`, `90s`, `1.5h`, `500ms`, `2w`.
    public static func orShort(_ text: some StringProtocol) -> Int64? {
        if text.first == "P" || text.first == "p" { return milliseconds(text) }
        var (total, hasPart): (Double, Bool) = (0, false)
        var rest = text.lowercased()[...]
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { ("a"..."z").contains($0) }
            rest = rest.dropFirst(name.count)
            guard let count = Double(digits), count.isFinite, let unit = shortUnit(name) else { return nil }
            total += count * unit
            hasPart = true
        }
        return hasPart && total <= 3_153_600_000_000 ? Int64(total) : nil
    }

    private static func shortUnit(_ name: Substring) -> Double? {
        switch name {
        case "ms": 1
        case "s": 1000
        case "m": 60_000
        case "h": 3_600_000
        case "d": 86_400_000
        case "w": 604_800_000
        default: nil
        }
    }

    private static func unit(_ letter: Character, isTime: Bool) -> Double? {
        switch (letter, isTime) {
        case ("D", false): 86_400_000
        case ("H", true): 3_600_000
        case ("M", true): 60_000
        case ("S", true): 1000
        default: nil
        }
    }
}
