import Client
import ClientCore
import Glibc
import Observatory
import Payloads
import Primitives
import Reactor
import Records
import Synchronization
import Wire

/// Carries a `SendJob` out: counts it, or does it. Blocks its thread; another may `abort` it.
///
/// Doing: reads from the source, writes to the target with an idempotent producer and acks=all, and after every
/// `SendJob.checkpointEvery` messages waits until all is acknowledged and writes its checkpoint. So after a crash at most that many
/// messages are in the target and not in the checkpoint. A resumed run reads the target from the ends that the checkpoint names, and
/// leaves out what bears its source in the header.
final class SendRun: Sendable {
    struct Progress: Sendable {
        var read: Int64
        var total: Int64
        var written: Int
    }
    struct Outcome: Sendable {
        var written = 0
        /// Already there, from a run before.
        var skipped = 0
        var read = 0
        var leftOut = 0
        var failed = 0
        var firstFailure: String?
        var isAborted = false
        /// What of it is not there when the target is read again.
        var missing: [String] = []
    }

    let job: SendJob
    private let source: ClusterClient
    private let target: ClusterClient
    private let checkpointPath: String?
    private let timeoutMs: Int64
    /// What filters read payloads by.
    private let book: SchemaBook?
    private let masks: MessageMasks
    private let isAborted = Mutex(false)
    private let onProgress: @Sendable (Progress) -> Void
    /// Looked at before each message: whether to end.
    private let isInterrupted: @Sendable () -> Bool

    init(
        _ job: SendJob, from source: ClusterClient, to target: ClusterClient, checkpoint: String?, state: String = Paths.state,
        timeoutMs: Int64 = 30_000, book: SchemaBook? = nil, masks: MessageMasks = .none,
        isInterrupted: @escaping @Sendable () -> Bool = { false }, onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) {
        self.job = job
        self.source = source
        self.target = target
        self.timeoutMs = timeoutMs
        self.book = book
        self.masks = masks
        self.onProgress = onProgress
        self.isInterrupted = isInterrupted
        checkpointPath = checkpoint.map { SendCheckpoint.path($0, in: state) }
    }

    func abort() { isAborted.withLock { $0 = true } }
    private var mustStop: Bool { isAborted.withLock { $0 } || isInterrupted() }

    /// What makes this job the same as one before, in one line.
    private var identity: String {
        guard case .topics(let reading) = job.source else { return "messages" }
        let parts = [
            reading.topics.joined(separator: " "), "\(reading.partition ?? -1)", "\(reading.start)", "\(reading.stop)", "\(job.target)",
            job.filter,
            job.transform, "\(job.keepsPartitions)", "\(job.stripsErrors)",
        ]
        return parts.joined(separator: "|").split(separator: "\n").joined(separator: " ")
    }

    // MARK: Counting

    /// Reads all that the job would read and writes nothing.
    func count() throws(Failure) -> SendCount {
        let shaper = try SendShaper(
            job, now: SystemClock.wall(), clusterID: clusterID(source), book: book, masks: masks, isElsewhere: source !== target)
        var count = SendCount()
        switch job.source {
        case .messages(let messages):
            for message in messages { count.take(shaper.shape(message)) { shaper.shown($0) } }
        case .topics(let reading):
            count.unfinished = checkpointPath.flatMap(SendCheckpoint.read).flatMap { $0.job == identity ? $0.time : nil }
            let resumed = resumePoint()
            try read(reading, from: resumed?.next) { (record: ReadRecord) throws(Failure) in
                count.take(shaper.shape(record)) { shaper.shown($0) }
            } progress: { read, total in
                onProgress(Progress(read: read, total: total, written: 0))
            }
        }
        count.missing = try missingTopics(count.shares.keys)
        return count
    }

    private func missingTopics(_ names: [String]) throws(Failure) -> [String] {
        if names.isEmpty { return [] }
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = names.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        let answer = try ask(request, target)
        return answer.topics.filter { $0.errorCode == .unknownTopicOrPartition || $0.errorCode == .invalidTopicException }.compactMap(
            \.name)
    }

    // MARK: Doing

    private final class Ledger: Sendable {
        struct State {
            var written = 0
            var failed = 0
            var firstFailure: ClientError?
            /// The last offset written to each partition.
            var last = OrderedMap<TopicPartition, Offset>()
        }
        let state = Mutex(State())

        func settle(_ result: Result<SimpleProducer.Delivery, ClientError>) {
            state.withLock { state in
                switch result {
                case .success(let delivery):
                    state.written += 1
                    state.last[delivery.partition] = max(state.last[delivery.partition] ?? .none, delivery.offset)
                case .failure(let error):
                    state.failed += 1
                    state.firstFailure = state.firstFailure ?? error
                }
            }
        }
    }

