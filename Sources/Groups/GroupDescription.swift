import Primitives

/// The states of a classic group, under the names that DescribeGroups and ListGroups show. Transitions and their causes:
///
/// - `empty` → `preparingRebalance`: the first member joins.
/// - `preparingRebalance` → `completingRebalance`: all members joined again, or the rebalance timeout dropped those who did not.
/// - `preparingRebalance` → `empty`: nobody is left when the join phase ends.
/// - `completingRebalance` → `stable`: the leader's assignment is stored.
/// - `completingRebalance`, `stable` → `preparingRebalance`: a member joined, left, expired, or changed its subscription.
/// - `empty` → `dead`: the group's tombstone is on its way to the log; once there, the group is forgotten. If it fails, back to `empty`.
package enum ClassicGroupState: String, Equatable, Sendable, CaseIterable {
    case empty = "Empty"
    case preparingRebalance = "PreparingRebalance"
    case completingRebalance = "CompletingRebalance"
    case stable = "Stable"
    case dead = "Dead"
}

/// A group as DescribeGroups shows it.
package struct GroupDescription: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package var memberID: String
        package var groupInstanceID: String?
        package var clientID: String
        package var clientHost: String
        /// The subscription under the chosen protocol; empty unless the group is stable.
        package var metadata: Bytes
        package var assignment: Bytes
    }

    package var groupID: String
    package var state: ClassicGroupState
    package var protocolType: String
    /// The chosen assignor; empty unless the group is stable.
    package var protocolName: String
    package var generationID: Int32
    /// In order of member id.
    package var members: [Member]
}

/// A group as ListGroups shows it.
package struct GroupListing: Equatable, Sendable {
    package var groupID: String
    package var protocolType: String
    /// A name of `ClassicGroupState`, `ConsumerGroupState` or `ShareGroupState`.
    package var state: String
    package var type: GroupType
}

/// The protocol of a group, by the names of ListGroups.
package enum GroupType: String, Equatable, Sendable {
    case classic
    case consumer
    case share
}

/// What a group committed for one partition.
package struct CommittedOffset: Equatable, Sendable {
    package var offset: Offset
    package var leaderEpoch: LeaderEpoch
    /// The client's own text; untrusted.
    package var metadata: String
    package var commitTimestamp: Timestamp
    /// Only from commits that carried a retention time (OffsetCommit v2–4).
    package var expireTimestamp: Timestamp?

    package init(
        offset: Offset, leaderEpoch: LeaderEpoch = .none, metadata: String = "", commitTimestamp: Timestamp,
        expireTimestamp: Timestamp? = nil
    ) {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
        self.commitTimestamp = commitTimestamp
        self.expireTimestamp = expireTimestamp
    }
}
