/// Key of a transactional id in `__transaction_state`.
package struct TransactionLogKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var transactionalID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("transactionalId", &transactionalID)
    }
}

/// What the transaction coordinator knows of a transactional id. Status: 0 empty, 1 ongoing, 2 prepare commit, 3 prepare abort, 4
/// complete commit, 5 complete abort, 6 dead, 7 prepare epoch fence. Version 1 with the ids and epochs of KIP-890.
package struct TransactionLogValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...1 }
    package static var flexibleFrom: Int16 { 1 }

    package var producerID: Int64 = 0
    package var previousProducerID: Int64 = -1
    package var nextProducerID: Int64 = -1
    package var producerEpoch: Int16 = 0
    package var nextProducerEpoch: Int16 = -1
    package var transactionTimeoutMs: Int32 = 0
    package var transactionStatus: Int8 = 0
    package var transactionPartitions: [Partitions]?
    package var transactionLastUpdateTimestampMs: Int64 = 0
    package var transactionStartTimestampMs: Int64 = 0
    package var clientTransactionVersion: Int16 = 0

    package init() {}

    /// The order of Kafka's declaration, in which its tools print; the tagged fields come last on the wire.
    package static var declaredOrder: [String] {
        [
            "producerId", "previousProducerId", "nextProducerId", "producerEpoch", "nextProducerEpoch", "transactionTimeoutMs",
            "transactionStatus", "transactionPartitions", "transactionLastUpdateTimestampMs", "transactionStartTimestampMs",
            "clientTransactionVersion",
        ]
    }

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("producerId", &producerID)
        try coder.field("producerEpoch", &producerEpoch)
        try coder.field("transactionTimeoutMs", &transactionTimeoutMs)
        try coder.field("transactionStatus", &transactionStatus)
        try coder.field("transactionPartitions", &transactionPartitions)
        try coder.field("transactionLastUpdateTimestampMs", &transactionLastUpdateTimestampMs)
        try coder.field("transactionStartTimestampMs", &transactionStartTimestampMs)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "previousProducerId", &previousProducerID, default: -1)
        try coder.tag(&tags, 1, "nextProducerId", &nextProducerID, default: -1)
        try coder.tag(&tags, 2, "clientTransactionVersion", &clientTransactionVersion, default: 0)
        try coder.tag(&tags, 3, "nextProducerEpoch", &nextProducerEpoch, default: -1)
        try coder.endTags(tags)
    }
}

extension TransactionLogValue {
    package struct Partitions: WireStruct {
        package var topic = ""
        package var partitionIDs: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitionIds", &partitionIDs)
            try coder.noTags()
        }
    }
}
