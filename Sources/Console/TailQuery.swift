import Primitives

/// From where a tail reads.
package enum TailStart: Equatable, Sendable {
    case beginning
    case end
    /// The last so many messages of each partition.
    case last(Int64)
    case offset(Int64)
    case timestamp(Timestamp)
    /// So many milliseconds before now.
    case ago(milliseconds: Int64)
    /// So many offsets after the beginning of each partition.
    case afterStart(Int64)

    package var text: String {
        switch self {
        case .beginning: "beginning"
        case .end: "end"
        case .last(let count): "last \(count)"
        case .offset(let offset): "offset \(offset)"
        case .afterStart(let count): "beginning + \(count)"
        case .timestamp(let time): CivilTime(time).date + " " + CivilTime(time).clock
        case .ago(let milliseconds): "\(ageWords(milliseconds)) ago"
        }
    }
}

/// `90000` as `90s`, `3600000` as `1h`: the largest unit that divides it.
func ageWords(_ milliseconds: Int64) -> String {
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
    where milliseconds >= size && milliseconds % size == 0 {
        return "\(milliseconds / size)\(unit)"
    }
    return "\(milliseconds)ms"
}

/// Where a tail stops reading: at the end as it was when it began, if not before.
package enum TailStop: Equatable, Sendable {
    case end
    case offset(Int64)
    case afterStart(Int64)
    case beforeEnd(Int64)
    /// Before the first message not older than this.
    case timestamp(Timestamp)

    package var text: String {
        switch self {
        case .end: "end"
        case .offset(let offset): "offset \(offset)"
        case .afterStart(let count): "beginning + \(count)"
        case .beforeEnd(let count): "end - \(count)"
        case .timestamp(let time): CivilTime(time).date + " " + CivilTime(time).clock
        }
    }
}

/// What to read for a tail view.
package struct TailQuery: Equatable, Sendable {
    /// Tells this reading from earlier ones of the same view: what still arrives from those is dropped.
    package var session: Int
    /// One, or several to be merged by time.
    package var topics: [String]
    /// Nil: all of them. Only where there is one topic.
    package var partition: Int32?
    package var start: TailStart
    /// Nil: never, what is written later is read too.
    package var stop: TailStop?
    /// Without the masks, where that is allowed.
    package var isUnmasked = false

    package init(session: Int, topics: [String], partition: Int32? = nil, start: TailStart, stop: TailStop? = nil) {
        self.session = session
        self.topics = topics
        self.partition = partition
        self.start = start
        self.stop = stop
    }

    package init(session: Int, topic: String, partition: Int32? = nil, start: TailStart, stop: TailStop? = nil) {
        self.init(session: session, topics: [topic], partition: partition, start: start, stop: stop)
    }

    /// "from 2h ago to end".
    package var span: String { start.text + (stop.map { " to \($0.text)" } ?? "") }
}

/// How far a tail has read of what was there to read, in offsets, over all partitions.
package struct TailProgress: Equatable, Sendable {
    package var read: Int64
    package var total: Int64
    package init(read: Int64, total: Int64) {
        self.read = read
        self.total = total
    }
}

/// News from a tail's reader.
package struct TailUpdate: Equatable, Sendable {
    package var session: Int
    /// In the order in which they are to be shown.
    package var messages: [TailMessage]
    /// Read but not handed over, because the stream outran the view.
    package var skipped: Int
    /// Read but not handed over, because the filter that the reader was told does not let them through.
    package var filtered: Int
    package var progress: TailProgress?
    /// Offsets between the last stable one and the high watermark: what open transactions keep from those who read what is committed.
    package var unstable: Int64
    /// Nothing is left to read just now: the reader stands at the end of every partition.
    package var isCaughtUp: Bool
    /// What was to be read has been read; nothing more will come.
    package var isFinished: Bool
    /// What keeps it from reading; nil while it reads.
    package var error: String?

    package init(session: Int, messages: [TailMessage] = [], skipped: Int = 0, isCaughtUp: Bool = false, error: String? = nil) {
        self.session = session
        self.messages = messages
        self.skipped = skipped
        self.isCaughtUp = isCaughtUp
        self.error = error
        filtered = 0
        unstable = 0
        isFinished = false
    }
}
