import ClientCore
import Primitives
import Reactor
import Records
import Synchronization

/// Where a record goes that names no partition.
public enum Partitioner: Sendable {
    /// By murmur2 of its key, as Java's default partitioner; without a key to one partition until a batch is full, then to another.
    case standard
    /// To one partition until a batch is full, then to another, whatever its key.
    case sticky
    /// One to each partition in turn.
    case roundRobin
    /// The caller's own: a record and the number of the topic's partitions to a partition below that number. Runs on the client's thread.
    case custom(@Sendable (OutgoingRecord, Int32) -> Int32)
}

/// A record that a producer has taken and that is written, or not, by and by.
public struct PendingRecord: Sendable {
    enum Source: Sendable {
        case alone(Promise<Producer.Outcome>)
        /// A place in what it was gathered with.
        case gathered(ProducerLedger, GatheredOutcomes, Int)
    }
    let source: Source

    /// Where it was written, as soon as it is as `acks` says. May be asked any number of times, or never.
    ///
    /// - Throws: why it was not written.
    public var metadata: RecordMetadata {
        get async throws(KafkaError) {
            switch source {
            case .alone(let outcome): try await outcome.value.get()
            case .gathered(let ledger, let outcomes, let place): try await ledger.outcome(outcomes, place).get()
            }
        }
    }
}

/// Writes records to a cluster, with the settings and the semantics of Java's producer.
///
/// Records are gathered into batches by partition and written in the order of `send`; up to
/// `max.in.flight.requests.per.connection` requests are under way to a broker, and with idempotence (the default) retries neither
/// duplicate nor reorder. A record's outcome is told exactly once, at the latest after `delivery.timeout.ms`. May be used from any task
/// and thread; it owns a thread of its own. Close it, or what waits is lost.
///
///     let producer = try Producer(ClientConfiguration(properties: ["bootstrap.servers": "localhost:9092"]))
///     let written = try await producer.send(OutgoingRecord(topic: "orders", key: "42", value: "paid"))
///     print(written.partition, written.offset ?? -1)
///     await producer.close()
///
/// With `transactional.id` records are written in transactions; see `transaction(_:)`.
public final class Producer: Sendable {
    /// How a record ended: where it was written, or why not.
    public typealias Outcome = Result<RecordMetadata, KafkaError>

    private let client: ClusterClient
    private let hosted: HostedMachine<ProducerMachine>
    private let ledger: ProducerLedger
    private let maxBlockMs: Int64
    /// How long a `send` that may block does.
    private let roomMs: Int64
    private let recordBytesMax: Int
    private let isTransactional: Bool
    /// Whether the client ends with the producer.
    private let ownsClient: Bool
    private let ended = Promise<Void>()

    /// - Throws: `KafkaError` of kind `configuration`, naming the key.
    public convenience init(_ configuration: ClientConfiguration, partitioner: Partitioner? = nil) throws(KafkaError) {
        try self.init(configuration, partitioner, over: try configuration.client(), ownsClient: true, roomMs: nil)
    }

    /// The same over connections that somebody else made and ends: of `configuration` only what is said of producing counts. `roomMs`:
    /// how long `send(_:completion:)` waits for room in place of `max.block.ms`.
    package convenience init(_ configuration: ClientConfiguration, over client: ClusterClient, roomMs: Int64) throws(KafkaError) {
        try self.init(configuration, nil, over: client, ownsClient: false, roomMs: roomMs)
    }

    private init(
        _ configuration: ClientConfiguration, _ partitioner: Partitioner?, over client: ClusterClient, ownsClient: Bool, roomMs: Int64?
    ) throws(KafkaError) {
        let options = try configuration.producer(partitioner)
        (self.client, self.ownsClient) = (client, ownsClient)
        maxBlockMs = configuration.integer("max.block.ms")
        self.roomMs = roomMs ?? maxBlockMs
        recordBytesMax = options.requestBytesMax
        isTransactional = options.transactionalID != nil
        let ledger = ProducerLedger(options)
        self.ledger = ledger
        var machineOptions = options
        // The ledger bounds what is buffered, and can wait for room.
        machineOptions.bufferedBytesMax = .max
        machineOptions.tellsTopics = true
        let ended = ended
        hosted = client.host(
            ProducerMachine(machineOptions, codecs: clientCodecs), output: { ledger.take($0) },
            finished: {
                ledger.abandon()
                ended.fill(())
            })
    }

