import Primitives
import Wire

// In and out of generations: JoinGroup, SyncGroup, Heartbeat.
extension GroupConsumerMachine {
    /// Takes the steps that need no answer: giving up, going back in, sharing out once more.
    mutating func stepMembership(_ effects: inout Effects, now: Now) {
        if isAlone {
            if phase == .outside { beginAlone(&effects, now: now) }
            return
        }
        if isOfConsumerProtocol { return stepHeartbeats(&effects, now: now) }
        if phase == .stable && needsRejoin { beginRelease(of: partitionsToGiveUp, &effects, now: now) }
        if phase == .releasing && isReleased(now: now) { finishRelease(&effects, now: now) }
        if phase == .outside && !isExpired && stepAt <= now.instant && (pattern == nil || metadata.learntAt != nil) { join(&effects) }
        if phase == .sharing && !isAskingShares && stepAt <= now.instant { askShares(&effects) }
    }

    /// With KIP-848 there is nothing to rejoin: the next heartbeat tells.
    mutating func rejoin(_ reason: String) {
        if isOfConsumerProtocol { return reconciling.mustTell = true }
        needsRejoin = true
        rejoinReason = reason
    }

    mutating func subscribe(_ topics: [String]) {
        self.topics = topics.sorted()
        metadataAt = .zero
        if isMember { rejoin("the subscription changed") }
    }

    // MARK: Giving up

    /// An eager member gives up all it has before it rejoins, a cooperative one only what it no longer subscribes to.
    private var partitionsToGiveUp: [TopicPartition] {
        options.isCooperative ? owned.keys.filter { !topics.contains($0.topic) } : owned.keys
    }

    mutating func beginRelease(of partitions: [TopicPartition], _ effects: inout Effects, now: Now) {
        phase = .releasing
        hasLastCommit = false
        isAwaitingRelease = options.announcesRevocations && !partitions.isEmpty
        if isAwaitingRelease { effects.append(.output(.revoking(partitions))) }
        // A member that does not come back in the rebalance's time is left out; some of it is for the way back.
        giveUpAt = now.instant.adding(milliseconds: Int64(options.rebalanceTimeoutMs) * 3 / 5)
        for name in partitions { owned.update(name) { $0.isReleasing = true } }
    }

    /// Whether what was handed out of the partitions is dealt with and committed.
    mutating func isReleased(now: Now) -> Bool {
        if giveUpAt <= now.instant { return true }
        if isAwaitingRelease { return false }
        let isHeld = deliveries.values.contains { delivery in
            delivery.reached.contains { owned[$0.claim.partition].map { $0.isReleasing } == true && isReading($0.claim) }
        }
        if isHeld { return false }
        if options.isAutoCommit && !hasLastCommit {
            hasLastCommit = true
            queueAutoCommit()
        }
        return committing == nil && commits.isEmpty
    }

    private mutating func finishRelease(_ effects: inout Effects, now: Now) {
        let given = owned.filter(\.value.isReleasing).map(\.key)
        for name in given { owned.remove(name) }
        if !given.isEmpty { effects.append(.output(.revoked(given))) }
        leaveGeneration(stepAt: now.instant)
        dropCommits(&effects)
    }

    /// The way back in begins at `stepAt`; answers to what was asked in this generation no longer count.
    mutating func leaveGeneration(stepAt: Instant) {
        phase = .outside
        round += 1
        needsRejoin = false
        isHeartbeating = false
        isAwaitingRelease = false
        giveUpAt = .distantFuture
        joined = nil
        shared = nil
        reconciling = Reconciling()
        self.stepAt = stepAt
    }

    // MARK: Losing

    /// The group went on without this member.
    mutating func fenced(_ code: ErrorCode, _ effects: inout Effects, now: Now) {
        if code == .unknownMemberID && !isOfConsumerProtocol { memberID = "" }
        generationID = -1
        loseAll(&effects)
        // At once the first time; a group that keeps refusing is not asked in a circle.
        let isFirst = membershipBackoff.failures == 0
        let wait = membershipBackoff.failed(&random)
        rejoinReason = "the group went on without this member (\(code.name))"
        leaveGeneration(stepAt: isFirst ? now.instant : now.instant.adding(milliseconds: wait))
    }

