/// AlterPartitionReassignments (45): begins (replicas) or cancels (nil) moves of partitions (KIP-455).
package struct AlterPartitionReassignmentsRequest: WireRequest {
    package typealias Response = AlterPartitionReassignmentsResponse
    package static var apiKey: APIKey { .alterPartitionReassignments }

    package var timeoutMs: Int32 = 60000
    /// False refuses a change of the replication factor (KIP-860).
    package var allowReplicationFactorChange = true
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("timeoutMs", &timeoutMs)
        if version >= 1 { try coder.field("allowReplicationFactorChange", &allowReplicationFactorChange) }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension AlterPartitionReassignmentsRequest {
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
        package var replicas: [Int32]?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("replicas", &replicas)
            try coder.noTags()
        }
    }
}

/// AlterPartitionReassignments (45).
package struct AlterPartitionReassignmentsResponse: WireResponse {
    package static var apiKey: APIKey { .alterPartitionReassignments }

    package var throttleTimeMs: Int32 = 0
    package var allowReplicationFactorChange = true
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var responses: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        if version >= 1 { try coder.field("allowReplicationFactorChange", &allowReplicationFactorChange) }
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("responses", &responses)
        try coder.noTags()
    }
}

extension AlterPartitionReassignmentsResponse {
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
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
