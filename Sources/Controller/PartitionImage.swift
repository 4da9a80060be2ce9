import Primitives

/// A partition as the controller decided it.
///
/// An image holds one of each partition, and a start copies each several times over: so all that is a list stands in one object, which is
/// never changed, and which copies and partitions with the same lists have in common.
package struct PartitionImage: Equatable, Sendable {
    private var members: PartitionMembers
    /// Nil: nobody who may lead is alive.
    package var leader: BrokerID?
    /// After an unclean election, until the leader has recovered.
    package var isRecovering: Bool
    package var leaderEpoch: LeaderEpoch
    /// Grows with every change of any of these.
    package var partitionEpoch: Int32

    package init(
        replicas: [BrokerID], inSyncReplicas: [BrokerID]? = nil, leader: BrokerID?, leaderEpoch: LeaderEpoch = 0, partitionEpoch: Int32 = 0,
        addingReplicas: [BrokerID] = [], removingReplicas: [BrokerID] = [], directories: [UUID] = [], isRecovering: Bool = false,
        eligibleLeaderReplicas: [BrokerID] = [], lastKnownEligibleReplicas: [BrokerID] = []
    ) {
        members = PartitionMembers(
            PartitionMembers.Lists(
                replicas: replicas, inSync: inSyncReplicas ?? replicas, adding: addingReplicas, removing: removingReplicas,
                directories: directories, eligible: eligibleLeaderReplicas, lastKnownEligible: lastKnownEligibleReplicas))
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.isRecovering = isRecovering
    }

    /// In the order of preference: the first is the preferred leader.
    package var replicas: [BrokerID] {
        get { members.lists.replicas }
        set { change { $0.replicas = newValue } }
    }
    package var inSyncReplicas: [BrokerID] {
        get { members.lists.inSync }
        set { change { $0.inSync = newValue } }
    }
    /// On their way in and out, in a reassignment (KIP-455).
    package var addingReplicas: [BrokerID] {
        get { members.lists.adding }
        set { change { $0.adding = newValue } }
    }
    package var removingReplicas: [BrokerID] {
        get { members.lists.removing }
        set { change { $0.removing = newValue } }
    }
    /// Each replica's directory, in the order of `replicas`; empty where unknown.
    package var directories: [UUID] {
        get { members.lists.directories }
        set { change { $0.directories = newValue } }
    }
    /// Left the in-sync replicas, but hold all that is committed (KIP-966).
    package var eligibleLeaderReplicas: [BrokerID] {
        get { members.lists.eligible }
        set { change { $0.eligible = newValue } }
    }
    package var lastKnownEligibleReplicas: [BrokerID] {
        get { members.lists.lastKnownEligible }
        set { change { $0.lastKnownEligible = newValue } }
    }

    package var isReassigning: Bool { !members.lists.adding.isEmpty || !members.lists.removing.isEmpty }

    private mutating func change(_ change: (inout PartitionMembers.Lists) -> Void) {
        var lists = members.lists
        change(&lists)
        if lists != members.lists { members = PartitionMembers(lists) }
    }

    /// They differ in nothing but their epochs, as far as that is seen at a glance.
    func isAlike(_ other: PartitionImage) -> Bool {
        members === other.members && leader == other.leader && isRecovering == other.isRecovering
    }

    /// Takes the other's lists for its own, where they are the same.
    mutating func share(with other: PartitionImage) {
        if members !== other.members, members == other.members { members = other.members }
    }
}

/// The lists of a partition, or of many.
private final class PartitionMembers: Equatable, Sendable {
    struct Lists: Equatable, Sendable {
        var replicas: [BrokerID]
        var inSync: [BrokerID]
        var adding: [BrokerID]
        var removing: [BrokerID]
        var directories: [UUID]
        var eligible: [BrokerID]
        var lastKnownEligible: [BrokerID]
    }

    let lists: Lists

    init(_ lists: Lists) { self.lists = lists }

    static func == (a: PartitionMembers, b: PartitionMembers) -> Bool { a === b || a.lists == b.lists }
}
