import Primitives
import Wire

/// How a group's leader shares partitions among the members. The raw value is the protocol's name in JoinGroup; all members of a group
/// have one in common, whatever library they are made with.
package enum ConsumerAssignor: String, Equatable, Sendable, CaseIterable {
    case range
    case roundRobin = "roundrobin"
    /// Even, and as little moved as that allows; members give up all they have while they rejoin.
    case sticky
    /// The same, but only what moves is given up (KIP-429): a partition is first taken from its owner, then given in a second rebalance.
    case cooperativeSticky = "cooperative-sticky"

    package var isCooperative: Bool { self == .cooperativeSticky }
    var isSticky: Bool { self == .sticky || self == .cooperativeSticky }

    /// The partitions of each member, in the order of `members`, sorted. `partitions` has the topics that exist, with their counts.
    package func assign(_ members: [AssignedMember], partitions: OrderedMap<String, Int32>) -> [[TopicPartition]] {
        switch self {
        case .range: assignByRange(members, partitions)
        case .roundRobin: assignInTurn(members, partitions)
        case .sticky: StickyAssignment(members, partitions).assigned()
        case .cooperativeSticky: withoutWhatOthersStillOwn(StickyAssignment(members, partitions).assigned(), members)
        }
    }
}

/// What an assignor knows of a member.
package struct AssignedMember: Equatable, Sendable {
    package var id: String
    package var groupInstanceID: String?
    package var topics: [String]
    /// What it had, and in which generation; -1 where it does not say.
    package var owned: [TopicPartition]
    package var generationID: Int32

    package init(
        id: String, groupInstanceID: String? = nil, topics: [String], owned: [TopicPartition] = [], generationID: Int32 = -1
    ) {
        self.id = id
        self.groupInstanceID = groupInstanceID
        self.topics = topics
        self.owned = owned
        self.generationID = generationID
    }
}

/// The order in which members take part: static ones by instance id, before the others by member id, so that a static member that
/// comes back with another member id gets the same partitions.
private func order(of members: [AssignedMember]) -> [Int] {
    members.indices.sorted { first, second in
        switch (members[first].groupInstanceID, members[second].groupInstanceID) {
        case (let a?, let b?): a < b
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): members[first].id < members[second].id
        }
    }
}

/// Per topic, neighbouring partitions to each subscribed member, the first members getting one more where it does not divide.
private func assignByRange(_ members: [AssignedMember], _ partitions: OrderedMap<String, Int32>) -> [[TopicPartition]] {
    let order = order(of: members)
    var assigned = [[TopicPartition]](repeating: [], count: members.count)
    for (topic, count) in partitions {
        let takers = order.filter { members[$0].topics.contains(topic) }
        guard !takers.isEmpty else { continue }
        let (each, more) = (Int(count) / takers.count, Int(count) % takers.count)
        var next: Int32 = 0
        for (rank, taker) in takers.enumerated() {
            for _ in 0..<(each + (rank < more ? 1 : 0)) {
                assigned[taker].append(TopicPartition(topic, next))
                next += 1
            }
        }
    }
    return assigned
}

/// All partitions of all topics in order, one to each member in turn, passing over those who did not subscribe.
private func assignInTurn(_ members: [AssignedMember], _ partitions: OrderedMap<String, Int32>) -> [[TopicPartition]] {
    let order = order(of: members)
    var assigned = [[TopicPartition]](repeating: [], count: members.count)
    var turn = 0
    for (topic, count) in partitions where members.contains(where: { $0.topics.contains(topic) }) {
        for partition in 0..<count {
            while !members[order[turn % order.count]].topics.contains(topic) { turn += 1 }
            assigned[order[turn % order.count]].append(TopicPartition(topic, partition))
            turn += 1
        }
    }
    return assigned
}

/// Leaves out of each assignment what another member still owns: that one has to give it up first, and rejoins when it has. Where two say
/// that they own a partition, the one of the newer generation does; the other slept through it and has nothing to give up.
private func withoutWhatOthersStillOwn(_ assigned: [[TopicPartition]], _ members: [AssignedMember]) -> [[TopicPartition]] {
    var owners = OrderedMap<TopicPartition, Int>()
    for (index, member) in members.enumerated() {
        for partition in member.owned {
            if let other = owners[partition], members[other].generationID >= member.generationID { continue }
            owners[partition] = index
        }
    }
    return assigned.enumerated().map { index, partitions in partitions.filter { (owners[$0] ?? index) == index } }
}
