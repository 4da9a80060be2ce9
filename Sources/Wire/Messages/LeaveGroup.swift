/// LeaveGroup (13). From version 3 on a batch of members, which an administrator may also name by instance id alone.
package struct LeaveGroupRequest: WireRequest {
    package typealias Response = LeaveGroupResponse
    package static var apiKey: APIKey { .leaveGroup }

    package var groupID = ""
    package var memberID = ""
    package var members: [Member] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        if version <= 2 { try coder.field("memberId", &memberID) }
        if version >= 3 { try coder.field("members", &members) }
        try coder.noTags()
    }
}

extension LeaveGroupRequest {
    package struct Member: WireStruct {
        package var memberID = ""
        package var groupInstanceID: String?
        /// Why the member leaves (KIP-800).
        package var reason: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("memberId", &memberID)
            try coder.field("groupInstanceId", &groupInstanceID)
            if version >= 5 { try coder.field("reason", &reason) }
            try coder.noTags()
        }
    }
}

/// LeaveGroup (13).
package struct LeaveGroupResponse: WireResponse {
    package static var apiKey: APIKey { .leaveGroup }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var members: [Member] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("errorCode", &errorCode)
        if version >= 3 { try coder.field("members", &members) }
        try coder.noTags()
    }
}

extension LeaveGroupResponse {
    package struct Member: WireStruct {
        package var memberID = ""
        package var groupInstanceID: String?
        package var errorCode = ErrorCode.none

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("memberId", &memberID)
            try coder.field("groupInstanceId", &groupInstanceID)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }
}
