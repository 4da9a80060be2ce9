/// Heartbeat (12): a member of a classic group says that it lives, and hears of rebalances by error 27.
package struct HeartbeatRequest: WireRequest {
    package typealias Response = HeartbeatResponse
    package static var apiKey: APIKey { .heartbeat }

    package var groupID = ""
    package var generationID: Int32 = 0
    package var memberID = ""
    package var groupInstanceID: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        try coder.field("generationId", &generationID)
        try coder.field("memberId", &memberID)
        if version >= 3 { try coder.field("groupInstanceId", &groupInstanceID) }
        try coder.noTags()
    }
}

/// Heartbeat (12).
package struct HeartbeatResponse: WireResponse {
    package static var apiKey: APIKey { .heartbeat }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("errorCode", &errorCode)
        try coder.noTags()
    }
}
