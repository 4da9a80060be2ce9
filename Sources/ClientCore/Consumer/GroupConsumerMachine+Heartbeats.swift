import Primitives
import Wire

/// What a member of KIP-848's protocol knows of itself beside what it owns.
struct Reconciling: Sendable {
    /// What the coordinator knows of the member, which it says only where it changed. Partitions by topic id, sorted.
    struct Told: Equatable, Sendable {
        /// Nil where a regular expression subscribes.
        var topics: [String]?
        var regex: String?
        var partitions: [AssignedPartition]
    }

    /// A partition as the coordinator names it.
    struct AssignedPartition: Hashable, Comparable, Sendable {
        var topicID: UUID
        var partition: Int32

        static func < (a: Self, b: Self) -> Bool { a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID }
    }

    /// Nil: nothing, or an answer was lost; the next heartbeat tells all.
    var told: Told?
    /// What is to be this member's, as the coordinator last said.
    var target: [AssignedPartition] = []
    /// The target is new, or more of its topics may be known by name: to be held against what is owned.
    var isTargetOpen = false
    /// Topics of the target whose names are not known yet.
    var unnamed: [UUID] = []
    /// What the member has to say does not wait for the next heartbeat: the subscription changed, or partitions were given up or taken.
    var mustTell = false
    /// As the coordinator asks.
    var intervalMs: Int64 = 5_000
}

// Membership by KIP-848: there are no rounds. Each heartbeat says what changed at the member, each answer what is to be its own. The member
// gives up what it is not to have, takes what it is to have, and says when it has; partitions of others wait at the coordinator for that.
extension GroupConsumerMachine {
    /// Epochs that are none: a member that joins, one that leaves, a static one that means to come back.
    private static let joining: Int32 = 0
    private static let leaving: Int32 = -1
    private static let leavingForAWhile: Int32 = -2

    var isOfConsumerProtocol: Bool { options.groupProtocol == .consumer && !isAlone }

    mutating func stepHeartbeats(_ effects: inout Effects, now: Now) {
        while true {
            if phase == .stable && reconciling.isTargetOpen { reconcile(&effects, now: now) }
            guard phase == .releasing, isReleased(now: now) else { break }
            finishHandingBack(&effects)
        }
        if phase == .outside && !isExpired && stepAt <= now.instant && (pattern == nil || metadata.learntAt != nil) {
            phase = .joining
            generationID = GroupConsumerMachine.joining
            reconciling.told = nil
            beat(&effects, now: now)
        }
    }

    // MARK: Reconciliation

    /// Gives up what is not in the target, or, where there is nothing to give up, takes what is new.
    private mutating func reconcile(_ effects: inout Effects, now: Now) {
        reconciling.isTargetOpen = false
        let names = namesOfTopics()
        let before = reconciling.unnamed
        reconciling.unnamed = []
        var wanted = OrderedMap<TopicPartition, UUID>()
        for entry in reconciling.target {
            if let name = names[entry.topicID] {
                wanted[TopicPartition(name, entry.partition)] = entry.topicID
            } else if reconciling.unnamed.last != entry.topicID {
                reconciling.unnamed.append(entry.topicID)
            }
        }
        // Those that were asked for before are asked for again after a pause.
        if !reconciling.unnamed.allSatisfy(before.contains) { metadataAt = min(metadataAt, now.instant) }
        // A topic that was made anew under its name is another one.
        let surplus = owned.filter { name, state in wanted[name] != state.assignedID }.map(\.key)
        if !surplus.isEmpty { return beginRelease(of: surplus, &effects, now: now) }
        let added = wanted.keys.filter { owned[$0] == nil }
        for name in added {
            nextTenure += 1
            owned[name] = Owned(tenure: nextTenure, bytesMax: options.partitionBytesMax)
            owned.update(name) { $0.assignedID = wanted[name] ?? .zero }
            meetLeader(of: name)
        }
        guard !added.isEmpty else { return }
        effects.append(.output(.assigned(added)))
        if owned.values.contains(where: { $0.leader == nil }) { metadataAt = min(metadataAt, now.instant) }
        reconciling.mustTell = true
    }

    /// The names of the target's topics, where they are known.
    private func namesOfTopics() -> [UUID: String] {
        var missing = Set(reconciling.target.map(\.topicID))
        var names: [UUID: String] = [:]
        for (name, topic) in metadata.topics where missing.remove(topic.id) != nil { names[topic.id] = name }
        // A partition that is owned keeps its name though its topic may be gone from the metadata.
        for (name, state) in owned where missing.contains(state.assignedID) { names[state.assignedID] = name.topic }
        return names
    }

    private mutating func finishHandingBack(_ effects: inout Effects) {
        let given = owned.filter(\.value.isReleasing).map(\.key)
        for name in given { owned.remove(name) }
        effects.append(.output(.revoked(given)))
        phase = .stable
        isAwaitingRelease = false
        giveUpAt = .distantFuture
        reconciling.isTargetOpen = true
        reconciling.mustTell = true
    }

    // MARK: ConsumerGroupHeartbeat

    private var tellable: Reconciling.Told {
        let partitions = owned.map { Reconciling.AssignedPartition(topicID: $1.assignedID, partition: $0.partition) }
        return Reconciling.Told(topics: topicRegex == nil ? topics : nil, regex: topicRegex, partitions: partitions.sorted())
    }