    deinit {
        hosted.cancel()
        if ownsClient { client.stop() }
    }

    // MARK: Records

    /// Sends a record and waits until it is written as `acks` says. It does not wait for others: `enqueue` and `send(_:completion:)` fill
    /// batches, and so do many tasks that each await a record of theirs; among those there is no order.
    ///
    /// - Throws: why it was not written; kind `bufferFull` where `buffer.memory` was full for `max.block.ms`.
    @discardableResult
    public func send(_ record: OutgoingRecord) async throws(KafkaError) -> RecordMetadata { try await enqueue(record).metadata }

    /// Sends a record, waits only while `buffer.memory` is full, and returns what tells later where it was written, as Java's `send` does.
    /// Records that one task enqueues are written in that order.
    ///
    ///     var sent: [PendingRecord] = []
    ///     for value in values { sent.append(try await producer.enqueue(OutgoingRecord(topic: "orders", value: value))) }
    ///     for record in sent { print(try await record.metadata.offset ?? -1) }
    ///
    /// - Throws: kind `bufferFull` after `max.block.ms`, and where the record can never be sent.
    public func enqueue(_ record: OutgoingRecord) async throws(KafkaError) -> PendingRecord {
        let size = try checked(record)
        let stamp = stamp(record)
        if let pending = enqueued(record, stamp, size) { return pending }
        let deadline = SystemClock.instant().adding(milliseconds: maxBlockMs)
        while true {
            let left = deadline.milliseconds(since: SystemClock.instant())
            guard left > 0 else { throw full }
            let room = ledger.roomSignal(bytes: size)
            handOver(all: false)
            client.after(milliseconds: left) { room.raise() }
            await room.wait()
            if let pending = enqueued(record, stamp, size) { return pending }
        }
    }

    /// Nil where there is no room.
    private func enqueued(_ record: OutgoingRecord, _ stamp: Timestamp, _ size: Int) -> PendingRecord? {
        var source: PendingRecord.Source?
        let added = ledger.gather(record, timestamp: stamp, size: size, nil) { source = .gathered(ledger, $0, $1) }
        if case .taken(let call) = added {
            answer(call)
            return source.map { PendingRecord(source: $0) }
        }
        let promise = Promise<Outcome>()
        return conclude(added, record, stamp) { promise.fill($0) } ? PendingRecord(source: .alone(promise)) : nil
    }

    /// Sends a record and goes on; `completion` is called exactly once, on the client's thread, and must be quick. Blocks the calling
    /// thread for up to `max.block.ms` while `buffer.memory` is full.
    ///
    /// - Throws: kind `bufferFull`, and where the record can never be sent; `completion` is not called then.
    @available(*, noasync, message: "it may block; use the awaited send, or post")
    public func send(_ record: OutgoingRecord, completion: @escaping @Sendable (Outcome) -> Void) throws(KafkaError) {
        let size = try checked(record)
        let stamp = stamp(record)
        if offer(record, stamp, size, completion) { return }
        let deadline = SystemClock.instant().adding(milliseconds: roomMs)
        repeat {
            let left = deadline.milliseconds(since: SystemClock.instant())
            guard left > 0 else { throw full }
            let room = ledger.roomWaiter(bytes: size)
            handOver(all: false)
            guard room.wait(milliseconds: left) != nil else { throw full }
        } while !offer(record, stamp, size, completion)
    }

    /// Sends a record and goes on, without ever waiting: fire and forget, or with a completion.
    ///
    /// - Throws: kind `bufferFull` where `buffer.memory` is full now, and where the record can never be sent.
    public func post(_ record: OutgoingRecord, completion: @escaping @Sendable (Outcome) -> Void = { _ in }) throws(KafkaError) {
        guard offer(record, stamp(record), try checked(record), completion) else { throw full }
    }

    /// Waits until all that was sent so far is written or has failed. Nothing lingers meanwhile.
    public func flush() async {
        guard let idle = ledger.idle() else { return }
        handOver(all: true)
        hosted.post(.flush)
        await idle.value
    }

