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

    package var text: String {
        switch self {
        case .beginning: "beginning"
        case .end: "end"
        case .last(let count): "last \(count)"
        case .offset(let offset): "offset \(offset)"
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

/// What to read for a tail view.
package struct TailQuery: Equatable, Sendable {
    /// Tells this reading from earlier ones of the same view: what still arrives from those is dropped.
    package var session: Int
    package var topic: String
    /// Nil: all of them.
    package var partition: Int32?
    package var start: TailStart

    package init(session: Int, topic: String, partition: Int32? = nil, start: TailStart) {
        self.session = session
        self.topic = topic
        self.partition = partition
        self.start = start
    }
}

/// A message as read. Its bytes are hostile until escaped.
package struct TailMessage: Equatable, Sendable {
    package struct Header: Equatable, Sendable {
        package var name: String
        package var value: Bytes?
        package init(_ name: String, _ value: Bytes?) {
            self.name = name
            self.value = value
        }
    }
    package var partition: TopicPartition
    package var offset: Offset
    package var timestamp: Timestamp
    package var key: Bytes?
    /// Nil is a tombstone.
    package var value: Bytes?
    package var headers: [Header]

    package init(
        partition: TopicPartition, offset: Offset, timestamp: Timestamp, key: Bytes? = nil, value: Bytes?, headers: [Header] = []
    ) {
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// News from a tail's reader.
package struct TailUpdate: Equatable, Sendable {
    package var session: Int
    /// In the order in which they are to be shown.
    package var messages: [TailMessage]
    /// Read but not handed over, because the stream outran the view.
    package var skipped: Int
    /// Nothing is left to read just now: the reader stands at the end of every partition.
    package var isCaughtUp: Bool
    /// What keeps it from reading; nil while it reads.
    package var error: String?

    package init(session: Int, messages: [TailMessage] = [], skipped: Int = 0, isCaughtUp: Bool = false, error: String? = nil) {
        self.session = session
        self.messages = messages
        self.skipped = skipped
        self.isCaughtUp = isCaughtUp
        self.error = error
    }
}
