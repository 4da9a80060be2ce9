import Glibc
import Primitives
import Reactor
import Wire

/// What a cluster of three costs and how fast it is back: started by `kastellan dev` for start, memory and idle load; as three processes of
/// `kastellan broker`, of which one dies by SIGKILL again and again, for the failover. The producer that waits is librdkafka's, with its
/// own defaults.
struct ClusterBench {
    let program: String
    let loader: String
    let directory: String
    let rounds: Int

    private static let topic = "failover"
    private static let kills = 20

    func run() throws {
        try starting()
        try idling()
    }

    func runFailover() throws {
        try failingOver(ClusterBench.development, "kill -9 of a leader to next ack, dev", target: 1000)
        try failingOver([], "the same, Kafka's default settings", target: nil)
    }

    // MARK: Start

    /// From the start of the process to the acknowledgement of the first record, which all in-sync replicas have.
    private func starting() throws {
        var served = Samples()
        var acknowledged = Samples()
        for _ in 0..<rounds {
            let start = ticks()
            let cluster = try ChildProcess.start([program, "dev", "--headless", "--brokers", "3", "--port", "0", "--ephemeral"])
            let port = try ClusterBench.port(cluster.firstLine())
            served.add(seconds(since: start) * 1000)
            try firstAck(port)
            acknowledged.add(seconds(since: start) * 1000)
            cluster.stop()
        }
        Report.figure("three brokers, start to serving", served, unit: "ms", target: nil)
        Report.figure("three brokers, start to first acks=all", acknowledged, unit: "ms", target: 150)
    }

    private func firstAck(_ port: Int) throws {
        guard let client = PlainClient(port: port) else { throw ChildProcess.Failed(description: "nobody listens on port \(port)") }
        let error = client.makeTopic("first", replicas: 3)
        guard error == ErrorCode.none else { throw ChildProcess.Failed(description: "CreateTopics: \(error?.name ?? "no answer")") }
        let until = ticks() + 10_000_000_000
        while ticks() < until {
            if let found = client.leadership("first"), PlainClient(port: found.port)?.produce("first") == ErrorCode.none { return }
            usleep(1000)
        }
        throw ChildProcess.Failed(description: "nothing was acknowledged for ten seconds")
    }

    /// The last port of the line a cluster prints.
    private static func port(_ line: String) throws -> Int {
        guard let colon = line.lastIndex(of: ":"), let port = Int(line[line.index(after: colon)...]) else {
            throw ChildProcess.Failed(description: "a cluster printed \"\(line)\"")
        }
        return port
    }

    // MARK: Idle

    private func idling() throws {
        var memory = Samples()
        var load = Samples()
        let cluster = try ChildProcess.start([program, "dev", "--headless", "--brokers", "3", "--port", "0", "--ephemeral"])
        let port = try ClusterBench.port(cluster.firstLine())
        try firstAck(port)
        usleep(2_000_000)
        for _ in 0..<3 {
            let before = cluster.processorSeconds
            usleep(2_000_000)
            load.add((cluster.processorSeconds - before) / 2 * 100)
            memory.add(Double(cluster.residentBytes) / 1_000_000)
        }
        cluster.stop()
        Report.figure("three brokers in one process, idle", memory, unit: "MB", target: 60)
        Report.figure("their share of one processor", load, unit: "%", target: 2)
    }

    // MARK: Failover

    /// Kills the leader, takes the time to the first acknowledgement of a record that was sent after it, starts it again, waits until all
    /// replicas are in sync. Each time another producer waits: one that has lost brokers within the last ten seconds puts off connecting
    /// to them by its own doubling pause, which says nothing of the cluster.
    private func failingOver(_ settings: [String], _ name: String, target: Double?) throws {
        let nodes = try Nodes(program: program, directory: "\(directory)/failover-\(settings.count)", settings: settings)
        defer { nodes.stop() }
        try nodes.start()
        try nodes.makeTopic(ClusterBench.topic)
        var pauses = Samples()
        var elections = Samples()
        for kill in 0..<ClusterBench.kills {
            let producer = try ChildProcess.start([loader, "watch", nodes.bootstrap, ClusterBench.topic, "2", "100", "acks=all"])
            defer { producer.stop(SIGKILL) }
            var lines = LineReader(producer)
            let leader = try nodes.waitForAll(ClusterBench.topic)
            for _ in 0..<100 { guard lines.next() != nil else { throw ChildProcess.Failed(description: "nothing is acknowledged") } }
            // librdkafka looks for lost leaders once a second: the kills are spread over that second.
            usleep(UInt32(kill * 1_000_000 / ClusterBench.kills))
            lines.skip()
            let killed = ticks()
            nodes.kill(leader)
            if let election = nodes.waitForAnother(leader, ClusterBench.topic) { elections.add(Double(election - killed) / 1e6) }
            pauses.add(try firstAckAfter(killed, &lines))
            try nodes.start(leader)
        }
        Report.figure(name, pauses, unit: "ms", target: target)
        Report.figure("  of it, until another leader is known", elections, unit: "ms", target: nil)
    }

    private func firstAckAfter(_ killed: Int64, _ lines: inout LineReader) throws -> Double {
        while let line = lines.next() {
            let words = line.split(separator: " ").compactMap { Int64($0) }
            guard words.count == 2, words[0] > killed, !line.contains("ERR") else { continue }
            return Double(words[1] - killed) / 1e6
        }
        throw ChildProcess.Failed(description: "the producer had no acknowledgement for twenty seconds after a kill")
    }

