import Primitives
import Wire

/// The requests, each checked for what holds for all groups before its group gets its turn.
extension GroupCoordinator {
    mutating func join(_ request: JoinGroupRequest, _ caller: GroupCaller, _ now: Now) {
        if let error = joinRefusal(request) { return refuseJoin(error, request, caller) }
        let body: (inout Group, inout GroupTurn) -> Void = { group, turn in group.join(request, caller, &turn) }
        // Only a newcomer makes a group: a member id that we do not know is from before the group was deleted or moved.
        if request.memberID.isEmpty {
            if !withNewGroup(request.groupID, now, body) { refuseJoin(.groupMaxSizeReached, request, caller) }
        } else if !withGroup(request.groupID, now, body) {
            refuseJoin(.unknownMemberID, request, caller)
        }
    }

    private func joinRefusal(_ request: JoinGroupRequest) -> ErrorCode? {
        if request.groupID.isEmpty { return .invalidGroupID }
        let timeout = request.sessionTimeoutMs
        if timeout < config.sessionTimeoutMsMin || timeout > config.sessionTimeoutMsMax { return .invalidSessionTimeout }
        return unavailability(of: request.groupID)
    }

    private mutating func refuseJoin(_ error: ErrorCode, _ request: JoinGroupRequest, _ caller: GroupCaller) {
        effects.append(.respond(caller.token, .join(.refusal(error, memberID: request.memberID, caller.apiVersion))))
    }

    /// A member of KIP-848: joins, lives, leaves.
    mutating func consumerHeartbeat(_ request: ConsumerGroupHeartbeatRequest, _ caller: GroupCaller, _ now: Now) {
        var refusal = ConsumerGroup.problem(request, caller.apiVersion, config)
        if refusal == nil, let error = unavailability(of: request.groupID) { refusal = HeartbeatRefusal(error, error.message) }
        if refusal == nil {
            let body: (inout Group, inout GroupTurn) -> Void = { group, turn in group.consumerHeartbeat(request, caller, &turn) }
            if request.memberEpoch == 0 {
                if !withNewGroup(request.groupID, now, body) {
                    refusal = HeartbeatRefusal(.groupMaxSizeReached, "The coordinator has no room for another group.")
                }
            } else if !withGroup(request.groupID, now, body) {
                refusal = .notFound(request.groupID)
            }
        }
        if let refusal { effects.append(.respond(caller.token, .consumerHeartbeat(refusal.response))) }
    }

    mutating func sync(_ request: SyncGroupRequest, _ caller: GroupCaller, _ now: Now) {
        let error = request.groupID.isEmpty ? .invalidGroupID : unavailability(of: request.groupID)
        if let error { return effects.append(.respond(caller.token, .sync(.refusal(error)))) }
        let found = withGroup(request.groupID, now) { group, turn in group.sync(request, caller, &turn) }
        if !found { effects.append(.respond(caller.token, .sync(.refusal(.unknownMemberID)))) }
    }

    mutating func heartbeat(_ request: HeartbeatRequest, _ caller: GroupCaller, _ now: Now) {
        var response = HeartbeatResponse()
        if let error = request.groupID.isEmpty ? .invalidGroupID : unavailability(of: request.groupID) {
            response.errorCode = error
        } else {
            var error = ErrorCode.unknownMemberID
            withGroup(request.groupID, now) { group, turn in error = group.heartbeat(request, &turn) }
            response.errorCode = error
        }
        effects.append(.respond(caller.token, .heartbeat(response)))
    }

    /// Up to v2 the request names one member, and its error is the response's; from v3 it names several, each with an error (KIP-345).
    mutating func leave(_ request: LeaveGroupRequest, _ caller: GroupCaller, _ now: Now) {
        var response = LeaveGroupResponse()
        var leavers = request.members
        if caller.apiVersion <= 2 {
            var single = LeaveGroupRequest.Member()
            single.memberID = request.memberID
            leavers = [single]
        }
        if let error = request.groupID.isEmpty ? .invalidGroupID : unavailability(of: request.groupID) {
            response.errorCode = error
            return effects.append(.respond(caller.token, .leave(response)))
        }
        var errors = [ErrorCode](repeating: .unknownMemberID, count: leavers.count)
        withGroup(request.groupID, now) { group, turn in
            group.leave(leavers, &errors, &turn)
        }
        if caller.apiVersion <= 2 {
            response.errorCode = errors.first ?? .none
        } else {
            response.members = zip(leavers, errors).map { LeaveGroupResponse.Member($0, $1) }
        }
        effects.append(.respond(caller.token, .leave(response)))
    }

