/// FindCoordinator (10): the broker that coordinates a group (key type 0), a transactional id (1) or a share partition (2). Version 4
/// asks for many keys at once (KIP-699).
package struct FindCoordinatorRequest: WireRequest {
    package typealias Response = FindCoordinatorResponse
    package static var apiKey: APIKey { .findCoordinator }

    package var key = ""
    package var keyType: Int8 = 0
    package var coordinatorKeys: [String] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version <= 3 { try coder.field("key", &key) }
        if version >= 1 { try coder.field("keyType", &keyType) }
        if version >= 4 { try coder.field("coordinatorKeys", &coordinatorKeys) }
        try coder.noTags()
    }
}

/// FindCoordinator (10). Up to version 3 one answer at the top, from version 4 on one per key in `coordinators`.
package struct FindCoordinatorResponse: WireResponse {
    package static var apiKey: APIKey { .findCoordinator }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var nodeID: Int32 = 0
    package var host = ""
    package var port: Int32 = 0
    package var coordinators: [Coordinator] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        if version <= 3 { try coder.field("errorCode", &errorCode) }
        if version >= 1 && version <= 3 { try coder.field("errorMessage", &errorMessage) }
        if version <= 3 {
            try coder.field("nodeId", &nodeID)
            try coder.field("host", &host)
            try coder.field("port", &port)
        }
        if version >= 4 { try coder.field("coordinators", &coordinators) }
        try coder.noTags()
    }
}

extension FindCoordinatorResponse {
    package struct Coordinator: WireStruct {
        package var key = ""
        package var nodeID: Int32 = 0
        package var host = ""
        package var port: Int32 = 0
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("key", &key)
            try coder.field("nodeId", &nodeID)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
