import Broker
import Controller
import Primitives
import Reactor
import Storage
import Synchronization

/// The threads of a running node and what they own. Made by `BrokerNode`, ended by `stop` or `kill`.
final class NodeThreads: Sendable {
    /// Opened when clients are served.
    let ready = Gate()
    private let loop: EventLoop
    /// Others run on it too, and somebody else ends it.
    private let sharesLoop: Bool
    private let processorLoops: [EventLoop]
    private let workers: WorkerPool
    private let cleaners: WorkerPool
    private let pace = CleaningPace()
    /// Threads for compaction at most; how many have work is `log.cleaner.threads`, which may change.
    private static let cleanersMax = 16
    private let lock: Mutex<DirectoryLock?>
    private let host: LoopBound<BrokerHost>
    private let processors: [LoopBound<Processor>]
    private let acceptors: LoopBound<Acceptors>
    private let isHeld = Mutex(false)
    private let watching: LoopBound<CertificateWatch>

    init(
        _ binding: NodeBinding, _ place: NodePlace, onEvent: @escaping BrokerNode.EventSink, log: @escaping BrokerNode.LogSink
    ) throws(StartError) {
        let config = binding.config
        lock = Mutex(binding.lock)
        sharesLoop = place.loop != nil
        loop = place.loop ?? EventLoop()
        workers = WorkerPool()
        cleaners = WorkerPool(threadsMax: NodeThreads.cleanersMax)
        processorLoops = config.numNetworkThreads <= 1 ? [] : (0..<min(config.numNetworkThreads, 128)).map { _ in EventLoop() }
        binding.disk.faults?.spare(place.loop)
        for loop in (sharesLoop ? [] : [loop]) + processorLoops { loop.start() }
        let starter = BrokerStarter(
            config: config, disk: binding.disk, loop: loop, workers: workers, cleaners: cleaners, pace: pace, security: binding.peers,
            local: place.network, onEvent: onEvent, log: log)
        switch starter.start() {
        case .success(let host): self.host = host
        case .failure(let error):
            binding.close()
            workers.stop()
            cleaners.stop()
            for loop in (sharesLoop ? [] : [loop]) + processorLoops { loop.end() }
            throw .directory(error)
        }
        let quota = ConnectionQuota(binding.limits)
        let wiring = NodeWiring(
            config: config, loop: loop, processorLoops: processorLoops, host: host, quota: quota, network: place.network, log: log)
        let watch = CertificateWatch(
            binding.sockets.compactMap(\.door.tls) + [binding.peers.brokers.tls, binding.peers.controllers.tls].compactMap { $0 }, loop,
            log: log)
        let watching = LoopBound(watch, loop)
        self.watching = watching
        let started = self.host
        loop.call {
            watching.value.begin()
            started.value.whenSettingsChange { watching.value.look($0) }
        }
        loop.call { started.value.whenQuotasChange { quota.addresses.set($0) } }
        processors = wiring.makeProcessors()
        wiring.routeResponses(to: processors)
        acceptors = wiring.accept(binding.sockets, into: processors, ready: ready)
    }

    /// Hands over what the broker leads, waiting at most so long; then connections go, then what waits for the disk, then the broker's own
    /// files are written.
    func stop(handingOverMs: Int64) {
        resume()
        if handingOverMs > 0 { handOver(handingOverMs) }
        closeConnections()
        stopWorkers()
        let host = host
        loop.call { host.value.stop() }
        end()
    }

    /// As if the process were gone: nobody is told anything, and nothing is written that was not.
    func kill() {
        resume()
        let host = host
        loop.call { host.value.halt() }
        closeConnections()
        stopWorkers()
        end()
    }

    private func stopWorkers() {
        pace.stop()
        cleaners.stop()
        workers.stop()
    }

    private func handOver(_ milliseconds: Int64) {
        let done = Gate()
        let host = host
        loop.post { host.value.requestStop { done.open() } }
        done.wait(milliseconds: milliseconds)
    }

    private func closeConnections() {
        let (acceptors, watching) = (acceptors, watching)
        loop.call {
            acceptors.value.close()
            watching.value.end()
        }
        for processor in processors { processor.loop.call { processor.value.closeAll() } }
    }

    private func end() {
        for loop in processorLoops + (sharesLoop ? [] : [loop]) { loop.end() }
        lock.withLock { $0 = nil }
    }
}

// MARK: - Who is connected

extension NodeThreads {
    /// Each processor tells its own connections on its thread, and the broker what they said of themselves on its own. Nil where that takes
    /// longer than so many milliseconds: a node that is held still tells nothing.
    func clients(withinMs milliseconds: Int64) -> [ClientConnection]? {
        if isHeld.withLock({ $0 }) { return nil }
        let gathering = Gathering(processors.count)
        let host = host
        for processor in processors {
            processor.loop.post {
                let rows = processor.value.connected()
                if processor.loop === host.loop {
                    gathering.add(host.value.completed(rows))
                } else {
                    host.loop.post { gathering.add(host.value.completed(rows)) }
                }
            }
        }
        return gathering.wait(milliseconds: milliseconds)
    }
}

/// Parts that come from several threads, for one who waits for all of them.
private final class Gathering: Sendable {
    private let state: Mutex<(rows: [ClientConnection], missing: Int)>
    private let isWhole = Gate()

    init(_ parts: Int) { state = Mutex(([], parts)) }

    func add(_ rows: [ClientConnection]) {
        let left = state.withLock { state in
            state.rows += rows
            state.missing -= 1
            return state.missing
        }
        if left == 0 { isWhole.open() }
    }

    func wait(milliseconds: Int64) -> [ClientConnection]? {
        isWhole.wait(milliseconds: milliseconds) ? state.withLock { $0.rows } : nil
    }
}

// MARK: - Faults on purpose

extension NodeThreads {
    /// Holds the broker still, as SIGSTOP would: connections are taken in, and what comes on them waits.
    func hold() {
        isHeld.withLock { $0 = true }
        let host = host
        loop.post { host.value.hold() }
    }

    func resume() {
        isHeld.withLock { $0 = false }
        let host = host
        loop.post { host.value.release() }
    }

    /// Nothing that this node asks of those, and nothing they answer, passes any more.
    func cut(from nodes: Set<BrokerID>) {
        let host = host
        loop.post { host.value.peers.hold(nodes) }
    }

    func rejoin(_ nodes: Set<BrokerID>) {
        let host = host
        loop.post { host.value.peers.release(nodes) }
    }
}