    mutating func loseAll(_ effects: inout Effects) {
        let names = owned.keys
        owned = OrderedMap()
        if !names.isEmpty { effects.append(.output(.lost(names))) }
        dropCommits(&effects)
    }

    /// The same step once more after a pause.
    private mutating func tryAgain(_ error: ClientError, _ effects: inout Effects, now: Now) {
        effects.append(.output(.notice("group \(options.group): \(error.description)")))
        let at = now.instant.adding(milliseconds: membershipBackoff.failed(&random))
        if phase == .sharing { stepAt = at } else { leaveGeneration(stepAt: at) }
    }

    /// What an error of the coordinator means for the membership; the phase is one of a member or of one on the way.
    private mutating func refused(_ error: ClientError, _ effects: inout Effects, now: Now) {
        switch error {
        case .kafka(.unknownMemberID, _), .kafka(.illegalGeneration, _):
            if case .kafka(let code, _) = error { fenced(code, &effects, now: now) }
        case .kafka(.rebalanceInProgress, _):
            guard !isMember else { return rejoin("the group is rebalancing") }
            leaveGeneration(stepAt: phase == .joining ? now.instant.adding(milliseconds: options.backoffMinMs) : now.instant)
        case let error where error.isRetriable:
            if !isMember { tryAgain(error, &effects, now: now) }
        default: fail(error, &effects)
        }
    }

    // MARK: JoinGroup

    private mutating func join(_ effects: inout Effects) {
        phase = .joining
        needsRejoin = false
        var request = JoinGroupRequest()
        request.groupID = options.group
        request.sessionTimeoutMs = options.sessionTimeoutMs
        request.rebalanceTimeoutMs = options.rebalanceTimeoutMs
        request.memberID = memberID
        request.groupInstanceID = options.groupInstanceID
        request.protocolType = "consumer"
        request.reason = rejoinReason.isEmpty ? nil : rejoinReason
        request.protocols = options.assignors.map { assignor in
            var offer = JoinGroupRequest.GroupProtocol()
            offer.name = assignor.rawValue
            offer.metadata = subscription(for: assignor)
            return offer
        }
        let timeoutMs = Int64(options.rebalanceTimeoutMs) + 5_000
        send(toCoordinator(request, timeoutMs: timeoutMs), .join(round: round), &effects)
    }

    mutating func joinAnswered(_ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let answer: JoinGroupResponse
        do throws(ClientError) {
            answer = try result.of(JoinGroupResponse.self)
            if answer.errorCode == .memberIDRequired {
                memberID = answer.memberID
                return join(&effects)
            }
            if let error = ClientError.of(answer.errorCode) { throw error }
        } catch {
            return refused(error, &effects, now: now)
        }
        guard let assignor = assignor(of: answer) else {
            return fail(.kafka(.inconsistentGroupProtocol, message: answer.protocolName), &effects)
        }
        (memberID, generationID) = (answer.memberID, answer.generationID)
        joined = answer
        rejoinReason = ""
        let membership = GroupMembership(
            memberID: memberID, generationID: generationID, isLeader: answer.leader == memberID, assignor: assignor)
        effects.append(.output(.joined(membership)))
        if answer.leader == memberID && !answer.skipAssignment {
            phase = .sharing
            askShares(&effects)
        } else {
            sync([], &effects)
        }
    }

    private func assignor(of answer: JoinGroupResponse) -> ConsumerAssignor? {
        answer.protocolName.flatMap { ConsumerAssignor(rawValue: $0) }.flatMap { options.assignors.contains($0) ? $0 : nil }
    }

    // MARK: The leader's shares

