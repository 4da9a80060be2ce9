/// ListGroups (16): the groups of one broker. Empty filters mean any.
package struct ListGroupsRequest: WireRequest {
    package typealias Response = ListGroupsResponse
    package static var apiKey: APIKey { .listGroups }

    package var statesFilter: [String] = []
    package var typesFilter: [String] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 4 { try coder.field("statesFilter", &statesFilter) }
        if version >= 5 { try coder.field("typesFilter", &typesFilter) }
        try coder.noTags()
    }
}

/// ListGroups (16).
package struct ListGroupsResponse: WireResponse {
    package static var apiKey: APIKey { .listGroups }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var groups: [Group] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        try coder.field("errorCode", &errorCode)
        try coder.field("groups", &groups)
        try coder.noTags()
    }
}

extension ListGroupsResponse {
    package struct Group: WireStruct {
        package var groupID = ""
        package var protocolType = ""
        package var groupState = ""
        package var groupType = ""

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("groupId", &groupID)
            try coder.field("protocolType", &protocolType)
            if version >= 4 { try coder.field("groupState", &groupState) }
            if version >= 5 { try coder.field("groupType", &groupType) }
            try coder.noTags()
        }
    }
}
