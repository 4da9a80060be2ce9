/// InitProducerId (22): a producer id for an idempotent producer (no transactional id: any broker), or a transactional one's next epoch.
/// Version 6 (two-phase commit, KIP-939) is understood but not yet stable in Kafka.
package struct InitProducerIDRequest: WireRequest {
    package typealias Response = InitProducerIDResponse
    package static var apiKey: APIKey { .initProducerID }

    package var transactionalID: String?
    package var transactionTimeoutMs: Int32 = 0
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = -1
    package var enable2PC = false
    package var keepPreparedTxn = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("transactionalId", &transactionalID)
        try coder.field("transactionTimeoutMs", &transactionTimeoutMs)
        if version >= 3 {
            try coder.field("producerId", &producerID)
            try coder.field("producerEpoch", &producerEpoch)
        }
        if version >= 6 {
            try coder.field("enable2Pc", &enable2PC)
            try coder.field("keepPreparedTxn", &keepPreparedTxn)
        }
        try coder.noTags()
    }
}

/// InitProducerId (22).
package struct InitProducerIDResponse: WireResponse {
    package static var apiKey: APIKey { .initProducerID }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = 0
    package var ongoingTxnProducerID: Int64 = -1
    package var ongoingTxnProducerEpoch: Int16 = -1

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("producerId", &producerID)
        try coder.field("producerEpoch", &producerEpoch)
        if version >= 6 {
            try coder.field("ongoingTxnProducerId", &ongoingTxnProducerID)
            try coder.field("ongoingTxnProducerEpoch", &ongoingTxnProducerEpoch)
        }
        try coder.noTags()
    }
}
