import Controller
import Groups
import Primitives
import Replication
import Storage
import Wire

/// A share fetch that waits for records, or its time.
struct ParkedShareFetch {
    let task: ShareTask
    let context: RequestContext
    let request: ShareFetchRequest
    let replicas: [Replica]
    let keys: [SharePartition]
    /// Of share partitions that could not be taken up.
    var errors = OrderedMap<SharePlace, ErrorCode>()
}

/// What one look at a fetch's share partitions found.
struct ShareFetchOutcome {
    struct Found {
        var records: LogSlice?
        var acquired: [ShareAcquired] = []
        var code: ErrorCode?
    }

    var found = OrderedMap<SharePlace, Found>()
    var bytes = 0
    var hasError: Bool { found.values.contains { $0.code != nil } }
}

/// ShareFetch (78), versions 1 and 2: records for a member of a share group, each locked for it, of the partitions of its session
/// (KIP-932). Acknowledgements that come with it are written first. Whole batches as slices of the log's files, below the high watermark,
/// or below the last stable offset where the group reads committed; `acquiredRecords` says which records are the member's. Parked until
/// there are `minBytes`, an error, or `maxWaitMs` has passed; a record that comes back wakes it too. Version 2 may have no more records
/// than it asks for (KIP-1206), or renew locks and fetch nothing (KIP-1222).
extension Broker {
    mutating func handleShareFetch(_ context: RequestContext, _ request: ShareFetchRequest) {
        guard let member = shareMember(request.groupID, request.memberID) else { return refuseShareFetch(context, .invalidRequest) }
        if let code = shareRefusal(member, context) { return refuseShareFetch(context, code) }
        if request.isRenewAck, request.maxWaitMs != 0 || request.minBytes != 0 || request.maxBytes != 0 || request.maxRecords != 0 {
            return refuseShareFetch(context, .invalidRequest, "Only the locks can be renewed in a request that renews locks.")
        }
        var task = ShareTask(
            context: context, member: member, fetch: request, isFinal: request.shareSessionEpoch == ShareSessions.finalEpoch)
        let places = request.topics.flatMap { topic in
            topic.partitions.map { SharePlace(topicID: topic.topicID, partition: $0.partitionIndex) }
        }
        if request.shareSessionEpoch == 0 {
            guard request.topics.allSatisfy({ $0.partitions.allSatisfy(\.acknowledgementBatches.isEmpty) }) else {
                return refuseShareFetch(context, .invalidRequest)
            }
            guard leading.sessions.open(member, places, on: context.connection, max: config.shareSessionsMax) else {
                return refuseShareFetch(context, .shareSessionLimitReached)
            }
            task.isNew = true
        } else {
            if let code = leading.sessions.advance(member, request.shareSessionEpoch, on: context.connection) {
                return refuseShareFetch(context, code)
            }
            let forgotten = request.forgottenTopicsData.flatMap { topic in
                topic.partitions.map { SharePlace(topicID: topic.topicID, partition: $0) }
            }
            leading.sessions.change(member, adding: places, forgetting: forgotten)
        }
        acknowledge(task, request.topics, mayRenew: request.isRenewAck)
    }

    private mutating func refuseShareFetch(_ context: RequestContext, _ code: ErrorCode, _ message: String? = nil) {
        var response = ShareFetchResponse()
        response.errorCode = code
        response.errorMessage = message
        respond(context, response)
    }

    // MARK: - Waiting

