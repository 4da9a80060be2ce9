import Primitives

/// DescribeQuorum (55): leader, voters and observers of the metadata quorum.
package struct DescribeQuorumRequest: WireRequest {
    package typealias Response = DescribeQuorumResponse
    package static var apiKey: APIKey { .describeQuorum }

    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension DescribeQuorumRequest {
    package struct Topic: WireStruct {
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

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.noTags()
        }
    }
}

/// DescribeQuorum (55). Version 1 with times (KIP-836), version 2 with directories, nodes and messages (KIP-853).
package struct DescribeQuorumResponse: WireResponse {
    package static var apiKey: APIKey { .describeQuorum }

    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var topics: [Topic] = []
    package var nodes: [Node] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("errorCode", &errorCode)
        if version >= 2 { try coder.field("errorMessage", &errorMessage) }
        try coder.field("topics", &topics)
        if version >= 2 { try coder.field("nodes", &nodes) }
        try coder.noTags()
    }
}

extension DescribeQuorumResponse {
    package struct Topic: WireStruct {
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
        package var errorMessage: String?
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0
        package var highWatermark: Int64 = 0
        package var currentVoters: [ReplicaState] = []
        package var observers: [ReplicaState] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            if version >= 2 { try coder.field("errorMessage", &errorMessage) }
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.field("highWatermark", &highWatermark)
            try coder.field("currentVoters", &currentVoters)
            try coder.field("observers", &observers)
            try coder.noTags()
        }
    }

    package struct ReplicaState: WireStruct {
        package var replicaID: Int32 = 0
        package var replicaDirectoryID = UUID.zero
        package var logEndOffset: Int64 = 0
        package var lastFetchTimestamp: Int64 = -1
        package var lastCaughtUpTimestamp: Int64 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("replicaId", &replicaID)
            if version >= 2 { try coder.field("replicaDirectoryId", &replicaDirectoryID) }
            try coder.field("logEndOffset", &logEndOffset)
            if version >= 1 {
                try coder.field("lastFetchTimestamp", &lastFetchTimestamp)
                try coder.field("lastCaughtUpTimestamp", &lastCaughtUpTimestamp)
            }
            try coder.noTags()
        }
    }

    package struct Node: WireStruct {
        package var nodeID: Int32 = 0
        package var listeners: [Listener] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("nodeId", &nodeID)
            try coder.field("listeners", &listeners)
            try coder.noTags()
        }
    }

    package struct Listener: WireStruct {
        package var name = ""
        package var host = ""
        package var port: UInt16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.noTags()
        }
    }
}
