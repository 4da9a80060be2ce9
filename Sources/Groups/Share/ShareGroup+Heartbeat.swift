import Primitives
import Wire

extension HeartbeatRefusal {
    /// `message` nil: Kafka has none.
    var shareResponse: ShareGroupHeartbeatResponse {
        var response = ShareGroupHeartbeatResponse()
        (response.errorCode, response.errorMessage) = (code, message.isEmpty ? nil : message)
        return response
    }

    static func notShare(_ groupID: String) -> HeartbeatRefusal {
        HeartbeatRefusal(.groupIDNotFound, "Group \(groupID) is not a share group.")
    }

    static func shareGroupNotFound(_ groupID: String, isLeaving: Bool) -> HeartbeatRefusal {
        HeartbeatRefusal(.groupIDNotFound, isLeaving ? "Group \(groupID) not found." : "Share group \(groupID) not found.")
    }
}

extension RebalanceCause {
    init(_ reason: RebalanceEvent.Reason, _ member: ShareMember) {
        self.init(reason)
        memberID = member.memberID
        clientID = member.clientID
        clientHost = member.clientHost
    }
}

/// ShareGroupHeartbeat: a member joins, tells what it subscribes to, receives partitions, and leaves.
extension ShareGroup {
    /// What can be refused by looking at the request alone.
    static func problem(_ request: ShareGroupHeartbeatRequest) -> HeartbeatRefusal? {
        func invalid(_ message: String) -> HeartbeatRefusal { HeartbeatRefusal(.invalidRequest, message) }
        if request.groupID.isEmpty { return invalid("GroupId can't be empty.") }
        if request.rackID == "" { return invalid("RackId can't be empty.") }
        if request.memberEpoch == 0 {
            if request.subscribedTopicNames?.isEmpty ?? true { return invalid("SubscribedTopicNames must be set in first request.") }
        } else if request.memberEpoch < -1 {
            return invalid("MemberEpoch is invalid.")
        }
        return nil
    }

    func emit(_ step: RebalanceEvent.Step, _ cause: RebalanceCause, _ turn: inout GroupTurn) {
        turn.effects.append(
            .event(
                RebalanceEvent(
                    group: groupID, generation: groupEpoch, step: step, reason: cause.reason, memberID: cause.memberID,
                    groupInstanceID: nil, clientID: cause.clientID, clientHost: cause.clientHost, clientReason: cause.clientReason,
                    members: members.count, isEpoch: true)))
    }

    // MARK: joining and living

    mutating func heartbeat(_ request: ShareGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        do throws(HeartbeatRefusal) {
            let response = try beat(request, caller, &turn)
            turn.hold(caller.token, .shareHeartbeat(response))
        } catch {
            turn.hold(caller.token, .shareHeartbeat(error.shareResponse))
        }
    }

    private mutating func beat(
        _ request: ShareGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn
    ) throws(HeartbeatRefusal) -> ShareGroupHeartbeatResponse {
        let memberID = request.memberID
        let before = try member(request, turn)
        let isNew = members[memberID] == nil
        var after = before
        after.rackID = request.rackID ?? after.rackID
        if let names = request.subscribedTopicNames { after.subscribedTopics = Set(names).sorted() }
        (after.clientID, after.clientHost) = (caller.clientID, caller.clientHost)
        members[memberID] = after
        if isNew || !before.describesSame(as: after) { turn.records.append(memberRecord(memberID)) }
        let cause = RebalanceCause(isNew ? .memberJoined : .subscriptionChanged, after)
        if isNew { emit(.memberJoined, cause, &turn) }
        isRecorded = true
        reassign(isNew || before.subscribedTopics != after.subscribedTopics ? cause : nil, &turn)
        let step = advance(memberID, &turn)
        initializeState(&turn)
        restartSession(memberID, &turn)
        return answer(to: request, before, step, turn)
    }

