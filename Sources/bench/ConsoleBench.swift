import Glibc
import Primitives

/// What a console costs its user and its machine: on a cluster of 10,000 topics, 100,000 partitions and 2,000 groups, beside the monitors
/// people leave open all day and another console for Kafka. All of them run on a terminal of 120 by 40 that this reads as fast as they
/// write.
struct ConsoleBench {
    let program: String
    let rounds: Int
    /// The peer among the consoles, where it is installed.
    let kaskade: String?

    private static let presses = 60
    private static let watchedMs: Int32 = 10_000

    /// How a program is started, recognised and steered.
    private struct Contestant {
        var name: String
        var words: [String]
        /// What the screen shows once there is something to see.
        var data: String
        /// What moves the selection, there and back.
        var keys = ("\u{1B}[B", "\u{1B}[A")
        /// How long its first data is waited for, and how often it is measured.
        var patienceMs = 60_000
        var rounds: Int?
    }

    private struct Figures {
        var firstOutput = Samples()
        var firstData = Samples()
        var keys = Samples()
        var bytesPerKey = Samples()
        var bytesPerSecond = Samples()
        var load = Samples()
        var memory = Samples()
    }

    /// Where the consoles keep what they remember: from round to round, and nobody else's.
    let state: String

    func run() throws {
        let moving = try synthetic(moving: 50)
        let still = try synthetic(moving: 0)
        defer { [moving.process, still.process].forEach { $0.stop() } }
        try headless(moving.address)
        let ours = try measure(Contestant(
            name: "kastellan", words: [program, "-b", moving.address, "-c", "topics"], data: "synthetic.area"))
        let quiet = try measure(Contestant(
            name: "kastellan, nothing moves", words: [program, "-b", still.address, "-c", "topics"], data: "synthetic.area"))
        print(ours, "kastellan, 100,000 partitions", isOurs: true)
        Report.figure("… nothing moves: bytes to the terminal", quiet.bytesPerSecond, unit: "B/s", target: 1)
        Report.figure("… nothing moves: share of a processor", quiet.load, unit: "%", target: 2)
        let peers = [Contestant(name: "htop", words: ["htop"], data: "PID"), Contestant(name: "btop", words: ["btop"], data: "proc")]
        for peer in peers where ChildProcess.isInstalled(peer.words[0]) { print(try measure(peer), peer.name, isOurs: false) }
        guard let kaskade else { return Report.remark("kaskade is not installed here: not measured") }
        // It shows a table when it has read the ends of all partitions, which takes it minutes.
        var peer = Contestant(name: "kaskade", words: [kaskade, "admin", "-b", still.address], data: "synthetic.area")
        (peer.patienceMs, peer.rounds) = (400_000, 1)
        do {
            print(try measure(peer), "kaskade, 100,000 partitions", isOurs: false)
        } catch let failure as ChildProcess.Failed {
            // On a busy machine it may take longer than anybody waits: that is a result too.
            Report.remark("\(failure.description) within \(peer.patienceMs / 1000) s")
        }
    }

    private func synthetic(moving: Int) throws -> (process: ChildProcess, address: String) {
        let process = try ChildProcess.start([CommandLine.arguments[0], "synthetic-cluster", "--moving", String(moving)])
        let line = try process.firstLine()
        return (process, String(line.split(separator: "=").last ?? ""))
    }

    /// Everything a view shows, read once and printed: connect, ask, decode, format.
    private func headless(_ address: String) throws {
        for view in ["topics", "groups"] {
            var times = Samples()
            for _ in 0..<rounds {
                let start = ticks()
                let process = try ChildProcess.start([program, "get", view, "-b", address])
                var last = [UInt8]()
                while let chunk = process.read(milliseconds: 60_000) { last = chunk }
                guard process.wait() == 0, !last.isEmpty else { throw ChildProcess.Failed(description: "get \(view) failed") }
                times.add(seconds(since: start) * 1000)
            }
            Report.figure("get \(view), whole cluster read and printed", times, unit: "ms", target: 2000)
        }
    }

    // MARK: One program

    private func measure(_ contestant: Contestant) throws -> Figures {
        var figures = Figures()
        for _ in 0..<(contestant.rounds ?? rounds) {
            let start = ticks()
            let child = try ChildProcess.startOnTerminal(contestant.words, environment: ["XDG_STATE_HOME=\(state)"])
            var screen = Output(child)
            guard screen.read(10_000) else { throw ChildProcess.Failed(description: "\(contestant.name) drew nothing") }
            figures.firstOutput.add(Double(ticks() - start) / 1e6)
            guard screen.find(contestant.data, milliseconds: contestant.patienceMs) else {
                throw ChildProcess.Failed(description: "\(contestant.name) never showed \"\(contestant.data)\"")
            }
            figures.firstData.add(Double(ticks() - start) / 1e6)
            screen.drain(4000)
            for index in 0..<ConsoleBench.presses {
                screen.drain(30)
                let (before, pressed) = (screen.count, ticks())
                child.write(index % 20 < 10 ? contestant.keys.0 : contestant.keys.1)
                guard screen.read(2000) else { continue }
                figures.keys.add(Double(ticks() - pressed) / 1e6)
                screen.drain(10)
                figures.bytesPerKey.add(Double(screen.count - before))
            }
            screen.drain(2000)
            let (count, load, since) = (screen.count, child.processorSeconds, ticks())
            screen.drain(ConsoleBench.watchedMs)
            let watched = seconds(since: since)
            figures.bytesPerSecond.add(Double(screen.count - count) / watched)
            figures.load.add((child.processorSeconds - load) / watched * 100)
            figures.memory.add(Double(child.residentBytes) / 1_000_000)
            child.stop(SIGTERM)
        }
        return figures
    }

    private func print(_ figures: Figures, _ name: String, isOurs: Bool) {
        func target(_ value: Double) -> Double? { isOurs ? value : nil }
        Report.figure("\(name): first output", figures.firstOutput, unit: "ms", target: target(30))
        Report.figure("… first data on the screen", figures.firstData, unit: "ms", target: target(2000))
        Report.figure("… key to paint, p95", figures.keys, percentile: 0.95, unit: "ms", target: target(16))
        Report.figure("… bytes to the terminal per key", figures.bytesPerKey, unit: "B", target: target(1000))
        Report.figure("… bytes to the terminal, untouched", figures.bytesPerSecond, unit: "B/s", target: target(1000))
        Report.figure("… share of a processor, untouched", figures.load, unit: "%", target: target(2))
        Report.figure("… memory", figures.memory, unit: "MB", target: target(120))
    }

    /// What a program writes to its terminal, counted.
    private struct Output {
        private let child: ChildProcess
        private(set) var count = 0
        private var tail: [UInt8] = []

        init(_ child: ChildProcess) { self.child = child }

        /// One chunk; false when none came in time.
        mutating func read(_ milliseconds: Int32) -> Bool {
            guard let chunk = child.read(milliseconds: milliseconds) else { return false }
            count += chunk.count
            tail = tail.suffix(256) + chunk
            return true
        }

        /// Reads on for so long.
        mutating func drain(_ milliseconds: Int32) {
            let until = ticks() + Int64(milliseconds) * 1_000_000
            while true {
                let left = (until - ticks()) / 1_000_000
                guard left > 0 else { return }
                _ = read(Int32(left))
            }
        }

        mutating func find(_ text: String, milliseconds: Int) -> Bool {
            let wanted = Array(text.utf8)
            let until = ticks() + Int64(milliseconds) * 1_000_000
            while ticks() < until {
                if tail.contains(wanted) { return true }
                _ = read(200)
            }
            return false
        }
    }
}
