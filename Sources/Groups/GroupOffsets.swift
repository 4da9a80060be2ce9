import Primitives
import Wire

/// What a group committed, whatever its protocol. An offset is visible once its record is below the high watermark.
struct GroupOffsets: Equatable, Sendable {
    /// Sorted by topic, then partition.
    var committed = OrderedMap<TopicPartition, CommittedOffset>()
    /// Commits on their way to the log, by partition: such an offset does not expire.
    var pending = OrderedMap<TopicPartition, Int>()
    /// Offsets in transactions that have neither committed nor aborted, by producer. They are not visible yet (KIP-98).
    var transactional = OrderedMap<Int64, OrderedMap<TopicPartition, CommittedOffset>>()

    /// Commits of transactions on their way to the log, by partition.
    var unstable = OrderedMap<TopicPartition, Int>()

    var isEmpty: Bool { committed.isEmpty && pending.isEmpty && transactional.isEmpty }

    /// A transaction that has not ended holds a commit for this partition.
    func isUnstable(_ place: TopicPartition) -> Bool {
        unstable[place] != nil || transactional.values.contains { $0[place] != nil }
    }

    /// Offsets committed in a transaction take effect with its commit marker, and vanish with its abort.
    mutating func endTransaction(of producerID: Int64, isCommit: Bool) {
        guard let ended = transactional.remove(producerID), isCommit else { return }
        for (place, offset) in ended { committed[place] = offset }
    }

    mutating func awaitsEnd(_ places: [TopicPartition]) {
        for place in places { unstable[place, default: 0] += 1 }
    }

    mutating func awaitsEndNoMore(_ place: TopicPartition) {
        let left = (unstable[place] ?? 1) - 1
        unstable[place] = left > 0 ? left : nil
    }

    mutating func awaits(_ places: [TopicPartition]) {
        for place in places { pending[place, default: 0] += 1 }
    }

    mutating func awaitsNoMore(_ place: TopicPartition) {
        let left = (pending[place] ?? 1) - 1
        pending[place] = left > 0 ? left : nil
    }
}

/// An OffsetCommit that waits for its records.
struct ParkedCommit: Equatable, Sendable {
    var token: GroupToken
    /// As it will be sent if the append succeeds.
    var response: OffsetCommitResponse
    var offsets: [(partition: TopicPartition, offset: CommittedOffset)]

    static func == (a: ParkedCommit, b: ParkedCommit) -> Bool {
        a.token == b.token && a.response == b.response
            && a.offsets.elementsEqual(b.offsets) { $0.partition == $1.partition && $0.offset == $1.offset }
    }
}

/// An OffsetDelete that waits for its tombstones.
struct ParkedOffsetDelete: Equatable, Sendable {
    var token: GroupToken
    var response: OffsetDeleteResponse
}
