import Primitives

/// DescribeShareGroupOffsets (90, KIP-932): where share groups stand in their partitions.
package struct DescribeShareGroupOffsetsRequest: WireRequest {
    package typealias Response = DescribeShareGroupOffsetsResponse
    package static var apiKey: APIKey { .describeShareGroupOffsets }

    package var groups: [Group] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groups", &groups)
        try coder.noTags()
    }
}

extension DescribeShareGroupOffsetsRequest {
    package struct Group: WireStruct {
        package var groupID = ""
        /// Nil: all that the group has.
        package var topics: [Topic]?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("groupId", &groupID)
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var topicName = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}

/// DescribeShareGroupOffsets (90). From version 1 with each partition's lag (KIP-1226).
package struct DescribeShareGroupOffsetsResponse: WireResponse {
    package static var apiKey: APIKey { .describeShareGroupOffsets }

    package var throttleTimeMs: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("groups", &groups)
        try coder.noTags()
    }
}

extension DescribeShareGroupOffsetsResponse {
    package struct Group: WireStruct {
        package var groupID = ""
        package var topics: [Topic] = []
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("groupId", &groupID)
            try coder.field("topics", &topics)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var topicName = ""
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
            try coder.field("topicId", &topicID)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        /// The first offset that is not yet done with; -1: the group has read nothing of the partition.
        package var startOffset: Int64 = 0
        package var leaderEpoch: Int32 = 0
        /// Records of the partition that are not done with; -1: unknown.
        package var lag: Int64 = -1
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("startOffset", &startOffset)
            try coder.field("leaderEpoch", &leaderEpoch)
            if version >= 1 { try coder.field("lag", &lag) }
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