    /// Writes what waits, aborts a transaction that is open, and ends. What is not written after `timeout` fails.
    public func close(timeout: Duration = .seconds(30)) async {
        handOver(all: true)
        hosted.post(.close)
        let hosted = hosted
        client.after(milliseconds: timeout.milliseconds) { hosted.cancel() }
        await ended.value
        ledger.close()
        if ownsClient { client.stop() }
    }

    private var full: KafkaError { KafkaError(.bufferFull, "buffer.memory is full for longer than max.block.ms") }

    /// The bytes of a record that can be sent.
    private func checked(_ record: OutgoingRecord) throws(KafkaError) -> Int {
        let size = record.size
        guard size <= recordBytesMax else {
            throw KafkaError(.refused, "the record has \(size) bytes, more than max.request.size (\(recordBytesMax))")
        }
        return size
    }

    private func stamp(_ record: OutgoingRecord) -> Timestamp {
        record.timestamp.map { Timestamp(milliseconds: $0) } ?? SystemClock.wall()
    }

    /// False where there is no room.
    private func offer(
        _ record: OutgoingRecord, _ stamp: Timestamp, _ size: Int, _ completion: @escaping @Sendable (Outcome) -> Void
    ) -> Bool {
        let added = ledger.gather(record, timestamp: stamp, size: size, completion)
        guard case .taken(let call) = added else { return conclude(added, record, stamp, completion) }
        answer(call)
        return true
    }

    /// What is left to be done for a record that was not gathered; false where there is no room.
    private func conclude(
        _ added: ProducerLedger.Added, _ record: OutgoingRecord, _ stamp: Timestamp, _ completion: @escaping @Sendable (Outcome) -> Void
    ) -> Bool {
        switch added {
        case .homeless: return conclude(ledger.add(ProducerRecord(record, timestamp: stamp), completion), record, stamp, completion)
        case .full: return false
        case .taken(let call): answer(call)
        case .closed: completion(.failure(KafkaError(.closed, "the producer is closed")))
        }
        return true
    }

    private func answer(_ call: ProducerLedger.Call) {
        switch call {
        case .nothing: break
        case .now: handOver(all: false)
        case .at(let instant): Producer.handOver(ledger, hosted, at: instant)
        }
    }

    /// Gives the machine what was sent since the last time, at once; without `all` not what may linger.
    private func handOver(all: Bool) {
        let ledger = ledger
        hosted.post(taking: { ledger.drain(all: all) })
    }

    /// The same as lingers end.
    private static func handOver(_ ledger: ProducerLedger, _ hosted: HostedMachine<ProducerMachine>, at instant: Instant) {
        hosted.post(at: instant) {
            let (input, next) = ledger.drainDue()
            if let next { handOver(ledger, hosted, at: next) }
            return input
        }
    }

    // MARK: Transactions

    /// Once, before the first transaction: fences producers that had this `transactional.id` before, and waits for what they left open.
    public func initTransactions() async throws(KafkaError) { try await transact { .initTransactions(number: $0) } }

    /// Records that are sent from here on belong to the transaction.
    public func beginTransaction() async throws(KafkaError) { try await transact { .beginTransaction(number: $0) } }

    /// Commits offsets of a group with the transaction: they count if, and when, it is committed.
    public func sendOffsets(_ offsets: [TopicPartition: OffsetAndMetadata], group: GroupMetadata) async throws(KafkaError) {
        let positions = offsets.sorted { $0.key < $1.key }.map { CommittedPosition($0.key, $0.value) }
        let member = ConsumerGroupMetadata(
            group: group.group, generationID: group.generation, memberID: group.memberID, groupInstanceID: group.groupInstanceID)
        guard !positions.isEmpty else { return }
        try await transact { .sendOffsets(number: $0, member, positions) }
    }

    /// Writes what waits and makes the whole transaction visible at once.
    ///
    /// - Throws: where `mustAbort`, abort it and try again; where `isFatal`, another producer has taken over.
    public func commitTransaction() async throws(KafkaError) { try await transact { .commitTransaction(number: $0) } }

