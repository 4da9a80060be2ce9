/// ListTransactions (66). Empty filters mean any; a duration of -1 no limit.
package struct ListTransactionsRequest: WireRequest {
    package typealias Response = ListTransactionsResponse
    package static var apiKey: APIKey { .listTransactions }

    package var stateFilters: [String] = []
    package var producerIDFilters: [Int64] = []
    package var durationFilter: Int64 = -1
    package var transactionalIDPattern: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("stateFilters", &stateFilters)
        try coder.field("producerIdFilters", &producerIDFilters)
        if version >= 1 { try coder.field("durationFilter", &durationFilter) }
        if version >= 2 { try coder.field("transactionalIdPattern", &transactionalIDPattern) }
        try coder.noTags()
    }
}

/// ListTransactions (66).
package struct ListTransactionsResponse: WireResponse {
    package static var apiKey: APIKey { .listTransactions }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var unknownStateFilters: [String] = []
    package var transactionStates: [TransactionState] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("unknownStateFilters", &unknownStateFilters)
        try coder.field("transactionStates", &transactionStates)
        try coder.noTags()
    }
}

extension ListTransactionsResponse {
    package struct TransactionState: WireStruct {
        package var transactionalID = ""
        package var producerID: Int64 = 0
        package var transactionState = ""

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("transactionalId", &transactionalID)
            try coder.field("producerId", &producerID)
            try coder.field("transactionState", &transactionState)
            try coder.noTags()
        }
    }
}
