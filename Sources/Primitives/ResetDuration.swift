/// The milliseconds of `by_duration:P1DT2H3M4.5S`, as `auto.offset.reset` and `share.auto.offset.reset` say it (KIP-1106); nil where it is
/// none.
public func resetDuration(_ value: String) -> Int64? {
    guard value.hasPrefix("by_duration:P") else { return nil }
    var (milliseconds, number, isTime, hasPart) = (0.0, "", false, false)
    for letter in value.dropFirst("by_duration:P".count) {
        switch letter {
        case "0"..."9", ".": number.append(letter)
        case "T": isTime = true
        default:
            let unit: Double
            switch (letter, isTime) {
            case ("D", false): unit = 86_400_000
            case ("H", true): unit = 3_600_000
            case ("M", true): unit = 60_000
            case ("S", true): unit = 1_000
            default: return nil
            }
            guard let count = Double(number) else { return nil }
            milliseconds += count * unit
            (number, hasPart) = ("", true)
        }
    }
    guard hasPart, number.isEmpty, milliseconds < Double(Int64.max / 2) else { return nil }
    return Int64(milliseconds)
}
