import Primitives
import Wire

extension RouteTable {
    /// The rows of what brokers ask the active controller.
    static let nodeRoutes: [Route] = [
        Route(BrokerRegistrationRequest.self, at: .nodes) { $0.handleBrokerRegistration($1, $2) },
        Route(BrokerHeartbeatRequest.self, at: .nodes) { $0.handleBrokerHeartbeat($1, $2) },
        Route(AlterPartitionRequest.self, at: .nodes) { $0.handleAlterPartition($1, $2) },
        Route(AllocateProducerIDsRequest.self, at: .nodes) { $0.handleAllocateProducerIDs($1, $2) },
        Route(EnvelopeRequest.self, at: .nodes) { $0.handleEnvelope($1, $2) },
    ]
}
