import Controller
import Primitives
import Replication
import Storage
import Wire

/// What one pass over a fetch's partitions found.
struct FetchOutcome {
    var response = FetchResponse()
    var slices: [LogSlice] = []
    var bytes = 0
    /// Some partition has an error: the client should hear of it now.
    var hasError = false
}

/// Fetch (1), versions 4 to 17: whole batches below the high watermark, or below the last stable offset for read_committed, as slices of
/// the log's files that the shell sends without copying. Parked until there are `minBytes`, or an error, or `maxWaitMs` has passed; a
/// partition whose high watermark moves wakes it. The first partition with data gives at least one batch, however large (KIP-74).
/// Sessions are declined: every answer carries session id 0, which makes clients send all their partitions each time (KIP-227).
/// Missing: sessions, followers' progress beyond the high watermark, rack-aware reads.
extension Broker {
    mutating func handleFetch(_ context: RequestContext, _ request: FetchRequest) {
        // A session's later requests name only what changed, and no session was ever given out.
        guard request.sessionEpoch <= 0 else {
            var response = FetchResponse()
            response.errorCode = .fetchSessionIDNotFound
            return respond(context, response)
        }
        startFetch(context, request)
    }

    private mutating func startFetch(_ context: RequestContext, _ request: FetchRequest) {
        let outcome = readFetch(context, request)
        let isDone = outcome.hasError || outcome.bytes >= Int(request.minBytes) || request.maxWaitMs <= 0
        let watched = isDone ? [] : fetchedReplicas(context, request)
        guard !isDone, !watched.isEmpty else { return answerFetch(context, outcome) }
        let deadline = now.instant.adding(milliseconds: Int64(request.maxWaitMs))
        let fetch = ParkedFetch(context: context, request: request, replicas: watched, available: outcome.bytes)
        parked.park(.fetch(fetch), until: deadline)
    }

    mutating func answerFetch(_ context: RequestContext, _ outcome: FetchOutcome) {
        respond(context, outcome.response, slices: outcome.slices)
    }

    /// Something happened to one of a parked fetch's partitions: answers it if there is enough now.
    mutating func recheckFetch(_ ticket: UInt64, _ fetch: ParkedFetch) {
        let outcome = readFetch(fetch.context, fetch.request)
        guard outcome.hasError || outcome.bytes >= Int(fetch.request.minBytes) else { return }
        parked.take(ticket)
        answerFetch(fetch.context, outcome)
    }

    private func find(_ topic: FetchRequest.Topic, _ partition: Int32, _ version: Int16) -> Replica? {
        version >= 13 ? replicas.find(topic.topicID, partition) : replicas.find(topic.topic, partition)
    }

    private func fetchedReplicas(_ context: RequestContext, _ request: FetchRequest) -> [Replica] {
        request.topics.flatMap { topic in topic.partitions.compactMap { find(topic, $0.partition, context.version) } }
    }

    /// Reads every partition of a fetch, within its limits.
    mutating func readFetch(_ context: RequestContext, _ request: FetchRequest) -> FetchOutcome {
        var outcome = FetchOutcome()
        let bytesMax = min(max(0, Int(request.maxBytes)), config.fetchMaxBytes)
        outcome.response.topics.reserveCapacity(request.topics.count)
        for topic in request.topics {
            var answer = FetchResponse.Topic()
            answer.topic = topic.topic
            answer.topicID = topic.topicID
            answer.partitions.reserveCapacity(topic.partitions.count)
            for partition in topic.partitions {
                let replica = find(topic, partition.partition, context.version)
                var result = FetchResponse.Partition()
                result.partitionIndex = partition.partition
                result.records = .bytes(.empty)
                result.errorCode = check(replica, partition.currentLeaderEpoch, unknown: context.version >= 13 ? .unknownTopicID : nil)
                // Null means "not asked for" and stands only where a log was read.
                if replica == nil { result.abortedTransactions = [] }
                if let replica, !result.errorCode.isError {
                    read(replica, partition, request, left: bytesMax - outcome.bytes, &result, &outcome)
                }
                if result.errorCode.isError { fail(&result, &outcome) }
                answer.partitions.append(result)
            }
            outcome.response.topics.append(answer)
        }
        return outcome
    }