    /// Nothing of the transaction is read by those who read what is committed.
    public func abortTransaction() async throws(KafkaError) { try await transact { .abortTransaction(number: $0) } }

    /// Begins a transaction, does `work` in it, and commits; where `work` or the commit fails, aborts and throws the reason.
    ///
    ///     try await producer.transaction {
    ///         for record in records { try producer.post(transformed(record)) }
    ///         try await producer.sendOffsets(consumer.consumed, group: consumer.groupMetadata)
    ///     }
    public func transaction<R>(_ work: () async throws -> R) async throws -> R {
        try await beginTransaction()
        do {
            let result = try await work()
            try await commitTransaction()
            return result
        } catch {
            if (error as? KafkaError)?.isFatal != true { try await abortTransaction() }
            throw error
        }
    }

    private func transact(_ input: (Int) -> ProducerInput) async throws(KafkaError) {
        let promise = Promise<Result<Void, KafkaError>>()
        let number = ledger.expect { promise.fill($0) }
        handOver(all: true)
        hosted.post(input(number))
        let ledger = ledger
        client.after(milliseconds: maxBlockMs) {
            var late = KafkaError(.timedOut, "no answer within max.block.ms")
            late.isRetriable = true
            ledger.settle(number, .failure(late))
        }
        try await promise.value.get()
    }
}

extension ClientConfiguration {
    func producer(_ partitioner: Partitioner?) throws(KafkaError) -> ProducerOptions {
        var options = ProducerOptions()
        let acks = text("acks")
        options.acks = acks == "0" ? .none : acks == "1" ? .leader : .all
        options.codec = Codec.allCases.first { $0.name == text("compression.type") } ?? .none
        options.lingerMs = integer("linger.ms")
        options.batchBytesMax = max(1, Int(integer("batch.size")))
        options.bufferedBytesMax = Int(integer("buffer.memory"))
        options.inFlightMax = Int(integer("max.in.flight.requests.per.connection"))
        options.requestBytesMax = Int(integer("max.request.size"))
        options.requestTimeoutMs = integer("request.timeout.ms")
        options.retriesMax = Int(integer("retries"))
        options.metadataRefreshMs = integer("metadata.max.age.ms")
        options.deliveryTimeoutMs = integer("delivery.timeout.ms")
        options.transactionalID = text("transactional.id").isEmpty ? nil : text("transactional.id")
        options.transactionTimeoutMs = Int32(clamping: integer("transaction.timeout.ms"))
        options.retryBackoffMs = integer("retry.backoff.ms")...max(integer("retry.backoff.ms"), integer("retry.backoff.max.ms"))
        options.seed = .random(in: .min ... .max)
        options.partitioner = self.partitioner(partitioner)
        // As Java's: on, unless something that was said rules it out; said itself, it must hold.
        let isPossible = options.acks == .all && options.inFlightMax <= 5 && options.retriesMax > 0
        let isSaid = properties["enable.idempotence"] != nil || options.transactionalID != nil
        if isSaid && flag("enable.idempotence") && !isPossible {
            throw KafkaError(
                .configuration, "enable.idempotence wants acks=all, retries above 0 and max.in.flight.requests.per.connection up to 5")
        }
        options.isIdempotent = flag("enable.idempotence") && isPossible
        guard options.transactionalID == nil || options.isIdempotent else {
            throw KafkaError(.configuration, "transactional.id wants enable.idempotence=true")
        }
        guard options.deliveryTimeoutMs >= options.lingerMs + options.requestTimeoutMs else {
            throw KafkaError(.configuration, "delivery.timeout.ms wants to be at least linger.ms + request.timeout.ms")
        }
        return options
    }

    private func partitioner(_ own: Partitioner?) -> ProducerOptions.Partitioner {
        switch own {
        case .custom(let pick)?: return .custom { record, count in pick(OutgoingRecord(record), count) }
        case .roundRobin?: return .roundRobin
        case .sticky?: return .sticky
        case .standard?: return .byKey
        case nil:
            if !text("partitioner.class").isEmpty { return .roundRobin }
            return flag("partitioner.ignore.keys") ? .sticky : .byKey
        }
    }
}