    private mutating func askShares(_ effects: inout Effects) {
        let names = (joined?.members ?? []).flatMap { (try? ConsumerProtocolSubscription.decode($0.metadata))?.topics ?? [] }
        send(ClientRequest(metadataRequest(names), lane: .routing, timeoutMs: 5_000), .shares(round: round), &effects)
    }

    func metadataRequest(_ names: [String]) -> MetadataRequest {
        var request = MetadataRequest()
        request.allowAutoTopicCreation = options.createsTopics
        var wanted: [MetadataRequest.Topic] = []
        for name in names.sorted() where wanted.last?.name != name {
            var topic = MetadataRequest.Topic()
            topic.name = name
            wanted.append(topic)
        }
        request.topics = wanted
        return request
    }

    mutating func sharesAnswered(_ result: AnswerResult, _ effects: inout Effects, now: Now) {
        guard phase == .sharing, let joined, let assignor = assignor(of: joined) else { return }
        let answer: MetadataResponse
        do throws(ClientError) {
            answer = try result.of(MetadataResponse.self)
            if let error = ClientError.of(answer.errorCode) { throw error }
        } catch {
            return refused(error, &effects, now: now)
        }
        metadata.fold(answer, now: now)
        var counts = OrderedMap<String, Int32>()
        for topic in answer.topics where !topic.partitions.isEmpty {
            if let name = topic.name { counts[name] = Int32(topic.partitions.count) }
        }
        shared = counts
        let members = joined.members.map { AssignedMember($0, assignor) }
        let rows = zip(joined.members, assignor.assign(members, partitions: counts)).map { member, partitions in
            var assignment = ConsumerProtocolAssignment()
            assignment.assignedPartitions = byTopic(partitions).map { topic, partitions in
                var part = ConsumerProtocolAssignment.TopicPartitions()
                (part.topic, part.partitions) = (topic, partitions.map(\.partition))
                return part
            }
            var row = SyncGroupRequest.Assignment()
            (row.memberID, row.assignment) = (member.memberID, assignment.encoded(version: 1))
            return row
        }
        sync(rows, &effects)
    }

    // MARK: SyncGroup

    private mutating func sync(_ assignments: [SyncGroupRequest.Assignment], _ effects: inout Effects) {
        phase = .syncing
        var request = SyncGroupRequest()
        request.groupID = options.group
        request.generationID = generationID
        request.memberID = memberID
        request.groupInstanceID = options.groupInstanceID
        request.protocolType = "consumer"
        request.protocolName = joined?.protocolName
        request.assignments = assignments
        let timeoutMs = Int64(options.rebalanceTimeoutMs) + 5_000
        send(toCoordinator(request, timeoutMs: timeoutMs), .sync(round: round), &effects)
    }

    mutating func syncAnswered(_ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let answer: SyncGroupResponse
        do throws(ClientError) {
            answer = try result.of(SyncGroupResponse.self)
            if let error = ClientError.of(answer.errorCode) { throw error }
        } catch {
            return refused(error, &effects, now: now)
        }
        membershipBackoff.succeeded()
        phase = .stable
        heardAt = now.instant
        heartbeatAt = now.instant.adding(milliseconds: options.heartbeatIntervalMs)
        autoCommitAt = options.isAutoCommit ? now.instant.adding(milliseconds: options.autoCommitIntervalMs) : .distantFuture
        let parts = (try? ConsumerProtocolAssignment.decode(answer.assignment))?.assignedPartitions ?? []
        adopt(parts.flatMap { part in part.partitions.map { TopicPartition(part.topic, $0) } }.sorted(), &effects, now: now)
    }

    /// Takes over an assignment: what is new is read from now on, what is no longer ours is given up before the next round.
    private mutating func adopt(_ assigned: [TopicPartition], _ effects: inout Effects, now: Now) {
        lastAssigned = (assigned, generationID)
        let added = assigned.filter { owned[$0] == nil }
        for name in added {
            nextTenure += 1
            owned[name] = Owned(tenure: nextTenure, bytesMax: options.partitionBytesMax)
            meetLeader(of: name)
        }
        if !added.isEmpty { effects.append(.output(.assigned(added))) }
        if owned.values.contains(where: { $0.leader == nil }) { metadataAt = now.instant }
        let surplus = owned.keys.filter { !assigned.contains($0) }
        guard !surplus.isEmpty else { return }
        rejoinReason = "partitions were given up"
        beginRelease(of: surplus, &effects, now: now)
    }

