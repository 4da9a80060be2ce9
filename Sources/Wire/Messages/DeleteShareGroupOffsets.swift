import Primitives

/// DeleteShareGroupOffsets (92, KIP-932): what a share group without members remembers of topics is forgotten.
package struct DeleteShareGroupOffsetsRequest: WireRequest {
    package typealias Response = DeleteShareGroupOffsetsResponse
    package static var apiKey: APIKey { .deleteShareGroupOffsets }

    package var groupID = ""
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension DeleteShareGroupOffsetsRequest {
    package struct Topic: WireStruct {
        package var topicName = ""

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
            try coder.noTags()
        }
    }
}

/// DeleteShareGroupOffsets (92).
package struct DeleteShareGroupOffsetsResponse: WireResponse {
    package static var apiKey: APIKey { .deleteShareGroupOffsets }

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

extension DeleteShareGroupOffsetsResponse {
    package struct Topic: WireStruct {
        package var topicName = ""
        package var topicID = UUID.zero
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
            try coder.field("topicId", &topicID)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
