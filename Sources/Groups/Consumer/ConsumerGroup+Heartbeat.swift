import Primitives
import Wire

/// Why a ConsumerGroupHeartbeat is refused, with Kafka's words.
struct HeartbeatRefusal: Error, Equatable, Sendable {
    var code: ErrorCode
    var message: String

    init(_ code: ErrorCode, _ message: String) { (self.code, self.message) = (code, message) }

    var response: ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        (response.errorCode, response.errorMessage) = (code, message)
        return response
    }

    static func unknownMember(_ memberID: String, _ groupID: String) -> HeartbeatRefusal {
        HeartbeatRefusal(.unknownMemberID, "Member \(memberID) is not a member of group \(groupID).")
    }

    static func notFound(_ groupID: String) -> HeartbeatRefusal {
        HeartbeatRefusal(.groupIDNotFound, "Consumer group \(groupID) not found.")
    }
}

/// ConsumerGroupHeartbeat: a member joins, tells what changed, gives back and receives partitions, and leaves.
extension ConsumerGroup {
    /// What can be refused by looking at the request alone.
    static func problem(
        _ request: ConsumerGroupHeartbeatRequest, _ apiVersion: Int16, _ config: GroupConfig
    ) -> HeartbeatRefusal? {
        let isJoin = request.memberEpoch == 0
        func invalid(_ message: String) -> HeartbeatRefusal { HeartbeatRefusal(.invalidRequest, message) }
        if request.memberID.isEmpty && (apiVersion >= 1 || !isJoin) { return invalid("MemberId can't be empty.") }
        if request.groupID.isEmpty { return invalid("GroupId can't be empty.") }
        if request.instanceID == "" { return invalid("InstanceId can't be empty.") }
        if request.rackID == "" { return invalid("RackId can't be empty.") }
        if isJoin {
            if request.rebalanceTimeoutMs == -1 { return invalid("RebalanceTimeoutMs must be provided in first request.") }
            if request.topicPartitions?.isEmpty != true { return invalid("TopicPartitions must be empty when (re-)joining.") }
            if request.subscribedTopicNames == nil && request.subscribedTopicRegex == nil {
                return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
            }
        } else if request.memberEpoch == ConsumerMember.leftForAWhile {
            if request.instanceID == nil { return invalid("InstanceId can't be null.") }
        } else if request.memberEpoch < ConsumerMember.leftForAWhile {
            return invalid("MemberEpoch is invalid.")
        }
        if let name = request.serverAssignor, !config.consumerAssignors.contains(where: { $0.rawValue == name }) {
            let known = config.consumerAssignors.map(\.rawValue).joined(separator: ", ")
            return HeartbeatRefusal(.unsupportedAssignor, "ServerAssignor \(name) is not supported. Supported assignors: \(known).")
        }
        return patternProblem(request)
    }

    private static func patternProblem(_ request: ConsumerGroupHeartbeatRequest) -> HeartbeatRefusal? {
        guard let regex = request.subscribedTopicRegex, !regex.isEmpty else { return nil }
        do throws(TopicPattern.Invalid) {
            _ = try TopicPattern(regex)
            return nil
        } catch {
            return HeartbeatRefusal(
                .invalidRegularExpression, "SubscribedTopicRegex `\(regex)` is not a valid regular expression: \(error.reason).")
        }
    }

    // MARK: joining and living

    mutating func heartbeat(_ request: ConsumerGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        do throws(HeartbeatRefusal) {
            let response = try beat(request, caller, &turn)
            turn.hold(caller.token, .consumerHeartbeat(response))
        } catch {
            turn.hold(caller.token, .consumerHeartbeat(error.response))
        }
    }

    private mutating func beat(
        _ request: ConsumerGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn
    ) throws(HeartbeatRefusal) -> ConsumerGroupHeartbeatResponse {
        let memberID = request.memberID.isEmpty ? UUID.random(&turn.random).text : request.memberID
        if members[memberID] == nil && members.count >= turn.config.consumerGroupSizeMax {
            throw HeartbeatRefusal(
                .groupMaxSizeReached,
                "The consumer group has reached its maximum capacity of \(turn.config.consumerGroupSizeMax) members.")
        }
        let before = try member(memberID, request, &turn)
        let isNew = members[memberID] == nil
        var after = before
        after.take(request, caller)
        let needsAssignment = subscribe(before, after, isNew: isNew, &turn)
        let cause = RebalanceCause(isNew ? .memberJoined : .subscriptionChanged, after)
        if isNew { emit(.memberJoined, cause, &turn) }
        reassign(needsAssignment ? cause : nil, &turn)
        let owned = request.memberEpoch == 0 ? [] : request.ownedPartitions
        let step = reconcile(memberID, owned, &turn)
        restartSession(memberID, &turn)
        return answer(to: request, before, step, turn)
    }

