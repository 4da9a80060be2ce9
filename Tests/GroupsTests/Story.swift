import Groups
import Primitives
import Records
import Testing
import Wire

/// A coordinator with a clock and a log in the test's hands. Requests go in by short names, answers are looked up by token. Unless
/// `holdsAppends` is set, each append completes at once, as on a broker alone.
struct Story {
    var coordinator: GroupCoordinator
    var now = Now(instant: Instant(nanoseconds: 1_000_000_000), wall: 1_700_000_000_000)
    private(set) var answers: [GroupToken: GroupResponse] = [:]
    var events: [RebalanceEvent] = []
    var notices: [ClusterEvent.Kind] = []
    /// All that was appended and not failed, in order.
    var log: [(partition: Int32, records: [GroupRecord])] = []
    var holdsAppends = false
    var held: [(token: AppendToken, partition: Int32, records: [GroupRecord])] = []
    /// What share coordinators were asked for and have not done yet; they do it at once unless `holdsShareWork` is set.
    var shareWork: [(token: ShareWorkToken, work: ShareStateWork)] = []
    /// All that they did, in order.
    var shareWorkDone: [ShareStateWork] = []
    var holdsShareWork = false
    private var lastToken: UInt64 = 0

    init(_ config: GroupConfig = Story.config, seed: UInt64 = 1, partitionCount: Int32 = 50) {
        coordinator = GroupCoordinator(config: config, partitionCount: partitionCount, seed: seed)
        for partition in 0..<partitionCount {
            coordinator.beginLoad(partition)
            take(coordinator.finishLoad(partition, now: now).effects)
        }
    }

    /// As Kafka's, but without the initial delay.
    static var config: GroupConfig {
        var config = GroupConfig()
        config.initialRebalanceDelayMs = 0
        return config
    }

    // MARK: effects

    mutating func take(_ effects: [GroupEffect]) {
        for effect in effects {
            switch effect {
            case .respond(let token, let response):
                #expect(answers[token] == nil, "a request is answered once")
                answers[token] = response
            case .append(let partition, let records, let token): held.append((token, partition, records))
            case .appendTransactional(let partition, let records, _, let token): held.append((token, partition, records))
            case .shareState(let work, let token): shareWork.append((token, work))
            case .event(let event): events.append(event)
            case .notice(let kind): notices.append(kind)
            }
        }
        if !holdsAppends { completeAppends() }
        if !holdsShareWork { completeShareWork() }
    }

    /// Share coordinators answer, with this error for all or for none.
    mutating func completeShareWork(_ error: ErrorCode = .none) {
        while !shareWork.isEmpty {
            let (token, work) = shareWork.removeFirst()
            if error == .none { shareWorkDone.append(work) }
            var results = ShareStateResults()
            for partition in work.partitions { results[partition] = error }
            take(coordinator.shareStateCompleted(token, results, now: now))
        }
    }

    /// Completes what is held, in order, and whatever follows from it.
    mutating func completeAppends(_ error: ErrorCode = .none) {
        while !held.isEmpty {
            let append = held.removeFirst()
            if error == .none { log.append((append.partition, append.records)) }
            take(coordinator.appendCompleted(append.token, error: error, now: now))
        }
    }

    /// Lets time pass, each timer at its moment.
    mutating func pass(milliseconds: Int64) {
        let end = now.instant.adding(milliseconds: milliseconds)
        while coordinator.nextDeadline <= end {
            move(to: max(coordinator.nextDeadline, now.instant))
            take(coordinator.tick(now))
        }
        move(to: end)
    }

    private mutating func move(to instant: Instant) {
        let wall = now.wall.milliseconds + instant.milliseconds(since: now.instant)
        now = Now(instant: instant, wall: Timestamp(milliseconds: wall))
    }

    // MARK: requests

    @discardableResult
    mutating func send(
        _ request: GroupRequest, version: Int16, client: String = "client", refused: [[ErrorCode]] = []
    ) -> GroupToken {
        lastToken += 1
        let token = GroupToken(lastToken)
        let caller = GroupCaller(token: token, apiVersion: version, clientID: client, clientHost: "/127.0.0.1")
        take(coordinator.handle(request, from: caller, refused: refused, now: now))
        return token
    }

    mutating func join(
        _ group: String = "g", _ member: String = "", instance: String? = nil, client: String = "client", protocols: [String] = ["range"],
        topics: [String] = ["t"], type: String = "consumer", session: Int32 = 10_000, rebalance: Int32 = 60_000, reason: String? = nil,
        version: Int16 = 9
    ) -> GroupToken {
        var request = JoinGroupRequest()
        request.groupID = group
        request.memberID = member
        request.groupInstanceID = instance
        request.sessionTimeoutMs = session
        request.rebalanceTimeoutMs = rebalance
        request.protocolType = type
        request.reason = reason
        request.protocols = protocols.map { name in
            var entry = JoinGroupRequest.GroupProtocol()
            entry.name = name
            entry.metadata = subscription(topics)
            return entry
        }
        return send(.join(request), version: version, client: client)
    }

    /// Joins as a newcomer of v9 does: once for an id, once with it. Returns the id and the token of the second.
    mutating func enter(
        _ group: String = "g", client: String = "client", protocols: [String] = ["range"], topics: [String] = ["t"],
        session: Int32 = 10_000, rebalance: Int32 = 60_000
    ) -> (memberID: String, token: GroupToken) {
        let first = join(group, client: client, protocols: protocols, topics: topics, session: session, rebalance: rebalance)
        let id = joined(first)?.memberID ?? ""
        #expect(joined(first)?.errorCode == .memberIDRequired)
        return (id, join(group, id, client: client, protocols: protocols, topics: topics, session: session, rebalance: rebalance))
    }

