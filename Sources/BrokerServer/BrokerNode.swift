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
/// workers, once there is something to sync. All of them sleep in the kernel when nothing is due. `start` and `stop` may be called from any
/// thread that is not one of them.
package final class BrokerNode: Sendable {
    package typealias EventSink = @Sendable (ClusterEvent) -> Void
    package typealias LogSink = @Sendable (String) -> Void

    private let config: BrokerConfig
    private let onEvent: EventSink
    private let log: LogSink
    private let running = Mutex<NodeThreads?>(nil)

    /// `onEvent` and `onLog` are called from the broker's threads and must not wait.
    package init(config: BrokerConfig, onEvent: @escaping EventSink = { _ in }, onLog: @escaping LogSink = { _ in }) {
        self.config = config
        self.onEvent = onEvent
        log = onLog
    }

    /// Returns when clients are served.
    package func start() throws(StartError) {
        precondition(running.withLock { $0 == nil }, "a node is started once at a time")
        let threads = try NodeThreads(config, onEvent: onEvent, log: log)
        running.withLock { $0 = threads }
    }

    /// What clients connect to, one per listener in the order of `listeners`; empty unless running.
    package var endpoints: [(host: String, port: Int)] { running.withLock { $0?.endpoints ?? [] } }

    /// Closes the connections, writes checkpoints, producer snapshots and the clean-shutdown marker, lets the data directory go.
    package func stop() {
        let threads = running.withLock { threads in
            let held = threads
            threads = nil
            return held
        }
        threads?.stop()
    }
}
