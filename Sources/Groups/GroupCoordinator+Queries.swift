import Primitives
import Wire

/// What changes nothing: describe, list, fetch offsets.
extension GroupCoordinator {
    /// Nil where there is no such group. Ask `unavailability` first.
    package func describe(_ groupID: String) -> GroupDescription? {
        guard let group = activeGroup(groupID)?.classic else { return nil }
        let isStable = group.state == .stable
        let members = group.members.values.map { member in
            GroupDescription.Member(
                memberID: member.memberID, groupInstanceID: member.groupInstanceID, clientID: member.clientID,
                clientHost: member.clientHost, metadata: isStable ? member.metadata(for: group.protocolName) : .empty,
                assignment: member.assignment)
        }
        return GroupDescription(
            groupID: groupID, state: group.state, protocolType: group.protocolType ?? "",
            protocolName: isStable ? group.protocolName ?? "" : "", generationID: group.generationID, members: members)
    }

    /// The groups of all active partitions, by partition and name; an empty filter lets everything through. Letter case does not count.
    package func list(states: [String] = [], types: [String] = []) -> [GroupListing] {
        let states = states.map { $0.lowercased() }
        if !types.isEmpty && !types.contains(where: { $0.lowercased() == "classic" }) { return [] }
        var listings: [GroupListing] = []
        for partition in partitions.values where !partition.isLoading {
            for group in partition.groups.values.compactMap(\.classic)
            where states.isEmpty || states.contains(group.state.rawValue.lowercased()) {
                listings.append(GroupListing(groupID: group.groupID, protocolType: group.protocolType ?? "", state: group.state))
            }
        }
        return listings
    }

    /// Whether some partition is still loading: a list would not be whole.
    package var isLoading: Bool { partitions.values.contains { $0.isLoading } }

    /// What the group committed for a partition: nothing where there is no such group or commit.
    package func committedOffset(_ groupID: String, _ place: TopicPartition) -> CommittedOffset? {
        activeGroup(groupID)?.offsets.committed[place]
    }

    /// All that the group committed, by topic and partition.
    package func committedOffsets(_ groupID: String) -> [(partition: TopicPartition, offset: CommittedOffset)] {
        guard let group = activeGroup(groupID) else { return [] }
        return group.offsets.committed.map { ($0.key, $0.value) }
    }

    /// A transaction that has not ended holds a commit for this partition: a fetch that requires stable offsets has to come again.
    package func hasUnstableOffset(_ groupID: String, _ place: TopicPartition) -> Bool {
        activeGroup(groupID)?.offsets.isUnstable(place) ?? false
    }

    private func activeGroup(_ groupID: String) -> Group? {
        guard let group = partitions[partition(of: groupID)]?.groups[groupID], !group.isDead else { return nil }
        return group
    }
}