    mutating func sync(
        _ group: String, _ member: String, generation: Int32, instance: String? = nil, assignments: [(String, String)] = [],
        type: String? = "consumer", name: String? = "range", version: Int16 = 5
    ) -> GroupToken {
        var request = SyncGroupRequest()
        request.groupID = group
        request.memberID = member
        request.groupInstanceID = instance
        request.generationID = generation
        request.protocolType = type
        request.protocolName = name
        request.assignments = assignments.map { member, text in
            var entry = SyncGroupRequest.Assignment()
            entry.memberID = member
            entry.assignment = Bytes(text)
            return entry
        }
        return send(.sync(request), version: version)
    }

    mutating func heartbeat(_ group: String, _ member: String, generation: Int32, instance: String? = nil) -> ErrorCode {
        var request = HeartbeatRequest()
        request.groupID = group
        request.memberID = member
        request.generationID = generation
        request.groupInstanceID = instance
        guard case .heartbeat(let response) = answers[send(.heartbeat(request), version: 4)] else { return .unknownServerError }
        return response.errorCode
    }

    mutating func leave(_ members: [(id: String, instance: String?)], from group: String = "g", reason: String? = nil) -> [ErrorCode] {
        var request = LeaveGroupRequest()
        request.groupID = group
        request.members = members.map { member in
            var entry = LeaveGroupRequest.Member()
            entry.memberID = member.id
            entry.groupInstanceID = member.instance
            entry.reason = reason
            return entry
        }
        guard case .leave(let response) = answers[send(.leave(request), version: 5)] else { return [] }
        return response.errorCode == .none ? response.members.map(\.errorCode) : [response.errorCode]
    }

    func commitRequest(
        _ group: String, _ member: String, generation: Int32, offset: Int64, topic: String = "t", partition: Int32 = 0,
        metadata: String? = "", retention: Int64 = -1, instance: String? = nil
    ) -> OffsetCommitRequest {
        var entry = OffsetCommitRequest.Partition()
        entry.partitionIndex = partition
        entry.committedOffset = offset
        entry.committedMetadata = metadata
        var place = OffsetCommitRequest.Topic()
        place.name = topic
        place.partitions = [entry]
        var request = OffsetCommitRequest()
        request.groupID = group
        request.memberID = member
        request.groupInstanceID = instance
        request.generationIDOrMemberEpoch = generation
        request.retentionTimeMs = retention
        request.topics = [place]
        return request
    }

    mutating func commit(
        _ group: String = "g", _ member: String = "", generation: Int32 = -1, offset: Int64, topic: String = "t", partition: Int32 = 0,
        metadata: String? = "", retention: Int64 = -1
    ) -> ErrorCode? {
        let request = commitRequest(
            group, member, generation: generation, offset: offset, topic: topic, partition: partition, metadata: metadata,
            retention: retention)
        return committed(send(.commit(request), version: 8))
    }

    // MARK: answers (mutating, so that a request may be their argument: it is sent before they look)

    mutating func joined(_ token: GroupToken) -> JoinGroupResponse? {
        if case .join(let response) = answers[token] { response } else { nil }
    }
    mutating func synced(_ token: GroupToken) -> SyncGroupResponse? {
        if case .sync(let response) = answers[token] { response } else { nil }
    }
    mutating func committed(_ token: GroupToken) -> ErrorCode? {
        if case .commit(let response) = answers[token] { response.topics.first?.partitions.first?.errorCode } else { nil }
    }
    mutating func answer(_ token: GroupToken) -> GroupResponse? { answers[token] }

    // MARK: looking in

    func state(_ group: String = "g") -> ClassicGroupState? { coordinator.describe(group)?.state }
    func members(_ group: String = "g") -> [String] { coordinator.describe(group)?.members.map(\.memberID) ?? [] }
    func offset(_ group: String = "g", _ topic: String = "t", _ partition: Int32 = 0) -> Int64? {
        coordinator.committedOffset(group, TopicPartition(topic, partition))?.offset.rawValue
    }

    /// A stable group of one: its member's id and generation.
    mutating func stableGroup(_ group: String = "g", session: Int32 = 10_000, rebalance: Int32 = 60_000) -> (String, Int32) {
        let (id, token) = enter(group, session: session, rebalance: rebalance)
        let generation = joined(token)?.generationID ?? -1
        _ = sync(group, id, generation: generation, assignments: [(id, "all")])
        #expect(state(group) == .stable)
        return (id, generation)
    }

    /// A stable group of as many members as `clients`; the first leads. Returns their ids and the generation.
    mutating func stableGroup(
        of clients: [String], in group: String = "g", session: Int32 = 10_000, rebalance: Int32 = 60_000
    ) -> ([String], Int32) {
        var ids: [String] = []
        var tokens: [GroupToken] = []
        for client in clients {
            let (id, token) = enter(group, client: client, session: session, rebalance: rebalance)
            ids.append(id)
            tokens = [token]
            for earlier in ids.dropLast() {
                tokens.append(join(group, earlier, session: session, rebalance: rebalance))
            }
            let generation = joined(tokens[0])?.generationID ?? -1
            let leader = joined(tokens[0])?.leader ?? ""
            for id in [leader] + ids.filter({ $0 != leader }) {
                _ = sync(group, id, generation: generation, assignments: id == leader ? ids.map { ($0, "to \($0)") } : [])
            }
        }
        #expect(state(group) == .stable)
        return (ids, joined(tokens[0])?.generationID ?? -1)
    }
}

/// A consumer's metadata, version 0.
func subscription(_ topics: [String]) -> Bytes {
    var message = ConsumerProtocolSubscription()
    message.topics = topics
    var writer = ByteWriter()
    writer.integer(Int16(0))
    writer.bytes(message.encode(version: 0))
    return writer.finish()
}
