/// UnregisterBroker (64): removes a broker from the cluster for good.
package struct UnregisterBrokerRequest: WireRequest {
    package typealias Response = UnregisterBrokerResponse
    package static var apiKey: APIKey { .unregisterBroker }

    package var brokerID: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("brokerId", &brokerID)
        try coder.noTags()
    }
}

/// UnregisterBroker (64).
package struct UnregisterBrokerResponse: WireResponse {
    package static var apiKey: APIKey { .unregisterBroker }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.noTags()
    }
}
