import Primitives

/// AlterShareGroupOffsets (91, KIP-932): from where a share group without members is to go on.
package struct AlterShareGroupOffsetsRequest: WireRequest {
    package typealias Response = AlterShareGroupOffsetsResponse
    package static var apiKey: APIKey { .alterShareGroupOffsets }

    package var groupID = ""
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension AlterShareGroupOffsetsRequest {
    package struct Topic: WireStruct {
        package var topicName = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var startOffset: Int64 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("startOffset", &startOffset)
            try coder.noTags()
        }
    }
}

/// AlterShareGroupOffsets (91).
package struct AlterShareGroupOffsetsResponse: WireResponse {
    package static var apiKey: APIKey { .alterShareGroupOffsets }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var responses: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("responses", &responses)
        try coder.noTags()
    }
}

extension AlterShareGroupOffsetsResponse {
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
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
