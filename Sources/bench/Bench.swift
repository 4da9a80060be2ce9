import Glibc
import Primitives
import Reactor

/// One run of all measurements. What is compared is measured in turn, round by round, so that a busy machine slows both sides; a ratio
/// is taken per round. Brokers are processes of their own, with their data on the same disk.
struct Bench {
    let program: String
    let loader: String
    let rounds: Int
    let directory: String
    /// How long a soak lasts.
    private let minutes: Int
    /// One part alone: throughput, replicated, peers, sweeps, scale, client, fetch, storage, start, cluster, failover, console, groups,
    /// costs or codecs; soak is only ever run alone.
    private let only: String?
    private let kaskade: String?
    private let streams: String?

    init(_ arguments: [String]) throws {
        func value(_ flag: String) -> String? {
            arguments.firstIndex(of: flag).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
        }
        program = value("--program") ?? ".build/release/kastellan"
        loader = value("--loader") ?? ".build/loader"
        only = value("--only")
        kaskade = value("--kaskade")
        streams = value("--streams")
        minutes = value("--minutes").flatMap { Int($0) } ?? 60
        rounds = value("--rounds").flatMap { Int($0) } ?? 5
        guard let made = PosixDisk.makeTemporaryDirectory("\(value("--directory") ?? ".build")/bench-") else {
            throw ChildProcess.Failed(description: "no directory to work in: \(systemMessage(errno))")
        }
        directory = made
    }

    func run() throws {
        defer { try? PosixDisk().removeTree(directory) }
        Report.remark("Medians of \(rounds) rounds, both sides in turn; ROUNDS is the range of the rounds' ratios.\n")
        Report.heading()
        if wants("throughput") {
            try throughput(recordBytes: 100, count: 1_000_000, produceTarget: 0.85)
            try throughput(recordBytes: 1000, count: 200_000, produceTarget: nil)
        }
        if wants("replicated") { try replicated() }
        if wants("peers") {
            try PeersBench(program: program, loader: loader, streams: streams, directory: "\(directory)/peers", rounds: rounds).run()
        }
        if wants("client") { try clients() }
        if wants("fetch") { try fetching() }
        if wants("storage") { try storage() }
        if wants("start") { try starting() }
        let cluster = ClusterBench(program: program, loader: loader, directory: "\(directory)/cluster", rounds: rounds)
        if wants("cluster") { try cluster.run() }
        if wants("failover") { try cluster.runFailover() }
        if wants("console") {
            try firstFrame()
            try ConsoleBench(program: program, rounds: min(rounds, 3), kaskade: kaskade, state: directory).run()
        }
        if wants("groups") { try GroupBench(program: program, directory: "\(directory)/groups", rounds: rounds).run() }
        if wants("costs") { try costs() }
        if wants("codecs") { try codecs() }
        if only == "soak" { try soak(minutes: minutes) }
        if wants("scale") { try ScaleBench(program: program, directory: "\(directory)/scale").run() }
        if wants("sweeps") { try SweepBench(program: program, loader: loader, directory: "\(directory)/sweeps").run() }
    }

    private func wants(_ part: String) -> Bool { only == nil || only == part }

    private func storage() throws {
        for figure in try StorageBench.run(directory: "\(directory)/storage") {
            var ours = Samples()
            var raw = Samples()
            ours.add(figure.value * 1e6)
            raw.add(figure.raw * 1e6)
            let against = figure.name == "append" ? "B/s plain write" : "B/s plain sendfile"
            Report.ratio("log \(figure.name), 16 KiB batches", ours, raw, unit: "B/s", against: against, target: nil)
        }
    }

    // MARK: Throughput

    func broker(_ name: String) throws -> (process: ChildProcess, address: String) {
        let process = try ChildProcess.start(
            [program, "dev", "--headless", "--brokers", "1", "--port", "0", "--data", "\(directory)/\(name)"])
        return (process, try address(process))
    }

