import Controller
import Primitives
import Wire

/// AllocateProducerIds (67), version 0.
extension Broker {
    mutating func handleAllocateProducerIDs(_ context: RequestContext, _ request: AllocateProducerIDsRequest) {
        var response = AllocateProducerIDsResponse()
        let id = BrokerID(request.brokerID)
        guard isActiveController, let broker = controller.image.brokers[id], broker.brokerEpoch == request.brokerEpoch else {
            response.errorCode = isActiveController ? .staleBrokerEpoch : .notController
            return respond(context, response)
        }
        let decision = controller.decideAllocateProducerIDs(id)
        response.producerIDStart = decision.response.lowerBound
        response.producerIDLength = Int32(decision.response.count)
        commit(context, Decision(records: decision.records, response: response), timeoutMs: metadataChangeTimeoutMs) { _, error in
            var failed = AllocateProducerIDsResponse()
            failed.errorCode = error
            return failed
        }
    }
}
