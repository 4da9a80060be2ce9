import Controller
import Primitives
import Replication
import Storage
import Wire

/// One fetch as it is served: what it asks for, who asks, and what it has to do with a session. Constant, and shared: it is handed about
/// with every event of its partitions.
final class FetchTask {
    enum Kind {
        /// All partitions are named, and none is remembered.
        case sessionless
        /// All are named, and a session is asked for.
        case creating
        /// They are those of the session.
        case session(Int32)
    }

    let context: RequestContext
    let kind: Kind
    /// Empty in a session, which has its own.
    let named: [FetchItem]
    let minBytes: Int
    let maxBytes: Int
    let maxWaitMs: Int64
    let isCommitted: Bool
    let rackID: String
    /// The replica that fetches; nil: a consumer does.
    let follower: BrokerID?
    let followerEpoch: Int64
    /// Kafka's "debugging consumer" (replica id -2) is shown the log to its end, committed or not.
    let isDebugging: Bool
    static let debuggingID: Int32 = -2

    init(
        context: RequestContext, kind: Kind, named: [FetchItem], minBytes: Int, maxBytes: Int, maxWaitMs: Int64, isCommitted: Bool,
        rackID: String, follower: BrokerID?, followerEpoch: Int64, isDebugging: Bool
    ) {
        (self.context, self.kind, self.named) = (context, kind, named)
        (self.minBytes, self.maxBytes, self.maxWaitMs) = (minBytes, maxBytes, maxWaitMs)
        (self.isCommitted, self.rackID, self.isDebugging) = (isCommitted, rackID, isDebugging)
        (self.follower, self.followerEpoch) = (follower, followerEpoch)
    }
}

/// Fetch (1), versions 4 to 18: whole batches as slices of the log's files, which the shell sends without copying: for consumers below the
/// high watermark, or the last stable offset for read_committed, for followers up to the log end. Parked until there are `minBytes`, or an
/// error, or `maxWaitMs` has passed; a partition that moves wakes it. The first partition with data gives at least one batch (KIP-74).
/// Sessions (KIP-227): later requests and answers name only what changed. A follower's fetch is also its word that it has everything below
/// the offset it asks for, once its log is known to agree with ours (KIP-595). Followers serve consumers of their rack (KIP-392).
extension Broker {
    mutating func handleFetch(_ context: RequestContext, _ request: FetchRequest) {
        if isMetadataFetch(context, request) { return handleMetadataFetch(context, request) }
        guard let task = openFetch(context, request) else { return }
        if let follower = task.follower { acknowledge(task, request, by: follower) }
        startFetch(task)
    }

    // MARK: - Sessions

    /// Finds or leaves the session. Nil where the request is answered already.
    private mutating func openFetch(_ context: RequestContext, _ request: FetchRequest) -> FetchTask? {
        guard request.sessionEpoch > 0 else {
            if request.sessionID != 0 { replication.sessions.remove(request.sessionID) }
            let named = request.topics.flatMap { topic in
                topic.partitions.map { FetchItem(topic: topic.topic, topicID: topic.topicID, asked: $0) }
            }
            return task(context, request, request.sessionEpoch == 0 ? .creating : .sessionless, named)
        }
        let usesTopicIDs = context.version >= 13
        guard let session = replication.sessions[request.sessionID] else { return refuse(context, .fetchSessionIDNotFound) }
        guard session.usesTopicIDs == usesTopicIDs else { return refuse(context, .fetchSessionTopicIDError) }
        guard session.nextEpoch == request.sessionEpoch else { return refuse(context, .invalidFetchSessionEpoch) }
        session.update(request)
        session.advanceEpoch()
        session.lastUsed = now.instant
        guard !session.items.isEmpty else {
            replication.sessions.remove(request.sessionID)
            return refuse(context, .none)
        }
        return task(context, request, .session(request.sessionID), [])
    }

    private mutating func refuse(_ context: RequestContext, _ code: ErrorCode) -> FetchTask? {
        var response = FetchResponse()
        response.errorCode = code
        respond(context, response)
        return nil
    }

