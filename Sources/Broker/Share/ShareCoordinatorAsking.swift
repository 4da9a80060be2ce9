import Controller
import Groups
import Primitives
import Wire

/// The internal topic that holds the state of share groups' partitions.
let shareStateTopic = "__share_group_state"

/// How the rest of the broker asks share coordinators: the group coordinator has state made, summed up and deleted (83, 87, 86), the leader
/// of a share partition reads and writes it (84, 85). The one asked may be this broker itself (`Broker.ask`).
extension Broker {
    /// A coordinator's answer waits until its record is replicated.
    static let shareCoordinatorTimeoutMs: Int64 = 15_000

    /// The broker that leads the state's partition; nil while there is none. Has the topic made where it is missing.
    mutating func shareCoordinator(of partition: SharePartition) -> BrokerID? {
        guard let topic = image.topic(shareStateTopic) else {
            autoCreate([shareStateTopic]) { _, _ in }
            return nil
        }
        let index = coordinatorPartition(partition.coordinatorKey, of: Int32(topic.partitions.count))
        guard let leader = topic.partitions[index]?.leader, image.brokers[leader]?.isActive == true else { return nil }
        return leader
    }

    /// Sends a request of 83 to 87 to a broker that `shareCoordinator` named. `done` is told once.
    mutating func askShareCoordinator<Request: WireRequest>(
        _ request: Request, version: Int16, at coordinator: BrokerID,
        then done: @escaping @Sendable (inout Broker, Result<Request.Response, PeerFailure>) -> Void
    ) {
        let address = coordinator == brokerID ? PeerAddress(node: brokerID, host: "", port: 0) : peerAddress(coordinator)
        guard let address else { return done(&self, .failure(.refused)) }
        ask(request, version: version, to: address, lane: .share, timeoutMs: Broker.shareCoordinatorTimeoutMs, then: done)
    }
}
