import Primitives
import Wire

// Who answers what: from a request's target to a node, and from a node to a connection.
extension ClusterSession {
    private enum Route {
        case node(BrokerID)
        case anyNode
        case wait
        case fail(ClientError)
    }

    /// Sends whatever can be sent. Routing may ask for knowledge with requests of its own, which a second round then sends.
    mutating func pump(now: Now) {
        for _ in 0..<2 {
            for number in requests.keys {
                guard let pending = requests[number], pending.connection == nil, pending.waitsFor == nil else { continue }
                if pending.notBefore <= now.instant { dispatch(number, pending, now: now) }
            }
        }
    }

    private mutating func dispatch(_ number: Int, _ pending: Pending, now: Now) {
        switch route(number, pending, now: now) {
        case .node(let broker): deliver(number, pending, to: broker, now: now)
        case .anyNode: deliverToAny(number, pending, now: now)
        case .wait: break
        case .fail(let error): answer(number, .failure(error), now: now)
        }
    }

    private mutating func route(_ number: Int, _ pending: Pending, now: Now) -> Route {
        switch pending.request.target {
        case .any: return .anyNode
        case .controller:
            if let controller = metadata.controller, nodes[controller] != nil { return .node(controller) }
            return metadata.learntAt != nil ? .anyNode : need(.brokers, number, now: now)
        case .broker(let broker):
            if nodes[broker] != nil { return .node(broker) }
            if let learntAt = metadata.learntAt, learntAt >= pending.submittedAt { return .fail(.unknownBroker(broker)) }
            return need(.brokers, number, now: now)
        case .leader(let partition): return routeToLeader(partition, number, pending, now: now)
        case .coordinator(let group): return routeToCoordinator(CoordinatorKey(.group, group), number, now: now)
        case .transactionCoordinator(let id): return routeToCoordinator(CoordinatorKey(.transaction, id), number, now: now)
        }
    }

    private mutating func routeToCoordinator(_ key: CoordinatorKey, _ number: Int, now: Now) -> Route {
        if let coordinator = coordinators[key], nodes[coordinator] != nil { return .node(coordinator) }
        return need(.coordinator(key), number, now: now)
    }

    private mutating func routeToLeader(_ partition: TopicPartition, _ number: Int, _ pending: Pending, now: Now) -> Route {
        if let leader = metadata.leader(partition), nodes[leader] != nil { return .node(leader) }
        guard let topic = metadata.topics[partition.topic], !topic.isStale, pending.attempts > 0 else {
            requests.update(number) { $0.attempts = max($0.attempts, 1) }
            return need(.topic(partition.topic), number, now: now)
        }
        if topic.error != .none && !topic.error.isRetriable { return .fail(.kafka(topic.error, message: nil)) }
        if topic.error == .none && Int(partition.partition) >= topic.leaders.count {
            return .fail(.kafka(.unknownTopicOrPartition, message: "\(partition) does not exist"))
        }
        guard pending.attempts < SessionLimits.attemptsMax else {
            let code = topic.error == .none ? ErrorCode.leaderNotAvailable : topic.error
            return .fail(.kafka(code, message: "\(partition) has no leader"))
        }
        // There is none now; a new one may be elected in a moment.
        metadata.distrust(partition.topic)
        requests.update(number) { pending in
            pending.attempts += 1
            pending.notBefore = now.instant.adding(milliseconds: options.backoffMinMs * 4)
        }
        return .wait
    }

    /// Parks a request until the session knows more, and asks if nobody has.
    private mutating func need(_ need: Need, _ number: Int, now: Now) -> Route {
        requests.update(number) { $0.waitsFor = need }
        guard !isAsking(need) else { return .wait }
        switch need {
        case .brokers: askBrokers(now: now)
        case .topic(let name):
            var request = MetadataRequest()
            var topic = MetadataRequest.Topic()
            topic.name = name
            request.topics = [topic]
            request.allowAutoTopicCreation = false
            ask(request, for: need, now: now)
        case .coordinator(let key):
            var request = FindCoordinatorRequest()
            request.key = key.name
            request.keyType = key.kind.rawValue
            request.coordinatorKeys = [key.name]
            ask(request, for: need, now: now)
        }
        return .wait
    }

    mutating func askBrokers(now: Now) {
        var request = MetadataRequest()
        request.topics = []
        request.allowAutoTopicCreation = false
        ask(request, for: .brokers, now: now)
    }

    // MARK: Nodes

    private mutating func deliver(_ number: Int, _ pending: Pending, to broker: BrokerID, now: Now) {
        guard let node = nodes[broker] else { return }
        let lane = pending.request.lane
        if let id = connections.first(where: { $0.value.broker == broker && $0.value.lane == lane })?.key {
            send(number, pending, on: id, now: now)
        } else if let failedAt = node.failedAt, failedAt >= pending.submittedAt {
            guard pending.request.target.canMove else { return answer(number, .failure(.unreachable(node.reason)), now: now) }
            takeDetour(number, pending, past: node, now: now)
            if node.retryAt <= now.instant { open(broker, lane, now: now) }
        } else if node.retryAt <= now.instant {
            open(broker, lane, now: now)
        }
    }