    private func answer(
        to request: ConsumerGroupHeartbeatRequest, _ before: ConsumerMember, _ after: ConsumerMember, _ turn: GroupTurn
    ) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.memberID = after.memberID
        response.memberEpoch = after.memberEpoch
        response.heartbeatIntervalMs = heartbeatIntervalMs(turn)
        // A whole request is from a member that may have missed an answer.
        let isWhole = request.rebalanceTimeoutMs != -1 && request.topicPartitions != nil
            && (request.subscribedTopicNames != nil || request.subscribedTopicRegex != nil)
        if request.memberEpoch == 0 || isWhole || before.assigned.keys != after.assigned.keys {
            response.assignment = ConsumerGroupHeartbeatResponse.Assignment(after.assigned.keys)
        }
        return response
    }

    /// The member that speaks, as it stands; made where it joins.
    private mutating func member(
        _ memberID: String, _ request: ConsumerGroupHeartbeatRequest, _ turn: inout GroupTurn
    ) throws(HeartbeatRefusal) -> ConsumerMember {
        if let instance = request.instanceID { return try staticMember(instance, memberID, request, &turn) }
        guard let member = members[memberID] else {
            guard request.memberEpoch == 0 else { throw .unknownMember(memberID, groupID) }
            return ConsumerMember(memberID)
        }
        try checkEpoch(request, member)
        return member
    }

    private mutating func staticMember(
        _ instance: String, _ memberID: String, _ request: ConsumerGroupHeartbeatRequest, _ turn: inout GroupTurn
    ) throws(HeartbeatRefusal) -> ConsumerMember {
        guard let holder = staticMembers[instance], let existing = members[holder] else {
            guard request.memberEpoch == 0 else {
                throw HeartbeatRefusal(.unknownMemberID, "Instance id \(instance) is unknown.")
            }
            return ConsumerMember(memberID)
        }
        if holder == memberID {
            try checkEpoch(request, existing)
            return existing
        }
        guard request.memberEpoch == 0 else { throw fenced(memberID, instance, holder) }
        guard existing.memberEpoch == ConsumerMember.leftForAWhile || existing.isClassic else {
            throw HeartbeatRefusal(
                .unreleasedInstanceID,
                "Static member \(memberID) with instance id \(instance) cannot join the group because the instance id is owned by "
                    + "\(holder) member.")
        }
        return replace(existing, by: memberID, &turn)
    }

    func fenced(_ memberID: String, _ instance: String, _ holder: String) -> HeartbeatRefusal {
        HeartbeatRefusal(.fencedInstanceID, "Static member \(memberID) with instance id \(instance) was fenced by member \(holder).")
    }

    /// A static member comes back under another id: what the old one had and was to have is its own. Nobody else notices.
    mutating func replace(_ old: ConsumerMember, by memberID: String, _ turn: inout GroupTurn) -> ConsumerMember {
        turn.records += tombstones(of: old.memberID)
        let target = targets.remove(old.memberID)
        take(old.memberID)
        var new = ConsumerMember(memberID)
        new.instanceID = old.instanceID
        new.rackID = old.rackID
        new.clientID = old.clientID
        new.clientHost = old.clientHost
        new.subscribedTopics = old.subscribedTopics
        new.subscribedRegex = old.subscribedRegex
        new.rebalanceTimeoutMs = old.rebalanceTimeoutMs
        new.serverAssignor = old.serverAssignor
        new.assigned = old.assigned
        put(new)
        turn.records.append(memberRecord(memberID))
        targets[memberID] = target
        if target != nil { turn.records.append(targetRecord(memberID)) }
        emit(.memberJoined, RebalanceCause(.staticMemberReplaced, new), &turn)
        return new
    }

    /// A member has to come with the epoch it was told. One that did not hear its last answer may come with the one before, if it has
    /// nothing that is no longer its own. Epoch 0 is one that begins anew, with nothing.
    private func checkEpoch(_ request: ConsumerGroupHeartbeatRequest, _ member: ConsumerMember) throws(HeartbeatRefusal) {
        let received = request.memberEpoch
        if received == 0 || received == member.memberEpoch { return }
        if received == member.previousMemberEpoch, let owned = request.ownedPartitions,
            owned.allSatisfy({ member.assigned[$0] != nil })
        {
            return
        }
        let word = received > member.memberEpoch ? "greater" : "smaller"
        throw HeartbeatRefusal(
            .fencedMemberEpoch,
            "The consumer group member has a \(word) member epoch (\(received)) than the one known by the group coordinator "
                + "(\(member.memberEpoch)). The member must abandon all its partitions and rejoin.")
    }

    /// Takes over what a member said of itself. Whether that asks for a new assignment.
    mutating func subscribe(_ before: ConsumerMember, _ after: ConsumerMember, isNew: Bool, _ turn: inout GroupTurn) -> Bool {
        put(after)
        isRecorded = true
        let isChanged = isNew || !before.describesSame(as: after)
        if isChanged { turn.records.append(memberRecord(after.memberID)) }
        if before.subscribedRegex != after.subscribedRegex { forgetUnusedRegexes(&turn) }
        return isNew || before.subscribedTopics != after.subscribedTopics || before.subscribedRegex != after.subscribedRegex
    }

    mutating func restartSession(_ memberID: String, _ turn: inout GroupTurn) {
        guard let member = members[memberID] else { return }
        let timeout = member.classic?.sessionTimeoutMs ?? sessionTimeoutMs(turn)
        let deadline = turn.after(milliseconds: timeout)
        members.update(memberID) { $0.sessionDeadline = deadline }
        turn.wake(at: deadline)
    }

    // MARK: leaving

    /// Epoch -1: for good. Epoch -2: a static member that means to come back within its session.
    mutating func leave(_ request: ConsumerGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        do throws(HeartbeatRefusal) {
            let memberID = try leaver(request)
            if request.memberEpoch == ConsumerMember.leftForAWhile {
                leaveForAWhile(memberID, &turn)
            } else {
                remove([memberID], .memberLeft, &turn)
            }
            var response = ConsumerGroupHeartbeatResponse()
            (response.memberID, response.memberEpoch) = (request.memberID, request.memberEpoch)
            turn.hold(caller.token, .consumerHeartbeat(response))
        } catch {
            turn.hold(caller.token, .consumerHeartbeat(error.response))
        }
    }

    private func leaver(_ request: ConsumerGroupHeartbeatRequest) throws(HeartbeatRefusal) -> String {
        guard let instance = request.instanceID else {
            guard members[request.memberID] != nil else { throw .unknownMember(request.memberID, groupID) }
            return request.memberID
        }
        guard let holder = staticMembers[instance] else {
            throw HeartbeatRefusal(.unknownMemberID, "Instance id \(instance) is unknown.")
        }
        guard holder == request.memberID else { throw fenced(request.memberID, instance, holder) }
        return holder
    }

    /// It keeps its partitions until its session ends. Kafka writes them without their epochs here, and so do we.
    private mutating func leaveForAWhile(_ memberID: String, _ turn: inout GroupTurn) {
        guard var member = members[memberID] else { return }
        member.memberEpoch = ConsumerMember.leftForAWhile
        member.state = .stable
        member.pendingRevocation = AssignedPartitions()
        member.assigned = AssignedPartitions(member.assigned.keys, epoch: 0)
        member.revocationDeadline = .distantFuture
        put(member)
        turn.records.append(currentRecord(memberID))
        emit(.memberLeft, RebalanceCause(.memberLeft, member, note: "for a while"), &turn)
    }

    /// Takes members out, and asks for a new assignment of what they had.
    mutating func remove(_ memberIDs: [String], _ reason: RebalanceEvent.Reason, note: String? = nil, _ turn: inout GroupTurn) {
        var cause: RebalanceCause?
        let hadConsumers = members.values.contains { !$0.isClassic }
        for memberID in memberIDs {
            turn.records += tombstones(of: memberID)
            targets.remove(memberID)
            guard let member = take(memberID) else { continue }
            let gone = RebalanceCause(reason, member, note: note)
            cause = gone
            emit(.memberLeft, gone, &turn)
        }
        guard let cause else { return }
        forgetUnusedRegexes(&turn)
        // Without consumer-protocol members the classic ones go on by themselves, in the generation after this one.
        isLeftToClassics = hadConsumers && !members.isEmpty && members.values.allSatisfy(\.isClassic) && turn.config.migration.mayDowngrade
        metadataHash = hashOfTopics(turn)
        bump(cause, &turn)
        if members.isEmpty { emit(.emptied, cause, &turn) }
    }
}

extension ConsumerMember {
    /// What the heartbeat says of the member; what it does not say stays.
    mutating func take(_ request: ConsumerGroupHeartbeatRequest, _ caller: GroupCaller) {
        instanceID = request.instanceID ?? instanceID
        rackID = request.rackID ?? rackID
        if request.rebalanceTimeoutMs != -1 { rebalanceTimeoutMs = request.rebalanceTimeoutMs }
        serverAssignor = request.serverAssignor ?? serverAssignor
        if let names = request.subscribedTopicNames { subscribedTopics = Set(names).sorted() }
        if let regex = request.subscribedTopicRegex { subscribedRegex = regex }
        clientID = caller.clientID
        clientHost = caller.clientHost
        classic = nil
        classicDeadline = .distantFuture
    }
}
