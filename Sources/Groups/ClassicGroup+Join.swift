import Primitives
import Wire

/// JoinGroup: how members come in, and how a rebalance begins and ends.
extension ClassicGroup {
    mutating func join(_ request: JoinGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        turn.protocolType = request.protocolType
        guard state != .dead else { return refuseJoin(caller, .coordinatorNotAvailable, request.memberID, &turn) }
        guard hasRoom(for: request.memberID, turn.config) else {
            return turnAway(request.memberID, caller, &turn)
        }
        let protocols = request.protocols.map { MemberProtocol(name: $0.name, metadata: $0.metadata) }
        guard protocols.count <= turn.config.protocolsPerMemberMax, supports(type: request.protocolType, protocols: protocols) else {
            return refuseJoin(caller, .inconsistentGroupProtocol, request.memberID, &turn)
        }
        if request.memberID.isEmpty {
            joinNew(request, protocols, caller, &turn)
        } else {
            joinAgain(request, protocols, caller, &turn)
        }
    }

    /// Whether `memberID` fits under `group.max.size`. While members rejoin, only those who have done so count: the last to come are left
    /// out when the limit was lowered.
    private func hasRoom(for memberID: String, _ config: GroupConfig) -> Bool {
        switch state {
        case .empty, .dead: true
        case .preparingRebalance: members[memberID]?.parkedJoin != nil || awaitingJoin < config.groupSizeMax
        case .completingRebalance, .stable: members[memberID] != nil || members.count < config.groupSizeMax
        }
    }

    /// There is no room: a member that comes back to a group whose limit was lowered is out, and no longer waited for.
    private mutating func turnAway(_ memberID: String, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        let member = members[memberID]
        remove(memberID, &turn)
        if let member { turn.emit(.memberLeft, RebalanceCause(.groupFull, member), in: self) }
        refuseJoin(caller, .groupMaxSizeReached, "", &turn)
        completeJoinIfReady(&turn)
    }

    private mutating func joinNew(
        _ request: JoinGroupRequest, _ protocols: [MemberProtocol], _ caller: GroupCaller, _ turn: inout GroupTurn
    ) {
        let memberID = (request.groupInstanceID ?? caller.clientID) + "-" + UUID.random(&turn.random).dashed
        if let instance = request.groupInstanceID {
            if let holder = staticMembers[instance] {
                replaceStaticMember(holder, by: memberID, request, protocols, caller, &turn)
            } else {
                addMember(memberID, request, protocols, caller, &turn)
            }
            return
        }
        guard caller.apiVersion >= 4 else { return addMember(memberID, request, protocols, caller, &turn) }
        guard pendingMembers.count < turn.config.pendingMembersMax else {
            return refuseJoin(caller, .groupMaxSizeReached, "", &turn)
        }
        let deadline = turn.after(milliseconds: request.sessionTimeoutMs)
        pendingMembers[memberID] = deadline
        turn.wake(at: deadline)
        refuseJoin(caller, .memberIDRequired, memberID, &turn)
    }

    private mutating func joinAgain(
        _ request: JoinGroupRequest, _ protocols: [MemberProtocol], _ caller: GroupCaller, _ turn: inout GroupTurn
    ) {
        let memberID = request.memberID
        if pendingMembers[memberID] != nil && request.groupInstanceID == nil {
            return addMember(memberID, request, protocols, caller, &turn)
        }
        if let refusal = refusal(memberID: memberID, groupInstanceID: request.groupInstanceID) {
            return refuseJoin(caller, refusal.errorCode, memberID, &turn)
        }
        guard let member = members[memberID] else { preconditionFailure("a member that was not refused exists") }
        let isUnchanged = member.protocols == protocols
        switch state {
        case .preparingRebalance:
            updateMember(memberID, request, protocols, caller, RebalanceCause(.unknown, member), &turn)
        case .completingRebalance where isUnchanged:
            // It may have missed the answer to its first JoinGroup: tell it the current generation again.
            turn.respond(caller.token, .join(generationResponse(to: memberID, caller.apiVersion)))
        case .stable where isUnchanged && leaderID != memberID:
            turn.respond(caller.token, .join(generationResponse(to: memberID, caller.apiVersion)))
        case .completingRebalance, .stable:
            // The leader rejoins to have changes outside the members' metadata assigned, such as new partitions.
            let reason: RebalanceEvent.Reason = isUnchanged ? .leaderRejoined : .subscriptionChanged
            let cause = RebalanceCause(reason, member, clientReason: request.reason)
            updateMember(memberID, request, protocols, caller, cause, &turn)
        case .empty, .dead:
            refuseJoin(caller, .unknownMemberID, memberID, &turn)
        }
    }

