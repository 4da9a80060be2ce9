import Primitives
import Wire

/// How a group of KIP-848 stands in `__consumer_offsets`: record types 3 and 5 to 8 and 16, as Kafka 4.3 writes them. Type 4 (what 4.0 knew
/// of the topics) is only read over.
extension ConsumerGroup {
    var epochRecord: GroupRecord {
        var key = ConsumerGroupMetadataKey()
        key.groupID = groupID
        var value = ConsumerGroupMetadataValue()
        (value.epoch, value.metadataHash) = (groupEpoch, metadataHash)
        return GroupRecord(key, value)
    }

    func memberRecord(_ memberID: String) -> GroupRecord {
        var key = ConsumerGroupMemberMetadataKey()
        (key.groupID, key.memberID) = (groupID, memberID)
        return GroupRecord(key, members[memberID].map { ConsumerGroupMemberMetadataValue($0) })
    }

    var targetEpochRecord: GroupRecord {
        var key = ConsumerGroupTargetAssignmentMetadataKey()
        key.groupID = groupID
        var value = ConsumerGroupTargetAssignmentMetadataValue()
        (value.assignmentEpoch, value.assignmentTimestamp) = (assignmentEpoch, assignmentTimestamp)
        return GroupRecord(key, value)
    }

    func targetRecord(_ memberID: String) -> GroupRecord {
        var key = ConsumerGroupTargetAssignmentMemberKey()
        (key.groupID, key.memberID) = (groupID, memberID)
        guard let target = targets[memberID] else { return GroupRecord(key: key.encodeKey(), value: nil) }
        var value = ConsumerGroupTargetAssignmentMemberValue()
        value.topicPartitions = byTopic(target) { topic, partitions in
            var entry = ConsumerGroupTargetAssignmentMemberValue.TopicPartitions()
            (entry.topicID, entry.partitions) = (topic, partitions)
            return entry
        }
        return GroupRecord(key, value)
    }

    func currentRecord(_ memberID: String) -> GroupRecord {
        var key = ConsumerGroupCurrentMemberAssignmentKey()
        (key.groupID, key.memberID) = (groupID, memberID)
        return GroupRecord(key, members[memberID].map { ConsumerGroupCurrentMemberAssignmentValue($0) })
    }

    func regexRecord(_ regex: String) -> GroupRecord {
        var key = ConsumerGroupRegularExpressionKey()
        (key.groupID, key.regularExpression) = (groupID, regex)
        guard let resolved = regexes[regex] else { return GroupRecord(key: key.encodeKey(), value: nil) }
        var value = ConsumerGroupRegularExpressionValue()
        (value.topics, value.version, value.timestamp) = (resolved.topics, resolved.version, resolved.timestamp)
        return GroupRecord(key, value)
    }

    /// The tombstones of a member that is gone, in Kafka's order.
    func tombstones(of memberID: String) -> [GroupRecord] {
        [currentRecord(memberID), targetRecord(memberID), memberRecord(memberID)].map { GroupRecord(key: $0.key, value: nil) }
    }

    /// The tombstones of all that the log may hold of the group.
    var tombstones: [GroupRecord] {
        var records: [GroupRecord] = []
        for memberID in members.keys { records.append(currentRecord(memberID)) }
        for memberID in members.keys { records.append(targetRecord(memberID)) }
        records.append(targetEpochRecord)
        for memberID in members.keys { records.append(memberRecord(memberID)) }
        for regex in regexes.keys { records.append(regexRecord(regex)) }
        records.append(epochRecord)
        return records.map { GroupRecord(key: $0.key, value: nil) }
    }

    /// All that the log must hold of the group, for one that comes from the classic protocol.
    var allRecords: [GroupRecord] {
        members.keys.map(memberRecord) + [epochRecord] + members.keys.map(targetRecord) + [targetEpochRecord]
            + members.keys.map(currentRecord)
    }

    /// What the log should say under a key of ours now; nil of a key that is not of this protocol.
    func record(under key: Bytes) -> GroupRecord? {
        guard let parsed = try? GroupRecordKey.decode(key) else { return nil }
        return switch parsed {
        case .consumerGroupMetadata: epochRecord
        case .consumerGroupMemberMetadata(let key): memberRecord(key.memberID)
        case .consumerGroupTargetAssignmentMetadata: targetEpochRecord
        case .consumerGroupTargetAssignmentMember(let key): targetRecord(key.memberID)
        case .consumerGroupCurrentMemberAssignment(let key): currentRecord(key.memberID)
        case .consumerGroupRegularExpression(let key): regexRecord(key.regularExpression)
        default: nil
        }
    }
}

extension GroupRecord {
    init(_ key: some CoordinatorKey, _ value: (some CoordinatorValue)?) {
        self.init(key: key.encodeKey(), value: value?.encodeValue(version: 0))
    }
}

extension ConsumerGroupMemberMetadataValue {
    init(_ member: ConsumerMember) {
        self.init()
        instanceID = member.instanceID
        rackID = member.rackID
        clientID = member.clientID
        clientHost = member.clientHost
        subscribedTopicNames = member.subscribedTopics
        subscribedTopicRegex = member.subscribedRegex
        rebalanceTimeoutMs = member.rebalanceTimeoutMs
        serverAssignor = member.serverAssignor
        classicMemberMetadata = member.classic
    }
}

