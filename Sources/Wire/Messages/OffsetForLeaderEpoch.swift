/// OffsetForLeaderEpoch (23): where a leader epoch ended, for finding the point where two logs part (KIP-101, KIP-320).
package struct OffsetForLeaderEpochRequest: WireRequest {
    package typealias Response = OffsetForLeaderEpochResponse
    package static var apiKey: APIKey { .offsetForLeaderEpoch }

    /// -2: an old consumer, -1: a consumer.
    package var replicaID: Int32 = -2
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 3 { try coder.field("replicaId", &replicaID) }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension OffsetForLeaderEpochRequest {
    package struct Topic: WireStruct {
        package var topic = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partition: Int32 = 0
        package var currentLeaderEpoch: Int32 = -1
        package var leaderEpoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partition", &partition)
            try coder.field("currentLeaderEpoch", &currentLeaderEpoch)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.noTags()
        }
    }
}

/// OffsetForLeaderEpoch (23). The largest epoch at or below the one asked for, and its end; -1 and -1 where there is none.
package struct OffsetForLeaderEpochResponse: WireResponse {
    package static var apiKey: APIKey { .offsetForLeaderEpoch }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension OffsetForLeaderEpochResponse {
    package struct Topic: WireStruct {
        package var topic = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var errorCode = ErrorCode.none
        package var partition: Int32 = 0
        package var leaderEpoch: Int32 = -1
        package var endOffset: Int64 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("partition", &partition)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.field("endOffset", &endOffset)
            try coder.noTags()
        }
    }
}
