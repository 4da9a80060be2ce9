import Primitives

/// ReadShareGroupState (84): a new leader of a share partition asks for its state, and fences the leaders before it by its epoch.
/// Between brokers.
package struct ReadShareGroupStateRequest: WireRequest {
    package typealias Response = ReadShareGroupStateResponse
    package static var apiKey: APIKey { .readShareGroupState }

    package var groupID = ""
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension ReadShareGroupStateRequest {
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
        package var leaderEpoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partition", &partition)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.noTags()
        }
    }
}

/// ReadShareGroupState (84). What is in no batch and at or above the start offset has not been delivered.
package struct ReadShareGroupStateResponse: WireResponse {
    package static var apiKey: APIKey { .readShareGroupState }

    package var results: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension ReadShareGroupStateResponse {
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
        package var stateEpoch: Int32 = 0
        package var startOffset: Int64 = 0
        package var stateBatches: [ShareStateBatch] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partition", &partition)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("stateEpoch", &stateEpoch)
            try coder.field("startOffset", &startOffset)
            try coder.field("stateBatches", &stateBatches)
            try coder.noTags()
        }
    }
}

/// Records of a share partition that are in one state, both ends included.
package struct ShareStateBatch: WireStruct {
    package var firstOffset: Int64 = 0
    package var lastOffset: Int64 = 0
    /// 0 available, 2 accepted, 4 archived. That a record is locked is never written down.
    package var deliveryState: Int8 = 0
    package var deliveryCount: Int16 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("firstOffset", &firstOffset)
        try coder.field("lastOffset", &lastOffset)
        try coder.field("deliveryState", &deliveryState)
        try coder.field("deliveryCount", &deliveryCount)
        try coder.noTags()
    }
}
