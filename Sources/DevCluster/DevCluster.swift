import BrokerServer
import Client
import ClientCore
import Controller
import Glibc
import Primitives
import Reactor
import Synchronization

/// A cluster inside this process, for one machine: brokers on the loopback address, each with a folder `broker-N` in the data directory,
/// each a controller too. They say to each other what processes of their own would, frame by frame; where nothing is encrypted, frames go
/// from loop to loop without a socket between (`LocalNetwork`).
///
/// Brokers are numbered from 1. Listens where it was told to, or on free ports; where the controllers listen is nobody's business and
/// changes from start to start. Start and stop from one thread; chaos (`ChaosControls`) from another, if need be.
package final class DevCluster: Sendable {
    package struct Options: Sendable {
        package var brokers = 1
        /// The first broker's port; the others follow. 0: any free ones.
        package var port = 9092
        /// Where the data is; nil: a temporary directory that goes with the cluster.
        package var dataDirectory: String?
        /// Settings over those of development, as in server.properties.
        package var overrides: [(String, String)] = []
        /// Whether clients and brokers log in and encrypt, with certificates and users made for it. Data of such a cluster stays so.
        package var isSecure = false
        /// Whether one thread serves all brokers; nil: where the machine has no processor for each and one for whoever asks them.
        package var sharesLoop: Bool?
        /// The brokers talk over sockets, though they could do without.
        package var usesSockets = false
        package init() {}
    }

    private static var processors: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    package let directory: String
    package let isEphemeral: Bool
    let nodes: [BrokerNode]
    /// What all nodes run on, where they share one.
    private let loop: EventLoop?
    let onEvent: @Sendable (ClusterEvent) -> Void
    let chaos: Mutex<ChaosState>
    private let security: DevSecurity?
    private let clusterID: String
    private let configs: [BrokerConfig]
    private let disk = PosixDisk()

    /// How long the brokers may take to find together before the start is given up.
    static let readyMs: Int64 = 60_000

    /// `onEvent` and `onLog` are called from the brokers' threads and must not wait.
    package init(
        _ options: Options, onEvent: @escaping @Sendable (ClusterEvent) -> Void = { _ in },
        onLog: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(DevClusterError) {
        isEphemeral = options.dataDirectory == nil
        if let named = options.dataDirectory { directory = named } else { directory = try DevCluster.makeTemporaryDirectory() }
        do throws(DiskError) {
            try disk.makeDirectory(directory)
        } catch {
            throw DevClusterError("cannot make the data directory \(directory): \(error)")
        }
        try DevCluster.checkSize(options.brokers, DevCluster.brokers(in: directory), directory)
        security = try DevCluster.security(options, directory)
        var configs: [BrokerConfig] = []
        for index in 0..<options.brokers { configs.append(try DevCluster.config(options, security, directory: directory, index: index)) }
        self.configs = configs
        clusterID = try DevCluster.clusterID(of: configs)
        loop = options.sharesLoop ?? (options.brokers >= DevCluster.processors) ? EventLoop() : nil
        let place = NodePlace(network: options.usesSockets ? nil : LocalNetwork(), loop: loop)
        nodes = configs.map { BrokerNode(config: $0, place: place, onEvent: onEvent, onLog: onLog) }
        self.onEvent = onEvent
        chaos = Mutex(ChaosState(brokers: configs.map(\.nodeID)))
    }

    /// Users are put into a cluster's metadata when it is made, so that an open one does not become secure later.
    private static func security(_ options: Options, _ directory: String) throws(DevClusterError) -> DevSecurity? {
        if DevSecurity.exists(in: directory) { return try DevSecurity(dataDirectory: directory) }
        guard options.isSecure else { return nil }
        guard brokers(in: directory) == nil else {
            throw DevClusterError("\(directory) holds the data of a cluster without security: name another directory by --data")
        }
        return try DevSecurity(dataDirectory: directory)
    }

    private static func config(
        _ options: Options, _ security: DevSecurity?, directory: String, index: Int
    ) throws(DevClusterError) -> BrokerConfig {
        let port = options.port == 0 ? 0 : options.port + index
        var settings = BrokerConfig.developmentDefaults(brokers: options.brokers)
        settings += [
            ("node.id", String(index + 1)), ("process.roles", "broker,controller"),
            ("listeners", "PLAINTEXT://127.0.0.1:\(port),CONTROLLER://127.0.0.1:0"), ("controller.listener.names", "CONTROLLER"),
            ("log.dirs", "\(directory)/broker-\(index + 1)"), ("num.network.threads", "1"),
        ]
        if let security { settings += security.settings(port: port) }
        do throws(BrokerConfigError) {
            return try BrokerConfig(settings + options.overrides)
        } catch {
            throw DevClusterError(error.description)
        }
    }

    private static func makeTemporaryDirectory() throws(DevClusterError) -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        guard let made = PosixDisk.makeTemporaryDirectory("\(base)/kastellan-") else {
            throw DevClusterError("cannot make a temporary directory in \(base): \(systemMessage(errno))")
        }
        return made
    }

    /// Returns when all brokers serve clients.
    package func start() throws(DevClusterError) {
        loop?.start()
        do throws(DevClusterError) {
            try formatDirectories()
            try launch()
            try security?.writeClientFiles(bootstrap)
            let until = SystemClock.instant().adding(milliseconds: DevCluster.readyMs)
            for node in nodes where !node.waitUntilReady(milliseconds: max(0, until.milliseconds(since: SystemClock.instant()))) {
                throw DevClusterError("broker \(node.brokerID) did not come to serve within \(DevCluster.readyMs / 1000) seconds")
            }
        } catch {
            stop()
            throw error
        }
    }

    /// All take their ports before anyone starts, so that each can be told where the others listen.
    private func launch() throws(DevClusterError) {
        do throws(StartError) {
            for node in nodes { try node.bind() }
            let voters = nodes.compactMap { node in
                node.controllerEndpoints.first.map { QuorumVoter(id: node.brokerID, host: $0.host, port: Int32($0.port)) }
            }
            for node in nodes { node.setVoters(voters) }
            for node in nodes { try node.launch() }
        } catch {
            throw DevClusterError(error.description)
        }
    }

    /// What clients connect to, a broker each.
    package var bootstrap: [ServerAddress] {
        nodes.compactMap { node in node.endpoints.first.map { ServerAddress(host: $0.host, port: Int32($0.port)) } }
    }

    /// How clients in this process come in.
    package func clientSecurity() throws(DevClusterError) -> ClientSecurity { try security?.client() ?? .none }

    /// The files that tell clients how to come in: in the words of Java's clients, and in those of librdkafka. Nil: nobody need log in.
    package var clientFiles: (java: String, librdkafka: String)? { security.map { ($0.clientProperties, $0.librdkafkaConf) } }

    /// Stops the brokers cleanly; everything acknowledged is on disk, unless the cluster was ephemeral: then nothing is. Nobody is left
    /// to take over, so nothing is handed over: first they are cut off from each other, so that none sees the others go.
    package func stop() {
        let everybody = Set(nodes.map(\.brokerID))
        for node in nodes { node.cut(from: everybody) }
        for node in nodes.reversed() { node.stop(handingOverMs: 0) }
        loop?.end()
        removeIfEphemeral()
    }

    private func removeIfEphemeral() {
        guard isEphemeral else { return }
        try? disk.removeTree(directory)
    }
}

