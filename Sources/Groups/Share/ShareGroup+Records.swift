import Primitives
import Wire

/// How a share group stands in `__consumer_offsets`: record types 10 to 15, as Kafka 4.3 writes them.
extension ShareGroup {
    var epochRecord: GroupRecord {
        var key = ShareGroupMetadataKey()
        key.groupID = groupID
        var value = ShareGroupMetadataValue()
        (value.epoch, value.metadataHash) = (groupEpoch, metadataHash)
        return GroupRecord(key, value)
    }

    func memberRecord(_ memberID: String) -> GroupRecord {
        var key = ShareGroupMemberMetadataKey()
        (key.groupID, key.memberID) = (groupID, memberID)
        return GroupRecord(key, members[memberID].map { ShareGroupMemberMetadataValue($0) })
    }

    var targetEpochRecord: GroupRecord {
        var key = ShareGroupTargetAssignmentMetadataKey()
        key.groupID = groupID
        var value = ShareGroupTargetAssignmentMetadataValue()
        (value.assignmentEpoch, value.assignmentTimestamp) = (assignmentEpoch, assignmentTimestamp)
        return GroupRecord(key, value)
    }

    func targetRecord(_ memberID: String) -> GroupRecord {
        var key = ShareGroupTargetAssignmentMemberKey()
        (key.groupID, key.memberID) = (groupID, memberID)
        guard let target = targets[memberID] else { return GroupRecord(key: key.encodeKey(), value: nil) }
        var value = ShareGroupTargetAssignmentMemberValue()
        value.topicPartitions = byTopic(target) { topic, partitions in
            var entry = ShareGroupTargetAssignmentMemberValue.TopicPartitions()
            (entry.topicID, entry.partitions) = (topic, partitions)
            return entry
        }
        return GroupRecord(key, value)
    }

    func currentRecord(_ memberID: String) -> GroupRecord {
        var key = ShareGroupCurrentMemberAssignmentKey()
        (key.groupID, key.memberID) = (groupID, memberID)
        return GroupRecord(key, members[memberID].map { ShareGroupCurrentMemberAssignmentValue($0) })
    }

    var stateRecord: GroupRecord {
        var key = ShareGroupStatePartitionMetadataKey()
        key.groupID = groupID
        return GroupRecord(key, ShareGroupStatePartitionMetadataValue(state))
    }

    /// The tombstones of a member that is gone, in Kafka's order.
    func tombstones(of memberID: String) -> [GroupRecord] {
        [currentRecord(memberID), targetRecord(memberID), memberRecord(memberID)].map { GroupRecord(key: $0.key, value: nil) }
    }

    /// The tombstones of all that the log may hold of the group.
    var tombstones: [GroupRecord] {
        let records = members.keys.map(currentRecord) + members.keys.map(targetRecord) + [targetEpochRecord]
            + members.keys.map(memberRecord) + [stateRecord, epochRecord]
        return records.map { GroupRecord(key: $0.key, value: nil) }
    }

    /// What the log should say under a key of ours now; nil of a key that is not of this protocol.
    func record(under key: Bytes) -> GroupRecord? {
        guard let parsed = try? GroupRecordKey.decode(key) else { return nil }
        return switch parsed {
        case .shareGroupMetadata: epochRecord
        case .shareGroupMemberMetadata(let key): memberRecord(key.memberID)
        case .shareGroupTargetAssignmentMetadata: targetEpochRecord
        case .shareGroupTargetAssignmentMember(let key): targetRecord(key.memberID)
        case .shareGroupCurrentMemberAssignment(let key): currentRecord(key.memberID)
        case .shareGroupStatePartitionMetadata: stateRecord
        default: nil
        }
    }
}

extension ShareGroupMemberMetadataValue {
    init(_ member: ShareMember) {
        self.init()
        rackID = member.rackID
        clientID = member.clientID
        clientHost = member.clientHost
        subscribedTopicNames = member.subscribedTopics
    }
}

extension ShareGroupCurrentMemberAssignmentValue {
    init(_ member: ShareMember) {
        self.init()
        memberEpoch = member.memberEpoch
        previousMemberEpoch = member.previousMemberEpoch
        assignedPartitions = byTopic(member.assigned) { topic, partitions in
            var entry = TopicPartitions()
            (entry.topicID, entry.partitions) = (topic, partitions)
            return entry
        }
    }
}

