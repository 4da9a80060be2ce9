import Primitives

/// What a consumer tells the group's leader, as `metadata` of JoinGroup: an int16 version, then these fields (never flexible). Version 1
/// adds the partitions it still owns (KIP-429), 2 their generation (KIP-792), 3 its rack (KIP-881).
package struct ConsumerProtocolSubscription: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...3 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var topics: [String] = []
    package var userData: Bytes?
    package var ownedPartitions: [TopicPartitions] = []
    package var generationID: Int32 = -1
    package var rackID: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("topics", &topics)
        try coder.field("userData", &userData)
        if version >= 1 { try coder.field("ownedPartitions", &ownedPartitions) }
        if version >= 2 { try coder.field("generationId", &generationID) }
        if version >= 3 { try coder.field("rackId", &rackID) }
    }
}

extension ConsumerProtocolSubscription {
    package struct TopicPartitions: WireStruct {
        package var topic = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitions", &partitions)
        }
    }
}

/// What the leader assigns to a consumer, as `assignment` of SyncGroup: an int16 version, then these fields (never flexible).
package struct ConsumerProtocolAssignment: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...3 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var assignedPartitions: [TopicPartitions] = []
    package var userData: Bytes?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("assignedPartitions", &assignedPartitions)
        try coder.field("userData", &userData)
    }
}

extension ConsumerProtocolAssignment {
    package struct TopicPartitions: WireStruct {
        package var topic = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitions", &partitions)
        }
    }
}
