import Controller
import Primitives
import Wire

/// UnregisterBroker (64), version 0. A broker that lives registers again with its next heartbeat, where Kafka's would be fenced for
/// good and have to be started again.
extension Broker {
    mutating func handleUnregisterBroker(_ context: RequestContext, _ request: UnregisterBrokerRequest) {
        commit(context, controller.decideUnregisterBroker(request), timeoutMs: metadataChangeTimeoutMs) { _, error in
            request.refused(error)
        }
    }
}
