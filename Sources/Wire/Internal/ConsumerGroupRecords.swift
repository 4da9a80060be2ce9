import Primitives

/// Key of a KIP-848 group's epoch.
package struct ConsumerGroupMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 3...3 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
    }
}

/// The group's epoch.
package struct ConsumerGroupMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var epoch: Int32 = 0
    /// Hash of the subscribed topics' metadata; 0: to be computed anew.
    package var metadataHash: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("epoch", &epoch)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "metadataHash", &metadataHash, default: 0)
        try coder.endTags(tags)
    }
}

/// Key of a KIP-848 group's view of its topics, which Kafka 4.1 no longer writes.
package struct ConsumerGroupPartitionMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 4...4 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
    }
}

package struct ConsumerGroupPartitionMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension ConsumerGroupPartitionMetadataValue {
    package struct Topic: WireStruct {
        package var topicID = UUID.zero
        package var topicName = ""
        package var numPartitions: Int32 = 0
        package var partitionMetadata: [PartitionMetadata] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("topicName", &topicName)
            try coder.field("numPartitions", &numPartitions)
            try coder.field("partitionMetadata", &partitionMetadata)
            try coder.noTags()
        }
    }

    package struct PartitionMetadata: WireStruct {
        package var partition: Int32 = 0
        package var racks: [String] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partition", &partition)
            try coder.field("racks", &racks)
            try coder.noTags()
        }
    }
}

/// Key of a member of a KIP-848 group.
package struct ConsumerGroupMemberMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 5...5 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var memberID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
    }
}

/// A member as it described itself. `classicMemberMetadata` is set of members that speak the classic protocol; its absence is written as
/// null, because the field's default in Kafka is an empty structure.
package struct ConsumerGroupMemberMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var instanceID: String?
    package var rackID: String?
    package var clientID = ""
    package var clientHost = ""
    package var subscribedTopicNames: [String] = []
    package var subscribedTopicRegex: String?
    package var rebalanceTimeoutMs: Int32 = -1
    package var serverAssignor: String?
    package var classicMemberMetadata: ClassicMemberMetadata? = ClassicMemberMetadata()

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("instanceId", &instanceID)
        try coder.field("rackId", &rackID)
        try coder.field("clientId", &clientID)
        try coder.field("clientHost", &clientHost)
        try coder.field("subscribedTopicNames", &subscribedTopicNames)
        try coder.field("subscribedTopicRegex", &subscribedTopicRegex)
        try coder.field("rebalanceTimeoutMs", &rebalanceTimeoutMs)
        try coder.field("serverAssignor", &serverAssignor)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "classicMemberMetadata", &classicMemberMetadata, default: ClassicMemberMetadata())
        try coder.endTags(tags)
    }
}

extension ConsumerGroupMemberMetadataValue {
    package struct ClassicMemberMetadata: WireStruct {
        package var sessionTimeoutMs: Int32 = 0
        package var supportedProtocols: [ClassicProtocol] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("sessionTimeoutMs", &sessionTimeoutMs)
            try coder.field("supportedProtocols", &supportedProtocols)
            try coder.noTags()
        }
    }

    package struct ClassicProtocol: WireStruct {
        package var name = ""
        package var metadata = Bytes.empty

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("metadata", &metadata)
            try coder.noTags()
        }
    }
}

/// Key of a KIP-848 group's target assignment as a whole.
package struct ConsumerGroupTargetAssignmentMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 6...6 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
    }
}

package struct ConsumerGroupTargetAssignmentMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var assignmentEpoch: Int32 = 0
    package var assignmentTimestamp: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("assignmentEpoch", &assignmentEpoch)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "assignmentTimestamp", &assignmentTimestamp, default: 0)
        try coder.endTags(tags)
    }
}

/// Key of a member's target assignment.
package struct ConsumerGroupTargetAssignmentMemberKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 7...7 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var memberID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
    }
}

package struct ConsumerGroupTargetAssignmentMemberValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var topicPartitions: [TopicPartitions] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topicPartitions", &topicPartitions)
        try coder.noTags()
    }
}

extension ConsumerGroupTargetAssignmentMemberValue {
    package struct TopicPartitions: WireStruct {
        package var topicID = UUID.zero
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}

/// Key of what a member has now.
package struct ConsumerGroupCurrentMemberAssignmentKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 8...8 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var memberID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
    }
}

/// State: 0 stable, 1 unrevoked partitions, 2 unreleased partitions, 127 unknown.
package struct ConsumerGroupCurrentMemberAssignmentValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var memberEpoch: Int32 = 0
    package var previousMemberEpoch: Int32 = 0
    package var state: Int8 = 0
    package var assignedPartitions: [TopicPartitions] = []
    package var partitionsPendingRevocation: [TopicPartitions] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("memberEpoch", &memberEpoch)
        try coder.field("previousMemberEpoch", &previousMemberEpoch)
        try coder.field("state", &state)
        try coder.field("assignedPartitions", &assignedPartitions)
        try coder.field("partitionsPendingRevocation", &partitionsPendingRevocation)
        try coder.noTags()
    }
}

extension ConsumerGroupCurrentMemberAssignmentValue {
    package struct TopicPartitions: WireStruct {
        package var topicID = UUID.zero
        package var partitions: [Int32] = []
        package var assignmentEpochs: [Int32]?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("partitions", &partitions)
            var tags = try coder.beginTags()
            try coder.tag(&tags, 0, "assignmentEpochs", &assignmentEpochs, default: nil)
            try coder.endTags(tags)
        }
    }
}

/// Key of a regular expression that members of a KIP-848 group subscribe by.
package struct ConsumerGroupRegularExpressionKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 16...16 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var regularExpression = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("regularExpression", &regularExpression)
    }
}

/// The topics it stands for, as of a version of the metadata.
package struct ConsumerGroupRegularExpressionValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var topics: [String] = []
    package var version: Int64 = 0
    package var timestamp: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.field("version", &version)
        try coder.field("timestamp", &timestamp)
        try coder.noTags()
    }
}
