import Primitives
import Records
import Wire

/// Where a partition is read from when the group has no offset for it, or one that the log no longer has: Kafka's `auto.offset.reset`.
package enum OffsetReset: Equatable, Sendable {
    case earliest
    case latest
    /// The consumer is told, and reads nothing of the partition until the group has an offset.
    case none
    /// The first record that is not older than this (KIP-1106); the end where there is none.
    case ago(milliseconds: Int64)
}

/// How a member and its coordinator come to terms: Kafka's `group.protocol`.
package enum GroupProtocol: Equatable, Sendable {
    /// Rounds of JoinGroup and SyncGroup; a member shares out.
    case classic
    /// KIP-848: the coordinator assigns, heartbeats carry it.
    case consumer
}

/// What a member of a consumer group is told once. The names are those of Kafka's consumer settings, as far as they go.
package struct GroupConsumerOptions: Equatable, Sendable {
    package var group: String
    package var topics: [String]
    /// Not nil: no membership; these are read, and offsets are committed without a generation. Without a group they are not kept at all.
    package var partitions: [TopicPartition]?
    package var groupProtocol = GroupProtocol.classic
    /// Of KIP-848: the coordinator's assignor by its name; nil: as the coordinator likes.
    package var remoteAssignor: String?
    /// Of KIP-848, instead of `topics`: those whose name matches, in RE2's syntax.
    package var topicRegex: String?
    /// Of the classic protocol. In the order of preference. All of one kind: where one of them is eager, the member gives up all it has in
    /// a rebalance.
    package var assignors: [ConsumerAssignor] = [.range]
    /// A static member (KIP-345): it may come back within its session without a rebalance, and does not leave when it is closed.
    package var groupInstanceID: String?
    package var rack: String?
    package var sessionTimeoutMs: Int32 = 45_000
    package var heartbeatIntervalMs: Int64 = 3_000
    /// Of KIP-848, whose coordinator says how often: how long the answer to a heartbeat may take.
    package var heartbeatTimeoutMs: Int64 = 5_000
    /// How long a rebalance waits for a member, and how long it may take to deal with what it was handed: `max.poll.interval.ms`.
    package var rebalanceTimeoutMs: Int32 = 300_000
    /// How long the user may go without asking for records (`polled`) before the member leaves; nil: for ever.
    package var pollIntervalMaxMs: Int64?
    package var isAutoCommit = true
    package var autoCommitIntervalMs: Int64 = 5_000
    package var offsetReset = OffsetReset.latest
    package var isReadCommitted = false
    /// Bytes handed out and not yet taken; past it nothing more is fetched.
    package var bufferedBytesMax = 8 << 20
    package var fetchBytesMin: Int32 = 1
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
    /// Asking about a topic that does not exist makes it, where the brokers allow that.
    package var createsTopics = false
    /// Whether `revoking` comes before partitions are given up, to be answered with `released`.
    package var announcesRevocations = false
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

/// Which topics are read: those that exist and whose name matches, also later ones; never internal ones.
package struct TopicPattern: Sendable {
    package var matches: @Sendable (String) -> Bool

    package init(_ matches: @escaping @Sendable (String) -> Bool) { self.matches = matches }
}

package enum SeekTarget: Equatable, Sendable {
    /// With the leader epoch of the record before it, or -1.
    case offset(Offset, LeaderEpoch)
    case earliest
    case latest
}

package enum GroupConsumerInput: Sendable {
    /// The user has dealt with this delivery and all before it: their bytes no longer count, and their offsets may be committed.
    case taken(delivery: Int)
    /// Commits what was taken, or the offsets given. `number` is the user's own and comes back with the outcome.
    case commit(number: Int, [CommittedPosition]?)
    case subscribe([String])
    case subscribeMatching(TopicPattern)
    /// As the coordinator matches it (KIP-848).
    case subscribeRegex(String)
    /// The user asks for records: it waits for them, or it has them and goes on with its work. Wanted with `pollIntervalMaxMs` alone.
    case polled(isWaiting: Bool)
    /// Without a membership: what is read from now on.
    case assign([TopicPartition])
    /// How far the user is with what it was handed: within deliveries that are not `taken` as a whole yet.
    case reached([CommittedPosition])
    /// Reading goes on elsewhere. What was handed out before `sought` comes back with this number is from before.
    case seek(number: Int, [TopicPartition], SeekTarget)
    /// What was handed out of these beyond `reached` is not dealt with, and is fetched again where they stay.
    case discard([TopicPartition])
    /// Of these nothing is fetched until they are resumed.
    case pausePartitions([TopicPartition])
    case resumePartitions([TopicPartition])
    /// The answer to `revoking`.
    case released
    /// No more fetching until `resume`; the membership goes on.
    case pause
    case resume
    /// Commits what was taken (with auto commit), leaves the group, finishes.
    case close
}

package enum GroupConsumerOutput: Equatable, Sendable {
    /// A generation has begun for this member, or an epoch; what it owns now follows as `assigned` where that is more than before.
    case joined(GroupMembership)
    /// Partitions that this member owns from now on, beside those it has.
    case assigned([TopicPartition])
    /// Partitions that are about to be given up: the time for last commits, until `released`. Only with `announcesRevocations`.
    case revoking([TopicPartition])
    case sought(number: Int)
    /// Partitions that it gave up in order: what was taken of them is committed already (with auto commit).
    case revoked([TopicPartition])
    /// Partitions that were taken from it, because the group went on without this member: commits of them would be refused.
    case lost([TopicPartition])
    /// In the order of each partition. Answered by `taken` once the user has dealt with it.
    case records(delivery: Int, ReadRecords)
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
    /// With KIP-848 the member epoch, which stands in its place in commits.
    package var generationID: Int32
    package var isLeader: Bool
    /// Nil with KIP-848: members do not share out.
    package var assignor: ConsumerAssignor?

    package init(memberID: String, generationID: Int32, isLeader: Bool = false, assignor: ConsumerAssignor? = nil) {
        self.memberID = memberID
        self.generationID = generationID
        self.isLeader = isLeader
        self.assignor = assignor
    }
}
