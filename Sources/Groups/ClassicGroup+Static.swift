import Primitives
import Wire

/// A static member that came back under a new member id while its group was stable: what its JoinGroup is told once the group's record is
/// written, and what to restore if that fails.
struct StaticReplacement: Equatable, Sendable {
    var caller: GroupCaller
    var groupInstanceID: String
    var newMemberID: String
    var oldMember: GroupMember
    var oldLeaderID: String?
}

/// Static membership (KIP-345, KIP-814): a member with an instance id keeps its assignment when its process restarts within the session.
extension ClassicGroup {
    /// A JoinGroup with a known instance id and no member id: the process restarted. It takes the old member's place; in a stable group
    /// whose protocol stays the same nobody else notices.
    mutating func replaceStaticMember(
        _ oldMemberID: String, by newMemberID: String, _ request: JoinGroupRequest, _ protocols: [MemberProtocol], _ caller: GroupCaller,
        _ turn: inout GroupTurn
    ) {
        let oldLeaderID = leaderID
        guard let instance = request.groupInstanceID else { return }
        guard let oldMember = exchange(oldMemberID, for: newMemberID, instance, &turn) else { return }
        rewrite(newMemberID, protocols, request, caller, &turn)
        restartSession(newMemberID, &turn)
        let cause = RebalanceCause(.staticMemberReplaced, members[newMemberID], clientReason: request.reason)
        turn.emit(.memberJoined, cause, in: self)
        switch state {
        case .stable where selectedProtocol() == protocolName:
            let replacement = StaticReplacement(
                caller: caller, groupInstanceID: instance, newMemberID: newMemberID, oldMember: oldMember, oldLeaderID: oldLeaderID)
            recordGroup(assignments: nil, then: .staticMember(replacement), &turn)
        case .stable, .completingRebalance:
            // The leader may be assigning to the old id just now, so that only a new round can be right.
            prepareRebalance(cause, &turn)
        case .preparingRebalance, .empty, .dead:
            completeJoinIfReady(&turn)
        }
    }

    /// Puts a member under another id; requests parked under the old id are fenced. Returns the member as it was.
    private mutating func exchange(_ oldID: String, for newID: String, _ instance: String, _ turn: inout GroupTurn) -> GroupMember? {
        answerJoin(oldID, .failed(.fencedInstanceID, oldID), &turn)
        answerSync(oldID, .failed(.fencedInstanceID), &turn)
        guard let old = members.remove(oldID) else { return nil }
        members[newID] = old.renamed(newID)
        staticMembers[instance] = newID
        if leaderID == oldID { leaderID = newID }
        return old
    }

    /// The record of the replacement is written, or has failed.
    mutating func staticMemberStored(_ replacement: StaticReplacement, _ error: ErrorCode, _ turn: inout GroupTurn) {
        // A rebalance, a removal or another replacement in the meantime has answered this JoinGroup already.
        guard members[replacement.newMemberID]?.parkedJoin?.token == replacement.caller.token, state == .stable else { return }
        if error != .none { return restore(replacement, error, &turn) }
        let skipsAssignment = replacement.caller.apiVersion >= 9
        let wasLeader = replacement.oldLeaderID == replacement.oldMember.memberID
        var response = generationResponse(to: replacement.newMemberID, replacement.caller.apiVersion)
        if skipsAssignment {
            response.skipAssignment = wasLeader
        } else if wasLeader {
            // Before v9 a leader cannot be told to skip the assignment. It is shown its old self as the leader, so that it only syncs.
            response.leader = replacement.oldMember.memberID
            response.members = []
        }
        unparkJoin(replacement.newMemberID)
        turn.respond(replacement.caller.token, .join(response))
    }

    private mutating func restore(_ replacement: StaticReplacement, _ error: ErrorCode, _ turn: inout GroupTurn) {
        unparkJoin(replacement.newMemberID)
        if let new = members.remove(replacement.newMemberID) { countProtocols(of: new, by: -1) }
        var old = replacement.oldMember
        (old.parkedJoin, old.parkedSync) = (nil, nil)
        countProtocols(of: old, by: 1)
        members[old.memberID] = old
        staticMembers[replacement.groupInstanceID] = old.memberID
        if leaderID == replacement.newMemberID { leaderID = old.memberID }
        restartSession(old.memberID, &turn)
        let failure = JoinGroupResponse.refusal(appendError(error), memberID: "", replacement.caller.apiVersion)
        turn.respond(replacement.caller.token, .join(failure))
    }

    private mutating func unparkJoin(_ memberID: String) {
        members.update(memberID) { $0.parkedJoin = nil }
        awaitingJoin -= 1
    }
}

extension GroupMember {
    /// The same member under another id.
    func renamed(_ memberID: String) -> GroupMember {
        var copy = GroupMember(
            memberID: memberID, groupInstanceID: groupInstanceID, clientID: clientID, clientHost: clientHost,
            rebalanceTimeoutMs: rebalanceTimeoutMs, sessionTimeoutMs: sessionTimeoutMs, protocols: protocols, assignment: assignment)
        copy.isNew = isNew
        copy.owesSync = owesSync
        copy.sessionDeadline = sessionDeadline
        return copy
    }
}

/// What a client is told when the coordinator's own append failed: something it retries, as Kafka maps these.
func appendError(_ error: ErrorCode) -> ErrorCode {
    switch error {
    case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut: .coordinatorNotAvailable
    case .notLeaderOrFollower, .kafkaStorageError, .fencedLeaderEpoch: .notCoordinator
    case .messageTooLarge, .recordListTooLarge, .invalidFetchSize: .unknownServerError
    default: error
    }
}
