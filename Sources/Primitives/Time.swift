/// A point on the monotonic clock, in nanoseconds. Timers and deadlines; never shown, never stored.
public struct Instant: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static let zero = Instant(nanoseconds: 0)
    public static let distantFuture = Instant(nanoseconds: .max)

    @inlinable public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Saturates, so that a deadline far away is `distantFuture` and not in the past.
    public func adding(milliseconds: Int64) -> Instant {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflowed) = nanoseconds.addingReportingOverflow(overflow ? (milliseconds < 0 ? .min : .max) : product)
        return Instant(nanoseconds: overflowed ? (milliseconds < 0 ? .min : .max) : sum)
    }

    public func milliseconds(since earlier: Instant) -> Int64 { (nanoseconds &- earlier.nanoseconds) / 1_000_000 }
}

/// A point on the wall clock, in milliseconds since 1970-01-01 UTC: the timestamps of records, commits and events.
public struct Timestamp: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    public var milliseconds: Int64
    @inlinable public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public init(integerLiteral value: Int64) { milliseconds = value }

    public static let none = Timestamp(milliseconds: -1)
    @inlinable public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
    public var description: String { String(milliseconds) }
}

/// Both clocks, read together by the shell and handed to the core with each event.
public struct Now: Hashable, Sendable {
    public var instant: Instant
    public var wall: Timestamp

    public init(instant: Instant, wall: Timestamp) {
        self.instant = instant
        self.wall = wall
    }
}

/// A date and time of day in UTC, for people: `2026-11-21 10:30:00.123`. Civil-from-days after Howard Hinnant's algorithm.
public struct CivilTime: Equatable, Sendable {
    public var year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int

    public init(_ time: Timestamp, offsetSeconds: Int64 = 0) {
        let total = time.milliseconds + offsetSeconds * 1000
        let days = Int((total - (((total % 86_400_000) + 86_400_000) % 86_400_000)) / 86_400_000)
        var rest = Int(((total % 86_400_000) + 86_400_000) % 86_400_000)
        millisecond = rest % 1000
        rest /= 1000
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Milliseconds since 1970 of a UTC date and time. The fields must be in range.
    public static func timestamp(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int, _ ms: Int
    ) -> Timestamp {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = Int64(era * 146_097 + dayOfEra - 719_468)
        return Timestamp(milliseconds: ((days * 24 + Int64(hour)) * 60 + Int64(minute)) * 60_000 + Int64(second * 1000 + ms))
    }

    public var date: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }
    public var clock: String { "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))" }
    public var clockMilliseconds: String { "\(clock).\(padded(millisecond, 3))" }
    public var text: String { "\(date) \(clockMilliseconds)" }
}

/// `value` in decimal with at least `width` digits.
public func padded(_ value: some BinaryInteger, _ width: Int) -> String {
    let digits = String(value)
    return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
}
