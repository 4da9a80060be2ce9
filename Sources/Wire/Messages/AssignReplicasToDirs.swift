import Primitives

/// AssignReplicasToDirs (73): a broker tells in which log directory each replica lies (KIP-858).
package struct AssignReplicasToDirsRequest: WireRequest {
    package typealias Response = AssignReplicasToDirsResponse
    package static var apiKey: APIKey { .assignReplicasToDirs }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = -1
    package var directories: [Directory] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("brokerId", &brokerID)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.field("directories", &directories)
        try coder.noTags()
    }
}

extension AssignReplicasToDirsRequest {
    package struct Directory: WireStruct {
        package var id = UUID.zero
        package var topics: [Topic] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("id", &id)
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

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
        package var partitionIndex: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.noTags()
        }
    }
}

/// AssignReplicasToDirs (73).
package struct AssignReplicasToDirsResponse: WireResponse {
    package static var apiKey: APIKey { .assignReplicasToDirs }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var directories: [Directory] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("directories", &directories)
        try coder.noTags()
    }
}

extension AssignReplicasToDirsResponse {
    package struct Directory: WireStruct {
        package var id = UUID.zero
        package var topics: [Topic] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("id", &id)
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

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
