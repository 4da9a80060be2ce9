import Primitives

/// JoinGroup (11): enter a group, or its next generation. Up to version 3 a member joins at once; from version 4 on a new dynamic member
/// is first given its id with error 79 (KIP-394). The answer waits until the whole group has joined.
package struct JoinGroupRequest: WireRequest {
    package typealias Response = JoinGroupResponse
    package static var apiKey: APIKey { .joinGroup }

    package var groupID = ""
    package var sessionTimeoutMs: Int32 = 0
    /// -1 in version 0: the session timeout counts.
    package var rebalanceTimeoutMs: Int32 = -1
    package var memberID = ""
    package var groupInstanceID: String?
    package var protocolType = ""
    package var protocols: [GroupProtocol] = []
    /// Why the client joins, in its own words (KIP-800).
    package var reason: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        try coder.field("sessionTimeoutMs", &sessionTimeoutMs)
        if version >= 1 { try coder.field("rebalanceTimeoutMs", &rebalanceTimeoutMs) }
        try coder.field("memberId", &memberID)
        if version >= 5 { try coder.field("groupInstanceId", &groupInstanceID) }
        try coder.field("protocolType", &protocolType)
        try coder.field("protocols", &protocols)
        if version >= 8 { try coder.field("reason", &reason) }
        try coder.noTags()
    }
}

extension JoinGroupRequest {
    /// In the member's order of preference.
    package struct GroupProtocol: WireStruct {
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

/// JoinGroup (11). Only the leader is told the members. `protocolName` nil goes out as an empty string below version 7.
package struct JoinGroupResponse: WireResponse {
    package static var apiKey: APIKey { .joinGroup }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var generationID: Int32 = -1
    package var protocolType: String?
    package var protocolName: String?
    package var leader = ""
    /// The leader is to leave the assignment as it is: a static member came back to a stable group (KIP-814).
    package var skipAssignment = false
    package var memberID = ""
    package var members: [Member] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 2 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("errorCode", &errorCode)
        try coder.field("generationId", &generationID)
        if version >= 7 { try coder.field("protocolType", &protocolType) }
        try coder.field("protocolName", &protocolName, nullable: version >= 7)
        try coder.field("leader", &leader)
        if version >= 9 { try coder.field("skipAssignment", &skipAssignment) }
        try coder.field("memberId", &memberID)
        try coder.field("members", &members)
        try coder.noTags()
    }
}

extension JoinGroupResponse {
    package struct Member: WireStruct {
        package var memberID = ""
        package var groupInstanceID: String?
        package var metadata = Bytes.empty

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("memberId", &memberID)
            if version >= 5 { try coder.field("groupInstanceId", &groupInstanceID) }
            try coder.field("metadata", &metadata)
            try coder.noTags()
        }
    }
}
