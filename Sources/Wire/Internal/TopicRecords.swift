import Primitives

/// A topic exists; its partitions follow.
package struct TopicRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var name = ""
    package var topicID = UUID.zero

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("name", &name)
        try coder.field("topicId", &topicID)
        try coder.noTags()
    }
}

/// A topic is deleted with its partitions and configs.
package struct RemoveTopicRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var topicID = UUID.zero

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topicId", &topicID)
        try coder.noTags()
    }
}

/// A whole partition: at its creation and in snapshots. Version 1 log directories (KIP-858), version 2 eligible leader replicas
/// (KIP-966).
package struct PartitionRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...2 }
    package static var flexibleFrom: Int16 { 0 }

    package var partitionID: Int32 = -1
    package var topicID = UUID.zero
    package var replicas: [Int32] = []
    package var isr: [Int32] = []
    package var removingReplicas: [Int32] = []
    package var addingReplicas: [Int32] = []
    package var leader: Int32 = -1
    /// 0 recovered, 1 recovering after an unclean election.
    package var leaderRecoveryState: Int8 = 0
    package var leaderEpoch: Int32 = -1
    package var partitionEpoch: Int32 = -1
    /// Of each of `replicas` the directory that holds it.
    package var directories: [UUID] = []
    package var eligibleLeaderReplicas: [Int32]?
    package var lastKnownELR: [Int32]?

    package init() {}

    /// The order of Kafka's declaration, in which its tools print; the tagged fields come last on the wire.
    package static var declaredOrder: [String] {
        [
            "partitionId", "topicId", "replicas", "isr", "removingReplicas", "addingReplicas", "leader", "leaderRecoveryState",
            "leaderEpoch", "partitionEpoch", "directories", "eligibleLeaderReplicas", "lastKnownElr",
        ]
    }

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("partitionId", &partitionID)
        try coder.field("topicId", &topicID)
        try coder.field("replicas", &replicas)
        try coder.field("isr", &isr)
        try coder.field("removingReplicas", &removingReplicas)
        try coder.field("addingReplicas", &addingReplicas)
        try coder.field("leader", &leader)
        try coder.field("leaderEpoch", &leaderEpoch)
        try coder.field("partitionEpoch", &partitionEpoch)
        if version >= 1 { try coder.field("directories", &directories) }
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "leaderRecoveryState", &leaderRecoveryState, default: 0)
        if version >= 2 { try coder.tag(&tags, 1, "eligibleLeaderReplicas", &eligibleLeaderReplicas, default: nil) }
        if version >= 2 { try coder.tag(&tags, 2, "lastKnownElr", &lastKnownELR, default: nil) }
        try coder.endTags(tags)
    }
}

/// What changed in a partition; the partition epoch goes up by one with each. Nil, and the values named below, mean no change.
package struct PartitionChangeRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...2 }
    package static var flexibleFrom: Int16 { 0 }

    package var partitionID: Int32 = -1
    package var topicID = UUID.zero
    package var isr: [Int32]?
    /// -1: no leader now, -2: no change. The leader epoch goes up whenever this is not -2.
    package var leader: Int32 = -2
    package var replicas: [Int32]?
    package var removingReplicas: [Int32]?
    package var addingReplicas: [Int32]?
    /// -1: no change.
    package var leaderRecoveryState: Int8 = -1
    package var eligibleLeaderReplicas: [Int32]?
    package var lastKnownELR: [Int32]?
    package var directories: [UUID]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("partitionId", &partitionID)
        try coder.field("topicId", &topicID)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "isr", &isr, default: nil)
        try coder.tag(&tags, 1, "leader", &leader, default: -2)
        try coder.tag(&tags, 2, "replicas", &replicas, default: nil)
        try coder.tag(&tags, 3, "removingReplicas", &removingReplicas, default: nil)
        try coder.tag(&tags, 4, "addingReplicas", &addingReplicas, default: nil)
        try coder.tag(&tags, 5, "leaderRecoveryState", &leaderRecoveryState, default: -1)
        if version >= 2 { try coder.tag(&tags, 6, "eligibleLeaderReplicas", &eligibleLeaderReplicas, default: nil) }
        if version >= 2 { try coder.tag(&tags, 7, "lastKnownElr", &lastKnownELR, default: nil) }
        if version >= 1 { try coder.tag(&tags, 8, "directories", &directories, default: nil) }
        try coder.endTags(tags)
    }
}

/// The eligible leader replicas of a topic, or of all (empty name), are forgotten.
package struct ClearElrRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var topicName = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topicName", &topicName)
        try coder.noTags()
    }
}