    /// Whoever runs it says by which gate: there is no way round it.
    func run(gate: ChangeGate) throws(Failure) -> Outcome {
        if let objection = gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        let shaper = try SendShaper(
            job, now: SystemClock.wall(), clusterID: clusterID(source), book: book, masks: masks, isElsewhere: source !== target)
        var options = ProducerOptions()
        options.codec = job.codec
        options.seed = UInt64.random(in: .min ... .max)
        let producer = SimpleProducer(target, options)
        let ledger = Ledger()
        var pace = Pace(rate: job.rate)
        var outcome = Outcome()
        switch job.source {
        case .messages(let messages):
            outcome.read = messages.count
            for message in messages {
                if mustStop { break }
                pace.wait { mustStop }
                switch shaper.shape(message) {
                case .message(let record): try send(record, producer, ledger)
                case .failed(let reason):
                    outcome.failed += 1
                    outcome.firstFailure = outcome.firstFailure ?? reason
                case .filtered, .dropped, .withoutOrigin: outcome.leftOut += 1
                }
                onProgress(Progress(read: Int64(outcome.read), total: Int64(messages.count), written: ledger.state.withLock { $0.written }))
            }
            try settle(producer, ledger)
        case .topics(let reading):
            try copy(reading, shaper, producer, ledger, &pace, &outcome)
        }
        let state = ledger.state.withLock { $0 }
        outcome.written = state.written
        outcome.isAborted = mustStop
        outcome.missing = try check(state.last)
        return outcome
    }

    private func copy(
        _ reading: SendJob.Reading, _ shaper: SendShaper, _ producer: SimpleProducer, _ ledger: Ledger, _ pace: inout Pace,
        _ outcome: inout Outcome
    ) throws(Failure) {
        let resumed = resumePoint()
        let already = try resumed.map { (checkpoint: SendCheckpoint) throws(Failure) in try writtenSince(checkpoint) } ?? []
        var checkpoint = SendCheckpoint(time: SystemClock.wall(), written: resumed?.written ?? 0, job: identity)
        checkpoint.next = resumed?.next ?? OrderedMap()
        checkpoint.targetEnds = resumed?.targetEnds ?? OrderedMap()
        let before = checkpoint.written
        var targets = checkpoint.targetEnds.keys.map(\.topic).uniqued()
        var sinceCheckpoint = 0
        // Closures cannot throw what this throws and change what this changes: the state goes through locals.
        var (read, leftOut, skipped, failed) = (0, 0, 0, 0)
        var firstFailure: String?
        try self.read(
            reading, from: resumed?.next,
            started: { positions in
                // Where a relative start was: a resumed run begins there, not where it would be then.
                for position in positions where checkpoint.next[position.partition] == nil {
                    checkpoint.next[position.partition] = position.position
                }
            }
        ) { (record: ReadRecord) throws(Failure) in
            read += 1
            switch shaper.shape(record) {
            case .filtered, .dropped: leftOut += 1
            case .withoutOrigin:
                failed += 1
                firstFailure = firstFailure ?? "\(record.partition) @ \(record.offset) does not say where it came from"
            case .failed(let reason):
                failed += 1
                firstFailure = firstFailure ?? "\(record.partition) @ \(record.offset): \(reason)"
            case .message(let message):
                if already.contains(shaper.marker(record.partition, record.offset)) {
                    skipped += 1
                } else {
                    pace.wait { mustStop }
                    if mustStop { return }
                    if !targets.contains(message.topic) {
                        // Before the first message to a topic its ends are written down: from then on it is known where to look in it.
                        for (partition, end) in try ends(of: message.topic) { checkpoint.targetEnds[partition] = end }
                        targets.append(message.topic)
                        try settle(producer, ledger)
                        try save(&checkpoint, ledger, before)
                        sinceCheckpoint = 0
                    }
                    try send(message, producer, ledger)
                    sinceCheckpoint += 1
                }
            }
            checkpoint.next[record.partition] = record.offset + 1
            if sinceCheckpoint >= SendJob.checkpointEvery {
                try settle(producer, ledger)
                try save(&checkpoint, ledger, before)
                sinceCheckpoint = 0
            }
        } progress: { done, total in
            onProgress(Progress(read: done, total: total, written: ledger.state.withLock { $0.written }))
        }
        try settle(producer, ledger)
        (outcome.read, outcome.leftOut, outcome.skipped, outcome.failed, outcome.firstFailure) = (
            read, leftOut, skipped, failed, firstFailure
        )
        if mustStop {
            try save(&checkpoint, ledger, before)
        } else if let checkpointPath {
            SendCheckpoint.remove(checkpointPath)
        }
    }