    func null(_ recordBytes: Int) throws -> (process: ChildProcess, address: String) {
        let process = try ChildProcess.start([CommandLine.arguments[0], "null-broker", String(recordBytes)])
        return (process, try address(process))
    }

    func address(_ process: ChildProcess) throws -> String {
        let line = try process.firstLine()
        guard let equals = line.firstIndex(of: "=") else { throw ChildProcess.Failed(description: "a broker printed \"\(line)\"") }
        return String(line[line.index(after: equals)...])
    }

    /// Messages a second, as the loader counts them.
    func load(
        _ mode: String, _ address: String, _ topic: String, _ count: Int, _ last: Int, acks: String = "1", codec: String? = nil
    ) throws -> Double {
        var words = [loader, mode, address, topic, String(count), String(last)]
        if mode == "produce" { words.append("acks=\(acks)") }
        if let codec { words.append("compression.codec=\(codec)") }
        let process = try ChildProcess.start(words)
        let parts = try process.firstLine(milliseconds: 90_000).split(separator: " ").compactMap { Double($0) }
        process.wait()
        guard parts.count == 3, parts[2] > 0 else { throw ChildProcess.Failed(description: "the loader printed no figures") }
        return parts[0] / parts[2]
    }

    func makeTopic(_ address: String, _ name: String, replicas: Int = 1) throws {
        let process = try ChildProcess.start(
            [program, "topics", "create", name, "-p", String(NullBroker.partitions), "-r", String(replicas), "-b", address])
        _ = try? process.firstLine()
        guard process.wait() == 0 else { throw ChildProcess.Failed(description: "cannot create topic \(name)") }
    }

    private func throughput(recordBytes: Int, count: Int, produceTarget: Double?) throws {
        let ours = try broker("throughput-\(recordBytes)")
        let theirs = try null(recordBytes)
        var produced = (ours: Samples(), null: Samples())
        var consumed = (ours: Samples(), null: Samples())
        for round in 0..<rounds {
            let topic = "load-\(round)"
            try makeTopic(ours.address, topic)
            produced.ours.add(try load("produce", ours.address, topic, count, recordBytes))
            produced.null.add(try load("produce", theirs.address, topic, count, recordBytes))
            consumed.ours.add(try load("consume", ours.address, topic, count, Int(NullBroker.partitions)))
            consumed.null.add(try load("consume", theirs.address, topic, count, Int(NullBroker.partitions)))
        }
        let size = "\(recordBytes) B"
        let against = "/s null broker"
        Report.ratio("produce \(size), librdkafka", produced.ours, produced.null, unit: "/s", against: against, target: produceTarget)
        Report.ratio("consume \(size), librdkafka", consumed.ours, consumed.null, unit: "/s", against: against, target: nil)
        if recordBytes == 100 {
            var memory = Samples()
            memory.add(Double(ours.process.residentBytes) / 1_000_000)
            Report.figure("memory after \(rounds) million messages", memory, unit: "MB", target: nil)
        }
        ours.process.stop()
        theirs.process.stop()
    }

    /// Three brokers in one process, each record acknowledged by all of them.
    private func replicated() throws {
        let ours = try ChildProcess.start(
            [program, "dev", "--headless", "--brokers", "3", "--port", "0", "--data", "\(directory)/replicated"])
        let bootstrap = try address(ours)
        for (recordBytes, count, target) in [(100, 1_000_000, 0.45), (1000, 200_000, nil)] as [(Int, Int, Double?)] {
            let theirs = try null(recordBytes)
            var produced = (ours: Samples(), null: Samples())
            var (bytes, raw) = (Samples(), Samples())
            for round in 0..<rounds {
                let topic = "load-\(recordBytes)-\(round)"
                try makeTopic(bootstrap, topic, replicas: 3)
                let rate = try load("produce", bootstrap, topic, count, recordBytes, acks: "all")
                produced.ours.add(rate)
                produced.null.add(try load("produce", theirs.address, topic, count, recordBytes))
                bytes.add(rate * Double(recordBytes))
                raw.add(try threeCopies(bytes: count * recordBytes))
            }
            Report.ratio(
                "produce \(recordBytes) B, acks=all of three", produced.ours, produced.null, unit: "/s", against: "/s null broker",
                target: target)
            Report.ratio("… bytes of messages", bytes, raw, unit: "B/s", against: "B/s three plain files", target: nil)
            theirs.process.stop()
        }
        ours.stop()
    }

