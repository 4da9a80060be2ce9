import Primitives

/// SyncGroup (14): the leader hands in the assignments of its generation, everybody else asks for theirs.
package struct SyncGroupRequest: WireRequest {
    package typealias Response = SyncGroupResponse
    package static var apiKey: APIKey { .syncGroup }

    package var groupID = ""
    package var generationID: Int32 = 0
    package var memberID = ""
    package var groupInstanceID: String?
    package var protocolType: String?
    package var protocolName: String?
    package var assignments: [Assignment] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        try coder.field("generationId", &generationID)
        try coder.field("memberId", &memberID)
        if version >= 3 { try coder.field("groupInstanceId", &groupInstanceID) }
        if version >= 5 {
            try coder.field("protocolType", &protocolType)
            try coder.field("protocolName", &protocolName)
        }
        try coder.field("assignments", &assignments)
        try coder.noTags()
    }
}

extension SyncGroupRequest {
    package struct Assignment: WireStruct {
        package var memberID = ""
        package var assignment = Bytes.empty

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("memberId", &memberID)
            try coder.field("assignment", &assignment)
            try coder.noTags()
        }
    }
}

/// SyncGroup (14).
package struct SyncGroupResponse: WireResponse {
    package static var apiKey: APIKey { .syncGroup }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var protocolType: String?
    package var protocolName: String?
    package var assignment = Bytes.empty

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("errorCode", &errorCode)
        if version >= 5 {
            try coder.field("protocolType", &protocolType)
            try coder.field("protocolName", &protocolName)
        }
        try coder.field("assignment", &assignment)
        try coder.noTags()
    }
}
