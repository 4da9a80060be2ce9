import Primitives

/// Key of the whole state of a share partition in `__share_group_state` (KIP-932).
package struct ShareSnapshotKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var topicID = UUID.zero
    package var partition: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topicId", &topicID)
        try coder.field("partition", &partition)
    }
}

/// All that the share coordinator knows of a share partition; what came before it is of no more use.
package struct ShareSnapshotValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    /// Counts the snapshots of the share partition.
    package var snapshotEpoch: Int32 = 0
    /// The group coordinator's, raised whenever the share partition begins anew.
    package var stateEpoch: Int32 = 0
    /// Of the leader who wrote last.
    package var leaderEpoch: Int32 = 0
    package var startOffset: Int64 = 0
    package var deliveryCompleteCount: Int32 = -1
    /// When the state was first written, and when this snapshot was.
    package var createTimestamp: Int64 = 0
    package var writeTimestamp: Int64 = 0
    package var stateBatches: [ShareStateBatch] = []

    package init() {}

    /// The order of Kafka's declaration, in which its tools print; the tagged field comes last on the wire.
    package static var declaredOrder: [String] {
        [
            "snapshotEpoch", "stateEpoch", "leaderEpoch", "startOffset", "deliveryCompleteCount", "createTimestamp", "writeTimestamp",
            "stateBatches",
        ]
    }

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("snapshotEpoch", &snapshotEpoch)
        try coder.field("stateEpoch", &stateEpoch)
        try coder.field("leaderEpoch", &leaderEpoch)
        try coder.field("startOffset", &startOffset)
        try coder.field("createTimestamp", &createTimestamp)
        try coder.field("writeTimestamp", &writeTimestamp)
        try coder.field("stateBatches", &stateBatches)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "deliveryCompleteCount", &deliveryCompleteCount, default: -1)
        try coder.endTags(tags)
    }
}

/// Key of a change to the state of a share partition since its snapshot.
package struct ShareUpdateKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 1...1 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var topicID = UUID.zero
    package var partition: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("topicId", &topicID)
        try coder.field("partition", &partition)
    }
}

/// What a share-partition leader changed; `snapshotEpoch` is that of the snapshot it builds on.
package struct ShareUpdateValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var snapshotEpoch: Int32 = 0
    package var leaderEpoch: Int32 = 0
    /// -1: as it was.
    package var startOffset: Int64 = 0
    package var deliveryCompleteCount: Int32 = -1
    package var stateBatches: [ShareStateBatch] = []

    package init() {}

    /// The order of Kafka's declaration, in which its tools print; the tagged field comes last on the wire.
    package static var declaredOrder: [String] {
        ["snapshotEpoch", "leaderEpoch", "startOffset", "deliveryCompleteCount", "stateBatches"]
    }

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("snapshotEpoch", &snapshotEpoch)
        try coder.field("leaderEpoch", &leaderEpoch)
        try coder.field("startOffset", &startOffset)
        try coder.field("stateBatches", &stateBatches)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "deliveryCompleteCount", &deliveryCompleteCount, default: -1)
        try coder.endTags(tags)
    }
}

/// Any key of `__share_group_state`.
package enum ShareStateRecordKey: Equatable, Sendable {
    case snapshot(ShareSnapshotKey)
    case update(ShareUpdateKey)

    /// Throws for a type that is not described.
    package static func decode(_ key: Bytes) throws(WireError) -> ShareStateRecordKey {
        let (type, body) = try splitVersion(key)
        return switch type {
        case 0: .snapshot(try .decode(body, version: type))
        default: .update(try .decode(body, version: type))
        }
    }
}
