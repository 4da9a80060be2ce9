import Primitives

/// OffsetFetch (9): committed offsets; `topics` nil asks for all of the group. From version 8 on of many groups at once (KIP-709), each
/// with its member for the new protocol (version 9); version 10 names topics by id.
package struct OffsetFetchRequest: WireRequest {
    package typealias Response = OffsetFetchResponse
    package static var apiKey: APIKey { .offsetFetch }

    package var groupID = ""
    package var topics: [Topic]?
    package var groups: [Group] = []
    /// Rather refuse with error 88 than tell an offset that an open transaction may change (KIP-447).
    package var requireStable = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version <= 7 {
            try coder.field("groupId", &groupID)
            try coder.field("topics", &topics, nullable: version >= 2)
        }
        if version >= 8 { try coder.field("groups", &groups) }
        if version >= 7 { try coder.field("requireStable", &requireStable) }
        try coder.noTags()
    }
}

extension OffsetFetchRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var partitionIndexes: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitionIndexes", &partitionIndexes)
            try coder.noTags()
        }
    }

    package struct Group: WireStruct {
        package var groupID = ""
        package var memberID: String?
        package var memberEpoch: Int32 = -1
        package var topics: [GroupTopic]?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("groupId", &groupID)
            if version >= 9 {
                try coder.field("memberId", &memberID)
                try coder.field("memberEpoch", &memberEpoch)
            }
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

    package struct GroupTopic: WireStruct {
        package var name = ""
        package var topicID = UUID.zero
        package var partitionIndexes: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version >= 8 && version <= 9 { try coder.field("name", &name) }
            if version >= 10 { try coder.field("topicId", &topicID) }
            try coder.field("partitionIndexes", &partitionIndexes)
            try coder.noTags()
        }
    }
}

/// OffsetFetch (9). A partition without a commit has offset -1 and no error.
package struct OffsetFetchResponse: WireResponse {
    package static var apiKey: APIKey { .offsetFetch }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []
    package var errorCode = ErrorCode.none
    package var groups: [Group] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 3 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        if version <= 7 { try coder.field("topics", &topics) }
        if version >= 2 && version <= 7 { try coder.field("errorCode", &errorCode) }
        if version >= 8 { try coder.field("groups", &groups) }
        try coder.noTags()
    }
}

extension OffsetFetchResponse {
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
        package var partitionIndex: Int32 = 0
        package var committedOffset: Int64 = 0
        package var committedLeaderEpoch: Int32 = -1
        package var metadata: String?
        package var errorCode = ErrorCode.none

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("committedOffset", &committedOffset)
            if version >= 5 { try coder.field("committedLeaderEpoch", &committedLeaderEpoch) }
            try coder.field("metadata", &metadata)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }

    package struct Group: WireStruct {
        package var groupID = ""
        package var topics: [GroupTopic] = []
        package var errorCode = ErrorCode.none

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("groupId", &groupID)
            try coder.field("topics", &topics)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }

    package struct GroupTopic: WireStruct {
        package var name = ""
        package var topicID = UUID.zero
        package var partitions: [GroupPartition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version >= 8 && version <= 9 { try coder.field("name", &name) }
            if version >= 10 { try coder.field("topicId", &topicID) }
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct GroupPartition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var committedOffset: Int64 = 0
        package var committedLeaderEpoch: Int32 = -1
        package var metadata: String?
        package var errorCode = ErrorCode.none

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("committedOffset", &committedOffset)
            try coder.field("committedLeaderEpoch", &committedLeaderEpoch)
            try coder.field("metadata", &metadata)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }
}