    private func send(_ record: ProducerRecord, _ producer: SimpleProducer, _ ledger: Ledger) throws(Failure) {
        while !producer.send(record, completion: { ledger.settle($0) }) {
            // The buffer is full: what is under way bounds our memory.
            guard producer.flush(timeoutMs: timeoutMs) else {
                throw Failure(.timeout, "the target takes no more messages; it did not answer in time")
            }
        }
        if let error = ledger.state.withLock({ $0.firstFailure }) { throw SendRun.failure(error) }
    }

    /// Waits until all that was sent is acknowledged.
    private func settle(_ producer: SimpleProducer, _ ledger: Ledger) throws(Failure) {
        guard producer.flush(timeoutMs: timeoutMs) else {
            throw Failure(.timeout, "\(producer.outstanding) messages were not acknowledged in time; what was is in the checkpoint")
        }
        if let error = ledger.state.withLock({ $0.firstFailure }) { throw SendRun.failure(error) }
    }

    private static func failure(_ error: ClientError) -> Failure { Failure(.error, "a message was not written: \(error)") }

    // MARK: Checkpoints

    /// What an earlier run left, where it was this job and is to go on.
    private func resumePoint() -> SendCheckpoint? {
        guard job.resumes, let checkpointPath, let found = SendCheckpoint.read(checkpointPath), found.job == identity else { return nil }
        return found
    }

    private func save(_ checkpoint: inout SendCheckpoint, _ ledger: Ledger, _ before: Int) throws(Failure) {
        guard let checkpointPath else { return }
        let state = ledger.state.withLock { $0 }
        checkpoint.time = SystemClock.wall()
        checkpoint.written = before + state.written
        for (partition, last) in state.last { checkpoint.targetEnds[partition] = last + 1 }
        guard checkpoint.write(checkpointPath) else {
            throw Failure(.error, "the checkpoint \(checkpointPath) cannot be written; without it a run cannot be resumed")
        }
    }

    private func ends(of topic: String) throws(Failure) -> OrderedMap<TopicPartition, Offset> {
        let reader = TopicReader(target, ReaderOptions(topics: [topic], start: .latest, stop: .atEnd))
        defer { reader.stop() }
        var ends = OrderedMap<TopicPartition, Offset>()
        for _ in 0..<Int(max(1, timeoutMs / 1000)) {
            switch reader.next(timeoutMs: 1000) {
            case .output(.started(let positions)):
                for position in positions { ends[position.partition] = position.position }
                return ends
            case .output(.failed(_, let error)): throw SendRun.failure(error)
            case .finished: return ends
            default: break
            }
        }
        throw Failure(.timeout, "the target does not say where its partitions end")
    }

    /// The sources named by messages that were written after the checkpoint.
    private func writtenSince(_ checkpoint: SendCheckpoint) throws(Failure) -> Set<String> {
        guard job.marks, !checkpoint.targetEnds.isEmpty else { return [] }
        var options = ReaderOptions(topics: checkpoint.targetEnds.keys.map(\.topic).uniqued(), start: .latest, stop: .atEnd)
        options.starts = checkpoint.targetEnds
        var found: Set<String> = []
        try read(options) { (record: ReadRecord) throws(Failure) in
            if let marker = record.headers.last(where: { $0.key == Bytes(SendJob.marker) })?.value?.string { found.insert(marker) }
        } progress: { _, _ in
        }
        return found
    }

    // MARK: Reading

    private func read(
        _ reading: SendJob.Reading, from next: OrderedMap<TopicPartition, Offset>?, started: ([ReaderPosition]) -> Void = { _ in },
        _ each: (ReadRecord) throws(Failure) -> Void, progress: (Int64, Int64) -> Void
    ) throws(Failure) {
        var options = ReaderOptions(topics: reading.topics, start: reading.start, stop: reading.stop)
        if let partition = reading.partition { options.partitions = reading.topics.map { TopicPartition($0, partition) } }
        options.isReadCommitted = true
        options.starts = next ?? OrderedMap()
        try read(options, from: source, started: started, each, progress: progress)
    }

