import Primitives

/// DescribeTopicPartitions (75): Metadata for administrators, in pages (KIP-966). No topics asks for all.
package struct DescribeTopicPartitionsRequest: WireRequest {
    package typealias Response = DescribeTopicPartitionsResponse
    package static var apiKey: APIKey { .describeTopicPartitions }

    package var topics: [Topic] = []
    package var responsePartitionLimit: Int32 = 2000
    package var cursor: Cursor?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.field("responsePartitionLimit", &responsePartitionLimit)
        try coder.field("cursor", &cursor)
        try coder.noTags()
    }
}

extension DescribeTopicPartitionsRequest {
    package struct Topic: WireStruct {
        package var name = ""

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.noTags()
        }
    }

    /// Where the last page ended.
    package struct Cursor: WireStruct {
        package var topicName = ""
        package var partitionIndex: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
            try coder.field("partitionIndex", &partitionIndex)
            try coder.noTags()
        }
    }
}

/// DescribeTopicPartitions (75). `nextCursor` is nil on the last page.
package struct DescribeTopicPartitionsResponse: WireResponse {
    package static var apiKey: APIKey { .describeTopicPartitions }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []
    package var nextCursor: Cursor?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("topics", &topics)
        try coder.field("nextCursor", &nextCursor)
        try coder.noTags()
    }
}

extension DescribeTopicPartitionsResponse {
    package struct Topic: WireStruct {
        package var errorCode = ErrorCode.none
        package var name: String?
        package var topicID = UUID.zero
        package var isInternal = false
        package var partitions: [Partition] = []
        package var topicAuthorizedOperations: Int32 = Int32.min

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("name", &name)
            try coder.field("topicId", &topicID)
            try coder.field("isInternal", &isInternal)
            try coder.field("partitions", &partitions)
            try coder.field("topicAuthorizedOperations", &topicAuthorizedOperations)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var errorCode = ErrorCode.none
        package var partitionIndex: Int32 = 0
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = -1
        package var replicaNodes: [Int32] = []
        package var isrNodes: [Int32] = []
        package var eligibleLeaderReplicas: [Int32]?
        package var lastKnownELR: [Int32]?
        package var offlineReplicas: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.field("replicaNodes", &replicaNodes)
            try coder.field("isrNodes", &isrNodes)
            try coder.field("eligibleLeaderReplicas", &eligibleLeaderReplicas)
            try coder.field("lastKnownElr", &lastKnownELR)
            try coder.field("offlineReplicas", &offlineReplicas)
            try coder.noTags()
        }
    }

    package struct Cursor: WireStruct {
        package var topicName = ""
        package var partitionIndex: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
            try coder.field("partitionIndex", &partitionIndex)
            try coder.noTags()
        }
    }
}
