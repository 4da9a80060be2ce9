import Broker
import Compression
import Controller
import Primitives
import Reactor
import Records
import Storage
import Synchronization

/// Why a node did not start, in words for the person who started it.
package enum StartError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A port is in use, or an address is not this machine's.
    case listener(String)
    /// Another process uses the data directory.
    case locked(String)
    /// The data directory is unreadable, foreign or damaged.
    case directory(BrokerStartError)
    /// Settings this node cannot serve.
    case unsupported(String)

    package var description: String {
        switch self {
        case .listener(let text), .locked(let text), .unsupported(let text): text
        case .directory(let error): error.description
        }
    }
}

/// One broker with its sockets, threads and data directory, inside this process.
///
/// Threads: the broker's loop, which also owns the sockets where `num.network.threads` is 1; else that many processors' loops; up to two
/// workers, once there is something to sync. All of them sleep in the kernel when nothing is due. Its methods may be called from any
/// thread that is not one of them, one at a time.
///
/// Lifecycle: `bind` takes ports and directory, `launch` starts, and clients are served from `isReady` on; `stop` or `kill` ends it, and
/// then it may be launched again, on the ports it had.
package final class BrokerNode: Sendable {
    package typealias EventSink = @Sendable (ClusterEvent) -> Void
    package typealias LogSink = @Sendable (String) -> Void

    private struct State {
        /// With the ports that were bound, once they were.
        var config: BrokerConfig
        var binding: NodeBinding?
        var threads: NodeThreads?
        var cutFrom: Set<BrokerID> = []
    }

    /// What is wrong with its disk on purpose.
    package let faults = DiskFaults()
    private let state: Mutex<State>
    private let place: NodePlace
    private let onEvent: EventSink
    private let log: LogSink
    private let disk: PosixDisk

    /// `onEvent` and `onLog` are called from the broker's threads and must not wait.
    package init(
        config: BrokerConfig, place: NodePlace = NodePlace(), onEvent: @escaping EventSink = { _ in }, onLog: @escaping LogSink = { _ in }
    ) {
        self.place = place
        state = Mutex(State(config: config))
        disk = PosixDisk(faults: faults)
        self.onEvent = onEvent
        log = onLog
    }

    package var brokerID: BrokerID { state.withLock { $0.config.nodeID } }

    /// Takes the lock on the directory and the ports, so that others can be told them before anybody starts.
    package func bind() throws(StartError) {
        let config = state.withLock { state -> BrokerConfig? in
            precondition(state.threads == nil, "a node is started once at a time")
            return state.binding == nil ? state.config : nil
        }
        guard let config else { return }
        let binding = try NodeBinding(config, disk)
        state.withLock { state in
            state.binding = binding
            state.config = binding.config
        }
    }

    /// Says who votes, where that is known only when all have bound their ports.
    package func setVoters(_ voters: [QuorumVoter]) {
        state.withLock { state in
            state.config.setVoters(voters)
            state.binding?.config.setVoters(voters)
        }
    }

    /// Starts, and returns before clients are served: a node of several waits for others.
    package func launch() throws(StartError) {
        try bind()
        guard let binding = state.withLock({ state in
            let held = state.binding
            state.binding = nil
            return held
        }) else { preconditionFailure("a bound node has a binding") }
        let threads = try NodeThreads(binding, place, onEvent: onEvent, log: log)
        let cut = state.withLock { state in
            state.threads = threads
            return state.cutFrom
        }
        if !cut.isEmpty { threads.cut(from: cut) }
    }

    /// Returns when clients are served.
    package func start() throws(StartError) {
        try launch()
        waitUntilReady(milliseconds: nil)
    }

    /// Whether it serves clients (a node that is only a controller: whether it runs). Nil waits for ever.
    @discardableResult
    package func waitUntilReady(milliseconds: Int64?) -> Bool {
        state.withLock { $0.threads }?.ready.wait(milliseconds: milliseconds) ?? false
    }

    package var isRunning: Bool { state.withLock { $0.threads != nil } }

    /// What clients connect to, one per listener in the order of `listeners`; empty unless bound.
    package var endpoints: [(host: String, port: Int)] {
        state.withLock { state in
            state.config.isBroker && (state.binding != nil || state.threads != nil)
                ? NodeBinding.reachable(state.config.clientListeners) : []
        }
    }

    /// What other nodes connect to, if this is a controller.
    package var controllerEndpoints: [(host: String, port: Int)] {
        state.withLock { NodeBinding.reachable($0.config.controllerListeners) }
    }

    /// Hands over what the broker leads, waiting at most so long; closes the connections, writes checkpoints, producer snapshots and the
    /// clean-shutdown marker, lets the data directory go.
    package func stop(handingOverMs: Int64 = BrokerNode.handingOverMs) {
        let (threads, binding) = take()
        binding?.close()
        threads?.stop(handingOverMs: handingOverMs)
    }

    /// How long a node that stops waits for others to take over. Kafka waits without end; who wants it gone would then kill it.
    package static let handingOverMs: Int64 = 10_000

    /// Who is connected now; nil where it does not run, or does not tell within so many milliseconds, as one that is paused.
    package func clients(withinMs milliseconds: Int64 = 500) -> [ClientConnection]? {
        state.withLock { $0.threads }?.clients(withinMs: milliseconds)
    }

    private func take() -> (NodeThreads?, NodeBinding?) {
        state.withLock { state in
            let held = (state.threads, state.binding)
            (state.threads, state.binding) = (nil, nil)
            return held
        }
    }
}

// MARK: - Faults on purpose

extension BrokerNode {
    /// Ends it as `kill -9` does: no farewell, nothing written that was not.
    package func kill() {
        let (threads, binding) = take()
        binding?.close()
        threads?.kill()
    }

    /// Holds it still, as SIGSTOP does; the kernel goes on to take in connections and bytes.
    package func pause() { state.withLock { $0.threads }?.hold() }

    package func resume() { state.withLock { $0.threads }?.resume() }

    /// Holds back all that this node asks of these others, and their answers. A network that is cut takes both sides: tell them too.
    package func cut(from nodes: Set<BrokerID>) {
        let threads = state.withLock { state in
            state.cutFrom.formUnion(nodes)
            return state.threads
        }
        threads?.cut(from: nodes)
    }

    /// Lets through what was held back, and all that comes.
    package func rejoin(_ nodes: Set<BrokerID>) {
        let threads = state.withLock { state in
            state.cutFrom.subtract(nodes)
            return state.threads
        }
        threads?.rejoin(nodes)
    }
}