    private func answer(
        to request: ShareGroupHeartbeatRequest, _ before: ShareMember, _ after: ShareMember, _ turn: GroupTurn
    ) -> ShareGroupHeartbeatResponse {
        var response = ShareGroupHeartbeatResponse()
        response.memberID = after.memberID
        response.memberEpoch = after.memberEpoch
        response.heartbeatIntervalMs = heartbeatIntervalMs(turn)
        // One that comes with the epoch before, or with all it has to say, may have missed an answer.
        let mayHaveMissed = request.subscribedTopicNames != nil || request.memberEpoch != before.memberEpoch
        if request.memberEpoch == 0 || mayHaveMissed || before.assigned != after.assigned {
            var assignment = ShareGroupHeartbeatResponse.Assignment()
            assignment.topicPartitions = byTopic(after.assigned) { topic, partitions in
                var entry = ShareGroupHeartbeatResponse.TopicPartitions()
                (entry.topicID, entry.partitions) = (topic, partitions)
                return entry
            }
            response.assignment = assignment
        }
        return response
    }

    /// The member that speaks, as it stands; made where it joins.
    private func member(_ request: ShareGroupHeartbeatRequest, _ turn: GroupTurn) throws(HeartbeatRefusal) -> ShareMember {
        guard let member = members[request.memberID] else {
            guard request.memberEpoch == 0 else { throw .unknownMember(request.memberID, groupID) }
            guard members.count < turn.config.shareGroupSizeMax else {
                throw HeartbeatRefusal(
                    .groupMaxSizeReached,
                    "The share group has reached its maximum capacity of \(turn.config.shareGroupSizeMax) members.")
            }
            return ShareMember(request.memberID)
        }
        try checkEpoch(request.memberEpoch, member)
        return member
    }

    /// A member has to come with the epoch it was told, or with the one before if it did not hear its last answer. Epoch 0 is one that
    /// begins anew.
    private func checkEpoch(_ received: Int32, _ member: ShareMember) throws(HeartbeatRefusal) {
        if received == 0 || received == member.memberEpoch || received == member.previousMemberEpoch { return }
        let word = received > member.memberEpoch ? "greater" : "smaller"
        throw HeartbeatRefusal(
            .fencedMemberEpoch,
            "The share group member has a \(word) member epoch (\(received)) than the one known by the group coordinator "
                + "(\(member.memberEpoch)). The member must abandon all its partitions and rejoin.")
    }

    private mutating func restartSession(_ memberID: String, _ turn: inout GroupTurn) {
        let deadline = turn.after(milliseconds: sessionTimeoutMs(turn))
        members.update(memberID) { $0.sessionDeadline = deadline }
        turn.wake(at: deadline)
    }

    // MARK: leaving

    mutating func leave(_ request: ShareGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        guard members[request.memberID] != nil else {
            return turn.hold(caller.token, .shareHeartbeat(HeartbeatRefusal.unknownMember(request.memberID, groupID).shareResponse))
        }
        remove([request.memberID], .memberLeft, &turn)
        var response = ShareGroupHeartbeatResponse()
        (response.memberID, response.memberEpoch) = (request.memberID, request.memberEpoch)
        turn.hold(caller.token, .shareHeartbeat(response))
    }

    /// Takes members out, and asks for a new assignment of what they read.
    private mutating func remove(_ memberIDs: [String], _ reason: RebalanceEvent.Reason, _ turn: inout GroupTurn) {
        var last: RebalanceCause?
        for memberID in memberIDs {
            turn.records += tombstones(of: memberID)
            targets.remove(memberID)
            guard let member = members.remove(memberID) else { continue }
            let cause = RebalanceCause(reason, member)
            last = cause
            emit(.memberLeft, cause, &turn)
        }
        guard let last else { return }
        metadataHash = hashOfTopics(turn)
        bump(last, &turn)
        if members.isEmpty { emit(.emptied, last, &turn) }
    }

    // MARK: time

    /// The earliest of this group's timers.
    var nextDeadline: Instant { members.values.reduce(.distantFuture) { min($0, $1.sessionDeadline) } }

    /// A member whose session is over is out: its partitions go to others.
    mutating func runTimers(_ turn: inout GroupTurn) {
        guard !isDead else { return }
        let instant = turn.now.instant
        let silent = members.values.filter { $0.sessionDeadline <= instant }.map(\.memberID)
        if !silent.isEmpty { remove(silent, .sessionExpired, &turn) }
    }

    /// After a load: fresh sessions.
    mutating func resume(_ turn: inout GroupTurn) {
        for memberID in members.keys { restartSession(memberID, &turn) }
    }
}
