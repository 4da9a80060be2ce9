import Primitives

/// WriteShareGroupState (85): the leader of a share partition has what changed written down. Between brokers.
package struct WriteShareGroupStateRequest: WireRequest {
    package typealias Response = WriteShareGroupStateResponse
    package static var apiKey: APIKey { .writeShareGroupState }

    package var groupID = ""
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension WriteShareGroupStateRequest {
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
        package var leaderEpoch: Int32 = 0
        /// -1: as it was.
        package var startOffset: Int64 = 0
        /// From version 1: how many records from the start offset on are accepted or archived; -1 unknown (KIP-1226).
        package var deliveryCompleteCount: Int32 = -1
        package var stateBatches: [ShareStateBatch] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partition", &partition)
            try coder.field("stateEpoch", &stateEpoch)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.field("startOffset", &startOffset)
            if version >= 1 { try coder.field("deliveryCompleteCount", &deliveryCompleteCount) }
            try coder.field("stateBatches", &stateBatches)
            try coder.noTags()
        }
    }
}

/// WriteShareGroupState (85).
package struct WriteShareGroupStateResponse: WireResponse {
    package static var apiKey: APIKey { .writeShareGroupState }

    package var results: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension WriteShareGroupStateResponse {
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
