import Groups
import Primitives
import Records
import Testing
import Wire

/// A transaction coordinator with a clock, a log and the partitions' leaders in the test's hands. Unless held, each append and each marker
/// is done at once.
final class TransactionStory {
    var coordinator: TransactionCoordinator
    var now = Now(instant: Instant(nanoseconds: 1_000_000_000), wall: 1_700_000_000_000)
    private(set) var answers: [TransactionToken: TransactionResponse] = [:]
    /// Keys and values as they were appended, in order.
    private(set) var log: [(partition: Int32, key: Bytes, value: Bytes?)] = []
    private(set) var markers: [(end: TransactionEnd, places: [TopicPartition])] = []
    var holdsAppends = false
    var holdsMarkers = false
    private(set) var held: [(token: AppendToken, partition: Int32, key: Bytes, value: Bytes?)] = []
    private(set) var idsReserved: Int64 = 0
    private var lastToken: UInt64 = 0

    init(_ config: TransactionConfig = TransactionConfig(), epoch: Int32 = 0) {
        coordinator = TransactionCoordinator(config: config, partitionCount: 1)
        coordinator.beginLoad(0, coordinatorEpoch: epoch)
        take(coordinator.finishLoad(0, now: now).effects)
    }

    /// What is known of one id is what this record says.
    init(_ id: String, _ value: TransactionLogValue) throws {
        coordinator = TransactionCoordinator(config: TransactionConfig(), partitionCount: 1)
        idsReserved = value.producerID
        coordinator.beginLoad(0, coordinatorEpoch: 0)
        var batch = BatchBuilder()
        batch.append(timestamp: now.wall, key: TransactionRecord.key(id), value: value.encodeValue(version: 1))
        try coordinator.load(0, batches: batch.buildUncompressed(), codecs: .uncompressed)
        take(coordinator.finishLoad(0, now: now).effects)
    }

    /// Another broker takes over: it reads what was appended. With `thenOn` it is elected again before it has read all.
    init(loading other: TransactionStory, epoch: Int32, thenOn newer: Int32? = nil) throws {
        now = other.now
        idsReserved = 1000
        coordinator = TransactionCoordinator(config: other.coordinator.config, partitionCount: 1)
        coordinator.beginLoad(0, coordinatorEpoch: epoch)
        for record in other.log {
            var batch = BatchBuilder()
            batch.append(timestamp: now.wall, key: record.key, value: record.value)
            try coordinator.load(0, batches: batch.buildUncompressed(), codecs: .uncompressed)
        }
        if let newer { leadsOn(epoch: newer) }
        take(coordinator.finishLoad(0, now: now).effects)
    }

    func leadsOn(epoch: Int32) { take(coordinator.leadsOn(0, coordinatorEpoch: epoch, now: now)) }

    func take(_ effects: [TransactionEffect]) {
        for effect in effects {
            switch effect {
            case .respond(let token, let response):
                #expect(answers[token] == nil, "a request is answered once")
                answers[token] = response
            case .append(let partition, let key, let value, let token): held.append((token, partition, key, value))
            case .reserveProducerID:
                idsReserved += 1
                take(coordinator.producerIDReserved(idsReserved, now: now))
            case .writeMarkers(let end, let places):
                markers.append((end, places))
                if !holdsMarkers { answerMarkers(end, places) }
            case .note: break
            }
        }
        if !holdsAppends { completeAppends() }
    }

    func completeAppends(_ error: ErrorCode = .none) {
        while !held.isEmpty {
            let append = held.removeFirst()
            if error == .none { log.append((append.partition, append.key, append.value)) }
            take(coordinator.appendCompleted(append.token, error: error, now: now))
        }
    }

    func answerMarkers(_ end: TransactionEnd, _ places: [TopicPartition], _ code: ErrorCode = .none) {
        take(coordinator.markersAnswered(end, places.map { ($0, code) }, now: now))
    }

    func pass(milliseconds: Int64) {
        let end = now.instant.adding(milliseconds: milliseconds)
        while coordinator.nextDeadline <= end {
            move(to: max(coordinator.nextDeadline, now.instant))
            take(coordinator.tick(now))
        }
        move(to: end)
    }

    private func move(to instant: Instant) {
        let wall = now.wall.milliseconds + instant.milliseconds(since: now.instant)
        now = Now(instant: instant, wall: Timestamp(milliseconds: wall))
    }

    // MARK: requests

    @discardableResult
    func send(_ request: TransactionRequest, version: Int16) -> TransactionToken {
        lastToken += 1
        let token = TransactionToken(lastToken)
        take(coordinator.handle(request, from: TransactionCaller(token: token, apiVersion: version), now: now))
        return token
    }

    func initProducer(
        _ id: String = "t", producerID: Int64 = -1, epoch: Int16 = -1, timeoutMs: Int32 = 60_000, version: Int16 = 5
    ) -> InitProducerIDResponse? {
        var request = InitProducerIDRequest()
        (request.transactionalID, request.transactionTimeoutMs) = (id, timeoutMs)
        (request.producerID, request.producerEpoch) = (producerID, epoch)
        guard case .initProducerID(let answer) = answers[send(.initProducerID(request), version: version)] else { return nil }
        return answer
    }

    /// As a broker adds for a client of KIP-890 (version 5), or a client for itself (3).
    func add(_ places: [TopicPartition], _ producerID: Int64, _ epoch: Int16, id: String = "t", version: Int16 = 5) -> ErrorCode? {
        var request = AddPartitionsToTxnRequest()
        let topics = places.map { place in
            var topic = AddPartitionsToTxnRequest.Topic()
            (topic.name, topic.partitions) = (place.topic, [place.partition])
            return topic
        }
        if version >= 4 {
            var transaction = AddPartitionsToTxnRequest.Transaction()
            (transaction.transactionalID, transaction.producerID, transaction.producerEpoch) = (id, producerID, epoch)
            transaction.topics = topics
            request.transactions = [transaction]
        } else {
            (request.v3AndBelowTransactionalID, request.v3AndBelowProducerID, request.v3AndBelowProducerEpoch) = (id, producerID, epoch)
            request.v3AndBelowTopics = topics
        }
        let token = send(.addPartitions(request, refused: OrderedMap()), version: version)
        guard case .addPartitions(let answer) = answers[token] else { return nil }
        let results = version >= 4 ? answer.resultsByTransaction[0].topicResults : answer.resultsByTopicV3AndBelow
        return results[0].resultsByPartition[0].partitionErrorCode
    }

    func end(_ producerID: Int64, _ epoch: Int16, commit: Bool, id: String = "t", version: Int16 = 5) -> EndTxnResponse? {
        var request = EndTxnRequest()
        (request.transactionalID, request.producerID, request.producerEpoch, request.committed) = (id, producerID, epoch, commit)
        guard case .end(let answer) = answers[send(.end(request), version: version)] else { return nil }
        return answer
    }

    func state(_ id: String = "t") -> String { coordinator.describe(id, now: now).transactionState }
}
