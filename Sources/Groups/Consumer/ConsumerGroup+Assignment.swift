import Primitives
import Wire

extension RebalanceCause {
    init(_ reason: RebalanceEvent.Reason, _ member: ConsumerMember, note: String? = nil) {
        self.init(reason)
        memberID = member.memberID
        groupInstanceID = member.instanceID
        clientID = member.clientID
        clientHost = member.clientHost
        clientReason = note
    }
}

/// New epochs and targets: when the topics are looked at, when the group's epoch grows, when a target is computed, and each member's way
/// to it.
extension ConsumerGroup {
    func emit(_ step: RebalanceEvent.Step, _ cause: RebalanceCause, _ turn: inout GroupTurn) {
        turn.effects.append(
            .event(
                RebalanceEvent(
                    group: groupID, generation: groupEpoch, step: step, reason: cause.reason, memberID: cause.memberID,
                    groupInstanceID: cause.groupInstanceID, clientID: cause.clientID, clientHost: cause.clientHost,
                    clientReason: cause.clientReason, members: members.count, isEpoch: true)))
    }

    /// Looks at the topics if they may have changed, raises the group's epoch if anything asks for it, and computes the target if it is
    /// due. `cause` is the member that asked, if one did.
    mutating func reassign(_ cause: RebalanceCause?, _ turn: inout GroupTurn) {
        var cause = cause
        if cause != nil || checkedVersion != turn.surroundings.version {
            resolveRegexes(&turn)
            let hash = hashOfTopics(turn)
            if hash != metadataHash {
                if cause == nil { cause = RebalanceCause(.topicsChanged) }
                metadataHash = hash
            }
            checkedVersion = turn.surroundings.version
        }
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

    private mutating func computeTarget(_ turn: inout GroupTurn) {
        let target = assignor(turn).assign(task(turn))
        for (memberID, partitions) in target where targets[memberID] != partitions {
            targets[memberID] = partitions
            turn.records.append(targetRecord(memberID))
        }
        assignmentEpoch = groupEpoch
        assignmentTimestamp = turn.now.wall.milliseconds
        turn.records.append(targetEpochRecord)
        var cause = RebalanceCause(.unknown)
        cause.clientReason = "\(assignor(turn).rawValue) assignor"
        emit(.assigned, cause, &turn)
    }

    /// The assignor that most members ask for, else the first of the settings.
    func assignor(_ turn: GroupTurn) -> Assignor { assignor(turn.config) }

    func assignor(_ config: GroupConfig) -> Assignor {
        var votes = OrderedMap<String, Int>()
        for member in members.values {
            if let name = member.serverAssignor { votes[name, default: 0] += 1 }
        }
        let most = votes.values.max() ?? 0
        let winner = votes.first { $0.value == most }.flatMap { Assignor(rawValue: $0.key) }
        return winner ?? config.consumerAssignors.first ?? .uniform
    }

    private func task(_ turn: GroupTurn) -> AssignmentTask {
        let asksForRacks = members.values.contains { $0.rackID != nil }
        var topics = OrderedMap<UUID, AssignmentTask.Topic>()
        let entries = members.values.map { member in
            var ids: [UUID] = []
            for name in self.topics(of: member) {
                guard let topic = turn.surroundings.topic(name) else { continue }
                ids.append(topic.id)
                guard topics[topic.id] == nil else { continue }
                let racks = asksForRacks ? (0..<topic.partitionCount).map { turn.surroundings.racks(of: name, $0) } : []
                topics[topic.id] = AssignmentTask.Topic(id: topic.id, partitionCount: topic.partitionCount, racks: racks)
            }
            return AssignmentTask.Member(
                memberID: member.memberID, instanceID: member.instanceID, rackID: member.rackID, topics: ids.sorted(),
                current: target(of: member.memberID))
        }
        return AssignmentTask(members: entries, topics: topics.values)
    }

    /// Takes the member one step towards its target. Returns it as it is then.
    mutating func reconcile(_ memberID: String, _ owned: [PartitionID]?, _ turn: inout GroupTurn) -> ConsumerMember {
        guard let before = members[memberID] else { preconditionFailure("a member that is reconciled is one of the group's") }
        guard !before.isReconciled(to: assignmentEpoch) else { return before }
        let holders = turn.config.mutations.contains(.assignWhatOthersHold) ? [:] : holders
        let way = Reconciliation(targetEpoch: assignmentEpoch, target: target(of: memberID), owned: owned) { partition in
            holders[partition].map { $0 != memberID } ?? false
        }
        var after = way.advance(before)
        guard !after.hasSame(as: before) else { return before }
        if after.state == .unrevokedPartitions {
            if before.state != .unrevokedPartitions {
                after.revocationDeadline = turn.after(milliseconds: max(after.rebalanceTimeoutMs, 0))
                turn.wake(at: after.revocationDeadline)
            }
        } else {
            after.revocationDeadline = .distantFuture
        }
        put(after)
        turn.records.append(currentRecord(memberID))
        if state == .stable { emit(.completed, RebalanceCause(.unknown), &turn) }
        return after
    }

    // MARK: topics

    /// Resolves each expression anew. Topics that the asking client may not see are left out.
    private mutating func resolveRegexes(_ turn: inout GroupTurn) {
        var wanted: [String] = []
        for member in members.values where !member.subscribedRegex.isEmpty && !wanted.contains(member.subscribedRegex) {
            wanted.append(member.subscribedRegex)
        }
        guard !wanted.isEmpty else { return }
        let names = turn.surroundings.topicNames
        for regex in wanted where regexes[regex] == nil || checkedVersion != turn.surroundings.version {
            guard let pattern = try? TopicPattern(regex) else { continue }
            let found = names.filter { pattern.matches($0) }
            if let known = regexes[regex], known.topics == found { continue }
            regexes[regex] = ResolvedRegex(
                topics: found, version: max(turn.surroundings.version, 0), timestamp: turn.now.wall.milliseconds)
            turn.records.append(regexRecord(regex))
        }
    }

    mutating func forgetUnusedRegexes(_ turn: inout GroupTurn) {
        for regex in regexes.keys where !members.values.contains(where: { $0.subscribedRegex == regex }) {
            regexes.remove(regex)
            turn.records.append(regexRecord(regex))
        }
    }

    /// One number for the subscribed topics' partitions and racks; 0 where there are none. Another number asks for another assignment.
    func hashOfTopics(_ turn: GroupTurn) -> Int64 {
        TopicHash.of(subscribedTopics.compactMap { turn.surroundings.topic($0) }) { turn.surroundings.racks(of: $0, $1) }
    }
}