    private mutating func addMember(
        _ memberID: String, _ request: JoinGroupRequest, _ protocols: [MemberProtocol], _ caller: GroupCaller, _ turn: inout GroupTurn
    ) {
        let member = GroupMember(
            memberID: memberID, groupInstanceID: request.groupInstanceID, clientID: caller.clientID, clientHost: caller.clientHost,
            rebalanceTimeoutMs: request.effectiveRebalanceTimeoutMs(caller.apiVersion), sessionTimeoutMs: request.sessionTimeoutMs,
            protocols: protocols, parkedJoin: ParkedRequest(token: caller.token, apiVersion: caller.apiVersion))
        if state == .preparingRebalance && previousState == .empty { newMemberAdded = true }
        add(member, &turn)
        restartSession(memberID, timeoutMs: turn.config.newMemberJoinTimeoutMs, &turn)
        let cause = RebalanceCause(.memberJoined, member, clientReason: request.reason)
        turn.emit(.memberJoined, cause, in: self)
        rebalanceOrCompleteJoin(cause, &turn)
    }

    private mutating func updateMember(
        _ memberID: String, _ request: JoinGroupRequest, _ protocols: [MemberProtocol], _ caller: GroupCaller, _ cause: RebalanceCause,
        _ turn: inout GroupTurn
    ) {
        rewrite(memberID, protocols, request, caller, &turn)
        rebalanceOrCompleteJoin(cause, &turn)
    }

    /// Gives a member what its newest JoinGroup says, and parks that. An older one of the same member that is still parked is answered.
    mutating func rewrite(
        _ memberID: String, _ protocols: [MemberProtocol], _ request: JoinGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn
    ) {
        answerJoin(memberID, .failed(.rebalanceInProgress, memberID), &turn)
        guard let old = members[memberID] else { return }
        countProtocols(of: old, by: -1)
        members.update(memberID) { member in
            member.protocols = protocols
            member.rebalanceTimeoutMs = request.effectiveRebalanceTimeoutMs(caller.apiVersion)
            member.sessionTimeoutMs = request.sessionTimeoutMs
            member.clientID = caller.clientID
            member.clientHost = caller.clientHost
            member.parkedJoin = ParkedRequest(token: caller.token, apiVersion: caller.apiVersion)
        }
        awaitingJoin += 1
        if let new = members[memberID] { countProtocols(of: new, by: 1) }
    }

    // MARK: rebalances

    /// Begins a rebalance where the state allows one; during one, ends the join phase if this was what it waited for.
    mutating func rebalanceOrCompleteJoin(_ cause: RebalanceCause, _ turn: inout GroupTurn) {
        switch state {
        case .stable, .completingRebalance, .empty: prepareRebalance(cause, &turn)
        case .preparingRebalance, .dead: completeJoinIfReady(&turn)
        }
    }

    mutating func prepareRebalance(_ cause: RebalanceCause, _ turn: inout GroupTurn) {
        if state == .completingRebalance { failSyncs(.rebalanceInProgress, &turn) }
        syncDeadline = .distantFuture
        self.cause = cause
        let isInitial = state == .empty
        transition(to: .preparingRebalance, turn)
        turn.emit(.started, cause, in: self)
        if isInitial {
            let delay = turn.config.initialRebalanceDelayMs
            newMemberAdded = false
            joinExtensionMs = max(rebalanceTimeoutMs - delay, 0)
            if delay <= 0 { return completeJoin(&turn) }
            setJoinDeadline(turn.after(milliseconds: delay), &turn)
        } else if haveAllJoined {
            completeJoin(&turn)
        } else {
            joinExtensionMs = nil
            setJoinDeadline(turn.after(milliseconds: rebalanceTimeoutMs), &turn)
        }
    }

    private mutating func setJoinDeadline(_ deadline: Instant, _ turn: inout GroupTurn) {
        joinDeadline = deadline
        turn.wake(at: deadline)
    }

    /// Ends the join phase if all have rejoined. That of a group that was empty runs its time, so that members starting together share the
    /// first generation.
    mutating func completeJoinIfReady(_ turn: inout GroupTurn) {
        if state == .preparingRebalance && previousState != .empty && haveAllJoined { completeJoin(&turn) }
    }

    /// The join phase's time is up.
    mutating func joinTimedOut(_ turn: inout GroupTurn) {
        joinDeadline = .distantFuture
        guard state == .preparingRebalance else { return }
        guard let extensionMs = joinExtensionMs, newMemberAdded, extensionMs > 0 else { return completeJoin(&turn) }
        let delay = turn.config.initialRebalanceDelayMs
        newMemberAdded = false
        joinExtensionMs = max(extensionMs - delay, 0)
        setJoinDeadline(turn.after(milliseconds: min(delay, extensionMs)), &turn)
    }

