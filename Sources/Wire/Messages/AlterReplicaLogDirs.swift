/// AlterReplicaLogDirs (34): moves replicas between the log directories of one broker.
package struct AlterReplicaLogDirsRequest: WireRequest {
    package typealias Response = AlterReplicaLogDirsResponse
    package static var apiKey: APIKey { .alterReplicaLogDirs }

    package var dirs: [Directory] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("dirs", &dirs)
        try coder.noTags()
    }
}

extension AlterReplicaLogDirsRequest {
    package struct Directory: WireStruct {
        package var path = ""
        package var topics: [Topic] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("path", &path)
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var name = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}

/// AlterReplicaLogDirs (34).
package struct AlterReplicaLogDirsResponse: WireResponse {
    package static var apiKey: APIKey { .alterReplicaLogDirs }

    package var throttleTimeMs: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension AlterReplicaLogDirsResponse {
    package struct Result: WireStruct {
        package var topicName = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicName", &topicName)
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
