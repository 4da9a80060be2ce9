/// DescribeTransactions (65).
package struct DescribeTransactionsRequest: WireRequest {
    package typealias Response = DescribeTransactionsResponse
    package static var apiKey: APIKey { .describeTransactions }

    package var transactionalIDs: [String] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("transactionalIds", &transactionalIDs)
        try coder.noTags()
    }
}

/// DescribeTransactions (65).
package struct DescribeTransactionsResponse: WireResponse {
    package static var apiKey: APIKey { .describeTransactions }

    package var throttleTimeMs: Int32 = 0
    package var transactionStates: [TransactionState] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("transactionStates", &transactionStates)
        try coder.noTags()
    }
}

extension DescribeTransactionsResponse {
    package struct TransactionState: WireStruct {
        package var errorCode = ErrorCode.none
        package var transactionalID = ""
        package var transactionState = ""
        package var transactionTimeoutMs: Int32 = 0
        package var transactionStartTimeMs: Int64 = 0
        package var producerID: Int64 = 0
        package var producerEpoch: Int16 = 0
        package var topics: [Topic] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("transactionalId", &transactionalID)
            try coder.field("transactionState", &transactionState)
            try coder.field("transactionTimeoutMs", &transactionTimeoutMs)
            try coder.field("transactionStartTimeMs", &transactionStartTimeMs)
            try coder.field("producerId", &producerID)
            try coder.field("producerEpoch", &producerEpoch)
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var topic = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}
