import Primitives

/// ConsumerGroupHeartbeat (68): the one request of a KIP-848 member: joins (epoch 0), lives, leaves (-1, -2 for a while). Nil: unchanged.
package struct ConsumerGroupHeartbeatRequest: WireRequest {
    package typealias Response = ConsumerGroupHeartbeatResponse
    package static var apiKey: APIKey { .consumerGroupHeartbeat }

    package var groupID = ""
    package var memberID = ""
    package var memberEpoch: Int32 = 0
    package var instanceID: String?
    package var rackID: String?
    package var rebalanceTimeoutMs: Int32 = -1
    package var subscribedTopicNames: [String]?
    package var subscribedTopicRegex: String?
    package var serverAssignor: String?
    package var topicPartitions: [TopicPartitions]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
        try coder.field("memberEpoch", &memberEpoch)
        try coder.field("instanceId", &instanceID)
        try coder.field("rackId", &rackID)
        try coder.field("rebalanceTimeoutMs", &rebalanceTimeoutMs)
        try coder.field("subscribedTopicNames", &subscribedTopicNames)
        if version >= 1 { try coder.field("subscribedTopicRegex", &subscribedTopicRegex) }
        try coder.field("serverAssignor", &serverAssignor)
        try coder.field("topicPartitions", &topicPartitions)
        try coder.noTags()
    }
}

extension ConsumerGroupHeartbeatRequest {
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

/// ConsumerGroupHeartbeat (68). `assignment` nil: unchanged.
package struct ConsumerGroupHeartbeatResponse: WireResponse {
    package static var apiKey: APIKey { .consumerGroupHeartbeat }

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

extension ConsumerGroupHeartbeatResponse {
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