    /// Ends the join phase: dynamic members that did not rejoin are out, static ones stay until their session ends. Then a new generation.
    mutating func completeJoin(_ turn: inout GroupTurn) {
        joinDeadline = .distantFuture
        joinExtensionMs = nil
        for member in members.values where member.parkedJoin == nil && member.groupInstanceID == nil {
            remove(member.memberID, &turn)
            turn.emit(.memberLeft, RebalanceCause(.rebalanceTimedOut, member), in: self)
        }
        if members.isEmpty { return becomeEmpty(&turn) }
        guard electJoinedLeader() else {
            // Only static members are left and none of them rejoined: wait until they do, or their sessions end.
            return setJoinDeadline(turn.after(milliseconds: rebalanceTimeoutMs), &turn)
        }
        generationID = generationID == .max ? 0 : generationID + 1
        protocolName = selectedProtocol()
        subscribedTopics = topicsOfMembers()
        transition(to: .completingRebalance, turn)
        turn.emit(.completed, cause, in: self)
        beginSyncPhase(&turn)
    }

    /// Makes sure that the leader is one of those who rejoined.
    private mutating func electJoinedLeader() -> Bool {
        if leader?.parkedJoin != nil { return true }
        guard let joined = members.values.first(where: { $0.parkedJoin != nil }) else { return false }
        leaderID = joined.memberID
        return true
    }

    private mutating func becomeEmpty(_ turn: inout GroupTurn) {
        generationID = generationID == .max ? 0 : generationID + 1
        protocolName = nil
        leaderID = nil
        subscribedTopics = topicsOfMembers()
        transition(to: .empty, turn)
        turn.emit(.emptied, cause, in: self)
        recordGroup(assignments: nil, then: .emptied, &turn)
    }

    private mutating func beginSyncPhase(_ turn: inout GroupTurn) {
        for memberID in members.keys {
            members.update(memberID) { $0.owesSync = true }
            answerJoin(memberID, .generation, &turn)
            members.update(memberID) { $0.isNew = false }
            restartSession(memberID, &turn)
        }
        syncDeadline = turn.after(milliseconds: rebalanceTimeoutMs)
        turn.wake(at: syncDeadline)
    }

    // MARK: answers

    enum JoinAnswer {
        case generation
        case failed(ErrorCode, String)
    }

    /// Answers the member's parked JoinGroup, if there is one.
    mutating func answerJoin(_ memberID: String, _ answer: JoinAnswer, _ turn: inout GroupTurn) {
        guard let parked = members[memberID]?.parkedJoin else { return }
        members.update(memberID) { $0.parkedJoin = nil }
        awaitingJoin -= 1
        switch answer {
        case .generation: turn.respond(parked.token, .join(generationResponse(to: memberID, parked.apiVersion)))
        case .failed(let error, let id): turn.respond(parked.token, .join(.refusal(error, memberID: id, parked.apiVersion)))
        }
    }

    private func refuseJoin(_ caller: GroupCaller, _ error: ErrorCode, _ memberID: String, _ turn: inout GroupTurn) {
        turn.respond(caller.token, .join(.refusal(error, memberID: memberID, caller.apiVersion)))
    }

    /// The current generation as `memberID` is told of it: only the leader sees the members and their metadata.
    func generationResponse(to memberID: String, _ apiVersion: Int16) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationID = generationID
        response.protocolType = protocolType
        response.protocolName = protocolName ?? (apiVersion >= 7 ? nil : "")
        response.leader = leaderID ?? ""
        response.memberID = memberID
        if memberID == leaderID { response.members = membersForLeader() }
        return response
    }

    func membersForLeader() -> [JoinGroupResponse.Member] {
        members.values.map { member in
            var entry = JoinGroupResponse.Member()
            entry.memberID = member.memberID
            entry.groupInstanceID = member.groupInstanceID
            entry.metadata = member.metadata(for: protocolName)
            return entry
        }
    }
}

extension JoinGroupResponse {
    package static func refusal(_ error: ErrorCode, memberID: String, _ apiVersion: Int16) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.errorCode = error
        response.generationID = -1
        // ProtocolName may be null from v7 only.
        response.protocolType = nil
        response.protocolName = apiVersion >= 7 ? nil : ""
        response.memberID = memberID
        return response
    }
}

extension JoinGroupRequest {
    /// Version 0 had no rebalance timeout of its own. A negative one is none.
    func effectiveRebalanceTimeoutMs(_ apiVersion: Int16) -> Int32 {
        apiVersion == 0 || rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs
    }
}