    private func fail(_ result: inout FetchResponse.Partition, _ outcome: inout FetchOutcome) {
        outcome.hasError = true
        result.highWatermark = -1
        result.lastStableOffset = -1
        result.records = .bytes(.empty)
    }

    /// What keeps a client from this partition: not here, not led here, or a leader epoch that is not this one's (KIP-320).
    func check(_ replica: Replica?, _ currentLeaderEpoch: Int32, unknown: ErrorCode? = nil) -> ErrorCode {
        guard let replica else { return unknown ?? .unknownTopicOrPartition }
        guard let leader = replica.leader else { return .notLeaderOrFollower }
        guard currentLeaderEpoch >= 0 else { return .none }
        if currentLeaderEpoch < leader.leaderEpoch.rawValue { return .fencedLeaderEpoch }
        return currentLeaderEpoch > leader.leaderEpoch.rawValue ? .unknownLeaderEpoch : .none
    }

    private mutating func read(
        _ replica: Replica, _ partition: FetchRequest.Partition, _ request: FetchRequest, left: Int,
        _ result: inout FetchResponse.Partition, _ outcome: inout FetchOutcome
    ) {
        let isCommitted = request.isolationLevel == 1
        let stable = replica.lastStableOffset
        result.highWatermark = replica.highWatermark.rawValue
        result.lastStableOffset = stable.rawValue
        result.logStartOffset = replica.log.logStartOffset.rawValue
        if isCommitted { result.abortedTransactions = [] }
        if let diverging = divergence(replica, partition) {
            result.divergingEpoch = diverging
            outcome.hasError = true
            return
        }
        do throws(LogError) {
            let from = Offset(partition.fetchOffset)
            guard from >= replica.log.logStartOffset, from <= replica.log.logEndOffset else {
                throw .offsetOutOfRange(requested: from, logStart: replica.log.logStartOffset, logEnd: replica.log.logEndOffset)
            }
            let below = isCommitted ? stable : replica.highWatermark
            let limit = min(max(0, Int(partition.partitionMaxBytes)), max(0, left))
            let isFirst = outcome.bytes == 0
            guard from < below, isFirst || limit > 0 else { return }
            let slice = try replica.log.read(from: from, maxBytes: limit, below: below, minOneBatch: isFirst)
            guard !slice.isEmpty else { return }
            if isCommitted { result.abortedTransactions = try aborted(replica, from, below) }
            result.records = .external(length: slice.length)
            outcome.slices.append(slice)
            outcome.bytes += slice.length
        } catch {
            result.errorCode = ErrorCode(rawValue: error.kafkaCode)
            storageFailed(error, replica)
        }
    }

    private func aborted(_ replica: Replica, _ from: Offset, _ below: Offset) throws(LogError) -> [FetchResponse.AbortedTransaction] {
        try replica.log.abortedTransactions(from: from, below: below).map { transaction in
            var out = FetchResponse.AbortedTransaction()
            out.producerID = transaction.producerID
            out.firstOffset = transaction.firstOffset.rawValue
            return out
        }
    }

    /// Where the fetcher's log parts from ours, by the epoch of the last record it has (KIP-595); nil where it does not.
    private func divergence(_ replica: Replica, _ partition: FetchRequest.Partition) -> FetchResponse.EpochEndOffset? {
        guard partition.lastFetchedEpoch >= 0,
            let end = replica.log.endOffset(forEpoch: LeaderEpoch(partition.lastFetchedEpoch)),
            end.epoch.rawValue < partition.lastFetchedEpoch || end.endOffset.rawValue < partition.fetchOffset
        else { return nil }
        var diverging = FetchResponse.EpochEndOffset()
        diverging.epoch = end.epoch.rawValue
        diverging.endOffset = end.endOffset.rawValue
        return diverging
    }
}
