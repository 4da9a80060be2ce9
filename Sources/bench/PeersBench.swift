import Glibc
import Primitives
import Reactor

/// Beside what one would take instead on one machine: librdkafka's mock cluster, Redis Streams and NATS JetStream, each with the client and
/// the way of sending that is fastest for it, with the same messages, in turn. All keep what they are sent on the same disk, except the
/// mock, which keeps it in memory.
struct PeersBench {
    let program: String
    let loader: String
    /// The loader for Redis and NATS; nil where it could not be built.
    let streams: String?
    let directory: String
    let rounds: Int

    private static let messages = 2_000_000
    private static let messageBytes = 100
    /// Ten megabytes a second.
    private static let pacedBytes = 1024
    private static let pacedRate = 10_000
    private static let pacedMessages = 50_000
    /// librdkafka reports one delivery every so often in a trip from a producer to a consumer.
    private static let tripRate = 500
    private static let tripMessages = 2_000

    /// Somebody who takes messages, and the words that load it; a topic's name comes where "TOPIC" stands.
    private struct Contestant {
        var name: String
        var process: ChildProcess
        var produce: [String]
        var paced: [String]
        var trip: [String]?
    }

    /// Microseconds from when a message was due to its acknowledgement.
    private struct Latencies {
        var p50 = Samples()
        var p99 = Samples()
        var p999 = Samples()

        mutating func add(_ one: PlainPaced.Result) {
            p50.add(one.p50)
            p99.add(one.p99)
            p999.add(one.p999)
        }
    }

    func run() throws {
        let contestants = try start()
        defer { for contestant in contestants { contestant.process.stop(SIGKILL) } }
        // The light loads first: what full speed leaves behind is written to the disk for a while, and all would be measured beside that.
        try latency(contestants)
        try trip(contestants)
        try throughput(contestants)
    }

    // MARK: Who takes part

    private func start() throws -> [Contestant] {
        try PosixDisk().makeDirectory(directory)
        let ours = try ChildProcess.start(
            [program, "dev", "--headless", "--brokers", "3", "--port", "0", "--data", "\(directory)/kastellan"])
        var found = [kafka("three brokers", ours, try address(ours))]
        let mock = try ChildProcess.start([loader, "mock", "3"])
        found.append(kafka("librdkafka's mock cluster", mock, try address(mock)))
        guard let streams else {
            Report.remark("no loader for Redis and NATS (libhiredis-dev, libnats-dev): not measured")
            return found
        }
        let redisPort = try freePort()
        let natsPort = try freePort()
        let servers = [
            ("Redis Streams", "redis", redisPort, [
                "redis-server", "--port", "\(redisPort)", "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "everysec",
                "--save", "", "--dir", directory, "--loglevel", "warning",
            ]),
            ("NATS JetStream", "nats", natsPort, [
                "nats-server", "-js", "-sd", "\(directory)/nats", "-a", "127.0.0.1", "-p", "\(natsPort)", "-l", "\(directory)/nats.log",
            ]),
        ]
        for (name, kind, port, words) in servers {
            guard ChildProcess.isInstalled(words[0]) else {
                Report.remark("\(words[0]) is not installed here: not measured")
                continue
            }
            let process = try ChildProcess.start(words)
            try waitForListener(port)
            func load(_ mode: String, _ rest: [Int]) -> [String] { [streams, kind, mode, "\(port)"] + rest.map { "\($0)" } }
            found.append(Contestant(
                name: name, process: process, produce: load("produce", [PeersBench.messages, PeersBench.messageBytes]),
                paced: load("paced", [PeersBench.pacedMessages, PeersBench.pacedBytes, PeersBench.pacedRate])))
        }
        return found
    }

    private func kafka(_ name: String, _ process: ChildProcess, _ address: String) -> Contestant {
        func load(_ mode: String, _ rest: [Int]) -> [String] { [loader, mode, address, "TOPIC"] + rest.map { "\($0)" } }
        return Contestant(
            name: name, process: process,
            produce: load("produce", [PeersBench.messages, PeersBench.messageBytes]) + ["acks=all"],
            paced: load("paced", [PeersBench.pacedMessages, PeersBench.pacedBytes, PeersBench.pacedRate]),
            trip: load("trip", [PeersBench.tripMessages, PeersBench.messageBytes, PeersBench.tripRate]))
    }

    private func address(_ process: ChildProcess) throws -> String {
        let line = try process.firstLine()
        guard let equals = line.firstIndex(of: "=") else { throw ChildProcess.Failed(description: "a cluster printed \"\(line)\"") }
        return String(line[line.index(after: equals)...])
    }

    private func freePort() throws -> Int {
        let held = try Socket.listen(host: "127.0.0.1", port: 0, backlog: 1)
        defer { Socket.close(held) }
        return Socket.localAddress(held).port
    }

    private func waitForListener(_ port: Int) throws {
        let until = ticks() + 10_000_000_000
        while ticks() < until {
            if let descriptor = BlockingSocket.connect(port: port) {
                close(descriptor)
                return
            }
            usleep(10_000)
        }
        throw ChildProcess.Failed(description: "nobody listens on port \(port)")
    }

    // MARK: What is measured

    /// The figures that one run of a loader prints.
    private func figures(_ words: [String], topic: String) throws -> [Double] {
        let process = try ChildProcess.start(words.map { $0 == "TOPIC" ? topic : $0 })
        let parts = try process.firstLine(milliseconds: 90_000).split(separator: " ").compactMap { Double($0) }
        guard process.wait() == 0, parts.count >= 3 else {
            throw ChildProcess.Failed(description: "\(words.prefix(3)) printed no figures")
        }
        return parts
    }

