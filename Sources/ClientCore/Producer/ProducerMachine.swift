import Primitives
import Records
import Wire

/// A producer: gathers records into batches by partition, sends them to the partitions' leaders, several at a time, tries again where
/// that can help, and reports every record's outcome exactly once.
///
/// Owner: its host. Invariants: (1) with a producer id, records of a partition are written in the order of `send`, also over retries
/// (`Queue` says how); (2) a batch that is sent again carries the same id, epoch and sequence, so that the broker writes it once; (3) a
/// batch that was given up while it may have been written is the last of its epoch: what follows in its partition carries the next one,
/// and a copy of it that arrives late is refused for its old epoch (KIP-360); (4) what is buffered stays below `bufferedBytesMax`; (5) a
/// broker is asked to write by at most `inFlightMax` requests at a time.
package struct ProducerMachine: ClientMachine {
    package typealias Input = ProducerInput
    package typealias Output = ProducerOutput
    typealias Effects = [ClientEffect<ProducerOutput>]

    enum Purpose: Sendable {
        case metadata([String])
        case producerID
        case produce(BrokerID, [Sent])
        case transaction(TransactionState.Step)
    }

    /// A batch in a request.
    struct Sent: Sendable {
        var partition: TopicPartition
        var serial: Int
    }

    let options: ProducerOptions
    let codecs: Codecs
    var metadata = ClusterMetadata()
    var queues = OrderedMap<TopicPartition, Queue>()
    /// Records whose topic's partitions are not known yet, by topic.
    var homeless = OrderedMap<String, [Item]>()
    var isAskingMetadata = false
    /// Partitions without a leader and topics that are not known are not asked for before.
    var metadataAt = Instant.zero
    var metadataBackoff = Backoff(minMs: 50, maxMs: 500)
    /// Topics in use are looked at anew, for partitions that came.
    var metadataRefreshAt = Instant.distantFuture
    var picks = OrderedMap<String, PartitionPick>()
    /// Produce requests under way by broker.
    var underWay = OrderedMap<BrokerID, Int>()
    var nextSerial = 0
    /// The time of the newest event.
    private var lastHandled = Instant.zero
    var purposes = OrderedMap<Int, Purpose>()
    private var nextToken = 0
    var bufferedBytes = 0
    private var isClosing = false
    var isFlushing = false
    private var isEnded = false
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    /// No batch is built before it is clear which producer id it carries.
    var isIdentified: Bool
    var isAskingIdentity = false
    /// Not asked again before.
    var identifyAt = Instant.zero
    /// Nil for a producer without transactions.
    var transaction: TransactionState?
    var random: PRNG

    package init(_ options: ProducerOptions, codecs: Codecs) {
        self.options = options
        self.codecs = codecs
        random = PRNG(seed: options.seed)
        isIdentified = !options.isIdempotent
        if let id = options.transactionalID {
            precondition(options.isIdempotent, "transactions want numbered batches")
            transaction = TransactionState(id: id, timeoutMs: options.transactionTimeoutMs)
        }
    }

    // MARK: Events

    package mutating func start(now: Now) -> [ClientEffect<ProducerOutput>] { [] }

    package mutating func receive(_ input: ProducerInput, now: Now) -> [ClientEffect<ProducerOutput>] {
        var effects: Effects = []
        switch input {
        case .send(let number, let record): accept(number, record, &effects, now: now)
        case .sendAll(let records): for (number, record) in records { accept(number, record, &effects, now: now) }
        case .gathered(let records, let gathered):
            for (number, record) in records { accept(number, record, &effects, now: now) }
            for records in gathered { accept(records, &effects, now: now) }
        case .flush: isFlushing = true
        case .close: beginClose(&effects)
        case .initTransactions, .beginTransaction, .sendOffsets, .commitTransaction, .abortTransaction:
            receiveTransactional(input, &effects)
        }
        advance(&effects, now: now)
        return effects
    }

    package mutating func tick(now: Now) -> [ClientEffect<ProducerOutput>] {
        var effects: Effects = []
        advance(&effects, now: now)
        return effects
    }

    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<ProducerOutput>] {
        guard let purpose = purposes.remove(token) else { return [] }
        var effects: Effects = []
        switch purpose {
        case .metadata(let topics): metadataAnswered(topics, result, &effects, now: now)
        case .producerID: identityAnswered(result, now: now)
        case .produce(let broker, let sent): produceAnswered(broker, sent, result, &effects, now: now)
        case .transaction(let step): transactionAnswered(step, result, &effects, now: now)
        }
        advance(&effects, now: now)
        return effects
    }

    /// Each event does all that can be done at its time: what was due before waits for something else, which is an event of its own.
    package var nextDeadline: Instant {
        var next = metadataRefreshAt
        if !isAskingMetadata && !topicsToAsk.isEmpty { next = min(next, later(metadataAt)) }
        for items in homeless.values { next = min(next, items.first?.deadline ?? next) }
        if !isIdentified && !isAskingIdentity && hasWork && transaction == nil { next = min(next, later(identifyAt)) }
        if let transaction, !transaction.isAsking, transaction.notBefore > .zero { next = min(next, transaction.notBefore) }
        for queue in queues.values where !queue.isEmpty {
            if queue.canSendAgain { next = min(next, later(queue.notBefore), later(queue.batches[0].deadline)) }
            guard let first = queue.waiting.first else { continue }
            next = min(next, later(first.deadline), later(max(queue.readyAt, queue.notBefore)))
        }
        return next
    }

    private func later(_ instant: Instant) -> Instant { instant > lastHandled ? instant : .distantFuture }

    /// Whether anything waits to be written that has a partition.
    var hasWork: Bool { queues.values.contains { !$0.isEmpty } }

    // MARK: Records in

    private mutating func accept(_ number: Int, _ record: ProducerRecord, _ effects: inout Effects, now: Now) {
        if let refusal = transaction?.refusal {
            effects.append(.output(.failed(number: number, refusal)))
            return
        }
        guard !isClosing, bufferedBytes == 0 || bufferedBytes + record.size <= options.bufferedBytesMax else {
            effects.append(.output(.failed(number: number, isClosing ? .stopped : .overloaded)))
            return
        }
        bufferedBytes += record.size
        var record = record
        if record.timestamp == nil { record.timestamp = now.wall }
        let item = Item(.number(number), record, deadline: now.instant.adding(milliseconds: options.deliveryTimeoutMs))
        if isKnown(record.topic) { enqueue(item, record, &effects, now: now) } else { homeless[record.topic, default: []].append(item) }
    }

    private func isKnown(_ topic: String) -> Bool { metadata.topics[topic].map { !$0.leaders.isEmpty } == true }

    /// Records that were gathered elsewhere, and are bounded there.
    private mutating func accept(_ gathered: GatheredRecords, _ effects: inout Effects, now: Now) {
        let name = gathered.partition
        let item = Item(gathered, deadline: gathered.openedAt.adding(milliseconds: options.deliveryTimeoutMs))
        if let refusal = transaction?.refusal ?? (isClosing ? .stopped : nil) { return tell(item, refusal, &effects) }
        bufferedBytes += item.size
        if !isKnown(name.topic) {
            homeless[name.topic, default: []] += item.unpacked(gathered.builder.records[...], to: name)
        } else {
            enqueue(gathered: item, name, &effects, now: now)
        }
    }

    // MARK: Effects

    mutating func send(
        _ message: any WireRequest, to target: RequestTarget, _ purpose: Purpose, versions: ClosedRange<Int16> = 0...Int16.max,
        _ effects: inout Effects
    ) {
        let token = nextToken
        nextToken += 1
        purposes[token] = purpose
        var request = ClientRequest(message, to: target, versions: versions)
        switch purpose {
        case .produce:
            request.lane = .produce
            request.versions = produceVersions
            // Sending again is decided here, with the sequence.
            request.isRepeatable = false
            // The broker answers after `requestTimeoutMs` at the latest, and an answer is better than none.
            request.timeoutMs = options.requestTimeoutMs + 2_000
        case .metadata, .producerID: request.lane = .routing
        case .transaction: request.timeoutMs = options.requestTimeoutMs
        }
        effects.append(.send(token: token, request))
    }

    /// Topics go by name up to version 12. Version 12 also says that what it writes to is part of the transaction (KIP-890).
    private var produceVersions: ClosedRange<Int16> {
        switch transaction?.isImplicit {
        case nil: 3...12
        case true?: 12...12
        case false?: 3...11
        }
    }

    mutating func finish(_ items: [Item], with error: ClientError, _ effects: inout Effects) {
        for item in items {
            bufferedBytes -= item.size
            tell(item, error, &effects)
        }
        if transaction?.isWriting == true && !items.isEmpty { transaction?.trouble = error }
    }

    private func tell(_ item: Item, _ error: ClientError, _ effects: inout Effects) {
        switch item.name {
        case .number(let number): effects.append(.output(.failed(number: number, error)))
        case .gathered(let serial, let index): effects.append(.output(.lost(serial: serial, index..<index + item.count, error)))
        }
    }

    private mutating func advance(_ effects: inout Effects, now: Now) {
        guard !isEnded else { return }
        lastHandled = now.instant
        expire(&effects, now: now)
        askMetadata(&effects, now: now)
        stepTransaction(&effects, now: now)
        produce(&effects, now: now)
        if transaction?.trouble != nil { stepTransaction(&effects, now: now) }
        let isIdle = isSettled
        if isIdle { isFlushing = isClosing }
        if isIdle && isClosing && transaction?.isAtRest != false {
            isEnded = true
            effects.append(.finished)
        }
    }

    private mutating func beginClose(_ effects: inout Effects) {
        (isClosing, isFlushing) = (true, true)
        switch transaction?.phase {
        case .open, .abortable: beginAbort(nil, &effects)
        case .initializing: doom(.stopped, &effects)
        default: break
        }
    }

    private mutating func expire(_ effects: inout Effects, now: Now) {
        for topic in homeless.keys where homeless[topic]?.first.map({ $0.deadline <= now.instant }) == true {
            finish(homeless.remove(topic) ?? [], with: .timedOut("topic \(topic)"), &effects)
        }
        for name in queues.keys {
            while let queue = queues[name], queue.canSendAgain, queue.batches[0].deadline <= now.instant {
                giveUp(name, 0, .timedOut(APIKey.produce.name), &effects)
                settle(name, &effects)
            }
            let late = queues[name]?.waiting.prefix { $0.deadline <= now.instant }.count ?? 0
            guard late > 0 else { continue }
            finish(queues.update(name) { $0.takeFirst(late) } ?? [], with: .timedOut(APIKey.produce.name), &effects)
        }
    }
}