    mutating func beatIfDue(_ effects: inout Effects, now: Now) {
        guard isMember, !isHeartbeating, !isClosing else { return }
        let isUrgent = phase == .stable && reconciling.mustTell && reconciling.told != nil
        if isUrgent || heartbeatAt <= now.instant { beat(&effects, now: now) }
    }

    private mutating func beat(_ effects: inout Effects, now: Now) {
        isHeartbeating = true
        beatAt = now.instant
        heartbeatAt = now.instant.adding(milliseconds: reconciling.intervalMs)
        if memberID.isEmpty { memberID = UUID.random(&random).text }
        let what = tellable
        var request = ConsumerGroupHeartbeatRequest()
        (request.groupID, request.memberID, request.memberEpoch) = (options.group, memberID, generationID)
        request.instanceID = options.groupInstanceID
        if let told = reconciling.told {
            if told.topics != what.topics { request.subscribedTopicNames = what.topics ?? [] }
            if told.regex != what.regex { request.subscribedTopicRegex = what.regex ?? "" }
            if told.partitions != what.partitions || reconciling.mustTell && phase == .stable {
                request.topicPartitions = gathered(what.partitions)
            }
        } else {
            request.rackID = options.rack
            request.rebalanceTimeoutMs = options.rebalanceTimeoutMs
            request.subscribedTopicNames = what.topics
            request.subscribedTopicRegex = what.regex
            request.serverAssignor = options.remoteAssignor
            request.topicPartitions = gathered(what.partitions)
        }
        reconciling.mustTell = reconciling.mustTell && phase != .stable
        var wanted = toCoordinator(request, timeoutMs: max(options.heartbeatTimeoutMs, reconciling.intervalMs))
        wanted.versions = (topicRegex == nil ? 0 : 1)...Int16.max
        // Where the answer was lost, the coordinator believes that this member knows its target, and tells it again only to one that tells
        // everything itself.
        wanted.isRepeatable = false
        send(wanted, .beat(round: round, what), &effects)
    }

    private func gathered(_ partitions: [Reconciling.AssignedPartition]) -> [ConsumerGroupHeartbeatRequest.TopicPartitions] {
        var found: [ConsumerGroupHeartbeatRequest.TopicPartitions] = []
        for entry in partitions {
            if found.last?.topicID != entry.topicID {
                var topic = ConsumerGroupHeartbeatRequest.TopicPartitions()
                topic.topicID = entry.topicID
                found.append(topic)
            }
            found[found.count - 1].partitions.append(entry.partition)
        }
        return found
    }

    mutating func beatAnswered(_ told: Reconciling.Told, _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let answer: ConsumerGroupHeartbeatResponse
        do throws(ClientError) {
            answer = try result.of(ConsumerGroupHeartbeatResponse.self)
            if let error = ClientError.of(answer.errorCode, answer.errorMessage) { throw error }
        } catch {
            return beatRefused(error, &effects, now: now)
        }
        membershipBackoff.succeeded()
        heardAt = beatAt
        reconciling.told = told
        reconciling.intervalMs = max(1, Int64(answer.heartbeatIntervalMs))
        if phase == .joining {
            phase = .stable
            heartbeatAt = now.instant.adding(milliseconds: reconciling.intervalMs)
            autoCommitAt = options.isAutoCommit ? now.instant.adding(milliseconds: options.autoCommitIntervalMs) : .distantFuture
        }
        if let id = answer.memberID, !id.isEmpty { memberID = id }
        if answer.memberEpoch != generationID {
            generationID = answer.memberEpoch
            effects.append(.output(.joined(GroupMembership(memberID: memberID, generationID: generationID))))
        }
        guard let assignment = answer.assignment else { return }
        reconciling.target = assignment.topicPartitions.flatMap { topic in
            topic.partitions.map { Reconciling.AssignedPartition(topicID: topic.topicID, partition: $0) }
        }.sorted()
        reconciling.isTargetOpen = true
    }

    private mutating func beatRefused(_ error: ClientError, _ effects: inout Effects, now: Now) {
        switch error {
        case .kafka(.unknownMemberID, _), .kafka(.fencedMemberEpoch, _):
            if case .kafka(let code, _) = error { fenced(code, &effects, now: now) }
        case let error where error.isRetriable:
            effects.append(.output(.notice("group \(options.group): \(error.description)")))
            // It may have been heard all the same.
            reconciling.told = nil
            let at = now.instant.adding(milliseconds: membershipBackoff.failed(&random))
            if phase == .joining { (phase, stepAt) = (.outside, at) } else { heartbeatAt = min(heartbeatAt, at) }
        default: fail(error, &effects)
        }
    }

    /// For good, or, for a static member, to come back within its session.
    mutating func sendFarewell(_ purpose: Purpose, _ effects: inout Effects) {
        var request = ConsumerGroupHeartbeatRequest()
        (request.groupID, request.memberID, request.instanceID) = (options.group, memberID, options.groupInstanceID)
        request.memberEpoch =
            options.groupInstanceID == nil ? GroupConsumerMachine.leaving : GroupConsumerMachine.leavingForAWhile
        // Behind a heartbeat that joins, not beside it.
        send(toCoordinator(request, timeoutMs: options.closeTimeoutMs), purpose, &effects)
    }

    // MARK: Names

    /// Asks for the names of topics that the coordinator named by id: a subscription by regular expression tells none.
    func namesRequest() -> MetadataRequest {
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = reconciling.unnamed.map { id in
            var topic = MetadataRequest.Topic()
            (topic.topicID, topic.name) = (id, nil)
            return topic
        }
        return request
    }
}