extension ConsumerGroupCurrentMemberAssignmentValue {
    init(_ member: ConsumerMember) {
        self.init()
        memberEpoch = member.memberEpoch
        previousMemberEpoch = member.previousMemberEpoch
        state = member.state.rawValue
        assignedPartitions = ConsumerGroupCurrentMemberAssignmentValue.entries(member.assigned)
        partitionsPendingRevocation = ConsumerGroupCurrentMemberAssignmentValue.entries(member.pendingRevocation)
    }

    private static func entries(_ partitions: AssignedPartitions) -> [TopicPartitions] {
        byTopic(partitions.keys) { topic, indexes in
            var entry = TopicPartitions()
            entry.topicID = topic
            entry.partitions = indexes
            entry.assignmentEpochs = indexes.map { partitions[PartitionID(topic, $0)] ?? 0 }
            return entry
        }
    }

    static func partitions(_ entries: [TopicPartitions], epoch: Int32) -> AssignedPartitions {
        var all = AssignedPartitions()
        for entry in entries {
            for (index, partition) in entry.partitions.enumerated() {
                let epochs = entry.assignmentEpochs ?? []
                all[PartitionID(entry.topicID, partition)] = index < epochs.count ? epochs[index] : epoch
            }
        }
        return all
    }
}

/// The same group from its records, when a coordinator takes it over. Records may come in any order that compaction leaves.
extension ConsumerGroup {
    mutating func restore(_ key: GroupRecordKey, _ value: Bytes?) {
        isRecorded = true
        switch key {
        case .consumerGroupMetadata: restoreEpoch(value)
        case .consumerGroupMemberMetadata(let key): restoreMember(key.memberID, value)
        case .consumerGroupTargetAssignmentMetadata:
            guard let value = value.flatMap({ try? ConsumerGroupTargetAssignmentMetadataValue.decodeValue($0) }) else { return }
            (assignmentEpoch, assignmentTimestamp) = (value.assignmentEpoch, value.assignmentTimestamp)
        case .consumerGroupTargetAssignmentMember(let key):
            let value = value.flatMap { try? ConsumerGroupTargetAssignmentMemberValue.decodeValue($0) }
            targets[key.memberID] = value.map { value in
                value.topicPartitions.flatMap { topic in topic.partitions.map { PartitionID(topic.topicID, $0) } }.sorted()
            }
        case .consumerGroupCurrentMemberAssignment(let key): restoreCurrent(key.memberID, value)
        case .consumerGroupRegularExpression(let key):
            let value = value.flatMap { try? ConsumerGroupRegularExpressionValue.decodeValue($0) }
            regexes[key.regularExpression] = value.map {
                ResolvedRegex(topics: $0.topics.sorted(), version: $0.version, timestamp: $0.timestamp)
            }
        default: break
        }
    }

    private mutating func restoreEpoch(_ value: Bytes?) {
        guard let bytes = value else {
            // The group's end. What follows is another of that name.
            self = ConsumerGroup(groupID)
            return
        }
        guard let value = try? ConsumerGroupMetadataValue.decodeValue(bytes) else { return }
        (groupEpoch, metadataHash) = (value.epoch, value.metadataHash)
    }

    private mutating func restoreMember(_ memberID: String, _ value: Bytes?) {
        guard let value = value.flatMap({ try? ConsumerGroupMemberMetadataValue.decodeValue($0) }) else {
            take(memberID)
            return
        }
        var member = members[memberID] ?? ConsumerMember(memberID)
        member.instanceID = value.instanceID
        member.rackID = value.rackID
        member.clientID = value.clientID
        member.clientHost = value.clientHost
        member.subscribedTopics = Set(value.subscribedTopicNames).sorted()
        member.subscribedRegex = value.subscribedTopicRegex ?? ""
        member.rebalanceTimeoutMs = value.rebalanceTimeoutMs
        member.serverAssignor = value.serverAssignor
        member.classic = value.classicMemberMetadata
        put(member)
    }

    private mutating func restoreCurrent(_ memberID: String, _ value: Bytes?) {
        // What a member has may stand before what it is: compaction keeps the newest of each.
        if value == nil && members[memberID] == nil { return }
        var member = members[memberID] ?? ConsumerMember(memberID)
        guard let value = value.flatMap({ try? ConsumerGroupCurrentMemberAssignmentValue.decodeValue($0) }) else {
            (member.memberEpoch, member.previousMemberEpoch, member.state) = (0, 0, .stable)
            (member.assigned, member.pendingRevocation) = (AssignedPartitions(), AssignedPartitions())
            return put(member)
        }
        member.memberEpoch = value.memberEpoch
        member.previousMemberEpoch = value.previousMemberEpoch
        member.state = ConsumerMemberState(rawValue: value.state) ?? .stable
        member.assigned = ConsumerGroupCurrentMemberAssignmentValue.partitions(value.assignedPartitions, epoch: value.memberEpoch)
        member.pendingRevocation = ConsumerGroupCurrentMemberAssignmentValue.partitions(
            value.partitionsPendingRevocation, epoch: value.memberEpoch)
        put(member)
    }
}
