import Broker
import Controller
import Primitives
import Reactor
import Storage

/// What a node holds before it starts: the lock on its data directory and its listening sockets, whose ports are known from then on.
/// Taken by one thread, and given up by `close` or handed to `NodeThreads`.
struct NodeBinding: Sendable {
    struct Bound: Sendable {
        var descriptor: Int32
        var door: Door
    }

    /// The settings with the ports that the system gave.
    var config: BrokerConfig
    let disk: PosixDisk
    let lock: DirectoryLock
    let sockets: [Bound]
    let peers: PeerSecurities
    let limits: ConnectionLimits

    init(_ config: BrokerConfig, _ disk: PosixDisk) throws(StartError) {
        var config = config
        try NodeBinding.check(config)
        let doors = try NodeBinding.doors(config)
        peers = try PeerSecurities(config)
        limits = try ConnectionLimits(config)
        raiseDescriptorLimit()
        try NodeBinding.checkFormat(config, disk)
        lock = try NodeBinding.lock(config.logDirectories[0], disk)
        sockets = try NodeBinding.listen(&config, doors)
        config.advertise(host: SocketAddress.localHostName)
        self.config = config
        self.disk = disk
    }

    func close() {
        for socket in sockets { Socket.close(socket.descriptor) }
    }

    /// Where to connect to listeners on this machine.
    static func reachable(_ listeners: [Listener]) -> [(host: String, port: Int)] {
        listeners.map { (["", "0.0.0.0", "::"].contains($0.host) ? "127.0.0.1" : $0.host, Int($0.port)) }
    }

    /// What this node cannot serve is said before anything is touched.
    private static func check(_ config: BrokerConfig) throws(StartError) {
        if config.logDirectories.count > 1 { throw .unsupported("log.dirs names several directories; one is supported") }
        if config.voters.isEmpty, !config.isBroker || !config.isController {
            throw .unsupported(
                "If using process.roles, either controller.quorum.bootstrap.servers must contain the set of bootstrap controllers or "
                    + "controller.quorum.voters must contain a parseable set of controllers. (Only controller.quorum.voters is supported.)")
        }
    }

    /// A node of several must be told its cluster's id before it starts: each would else make up its own. Alone it formats its directory
    /// itself.
    private static func checkFormat(_ config: BrokerConfig, _ disk: PosixDisk) throws(StartError) {
        let path = config.logDirectories[0]
        guard config.voterIDs != [config.nodeID], !disk.exists("\(path)/meta.properties") else { return }
        throw .directory(
            .unreadable(
                "No `meta.properties` found in \(path) (have you run `kafka-storage.sh` to format the directory?); "
                    + "`kastellan storage format` does it too"))
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

    /// A node that is no broker has no clients, a node that is no controller no voters to listen to. Certificates are read here, before
    /// anything listens.
    private static func doors(_ config: BrokerConfig) throws(StartError) -> [(Listener, Door)] {
        var doors: [(Listener, Door)] = []
        let wanted = (config.isBroker ? config.clientListeners : []) + (config.isController ? config.controllerListeners : [])
        for listener in wanted { doors.append((listener, try Door(listener, config))) }
        return doors
    }

    private static func listen(_ config: inout BrokerConfig, _ doors: [(Listener, Door)]) throws(StartError) -> [Bound] {
        var bound: [Bound] = []
        for (listener, door) in doors {
            do throws(SocketError) {
                let descriptor = try Socket.listen(
                    host: listener.host, port: Int(listener.port), backlog: config.socketListenBacklogSize)
                bound.append(Bound(descriptor: descriptor, door: door))
                config.bind(listener.name, port: Int32(Socket.localAddress(descriptor).port))
            } catch {
                for bound in bound { Socket.close(bound.descriptor) }
                throw .listener(error.isAddressInUse ? "port \(listener.port) is already in use (listener \(listener.text))" : "\(error)")
            }
        }
        return bound
    }
}
