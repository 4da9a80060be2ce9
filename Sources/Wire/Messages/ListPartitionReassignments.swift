/// ListPartitionReassignments (46). `topics` nil asks for all that go on.
package struct ListPartitionReassignmentsRequest: WireRequest {
    package typealias Response = ListPartitionReassignmentsResponse
    package static var apiKey: APIKey { .listPartitionReassignments }

    package var timeoutMs: Int32 = 60000
    package var topics: [Topic]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("timeoutMs", &timeoutMs)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension ListPartitionReassignmentsRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var partitionIndexes: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitionIndexes", &partitionIndexes)
            try coder.noTags()
        }
    }
}

/// ListPartitionReassignments (46).
package struct ListPartitionReassignmentsResponse: WireResponse {
    package static var apiKey: APIKey { .listPartitionReassignments }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension ListPartitionReassignmentsResponse {
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
        package var replicas: [Int32] = []
        package var addingReplicas: [Int32] = []
        package var removingReplicas: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("replicas", &replicas)
            try coder.field("addingReplicas", &addingReplicas)
            try coder.field("removingReplicas", &removingReplicas)
            try coder.noTags()
        }
    }
}