    // MARK: Heartbeat

    mutating func heartbeat(_ effects: inout Effects, now: Now) {
        if isOfConsumerProtocol { return beatIfDue(&effects, now: now) }
        guard isMember, !isAlone, !isHeartbeating, heartbeatAt <= now.instant else { return }
        isHeartbeating = true
        beatAt = now.instant
        heartbeatAt = now.instant.adding(milliseconds: options.heartbeatIntervalMs)
        var request = HeartbeatRequest()
        request.groupID = options.group
        request.generationID = generationID
        request.memberID = memberID
        request.groupInstanceID = options.groupInstanceID
        // One that is not answered in a third of the session must leave time for the next.
        let timeoutMs = max(options.heartbeatIntervalMs, Int64(options.sessionTimeoutMs) / 3)
        send(toCoordinator(request, timeoutMs: timeoutMs), .heartbeat(round: round), &effects)
    }

    mutating func heartbeatAnswered(_ result: AnswerResult, _ effects: inout Effects, now: Now) {
        do throws(ClientError) {
            let answer = try result.of(HeartbeatResponse.self)
            if let error = ClientError.of(answer.errorCode) { throw error }
            heardAt = beatAt
        } catch {
            if error.isRetriable { heartbeatAt = min(heartbeatAt, now.instant.adding(milliseconds: options.backoffMinMs * 4)) }
            refused(error, &effects, now: now)
        }
    }

    // MARK: Leaving

    mutating func beginClose(now: Now) {
        guard !isClosing else { return }
        isClosing = true
        hasLastCommit = false
        giveUpAt = now.instant.adding(milliseconds: options.closeTimeoutMs)
    }

    /// Commits, then leaves, then ends. A static member of the classic protocol only ends: it may come back within its session.
    mutating func close(_ effects: inout Effects, now: Now) {
        if phase == .leaving {
            if giveUpAt <= now.instant { end(&effects) }
            return
        }
        if isMember && options.isAutoCommit && !hasLastCommit { queueAutoCommit() }
        hasLastCommit = true
        guard !isMember || giveUpAt <= now.instant || committing == nil && commits.isEmpty else { return }
        let given = owned.keys
        owned = OrderedMap()
        if !given.isEmpty { effects.append(.output(.revoked(given))) }
        dropCommits(&effects)
        let says = isOfConsumerProtocol ? !isExpired : options.groupInstanceID == nil
        guard says, !memberID.isEmpty, giveUpAt > now.instant else { return end(&effects) }
        phase = .leaving
        // A JoinGroup that is answered now makes no member.
        round += 1
        if isOfConsumerProtocol { sendFarewell(.leave, &effects) } else { sendLeave("the consumer is being closed", .leave, &effects) }
    }

    mutating func sendLeave(_ reason: String, _ purpose: Purpose, _ effects: inout Effects) {
        var request = LeaveGroupRequest()
        request.groupID = options.group
        request.memberID = memberID
        var member = LeaveGroupRequest.Member()
        (member.memberID, member.reason) = (memberID, reason)
        request.members = [member]
        // Not behind a JoinGroup that is parked on the group's connection.
        send(toCoordinator(request, lane: .admin, timeoutMs: options.closeTimeoutMs), purpose, &effects)
    }
}

/// Sorted partitions, gathered by topic.
func byTopic(_ partitions: [TopicPartition]) -> [(topic: String, partitions: [TopicPartition])] {
    var found: [(topic: String, partitions: [TopicPartition])] = []
    for partition in partitions {
        if let last = found.indices.last, found[last].topic == partition.topic {
            found[last].partitions.append(partition)
        } else {
            found.append((partition.topic, [partition]))
        }
    }
    return found
}