    /// The acknowledgements are done with: now for the records.
    mutating func startShareFetch(_ task: ShareTask, _ context: RequestContext) {
        guard let request = task.fetch, let session = leading.sessions[task.member], !task.isFinal, !request.isRenewAck else {
            return answerShareFetch(task, context, ShareFetchOutcome())
        }
        var watched: [Replica] = []
        var keys: [SharePartition] = []
        for place in session.places.keys where sharePlaceRefusal(place, context) == nil {
            guard let replica = replicas.find(place.topicID, place.partition) else { continue }
            let key = SharePartition(groupID: task.member.groupID, topicID: place.topicID, partition: place.partition)
            lead(key, replica)
            watched.append(replica)
            keys.append(key)
        }
        let fetch = ParkedShareFetch(task: task, context: context, request: request, replicas: watched, keys: keys)
        let outcome = readShares(fetch, isOver: request.maxWaitMs <= 0)
        guard outcome.bytes == 0, !outcome.hasError, !keys.isEmpty, request.maxWaitMs > 0 else {
            return answerShareFetch(task, context, outcome)
        }
        let ticket = parked.park(.shareFetch(fetch), until: now.instant.adding(milliseconds: Int64(request.maxWaitMs)))
        for key in keys {
            let waiting = (leading.leads[key]?.waiters ?? []).filter { parked[$0] != nil }
            leading.leads.update(key) { $0.waiters = waiting + [ticket] }
        }
    }

    /// Something happened to one of a parked fetch's share partitions: answers it if there is enough now, or if it has waited long enough.
    mutating func recheckShareFetch(_ ticket: UInt64, _ fetch: ParkedShareFetch, isOver: Bool = false) {
        let outcome = readShares(fetch, isOver: isOver)
        guard isOver || outcome.bytes > 0 || outcome.hasError else { return }
        parked.take(ticket)
        forgetShareWaiter(ticket, fetch)
        answerShareFetch(fetch.task, fetch.context, outcome)
    }

    mutating func forgetShareWaiter(_ ticket: UInt64, _ fetch: ParkedShareFetch) {
        for key in fetch.keys { leading.leads.update(key) { $0.waiters.removeAll { $0 == ticket } } }
    }

    // MARK: - Answering

    private mutating func answerShareFetch(_ task: ShareTask, _ context: RequestContext, _ outcome: ShareFetchOutcome) {
        var response = ShareFetchResponse()
        response.acquisitionLockTimeoutMs = Int32(clamping: shareSettings(task.member.groupID).limits.lockMs)
        var places = OrderedMap<SharePlace, Bool>()
        if task.isNew { for place in leading.sessions[task.member]?.places.keys ?? [] { places[place] = true } }
        for place in outcome.found.keys { places[place] = true }
        for place in task.acknowledged.keys { places[place] = true }
        var slices: [LogSlice] = []
        var leaders: [Int32] = []
        for place in places.keys {
            if response.responses.last?.topicID != place.topicID {
                response.responses.append(ShareFetchResponse.Topic())
                response.responses[response.responses.count - 1].topicID = place.topicID
            }
            let found = outcome.found[place]
            let refusal = task.acknowledged[place] ?? nil
            var partition = ShareFetchResponse.Partition()
            partition.partitionIndex = place.partition
            (partition.errorCode, partition.errorMessage) = (found?.code ?? .none, found?.code?.message)
            (partition.acknowledgeErrorCode, partition.acknowledgeErrorMessage) = (refusal?.code ?? .none, refusal?.message)
            partition.currentLeader = shareLeader(place, found?.code ?? refusal?.code, &leaders)
            partition.records = .bytes(.empty)
            if let slice = found?.records {
                partition.records = .external(length: slice.length)
                slices.append(slice)
            }
            partition.acquiredRecords = (found?.acquired ?? []).map { range in
                var acquired = ShareFetchResponse.AcquiredRecords()
                (acquired.firstOffset, acquired.lastOffset) = (range.first, range.last)
                acquired.deliveryCount = range.deliveryCount
                return acquired
            }
            response.responses[response.responses.count - 1].partitions.append(partition)
        }
        response.nodeEndpoints = shareEndpoints(leaders, context.listener)
        // What is above a quota is sent and paid for after: it has been locked for the member already.
        if outcome.bytes > 0, !image.quotas.isEmpty {
            response.throttleTimeMs = Int32(clamping: recordBytes(outcome.bytes, .fetchRate, context))
        }
        respond(context, response, slices: slices)
    }
}
