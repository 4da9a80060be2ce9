import Primitives

/// InitializeShareGroupState (83): the group coordinator has a share partition begin, or begin anew with a greater state epoch.
/// Between brokers.
package struct InitializeShareGroupStateRequest: WireRequest {
    package typealias Response = InitializeShareGroupStateResponse
    package static var apiKey: APIKey { .initializeShareGroupState }

    package var groupID = ""
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension InitializeShareGroupStateRequest {
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
        package var stateEpoch: Int32 = 0
        /// -1: the share-partition leader chooses by `share.auto.offset.reset`.
        package var startOffset: Int64 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partition", &partition)
            try coder.field("stateEpoch", &stateEpoch)
            try coder.field("startOffset", &startOffset)
            try coder.noTags()
        }
    }
}

/// InitializeShareGroupState (83).
package struct InitializeShareGroupStateResponse: WireResponse {
    package static var apiKey: APIKey { .initializeShareGroupState }

    package var results: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension InitializeShareGroupStateResponse {
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
