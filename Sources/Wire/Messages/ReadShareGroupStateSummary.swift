import Primitives

/// ReadShareGroupStateSummary (87): how far a share partition has come, for an administrator. Between brokers.
package struct ReadShareGroupStateSummaryRequest: WireRequest {
    package typealias Response = ReadShareGroupStateSummaryResponse
    package static var apiKey: APIKey { .readShareGroupStateSummary }

    package var groupID = ""
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension ReadShareGroupStateSummaryRequest {
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

/// ReadShareGroupStateSummary (87). Without state there is no error, and the start offset is -1.
package struct ReadShareGroupStateSummaryResponse: WireResponse {
    package static var apiKey: APIKey { .readShareGroupStateSummary }

    package var results: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension ReadShareGroupStateSummaryResponse {
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
        package var leaderEpoch: Int32 = 0
        package var startOffset: Int64 = 0
        /// From version 1: how many records from the start offset on are accepted or archived; -1 unknown (KIP-1226).
        package var deliveryCompleteCount: Int32 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partition", &partition)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("stateEpoch", &stateEpoch)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.field("startOffset", &startOffset)
            if version >= 1 { try coder.field("deliveryCompleteCount", &deliveryCompleteCount) }
            try coder.noTags()
        }
    }
}
