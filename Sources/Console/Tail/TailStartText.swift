import Primitives

extension TailStart {
    /// `begin`, `end`, `1234` (an offset), `+10` (after the beginning), `-100` (the last so many of each partition), `2h` or `PT2H` (ago),
    /// `@2026-01-31T10:00`, `@1769853600000`; nil where it is none of these.
    package init?(_ text: String) {
        let text = String(text.drop { $0 == " " })
        switch text {
        case "begin", "beginning", "start", "earliest": self = .beginning
        case "end", "latest", "now", "live": self = .end
        default:
            if text.hasPrefix("-"), let count = Int64(text.dropFirst()), count > 0 {
                self = .last(count)
            } else if text.hasPrefix("+"), let count = Int64(text.dropFirst()), count >= 0, !text.hasPrefix("++"), !text.hasPrefix("+-") {
                self = .afterStart(count)
            } else if !text.hasPrefix("-"), let offset = Int64(text), offset >= 0 {
                self = .offset(offset)
            } else if text.hasPrefix("@"), let time = parseTime(String(text.dropFirst())) {
                self = .timestamp(time)
            } else if let milliseconds = ISODuration.orShort(text), milliseconds > 0 {
                self = .ago(milliseconds: milliseconds)
            } else if let time = parseTime(text) {
                self = .timestamp(time)
            } else {
                return nil
            }
        }
    }
}

/// A date and perhaps a time of day in UTC, `2026-01-31[T10:30[:15[.250]]][Z]` with a space allowed for the T, or milliseconds since
/// 1970; nil where it is neither.
func parseTime(_ text: String) -> Timestamp? {
    if let milliseconds = Int64(text), text.utf8.count >= 10, milliseconds > 0 { return Timestamp(milliseconds: milliseconds) }
    var digits = text
    if digits.hasSuffix("Z") { digits.removeLast() }
    let halves = digits.split(maxSplits: 1, whereSeparator: { $0 == "T" || $0 == " " })
    guard let first = halves.first else { return nil }
    let date = first.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
    guard date.count == 3, (1970...9999).contains(date[0]), (1...12).contains(date[1]), (1...daysIn(date[1], of: date[0])).contains(date[2])
    else {
        return nil
    }
    guard halves.count == 2 else { return CivilTime.timestamp(date[0], date[1], date[2], 0, 0, 0, 0) }
    let parts = halves[1].split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let hour = Int(parts[0]), let minute = Int(parts[1]) else { return nil }
    var second = 0
    var millisecond = 0
    if parts.count == 3 {
        let pieces = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count <= 2, let whole = Int(pieces[0]) else { return nil }
        second = whole
        if pieces.count == 2 {
            guard pieces[1].utf8.count <= 3, let fraction = Int(pieces[1]) else { return nil }
            millisecond = fraction * [1, 100, 10, 1][pieces[1].utf8.count]
        }
    }
    guard (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second), (0...999).contains(millisecond) else { return nil }
    return CivilTime.timestamp(date[0], date[1], date[2], hour, minute, second, millisecond)
}

private func daysIn(_ month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
}
