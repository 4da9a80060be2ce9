import Primitives

/// How a group stands in one partition, or as a whole. Ordered: the later, the worse.
///
/// The base are Burrow's rules, judged over a window of readings, with its holes closed: the lag is measured against the log's end as it is
/// now and not as it was at the last commit; "stopped" counts from the moment when there was something unread, so that a quiet topic never
/// looks stopped; and a window that is too short to judge says so rather than OK.
package enum LagVerdict: String, Comparable, CaseIterable, Sendable {
    /// Nothing is unread, or no more than comes between two commits, or it was so within the window.
    case ok
    /// Behind, and watched for too short a time to say more.
    case watching
    /// Behind, and it shrinks.
    case catchingUp = "catching up"
    /// Behind by about the same, all the while.
    case behind
    /// Behind, and it grows though the group commits.
    case growing
    /// Somebody owns the partition, there is something to read, and the commits stand still.
    case stalled
    /// Nobody commits, and there is something to read.
    case stopped
    /// The commit went back and has not come up to where it was.
    case rewound
    /// The commit lies before the first record that is still there: what lay between is lost to the group.
    case lost

    package static func < (a: LagVerdict, b: LagVerdict) -> Bool { a.severity < b.severity }
    private var severity: Int { LagVerdict.allCases.firstIndex(of: self) ?? 0 }

    /// Burrow's word for it, for those who know those.
    package var burrow: String {
        switch self {
        case .ok, .watching, .catchingUp, .behind: "OK"
        case .growing: "WARN"
        case .stalled: "STALL"
        case .stopped: "STOP"
        case .rewound: "REWIND"
        case .lost: "ERR"
        }
    }
    /// Somebody should look.
    package var isTrouble: Bool { self >= .growing }
}

package enum LagTrend: String, Equatable, Sendable {
    case unknown, falling, steady, rising
}

/// How old the first unread record is.
package struct TimeLag: Equatable, Sendable {
    package enum Kind: String, Equatable, Sendable {
        /// The record itself was read, or there is none.
        case exact
        /// From the log's ends as they were seen.
        case interpolated
        /// Older than all that was seen.
        case atLeast = "at least"
    }
    package var milliseconds: Int64
    package var kind: Kind

    package init(_ milliseconds: Int64, _ kind: Kind) { (self.milliseconds, self.kind) = (milliseconds, kind) }
}

/// The one record at a group's committed offset, as it was read.
package struct UnreadRecord: Equatable, Sendable {
    /// What was asked for: the committed offset.
    package var asked: Offset
    /// Where the first record at or after that stands.
    package var offset: Offset
    package var timestamp: Timestamp
    /// Bytes of the key and the value together.
    package var bytes: Int
    /// When it was read.
    package var readAt: Timestamp

    package init(asked: Offset, offset: Offset, timestamp: Timestamp, bytes: Int, readAt: Timestamp) {
        (self.asked, self.offset, self.timestamp, self.bytes, self.readAt) = (asked, offset, timestamp, bytes, readAt)
    }
}
