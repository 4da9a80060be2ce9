import Primitives

/// BeginQuorumEpoch (53): the leader of a new epoch makes itself known to the voters. Version 1 with directories and endpoints (KIP-853).
package struct BeginQuorumEpochRequest: WireRequest {
    package typealias Response = BeginQuorumEpochResponse
    package static var apiKey: APIKey { .beginQuorumEpoch }

    package var clusterID: String?
    package var voterID: Int32 = -1
    package var topics: [Topic] = []
    package var leaderEndpoints: [QuorumEndpoint] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("clusterId", &clusterID)
        if version >= 1 { try coder.field("voterId", &voterID) }
        try coder.field("topics", &topics)
        if version >= 1 { try coder.field("leaderEndpoints", &leaderEndpoints) }
        try coder.noTags()
    }
}

extension BeginQuorumEpochRequest {
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
        package var voterDirectoryID = UUID.zero
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            if version >= 1 { try coder.field("voterDirectoryId", &voterDirectoryID) }
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.noTags()
        }
    }
}

/// BeginQuorumEpoch (53).
package struct BeginQuorumEpochResponse: WireResponse {
    package static var apiKey: APIKey { .beginQuorumEpoch }

    package var errorCode = ErrorCode.none
    package var topics: [Topic] = []
    /// Where the leader is to be found, if it is known.
    package var nodeEndpoints: [QuorumNode] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("errorCode", &errorCode)
        try coder.field("topics", &topics)
        var tags = try coder.beginTags()
        if version >= 1 { try coder.tag(&tags, 0, "nodeEndpoints", &nodeEndpoints, default: []) }
        try coder.endTags(tags)
    }
}

extension BeginQuorumEpochResponse {
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
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.noTags()
        }
    }
}
