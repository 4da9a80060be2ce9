import Primitives

/// Vote (52): a candidate asks a voter for its vote (KIP-595). Version 1 with directories (KIP-853), 2 with the question before the
/// question (KIP-996): a pre-vote changes nothing at the voter.
package struct VoteRequest: WireRequest {
    package typealias Response = VoteResponse
    package static var apiKey: APIKey { .vote }

    package var clusterID: String?
    /// Who is asked.
    package var voterID: Int32 = -1
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("clusterId", &clusterID)
        if version >= 1 { try coder.field("voterId", &voterID) }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension VoteRequest {
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
        /// The epoch the candidate stands for; of a pre-vote the one it is in.
        package var replicaEpoch: Int32 = 0
        package var replicaID: Int32 = 0
        package var replicaDirectoryID = UUID.zero
        package var voterDirectoryID = UUID.zero
        /// Epoch of the last record of the candidate's log.
        package var lastOffsetEpoch: Int32 = 0
        /// The candidate's log end offset.
        package var lastOffset: Int64 = 0
        package var preVote = false

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("replicaEpoch", &replicaEpoch)
            try coder.field("replicaId", &replicaID)
            if version >= 1 {
                try coder.field("replicaDirectoryId", &replicaDirectoryID)
                try coder.field("voterDirectoryId", &voterDirectoryID)
            }
            try coder.field("lastOffsetEpoch", &lastOffsetEpoch)
            try coder.field("lastOffset", &lastOffset)
            if version >= 2 { try coder.field("preVote", &preVote) }
            try coder.noTags()
        }
    }
}

/// Vote (52).
package struct VoteResponse: WireResponse {
    package static var apiKey: APIKey { .vote }

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

extension VoteResponse {
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
        package var voteGranted = false

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.field("voteGranted", &voteGranted)
            try coder.noTags()
        }
    }
}