    /// Bytes a second that nothing but writing them to three fresh files allows. What is written for the first time is memory that the
    /// machine has to find first; in a virtual one that may cost more than everything else together, and differs from minute to minute.
    private func threeCopies(bytes: Int) throws -> Double {
        let disk = PosixDisk()
        let paths = (0..<3).map { "\(directory)/copy-\($0)" }
        defer { for path in paths { try? disk.remove(path) } }
        let chunk = Bytes([UInt8](repeating: UInt8(ascii: "v"), count: 256 * 1024))
        let files = try paths.map { try disk.open($0, create: true) }
        let start = ticks()
        for position in stride(from: 0, to: bytes, by: chunk.count) {
            for file in files { try file.write([chunk], at: position) }
        }
        return Double(bytes) / seconds(since: start)
    }

    // MARK: Fetching

    private func fetching() throws {
        let ours = try broker("fetch")
        try makeTopic(ours.address, "fetch")
        _ = try load("produce", ours.address, "fetch", 300_000, 1000)
        let port = Int(ours.address.split(separator: ":").last ?? "0") ?? 0
        let log = "\(directory)/fetch/broker-1/fetch-0/00000000000000000000.log"
        let bytes = 250_000_000
        var fetched = Samples()
        var raw = Samples()
        for _ in 0..<rounds {
            fetched.add(try PlainFetch.run(port: port, topic: "fetch", partitions: NullBroker.partitions, bytesMax: bytes))
            raw.add(try PlainFetch.rawSendfile(path: log, bytes: bytes))
        }
        Report.ratio("fetch 1000 B, client that discards", fetched, raw, unit: "B/s", against: "B/s plain sendfile", target: 0.5)
        ours.process.stop()
    }

    // MARK: Starting

    private func starting() throws {
        var fresh = Samples()
        var again = Samples()
        var memory = Samples()
        for round in 0..<rounds {
            for (index, isFresh) in [true, false].enumerated() {
                let start = ticks()
                let ours = try broker("start-\(round)")
                let milliseconds = seconds(since: start) * 1000
                if isFresh { fresh.add(milliseconds) } else { again.add(milliseconds) }
                if index == 1 {
                    usleep(300_000)
                    memory.add(Double(ours.process.residentBytes) / 1_000_000)
                }
                ours.process.stop()
            }
        }
        Report.figure("start to serving, new directory", fresh, unit: "ms", target: 100)
        Report.figure("start to serving, again", again, unit: "ms", target: 100)
        Report.figure("memory, idle", memory, unit: "MB", target: 30)
    }

    /// From the start of the process to the last byte of its first frame, with nobody at the address.
    private func firstFrame() throws {
        var samples = Samples()
        for _ in 0..<rounds {
            let start = ticks()
            let console = try ChildProcess.startOnTerminal([program, "-b", "127.0.0.1:1"])
            var end = start
            var count = 0
            // The frame is over when nothing more comes for a moment, or when it has filled the screen.
            while let chunk = console.read(milliseconds: count == 0 ? 5000 : 15) {
                count += chunk.count
                if count > 1000 || end == start { end = ticks() }
                if count > 1000 { break }
            }
            guard count > 0 else { throw ChildProcess.Failed(description: "the console drew nothing") }
            samples.add(Double(end - start) / 1e6)
            console.stop(SIGTERM)
        }
        Report.figure("console's first frame", samples, unit: "ms", target: 50)
    }
}
