import Primitives

/// ShareGroupHeartbeat (76, KIP-932): the one request of a share group's member: joins (epoch 0), lives, leaves (-1). Nil: unchanged.
package struct ShareGroupHeartbeatRequest: WireRequest {
    package typealias Response = ShareGroupHeartbeatResponse
    package static var apiKey: APIKey { .shareGroupHeartbeat }

    package var groupID = ""
    /// Made up by the member.
    package var memberID = ""
    package var memberEpoch: Int32 = 0
    package var rackID: String?
    package var subscribedTopicNames: [String]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
        try coder.field("memberEpoch", &memberEpoch)
        try coder.field("rackId", &rackID)
        try coder.field("subscribedTopicNames", &subscribedTopicNames)
        try coder.noTags()
    }
}

/// ShareGroupHeartbeat (76). `assignment` nil: unchanged.
package struct ShareGroupHeartbeatResponse: WireResponse {
    package static var apiKey: APIKey { .shareGroupHeartbeat }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var memberID: String?
    package var memberEpoch: Int32 = 0
    package var heartbeatIntervalMs: Int32 = 0
    package var assignment: Assignment?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("memberId", &memberID)
        try coder.field("memberEpoch", &memberEpoch)
        try coder.field("heartbeatIntervalMs", &heartbeatIntervalMs)
        try coder.field("assignment", &assignment)
        try coder.noTags()
    }
}

extension ShareGroupHeartbeatResponse {
    package struct Assignment: WireStruct {
        package var topicPartitions: [TopicPartitions] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicPartitions", &topicPartitions)
            try coder.noTags()
        }
    }

    package struct TopicPartitions: WireStruct {
        package var topicID = UUID.zero
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}
