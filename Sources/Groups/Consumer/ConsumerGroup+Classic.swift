import Primitives
import Wire

/// Members that speak the classic protocol within a group of KIP-848 (online migration): a JoinGroup is a heartbeat that says what the
/// member has, its generation is the member's epoch, and the SyncGroup fetches what the coordinator assigned. A Heartbeat tells it when to
/// join again.
extension ConsumerGroup {
    mutating func join(_ request: JoinGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        switch classicJoin(request, caller, &turn) {
        case .success(let response): turn.hold(caller.token, .join(response))
        case .failure(let refusal):
            turn.hold(caller.token, .join(.refusal(refusal.code, memberID: refusal.memberID, caller.apiVersion)))
        }
    }

    private struct JoinRefusal: Error {
        var code: ErrorCode
        var memberID = ""
    }

    private mutating func classicJoin(
        _ request: JoinGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn
    ) -> Result<JoinGroupResponse, JoinRefusal> {
        guard !isDead else { return .failure(JoinRefusal(code: .coordinatorNotAvailable, memberID: request.memberID)) }
        if members[request.memberID] == nil && members.count >= turn.config.consumerGroupSizeMax {
            return .failure(JoinRefusal(code: .groupMaxSizeReached))
        }
        guard let subscription = readableSubscription(request), supports(request) else {
            return .failure(JoinRefusal(code: .inconsistentGroupProtocol, memberID: request.memberID))
        }
        var memberID = request.memberID
        if memberID.isEmpty {
            memberID = (request.groupInstanceID ?? caller.clientID) + "-" + UUID.random(&turn.random).dashed
            if request.groupInstanceID == nil && caller.apiVersion >= 4 {
                return .failure(JoinRefusal(code: .memberIDRequired, memberID: memberID))
            }
        }
        let before: ConsumerMember
        if let instance = request.groupInstanceID, let holder = staticMembers[instance], let existing = members[holder] {
            if !request.memberID.isEmpty && holder != memberID {
                return .failure(JoinRefusal(code: .fencedInstanceID, memberID: request.memberID))
            }
            before = holder == memberID ? existing : replace(existing, by: memberID, &turn)
        } else {
            before = members[memberID] ?? ConsumerMember(memberID)
        }
        let isNew = members[memberID] == nil
        var after = before
        after.take(request, subscription, caller)
        let needsAssignment = subscribe(before, after, isNew: isNew, &turn)
        let cause = RebalanceCause(isNew ? .memberJoined : .subscriptionChanged, after, note: request.reason)
        if isNew { emit(.memberJoined, cause, &turn) }
        reassign(needsAssignment ? cause : nil, &turn)
        let step = reconcile(memberID, owned(subscription, turn), &turn)
        owesSync(memberID, &turn)
        return .success(generation(of: step, caller.apiVersion))
    }

    /// The first of the protocols that can be read; without one nobody could say what the member subscribes to.
    private func readableSubscription(_ request: JoinGroupRequest) -> ConsumerProtocolSubscription? {
        guard request.protocolType == GroupRecord.consumerProtocolType, let first = request.protocols.first else { return nil }
        return ConsumerProtocolSubscription.read(first.metadata)
    }

    /// Whether the joiner shares a protocol with all other classic members, who could else not go on together without us.
    private func supports(_ request: JoinGroupRequest) -> Bool {
        let others = members.values.filter { $0.memberID != request.memberID }.compactMap(\.classic)
        return request.protocols.contains { entry in
            others.allSatisfy { $0.supportedProtocols.contains { $0.name == entry.name } }
        }
    }

    private func owned(_ subscription: ConsumerProtocolSubscription, _ turn: GroupTurn) -> [PartitionID] {
        subscription.ownedPartitions.flatMap { topic in
            turn.surroundings.topic(topic.topic).map { known in topic.partitions.map { PartitionID(known.id, $0) } } ?? []
        }
    }

    private mutating func owesSync(_ memberID: String, _ turn: inout GroupTurn) {
        restartSession(memberID, &turn)
        guard let timeout = members[memberID]?.rebalanceTimeoutMs else { return }
        let deadline = turn.after(milliseconds: max(timeout, 0))
        members.update(memberID) { $0.classicDeadline = deadline }
        turn.wake(at: deadline)
    }

