import Primitives

/// Fetch (1). `records` holds whole batches, of which the first may begin before the offset asked for and the last may be cut short.
/// Diverging epoch, leader and snapshot are tagged and left out unless set.
package struct FetchResponse: WireResponse {
    package static var apiKey: APIKey { .fetch }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var sessionID: Int32 = 0
    package var topics: [Topic] = []
    package var nodeEndpoints: [NodeEndpoint] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        if version >= 7 {
            try coder.field("errorCode", &errorCode)
            try coder.field("sessionId", &sessionID)
        }
        try coder.field("responses", &topics)
        var tags = try coder.beginTags()
        if version >= 16 { try coder.tag(&tags, 0, "nodeEndpoints", &nodeEndpoints, default: []) }
        try coder.endTags(tags)
    }
}

extension FetchResponse {
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
        package var partitionIndex: Int32 = 0
        package var errorCode = ErrorCode.none
        package var highWatermark: Int64 = 0
        package var lastStableOffset: Int64 = -1
        package var logStartOffset: Int64 = -1
        package var divergingEpoch: EpochEndOffset = EpochEndOffset()
        package var currentLeader: CurrentLeader = CurrentLeader()
        package var snapshotID: SnapshotID = SnapshotID()
        package var abortedTransactions: [AbortedTransaction]?
        package var preferredReadReplica: Int32 = -1
        /// An empty value rather than null where there is nothing: decoders of clients vary in what they make of null.
        package var records = Payload.null

        package init() {}

        /// The order of Kafka's declaration, in which its tools print; the tagged fields come last on the wire.
        package static var declaredOrder: [String] {
            [
                "partitionIndex", "errorCode", "highWatermark", "lastStableOffset", "logStartOffset", "divergingEpoch",
                "currentLeader", "snapshotId", "abortedTransactions", "preferredReadReplica", "records",
            ]
        }

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("highWatermark", &highWatermark)
            try coder.field("lastStableOffset", &lastStableOffset)
            if version >= 5 { try coder.field("logStartOffset", &logStartOffset) }
            try coder.field("abortedTransactions", &abortedTransactions)
            if version >= 11 { try coder.field("preferredReadReplica", &preferredReadReplica) }
            try coder.field("records", &records)
            var tags = try coder.beginTags()
            try coder.tag(&tags, 0, "divergingEpoch", &divergingEpoch, default: EpochEndOffset())
            try coder.tag(&tags, 1, "currentLeader", &currentLeader, default: CurrentLeader())
            try coder.tag(&tags, 2, "snapshotId", &snapshotID, default: SnapshotID())
            try coder.endTags(tags)
        }
    }

    package struct EpochEndOffset: WireStruct {
        package var epoch: Int32 = -1
        package var endOffset: Int64 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("epoch", &epoch)
            try coder.field("endOffset", &endOffset)
            try coder.noTags()
        }
    }

    package struct CurrentLeader: WireStruct {
        package var leaderID: Int32 = -1
        package var leaderEpoch: Int32 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.noTags()
        }
    }

    package struct SnapshotID: WireStruct {
        package var endOffset: Int64 = -1
        package var epoch: Int32 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("endOffset", &endOffset)
            try coder.field("epoch", &epoch)
            try coder.noTags()
        }
    }

    /// Nil where the fetch is read uncommitted.
    package struct AbortedTransaction: WireStruct {
        package var producerID: Int64 = 0
        package var firstOffset: Int64 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("producerId", &producerID)
            try coder.field("firstOffset", &firstOffset)
            try coder.noTags()
        }
    }

    package struct NodeEndpoint: WireStruct {
        package var nodeID: Int32 = 0
        package var host = ""
        package var port: Int32 = 0
        package var rack: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("nodeId", &nodeID)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.field("rack", &rack)
            try coder.noTags()
        }
    }
}
