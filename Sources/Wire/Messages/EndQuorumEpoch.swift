import Primitives

/// EndQuorumEpoch (54): a leader steps down and names who should stand next, the voter with the longest log first. Version 1 with
/// directories and endpoints (KIP-853).
package struct EndQuorumEpochRequest: WireRequest {
    package typealias Response = EndQuorumEpochResponse
    package static var apiKey: APIKey { .endQuorumEpoch }

    package var clusterID: String?
    package var topics: [Topic] = []
    package var leaderEndpoints: [QuorumEndpoint] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("clusterId", &clusterID)
        try coder.field("topics", &topics)
        if version >= 1 { try coder.field("leaderEndpoints", &leaderEndpoints) }
        try coder.noTags()
    }
}

extension EndQuorumEpochRequest {
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
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0
        package var preferredSuccessors: [Int32] = []
        package var preferredCandidates: [Candidate] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            if version <= 0 { try coder.field("preferredSuccessors", &preferredSuccessors) }
            if version >= 1 { try coder.field("preferredCandidates", &preferredCandidates) }
            try coder.noTags()
        }
    }

    package struct Candidate: WireStruct {
        package var candidateID: Int32 = 0
        package var candidateDirectoryID = UUID.zero

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("candidateId", &candidateID)
            try coder.field("candidateDirectoryId", &candidateDirectoryID)
            try coder.noTags()
        }
    }
}

/// EndQuorumEpoch (54).
package struct EndQuorumEpochResponse: WireResponse {
    package static var apiKey: APIKey { .endQuorumEpoch }

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

extension EndQuorumEpochResponse {
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
