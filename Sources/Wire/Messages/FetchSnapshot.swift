import Primitives

/// FetchSnapshot (59): a piece of a snapshot of the metadata log, for a replica that lies before the leader's log start (KIP-630). Version
/// 1 with the directory (KIP-853).
package struct FetchSnapshotRequest: WireRequest {
    package typealias Response = FetchSnapshotResponse
    package static var apiKey: APIKey { .fetchSnapshot }

    package var clusterID: String?
    package var replicaID: Int32 = -1
    package var maxBytes: Int32 = Int32.max
    package var topics: [Topic] = []

    package init() {}

    /// The order of Kafka's declaration, in which its tools print; the tagged fields come last on the wire.
    package static var declaredOrder: [String] { ["clusterId", "replicaId", "maxBytes", "topics"] }

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("replicaId", &replicaID)
        try coder.field("maxBytes", &maxBytes)
        try coder.field("topics", &topics)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "clusterId", &clusterID, default: nil)
        try coder.endTags(tags)
    }
}

extension FetchSnapshotRequest {
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
        package var partition: Int32 = 0
        package var currentLeaderEpoch: Int32 = 0
        package var snapshotID: SnapshotID = SnapshotID()
        /// Byte of the file from which on.
        package var position: Int64 = 0
        package var replicaDirectoryID = UUID.zero

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partition", &partition)
            try coder.field("currentLeaderEpoch", &currentLeaderEpoch)
            try coder.field("snapshotId", &snapshotID)
            try coder.field("position", &position)
            var tags = try coder.beginTags()
            if version >= 1 { try coder.tag(&tags, 0, "replicaDirectoryId", &replicaDirectoryID, default: UUID.zero) }
            try coder.endTags(tags)
        }
    }

    /// A snapshot holds what lies before `endOffset`, whose last record is of `epoch`.
    package struct SnapshotID: WireStruct {
        package var endOffset: Int64 = 0
        package var epoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("endOffset", &endOffset)
            try coder.field("epoch", &epoch)
            try coder.noTags()
        }
    }
}

/// FetchSnapshot (59).
package struct FetchSnapshotResponse: WireResponse {
    package static var apiKey: APIKey { .fetchSnapshot }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var topics: [Topic] = []
    /// Where the leader is to be found, if it is known.
    package var nodeEndpoints: [QuorumNode] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("topics", &topics)
        var tags = try coder.beginTags()
        if version >= 1 { try coder.tag(&tags, 0, "nodeEndpoints", &nodeEndpoints, default: []) }
        try coder.endTags(tags)
    }
}

extension FetchSnapshotResponse {
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
        package var index: Int32 = 0
        package var errorCode = ErrorCode.none
        package var snapshotID: SnapshotID = SnapshotID()
        package var currentLeader: CurrentLeader = CurrentLeader()
        /// Of the whole snapshot, in bytes.
        package var size: Int64 = 0
        package var position: Int64 = 0
        /// Bytes of the file from `position` on, which may begin and end within a batch.
        package var unalignedRecords = Payload.null

        package init() {}

        /// The order of Kafka's declaration, in which its tools print; the tagged fields come last on the wire.
        package static var declaredOrder: [String] {
            ["index", "errorCode", "snapshotId", "currentLeader", "size", "position", "unalignedRecords"]
        }

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("index", &index)
            try coder.field("errorCode", &errorCode)
            try coder.field("snapshotId", &snapshotID)
            try coder.field("size", &size)
            try coder.field("position", &position)
            try coder.field("unalignedRecords", &unalignedRecords)
            var tags = try coder.beginTags()
            try coder.tag(&tags, 0, "currentLeader", &currentLeader, default: CurrentLeader())
            try coder.endTags(tags)
        }
    }

    /// A snapshot holds what lies before `endOffset`, whose last record is of `epoch`.
    package struct SnapshotID: WireStruct {
        package var endOffset: Int64 = 0
        package var epoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("endOffset", &endOffset)
            try coder.field("epoch", &epoch)
            try coder.noTags()
        }
    }

    package struct CurrentLeader: WireStruct {
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.noTags()
        }
    }
}
