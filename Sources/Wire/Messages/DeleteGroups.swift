/// DeleteGroups (42): removes empty groups with their offsets.
package struct DeleteGroupsRequest: WireRequest {
    package typealias Response = DeleteGroupsResponse
    package static var apiKey: APIKey { .deleteGroups }

    package var groupsNames: [String] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupsNames", &groupsNames)
        try coder.noTags()
    }
}

/// DeleteGroups (42).
package struct DeleteGroupsResponse: WireResponse {
    package static var apiKey: APIKey { .deleteGroups }

    package var throttleTimeMs: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension DeleteGroupsResponse {
    package struct Result: WireStruct {
        package var groupID = ""
        package var errorCode = ErrorCode.none

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("groupId", &groupID)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }
}
