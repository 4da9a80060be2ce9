/// AddOffsetsToTxn (25): a transaction is about to commit offsets of a group.
package struct AddOffsetsToTxnRequest: WireRequest {
    package typealias Response = AddOffsetsToTxnResponse
    package static var apiKey: APIKey { .addOffsetsToTxn }

    package var transactionalID = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var groupID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("transactionalId", &transactionalID)
        try coder.field("producerId", &producerID)
        try coder.field("producerEpoch", &producerEpoch)
        try coder.field("groupId", &groupID)
        try coder.noTags()
    }
}

/// AddOffsetsToTxn (25).
package struct AddOffsetsToTxnResponse: WireResponse {
    package static var apiKey: APIKey { .addOffsetsToTxn }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.noTags()
    }
}
