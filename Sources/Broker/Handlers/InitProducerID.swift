import Controller
import Groups
import Primitives
import Wire

/// Producer ids not yet given out, of a block that the metadata log says is this broker's.
struct ProducerIDBlock {
    var next: Int64 = 0
    var end: Int64 = 0
    /// A block has been asked for.
    var isPending = false
    /// Requests that wait for it.
    var waiting: [RequestContext] = []
    /// The transaction coordinator waits for one too.
    var isAwaitedByCoordinator = false

    mutating func take() -> Int64? {
        guard next < end else { return nil }
        defer { next += 1 }
        return next
    }
}

/// InitProducerId (22), versions 0 to 5: with a transactional id that id's next epoch, from its coordinator, which ends first what an
/// earlier producer has begun. Without: an id for an idempotent producer, from a block of a thousand that a record in the metadata log
/// reserves, so that no id is ever given twice, not after a crash either; the rest of a block is lost with a restart, as in Kafka.
extension Broker {
    mutating func handleInitProducerID(_ context: RequestContext, _ request: InitProducerIDRequest) {
        if let transactionalID = request.transactionalID {
            guard isAllowed(.write, .transactionalID, transactionalID, context) else {
                var response = InitProducerIDResponse()
                response.errorCode = .transactionalIDAuthorizationFailed
                response.producerEpoch = -1
                return respond(context, response)
            }
            noteProducer(context, transactionalID: transactionalID)
            return coordinate(context, .initProducerID(request))
        }
        guard isAllowed(.idempotentWrite, context) || isAllowedAnywhere(.write, .topic, context) else {
            var response = InitProducerIDResponse()
            response.errorCode = .clusterAuthorizationFailed
            return respond(context, response)
        }
        producerIDs.waiting.append(context)
        giveProducerIDs()
    }

    /// The transaction coordinator wants an id.
    mutating func reserveProducerID() {
        producerIDs.isAwaitedByCoordinator = true
        giveProducerIDs()
    }

    private mutating func giveProducerIDs() {
        if producerIDs.isAwaitedByCoordinator {
            guard let id = producerIDs.take() else { return requestProducerIDs() }
            producerIDs.isAwaitedByCoordinator = false
            let now = now
            coordinateTransactions { $0.producerIDReserved(id, now: now) }
        }
        while let context = producerIDs.waiting.first {
            guard let id = producerIDs.take() else { return requestProducerIDs() }
            producerIDs.waiting.removeFirst()
            var response = InitProducerIDResponse()
            response.producerID = id
            noteProducer(context, producerID: id)
            respond(context, response)
        }
    }

    private mutating func requestProducerIDs() {
        guard !producerIDs.isPending else { return }
        producerIDs.isPending = true
        var request = AllocateProducerIDsRequest()
        request.brokerID = brokerID.rawValue
        request.brokerEpoch = brokerEpoch
        askController(request, version: 0, timeoutMs: Broker.producerIDsTimeoutMs) { broker, result in broker.producerIDsReserved(result) }
    }

    /// Clients that wait longer ask again.
    private static let producerIDsTimeoutMs: Int64 = 5000

    private mutating func producerIDsReserved(_ result: Result<AllocateProducerIDsResponse, PeerFailure>) {
        producerIDs.isPending = false
        if case .success(let block) = result, !block.errorCode.isError, block.producerIDLength > 0 {
            producerIDs.next = block.producerIDStart
            producerIDs.end = block.producerIDStart + Int64(block.producerIDLength)
            return giveProducerIDs()
        }
        if producerIDs.isAwaitedByCoordinator {
            producerIDs.isAwaitedByCoordinator = false
            let now = now
            coordinateTransactions { $0.producerIDReserved(nil, now: now) }
        }
        let waiting = producerIDs.waiting
        producerIDs.waiting = []
        var response = InitProducerIDResponse()
        response.errorCode = .coordinatorNotAvailable
        for context in waiting { respond(context, response) }
    }
}
