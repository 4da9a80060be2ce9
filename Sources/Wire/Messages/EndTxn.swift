/// EndTxn (26): commit or abort. From version 5 on the answer has the next epoch (KIP-890).
package struct EndTxnRequest: WireRequest {
    package typealias Response = EndTxnResponse
    package static var apiKey: APIKey { .endTxn }

    package var transactionalID = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var committed = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("transactionalId", &transactionalID)
        try coder.field("producerId", &producerID)
        try coder.field("producerEpoch", &producerEpoch)
        try coder.field("committed", &committed)
        try coder.noTags()
    }
}

/// EndTxn (26).
package struct EndTxnResponse: WireResponse {
    package static var apiKey: APIKey { .endTxn }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = -1

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        if version >= 5 {
            try coder.field("producerId", &producerID)
            try coder.field("producerEpoch", &producerEpoch)
        }
        try coder.noTags()
    }
}
