/// TxnOffsetCommit (28): offsets that take effect when the transaction commits.
package struct TxnOffsetCommitRequest: WireRequest {
    package typealias Response = TxnOffsetCommitResponse
    package static var apiKey: APIKey { .txnOffsetCommit }

    package var transactionalID = ""
    package var groupID = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var generationID: Int32 = -1
    package var memberID = ""
    package var groupInstanceID: String?
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("transactionalId", &transactionalID)
        try coder.field("groupId", &groupID)
        try coder.field("producerId", &producerID)
        try coder.field("producerEpoch", &producerEpoch)
        if version >= 3 {
            try coder.field("generationId", &generationID)
            try coder.field("memberId", &memberID)
            try coder.field("groupInstanceId", &groupInstanceID)
        }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension TxnOffsetCommitRequest {
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
        package var committedOffset: Int64 = 0
        package var committedLeaderEpoch: Int32 = -1
        package var committedMetadata: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("committedOffset", &committedOffset)
            if version >= 2 { try coder.field("committedLeaderEpoch", &committedLeaderEpoch) }
            try coder.field("committedMetadata", &committedMetadata)
            try coder.noTags()
        }
    }
}

/// TxnOffsetCommit (28).
package struct TxnOffsetCommitResponse: WireResponse {
    package static var apiKey: APIKey { .txnOffsetCommit }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension TxnOffsetCommitResponse {
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

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }
}
