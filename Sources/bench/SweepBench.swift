import Glibc
import Primitives
import Wire

/// How cost grows: the same load on a broker that has ten times as many partitions, connections, topics or groups, and ten times as many
/// again. What grows is drawn as text: a bar per step, as long as its figure beside the others.
struct SweepBench {
    let program: String
    let loader: String
    let directory: String

    private static let steps = [10, 100, 1000]
    private static let messages = 300_000

    /// One step's figures.
    private struct Point {
        var count: Int
        var perSecond = 0.0
        /// Microseconds of a processor for a message, or an operation, on the broker's side.
        var cost = 0.0
        var memory = 0.0
    }

    func run() throws {
        try sweep("partitions of one topic", unit: "/s", try SweepBench.steps.map { try partitions($0) })
        try sweep("connections that say nothing", unit: "/s", try SweepBench.steps.map { try connections($0) })
        try sweep("topics made one by one", unit: " topics/s", try SweepBench.steps.map { try topics($0) })
        try sweep("groups that commit in turn", unit: " commits/s", try SweepBench.steps.map { try groups($0) })
    }

    private func sweep(_ what: String, unit: String, _ points: [Point]) throws {
        Report.remark("\nHow cost grows: \(what)")
        let most = points.map(\.perSecond).max() ?? 1
        for point in points {
            let bar = String(repeating: "#", count: max(Int(point.perSecond / max(most, 1) * 40), 1))
            let count = String(point.count)
            let figures = "\(Report.short(point.perSecond))\(unit), \(Report.fixed(point.cost, 2)) us of a processor each, "
                + "\(Report.fixed(point.memory, 1)) MB"
            Report.remark(String(repeating: " ", count: 8 - count.count) + count + "  " + bar
                + String(repeating: " ", count: 42 - bar.count) + figures)
        }
    }

    // MARK: What grows

    /// Of one topic, each getting its share of the messages.
    private func partitions(_ count: Int) throws -> Point {
        try on("partitions-\(count)") { process, address, port in
            try make("load", partitions: count, address)
            return try load(count, process, address)
        }
    }

    /// That are open while one producer works.
    private func connections(_ count: Int) throws -> Point {
        try on("connections-\(count)") { process, address, port in
            try make("load", partitions: 3, address)
            let idle = (0..<count).compactMap { _ in PlainClient(port: port) }
            guard idle.count == count else { throw ChildProcess.Failed(description: "only \(idle.count) of \(count) connections") }
            // Each has said something once, as clients do.
            for client in idle { _ = client.ask(ApiVersionsRequest(), version: 0) }
            return try withExtendedLifetime(idle) { try load(count, process, address) }
        }
    }

    private func topics(_ count: Int) throws -> Point {
        try on("topics-\(count)") { process, _, port in
            guard let client = PlainClient(port: port) else { throw ChildProcess.Failed(description: "nobody listens") }
            return try timed(count, process, count) { number in
                client.makeTopic("topic-\(number)", replicas: 1) == ErrorCode.none
            }
        }
    }

    private func groups(_ count: Int) throws -> Point {
        try on("groups-\(count)") { process, address, port in
            try make("load", partitions: 1, address)
            guard let client = PlainClient(port: port) else { throw ChildProcess.Failed(description: "nobody listens") }
            try waitForCoordinator(client)
            return try timed(count, process, 2000) { number in
                SweepBench.commit(client, group: "group-\(number % count)", offset: Int64(number))
            }
        }
    }

    // MARK: How it is done

    private func on(_ name: String, _ body: (ChildProcess, String, Int) throws -> Point) throws -> Point {
        let process = try ChildProcess.start(
            [program, "dev", "--headless", "--brokers", "1", "--port", "0", "--data", "\(directory)/\(name)"])
        defer { process.stop(SIGKILL) }
        let line = try process.firstLine()
        guard let equals = line.firstIndex(of: "="), let port = Int(line.split(separator: ":").last ?? "") else {
            throw ChildProcess.Failed(description: "a broker printed \"\(line)\"")
        }
        return try body(process, String(line[line.index(after: equals)...]), port)
    }

    private func make(_ topic: String, partitions: Int, _ address: String) throws {
        let made = try ChildProcess.start([program, "topics", "create", topic, "-p", "\(partitions)", "-b", address])
        while made.read(milliseconds: 60_000) != nil {}
        guard made.wait() == 0 else { throw ChildProcess.Failed(description: "cannot create topic \(topic)") }
    }

    private func load(_ count: Int, _ broker: ChildProcess, _ address: String) throws -> Point {
        let before = broker.processorSeconds
        let process = try ChildProcess.start([loader, "produce", address, "load", "\(SweepBench.messages)", "100", "acks=1"])
        let parts = try process.firstLine(milliseconds: 90_000).split(separator: " ").compactMap { Double($0) }
        guard process.wait() == 0, parts.count == 3 else { throw ChildProcess.Failed(description: "the loader printed no figures") }
        return Point(
            count: count, perSecond: parts[0] / parts[2],
            cost: (broker.processorSeconds - before) * 1e6 / Double(SweepBench.messages), memory: Double(broker.residentBytes) / 1e6)
    }

    private func timed(_ count: Int, _ broker: ChildProcess, _ operations: Int, _ body: (Int) -> Bool) throws -> Point {
        let before = broker.processorSeconds
        let start = ticks()
        for number in 0..<operations {
            guard body(number) else { throw ChildProcess.Failed(description: "operation \(number) of \(operations) was refused") }
        }
        let time = seconds(since: start)
        return Point(
            count: count, perSecond: Double(operations) / time,
            cost: (broker.processorSeconds - before) * 1e6 / Double(operations), memory: Double(broker.residentBytes) / 1e6)
    }

    /// The topic of offsets is made with the first question for a coordinator.
    private func waitForCoordinator(_ client: PlainClient) throws {
        var request = FindCoordinatorRequest()
        request.key = "group-0"
        let until = ticks() + 20_000_000_000
        while ticks() < until {
            if client.ask(request, version: 1)?.errorCode == ErrorCode.none, SweepBench.commit(client, group: "first", offset: 0) { return }
            usleep(20_000)
        }
        throw ChildProcess.Failed(description: "no coordinator for twenty seconds")
    }

    private static func commit(_ client: PlainClient, group: String, offset: Int64) -> Bool {
        var partition = OffsetCommitRequest.Partition()
        partition.committedOffset = offset
        var topic = OffsetCommitRequest.Topic()
        (topic.name, topic.partitions) = ("load", [partition])
        var request = OffsetCommitRequest()
        (request.groupID, request.generationIDOrMemberEpoch, request.topics) = (group, -1, [topic])
        return client.ask(request, version: 5)?.topics.first?.partitions.first?.errorCode == ErrorCode.none
    }
}
