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
