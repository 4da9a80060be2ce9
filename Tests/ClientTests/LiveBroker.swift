import BrokerServer
import Client
import ClientCore
import Controller
import Glibc
import Primitives
import Reactor
import Synchronization

/// A real broker on loopback with its own directory, for one test.
final class LiveBroker: Sendable {
    let directory: String
    let client: ClusterClient
    private let node: Mutex<BrokerNode?>
    let port: Int
    let events = Mutex<[ClusterEvent]>([])

    init(_ more: [(String, String)] = [], port: Int = 0) throws {
        guard let made = PosixDisk.makeTemporaryDirectory("/tmp/kastellan-client-") else { throw TestProblem.noDirectory }
        directory = made
        let node = try LiveBroker.start(directory, more, port: port)
        self.port = node.endpoints[0].port
        self.node = Mutex(node)
        client = ClusterClient(bootstrap: [ServerAddress(host: "127.0.0.1", port: Int32(self.port))])
    }

    private static func start(_ directory: String, _ more: [(String, String)], port: Int) throws -> BrokerNode {
        let entries = BrokerConfig.developmentDefaults(brokers: 1) + [
            ("node.id", "1"), ("listeners", "PLAINTEXT://127.0.0.1:\(port)"), ("log.dirs", "\(directory)/data"),
        ]
        let node = BrokerNode(config: try BrokerConfig(entries + more))
        try node.start()
        return node
    }

    /// Stops the broker and starts it again on the same port and directory.
    func stopBroker() { node.withLock { $0?.stop(); $0 = nil } }
    func startBroker() throws {
        let again = try LiveBroker.start(directory, [], port: port)
        node.withLock { $0 = again }
    }

    deinit {
        client.stop()
        stopBroker()
        try? PosixDisk().removeTree(directory)
    }
}

enum TestProblem: Error {
    case noDirectory
    case noAnswer
}
