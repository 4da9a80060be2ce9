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
        let types = types.map { $0.lowercased() }
        var listings: [GroupListing] = []
        for partition in partitions.values where !partition.isLoading {
            for listing in partition.groups.values.map(\.listing) {
                let isWanted = types.isEmpty || types.contains(listing.type.rawValue)
                if isWanted && (states.isEmpty || states.contains(listing.state.lowercased())) { listings.append(listing) }
            }
        }
        return listings
    }

    /// The protocol of a group; nil where there is none of that name.
    package func type(of groupID: String) -> GroupType? { activeGroup(groupID).map(\.type) }

    /// A group of KIP-848; nil where there is none of that name. Ask `unavailability` first.
    package func describeConsumerGroup(_ groupID: String, _ surroundings: GroupSurroundings) -> ConsumerGroupDescribeResponse.Group? {
        activeGroup(groupID)?.consumer?.description(config, surroundings)
    }

    /// A share group; nil where there is none of that name. Ask `unavailability` first.
    package func describeShareGroup(_ groupID: String, _ surroundings: GroupSurroundings) -> ShareGroupDescribeResponse.Group? {
        activeGroup(groupID)?.share?.description(surroundings)
    }

    /// The partitions of which a share coordinator holds the group's state, with the topics' names as of when they came in.
    package func sharePartitions(_ groupID: String) -> [(topic: String, partition: SharePartition)] {
        guard let state = activeGroup(groupID)?.share?.state else { return [] }
        return state.allInitialized.map { partition in
            let name = state.initialized[partition.topicID]?.name ?? ""
            return (name, SharePartition(groupID: groupID, topicID: partition.topicID, partition: partition.partition))
        }
    }

    /// Why a member may not read offsets now, if it may not.
    package func fetchRefusal(_ groupID: String, memberID: String?, memberEpoch: Int32) -> ErrorCode? {
        activeGroup(groupID)?.consumer?.fetchRefusal(memberEpoch, memberID)
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

extension Group {
    fileprivate var type: GroupType { share != nil ? .share : consumer != nil ? .consumer : .classic }

    fileprivate var listing: GroupListing {
        if let share {
            return GroupListing(
                groupID: groupID, protocolType: GroupRecord.shareProtocolType, state: share.groupState.rawValue, type: .share)
        }
        if let consumer {
            return GroupListing(
                groupID: groupID, protocolType: GroupRecord.consumerProtocolType, state: consumer.state.rawValue, type: .consumer)
        }
        return GroupListing(
            groupID: groupID, protocolType: classic?.protocolType ?? "", state: (classic?.state ?? .dead).rawValue, type: .classic)
    }
}
