import Primitives
import Wire

/// SyncGroup, Heartbeat and LeaveGroup: life within a generation.
extension ClassicGroup {
    mutating func sync(_ request: SyncGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        if let error = syncRefusal(request) { return turn.respond(caller.token, .sync(.refusal(error))) }
        let memberID = request.memberID
        switch state {
        case .empty, .dead:
            turn.respond(caller.token, .sync(.refusal(.unknownMemberID)))
        case .preparingRebalance:
            turn.respond(caller.token, .sync(.refusal(.rebalanceInProgress)))
        case .completingRebalance:
            // A repeated SyncGroup takes the place of the one before.
            answerSync(memberID, .failed(.rebalanceInProgress), &turn)
            let parked = ParkedRequest(token: caller.token, apiVersion: caller.apiVersion)
            members.update(memberID) {
                $0.parkedSync = parked
                $0.owesSync = false
            }
            if memberID == leaderID { storeAssignment(request, &turn) }
        case .stable:
            members.update(memberID) { $0.owesSync = false }
            turn.respond(caller.token, .sync(assignmentResponse(to: memberID)))
        }
    }

    private func syncRefusal(_ request: SyncGroupRequest) -> ErrorCode? {
        if state == .dead { return .coordinatorNotAvailable }
        if let refusal = refusal(memberID: request.memberID, groupInstanceID: request.groupInstanceID) { return refusal.errorCode }
        if request.generationID != generationID { return .illegalGeneration }
        // Null (before v5) is not compared.
        if let type = request.protocolType, type != protocolType { return .inconsistentGroupProtocol }
        if let name = request.protocolName, name != protocolName { return .inconsistentGroupProtocol }
        return nil
    }

    /// The leader's assignment goes to the log before anybody is told of it. Members it left out get an empty one.
    private mutating func storeAssignment(_ request: SyncGroupRequest, _ turn: inout GroupTurn) {
        var assignments = OrderedMap<String, Bytes>()
        for entry in request.assignments where members[entry.memberID] != nil { assignments[entry.memberID] = entry.assignment }
        recordGroup(assignments: assignments, then: .assignment(generationID: generationID), &turn)
        for memberID in members.keys {
            let assignment = assignments[memberID] ?? .empty
            members.update(memberID) { $0.pendingAssignment = assignment }
        }
    }

    /// The assignment of `generation` is in the log, or could not be written.
    mutating func assignmentStored(generation: Int32, _ error: ErrorCode, _ turn: inout GroupTurn) {
        // Somebody may have joined or left since; then the parked SyncGroups have been answered already.
        guard state == .completingRebalance, generation == generationID else { return }
        if error != .none {
            for memberID in members.keys { members.update(memberID) { $0.assignment = .empty } }
            failSyncs(appendError(error), &turn)
            return prepareRebalance(RebalanceCause(.storeFailed, leader), &turn)
        }
        for memberID in members.keys {
            members.update(memberID) {
                $0.assignment = $0.pendingAssignment
                $0.pendingAssignment = .empty
            }
        }
        transition(to: .stable, turn)
        turn.emit(.assigned, cause, in: self)
        for memberID in members.keys { answerSync(memberID, .assignment, &turn) }
    }

    enum SyncAnswer {
        case assignment
        case failed(ErrorCode)
    }

    /// Answers the member's parked SyncGroup, if there is one. Its session ran on while it waited, so that a new one begins.
    mutating func answerSync(_ memberID: String, _ answer: SyncAnswer, _ turn: inout GroupTurn) {
        guard let parked = members[memberID]?.parkedSync else { return }
        members.update(memberID) { $0.parkedSync = nil }
        restartSession(memberID, &turn)
        switch answer {
        case .assignment: turn.respond(parked.token, .sync(assignmentResponse(to: memberID)))
        case .failed(let error): turn.respond(parked.token, .sync(.refusal(error)))
        }
    }

    mutating func failSyncs(_ error: ErrorCode, _ turn: inout GroupTurn) {
        for memberID in members.keys { answerSync(memberID, .failed(error), &turn) }
    }

    private func assignmentResponse(to memberID: String) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.assignment = members[memberID]?.assignment ?? .empty
        return response
    }

    mutating func heartbeat(_ request: HeartbeatRequest, _ turn: inout GroupTurn) -> ErrorCode {
        if state == .dead { return .coordinatorNotAvailable }
        if let refusal = refusal(memberID: request.memberID, groupInstanceID: request.groupInstanceID) { return refusal.errorCode }
        if request.generationID != generationID { return .illegalGeneration }
        switch state {
        case .empty, .dead:
            return .unknownMemberID
        case .preparingRebalance:
            restartSession(request.memberID, &turn)
            return .rebalanceInProgress
        case .completingRebalance, .stable:
            // In CompletingRebalance too: a member may heartbeat between its JoinGroup's answer and its SyncGroup.
            restartSession(request.memberID, &turn)
            return .none
        }
    }

    /// A LeaveGroup: an error for each entry, and one rebalance for all who left.
    mutating func leave(_ leavers: [LeaveGroupRequest.Member], _ errors: inout [ErrorCode], _ turn: inout GroupTurn) {
        guard state != .dead else { return errors = errors.map { _ in .coordinatorNotAvailable } }
        for (index, leaver) in leavers.enumerated() {
            errors[index] = leave(memberID: leaver.memberID, groupInstanceID: leaver.groupInstanceID, reason: leaver.reason, &turn)
        }
        leaversGone(&turn)
    }

    /// One entry of a LeaveGroup. An empty member id with an instance id is an administrator removing a static member (KIP-345).
    private mutating func leave(memberID: String, groupInstanceID: String?, reason: String?, _ turn: inout GroupTurn) -> ErrorCode {
        if pendingMembers[memberID] != nil {
            pendingMembers.remove(memberID)
            return .none
        }
        var leaver = memberID
        var why = RebalanceEvent.Reason.memberLeft
        if memberID.isEmpty {
            guard let instance = groupInstanceID, let holder = staticMembers[instance] else { return .unknownMemberID }
            leaver = holder
            why = .removedByAdmin
        } else if let refusal = refusal(memberID: memberID, groupInstanceID: groupInstanceID) {
            return refusal.errorCode
        }
        let cause = RebalanceCause(why, members[leaver], clientReason: reason)
        remove(leaver, &turn)
        turn.emit(.memberLeft, cause, in: self)
        lastLeft = cause
        return .none
    }

    /// After all entries of a LeaveGroup: one rebalance for all who left.
    private mutating func leaversGone(_ turn: inout GroupTurn) {
        guard let cause = lastLeft else { return completeJoinIfReady(&turn) }
        lastLeft = nil
        rebalanceOrCompleteJoinUnlessEmpty(cause, &turn)
    }

    private mutating func rebalanceOrCompleteJoinUnlessEmpty(_ cause: RebalanceCause, _ turn: inout GroupTurn) {
        switch state {
        case .stable, .completingRebalance: prepareRebalance(cause, &turn)
        case .preparingRebalance:
            // It ends emptied when the last one left.
            if members.isEmpty { self.cause = cause }
            completeJoinIfReady(&turn)
        case .empty, .dead: break
        }
    }
}

extension SyncGroupResponse {
    package static func refusal(_ error: ErrorCode) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.errorCode = error
        response.protocolType = nil
        response.protocolName = nil
        return response
    }
}