    private func read(
        _ options: ReaderOptions, from client: ClusterClient? = nil, started: ([ReaderPosition]) -> Void = { _ in },
        _ each: (ReadRecord) throws(Failure) -> Void, progress: (Int64, Int64) -> Void
    ) throws(Failure) {
        var options = options
        options.damage = .fail
        let reader = TopicReader(client ?? target, options)
        defer { reader.stop() }
        var (done, total) = (OrderedMap<TopicPartition, Int64>(), Int64(0))
        var quietSince = SystemClock.instant()
        while !mustStop {
            switch reader.next(timeoutMs: 250) {
            case .finished: return
            case .nothingYet:
                guard SystemClock.instant().milliseconds(since: quietSince) < timeoutMs else {
                    throw Failure(.timeout, "the source did not answer in time")
                }
                continue
            case .output(.started(let positions)):
                started(positions)
                total = positions.reduce(0) { $0 + max(0, ($1.stop ?? $1.end).rawValue - $1.start.rawValue) }
                progress(0, total)
            case .output(.records(let records, _, let positions)):
                for record in records {
                    if mustStop { return }
                    try each(record)
                }
                for position in positions { done[position.partition] = position.position.rawValue - position.start.rawValue }
                progress(min(total, done.values.reduce(0, +)), total)
            case .output(.failed(_, let error)): throw Failure(.error, "the source cannot be read: \(error)")
            case .output(.notice), .output(.caughtUp): break
            }
            quietSince = SystemClock.instant()
        }
    }

    // MARK: Afterwards

    /// Reads the last message written to each partition again; what is not there, in sentences.
    private func check(_ last: OrderedMap<TopicPartition, Offset>) throws(Failure) -> [String] {
        if last.isEmpty { return [] }
        var options = ReaderOptions(topics: last.keys.map(\.topic).uniqued(), partitions: last.keys, start: .latest, stop: .atEnd)
        options.starts = last
        let reader = TopicReader(target, options)
        defer { reader.stop() }
        var missing = last
        let began = SystemClock.instant()
        while !missing.isEmpty, SystemClock.instant().milliseconds(since: began) < timeoutMs {
            switch reader.next(timeoutMs: 250) {
            case .output(.records(let records, _, _)):
                for record in records where missing[record.partition] == record.offset { missing.remove(record.partition) }
            case .output(.failed(_, let error)): return ["The check failed: \(error)."]
            case .finished: return missing.map { "\($0.key) has no message at \($0.value)." }
            default: break
            }
        }
        return missing.map { "\($0.key) has no message at \($0.value)." }
    }

    private func clusterID(_ client: ClusterClient) throws(Failure) -> String? {
        var request = MetadataRequest()
        request.topics = []
        return try ask(request, client).clusterID
    }

    private func ask<R: WireRequest>(_ request: R, _ client: ClusterClient) throws(Failure) -> R.Response {
        do throws(ClientError) {
            return try client.send(request, to: .any, timeoutMs: timeoutMs)
        } catch {
            throw Failure(.error, "\(error)")
        }
    }
}

extension SendCount {
    /// `shown`: a message as it may be seen.
    mutating func take(_ shaped: SendShaper.Shaped, shown: (NewMessage) -> NewMessage) {
        read += 1
        switch shaped {
        case .message(let record): add(record, shown)
        case .filtered: filtered += 1
        case .dropped: dropped += 1
        case .withoutOrigin: withoutOrigin += 1
        case .failed(let reason):
            failed += 1
            firstFailure = firstFailure ?? reason
        }
    }

    private mutating func add(_ record: ProducerRecord, _ shown: (NewMessage) -> NewMessage) {
        var share = shares[record.topic] ?? Share()
        share.messages += 1
        share.bytes += record.size
        shares[record.topic] = share
        guard samples.count < SendCount.samplesMax else { return }
        let headers = record.headers.map { NewMessage.Header($0.key.lossyString, $0.value) }
        let message = NewMessage(topic: record.topic, partition: record.partition, key: record.key, value: record.value, headers: headers)
        samples.append(shown(message))
    }
}

/// Keeps to a number of messages a second.
struct Pace {
    private let rate: Int64?
    private var begun: Instant?
    private var count: Int64 = 0

    init(rate: Int64?) { self.rate = rate }

    /// Before each message: sleeps until it is its turn, or `mustStop` says so.
    mutating func wait(_ mustStop: () -> Bool) {
        guard let rate, rate > 0 else { return }
        let begun = begun ?? SystemClock.instant()
        self.begun = begun
        let due = begun.adding(milliseconds: count * 1000 / rate)
        count += 1
        while !mustStop() {
            let left = due.milliseconds(since: SystemClock.instant())
            if left <= 0 { return }
            usleep(UInt32(min(left, 100) * 1000))
        }
    }
}
