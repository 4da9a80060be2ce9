import BrokerServer
import ClientCore
import Controller
import Glibc
import Primitives
import Reactor

/// A cluster inside this process, for one machine: brokers on the loopback address, each with a folder `broker-N` in the data directory.
///
/// Brokers are numbered from 1. Listens where it was told to, or on free ports. Start and stop from one thread.
package final class DevCluster: Sendable {
    package struct Options: Sendable {
        package var brokers = 1
        /// The first broker's port; the others follow. 0: any free ones.
        package var port = 9092
        /// Where the data is; nil: a temporary directory that goes with the cluster.
        package var dataDirectory: String?
        /// Settings over those of development, as in server.properties.
        package var overrides: [(String, String)] = []
        package init() {}
    }

    package let directory: String
    package let isEphemeral: Bool
    private let nodes: [BrokerNode]
    private let disk = PosixDisk()

    /// `onEvent` and `onLog` are called from the brokers' threads and must not wait.
    package init(
        _ options: Options, onEvent: @escaping @Sendable (ClusterEvent) -> Void = { _ in },
        onLog: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(DevClusterError) {
        // One broker per cluster is what the engine can do so far. Nothing below counts on it.
        guard options.brokers == 1 else {
            throw DevClusterError("a cluster has one broker so far; --brokers \(options.brokers) needs replication, which is not there yet")
        }
        isEphemeral = options.dataDirectory == nil
        if let named = options.dataDirectory { directory = named } else { directory = try DevCluster.makeTemporaryDirectory() }
        do throws(DiskError) {
            try disk.makeDirectory(directory)
        } catch {
            throw DevClusterError("cannot make the data directory \(directory): \(error)")
        }
        var nodes: [BrokerNode] = []
        for index in 0..<options.brokers {
            let config = try DevCluster.config(options, directory: directory, index: index)
            nodes.append(BrokerNode(config: config, onEvent: onEvent, onLog: onLog))
        }
        self.nodes = nodes
    }

    private static func config(_ options: Options, directory: String, index: Int) throws(DevClusterError) -> BrokerConfig {
        let port = options.port == 0 ? 0 : options.port + index
        var settings = BrokerConfig.developmentDefaults(brokers: options.brokers)
        settings += [
            ("node.id", String(index + 1)), ("process.roles", "broker,controller"),
            ("listeners", "PLAINTEXT://127.0.0.1:\(port)"), ("log.dirs", "\(directory)/broker-\(index + 1)"),
            ("num.network.threads", "1"),
        ]
        do throws(BrokerConfigError) {
            return try BrokerConfig(settings + options.overrides)
        } catch {
            throw DevClusterError(error.description)
        }
    }

    private static func makeTemporaryDirectory() throws(DevClusterError) -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/kastellan-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw DevClusterError("cannot make a temporary directory in \(base): \(systemMessage(errno))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Returns when all brokers serve clients.
    package func start() throws(DevClusterError) {
        for (index, node) in nodes.enumerated() {
            do throws(StartError) {
                try node.start()
            } catch {
                for started in nodes[..<index] { started.stop() }
                removeIfEphemeral()
                throw DevClusterError(error.description)
            }
        }
    }

    /// What clients connect to, a broker each.
    package var bootstrap: [ServerAddress] {
        nodes.compactMap { node in node.endpoints.first.map { ServerAddress(host: $0.host, port: Int32($0.port)) } }
    }

    /// Stops the brokers cleanly; everything acknowledged is on disk, unless the cluster was ephemeral: then nothing is.
    package func stop() {
        for node in nodes.reversed() { node.stop() }
        removeIfEphemeral()
    }

    private func removeIfEphemeral() {
        guard isEphemeral else { return }
        try? disk.removeTree(directory)
    }
}

/// Why there is no cluster: one line for the person who asked for it.
package struct DevClusterError: Error, Equatable, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
