import Primitives

/// The settings of the group coordinator, under their Kafka names in the comments, and the bounds of what it keeps in memory. Durations in
/// milliseconds.
package struct GroupConfig: Equatable, Sendable {
    /// `group.min.session.timeout.ms`, `group.max.session.timeout.ms`: outside them a JoinGroup is refused with INVALID_SESSION_TIMEOUT.
    package var sessionTimeoutMsMin: Int32 = 6_000
    package var sessionTimeoutMsMax: Int32 = 1_800_000
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first generation.
    package var initialRebalanceDelayMs: Int32 = 3_000
    /// `group.max.size`: members of one group.
    package var groupSizeMax: Int = Int(Int32.max)
    /// A member whose first JoinGroup is parked cannot heartbeat. After this long it is taken for gone (a client that gave up retries).
    package var newMemberJoinTimeoutMs: Int32 = 300_000
    /// `offsets.retention.minutes`, in milliseconds: counted from the moment the group became empty, or from the commit for a partition
    /// that a stable group no longer subscribes to, or that belongs to no group protocol at all.
    package var offsetsRetentionMs: Int64 = 7 * 24 * 60 * 60 * 1000
    /// `offsets.retention.check.interval.ms`.
    package var offsetsRetentionCheckIntervalMs: Int64 = 600_000
    /// `offset.metadata.max.bytes`.
    package var offsetMetadataBytesMax: Int = 4_096

    /// `group.consumer.session.timeout.ms`, `group.consumer.heartbeat.interval.ms`: of the members of KIP-848, who do not bring their own.
    package var consumerSessionTimeoutMs: Int32 = 45_000
    package var consumerHeartbeatIntervalMs: Int32 = 5_000
    /// `group.consumer.assignment.interval.ms`: between two targets of one group.
    package var consumerAssignmentIntervalMs: Int32 = 1_000
    /// `group.consumer.max.size`.
    package var consumerGroupSizeMax: Int = Int(Int32.max)
    /// `group.consumer.assignors`; the first is the one of members that ask for none.
    var consumerAssignors: [Assignor] = [.uniform, .range]
    /// `group.consumer.migration.policy`.
    package var migration = ConsumerMigrationPolicy.bidirectional

    /// `group.share.session.timeout.ms`, `group.share.heartbeat.interval.ms`, `group.share.assignment.interval.ms`: of share groups.
    package var shareSessionTimeoutMs: Int32 = 45_000
    package var shareHeartbeatIntervalMs: Int32 = 5_000
    package var shareAssignmentIntervalMs: Int32 = 1_000
    /// `group.share.max.size`.
    package var shareGroupSizeMax: Int = 200
    /// After this long a share coordinator that has not said that it holds a partition's state is asked again.
    package var shareInitializeRetryMs: Int64 = 30_000

    /// Groups per partition of `__consumer_offsets`; one more is refused with GROUP_MAX_SIZE_REACHED (joins) or
    /// INVALID_COMMIT_OFFSET_SIZE (commits).
    package var groupsPerPartitionMax: Int = 100_000
    /// Member ids handed out in one group that have not joined yet; one more is refused with GROUP_MAX_SIZE_REACHED.
    package var pendingMembersMax: Int = 10_000
    /// Committed partitions of one group; more are refused with INVALID_COMMIT_OFFSET_SIZE.
    package var offsetsPerGroupMax: Int = 1_000_000
    /// Assignment protocols that one member may name, and bytes of a member's metadata in all of them together.
    package var protocolsPerMemberMax: Int = 256
    /// Deliberate defects; none outside the simulator's own test.
    package var mutations: Mutations = []

    package init() {}

    /// The assignors by their names; those that are not ours are left out.
    package mutating func useAssignors(_ names: [String]) {
        let known = names.compactMap { Assignor(rawValue: $0) }
        if !known.isEmpty { consumerAssignors = known }
    }
}
