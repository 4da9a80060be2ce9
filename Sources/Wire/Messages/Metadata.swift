import Primitives

/// Metadata (3): brokers, topics, partitions and leaders. `topics` nil asks for all of them, an empty list for none; version 0, which
/// cannot say null, asks for all by an empty list and is decoded so.
package struct MetadataRequest: WireRequest {
    package typealias Response = MetadataResponse
    package static var apiKey: APIKey { .metadata }

    package var topics: [Topic]?
    /// Versions below 4 always allow it.
    package var allowAutoTopicCreation = true
    package var includeClusterAuthorizedOperations = false
    package var includeTopicAuthorizedOperations = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("topics", &topics, nullable: version >= 1)
        if C.reads && version == 0 && topics?.isEmpty == true { topics = nil }
        if version >= 4 { try coder.field("allowAutoTopicCreation", &allowAutoTopicCreation) }
        if version >= 8 && version <= 10 {
            try coder.field("includeClusterAuthorizedOperations", &includeClusterAuthorizedOperations)
        }
        if version >= 8 { try coder.field("includeTopicAuthorizedOperations", &includeTopicAuthorizedOperations) }
        try coder.noTags()
    }
}

extension MetadataRequest {
    package struct Topic: WireStruct {
        /// Zero unless the topic is asked for by id; then `name` is nil (version 12).
        package var topicID = UUID.zero
        package var name: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version >= 10 { try coder.field("topicId", &topicID) }
            try coder.field("name", &name, nullable: version >= 10)
            try coder.noTags()
        }
    }
}

/// Metadata (3). Version 13 has an error of its own at the top: 129 asks the client to bootstrap again (KIP-1102).
package struct MetadataResponse: WireResponse {
    package static var apiKey: APIKey { .metadata }

    package var throttleTimeMs: Int32 = 0
    package var brokers: [Broker] = []
    package var clusterID: String?
    package var controllerID: Int32 = -1
    package var topics: [Topic] = []
    package var clusterAuthorizedOperations: Int32 = Int32.min
    package var errorCode = ErrorCode.none

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 3 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("brokers", &brokers)
        if version >= 2 { try coder.field("clusterId", &clusterID) }
        if version >= 1 { try coder.field("controllerId", &controllerID) }
        try coder.field("topics", &topics)
        if version >= 8 && version <= 10 {
            try coder.field("clusterAuthorizedOperations", &clusterAuthorizedOperations)
        }
        if version >= 13 { try coder.field("errorCode", &errorCode) }
        try coder.noTags()
    }
}

extension MetadataResponse {
    package struct Broker: WireStruct {
        package var nodeID: Int32 = 0
        package var host = ""
        package var port: Int32 = 0
        package var rack: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("nodeId", &nodeID)
            try coder.field("host", &host)
            try coder.field("port", &port)
            if version >= 1 { try coder.field("rack", &rack) }
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var errorCode = ErrorCode.none
        package var name: String?
        package var topicID = UUID.zero
        package var isInternal = false
        package var partitions: [Partition] = []
        /// A bit per ACL operation; Int32.min: not asked for.
        package var topicAuthorizedOperations: Int32 = Int32.min

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("errorCode", &errorCode)
            try coder.field("name", &name, nullable: version >= 12)
            if version >= 10 { try coder.field("topicId", &topicID) }
            if version >= 1 { try coder.field("isInternal", &isInternal) }
            try coder.field("partitions", &partitions)
            if version >= 8 { try coder.field("topicAuthorizedOperations", &topicAuthorizedOperations) }
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var errorCode = ErrorCode.none
        package var partitionIndex: Int32 = 0
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = -1
        package var replicaNodes: [Int32] = []
        package var isrNodes: [Int32] = []
        package var offlineReplicas: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("errorCode", &errorCode)
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("leaderId", &leaderID)
            if version >= 7 { try coder.field("leaderEpoch", &leaderEpoch) }
            try coder.field("replicaNodes", &replicaNodes)
            try coder.field("isrNodes", &isrNodes)
            if version >= 5 { try coder.field("offlineReplicas", &offlineReplicas) }
            try coder.noTags()
        }
    }
}
