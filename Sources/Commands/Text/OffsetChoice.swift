import Primitives

/// Where `tail` begins or stops, in every partition: kcat's grammar with rpk's times.
package enum OffsetChoice: Equatable, Sendable {
    case beginning
    case end
    case offset(Int64)
    /// So many before the end.
    case last(Int64)
    case time(Timestamp)
}

/// What the `-o` flags of one `tail` say together.
package struct OffsetRange: Equatable, Sendable {
    package var start: OffsetChoice?
    /// Stop at the first record at or after it.
    package var stop: Timestamp?

    package static func parse(_ texts: [String], now: Timestamp) throws(Failure) -> OffsetRange {
        var range = OffsetRange()
        for text in texts {
            if text.hasPrefix("e@") {
                guard let time = parseTime(String(text.dropFirst(2)), now: now) else { throw bad(text) }
                range.stop = time
            } else {
                range.start = try choice(text, now: now)
            }
        }
        return range
    }

    private static func choice(_ text: String, now: Timestamp) throws(Failure) -> OffsetChoice {
        switch text {
        case "beginning", "start", "earliest": return .beginning
        case "end", "latest": return .end
        default: break
        }
        if text.hasPrefix("@") || text.hasPrefix("s@") {
            guard let time = parseTime(String(text.dropFirst(text.hasPrefix("s") ? 2 : 1)), now: now) else { throw bad(text) }
            return .time(time)
        }
        guard let number = Int64(text), number != .min else { throw bad(text) }
        return text.hasPrefix("-") ? .last(-number) : .offset(number)
    }

    private static func bad(_ text: String) -> Failure {
        .usage("--offsets: \"\(text)\" is none of beginning, end, N, -N, @TIME, s@TIME, e@TIME")
    }
}
