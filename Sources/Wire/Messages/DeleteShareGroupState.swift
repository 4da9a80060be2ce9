import Primitives

/// DeleteShareGroupState (86): the group or the topic is gone. Between brokers.
package struct DeleteShareGroupStateRequest: WireRequest {
    package typealias Response = DeleteShareGroupStateResponse
    package static var apiKey: APIKey { .deleteShareGroupState }

    package var groupID = ""
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension DeleteShareGroupStateRequest {
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
        package var partition: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partition", &partition)
            try coder.noTags()
        }
    }
}

/// DeleteShareGroupState (86). State that is not there is deleted without error.
package struct DeleteShareGroupStateResponse: WireResponse {
    package static var apiKey: APIKey { .deleteShareGroupState }

    package var results: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension DeleteShareGroupStateResponse {
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
        package var partition: Int32 = 0
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partition", &partition)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