    /// Whoever is responsible cannot be reached, and soon another may be: ask again who it is.
    private mutating func takeDetour(_ number: Int, _ pending: Pending, past node: Node, now: Now) {
        forgetRoute(of: pending.request.target)
        let wait = options.backoffMinMs << Int64(min(pending.detours, 3))
        requests.update(number) { pending in
            pending.detours += 1
            pending.trouble = node.reason
            pending.notBefore = now.instant.adding(milliseconds: wait)
        }
    }

    /// The least busy connection there is, as long as its broker does not owe answers; else one is opened; where every node failed since
    /// the request came, the request fails too.
    private mutating func deliverToAny(_ number: Int, _ pending: Pending, now: Now) {
        let lane = pending.request.lane
        let stalled = connections.values.filter { owes($0, now: now) }.map(\.broker)
        let open = connections.filter { $0.value.lane == lane }
        let good = open.filter { !stalled.contains($0.value.broker) }
        if let best = good.filter({ $0.value.canSend }).min(by: { $0.value.load < $1.value.load }) {
            send(number, pending, on: best.key, now: now)
            return
        }
        guard good.isEmpty else { return }
        let taken = open.map(\.value.broker) + stalled
        let brokers = nodes.filter { $0.key > .none }
        let candidates = brokers.contains { $0.value.failedAt.map { $0 < pending.submittedAt } ?? true } ? brokers : nodes.map { $0 }
        if open.isEmpty, candidates.allSatisfy({ $0.value.failedAt.map { $0 >= pending.submittedAt } ?? false }) {
            let last = candidates.max { ($0.value.failedAt ?? .zero) < ($1.value.failedAt ?? .zero) }
            answer(number, .failure(.unreachable(last?.value.reason ?? "no bootstrap server")), now: now)
            return
        }
        let willing = candidates.filter { node in
            node.value.retryAt <= now.instant && (node.value.failedAt.map { $0 < pending.submittedAt } ?? true)
        }
        let others = willing.filter { !taken.contains($0.key) }
        if !others.isEmpty {
            self.open(random.pick(others).key, lane, now: now)
        } else if let slow = open.filter({ $0.value.canSend }).min(by: { $0.value.load < $1.value.load }) {
            // All owe answers: the fault may be on our side.
            send(number, pending, on: slow.key, now: now)
        } else if open.isEmpty && !willing.isEmpty {
            self.open(random.pick(willing).key, lane, now: now)
        }
    }

    private mutating func send(_ number: Int, _ pending: Pending, on id: Int, now: Now) {
        guard let connection = connections[id], connection.phase == .ready, connection.canSend else { return }
        guard let version = connection.versions.best(pending.request.apiKey, within: pending.request.versions) else {
            answer(number, .failure(.unsupported(api: pending.request.apiKey.name)), now: now)
            return
        }
        requests.update(number) { pending in
            pending.connection = id
            pending.attempts += 1
        }
        let isQuick = pending.request.lane == .routing
        let deadline = isQuick ? min(pending.deadline, now.instant.adding(milliseconds: options.quickMs)) : pending.deadline
        onConnection(id, now: now) {
            $0.send(pending.request.message, request: number, version: version, deadline: deadline, now: now)
        }
        guard pending.request.isSilent, let request = pending.request.message as? ProduceRequest else { return }
        let broker = connections[id]?.broker ?? .none
        answer(number, .success(Answer(message: type(of: request).Response(), version: version, broker: broker)), now: now)
    }

    // MARK: Knowledge

    /// Takes in what the session asked for itself; returns why it is of no use.
    mutating func learn(_ message: any WireMessage, for need: Need) -> ClientError? {
        guard case .coordinator(let key) = need else {
            return (message as? MetadataResponse).flatMap { ClientError.of($0.errorCode) }
        }
        guard let answer = message as? FindCoordinatorResponse else { return .malformed(api: APIKey.findCoordinator.name) }
        // One key was asked for: v4 and later answer in a list, older versions in the response itself.
        let found = answer.coordinators.first
        let code = found?.errorCode ?? answer.errorCode
        if let error = ClientError.of(code, found?.errorMessage ?? answer.errorMessage) { return error }
        if coordinators.count >= SessionLimits.coordinatorsMax { coordinators = OrderedMap() }
        let id = BrokerID(found?.nodeID ?? answer.nodeID)
        coordinators[key] = id
        if nodes[id] == nil {
            let address = ServerAddress(host: found?.host ?? answer.host, port: found?.port ?? answer.port)
            nodes[id] = Node(address: address, backoff: newBackoff)
        }
        return nil
    }