    /// What `kastellan dev` gives its brokers.
    private static let development = [
        "controller.quorum.election.timeout.ms=150", "controller.quorum.fetch.timeout.ms=800",
        "controller.quorum.election.backoff.max.ms=100", "controller.quorum.request.timeout.ms=1000", "replica.fetch.backoff.ms=50",
        "broker.session.timeout.ms=1000", "broker.heartbeat.interval.ms=250", "replica.lag.time.max.ms=5000",
    ]
}

/// The lines a process prints, one by one.
private struct LineReader {
    private let process: ChildProcess
    private var bytes: [UInt8] = []

    init(_ process: ChildProcess) { self.process = process }

    /// Nil where none comes for twenty seconds.
    mutating func next() -> String? {
        while true {
            if let end = bytes.firstIndex(of: 10) {
                defer { bytes.removeFirst(end + 1) }
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            guard let chunk = process.read(milliseconds: 20_000) else { return nil }
            bytes += chunk
        }
    }

    /// Forgets what has been printed so far.
    mutating func skip() {
        while process.read(milliseconds: 0) != nil {}
        bytes = []
    }
}

/// Three `kastellan broker` processes that are one cluster.
private final class Nodes {
    private let program: String
    private let directory: String
    private let ports: [Int]
    private var processes: [ChildProcess?]
    private static let count = 3

    /// Ports that are free now: the files have to name them before anybody listens.
    init(program: String, directory: String, settings: [String]) throws {
        self.program = program
        self.directory = directory
        processes = Array(repeating: nil, count: Nodes.count)
        let held = try (0..<2 * Nodes.count).map { _ in try Socket.listen(host: "127.0.0.1", port: 0, backlog: 1) }
        ports = held.map { Socket.localAddress($0).port }
        for descriptor in held { Socket.close(descriptor) }
        try PosixDisk().makeDirectory(directory)
        let voters = (0..<Nodes.count).map { "\($0 + 1)@127.0.0.1:\(ports[Nodes.count + $0])" }.joined(separator: ",")
        for node in 0..<Nodes.count {
            let lines = [
                "process.roles=broker,controller", "node.id=\(node + 1)", "controller.quorum.voters=\(voters)",
                "listeners=PLAINTEXT://127.0.0.1:\(ports[node]),CONTROLLER://127.0.0.1:\(ports[Nodes.count + node])",
                "controller.listener.names=CONTROLLER", "log.dirs=\(directory)/\(node + 1)", "min.insync.replicas=2",
                "default.replication.factor=3", "num.network.threads=1",
            ]
            let text = (lines + settings).joined(separator: "\n") + "\n"
            let file = try PosixDisk().open(path(node), create: true)
            try file.write([Bytes(text)], at: 0)
            let format = try ChildProcess.start([program, "storage", "format", "-t", "YhCthYvaTfCA6lFbKmqJCA", "-c", path(node)])
            while format.read(milliseconds: 5000) != nil {}
            guard format.wait() == 0 else { throw ChildProcess.Failed(description: "storage format failed") }
        }
    }

    private func path(_ node: Int) -> String { "\(directory)/\(node + 1).properties" }
    var bootstrap: String { ports[..<Nodes.count].map { "127.0.0.1:\($0)" }.joined(separator: ",") }

    func start() throws {
        for node in 0..<Nodes.count { processes[node] = try ChildProcess.start([program, "broker", path(node)]) }
        for process in processes { _ = try process?.firstLine() }
    }

    func start(_ id: Int32) throws {
        processes[Int(id) - 1] = try ChildProcess.start([program, "broker", path(Int(id) - 1)])
        _ = try processes[Int(id) - 1]?.firstLine()
    }

    func kill(_ id: Int32) {
        processes[Int(id) - 1]?.stop(SIGKILL)
        processes[Int(id) - 1] = nil
    }

    func stop() {
        for process in processes { process?.stop(SIGKILL) }
    }

    func makeTopic(_ name: String) throws {
        let error = PlainClient(port: ports[0])?.makeTopic(name, replicas: 3)
        guard error == ErrorCode.none else { throw ChildProcess.Failed(description: "CreateTopics: \(error?.name ?? "no answer")") }
    }

    /// When a broker that lives first told of another leader than this one; nil where none did for twenty seconds.
    func waitForAnother(_ leader: Int32, _ topic: String) -> Int64? {
        let others = (0..<Nodes.count).filter { $0 != Int(leader) - 1 }.compactMap { PlainClient(port: ports[$0], seconds: 1) }
        let until = ticks() + 20_000_000_000
        while ticks() < until {
            for client in others {
                if let found = client.leadership(topic), found.leader != leader { return ticks() }
            }
            usleep(5000)
        }
        return nil
    }

    /// The leader, once all replicas are in sync.
    func waitForAll(_ topic: String) throws -> Int32 {
        let until = ticks() + 60_000_000_000
        while ticks() < until {
            if let found = PlainClient(port: ports[0])?.leadership(topic), found.inSyncReplicas.count == Nodes.count {
                // Time for everybody to hear of it.
                usleep(200_000)
                return found.leader
            }
            usleep(50_000)
        }
        throw ChildProcess.Failed(description: "the replicas were not in sync again within a minute")
    }
}