    mutating func commit(_ request: OffsetCommitRequest, _ refused: [[ErrorCode]], _ caller: GroupCaller, _ now: Now) {
        if let error = unavailability(of: request.groupID) { return refuseCommit(error, request, refused, caller) }
        let body: (inout Group, inout GroupTurn) -> Void = { group, turn in
            group.commit(request, refused: refused, caller, &turn)
        }
        // A commit without a generation makes a group of its own: a simple consumer's, without members.
        if request.generationIDOrMemberEpoch < 0 {
            if !withNewGroup(request.groupID, now, body) { refuseCommit(.invalidCommitOffsetSize, request, refused, caller) }
        } else if !withGroup(request.groupID, now, body) {
            refuseCommit(caller.apiVersion >= 9 ? .groupIDNotFound : .illegalGeneration, request, refused, caller)
        }
    }

    private mutating func refuseCommit(
        _ error: ErrorCode, _ request: OffsetCommitRequest, _ refused: [[ErrorCode]], _ caller: GroupCaller
    ) {
        var response = OffsetCommitResponse()
        response.topics = request.topics.enumerated().map { index, topic in
            topic.answer { position, _ in
                let earlier = refused.isEmpty ? ErrorCode.none : refused[index][position]
                return earlier == .none ? error : earlier
            }
        }
        effects.append(.respond(caller.token, .commit(response)))
    }

    mutating func deleteOffsets(_ request: OffsetDeleteRequest, _ refused: [[ErrorCode]], _ caller: GroupCaller, _ now: Now) {
        var error = unavailability(of: request.groupID)
        if error == nil {
            let found = withGroup(request.groupID, now) { group, turn in
                group.deleteOffsets(request, refused: refused, caller, &turn)
            }
            error = found ? nil : .groupIDNotFound
        }
        guard let error else { return }
        var response = OffsetDeleteResponse()
        response.errorCode = error
        effects.append(.respond(caller.token, .deleteOffsets(response)))
    }

    /// Each group apart; the response waits for the tombstones of all that can be deleted.
    mutating func deleteGroups(_ request: DeleteGroupsRequest, _ refused: [ErrorCode], _ caller: GroupCaller, _ now: Now) {
        var deletion = PendingDeletion(response: DeleteGroupsResponse(), waiting: 0)
        for (index, groupID) in request.groupsNames.enumerated() {
            let isRefused = index < refused.count && refused[index].isError
            let error = isRefused ? refused[index] : deleteGroup(groupID, caller, now)
            if error == nil { deletion.waiting += 1 }
            var result = DeleteGroupsResponse.Result()
            result.groupID = groupID
            result.errorCode = error ?? .none
            deletion.response.results.append(result)
        }
        if deletion.waiting == 0 { return effects.append(.respond(caller.token, .deleteGroups(deletion.response))) }
        deletions[caller.token] = deletion
    }

    /// Nil when the tombstones are on their way.
    private mutating func deleteGroup(_ groupID: String, _ caller: GroupCaller, _ now: Now) -> ErrorCode? {
        if let error = unavailability(of: groupID) { return error }
        var error: ErrorCode? = .groupIDNotFound
        withGroup(groupID, now) { group, turn in
            error = group.deleteRefusal
            guard error == nil else { return }
            if group.share == nil { group.deleteGroup(for: caller.token, &turn) } else { group.deleteShareGroup(caller.token, &turn) }
        }
        return error
    }

    /// The tombstones of a group are in the log, or could not be written.
    mutating func groupDeleted(_ append: PendingAppend, _ request: GroupToken?, _ error: ErrorCode) {
        if error == .none {
            partitions.update(append.partition) { partition in _ = partition.groups.remove(append.groupID) }
            effects.append(.notice(.groupDeleted(group: append.groupID)))
        }
        if let request { deletionEnded(of: append.groupID, request, error == .none ? .none : appendError(error)) }
    }

    /// One of the groups of a DeleteGroups is gone, or stays; answers when that is known of all.
    mutating func deletionEnded(of groupID: String, _ request: GroupToken, _ error: ErrorCode) {
        guard var deletion = deletions[request] else { return }
        deletion.waiting -= 1
        if error != .none { deletion.response.fail(groupID, error) }
        deletions[request] = deletion.waiting > 0 ? deletion : nil
        if deletion.waiting == 0 { effects.append(.respond(request, .deleteGroups(deletion.response))) }
    }
}

extension LeaveGroupResponse.Member {
    init(_ leaver: LeaveGroupRequest.Member, _ error: ErrorCode) {
        self.init()
        memberID = leaver.memberID
        groupInstanceID = leaver.groupInstanceID
        errorCode = error
    }
}

extension DeleteGroupsResponse {
    mutating func fail(_ groupID: String, _ error: ErrorCode) {
        for index in results.indices where results[index].groupID == groupID && results[index].errorCode == .none {
            results[index].errorCode = error
        }
    }
}