extension ShareGroupStatePartitionMetadataValue {
    init(_ state: ShareGroupPartitions) {
        self.init()
        initializingTopics = state.initializing.map { TopicPartitions($0.key, $0.value) }
        initializedTopics = state.initialized.map { TopicPartitions($0.key, $0.value) }
        deletingTopics = state.deleting.map { id, name in
            var topic = Topic()
            (topic.topicID, topic.topicName) = (id, name)
            return topic
        }
    }
}

extension ShareGroupStatePartitionMetadataValue.TopicPartitions {
    fileprivate init(_ id: UUID, _ topic: ShareGroupPartitions.Topic) {
        self.init()
        (topicID, topicName, partitions) = (id, topic.name, topic.partitions)
    }
}

/// The same group from its records, when a coordinator takes it over. Records may come in any order that compaction leaves.
extension ShareGroup {
    mutating func restore(_ key: GroupRecordKey, _ value: Bytes?) {
        isRecorded = true
        switch key {
        case .shareGroupMetadata: restoreEpoch(value)
        case .shareGroupMemberMetadata(let key): restoreMember(key.memberID, value)
        case .shareGroupTargetAssignmentMetadata:
            guard let value = value.flatMap({ try? ShareGroupTargetAssignmentMetadataValue.decodeValue($0) }) else { return }
            (assignmentEpoch, assignmentTimestamp) = (value.assignmentEpoch, value.assignmentTimestamp)
        case .shareGroupTargetAssignmentMember(let key):
            let value = value.flatMap { try? ShareGroupTargetAssignmentMemberValue.decodeValue($0) }
            targets[key.memberID] = value.map { value in
                value.topicPartitions.flatMap { topic in topic.partitions.map { PartitionID(topic.topicID, $0) } }.sorted()
            }
        case .shareGroupCurrentMemberAssignment(let key): restoreCurrent(key.memberID, value)
        case .shareGroupStatePartitionMetadata:
            state = ShareGroupPartitions(value.flatMap { try? ShareGroupStatePartitionMetadataValue.decodeValue($0) })
        default: break
        }
    }

    private mutating func restoreEpoch(_ value: Bytes?) {
        guard let value = value.flatMap({ try? ShareGroupMetadataValue.decodeValue($0) }) else { return }
        (groupEpoch, metadataHash) = (value.epoch, value.metadataHash)
    }

    private mutating func restoreMember(_ memberID: String, _ value: Bytes?) {
        guard let value = value.flatMap({ try? ShareGroupMemberMetadataValue.decodeValue($0) }) else {
            members.remove(memberID)
            return
        }
        var member = members[memberID] ?? ShareMember(memberID)
        member.rackID = value.rackID
        member.clientID = value.clientID
        member.clientHost = value.clientHost
        member.subscribedTopics = Set(value.subscribedTopicNames).sorted()
        members[memberID] = member
    }

    private mutating func restoreCurrent(_ memberID: String, _ value: Bytes?) {
        // What a member has may stand before what it is: compaction keeps the newest of each.
        if value == nil && members[memberID] == nil { return }
        var member = members[memberID] ?? ShareMember(memberID)
        let value = value.flatMap { try? ShareGroupCurrentMemberAssignmentValue.decodeValue($0) }
        (member.memberEpoch, member.previousMemberEpoch) = (value?.memberEpoch ?? 0, value?.previousMemberEpoch ?? 0)
        member.assigned = (value?.assignedPartitions ?? []).flatMap { topic in
            topic.partitions.map { PartitionID(topic.topicID, $0) }
        }.sorted()
        members[memberID] = member
    }
}

extension ShareGroupPartitions {
    /// A record's; nil: the tombstone.
    fileprivate init(_ value: ShareGroupStatePartitionMetadataValue?) {
        self.init()
        for topic in value?.initializedTopics ?? [] {
            initialized[topic.topicID] = Topic(name: topic.topicName, partitions: Set(topic.partitions).sorted())
        }
        for topic in value?.initializingTopics ?? [] {
            let done = initialized[topic.topicID]?.partitions ?? []
            let rest = Set(topic.partitions).subtracting(done).sorted()
            if !rest.isEmpty { initializing[topic.topicID] = Topic(name: topic.topicName, partitions: rest) }
        }
        for topic in value?.deletingTopics ?? [] { deleting[topic.topicID] = topic.topicName }
    }
}
