import Client
import ClientCore
import Console
import Payloads
import Primitives
import Reactor
import Records
import Wire

/// `kastellan tail`: reads topics and prints their records as a format string says.
struct TailCommand {
    private let access: ClusterAccess
    private let options: ReaderOptions
    private let format: RecordFormat
    private let filter: TailFilter
    /// Records still to be printed; nil for no limit.
    private var left: Int64?
    private let decodes: Bool
    private let payload: PayloadFormat
    private let book: SchemaBook?
    private let masks: MaskBook
    /// Holds records until no partition can bring an older one; nil where they are printed as they come.
    private var merge: TimeMerge?
    private let forTerminal = Streams.isTerminal(Streams.output)
    private var output = OutputBuffer()
    private var failures: [String] = []
    private var complained = false

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        var command = try TailCommand(invocation)
        return try command.run()
    }

    private init(_ invocation: Invocation) throws(Failure) {
        let now = SystemClock.wall()
        let range = try TailCommand.range(invocation.all("--offsets"), now: now)
        if case .timestamp(let stop)? = range.stop, stop > now {
            throw .usage("--offsets: the stop lies in the future; leave it out to wait for new records")
        }
        format = try RecordFormat(invocation.text("--format") ?? "%s\\n")
        left = invocation.integer("--count")
        filter = TailFilter(invocation.text("--filter") ?? "", now: now, compile: compileTailProgram)
        if let problem = filter.problem { throw .usage("--filter: \(problem)") }
        masks = try TailCommand.masks(invocation)
        access = try ClusterAccess(invocation)
        decodes = !invocation.isSet("--raw")
        payload = decodes ? invocation.text("--decode").flatMap { PayloadFormat(rawValue: $0) } ?? .automatic : .none
        book = decodes ? try SchemaAccess.book(invocation, waits: true) : nil
        let topics = invocation.isSet("--regex") ? try access.topics(matching: invocation.positionals) : invocation.positionals
        let asked = invocation.integers("--partition").map { Int32($0) }
        for topic in topics {
            let existing = try access.partitions(of: topic)
            if let wrong = asked.first(where: { !existing.contains($0) }) {
                throw Failure(.error, "topic \(topic) has no partition \(wrong); it has \(existing.count)")
            }
        }
        let ends = invocation.isSet("--exit") || range.stop != nil
        var options = ReaderOptions(topics: topics)
        options.partitions = asked.isEmpty ? nil : topics.flatMap { topic in asked.map { TopicPartition(topic, $0) } }
        options.start = (range.start ?? (ends ? .beginning : .end)).readStart
        options.stop = range.stop.map { Optional($0).readStop } ?? (ends ? .atEnd : .never)
        options.isReadCommitted = !invocation.isSet("--uncommitted")
        options.showsControl = invocation.isSet("--control")
        self.options = options
        if invocation.isSet("--by-time") { merge = TimeMerge(bytesMax: 6 << 20) }
    }

    private static func masks(_ invocation: Invocation) throws(Failure) -> MaskBook {
        let masks = MessageMasks(try ConsoleSettings.masks(), of: try ConnectionSource(invocation).context)
        guard invocation.isSet("--unmasked") else { return masks.book }
        if let who = masks.requiredBy { throw Failure(.error, "--unmasked: \(who)") }
        return .none
    }

    /// What all `-o` say together: rpk's grammar, and kcat's `s@TIME` and `e@TIME`.
    static func range(_ texts: [String], now: Timestamp) throws(Failure) -> TailRange {
        var range = TailRange()
        for text in texts {
            let isStop = text.hasPrefix("e@")
            let plain = isStop || text.hasPrefix("s@") ? String(text.dropFirst()) : text
            guard let found = TailRange(plain, now: now), !isStop || found.stop == nil else {
                throw .usage(
                    "--offsets: \"\(text)\" is none of start, end, N, +N, -N, @TIME, s@TIME, e@TIME, nor two of them with : between")
            }
            if isStop {
                switch found.start {
                case .timestamp(let time)?: range.stop = .timestamp(time)
                case .ago(let age)?: range.stop = .timestamp(Timestamp(milliseconds: max(0, now.milliseconds - age)))
                default: range.stop = .end
                }
            } else {
                range.start = found.start ?? range.start
                range.stop = found.stop ?? range.stop
            }
        }
        return range
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
                merge?.hurry()
                printMerged()
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
        case .started(let positions):
            merge?.learn(positions)
            output.flush()
        case .caughtUp: output.flush()
        case .records(let records, _, let positions):
            guard merge != nil else { return print(records) }
            merge?.put(records)
            merge?.learn(positions)
            printMerged()
        case .notice(let text):
            output.flush()
            merge?.hurry()
            Streams.complain(text)
        case .failed(.some(let partition), let error):
            failures.append("\(partition)")
            merge?.end(partition)
            Streams.complain("\(partition): \(error)")
        case .failed(nil, let error):
            output.flush()
            throw access.failure(error)
        }
    }

    private mutating func printMerged() {
        while let records = merge?.take(1000), !records.isEmpty { print(records) }
    }

    private mutating func print(_ records: [ReadRecord]) {
        for record in records {
            guard left != 0 else { return }
            print(record)
        }
    }

    private mutating func print(_ record: ReadRecord) {
        var value = record.value
        var key = record.key
        var headers = record.headers.map { (name: $0.key, value: $0.value) }
        let isMasked = masks.applies(to: record.partition.topic)
        if decodes || !filter.isEmpty || isMasked {
            let message = TailMessage(record, book, payload, masks: masks)
            if message.decodedValue == nil, message.decodedKey == nil, let reason = message.decoding, !complained {
                Streams.complain("\(record.partition) @ \(record.offset): \(reason)")
                complained = true
            }
            if decodes || isMasked { (key, value) = (message.shownKey, message.shownValue) }
            if message.masking != nil { headers = message.headers.map { (Bytes($0.name), $0.value) } }
            switch filter.outcome(message) {
            case .hidden: return
            case .asItIs: break
            case .instead(let bytes): value = bytes
            case .failed(let reason):
                // A program that goes with some messages and not with others is usual: said once.
                if !complained { Streams.complain("\(record.partition) @ \(record.offset): jq: \(reason); such records are left out") }
                complained = true
                return
            }
        }
        var printable = PrintableRecord(
            topic: record.partition.topic, partition: record.partition.partition, offset: record.offset.rawValue,
            timestamp: record.timestamp.milliseconds, key: key, value: value)
        printable.isAppendTime = record.timestampType == .logAppendTime
        printable.headers = headers
        if let control = record.control { printable.control = "\(control)" }
        output.append { format.write(printable, forTerminal: forTerminal, to: &$0) }
        if let count = left { left = count - 1 }
    }
}

extension ClusterAccess {
    /// Existing topics that match one of the patterns, without internal ones.
    func topics(matching patterns: [String]) throws(Failure) -> [String] {
        var compiled: [Pattern] = []
        for text in patterns {
            do throws(Pattern.Failure) { compiled.append(try Pattern(text)) } catch { throw .usage("--regex: \(text): \(error.rawValue)") }
        }
        var request = MetadataRequest()
        request.topics = nil
        request.allowAutoTopicCreation = false
        let answer = try ask(request)
        let names = answer.topics.filter { !$0.isInternal }.compactMap(\.name).filter { name in compiled.contains { $0.matches(name) } }
        guard !names.isEmpty else { throw Failure(.error, "no topic matches \(patterns.joined(separator: " "))") }
        return names.sorted()
    }
}
