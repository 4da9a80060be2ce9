import ClientCore
import Primitives
import Wire

/// A group as a list of groups tells it.
public struct GroupSummary: Equatable, Sendable {
    /// `group.id`.
    public var group: String
    /// "classic", "consumer" or "share"; empty where the cluster does not tell.
    public var type: String
    /// Such as "Stable", "Empty" or "PreparingRebalance"; empty where the cluster does not tell.
    public var state: String
    /// "consumer" for groups of consumers; whatever else its members named.
    public var protocolType: String
}

/// A group with its members.
public struct GroupDetails: Equatable, Sendable {
    /// A member and what it reads.
    public struct Member: Equatable, Sendable {
        /// As the coordinator knows it.
        public var memberID: String
        /// `group.instance.id`; nil for a member that is not static.
        public var groupInstanceID: String?
        /// `client.id`.
        public var clientID: String
        /// The address that it connects from, as the coordinator sees it.
        public var host: String
        /// The partitions that it was given.
        public var assignment: [TopicPartition]
    }
    /// `group.id`.
    public var group: String
    /// Such as "Stable", "Empty" or "Dead" for one that does not exist.
    public var state: String
    /// The assignor that all members have in common.
    public var assignor: String
    /// Nobody where the group is empty.
    public var members: [Member]
}

// Groups and their offsets.
extension Admin {
    /// The groups of all coordinators, sorted.
    public func listGroups() async throws(KafkaError) -> [GroupSummary] {
        var found: [GroupSummary] = []
        for broker in try await brokers() {
            let answer = try await ask(ListGroupsRequest(), to: .broker(broker))
            try check(answer.errorCode)
            found += answer.groups.map {
                GroupSummary(group: $0.groupID, type: $0.groupType, state: $0.groupState, protocolType: $0.protocolType)
            }
        }
        return found.sorted { $0.group < $1.group }
    }

    /// A group of the classic or of the newer protocol (KIP-848) with its members.
    public func describeGroup(_ group: String) async throws(KafkaError) -> GroupDetails {
        if let described = try? await describeNewerGroup(group) { return described }
        var request = DescribeGroupsRequest()
        request.groups = [group]
        guard let told = try await ask(request, to: .coordinator(group: group)).groups.first else {
            throw KafkaError(.unsupported, "group \(group) was not described")
        }
        try check(told.errorCode, told.errorMessage)
        let members = told.members.map { member in
            let parts = (try? ConsumerProtocolAssignment.decode(member.memberAssignment))?.assignedPartitions ?? []
            return GroupDetails.Member(
                memberID: member.memberID, groupInstanceID: member.groupInstanceID, clientID: member.clientID, host: member.clientHost,
                assignment: parts.flatMap { part in part.partitions.map { TopicPartition(part.topic, $0) } }.sorted())
        }
        return GroupDetails(group: group, state: told.groupState, assignor: told.protocolData, members: members)
    }

    private func describeNewerGroup(_ group: String) async throws(KafkaError) -> GroupDetails? {
        var request = ConsumerGroupDescribeRequest()
        request.groupIDs = [group]
        guard let told = try await ask(request, to: .coordinator(group: group)).groups.first, told.errorCode == .none else { return nil }
        let members = told.members.map { member in
            let assigned = member.assignment.topicPartitions.flatMap { part in part.partitions.map { TopicPartition(part.topicName, $0) } }
            return GroupDetails.Member(
                memberID: member.memberID, groupInstanceID: member.instanceID, clientID: member.clientID, host: member.clientHost,
                assignment: assigned.sorted())
        }
        return GroupDetails(group: group, state: told.groupState, assignor: told.assignorName, members: members)
    }

    /// Deletes a group that has no members, with its offsets.
    public func deleteGroup(_ group: String) async throws(KafkaError) {
        var request = DeleteGroupsRequest()
        request.groupsNames = [group]
        for row in try await ask(request, to: .coordinator(group: group), isRepeatable: false).results { try check(row.errorCode, group) }
    }

