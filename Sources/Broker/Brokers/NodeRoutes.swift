import Primitives
import Wire

extension RouteTable {
    /// The rows of what brokers ask the active controller.
    static let nodeRoutes: [Route] = [
        Route(node: BrokerRegistrationRequest.self) { $0.handleBrokerRegistration($1, $2) },
        Route(node: BrokerHeartbeatRequest.self) { $0.handleBrokerHeartbeat($1, $2) },
        Route(node: AlterPartitionRequest.self) { $0.handleAlterPartition($1, $2) },
        Route(node: AllocateProducerIDsRequest.self) { $0.handleAllocateProducerIDs($1, $2) },
        Route(node: EnvelopeRequest.self) { $0.handleEnvelope($1, $2) },
    ]
}
