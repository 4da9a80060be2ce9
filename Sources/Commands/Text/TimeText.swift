import Primitives

/// Points in time as people write them on a command line, always UTC: milliseconds since 1970, `2026-11-21`, `2026-11-21T10:30`,
/// `2026-11-21T10:30:00.000` (a trailing `Z` and a space for the `T` are understood), or an age: `90s`, `15m`, `2h`, `7d`, `PT1H30M`.
package func parseTime(_ text: String, now: Timestamp) -> Timestamp? {
    if let milliseconds = Int64(text) { return milliseconds >= 0 ? Timestamp(milliseconds: milliseconds) : nil }
    if let age = parseDuration(text) { return Timestamp(milliseconds: now.milliseconds - age) }
    return parseCivil(text)
}

/// A length of time in milliseconds: `90s`, `15m`, `2h`, `7d`, `500ms`, or ISO 8601 as Kafka's tools take it: `P1DT2H30M5S`.
package func parseDuration(_ text: String) -> Int64? {
    var rest = Substring(text.lowercased())
    let units: [(String, Int64)]
    if rest.hasPrefix("p") {
        rest.removeFirst()
        units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
    } else {
        units = [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
    }
    var total: Int64 = 0
    var parts = 0
    while !rest.isEmpty {
        if rest.first == "t" { rest.removeFirst() }
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        rest = rest.dropFirst(digits.count)
        guard let (name, factor) = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
        rest = rest.dropFirst(name.count)
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        let (sum, overflowed) = total.addingReportingOverflow(product)
        if overflow || overflowed { return nil }
        total = sum
        parts += 1
    }
    return parts > 0 ? total : nil
}

private func parseCivil(_ text: String) -> Timestamp? {
    var text = Substring(text)
    if text.hasSuffix("Z") || text.hasSuffix("z") { text.removeLast() }
    let halves = text.split(maxSplits: 1, whereSeparator: { $0 == "T" || $0 == "t" || $0 == " " })
    guard let day = halves.first else { return nil }
    let date = day.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
    guard date.count == 3, (1970...9999).contains(date[0]), (1...12).contains(date[1]), (1...31).contains(date[2]) else { return nil }
    var clock = [0, 0, 0]
    var milliseconds = 0
    if halves.count == 2 {
        let seconds = halves[1].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        clock = seconds[0].split(separator: ":", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
        guard (2...3).contains(clock.count) else { return nil }
        if clock.count == 2 { clock.append(0) }
        if seconds.count == 2 {
            guard (1...3).contains(seconds[1].count), let fraction = Int(seconds[1]), fraction >= 0 else { return nil }
            milliseconds = fraction * [100, 10, 1][seconds[1].count - 1]
        }
    }
    guard (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...59).contains(clock[2]) else { return nil }
    let time = CivilTime.timestamp(date[0], date[1], date[2], clock[0], clock[1], clock[2], milliseconds)
    // A day that the month does not have comes back as another date.
    return CivilTime(time).day == date[2] ? time : nil
}
