import BrokerServer
import Primitives
import Reactor

/// Whoever can say exactly who is connected, because the brokers are in this process. Kafka's protocol has no question for it.
///
/// May be called from any thread, and takes up to half a second for each broker that is held still: not from one that draws.
package protocol ClientWitness: Sendable {
    func census() -> ClientCensus
}

extension DevCluster: ClientWitness {
    package func census() -> ClientCensus {
        var connections: [ClientConnection] = []
        var silent: [BrokerID] = []
        for node in nodes {
            let isPaused = condition(of: node.brokerID).isPaused
            if !isPaused, let rows = node.clients() { connections += rows } else { silent.append(node.brokerID) }
        }
        return ClientCensus(time: SystemClock.now(), connections: connections, silent: silent)
    }
}