    private mutating func task(
        _ context: RequestContext, _ request: FetchRequest, _ kind: FetchTask.Kind, _ named: [FetchItem]
    ) -> FetchTask {
        let id = request.replicaState.replicaID != -1 ? request.replicaState.replicaID : request.replicaID
        let bytesMax = min(max(0, Int(request.maxBytes)), id >= 0 ? .max : windowBytes(.fetchRate, context))
        return FetchTask(
            context: context, kind: kind, named: named, minBytes: Int(request.minBytes),
            maxBytes: id >= 0 ? bytesMax : min(bytesMax, config.fetchMaxBytes), maxWaitMs: Int64(request.maxWaitMs),
            isCommitted: request.isolationLevel == 1, rackID: request.rackID, follower: id >= 0 ? BrokerID(id) : nil,
            followerEpoch: request.replicaState.replicaEpoch, isDebugging: id == FetchTask.debuggingID)
    }

    mutating func items(of task: FetchTask) -> [FetchItem] {
        guard case .session(let id) = task.kind else { return task.named }
        return replication.sessions[id]?.items.values ?? []
    }

    mutating func find(_ item: FetchItem, _ task: FetchTask) -> Replica? {
        task.context.version >= 13 ? replicas.find(item.topicID, item.asked.partition) : replicas.find(item.topic, item.asked.partition)
    }

    // MARK: - Followers

    /// Takes a follower's fetch for its word that it has all before. Done once, when the request arrives.
    private mutating func acknowledge(_ task: FetchTask, _ request: FetchRequest, by follower: BrokerID) {
        for item in itemsToAcknowledge(task, request) {
            guard isAllowed(item, task), let replica = find(item, task), !checkFetch(replica, item, task).isError else { continue }
            let from = Offset(item.asked.fetchOffset)
            guard from >= replica.log.logStartOffset, from <= replica.log.logEndOffset else { continue }
            guard mutations.contains(.acknowledgeDivergedFetch) || Broker.divergence(replica, item) == nil else { continue }
            let logStart = replica.progress(of: follower)?.logStartOffset ?? .none
            let moved = replica.fetched(
                by: follower, from: from, logStart: Offset(item.asked.logStartOffset), brokerEpoch: task.followerEpoch, at: now.instant)
            proposeExpansion(replica, by: follower)
            // A deletion of records waits for its followers' starts as a produce does for their ends.
            if moved || Offset(item.asked.logStartOffset) > logStart { advanced(replica) }
        }
    }

    /// Those that the request names. In a session also the others, but not each time: it only matters that they had caught up not long ago.
    private mutating func itemsToAcknowledge(_ task: FetchTask, _ request: FetchRequest) -> [FetchItem] {
        guard case .session(let id) = task.kind, let session = replication.sessions[id] else { return task.named }
        let pause = min(1000, config.replicaLagTimeMaxMs / 4)
        if now.instant.milliseconds(since: session.acknowledgedAt) >= pause {
            session.acknowledgedAt = now.instant
            return session.items.values
        }
        return request.topics.flatMap { topic in
            topic.partitions.compactMap { session.items[session.key(topic.topic, topic.topicID, $0.partition)] }
        }
    }

    // MARK: - Waiting

    /// How long a follower may be left without news of the high watermark alone: what is produced meanwhile brings it along.
    static let highWatermarkTellMs: Int64 = 5

    private mutating func startFetch(_ task: FetchTask) {
        let outcome = readFetch(task)
        let isDone = outcome.hasError || outcome.bytes >= task.minBytes || task.maxWaitMs <= 0
        let watched = isDone ? [] : items(of: task).compactMap { $0.isQuiet ? $0.quiet?.replica : find($0, task) }
        guard !isDone, !watched.isEmpty else { return answerFetch(task, outcome) }
        let wait = task.follower != nil && outcome.hasNews ? min(task.maxWaitMs, Broker.highWatermarkTellMs) : task.maxWaitMs
        let deadline = min(now.instant.adding(milliseconds: wait), max(outcome.throttledUntil, now.instant.adding(milliseconds: 1)))
        parked.park(.fetch(ParkedFetch(task: task, replicas: watched, available: outcome.bytes)), until: deadline)
    }

    /// Something happened to one of a parked fetch's partitions: answers it if there is enough now.
    mutating func recheckFetch(_ ticket: UInt64, _ fetch: ParkedFetch) {
        let outcome = readFetch(fetch.task)
        guard outcome.hasError || outcome.bytes >= fetch.task.minBytes else { return }
        parked.take(ticket)
        answerFetch(fetch.task, outcome)
    }

