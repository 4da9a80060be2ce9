/// ListOffsets (2): offsets for timestamps. Negative timestamps are questions: -1 latest, -2 earliest, -3 of the largest timestamp
/// (version 7), -4 earliest local (8), -5 latest tiered (9), -6 earliest not yet uploaded (11).
package struct ListOffsetsRequest: WireRequest {
    package typealias Response = ListOffsetsResponse
    package static var apiKey: APIKey { .listOffsets }

    package var replicaID: Int32 = -1
    package var isolationLevel: Int8 = 0
    package var topics: [Topic] = []
    package var timeoutMs: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("replicaId", &replicaID)
        if version >= 2 { try coder.field("isolationLevel", &isolationLevel) }
        try coder.field("topics", &topics)
        if version >= 10 { try coder.field("timeoutMs", &timeoutMs) }
        try coder.noTags()
    }
}

extension ListOffsetsRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var currentLeaderEpoch: Int32 = -1
        package var timestamp: Int64 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            if version >= 4 { try coder.field("currentLeaderEpoch", &currentLeaderEpoch) }
            try coder.field("timestamp", &timestamp)
            try coder.noTags()
        }
    }
}

/// ListOffsets (2). Offset and timestamp -1 without an error: no such record.
package struct ListOffsetsResponse: WireResponse {
    package static var apiKey: APIKey { .listOffsets }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 2 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension ListOffsetsResponse {
    package struct Topic: WireStruct {
        package var name = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var errorCode = ErrorCode.none
        package var timestamp: Int64 = -1
        package var offset: Int64 = -1
        package var leaderEpoch: Int32 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("timestamp", &timestamp)
            try coder.field("offset", &offset)
            if version >= 4 { try coder.field("leaderEpoch", &leaderEpoch) }
            try coder.noTags()
        }
    }
}
