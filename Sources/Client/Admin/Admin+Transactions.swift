import ClientCore
import Primitives
import Wire

/// A transactional id as a list of transactions tells it.
public struct TransactionListing: Equatable, Sendable {
    /// `transactional.id`.
    public var transactionalID: String
    /// The number that the coordinator gave to its producer.
    public var producerID: Int64
    /// Such as "Ongoing" or "CompleteCommit".
    public var state: String
}

/// A transactional id with what its transaction wrote to.
public struct TransactionDescription: Equatable, Sendable {
    /// `transactional.id`.
    public var transactionalID: String
    /// Such as "Ongoing", "Empty" or "PrepareAbort".
    public var state: String
    /// The number that the coordinator gave to its producer.
    public var producerID: Int64
    /// Producers of the same id with a smaller one are fenced.
    public var producerEpoch: Int16
    /// `transaction.timeout.ms`: how long it may stay open before the coordinator aborts it.
    public var timeoutMs: Int32
    /// Milliseconds since 1970; nil where none is going on.
    public var startTime: Int64?
    /// What the transaction that is going on has written to; empty where none is.
    public var partitions: [TopicPartition]
}

/// A producer that a partition's leader remembers.
public struct ProducerDescription: Equatable, Sendable {
    /// The number that its batches carry.
    public var producerID: Int64
    /// The epoch of its last batch.
    public var producerEpoch: Int32
    /// The sequence number of its last record; -1 where it has none any more.
    public var lastSequence: Int32
    /// Milliseconds since 1970.
    public var lastTimestamp: Int64
    /// Nil where it is not known.
    public var coordinatorEpoch: Int32?
    /// Where its open transaction begins; nil where it has none.
    public var transactionStart: Int64?
}

// Transactions and producers.
extension Admin {
    /// The transactions of all coordinators; with `longerThan`, those that are open for longer than so many milliseconds.
    public func listTransactions(longerThan milliseconds: Int64? = nil) async throws(KafkaError) -> [TransactionListing] {
        var request = ListTransactionsRequest()
        request.durationFilter = milliseconds ?? -1
        var found: [TransactionListing] = []
        for broker in try await brokers() {
            let answer = try await ask(request, to: .broker(broker))
            try check(answer.errorCode)
            found += answer.transactionStates.map {
                TransactionListing(transactionalID: $0.transactionalID, producerID: $0.producerID, state: $0.transactionState)
            }
        }
        return found.sorted { $0.transactionalID < $1.transactionalID }
    }

    /// One transactional id. Throws `TRANSACTIONAL_ID_NOT_FOUND` where its coordinator does not know it.
    public func describeTransaction(_ transactionalID: String) async throws(KafkaError) -> TransactionDescription {
        var request = DescribeTransactionsRequest()
        request.transactionalIDs = [transactionalID]
        let answer = try await ask(request, to: .transactionCoordinator(id: transactionalID))
        guard let told = answer.transactionStates.first else {
            throw KafkaError(.unsupported, "\(transactionalID) was not described")
        }
        try check(told.errorCode, transactionalID)
        return TransactionDescription(
            transactionalID: told.transactionalID, state: told.transactionState, producerID: told.producerID,
            producerEpoch: told.producerEpoch, timeoutMs: told.transactionTimeoutMs,
            startTime: told.transactionStartTimeMs >= 0 ? told.transactionStartTimeMs : nil,
            partitions: told.topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }.sorted())
    }

    /// The producers that have written to a partition lately.
    public func describeProducers(_ partition: TopicPartition) async throws(KafkaError) -> [ProducerDescription] {
        var (request, topic) = (DescribeProducersRequest(), DescribeProducersRequest.Topic())
        (topic.name, topic.partitionIndexes) = (partition.topic, [partition.partition])
        request.topics = [topic]
        guard let row = try await ask(request, to: .leader(partition)).topics.first?.partitions.first else { return [] }
        try check(row.errorCode, row.errorMessage)
        return row.activeProducers.map { producer in
            ProducerDescription(
                producerID: producer.producerID, producerEpoch: producer.producerEpoch, lastSequence: producer.lastSequence,
                lastTimestamp: producer.lastTimestamp, coordinatorEpoch: producer.coordinatorEpoch >= 0 ? producer.coordinatorEpoch : nil,
                transactionStart: producer.currentTxnStartOffset >= 0 ? producer.currentTxnStartOffset : nil)
        }
    }

    /// Shuts out the producer that has this transactional id now, and aborts what it left open.
    public func fenceProducer(_ transactionalID: String) async throws(KafkaError) {
        var request = InitProducerIDRequest()
        (request.transactionalID, request.transactionTimeoutMs) = (transactionalID, 60_000)
        while true {
            let answer = try await ask(request, to: .transactionCoordinator(id: transactionalID), versions: 0...5)
            guard answer.errorCode == .concurrentTransactions else { return try check(answer.errorCode) }
            await client.pause(milliseconds: 20)
        }
    }

    /// Ends a transaction that hangs in one partition: its coordinator knows nothing of it, and readers of what is committed wait for it.
    public func abortHanging(_ partition: TopicPartition, _ producer: ProducerDescription) async throws(KafkaError) {
        var (request, marker, topic) = (WriteTxnMarkersRequest(), WriteTxnMarkersRequest.Marker(), WriteTxnMarkersRequest.Topic())
        (topic.name, topic.partitionIndexes) = (partition.topic, [partition.partition])
        (marker.producerID, marker.producerEpoch) = (producer.producerID, Int16(clamping: producer.producerEpoch))
        (marker.coordinatorEpoch, marker.topics) = (producer.coordinatorEpoch ?? 0, [topic])
        request.markers = [marker]
        for told in try await ask(request, to: .leader(partition), isRepeatable: false).markers.flatMap(\.topics).flatMap(\.partitions) {
            try check(told.errorCode, "\(partition)")
        }
    }
}