// MARK: - Directories

extension DevCluster {
    /// How many brokers the cluster has whose data is in `directory`; nil where there is none.
    package static func brokers(in directory: String) -> Int? {
        let disk = PosixDisk()
        let count = (1...9).reversed().first { disk.exists("\(directory)/broker-\($0)/meta.properties") }
        return count
    }

    /// A quorum is not enlarged by starting more voters: the new ones, which know nothing, would be a majority and agree on nothing.
    private static func checkSize(_ wanted: Int, _ found: Int?, _ directory: String) throws(DevClusterError) {
        guard let found, found != wanted else { return }
        throw DevClusterError(
            "\(directory) holds the data of a cluster of \(found) broker\(found == 1 ? "" : "s"), not of \(wanted): "
                + "start it with --brokers \(found), or name another directory by --data")
    }

    /// The id that the directories have, or a new one.
    private static func clusterID(of configs: [BrokerConfig]) throws(DevClusterError) -> String {
        for config in configs {
            do throws(FormatError) {
                if let found = try DirectoryFormat(config).clusterID() { return found }
            } catch {
                throw DevClusterError(error.description)
            }
        }
        var random = PRNG(seed: SystemClock.seed())
        return UUID.random(&random).text
    }

    private func formatDirectories() throws(DevClusterError) {
        for config in configs {
            do throws(FormatError) {
                _ = try DirectoryFormat(config).format(clusterID: clusterID, ignoreFormatted: true, users: security?.scramUsers ?? [])
            } catch {
                throw DevClusterError(error.description)
            }
        }
    }
}

/// Why there is no cluster: one line for the person who asked for it.
package struct DevClusterError: Error, Equatable, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
