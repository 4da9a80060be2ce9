import Primitives
import Records
import Wire

/// Where a partition is read from when the group has no offset for it, or one that the log no longer has: Kafka's `auto.offset.reset`.
package enum OffsetReset: Equatable, Sendable {
    case earliest
    case latest
    /// The consumer is told, and reads nothing of the partition until the group has an offset.
    case none
}

/// What a member of a consumer group is told once. The names are those of Kafka's consumer settings, as far as they go.
package struct GroupConsumerOptions: Equatable, Sendable {
    package var group: String
    package var topics: [String]
    /// In the order of preference. All of one kind: where one of them is eager, the member gives up all it has in a rebalance.
    package var assignors: [ConsumerAssignor] = [.range]
    /// A static member (KIP-345): it may come back within its session without a rebalance, and does not leave when it is closed.
    package var groupInstanceID: String?
    package var rack: String?
    package var sessionTimeoutMs: Int32 = 45_000
    package var heartbeatIntervalMs: Int64 = 3_000
    /// How long a rebalance waits for a member, and how long it may take to deal with what it was handed: `max.poll.interval.ms`.
    package var rebalanceTimeoutMs: Int32 = 300_000
    package var isAutoCommit = true
    package var autoCommitIntervalMs: Int64 = 5_000
    package var offsetReset = OffsetReset.latest
    package var isReadCommitted = false
    /// Bytes handed out and not yet taken; past it nothing more is fetched.
    package var bufferedBytesMax = 8 << 20
    package var fetchBytesMax: Int32 = 4 << 20
    package var partitionBytesMax: Int32 = 1 << 20
    package var fetchWaitMs: Int32 = 500
    /// How often leaders and partitions are looked at anew where nothing has failed.
    package var metadataRefreshMs: Int64 = 10_000
    /// A pause after a failure begins here and doubles up to `backoffMaxMs`.
    package var backoffMinMs: Int64 = 50
    package var backoffMaxMs: Int64 = 1_000
    /// How long closing may take before the group is left to find out by itself.
    package var closeTimeoutMs: Int64 = 5_000
    package var seed: UInt64 = 1

    package init(group: String, topics: [String]) {
        self.group = group
        self.topics = topics
    }

    /// Cooperative only where every assignor is: a partition then stays with its member through a rebalance unless it moves.
    package var isCooperative: Bool { assignors.allSatisfy(\.isCooperative) }
}

/// An offset as a group commits it: of the next record to be read.
package struct CommittedPosition: Equatable, Sendable {
    package var partition: TopicPartition
    package var offset: Offset
    /// Of the last record read; lets the next owner see that the log was cut (KIP-320).
    package var leaderEpoch: LeaderEpoch
    package var metadata: String

    package init(_ partition: TopicPartition, _ offset: Offset, leaderEpoch: LeaderEpoch = .none, metadata: String = "") {
        self.partition = partition
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
    }
}

package enum GroupConsumerInput: Equatable, Sendable {
    /// The user has dealt with this delivery and all before it: their bytes no longer count, and their offsets may be committed.
    case taken(delivery: Int)
    /// Commits what was taken, or the offsets given. `number` is the user's own and comes back with the outcome.
    case commit(number: Int, [CommittedPosition]?)
    case subscribe([String])
    /// No more fetching until `resume`; the membership goes on.
    case pause
    case resume
    /// Commits what was taken (with auto commit), leaves the group, finishes.
    case close
}

package enum GroupConsumerOutput: Equatable, Sendable {
    /// A generation has begun for this member; what it owns now follows as `assigned` where that is more than before.
    case joined(GroupMembership)
    /// Partitions that this member owns from now on, beside those it has.
    case assigned([TopicPartition])
    /// Partitions that it gave up in order: what was taken of them is committed already (with auto commit).
    case revoked([TopicPartition])
    /// Partitions that were taken from it, because the group went on without this member: commits of them would be refused.
    case lost([TopicPartition])
    /// In the order of each partition. Answered by `taken` once the user has dealt with it.
    case records(delivery: Int, [ReadRecord])
    /// `number` is nil for an auto commit.
    case committed(number: Int?, [CommittedPosition])
    case commitFailed(number: Int?, ClientError)
    /// Where reading of a partition begins: the group's offset, or the reset's.
    case positioned(TopicPartition, Offset, wasReset: Bool)
    /// Something is amiss and the member goes on; a sentence.
    case notice(String)
    /// Reading of this partition is over, or, where nil, the membership; then `finished` follows.
    case failed(TopicPartition?, ClientError)
}

package struct GroupMembership: Equatable, Sendable {
    package var memberID: String
    package var generationID: Int32
    package var isLeader: Bool
    package var assignor: ConsumerAssignor

    package init(memberID: String, generationID: Int32, isLeader: Bool, assignor: ConsumerAssignor) {
        self.memberID = memberID
        self.generationID = generationID
        self.isLeader = isLeader
        self.assignor = assignor
    }
}
