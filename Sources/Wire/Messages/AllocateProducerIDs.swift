/// AllocateProducerIds (67): a broker asks the controller for a block of producer ids (KIP-730).
package struct AllocateProducerIDsRequest: WireRequest {
    package typealias Response = AllocateProducerIDsResponse
    package static var apiKey: APIKey { .allocateProducerIDs }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = -1

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("brokerId", &brokerID)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.noTags()
    }
}

/// AllocateProducerIds (67).
package struct AllocateProducerIDsResponse: WireResponse {
    package static var apiKey: APIKey { .allocateProducerIDs }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var producerIDStart: Int64 = 0
    package var producerIDLength: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("producerIdStart", &producerIDStart)
        try coder.field("producerIdLen", &producerIDLength)
        try coder.noTags()
    }
}
