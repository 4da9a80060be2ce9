import BrokerServer
import Primitives
import Reactor
import Synchronization

/// What is done to the brokers on purpose.
struct ChaosState: Sendable {
    var conditions: OrderedMap<BrokerID, ChaosCondition> = OrderedMap()

    init(brokers: [BrokerID]) {
        for broker in brokers { conditions[broker] = ChaosCondition() }
    }

    /// A cut has two ends.
    mutating func cut(_ one: BrokerID, _ other: BrokerID) {
        for (here, there) in [(one, other), (other, one)] {
            conditions.update(here) { if !$0.cutFrom.contains(there) { $0.cutFrom = ($0.cutFrom + [there]).sorted() } }
        }
    }

    mutating func join(_ one: BrokerID, _ other: BrokerID) {
        for (here, there) in [(one, other), (other, one)] { conditions.update(here) { $0.cutFrom.removeAll { $0 == there } } }
    }
}

extension DevCluster: ChaosControls {
    package var chaosBrokers: [BrokerID] { chaos.withLock { $0.conditions.keys } }

    package func condition(of broker: BrokerID) -> ChaosCondition {
        chaos.withLock { $0.conditions[broker] } ?? ChaosCondition()
    }

    package func perform(_ action: ChaosAction, on broker: BrokerID) throws(DevClusterError) {
        guard let node = nodes.first(where: { $0.brokerID == broker }) else { throw DevClusterError("there is no broker \(broker)") }
        let condition = condition(of: broker)
        try refuse(action, broker, condition)
        onEvent(ClusterEvent(time: SystemClock.wall(), kind: .chaos(broker: broker, action: action)))
        switch action {
        case .kill:
            node.kill()
            change(broker) { ($0.isRunning, $0.isPaused) = (false, false) }
        case .restart: try restart(node, condition)
        case .pause:
            node.pause()
            change(broker) { $0.isPaused = true }
        case .resume:
            node.resume()
            change(broker) { $0.isPaused = false }
        case .cut(let peers): cut(node, from: peers)
        case .slowDisk(let milliseconds):
            node.faults.delayMs = milliseconds
            change(broker) { $0.diskDelayMs = milliseconds }
        case .fullDisk:
            node.faults.isFull = true
            change(broker) { $0.isDiskFull = true }
        case .heal: heal(node, condition)
        }
    }

    private func refuse(_ action: ChaosAction, _ broker: BrokerID, _ condition: ChaosCondition) throws(DevClusterError) {
        switch action {
        case .kill, .pause:
            if !condition.isRunning { throw DevClusterError("broker \(broker) does not run") }
            if action == .pause, condition.isPaused { throw DevClusterError("broker \(broker) is paused already") }
        case .resume: if !condition.isPaused { throw DevClusterError("broker \(broker) is not paused") }
        case .cut(let peers):
            if peers.isEmpty || peers.contains(broker) || !peers.allSatisfy(chaosBrokers.contains) {
                throw DevClusterError("broker \(broker) can be cut off from others of this cluster only")
            }
        case .slowDisk(let milliseconds):
            if milliseconds < 0 { throw DevClusterError("a disk cannot be slowed by \(milliseconds) ms") }
        case .restart, .fullDisk, .heal: break
        }
    }

    private func change(_ broker: BrokerID, _ body: (inout ChaosCondition) -> Void) {
        chaos.withLock { $0.conditions.update(broker) { body(&$0) } }
    }

    private func restart(_ node: BrokerNode, _ condition: ChaosCondition) throws(DevClusterError) {
        if condition.isRunning { node.stop() }
        change(node.brokerID) { ($0.isRunning, $0.isPaused) = (false, false) }
        do throws(StartError) {
            try node.launch()
        } catch {
            throw DevClusterError(error.description)
        }
        change(node.brokerID) { $0.isRunning = true }
        guard node.waitUntilReady(milliseconds: DevCluster.readyMs) else {
            throw DevClusterError("broker \(node.brokerID) runs, but does not serve yet: it may not reach the controller")
        }
    }

    private func cut(_ node: BrokerNode, from peers: [BrokerID]) {
        node.cut(from: Set(peers))
        for peer in nodes where peers.contains(peer.brokerID) { peer.cut(from: [node.brokerID]) }
        chaos.withLock { state in
            for peer in peers { state.cut(node.brokerID, peer) }
        }
    }

    private func heal(_ node: BrokerNode, _ condition: ChaosCondition) {
        node.faults.delayMs = 0
        node.faults.isFull = false
        node.rejoin(Set(condition.cutFrom))
        for peer in nodes where condition.cutFrom.contains(peer.brokerID) { peer.rejoin([node.brokerID]) }
        chaos.withLock { state in
            for peer in condition.cutFrom { state.join(node.brokerID, peer) }
            state.conditions.update(node.brokerID) { ($0.diskDelayMs, $0.isDiskFull) = (0, false) }
        }
    }
}
