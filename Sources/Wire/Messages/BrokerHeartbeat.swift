import Primitives

/// BrokerHeartbeat (63): a broker is alive, and has applied the metadata up to an offset (KIP-631). Version 1 names the log directories
/// that failed (KIP-858), 2 those that take no new partitions (KIP-1066).
package struct BrokerHeartbeatRequest: WireRequest {
    package typealias Response = BrokerHeartbeatResponse
    package static var apiKey: APIKey { .brokerHeartbeat }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = -1
    package var currentMetadataOffset: Int64 = 0
    package var wantFence = false
    package var wantShutDown = false
    package var offlineLogDirs: [UUID] = []
    package var cordonedLogDirs: [UUID]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("brokerId", &brokerID)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.field("currentMetadataOffset", &currentMetadataOffset)
        try coder.field("wantFence", &wantFence)
        try coder.field("wantShutDown", &wantShutDown)
        var tags = try coder.beginTags()
        if version >= 1 { try coder.tag(&tags, 0, "offlineLogDirs", &offlineLogDirs, default: []) }
        if version >= 2 { try coder.tag(&tags, 1, "cordonedLogDirs", &cordonedLogDirs, default: nil) }
        try coder.endTags(tags)
    }
}

/// BrokerHeartbeat (63).
package struct BrokerHeartbeatResponse: WireResponse {
    package static var apiKey: APIKey { .brokerHeartbeat }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var isCaughtUp = false
    package var isFenced = true
    package var shouldShutDown = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("isCaughtUp", &isCaughtUp)
        try coder.field("isFenced", &isFenced)
        try coder.field("shouldShutDown", &shouldShutDown)
        try coder.noTags()
    }
}
