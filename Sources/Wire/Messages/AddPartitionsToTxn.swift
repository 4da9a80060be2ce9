/// AddPartitionsToTxn (24): partitions a transaction is about to write to. Up to version 3 of one producer; from version 4 on, which only
/// brokers send, of many, also only to verify (KIP-890).
package struct AddPartitionsToTxnRequest: WireRequest {
    package typealias Response = AddPartitionsToTxnResponse
    package static var apiKey: APIKey { .addPartitionsToTxn }

    package var transactions: [Transaction] = []
    package var v3AndBelowTransactionalID = ""
    package var v3AndBelowProducerID: Int64 = 0
    package var v3AndBelowProducerEpoch: Int16 = 0
    package var v3AndBelowTopics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 4 { try coder.field("transactions", &transactions) }
        if version <= 3 {
            try coder.field("v3AndBelowTransactionalId", &v3AndBelowTransactionalID)
            try coder.field("v3AndBelowProducerId", &v3AndBelowProducerID)
            try coder.field("v3AndBelowProducerEpoch", &v3AndBelowProducerEpoch)
            try coder.field("v3AndBelowTopics", &v3AndBelowTopics)
        }
        try coder.noTags()
    }
}

extension AddPartitionsToTxnRequest {
    package struct Transaction: WireStruct {
        package var transactionalID = ""
        package var producerID: Int64 = 0
        package var producerEpoch: Int16 = 0
        package var verifyOnly = false
        package var topics: [Topic] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("transactionalId", &transactionalID)
            try coder.field("producerId", &producerID)
            try coder.field("producerEpoch", &producerEpoch)
            try coder.field("verifyOnly", &verifyOnly)
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var name = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}

/// AddPartitionsToTxn (24).
package struct AddPartitionsToTxnResponse: WireResponse {
    package static var apiKey: APIKey { .addPartitionsToTxn }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var resultsByTransaction: [TransactionResult] = []
    package var resultsByTopicV3AndBelow: [TopicResult] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        if version >= 4 {
            try coder.field("errorCode", &errorCode)
            try coder.field("resultsByTransaction", &resultsByTransaction)
        }
        if version <= 3 { try coder.field("resultsByTopicV3AndBelow", &resultsByTopicV3AndBelow) }
        try coder.noTags()
    }
}

extension AddPartitionsToTxnResponse {
    package struct TransactionResult: WireStruct {
        package var transactionalID = ""
        package var topicResults: [TopicResult] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("transactionalId", &transactionalID)
            try coder.field("topicResults", &topicResults)
            try coder.noTags()
        }
    }

    package struct TopicResult: WireStruct {
        package var name = ""
        package var resultsByPartition: [PartitionResult] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("resultsByPartition", &resultsByPartition)
            try coder.noTags()
        }
    }

    package struct PartitionResult: WireStruct {
        package var partitionIndex: Int32 = 0
        package var partitionErrorCode = ErrorCode.none

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("partitionErrorCode", &partitionErrorCode)
            try coder.noTags()
        }
    }
}
