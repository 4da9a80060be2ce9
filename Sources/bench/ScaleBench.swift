import Glibc
import Wire

/// A broker with ten partitions, with a thousand and with a hundred thousand, none of which anybody writes to: what they cost in memory,
/// what a whole Metadata takes, how long the broker is in starting again.
struct ScaleBench {
    let program: String
    let directory: String

    private static let perTopic = 1000

    func run() throws {
        for count in [10, 1000, 100_000] { try measure(count) }
    }

    private func measure(_ count: Int) throws {
        let name = "\(count) partitions"
        var making = Samples()
        var metadata = Samples()
        var restart = Samples()
        var memory = Samples()
        let (process, port) = try start(count)
        guard let client = PlainClient(port: port, seconds: 60) else { throw ChildProcess.Failed(description: "nobody listens") }
        let begun = ticks()
        for topic in 0..<max(count / ScaleBench.perTopic, 1) {
            let error = client.makeTopic("topic-\(topic)", replicas: 1, partitions: Int32(min(count, ScaleBench.perTopic)))
            guard error == ErrorCode.none else { throw ChildProcess.Failed(description: "CreateTopics: \(error?.name ?? "no answer")") }
        }
        making.add(seconds(since: begun) * 1000)
        for _ in 0..<5 {
            let start = ticks()
            var request = MetadataRequest()
            request.topics = nil
            guard let answer = client.ask(request, version: 9), answer.topics.count >= max(count / ScaleBench.perTopic, 1) else {
                throw ChildProcess.Failed(description: "no Metadata")
            }
            metadata.add(seconds(since: start) * 1000)
        }
        process.stop()
        for _ in 0..<3 {
            let begun = ticks()
            let (again, port) = try start(count)
            // It serves when it leads: its first topic's first partition.
            guard let client = PlainClient(port: port, seconds: 60) else { throw ChildProcess.Failed(description: "nobody listens") }
            while client.leadership("topic-0") == nil {
                guard seconds(since: begun) < 60 else { throw ChildProcess.Failed(description: "no leaders for a minute") }
                usleep(1000)
            }
            restart.add(seconds(since: begun) * 1000)
            usleep(1_000_000)
            memory.add(Double(again.residentBytes) / 1e6)
            again.stop()
        }
        let isMost = count == 100_000
        Report.figure("\(name): all made", making, unit: "ms", target: nil)
        Report.figure("… whole Metadata asked for and decoded", metadata, unit: "ms", target: nil)
        Report.figure("… start again to the first leader", restart, unit: "ms", target: isMost ? 3000 : nil)
        Report.figure("… memory after it", memory, unit: "MB", target: isMost ? 400 : nil)
    }

    private func start(_ count: Int) throws -> (ChildProcess, Int) {
        let process = try ChildProcess.start(
            [program, "dev", "--headless", "--brokers", "1", "--port", "0", "--data", "\(directory)/scale-\(count)"])
        let line = try process.firstLine(milliseconds: 60_000)
        guard let port = Int(line.split(separator: ":").last ?? "") else {
            throw ChildProcess.Failed(description: "a broker printed \"\(line)\"")
        }
        return (process, port)
    }
}
