import Observatory
import Primitives

/// Where to read from and, perhaps, up to: rpk's grammar.
///
/// `start`, `end`, `N` (an offset), `+N` (after the start), `-N` (the last so many); `@TIME`; each with `:` and a stop behind it, or
/// `:` and a stop alone: `5:10`, `+2:-3`, `:end`, `@TIME:TIME`, `@-48h:-24h`, `@-1m:end`, `@-1h:5m` (five minutes from there), `@:TIME`.
/// TIME is milliseconds or seconds since 1970, a date, a date and a time (UTC unless it says otherwise), or an age: `1h`, `-1h`, `PT1H`.
package struct TailRange: Equatable, Sendable {
    package var start: TailStart?
    package var stop: TailStop?

    /// What the prompt says to what is none.
    package static let hint = "offset, +10, -100, 2h, @time, start:end, @-1h:-5m"

    package init(start: TailStart? = nil, stop: TailStop? = nil) {
        self.start = start
        self.stop = stop
    }

    package init?(_ text: String, now: Timestamp) {
        let text = String(text.drop { $0 == " " }).trimmedEnd
        if text.isEmpty { return nil }
        if text.hasPrefix("@") {
            self.init(times: text.dropFirst(), now: now)
        } else if let start = TailStart(text) {
            self.init(start: start)
        } else {
            let halves = text.split(separator: ":", omittingEmptySubsequences: false)
            guard halves.count == 2 else { return nil }
            if halves[0].isEmpty && halves[1].isEmpty { return nil }
            let start = TailStart(String(halves[0]))
            let stop = TailRange.stop(halves[1])
            guard halves[0].isEmpty || start != nil, halves[1].isEmpty || stop != nil else { return nil }
            self.init(start: start, stop: stop)
        }
    }

    private init?(times: Substring, now: Timestamp) {
        if let start = TailRange.startTime(times, now: now) {
            self.init(start: start)
            return
        }
        // Times have colons too: the first that leaves something sensible on both sides.
        for colon in times.indices where times[colon] == ":" {
            let left = times[..<colon]
            let right = times[times.index(after: colon)...]
            let start = TailRange.startTime(left, now: now)
            guard left.isEmpty || start != nil, !(left.isEmpty && right.isEmpty) else { continue }
            if right.isEmpty {
                self.init(start: start)
                return
            }
            guard let stop = TailRange.stopTime(right, from: start, now: now) else { continue }
            self.init(start: start, stop: stop)
            return
        }
        return nil
    }

    private static func stop(_ text: Substring) -> TailStop? {
        if text == "end" { return .end }
        if text.hasPrefix("+") { return Int64(text.dropFirst()).map { .afterStart($0) } }
        if text.hasPrefix("-") { return Int64(text.dropFirst()).flatMap { $0 < 0 ? nil : .beforeEnd($0) } }
        return Int64(text).flatMap { $0 < 0 ? nil : .offset($0) }
    }

    private static func startTime(_ text: Substring, now: Timestamp) -> TailStart? {
        if text == "start" { return .beginning }
        if text == "end" || text == "now" { return .end }
        let age = text.hasPrefix("-") ? text.dropFirst() : text
        if let milliseconds = ISODuration.orShort(String(age)) { return milliseconds > 0 ? .ago(milliseconds: milliseconds) : nil }
        return moment(String(text)).map { .timestamp($0) }
    }

    private static func stopTime(_ text: Substring, from start: TailStart?, now: Timestamp) -> TailStop? {
        if text == "end" || text == "now" { return .end }
        if text.hasPrefix("-"), let age = ISODuration.orShort(String(text.dropFirst())) { return .timestamp(now.adding(-age)) }
        if let length = ISODuration.orShort(String(text)) {
            switch start {
            case .timestamp(let time): return .timestamp(time.adding(length))
            case .ago(let age): return .timestamp(now.adding(length - age))
            default: return .timestamp(now.adding(-length))
            }
        }
        return moment(String(text)).map { .timestamp($0) }
    }

    /// A point in time; a number of nine to eleven digits is in seconds, any other in milliseconds.
    private static func moment(_ text: String) -> Timestamp? {
        if let number = Int64(text) {
            guard number >= 0 else { return nil }
            return Timestamp(milliseconds: (9...11).contains(text.utf8.count) ? number * 1000 : number)
        }
        return IsoTime.parse(text) ?? parseTime(text)
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}

extension Timestamp {
    fileprivate func adding(_ length: Int64) -> Timestamp {
        let (sum, overflow) = milliseconds.addingReportingOverflow(length)
        return Timestamp(milliseconds: overflow ? .max : max(0, sum))
    }
}