    private func generation(of member: ConsumerMember, _ apiVersion: Int16) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationID = member.memberEpoch
        response.protocolType = GroupRecord.consumerProtocolType
        response.protocolName = member.classic?.supportedProtocols.first?.name
        // Nobody leads: each member follows the coordinator.
        response.leader = ""
        response.memberID = member.memberID
        return response
    }

    mutating func sync(_ request: SyncGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        var response = SyncGroupResponse()
        if let error = classicRefusal(request.memberID, request.groupInstanceID, request.generationID) ?? syncRefusal(request) {
            return turn.hold(caller.token, .sync(.refusal(error)))
        }
        guard let member = members[request.memberID], let first = member.classic?.supportedProtocols.first else { return }
        members.update(request.memberID) { $0.classicDeadline = .distantFuture }
        restartSession(request.memberID, &turn)
        response.protocolType = GroupRecord.consumerProtocolType
        response.protocolName = first.name
        response.assignment = assignment(of: member, first.metadata, turn)
        turn.hold(caller.token, .sync(response))
    }

    private func syncRefusal(_ request: SyncGroupRequest) -> ErrorCode? {
        guard let member = members[request.memberID] else { return .unknownMemberID }
        if let type = request.protocolType, type != GroupRecord.consumerProtocolType { return .inconsistentGroupProtocol }
        if let name = request.protocolName, name != member.classic?.supportedProtocols.first?.name { return .inconsistentGroupProtocol }
        return groupEpoch > member.memberEpoch && member.state != .unrevokedPartitions && assignmentEpoch > member.memberEpoch
            ? .rebalanceInProgress : nil
    }

    /// In the version of the member's own subscription, which it can read for sure.
    private func assignment(of member: ConsumerMember, _ metadata: Bytes, _ turn: GroupTurn) -> Bytes {
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = byTopic(member.assigned.keys) { topic, partitions in
            var entry = ConsumerProtocolAssignment.TopicPartitions()
            (entry.topic, entry.partitions) = (turn.surroundings.topicName(topic) ?? "", partitions)
            return entry
        }.filter { !$0.topic.isEmpty }
        let version: Int16 = metadata.count >= 2 ? metadata.load(0) : 0
        return assignment.encoded(version: max(0, min(version, ConsumerProtocolAssignment.validVersions.upperBound)))
    }

    mutating func heartbeat(_ request: HeartbeatRequest, _ turn: inout GroupTurn) -> ErrorCode {
        if let error = classicRefusal(request.memberID, request.groupInstanceID, request.generationID) { return error }
        reassign(nil, &turn)
        restartSession(request.memberID, &turn)
        guard let member = members[request.memberID], mustRejoin(member) else { return .none }
        if member.classicDeadline == .distantFuture {
            let deadline = turn.after(milliseconds: max(member.rebalanceTimeoutMs, 0))
            members.update(request.memberID) { $0.classicDeadline = deadline }
            turn.wake(at: deadline)
        }
        return .rebalanceInProgress
    }

    /// A classic member moves on only by joining again: it has to where a step of its way is open.
    private func mustRejoin(_ member: ConsumerMember) -> Bool {
        switch member.state {
        case .unrevokedPartitions: true
        case .stable: member.memberEpoch < assignmentEpoch
        case .unreleasedPartitions:
            member.memberEpoch < assignmentEpoch
                || target(of: member.memberID).contains {
                    member.assigned[$0] == nil && !isHeld($0, byOtherThan: member.memberID)
                }
        }
    }

    private func classicRefusal(_ memberID: String, _ instance: String?, _ generation: Int32) -> ErrorCode? {
        if let instance {
            guard let holder = staticMembers[instance] else { return .unknownMemberID }
            if holder != memberID { return .fencedInstanceID }
        }
        guard let member = members[memberID], member.isClassic else { return .unknownMemberID }
        return generation == member.memberEpoch ? nil : .illegalGeneration
    }

    /// A LeaveGroup; an administrator may by it remove static members of either protocol, naming the instance alone.
    mutating func leave(_ leavers: [LeaveGroupRequest.Member], _ errors: inout [ErrorCode], _ turn: inout GroupTurn) {
        var gone: [String] = []
        var isAdmin = false
        for (index, leaver) in leavers.enumerated() {
            var memberID = leaver.memberID
            if let instance = leaver.groupInstanceID {
                guard let holder = staticMembers[instance] else { continue }
                guard memberID.isEmpty || memberID == holder else {
                    errors[index] = .fencedInstanceID
                    continue
                }
                isAdmin = memberID.isEmpty
                memberID = holder
            }
            guard let member = members[memberID], member.isClassic || leaver.memberID.isEmpty else { continue }
            errors[index] = .none
            if !gone.contains(memberID) { gone.append(memberID) }
        }
        remove(gone, isAdmin ? .removedByAdmin : .memberLeft, note: leavers.first?.reason, &turn)
    }
}

extension ConsumerMember {
    /// What a JoinGroup says of the member.
    mutating func take(_ request: JoinGroupRequest, _ subscription: ConsumerProtocolSubscription, _ caller: GroupCaller) {
        instanceID = request.groupInstanceID ?? instanceID
        rackID = subscription.rackID ?? rackID
        rebalanceTimeoutMs = request.effectiveRebalanceTimeoutMs(caller.apiVersion)
        subscribedTopics = Set(subscription.topics).sorted()
        subscribedRegex = ""
        serverAssignor = nil
        clientID = caller.clientID
        clientHost = caller.clientHost
        var metadata = ConsumerGroupMemberMetadataValue.ClassicMemberMetadata()
        metadata.sessionTimeoutMs = request.sessionTimeoutMs
        metadata.supportedProtocols = request.protocols.map { entry in
            var described = ConsumerGroupMemberMetadataValue.ClassicProtocol()
            (described.name, described.metadata) = (entry.name, entry.metadata)
            return described
        }
        classic = metadata
    }
}