    mutating func forgetRoute(of target: RequestTarget) {
        switch target {
        case .coordinator(let group): coordinators.remove(CoordinatorKey(.group, group))
        case .transactionCoordinator(let id): coordinators.remove(CoordinatorKey(.transaction, id))
        case .controller: metadata.controller = nil
        case .leader(let partition): metadata.distrust(partition.topic)
        case .any, .broker: break
        }
    }

    /// Whether a request that went to the wrong broker may be sent on as it is. Not so a heartbeat of KIP-848: what the coordinator that
    /// was made of it may hold at the next one too, which says it again only where the member tells everything.
    func maySendOn(_ pending: Pending) -> Bool { pending.request.apiKey != .consumerGroupHeartbeat }

    /// Whether an answer says that the request went to the wrong broker, or to the right one too early.
    func isMisrouted(_ pending: Pending, _ message: any WireMessage) -> Bool {
        switch pending.request.target {
        case .coordinator, .transactionCoordinator: coordinatorCodes(message).contains(where: ErrorCode.coordinatorMoved.contains)
        case .controller: controllerCodes(message).contains(.notController)
        case .leader: leaderCodes(message).contains(where: \.isInvalidMetadata)
        case .any, .broker: false
        }
    }
}

extension RequestTarget {
    /// Whether somebody else may be responsible in a moment.
    fileprivate var canMove: Bool {
        switch self {
        case .leader, .coordinator, .transactionCoordinator, .controller: true
        case .any, .broker: false
        }
    }
}

extension ErrorCode {
    /// What a broker says that is not, or not yet, the coordinator of a group or of a transactional id.
    package static let coordinatorMoved: [ErrorCode] = [.notCoordinator, .coordinatorNotAvailable, .coordinatorLoadInProgress]
}

/// The codes by which an answer from a coordinator may say that it is not its coordinator.
private func coordinatorCodes(_ message: any WireMessage) -> [ErrorCode] {
    switch message {
    case let answer as JoinGroupResponse: [answer.errorCode]
    case let answer as SyncGroupResponse: [answer.errorCode]
    case let answer as HeartbeatResponse: [answer.errorCode]
    case let answer as ConsumerGroupHeartbeatResponse: [answer.errorCode]
    case let answer as LeaveGroupResponse: [answer.errorCode]
    case let answer as OffsetFetchResponse: [answer.errorCode] + answer.groups.map(\.errorCode)
    case let answer as OffsetCommitResponse: answer.topics.flatMap { $0.partitions.map(\.errorCode) }
    case let answer as DescribeGroupsResponse: answer.groups.map(\.errorCode)
    case let answer as ConsumerGroupDescribeResponse: answer.groups.map(\.errorCode)
    case let answer as ShareGroupDescribeResponse: answer.groups.map(\.errorCode)
    case let answer as DescribeShareGroupOffsetsResponse: answer.groups.map(\.errorCode)
    case let answer as AlterShareGroupOffsetsResponse: [answer.errorCode]
    case let answer as DeleteShareGroupOffsetsResponse: [answer.errorCode]
    case let answer as DeleteGroupsResponse: answer.results.map(\.errorCode)
    case let answer as OffsetDeleteResponse: [answer.errorCode]
    case let answer as InitProducerIDResponse: [answer.errorCode]
    case let answer as AddPartitionsToTxnResponse:
        answer.resultsByTopicV3AndBelow.flatMap { $0.resultsByPartition.map(\.partitionErrorCode) }
    case let answer as AddOffsetsToTxnResponse: [answer.errorCode]
    case let answer as EndTxnResponse: [answer.errorCode]
    case let answer as TxnOffsetCommitResponse: answer.topics.flatMap { $0.partitions.map(\.errorCode) }
    case let answer as DescribeTransactionsResponse: answer.transactionStates.map(\.errorCode)
    default: []
    }
}

/// The codes by which a partition's leader may say that it is not its leader.
private func leaderCodes(_ message: any WireMessage) -> [ErrorCode] {
    switch message {
    case let answer as DeleteRecordsResponse: answer.topics.flatMap { $0.partitions.map(\.errorCode) }
    case let answer as ListOffsetsResponse: answer.topics.flatMap { $0.partitions.map(\.errorCode) }
    case let answer as FetchResponse: answer.topics.flatMap { $0.partitions.map(\.errorCode) }
    default: []
    }
}

private func controllerCodes(_ message: any WireMessage) -> [ErrorCode] {
    switch message {
    case let answer as CreateTopicsResponse: answer.topics.map(\.errorCode)
    case let answer as DeleteTopicsResponse: answer.responses.map(\.errorCode)
    case let answer as CreatePartitionsResponse: answer.results.map(\.errorCode)
    case let answer as IncrementalAlterConfigsResponse: answer.responses.map(\.errorCode)
    case let answer as AlterPartitionReassignmentsResponse: [answer.errorCode]
    case let answer as ElectLeadersResponse: [answer.errorCode]
    default: []
    }
}
