import Primitives

/// Dates and durations as Kafka's tools write them.
package enum IsoTime {
    /// `2026-11-21T10:30:00.000`, UTC: what `--to-datetime` takes.
    package static func text(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        return "\(civil.date)T\(civil.clockMilliseconds)"
    }

    /// `P1DT2H3M4.5S`: what `--by-duration` takes.
    package static func duration(milliseconds: Int64) -> String {
        let total = max(0, milliseconds)
        let (days, hours) = (total / 86_400_000, total / 3_600_000 % 24)
        let (minutes, seconds, rest) = (total / 60_000 % 60, total / 1000 % 60, total % 1000)
        var text = "P"
        if days > 0 { text += "\(days)D" }
        guard total % 86_400_000 > 0 || days == 0 else { return text }
        text += "T"
        if hours > 0 { text += "\(hours)H" }
        if minutes > 0 { text += "\(minutes)M" }
        if seconds > 0 || rest > 0 || text == "PT" { text += rest > 0 ? "\(seconds).\(padded(rest, 3))S" : "\(seconds)S" }
        return text
    }

    /// A date with an optional time of day and zone: `2026-11-21`, `2026-11-21T10:30`, `2026-11-21 10:30:00.123`, with `Z`, `+02` or
    /// `+02:00` after it. Without a zone UTC, as in Kafka's tools. Nil where it is none.
    package static func parse(_ text: String) -> Timestamp? {
        var scanner = Scanner(text)
        guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2), scanner.skip("-"),
            let day = scanner.number(2), (1...12).contains(month), (1...daysIn(month, of: year)).contains(day)
        else { return nil }
        var (hour, minute, second, milliseconds) = (0, 0, 0, 0)
        if scanner.skip("T") || scanner.skip(" ") {
            guard let parsedHour = scanner.number(2), scanner.skip(":"), let parsedMinute = scanner.number(2) else { return nil }
            (hour, minute) = (parsedHour, parsedMinute)
            if scanner.skip(":") {
                guard let parsed = scanner.number(2) else { return nil }
                second = parsed
                if scanner.skip(".") {
                    guard let fraction = scanner.fraction() else { return nil }
                    milliseconds = fraction
                }
            }
            guard hour < 24, minute < 60, second < 60 else { return nil }
        }
        guard let zone = scanner.zone(), scanner.isAtEnd else { return nil }
        let utc = CivilTime.timestamp(year, month, day, hour, minute, second, milliseconds)
        return Timestamp(milliseconds: utc.milliseconds - zone)
    }

    private static func daysIn(_ month: Int, of year: Int) -> Int {
        if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }
}

/// A cursor over ASCII text.
private struct Scanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func skip(_ text: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    private mutating func digit() -> Int64? {
        guard position < bytes.count, (0x30...0x39).contains(bytes[position]) else { return nil }
        position += 1
        return Int64(bytes[position - 1] - 0x30)
    }

    /// Exactly so many digits.
    mutating func number(_ digits: Int) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let next = digit() else { return nil }
            value = value * 10 + Int(next)
        }
        return value
    }

    /// The digits after a decimal point, as milliseconds.
    mutating func fraction() -> Int? {
        guard let first = digit() else { return nil }
        var value = Int(first) * 100
        var scale = 10
        while let next = digit() {
            value += Int(next) * scale
            scale /= 10
        }
        return value
    }

    /// Milliseconds east of UTC; 0 where nothing is said. Nil where what follows is no zone.
    mutating func zone() -> Int64? {
        if isAtEnd || skip("Z") { return 0 }
        let sign: Int64 = skip("+") ? 1 : skip("-") ? -1 : 0
        guard sign != 0, let hours = number(2), hours <= 18 else { return nil }
        _ = skip(":")
        let minutes = isAtEnd ? 0 : number(2)
        guard let minutes, minutes < 60 else { return nil }
        return sign * Int64(hours * 60 + minutes) * 60_000
    }
}
