import Primitives
import Wire

/// New epochs and targets: when the topics are looked at, when the group's epoch grows, and when a target is computed.
extension ShareGroup {
    /// Looks at the topics if they may have changed, raises the group's epoch if anything asks for it, and computes the target if it is
    /// due. `cause` is the member that asked, if one did.
    mutating func reassign(_ cause: RebalanceCause?, _ turn: inout GroupTurn) {
        var cause = cause
        if cause != nil || checkedVersion != turn.surroundings.version {
            let hash = hashOfTopics(turn)
            if hash != metadataHash {
                if cause == nil { cause = RebalanceCause(.topicsChanged) }
                metadataHash = hash
            }
            checkedVersion = turn.surroundings.version
        }
        // Partitions whose state has been made since the target was computed.
        if cause == nil && groupEpoch <= assignmentEpoch && hasUnassigned(turn) { cause = RebalanceCause(.topicsChanged) }
        if let cause { bump(cause, &turn) }
        guard groupEpoch > assignmentEpoch, isAssignmentDue(turn) else { return }
        computeTarget(&turn)
    }

    mutating func bump(_ cause: RebalanceCause, _ turn: inout GroupTurn) {
        groupEpoch += 1
        turn.records.append(epochRecord)
        if !members.isEmpty { emit(.started, cause, &turn) }
    }

    /// A target is computed at most once in the interval, so that members which start together share one.
    private func isAssignmentDue(_ turn: GroupTurn) -> Bool {
        let elapsed = turn.now.wall.milliseconds - assignmentTimestamp
        return assignmentTimestamp == 0 || elapsed < 0 || elapsed >= Int64(assignmentIntervalMs(turn))
    }

    /// Whether a partition with state, of a topic that somebody reads, is nobody's.
    private func hasUnassigned(_ turn: GroupTurn) -> Bool {
        let given = Set(targets.values.flatMap { $0 })
        let assignable = assignable(turn)
        return assignable.contains { topic, partitions in partitions.contains { !given.contains(PartitionID(topic, $0)) } }
    }

    /// The subscribed partitions whose state a share coordinator has.
    private func assignable(_ turn: GroupTurn) -> OrderedMap<UUID, [Int32]> {
        var partitions = OrderedMap<UUID, [Int32]>()
        for topic in subscribedTopics.compactMap({ turn.surroundings.topic($0) }) {
            let ready = (state.initialized[topic.id]?.partitions ?? []).filter { $0 < topic.partitionCount }
            if !ready.isEmpty { partitions[topic.id] = ready }
        }
        return partitions
    }

    private mutating func computeTarget(_ turn: inout GroupTurn) {
        var partitions: [UUID: [Int32]] = [:]
        for (topic, ready) in assignable(turn) { partitions[topic] = ready }
        let entries = members.values.map { member in
            AssignmentTask.Member(
                memberID: member.memberID, instanceID: nil, rackID: member.rackID,
                topics: member.subscribedTopics.compactMap { turn.surroundings.topic($0)?.id }.sorted(),
                current: target(of: member.memberID))
        }
        for (memberID, target) in SimpleAssignment.compute(entries, partitions) where targets[memberID] != target {
            targets[memberID] = target
            turn.records.append(targetRecord(memberID))
        }
        assignmentEpoch = groupEpoch
        assignmentTimestamp = turn.now.wall.milliseconds
        turn.records.append(targetEpochRecord)
        var cause = RebalanceCause(.unknown)
        cause.clientReason = "\(SimpleAssignment.name) assignor"
        emit(.assigned, cause, &turn)
    }

    /// Takes the member to its target. Returns it as it is then.
    mutating func advance(_ memberID: String, _ turn: inout GroupTurn) -> ShareMember {
        guard var member = members[memberID] else { preconditionFailure("a member that advances is one of the group's") }
        guard member.memberEpoch != assignmentEpoch else { return member }
        member.previousMemberEpoch = member.memberEpoch
        member.memberEpoch = assignmentEpoch
        member.assigned = target(of: memberID)
        members[memberID] = member
        turn.records.append(currentRecord(memberID))
        if members.values.allSatisfy({ $0.memberEpoch == assignmentEpoch }) { emit(.completed, RebalanceCause(.unknown), &turn) }
        return member
    }

    /// One number for the subscribed topics' partitions and racks; 0 where there are none.
    func hashOfTopics(_ turn: GroupTurn) -> Int64 {
        TopicHash.of(subscribedTopics.compactMap { turn.surroundings.topic($0) }) { turn.surroundings.racks(of: $0, $1) }
    }

    // MARK: description

    func description(_ surroundings: GroupSurroundings) -> ShareGroupDescribeResponse.Group {
        var group = ShareGroupDescribeResponse.Group()
        group.groupID = groupID
        group.groupState = groupState.rawValue
        group.groupEpoch = groupEpoch
        group.assignmentEpoch = assignmentEpoch
        group.assignorName = SimpleAssignment.name
        group.members = members.values.map { member in
            var entry = ShareGroupDescribeResponse.Member()
            entry.memberID = member.memberID
            entry.rackID = member.rackID
            entry.memberEpoch = member.memberEpoch
            entry.clientID = member.clientID
            entry.clientHost = member.clientHost
            entry.subscribedTopicNames = member.subscribedTopics
            entry.assignment.topicPartitions = byTopic(member.assigned) { topic, partitions in
                var row = ShareGroupDescribeResponse.TopicPartitions()
                (row.topicID, row.topicName, row.partitions) = (topic, surroundings.topicName(topic) ?? "", partitions)
                return row
            }.filter { !$0.topicName.isEmpty }
            return entry
        }
        return group
    }

    func checkInvariants() {
        precondition(assignmentEpoch <= groupEpoch, "no target is ahead of the group")
        for member in members.values {
            precondition(member.memberEpoch <= assignmentEpoch, "no member is ahead of the target")
            precondition(member.sessionDeadline != .distantFuture, "a member has a session")
        }
        for (id, topic) in state.initializing {
            let both = topic.partitions.filter { state.isInitialized(PartitionID(id, $0)) }
            precondition(both.isEmpty, "what is being initialized is not yet")
        }
    }
}
