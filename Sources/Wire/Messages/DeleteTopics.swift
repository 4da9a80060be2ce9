import Primitives

/// DeleteTopics (20): by name, from version 6 on by name or id.
package struct DeleteTopicsRequest: WireRequest {
    package typealias Response = DeleteTopicsResponse
    package static var apiKey: APIKey { .deleteTopics }

    package var topics: [Topic] = []
    package var topicNames: [String] = []
    package var timeoutMs: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 6 { try coder.field("topics", &topics) }
        if version <= 5 { try coder.field("topicNames", &topicNames) }
        try coder.field("timeoutMs", &timeoutMs)
        try coder.noTags()
    }
}

extension DeleteTopicsRequest {
    package struct Topic: WireStruct {
        package var name: String?
        package var topicID = UUID.zero

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("topicId", &topicID)
            try coder.noTags()
        }
    }
}

/// DeleteTopics (20).
package struct DeleteTopicsResponse: WireResponse {
    package static var apiKey: APIKey { .deleteTopics }

    package var throttleTimeMs: Int32 = 0
    package var responses: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("responses", &responses)
        try coder.noTags()
    }
}

extension DeleteTopicsResponse {
    package struct Result: WireStruct {
        package var name: String?
        package var topicID = UUID.zero
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("name", &name, nullable: version >= 6)
            if version >= 6 { try coder.field("topicId", &topicID) }
            try coder.field("errorCode", &errorCode)
            if version >= 5 { try coder.field("errorMessage", &errorMessage) }
            try coder.noTags()
        }
    }
}
