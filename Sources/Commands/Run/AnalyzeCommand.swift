import Client
import ClientCore
import Console
import Observatory
import Primitives
import Reactor

/// `kastellan analyze`: reads a topic through, and tells what is in it.
struct AnalyzeCommand {
    private let access: ClusterAccess
    private let topic: String
    private var analysis = TopicAnalysis()
    /// By partition, how much there is to read and how much of it was.
    private var span = OrderedMap<TopicPartition, (total: Int64, done: Int64)>()
    private var failures: [String] = []
    private let progress = ProgressLine(isShown: Streams.isTerminal(Streams.error))

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let range = try TailCommand.range(invocation.all("--offsets"), now: SystemClock.wall())
        var command = AnalyzeCommand(access: try ClusterAccess(invocation), topic: invocation.positionals[0])
        let existing = try command.access.partitions(of: command.topic)
        let asked = invocation.integers("--partition").map { Int32($0) }
        if let wrong = asked.first(where: { !existing.contains($0) }) {
            throw Failure(.error, "topic \(command.topic) has no partition \(wrong); it has \(existing.count)")
        }
        var options = ReaderOptions(topics: [command.topic])
        options.partitions = asked.isEmpty ? nil : asked.map { TopicPartition(command.topic, $0) }
        options.start = (range.start ?? .beginning).readStart
        options.stop = range.stop.map { Optional($0).readStop } ?? .atEnd
        options.isReadCommitted = !invocation.isSet("--uncommitted")
        Interrupt.watch()
        let status = try command.read(options)
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        Streams.print(AnalyzeCommand.listing(command.analysis).text(format, forTerminal: Streams.isTerminal(Streams.output)))
        return status
    }

    private init(access: ClusterAccess, topic: String) { (self.access, self.topic) = (access, topic) }

    private mutating func read(_ options: ReaderOptions) throws(Failure) -> ExitStatus {
        let reader = TopicReader(access.client, options)
        defer { reader.stop() }
        while true {
            if Interrupt.isSet {
                progress.end()
                Streams.complain("interrupted: this is of what was read until then")
                return .interrupted
            }
            switch reader.next(timeoutMs: 200) {
            case .nothingYet: continue
            case .finished:
                progress.end()
                return failures.isEmpty ? .ok : .partial
            case .output(let event): try take(event)
            }
        }
    }

    private mutating func take(_ event: ReaderOutput) throws(Failure) {
        switch event {
        case .started(let positions):
            for position in positions { analysis.begin(position.partition.partition) }
            note(positions)
        case .caughtUp: break
        case .records(let records, _, let positions):
            for record in records { analysis.take(record) }
            note(positions)
        case .notice(let text):
            progress.end()
            Streams.complain(text)
        case .failed(.some(let partition), let error):
            failures.append("\(partition)")
            progress.end()
            Streams.complain("\(partition): \(error)")
        case .failed(nil, let error):
            progress.end()
            throw access.failure(error)
        }
    }

    private mutating func note(_ positions: [ReaderPosition]) {
        for place in positions {
            let stop = place.stop ?? place.end
            span[place.partition] = (max(0, stop - place.start), max(0, place.position - place.start))
        }
        let total = span.values.reduce(0) { $0 + $1.total }
        let done = span.values.reduce(0) { $0 + min($1.done, $1.total) }
        progress.show("\(done) of \(total) offsets read (\(total > 0 ? Int(Double(done) * 100 / Double(total)) : 100)%)")
    }

    /// A row for each partition, and where there are several, one for all.
    static func listing(_ analysis: TopicAnalysis) -> Listing {
        var listing = Listing([
            .init("PARTITION", "partition"), .init("RECORDS", "records", right: true), .init("NULL-KEYS", "nullKeys", right: true),
            .init("TOMBSTONES", "tombstones", right: true), .init("KEYS", "distinctKeys", right: true),
            .init("KEY-MAX", "keyBytesMax", right: true), .init("VALUE-AVG", "valueBytesAverage", right: true),
            .init("P50", "valueBytesP50", right: true), .init("P99", "valueBytesP99", right: true),
            .init("MAX", "valueBytesMax", right: true), .init("BYTES", "bytes", right: true), .init("OLDEST", "oldest"),
            .init("NEWEST", "newest"),
        ])
        func number(_ value: Int?) -> JSON { value.map { .number(Int64($0)) } ?? .null }
        func time(_ value: Timestamp?) -> JSON { value.map { $0.milliseconds >= 0 ? .string(IsoTime.text($0) + "Z") : .null } ?? .null }
        func add(_ name: JSON, _ part: TopicAnalysis.Part) {
            let values = part.valueSizes
            listing.add([
                name, .number(part.records), .number(part.nullKeys), .number(part.nullValues), .number(part.keys.estimate),
                number(part.keySizes.count > 0 ? part.keySizes.most : nil), number(values.mean.map { Int($0.rounded()) }),
                number(values.quantile(0.5)), number(values.quantile(0.99)), number(values.count > 0 ? values.most : nil),
                .number(part.keySizes.sum + values.sum), time(part.oldest), time(part.newest),
            ])
        }
        for (partition, part) in analysis.parts { add(.number(Int64(partition)), part) }
        if analysis.parts.count > 1 { add(.string("all"), analysis.whole) }
        return listing
    }
}
