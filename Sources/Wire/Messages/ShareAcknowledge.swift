import Primitives

/// ShareAcknowledge (79): acknowledgements of a share group's member without asking for more (KIP-932). Version 2 may renew (KIP-1222).
package struct ShareAcknowledgeRequest: WireRequest {
    package typealias Response = ShareAcknowledgeResponse
    package static var apiKey: APIKey { .shareAcknowledge }

    package var groupID: String?
    package var memberID: String?
    /// -1 closes the session; 0 is refused, because a session begins with a fetch.
    package var shareSessionEpoch: Int32 = 0
    package var isRenewAck = false
    package var topics: [ShareFetchRequest.Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
        try coder.field("shareSessionEpoch", &shareSessionEpoch)
        if version >= 2 { try coder.field("isRenewAck", &isRenewAck) }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

/// ShareAcknowledge (79). A partition is answered when its outcome is with the share coordinator.
package struct ShareAcknowledgeResponse: WireResponse {
    package static var apiKey: APIKey { .shareAcknowledge }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var acquisitionLockTimeoutMs: Int32 = 0
    package var responses: [Topic] = []
    package var nodeEndpoints: [ShareNodeEndpoint] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        if version >= 2 { try coder.field("acquisitionLockTimeoutMs", &acquisitionLockTimeoutMs) }
        try coder.field("responses", &responses)
        try coder.field("nodeEndpoints", &nodeEndpoints)
        try coder.noTags()
    }
}

extension ShareAcknowledgeResponse {
    package struct Topic: WireStruct {
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var currentLeader = ShareCurrentLeader()

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("currentLeader", &currentLeader)
            try coder.noTags()
        }
    }
}
