import Primitives

/// Key of a committed offset in `__consumer_offsets`.
package struct OffsetCommitKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 0...1 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var group = ""
    package var topic = ""
    package var partition: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("group", &group)
        try coder.field("topic", &topic)
        try coder.field("partition", &partition)
    }
}

/// A committed offset. Kafka up to 4.0 writes version 3, later ones version 4 with the topic's id.
package struct OffsetCommitValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...4 }
    package static var flexibleFrom: Int16 { 4 }

    package var offset: Int64 = 0
    package var leaderEpoch: Int32 = -1
    package var metadata = ""
    package var commitTimestamp: Int64 = 0
    package var expireTimestamp: Int64 = -1
    package var topicID = UUID.zero

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("offset", &offset)
        if version >= 3 { try coder.field("leaderEpoch", &leaderEpoch) }
        try coder.field("metadata", &metadata)
        try coder.field("commitTimestamp", &commitTimestamp)
        if version == 1 { try coder.field("expireTimestamp", &expireTimestamp) }
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "topicId", &topicID, default: UUID.zero)
        try coder.endTags(tags)
    }
}

/// Key of a classic group's state in `__consumer_offsets`.
package struct GroupMetadataKey: CoordinatorKey {
    package static var validVersions: ClosedRange<Int16> { 2...2 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var group = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("group", &group)
    }
}

/// A classic group as of the end of a rebalance. Kafka writes version 3.
package struct GroupMetadataValue: CoordinatorValue {
    package static var validVersions: ClosedRange<Int16> { 0...4 }
    package static var flexibleFrom: Int16 { 4 }

    package var protocolType = ""
    package var generation: Int32 = 0
    package var protocolName: String?
    package var leader: String?
    package var currentStateTimestamp: Int64 = -1
    package var members: [Member] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("protocolType", &protocolType)
        try coder.field("generation", &generation)
        try coder.field("protocol", &protocolName)
        try coder.field("leader", &leader)
        if version >= 2 { try coder.field("currentStateTimestamp", &currentStateTimestamp) }
        try coder.field("members", &members)
        try coder.noTags()
    }
}

extension GroupMetadataValue {
    package struct Member: WireStruct {
        package var memberID = ""
        package var groupInstanceID: String?
        package var clientID = ""
        package var clientHost = ""
        package var rebalanceTimeout: Int32 = 0
        package var sessionTimeout: Int32 = 0
        /// A ConsumerProtocolSubscription, where the protocol type is "consumer".
        package var subscription = Bytes.empty
        /// A ConsumerProtocolAssignment, where the protocol type is "consumer".
        package var assignment = Bytes.empty

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("memberId", &memberID)
            if version >= 3 { try coder.field("groupInstanceId", &groupInstanceID) }
            try coder.field("clientId", &clientID)
            try coder.field("clientHost", &clientHost)
            if version >= 1 { try coder.field("rebalanceTimeout", &rebalanceTimeout) }
            try coder.field("sessionTimeout", &sessionTimeout)
            try coder.field("subscription", &subscription)
            try coder.field("assignment", &assignment)
            try coder.noTags()
        }
    }
}
