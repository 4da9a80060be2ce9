import Primitives
import Wire

/// All that the coordinator knows of one transactional id.
package struct Transaction: Equatable, Sendable {
    package let transactionalID: String
    package var producerID: Int64
    /// The id before the last record: where epochs ran out, the one whose owner may still repeat its last request.
    package var previousProducerID: Int64 = -1
    /// The id that takes over when this transaction is complete, where its epoch cannot be raised once more (KIP-890); -1 without.
    package var nextProducerID: Int64 = -1
    /// -1 before the first record is written.
    package var producerEpoch: Int16 = -1
    /// The epoch before the last one, which a client that has missed an answer may still name; -1 where there is none. Not recorded.
    package var lastProducerEpoch: Int16 = -1
    package var timeoutMs: Int32
    package var state = TransactionState.empty
    package var partitions: OrderedMap<TopicPartition, Bool> = OrderedMap()
    package var lastUpdate: Timestamp
    /// When the last transaction began; none before the first.
    package var start = Timestamp.none
    /// 2 where the client raises its epoch with every transaction (KIP-890), else 0.
    package var clientVersion: Int16 = 0

    /// The state that a record on its way to the log will bring. Meanwhile nothing else is decided.
    var pending: TransactionState?
    /// Add requests that wait for that record: a transaction that reaches several brokers at once is added to by each.
    var waiting: [WaitingAdd] = []
    /// Partitions that have not confirmed their marker, each with whether it is being asked.
    var unmarked: OrderedMap<TopicPartition, Bool> = OrderedMap()
    /// How often markers of this transaction were refused in a row.
    var refusals = 0

    init(_ transactionalID: String, producerID: Int64, timeoutMs: Int32, now: Timestamp) {
        self.transactionalID = transactionalID
        self.producerID = producerID
        self.timeoutMs = timeoutMs
        lastUpdate = now
    }

    /// From here on the epoch is not raised: the greatest one stays free for fencing whoever has this one.
    static let epochMax = Int16.max - 1
    var isEpochExhausted: Bool { producerEpoch >= Transaction.epochMax }
    var raisesEpochs: Bool { clientVersion >= 2 }
    var timesOutAt: Timestamp { Timestamp(milliseconds: start.milliseconds + Int64(timeoutMs)) }

    /// A copy to be written down and taken over once it is in the log.
    func next(_ state: TransactionState, now: Timestamp) -> Transaction {
        precondition(state.predecessors.contains(self.state), "\(transactionalID) cannot go from \(self.state) to \(state)")
        var next = self
        next.state = state
        next.previousProducerID = producerID
        next.lastUpdate = now
        return next
    }
}

/// Somebody who wants partitions in a transaction, and how the answer is told.
struct WaitingAdd: Equatable, Sendable {
    var producerID: Int64
    var producerEpoch: Int16
    var partitions: [TopicPartition]
    var clientVersion: Int16
    var answer: AddAnswer
}

/// What `__transaction_state` holds: the key is int16 0 and the transactional id.
package enum TransactionRecord {
    package static func key(_ transactionalID: String) -> Bytes {
        var key = TransactionLogKey()
        key.transactionalID = transactionalID
        return key.encodeKey()
    }

    /// Version 1 from `transaction.version` 1 on, with fields for what came later; version 0 before.
    package static func value(_ transaction: Transaction, level: Int16) -> Bytes {
        var value = TransactionLogValue()
        value.producerID = transaction.producerID
        value.producerEpoch = transaction.producerEpoch
        value.transactionTimeoutMs = transaction.timeoutMs
        value.transactionStatus = transaction.state.rawValue
        value.transactionLastUpdateTimestampMs = transaction.lastUpdate.milliseconds
        value.transactionStartTimestampMs = transaction.start.milliseconds
        if transaction.state != .empty {
            var topics: [TransactionLogValue.Partitions] = []
            for place in transaction.partitions.keys {
                if topics.last?.topic != place.topic {
                    topics.append(TransactionLogValue.Partitions())
                    topics[topics.count - 1].topic = place.topic
                }
                topics[topics.count - 1].partitionIDs.append(place.partition)
            }
            value.transactionPartitions = topics
        }
        if level >= 1 {
            value.previousProducerID = transaction.previousProducerID
            value.nextProducerID = transaction.nextProducerID
            value.clientTransactionVersion = transaction.clientVersion
        }
        return value.encodeValue(version: level >= 1 ? 1 : 0)
    }

    /// Nil for a key of another kind, or a value that cannot be read.
    static func parse(key: Bytes, value: Bytes?) -> (transactionalID: String, transaction: Transaction?)? {
        guard key.count >= 2, key.load(0, as: Int16.self) == 0,
            let parsed = try? TransactionLogKey.decode(key.dropFirst(2), version: 0)
        else { return nil }
        guard let value else { return (parsed.transactionalID, nil) }
        guard let read = try? TransactionLogValue.decodeValue(value), let state = TransactionState(rawValue: read.transactionStatus) else {
            return nil
        }
        return (parsed.transactionalID, Transaction(parsed.transactionalID, read, state))
    }
}

extension Transaction {
    fileprivate init(_ transactionalID: String, _ value: TransactionLogValue, _ state: TransactionState) {
        self.init(
            transactionalID, producerID: value.producerID, timeoutMs: value.transactionTimeoutMs,
            now: Timestamp(milliseconds: value.transactionLastUpdateTimestampMs))
        self.state = state
        producerEpoch = value.producerEpoch
        previousProducerID = value.previousProducerID
        nextProducerID = value.nextProducerID
        start = Timestamp(milliseconds: value.transactionStartTimestampMs)
        clientVersion = value.clientTransactionVersion
        for topic in value.transactionPartitions ?? [] {
            for partition in topic.partitionIDs { partitions[TopicPartition(topic.topic, partition)] = true }
        }
        // A client that raises its epochs may have missed the answer to its last end; the epoch before is then its own.
        guard clientVersion >= 2, state != .ongoing, state != .empty else { return }
        let rolledOver = producerEpoch == 0 && previousProducerID != producerID
        lastProducerEpoch = rolledOver ? Transaction.epochMax : producerEpoch - 1
    }
}
