import ClientCore
import Primitives
import Synchronization

/// What becomes of a record that could not be processed.
public enum FailureDecision: Equatable, Sendable {
    /// It is tried again, as long as the policy has tries left.
    case retry
    /// It goes to the dead-letter topic now.
    case deadLetter
    /// It counts as processed.
    case skip
    /// Processing ends with the error; the record is read again by whoever goes on.
    case stop
}

/// How `Consumer.process` deals with records that fail.
public struct ProcessingPolicy: Sendable {
    /// How often a record is tried altogether.
    public var attemptsMax = 10
    /// How long to wait before try 2, 3, …; by default not at all. The partition's later records wait with it.
    public var backoff: @Sendable (_ attempt: Int) -> Duration = { _ in .zero }
    /// Where records go that failed every time; nil: processing ends with the error.
    public var deadLetterTopic: String?
    /// Asked after each failed try, with the number of the try from 1.
    public var onError: @Sendable (ConsumerRecord, any Error, _ attempt: Int) async -> FailureDecision = { _, _, _ in .retry }
    /// Partitions whose records are processed at the same time; each partition's in order.
    public var parallelPartitionsMax = 1

    /// Ten tries in a row, no dead-letter topic, one partition at a time.
    public init() {}
}

extension Consumer {
    /// Reads records and gives each to `handler`, in the order of each partition, until the task is cancelled, `wakeup` is called, or
    /// something fails for good.
    ///
    /// A record whose handler throws is tried again as `policy` says, and then written to the dead-letter topic: with its key, value and
    /// headers, and headers `dead-letter.topic`, `.partition`, `.offset`, `.timestamp` (milliseconds), `.error` and `.attempts`, all
    /// texts. Offsets are committed only behind records that were processed, skipped or written there: with `enable.auto.commit` at its
    /// interval, else after each batch.
    ///
    ///     var policy = ProcessingPolicy()
    ///     policy.deadLetterTopic = "orders.failed"
    ///     try await consumer.process(policy, deadLetters: producer) { record in try await bill(record) }
    ///
    /// - Parameter deadLetters: writes the dead letters; wanted where the policy names a topic for them.
    public func process(
        _ policy: ProcessingPolicy = ProcessingPolicy(), deadLetters: Producer? = nil,
        _ handler: @escaping @Sendable (ConsumerRecord) async throws -> Void
    ) async throws {
        guard policy.deadLetterTopic == nil || deadLetters != nil else {
            throw KafkaError(.illegalState, "a dead-letter topic wants a producer to write to it")
        }
        let processor = RecordProcessor(policy: policy, deadLetters: deadLetters, handler: handler)
        while true {
            let records: [ConsumerRecord]
            do {
                records = try await poll(timeout: .seconds(1))
            } catch let error as KafkaError where error.kind == .wokenUp {
                return
            }
            do {
                try await process(records, processor)
            } catch {
                // What was not processed is not dealt with: reading goes back to it, for whoever goes on.
                goBack(to: processor.unprocessed(records))
                throw error
            }
            if !options.isAutoCommit && !options.group.isEmpty && !records.isEmpty { try await commit() }
        }
    }

    private func process(_ records: [ConsumerRecord], _ processor: RecordProcessor) async throws {
        var byPartition: [TopicPartition: [ConsumerRecord]] = [:]
        for record in records { byPartition[record.topicPartition, default: []].append(record) }
        let shares = byPartition.sorted { $0.key < $1.key }.map(\.value)
        processor.begin()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, share) in shares.enumerated() {
                if index >= processor.policy.parallelPartitionsMax { try await group.next() }
                group.addTask { for record in share { try await processor.process(record) } }
            }
            try await group.waitForAll()
        }
    }

    private func goBack(to offsets: [TopicPartition: Int64]) {
        // A partition that was taken away meanwhile is somebody else's.
        for (partition, offset) in offsets { try? seek(partition, to: offset) }
    }
}

/// One record through its tries.
private final class RecordProcessor: Sendable {
    let policy: ProcessingPolicy
    private let deadLetters: Producer?
    private let handler: @Sendable (ConsumerRecord) async throws -> Void
    /// Of the current batch.
    private let processed = Mutex<[TopicPartition: Int64]>([:])

    init(
        policy: ProcessingPolicy, deadLetters: Producer?, handler: @escaping @Sendable (ConsumerRecord) async throws -> Void
    ) {
        self.policy = policy
        self.deadLetters = deadLetters
        self.handler = handler
    }

    func begin() { processed.withLock { $0 = [:] } }

    func process(_ record: ConsumerRecord) async throws {
        try await settle(record)
        processed.withLock { $0[record.topicPartition] = record.offset }
    }

    /// The first record of each partition that was not processed.
    func unprocessed(_ records: [ConsumerRecord]) -> [TopicPartition: Int64] {
        let processed = processed.withLock { $0 }
        var first: [TopicPartition: Int64] = [:]
        for record in records where record.offset > processed[record.topicPartition] ?? -1 {
            if first[record.topicPartition] == nil { first[record.topicPartition] = record.offset }
        }
        return first
    }

    private func settle(_ record: ConsumerRecord) async throws {
        var attempt = 0
        while true {
            attempt += 1
            do {
                return try await handler(record)
            } catch let error where !(error is CancellationError) {
                switch await policy.onError(record, error, attempt) {
                case .skip: return
                case .stop: throw error
                case .deadLetter: return try await bury(record, error, attempt)
                case .retry where attempt >= policy.attemptsMax: return try await bury(record, error, attempt)
                case .retry:
                    let wait = policy.backoff(attempt)
                    if wait > .zero { try await Task.sleep(for: wait) }
                    try Task.checkCancellation()
                }
            }
        }
    }

    private func bury(_ record: ConsumerRecord, _ error: any Error, _ attempts: Int) async throws {
        guard let topic = policy.deadLetterTopic, let deadLetters else { throw error }
        let origin = [
            Header("dead-letter.topic", record.topic), Header("dead-letter.partition", "\(record.partition)"),
            Header("dead-letter.offset", "\(record.offset)"), Header("dead-letter.timestamp", "\(record.timestamp)"),
            Header("dead-letter.error", "\(error)"), Header("dead-letter.attempts", "\(attempts)"),
        ]
        try await deadLetters.send(
            OutgoingRecord(topic: topic, key: record.key, value: record.value, headers: record.headers + origin))
    }
}
