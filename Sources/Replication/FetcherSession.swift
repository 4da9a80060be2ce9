import Primitives

/// A partition as fetches between brokers name it.
package struct FetchKey: Hashable, Comparable, Sendable {
    package var topicID: UUID
    package var partition: Int32
    package init(topicID: UUID, partition: Int32) { (self.topicID, self.partition) = (topicID, partition) }
    package static func < (a: FetchKey, b: FetchKey) -> Bool {
        a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID
    }
}

/// What a follower asks of one partition.
package struct FetchPosition: Equatable, Sendable {
    package var leaderEpoch: LeaderEpoch
    package var fetchOffset: Offset
    package var lastFetchedEpoch: LeaderEpoch
    package var logStartOffset: Offset
    package init(leaderEpoch: LeaderEpoch, fetchOffset: Offset, lastFetchedEpoch: LeaderEpoch, logStartOffset: Offset) {
        self.leaderEpoch = leaderEpoch
        self.fetchOffset = fetchOffset
        self.lastFetchedEpoch = lastFetchedEpoch
        self.logStartOffset = logStartOffset
    }
}

/// The fetcher's half of a fetch session (KIP-227): remembers what the leader has been told, so that each request names only what changed.
///
/// A request is either full (epoch 0: every partition, and a session that existed is closed) or incremental. After any failure the next one
/// is full, because nobody knows what the leader took in.
package struct FetcherSession: Equatable, Sendable {
    package struct Request: Equatable, Sendable {
        package var sessionID: Int32
        package var sessionEpoch: Int32
        package var partitions: [(key: FetchKey, position: FetchPosition)]
        package var forgotten: [FetchKey]
        package static func == (a: Request, b: Request) -> Bool {
            a.sessionID == b.sessionID && a.sessionEpoch == b.sessionEpoch && a.forgotten == b.forgotten
                && a.partitions.elementsEqual(b.partitions) { $0.key == $1.key && $0.position == $1.position }
        }
    }

    package private(set) var sessionID: Int32 = 0
    /// Of the next request; 0 asks for a new session.
    package private(set) var nextEpoch: Int32 = 0
    private var told = OrderedMap<FetchKey, FetchPosition>()

    package init() {}

    package var isFull: Bool { nextEpoch == 0 }
    package func knows(_ key: FetchKey) -> Bool { told[key] != nil }

    /// A request for every partition in `all`.
    package mutating func full(_ all: [(key: FetchKey, position: FetchPosition)]) -> Request {
        told = OrderedMap()
        for (key, position) in all { told[key] = position }
        nextEpoch = 0
        return Request(sessionID: sessionID, sessionEpoch: 0, partitions: all, forgotten: [])
    }

    /// A request that names what changed: a position for each partition that is wanted, nil for one that is not. Ascending keys.
    package mutating func incremental(_ changed: [(key: FetchKey, position: FetchPosition?)]) -> Request {
        precondition(!isFull, "a session begins with all partitions")
        var request = Request(sessionID: sessionID, sessionEpoch: nextEpoch, partitions: [], forgotten: [])
        for (key, position) in changed {
            if let position {
                guard told[key] != position else { continue }
                told[key] = position
                request.partitions.append((key, position))
            } else if told.remove(key) != nil {
                request.forgotten.append(key)
            }
        }
        return request
    }

    /// The leader answered with this session: 0 where it made none, or dropped the one there was.
    package mutating func answered(sessionID: Int32) {
        guard sessionID != 0 else {
            self.sessionID = 0
            nextEpoch = 0
            return
        }
        self.sessionID = sessionID
        nextEpoch = nextEpoch == .max ? 1 : nextEpoch + 1
    }

    /// The leader does not know the session.
    package mutating func refused() {
        sessionID = 0
        nextEpoch = 0
    }

    /// No answer, or none that can be believed. The session may live on at the leader: the next full request closes it.
    package mutating func lost() { nextEpoch = 0 }
}
