import Primitives

/// Fetch (1): record batches from offsets on, for consumers and followers. Sessions (KIP-227, version 7) let a fetcher name only what
/// changed. Version 13 names topics by id, version 15 moves the replica's identity to a tag (KIP-903).
package struct FetchRequest: WireRequest {
    package typealias Response = FetchResponse
    package static var apiKey: APIKey { .fetch }

    package var clusterID: String?
    /// -1: a consumer. Up to version 14; then in `replicaState`.
    package var replicaID: Int32 = -1
    package var replicaState: ReplicaState = ReplicaState()
    package var maxWaitMs: Int32 = 0
    package var minBytes: Int32 = 0
    package var maxBytes: Int32 = Int32.max
    /// 0: read uncommitted, up to the high watermark. 1: read committed, up to the last stable offset.
    package var isolationLevel: Int8 = 0
    package var sessionID: Int32 = 0
    package var sessionEpoch: Int32 = -1
    package var topics: [Topic] = []
    package var forgottenTopics: [ForgottenTopic] = []
    package var rackID = ""

    package init() {}

    /// The order of Kafka's declaration, in which its tools print; the tagged fields come last on the wire.
    package static var declaredOrder: [String] {
        [
            "clusterId", "replicaId", "replicaState", "maxWaitMs", "minBytes", "maxBytes", "isolationLevel", "sessionId",
            "sessionEpoch", "topics", "forgottenTopicsData", "rackId",
        ]
    }

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version <= 14 { try coder.field("replicaId", &replicaID) }
        try coder.field("maxWaitMs", &maxWaitMs)
        try coder.field("minBytes", &minBytes)
        try coder.field("maxBytes", &maxBytes)
        try coder.field("isolationLevel", &isolationLevel)
        if version >= 7 {
            try coder.field("sessionId", &sessionID)
            try coder.field("sessionEpoch", &sessionEpoch)
        }
        try coder.field("topics", &topics)
        if version >= 7 { try coder.field("forgottenTopicsData", &forgottenTopics) }
        if version >= 11 { try coder.field("rackId", &rackID) }
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "clusterId", &clusterID, default: nil)
        if version >= 15 { try coder.tag(&tags, 1, "replicaState", &replicaState, default: ReplicaState()) }
        try coder.endTags(tags)
    }
}

extension FetchRequest {
    package struct ReplicaState: WireStruct {
        package var replicaID: Int32 = -1
        package var replicaEpoch: Int64 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("replicaId", &replicaID)
            try coder.field("replicaEpoch", &replicaEpoch)
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var topic = ""
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version <= 12 { try coder.field("topic", &topic) }
            if version >= 13 { try coder.field("topicId", &topicID) }
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partition: Int32 = 0
        package var currentLeaderEpoch: Int32 = -1
        package var fetchOffset: Int64 = 0
        package var lastFetchedEpoch: Int32 = -1
        package var logStartOffset: Int64 = -1
        package var partitionMaxBytes: Int32 = 0
        package var replicaDirectoryID = UUID.zero
        /// Version 18 (KIP-1166); Int64.max: not told.
        package var highWatermark: Int64 = Int64.max

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partition", &partition)
            if version >= 9 { try coder.field("currentLeaderEpoch", &currentLeaderEpoch) }
            try coder.field("fetchOffset", &fetchOffset)
            if version >= 12 { try coder.field("lastFetchedEpoch", &lastFetchedEpoch) }
            if version >= 5 { try coder.field("logStartOffset", &logStartOffset) }
            try coder.field("partitionMaxBytes", &partitionMaxBytes)
            var tags = try coder.beginTags()
            if version >= 17 { try coder.tag(&tags, 0, "replicaDirectoryId", &replicaDirectoryID, default: UUID.zero) }
            if version >= 18 { try coder.tag(&tags, 1, "highWatermark", &highWatermark, default: Int64.max) }
            try coder.endTags(tags)
        }
    }

    package struct ForgottenTopic: WireStruct {
        package var topic = ""
        package var topicID = UUID.zero
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version <= 12 { try coder.field("topic", &topic) }
            if version >= 13 { try coder.field("topicId", &topicID) }
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}
