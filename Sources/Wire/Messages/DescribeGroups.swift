import Primitives

/// DescribeGroups (15): state, members and assignments of classic groups.
package struct DescribeGroupsRequest: WireRequest {
    package typealias Response = DescribeGroupsResponse
    package static var apiKey: APIKey { .describeGroups }

    package var groups: [String] = []
    package var includeAuthorizedOperations = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groups", &groups)
        if version >= 3 { try coder.field("includeAuthorizedOperations", &includeAuthorizedOperations) }
        try coder.noTags()
    }
}

/// DescribeGroups (15). A group that does not exist is in state "Dead" without an error up to version 5, and has error 69 from version 6
/// on.
package struct DescribeGroupsResponse: WireResponse {
    package static var apiKey: APIKey { .describeGroups }

    package var throttleTimeMs: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("groups", &groups)
        try coder.noTags()
    }
}

extension DescribeGroupsResponse {
    package struct Group: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var groupID = ""
        package var groupState = ""
        package var protocolType = ""
        /// The name of the protocol chosen; empty unless the group is stable.
        package var protocolData = ""
        package var members: [Member] = []
        package var authorizedOperations: Int32 = Int32.min

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("errorCode", &errorCode)
            if version >= 6 { try coder.field("errorMessage", &errorMessage) }
            try coder.field("groupId", &groupID)
            try coder.field("groupState", &groupState)
            try coder.field("protocolType", &protocolType)
            try coder.field("protocolData", &protocolData)
            try coder.field("members", &members)
            if version >= 3 { try coder.field("authorizedOperations", &authorizedOperations) }
            try coder.noTags()
        }
    }

    package struct Member: WireStruct {
        package var memberID = ""
        package var groupInstanceID: String?
        package var clientID = ""
        package var clientHost = ""
        package var memberMetadata = Bytes.empty
        package var memberAssignment = Bytes.empty

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("memberId", &memberID)
            if version >= 4 { try coder.field("groupInstanceId", &groupInstanceID) }
            try coder.field("clientId", &clientID)
            try coder.field("clientHost", &clientHost)
            try coder.field("memberMetadata", &memberMetadata)
            try coder.field("memberAssignment", &memberAssignment)
            try coder.noTags()
        }
    }
}
