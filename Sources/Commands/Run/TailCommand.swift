import Client
import ClientCore
import Primitives
import Reactor
import Records

/// `kastellan tail`: reads a topic and prints its records as a format string says.
struct TailCommand {
    private let access: ClusterAccess
    private let options: ReaderOptions
    private let format: RecordFormat
    /// Records still to be printed; nil for no limit.
    private var left: Int64?
    /// Records of this time and later are not wanted.
    private let stopTime: Timestamp?
    private let forTerminal = Streams.isTerminal(Streams.output)
    private var output = OutputBuffer()
    private var failures: [String] = []

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        var command = try TailCommand(invocation)
        return try command.run()
    }

    private init(_ invocation: Invocation) throws(Failure) {
        let now = SystemClock.wall()
        let range = try OffsetRange.parse(invocation.all("--offsets"), now: now)
        if let stop = range.stop, stop > now { throw .usage("--offsets: e@ lies in the future; leave it out to wait for new records") }
        format = try RecordFormat(invocation.text("--format") ?? "%s\\n")
        left = invocation.integer("--count")
        stopTime = range.stop
        access = try ClusterAccess(invocation)
        let topic = invocation.positionals[0]
        let existing = try access.partitions(of: topic)
        let asked = invocation.integers("--partition").map { Int32($0) }
        if let wrong = asked.first(where: { !existing.contains($0) }) {
            throw Failure(.error, "topic \(topic) has no partition \(wrong); it has \(existing.count)")
        }
        let ends = invocation.isSet("--exit") || range.stop != nil
        var options = ReaderOptions(topics: [topic])
        options.partitions = asked.isEmpty ? nil : asked.map { TopicPartition(topic, $0) }
        options.start = TailCommand.start(range.start ?? (ends ? .beginning : .end))
        options.stop = ends ? .atEnd : .never
        options.isReadCommitted = !invocation.isSet("--uncommitted")
        self.options = options
    }

    static func start(_ choice: OffsetChoice) -> ReadStart {
        switch choice {
        case .beginning: .earliest
        case .end: .latest
        case .offset(let offset): .offset(Offset(offset))
        case .last(let count): .last(count)
        case .time(let time): .timestamp(time)
        }
    }

    private mutating func run() throws(Failure) -> ExitStatus {
        if left == 0 { return .ok }
        let reader = TopicReader(access.client, options)
        defer { reader.stop() }
        while left != 0 {
            // What is gathered goes out before we wait: nothing stays behind in a pipe.
            switch reader.next(timeoutMs: output.pending ? 0 : 1000) {
            case .nothingYet:
                output.flush()
                if Streams.outputIsBroken { return .ok }
            case .finished:
                output.flush()
                return failures.isEmpty ? .ok : .partial
            case .output(let event): try take(event)
            }
        }
        output.flush()
        return .ok
    }

    private mutating func take(_ event: ReaderOutput) throws(Failure) {
        switch event {
        case .started, .caughtUp: output.flush()
        case .records(let records, _, _):
            for record in records {
                guard left != 0 else { return }
                print(record)
            }
        case .notice(let text):
            output.flush()
            Streams.complain(text)
        case .failed(.some(let partition), let error):
            failures.append("\(partition)")
            Streams.complain("\(partition): \(error)")
        case .failed(nil, let error):
            output.flush()
            throw access.failure(error)
        }
    }

    private mutating func print(_ record: ReadRecord) {
        if let stopTime, record.timestamp >= stopTime { return }
        var printable = PrintableRecord(
            topic: record.partition.topic, partition: record.partition.partition, offset: record.offset.rawValue,
            timestamp: record.timestamp.milliseconds, key: record.key, value: record.value)
        printable.isAppendTime = record.timestampType == .logAppendTime
        printable.headers = record.headers.map { ($0.key, $0.value) }
        output.append { format.write(printable, forTerminal: forTerminal, to: &$0) }
        if let count = left { left = count - 1 }
    }
}