    /// Takes members out of a group, by member id or, static ones, by `group.instance.id`; it rebalances without them.
    public func removeMembers(_ members: [String] = [], instances: [String] = [], of group: String) async throws(KafkaError) {
        var request = LeaveGroupRequest()
        request.groupID = group
        request.members = (members.map { ($0, nil) } + instances.map { ("", $0) }).map { (id: String, instance: String?) in
            var member = LeaveGroupRequest.Member()
            (member.memberID, member.groupInstanceID, member.reason) = (id, instance, "removed by an administrator")
            return member
        }
        let answer = try await ask(request, to: .coordinator(group: group), isRepeatable: false, versions: 3...Int16.max)
        try check(answer.errorCode)
        for member in answer.members { try check(member.errorCode, member.memberID) }
    }

    /// All offsets that a group has committed.
    public func listOffsets(ofGroup group: String) async throws(KafkaError) -> [TopicPartition: OffsetAndMetadata] {
        var request = OffsetFetchRequest()
        (request.groupID, request.topics) = (group, nil)
        let answer = try await ask(request, to: .coordinator(group: group), versions: 2...7)
        try check(answer.errorCode)
        var found: [TopicPartition: OffsetAndMetadata] = [:]
        for topic in answer.topics {
            for row in topic.partitions where row.committedOffset >= 0 {
                found[TopicPartition(topic.name, row.partitionIndex)] = OffsetAndMetadata(
                    row.committedOffset, leaderEpoch: row.committedLeaderEpoch, metadata: row.metadata ?? "")
            }
        }
        return found
    }

    /// Sets offsets of a group that has no members. Returns what was refused.
    public func alterOffsets(
        ofGroup group: String, _ offsets: [TopicPartition: OffsetAndMetadata]
    ) async throws(KafkaError) -> [TopicPartition: KafkaError] {
        var request = OffsetCommitRequest()
        request.groupID = group
        request.topics = gathered(Array(offsets.keys)).map { name, partitions in
            var topic = OffsetCommitRequest.Topic()
            topic.name = name
            topic.partitions = partitions.map { index in
                var row = OffsetCommitRequest.Partition()
                row.partitionIndex = index
                guard let offset = offsets[TopicPartition(name, index)] else { return row }
                (row.committedOffset, row.committedLeaderEpoch) = (offset.offset, offset.leaderEpoch)
                row.committedMetadata = offset.metadata
                return row
            }
            return topic
        }
        let answer = try await ask(request, to: .coordinator(group: group), isRepeatable: false, versions: 2...9)
        var refused: [TopicPartition: KafkaError] = [:]
        for topic in answer.topics {
            for row in topic.partitions { refused[TopicPartition(topic.name, row.partitionIndex)] = KafkaError(row.errorCode) }
        }
        return refused
    }

    /// Forgets a group's offsets of partitions whose topics no member reads. Returns what was refused.
    public func deleteOffsets(
        ofGroup group: String, _ partitions: [TopicPartition]
    ) async throws(KafkaError) -> [TopicPartition: KafkaError] {
        var request = OffsetDeleteRequest()
        request.groupID = group
        request.topics = gathered(partitions).map { name, indexes in
            var topic = OffsetDeleteRequest.Topic()
            topic.name = name
            topic.partitions = indexes.map { index in
                var row = OffsetDeleteRequest.Partition()
                row.partitionIndex = index
                return row
            }
            return topic
        }
        let answer = try await ask(request, to: .coordinator(group: group), isRepeatable: false)
        try check(answer.errorCode)
        var refused: [TopicPartition: KafkaError] = [:]
        for topic in answer.topics {
            for row in topic.partitions { refused[TopicPartition(topic.name, row.partitionIndex)] = KafkaError(row.errorCode) }
        }
        return refused
    }
}
