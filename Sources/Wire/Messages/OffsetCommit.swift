import Primitives

/// OffsetCommit (8). Generation -1 with an empty member id commits from outside the group. Version 9 is also spoken by members of the new
/// protocol (KIP-848), version 10 names topics by id.
package struct OffsetCommitRequest: WireRequest {
    package typealias Response = OffsetCommitResponse
    package static var apiKey: APIKey { .offsetCommit }

    package var groupID = ""
    /// Of a member of the new protocol its member epoch.
    package var generationIDOrMemberEpoch: Int32 = -1
    package var memberID = ""
    package var groupInstanceID: String?
    /// How long to keep the offsets; -1: as the broker likes. Gone from version 5 on.
    package var retentionTimeMs: Int64 = -1
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        try coder.field("generationIdOrMemberEpoch", &generationIDOrMemberEpoch)
        try coder.field("memberId", &memberID)
        if version >= 7 { try coder.field("groupInstanceId", &groupInstanceID) }
        if version <= 4 { try coder.field("retentionTimeMs", &retentionTimeMs) }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension OffsetCommitRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version <= 9 { try coder.field("name", &name) }
            if version >= 10 { try coder.field("topicId", &topicID) }
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var committedOffset: Int64 = 0
        package var committedLeaderEpoch: Int32 = -1
        package var committedMetadata: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("committedOffset", &committedOffset)
            if version >= 6 { try coder.field("committedLeaderEpoch", &committedLeaderEpoch) }
            try coder.field("committedMetadata", &committedMetadata)
            try coder.noTags()
        }
    }
}

/// OffsetCommit (8).
package struct OffsetCommitResponse: WireResponse {
    package static var apiKey: APIKey { .offsetCommit }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 3 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension OffsetCommitResponse {
    package struct Topic: WireStruct {
        package var name = ""
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version <= 9 { try coder.field("name", &name) }
            if version >= 10 { try coder.field("topicId", &topicID) }
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var errorCode = ErrorCode.none

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }
}
