import Primitives
import Wire

/// How a group changes its protocol while its members go on (KIP-848): up with the first ConsumerGroupHeartbeat, down when the last member
/// that sends them is gone. `group.consumer.migration.policy` says which is allowed. What the group committed stays.
extension Group {
    /// Makes the group one of KIP-848, where it is not. False: the members of a classic group stand in the way.
    mutating func becomeConsumer(_ turn: inout GroupTurn) -> Bool {
        guard var classic else { return true }
        if classic.members.isEmpty && (classic.state == .empty || classic.state == .preparingRebalance) {
            if classic.isRecorded { turn.records.append(.groupTombstone(groupID)) }
            consumer = ConsumerGroup(groupID)
            self.classic = nil
            return true
        }
        guard turn.config.migration.mayUpgrade, classic.members.count <= turn.config.consumerGroupSizeMax,
            let upgraded = ConsumerGroup(classic, turn)
        else { return false }
        for memberID in classic.members.keys {
            classic.answerJoin(memberID, .failed(.rebalanceInProgress, memberID), &turn)
            classic.answerSync(memberID, .failed(.rebalanceInProgress), &turn)
        }
        turn.records.append(.groupTombstone(groupID))
        turn.records += upgraded.allRecords
        self.classic = nil
        consumer = upgraded
        consumer?.isRecorded = true
        consumer?.resume(&turn)
        var cause = RebalanceCause(.protocolChanged)
        cause.clientReason = "classic to consumer"
        consumer?.emit(.started, cause, &turn)
        return true
    }

    /// Makes an empty group a classic one, for a JoinGroup. A group with members stays what it is.
    mutating func becomeClassicIfEmpty(_ turn: inout GroupTurn) {
        guard let group = consumer, group.members.isEmpty, !group.isDead else { return }
        if group.isRecorded { turn.records += group.tombstones }
        consumer = nil
        classic = ClassicGroup(groupID)
    }

    /// Only classic members are left: they go on by themselves, in a generation that begins with a rebalance.
    mutating func downgrade(_ turn: inout GroupTurn) {
        guard let group = consumer else { return }
        turn.records += group.tombstones
        var downgraded = ClassicGroup(group, turn)
        downgraded.isRecorded = true
        turn.records.append(downgraded.groupRecord())
        for memberID in downgraded.members.keys { downgraded.restartSession(memberID, &turn) }
        var cause = RebalanceCause(.protocolChanged)
        cause.clientReason = "consumer to classic"
        downgraded.prepareRebalance(cause, &turn)
        classic = downgraded
        consumer = nil
    }
}

/// `group.consumer.migration.policy`.
package enum ConsumerMigrationPolicy: String, Equatable, Sendable, CaseIterable {
    case disabled
    case upgrade
    case downgrade
    case bidirectional

    var mayUpgrade: Bool { self == .upgrade || self == .bidirectional }
    var mayDowngrade: Bool { self == .downgrade || self == .bidirectional }
}

extension ConsumerGroup {
    /// A classic group's members with what they have, all in the epoch that is their generation. Nil where their metadata cannot be read.
    init?(_ classic: ClassicGroup, _ turn: GroupTurn) {
        guard classic.protocolType == GroupRecord.consumerProtocolType, classic.state != .dead else { return nil }
        self.init(classic.groupID)
        groupEpoch = max(classic.generationID, 1)
        assignmentEpoch = groupEpoch
        assignmentTimestamp = 0
        for old in classic.members.values {
            guard let first = old.protocols.first, let subscription = ConsumerProtocolSubscription.read(first.metadata) else { return nil }
            var member = ConsumerMember(old.memberID)
            member.instanceID = old.groupInstanceID
            member.rackID = subscription.rackID
            member.clientID = old.clientID
            member.clientHost = old.clientHost
            member.subscribedTopics = Set(subscription.topics).sorted()
            member.rebalanceTimeoutMs = old.rebalanceTimeoutMs
            var metadata = ConsumerGroupMemberMetadataValue.ClassicMemberMetadata()
            metadata.sessionTimeoutMs = old.sessionTimeoutMs
            metadata.supportedProtocols = old.protocols.map { entry in
                var described = ConsumerGroupMemberMetadataValue.ClassicProtocol()
                (described.name, described.metadata) = (entry.name, entry.metadata)
                return described
            }
            member.classic = metadata
            (member.memberEpoch, member.previousMemberEpoch) = (groupEpoch, groupEpoch)
            let assignment = try? ConsumerProtocolAssignment.decode(old.assignment)
            for topic in assignment?.assignedPartitions ?? [] {
                guard let known = turn.surroundings.topic(topic.topic) else { continue }
                for partition in topic.partitions where holders[PartitionID(known.id, partition)] == nil {
                    member.assigned[PartitionID(known.id, partition)] = groupEpoch
                }
            }
            put(member)
            targets[old.memberID] = member.assigned.keys
        }
    }
}

extension ClassicGroup {
    /// The classic members of a group, stable in the generation that is its epoch.
    init(_ group: ConsumerGroup, _ turn: GroupTurn) {
        self.init(group.groupID)
        generationID = group.groupEpoch
        protocolType = GroupRecord.consumerProtocolType
        for old in group.members.values {
            guard let metadata = old.classic else { continue }
            var assignment = ConsumerProtocolAssignment()
            assignment.assignedPartitions = byTopic(old.assigned.keys) { topic, partitions in
                var entry = ConsumerProtocolAssignment.TopicPartitions()
                (entry.topic, entry.partitions) = (turn.surroundings.topicName(topic) ?? "", partitions)
                return entry
            }.filter { !$0.topic.isEmpty }
            var member = GroupMember(
                memberID: old.memberID, groupInstanceID: old.instanceID, clientID: old.clientID, clientHost: old.clientHost,
                rebalanceTimeoutMs: old.rebalanceTimeoutMs, sessionTimeoutMs: metadata.sessionTimeoutMs,
                protocols: metadata.supportedProtocols.map { MemberProtocol(name: $0.name, metadata: $0.metadata) },
                assignment: assignment.encoded(version: 0))
            member.isNew = false
            if let instance = member.groupInstanceID { staticMembers[instance] = member.memberID }
            countProtocols(of: member, by: 1)
            members[member.memberID] = member
        }
        leaderID = members.keys.first
        protocolName = selectedProtocol()
        subscribedTopics = topicsOfMembers()
        (state, previousState) = (.stable, .completingRebalance)
        stateTimestamp = turn.now.wall
    }
}
