import Broker
import Compression
import Controller
import Primitives
import Reactor
import Records
import Storage
import Synchronization
import Wire

/// The threads of a running node and what they own. Made by `BrokerNode.start`, ended by `stop`.
final class NodeThreads: Sendable {
    let endpoints: [(host: String, port: Int)]
    private let loop: EventLoop
    private let processorLoops: [EventLoop]
    private let workers: WorkerPool
    private let lock: Mutex<DirectoryLock?>
    private let host: LoopBound<BrokerHost>
    private let processors: [LoopBound<Processor>]
    private let acceptors: LoopBound<[Acceptor]>

    private struct Bound: Sendable {
        var descriptor: Int32
        var listener: String
    }

    init(_ config: BrokerConfig, onEvent: @escaping BrokerNode.EventSink, log: @escaping BrokerNode.LogSink) throws(StartError) {
        var config = config
        try NodeThreads.check(config)
        raiseDescriptorLimit()
        let disk = PosixDisk()
        lock = Mutex(try NodeThreads.lock(config.logDirectories[0], disk))
        let bound = try NodeThreads.listen(&config)
        config.advertise(host: SocketAddress.localHostName)
        endpoints = config.clientListeners.map { (NodeThreads.reachable($0.host), Int($0.port)) }
        loop = EventLoop()
        workers = WorkerPool()
        processorLoops = config.numNetworkThreads <= 1 ? [] : (0..<min(config.numNetworkThreads, 128)).map { _ in EventLoop() }
        for loop in [loop] + processorLoops { loop.start() }
        let starter = BrokerStarter(config: config, disk: disk, loop: loop, workers: workers, onEvent: onEvent, log: log)
        switch starter.start() {
        case .success(let host): self.host = host
        case .failure(let error):
            for bound in bound { Socket.close(bound.descriptor) }
            workers.stop()
            for loop in [loop] + processorLoops { loop.end() }
            throw .directory(error)
        }
        let quota = ConnectionQuota(connectionsMax: config.maxConnections, connectionsPerHostMax: config.maxConnectionsPerIP)
        let wiring = NodeWiring(config: config, loop: loop, processorLoops: processorLoops, host: host, quota: quota, log: log)
        processors = wiring.makeProcessors()
        wiring.routeResponses(to: processors)
        acceptors = wiring.accept(bound.map { ($0.descriptor, $0.listener) }, into: processors)
    }

    /// Connections first, then what waits for the disk, then the broker's own files.
    func stop() {
        let (acceptors, host) = (acceptors, host)
        loop.call { for acceptor in acceptors.value { acceptor.close() } }
        for processor in processors { processor.loop.call { processor.value.closeAll() } }
        workers.stop()
        loop.call { host.value.stop() }
        for loop in processorLoops + [loop] { loop.end() }
        lock.withLock { $0 = nil }
    }

    /// What this node cannot serve is said before anything is touched.
    private static func check(_ config: BrokerConfig) throws(StartError) {
        if config.logDirectories.count > 1 { throw .unsupported("log.dirs names several directories; one is supported") }
        if config.voterIDs != [config.nodeID] {
            throw .unsupported("controller.quorum.voters names other nodes; a cluster has one broker for now")
        }
        for listener in config.clientListeners where listener.securityProtocol != .plaintext {
            throw .unsupported("the listener \(listener.name) asks for \(listener.securityProtocol.rawValue); only PLAINTEXT is supported")
        }
    }

    private static func lock(_ path: String, _ disk: PosixDisk) throws(StartError) -> DirectoryLock {
        let lock: DirectoryLock?
        do throws(DiskError) {
            try disk.makeDirectory(path)
            lock = try disk.lock(path + "/.lock")
        } catch {
            throw .directory(.unreadable("cannot use the data directory \(path): \(LogError.disk(error).message)"))
        }
        guard let lock else { throw .locked("another process uses the data directory \(path)") }
        return lock
    }

    private static func listen(_ config: inout BrokerConfig) throws(StartError) -> [Bound] {
        var bound: [Bound] = []
        for listener in config.clientListeners {
            do throws(SocketError) {
                let descriptor = try Socket.listen(
                    host: listener.host, port: Int(listener.port), backlog: config.socketListenBacklogSize)
                bound.append(Bound(descriptor: descriptor, listener: listener.name))
                config.bind(listener.name, port: Int32(Socket.localAddress(descriptor).port))
            } catch {
                for bound in bound { Socket.close(bound.descriptor) }
                throw .listener(error.isAddressInUse ? "port \(listener.port) is already in use (listener \(listener.text))" : "\(error)")
            }
        }
        return bound
    }

    /// Where to connect to a listener on this machine.
    private static func reachable(_ host: String) -> String { ["", "0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host }
}