    /// A topic of three partitions on three brokers; the mock makes its own as soon as it is asked for one, and so do the others.
    private func makeTopic(_ contestant: Contestant, _ name: String) throws {
        guard contestant.produce[0] == loader, contestant.name != "librdkafka's mock cluster" else { return }
        let process = try ChildProcess.start(
            [program, "topics", "create", name, "-p", "3", "-r", "3", "-b", contestant.produce[2]])
        while process.read(milliseconds: 20_000) != nil {}
        guard process.wait() == 0 else { throw ChildProcess.Failed(description: "cannot create topic \(name)") }
    }

    private func throughput(_ contestants: [Contestant]) throws {
        var rates = contestants.map { _ in Samples() }
        for round in 0..<rounds {
            for (index, contestant) in contestants.enumerated() {
                try makeTopic(contestant, "peers-\(round)")
                let parts = try figures(contestant.produce, topic: "peers-\(round)")
                rates[index].add(parts[0] / parts[2])
            }
        }
        for (index, peer) in contestants.enumerated().dropFirst() {
            Report.ratio("produce 100 B, acks=all of three", rates[0], rates[index], unit: "/s", against: "/s \(peer.name)", target: 1)
        }
    }

    private func latency(_ contestants: [Contestant]) throws {
        var latencies = contestants.map { _ in Latencies() }
        var trips = Samples()
        var plain = (ours: Latencies(), mock: Latencies(), null: Latencies())
        let null = try ChildProcess.start([CommandLine.arguments[0], "null-broker", "\(PeersBench.pacedBytes)"])
        defer { null.stop(SIGKILL) }
        let nullAddress = try address(null)
        for round in 0..<rounds {
            trips.add(try RoundTrip.microseconds())
            for (index, contestant) in contestants.enumerated() {
                try makeTopic(contestant, "paced-\(round)")
                let parts = try figures(contestant.paced, topic: "paced-\(round)")
                guard parts.count == 5 else { throw ChildProcess.Failed(description: "\(contestant.name): no latencies") }
                latencies[index].p50.add(parts[1])
                latencies[index].p99.add(parts[2])
                latencies[index].p999.add(parts[3])
            }
            plain.ours.add(try paced(contestants[0].produce[2], "paced-\(round)"))
            plain.mock.add(try paced(contestants[1].produce[2], "paced-\(round)"))
            plain.null.add(try paced(nullAddress, "paced-\(round)"))
        }
        let ours = latencies[0]
        let name = "10 MB/s of 1 KiB, acks=all"
        func against(_ theirs: Samples, _ whose: String, _ mine: Samples, _ which: String, _ target: Double?) {
            Report.ratio("\(name), \(which)", mine, theirs, unit: "us", against: "us \(whose)", target: target, atMost: true)
        }
        against(trips, "loopback round trip", ours.p50, "p50", nil)
        against(trips, "loopback round trip", ours.p99, "p99", 30)
        against(trips, "loopback round trip", ours.p999, "p99.9", 100)
        let (mine, mock, floor) = (plain.ours, plain.mock, plain.null)
        against(trips, "loopback round trip", mine.p50, "p50, plain client", nil)
        against(trips, "loopback round trip", mine.p99, "p99, plain client", 30)
        against(trips, "loopback round trip", mine.p999, "p99.9, plain client", 100)
        // What this machine makes of a broker that only reads and answers: where that misses too, it is not the engine that does.
        against(trips, "loopback round trip", floor.p99, "p99, null broker", 30)
        against(trips, "loopback round trip", floor.p999, "p99.9, null broker", 100)
        against(floor.p50, "null broker", mine.p50, "p50, plain client", nil)
        against(floor.p99, "null broker", mine.p99, "p99, plain client", nil)
        against(floor.p999, "null broker", mine.p999, "p99.9, plain client", nil)
        against(mock.p50, contestants[1].name, mine.p50, "p50, plain client", nil)
        against(mock.p99, contestants[1].name, mine.p99, "p99, plain client", 1)
        for (index, peer) in contestants.enumerated().dropFirst() {
            against(latencies[index].p50, peer.name, ours.p50, "p50", nil)
            against(latencies[index].p99, peer.name, ours.p99, "p99", 1)
        }
    }

    /// The same records by a client that does nothing but write and read.
    private func paced(_ address: String, _ topic: String) throws -> PlainPaced.Result {
        guard let first = address.split(separator: ",").first, let port = Int(first.split(separator: ":").last ?? "") else {
            throw ChildProcess.Failed(description: "\"\(address)\" is not an address")
        }
        return try PlainPaced(
            port: port, topic: topic, recordBytes: PeersBench.pacedBytes, rate: PeersBench.pacedRate, count: PeersBench.pacedMessages
        ).run()
    }

    private func trip(_ contestants: [Contestant]) throws {
        let able = contestants.filter { $0.trip != nil }
        var medians = able.map { _ in Samples() }
        var tails = able.map { _ in Samples() }
        for round in 0..<rounds {
            for (index, contestant) in able.enumerated() {
                try makeTopic(contestant, "trip-\(round)")
                let parts = try figures(contestant.trip ?? [], topic: "trip-\(round)")
                guard parts.count == 5 else { throw ChildProcess.Failed(description: "\(contestant.name): no latencies") }
                medians[index].add(parts[1])
                tails[index].add(parts[2])
            }
        }
        for (index, peer) in able.enumerated().dropFirst() {
            let name = "producer to consumer, 500/s"
            Report.ratio("\(name), p50", medians[0], medians[index], unit: "us", against: "us \(peer.name)", target: 1, atMost: true)
            Report.ratio("\(name), p99", tails[0], tails[index], unit: "us", against: "us \(peer.name)", target: 1, atMost: true)
        }
    }
}
