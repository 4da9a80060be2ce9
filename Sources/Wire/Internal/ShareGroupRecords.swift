import Primitives

/// Key of a member of a share group (KIP-932).
package struct ShareGroupMemberMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 10...10 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var memberID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
    }
}

package struct ShareGroupMemberMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var rackID: String?
    package var clientID = ""
    package var clientHost = ""
    package var subscribedTopicNames: [String] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("rackId", &rackID)
        try coder.field("clientId", &clientID)
        try coder.field("clientHost", &clientHost)
        try coder.field("subscribedTopicNames", &subscribedTopicNames)
        try coder.noTags()
    }
}

/// Key of a share group's epoch.
package struct ShareGroupMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 11...11 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
    }
}

package struct ShareGroupMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var epoch: Int32 = 0
    package var metadataHash: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("epoch", &epoch)
        try coder.field("metadataHash", &metadataHash)
        try coder.noTags()
    }
}

/// Key of a share group's target assignment as a whole.
package struct ShareGroupTargetAssignmentMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 12...12 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
    }
}

package struct ShareGroupTargetAssignmentMetadataValue: CoordinatorValue {
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

/// Key of a member's target assignment in a share group.
package struct ShareGroupTargetAssignmentMemberKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 13...13 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var memberID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
    }
}

package struct ShareGroupTargetAssignmentMemberValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var topicPartitions: [TopicPartitions] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topicPartitions", &topicPartitions)
        try coder.noTags()
    }
}

extension ShareGroupTargetAssignmentMemberValue {
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

/// Key of what a member of a share group has now.
package struct ShareGroupCurrentMemberAssignmentKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 14...14 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""
    package var memberID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
    }
}

package struct ShareGroupCurrentMemberAssignmentValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var memberEpoch: Int32 = 0
    package var previousMemberEpoch: Int32 = 0
    package var state: Int8 = 0
    package var assignedPartitions: [TopicPartitions] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("memberEpoch", &memberEpoch)
        try coder.field("previousMemberEpoch", &previousMemberEpoch)
        try coder.field("state", &state)
        try coder.field("assignedPartitions", &assignedPartitions)
        try coder.noTags()
    }
}

extension ShareGroupCurrentMemberAssignmentValue {
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

/// Key of the partitions whose share state is kept.
package struct ShareGroupStatePartitionMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 15...15 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var groupID = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupId", &groupID)
    }
}

package struct ShareGroupStatePartitionMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var initializingTopics: [TopicPartitions] = []
    package var initializedTopics: [TopicPartitions] = []
    package var deletingTopics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("initializingTopics", &initializingTopics)
        try coder.field("initializedTopics", &initializedTopics)
        try coder.field("deletingTopics", &deletingTopics)
        try coder.noTags()
    }
}

extension ShareGroupStatePartitionMetadataValue {
    package struct TopicPartitions: WireStruct {
        package var topicID = UUID.zero
        package var topicName = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("topicName", &topicName)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Topic: WireStruct {
        package var topicID = UUID.zero
        package var topicName = ""

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("topicName", &topicName)
            try coder.noTags()
        }
    }
}