    /// A follower's parked fetch has news of a high watermark: it is told soon.
    mutating func hasten(_ ticket: UInt64, _ fetch: ParkedFetch) {
        guard !fetch.isHastened, case .session = fetch.task.kind else { return }
        parked.hasten(ticket, to: now.instant.adding(milliseconds: Broker.highWatermarkTellMs))
    }

    // MARK: - Answering

    mutating func answerFetch(_ task: FetchTask, _ outcome: FetchOutcome) {
        var response = FetchResponse()
        var slices: [LogSlice] = []
        if task.follower == nil, let throttleMs = withheld(task, outcome, &response) {
            if case .session(let id) = task.kind { response.sessionID = id }
            response.throttleTimeMs = Int32(clamping: throttleMs)
            return respond(task.context, response)
        }
        response.sessionID = remember(task, outcome)
        for found in outcome.inOrder {
            let isSame = response.topics.last.map { $0.topic == found.topic && $0.topicID == found.topicID } ?? false
            if !isSame {
                response.topics.append(FetchResponse.Topic())
                response.topics[response.topics.count - 1].topic = found.topic
                response.topics[response.topics.count - 1].topicID = found.topicID
            }
            response.topics[response.topics.count - 1].partitions.append(found.result)
            if let slice = found.slice { slices.append(slice) }
        }
        if task.context.version >= 16 { response.nodeEndpoints = newLeaders(outcome, task.context.listener) }
        if outcome.throttledBytes > 0 { replication.leaderThrottle.record(outcome.throttledBytes, now: now.instant) }
        respond(task.context, response, slices: slices)
    }

    /// For how long a consumer above its quota is to be still: it gets nothing now, and what it would have got is not counted. Nil where it
    /// gets what there is; what alone is more than a whole window allows is sent and paid for after, or it would never be.
    private mutating func withheld(_ task: FetchTask, _ outcome: FetchOutcome, _ response: inout FetchResponse) -> Int64? {
        guard !image.quotas.isEmpty, outcome.bytes > 0 else { return nil }
        let throttleMs = recordBytes(outcome.bytes, .fetchRate, task.context)
        guard throttleMs > 0 else { return nil }
        guard outcome.bytes <= windowBytes(.fetchRate, task.context) else {
            response.throttleTimeMs = Int32(clamping: throttleMs)
            return nil
        }
        unrecordBytes(outcome.bytes, .fetchRate, task.context)
        return throttleMs
    }

    /// Makes the session that was asked for, or notes in it what its fetcher is about to be told. Returns its id, 0 without one.
    private mutating func remember(_ task: FetchTask, _ outcome: FetchOutcome) -> Int32 {
        switch task.kind {
        case .sessionless: return 0
        case .creating:
            var items = OrderedMap<FetchItemKey, FetchItem>()
            for found in outcome.found {
                let item = task.named[found.index]
                item.told(found.result)
                items[item.key] = item
            }
            return replication.sessions.create(
                items, isPrivileged: task.follower != nil, usesTopicIDs: task.context.version >= 13, now: now.instant, random: &random)
        case .session(let id):
            guard let session = replication.sessions[id] else { return 0 }
            for found in outcome.found {
                session.items.values[found.index].told(found.result)
                if found.result.records.count > 0 { session.first = (found.index + 1) % session.items.count }
            }
            return id
        }
    }

    /// Where the leaders are that the answer names (KIP-951).
    private mutating func newLeaders(_ outcome: FetchOutcome, _ listener: String) -> [FetchResponse.NodeEndpoint] {
        var named: [Int32] = []
        for found in outcome.found where found.result.currentLeader.leaderID >= 0 && !named.contains(found.result.currentLeader.leaderID) {
            named.append(found.result.currentLeader.leaderID)
        }
        return named.sorted().compactMap { id in
            guard let broker = image.brokers[BrokerID(id)], let endpoint = broker.endpoint(listener) else { return nil }
            var node = FetchResponse.NodeEndpoint()
            node.nodeID = id
            node.host = endpoint.host
            node.port = Int32(endpoint.port)
            node.rack = broker.rack
            return node
        }
    }
}
