/// DeleteAcls (31): removes the ACLs that match any of the filters.
package struct DeleteAclsRequest: WireRequest {
    package typealias Response = DeleteAclsResponse
    package static var apiKey: APIKey { .deleteAcls }

    package var filters: [Filter] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("filters", &filters)
        try coder.noTags()
    }
}

extension DeleteAclsRequest {
    package struct Filter: WireStruct {
        package var resourceTypeFilter: Int8 = 0
        package var resourceNameFilter: String?
        package var patternTypeFilter: Int8 = 3
        package var principalFilter: String?
        package var hostFilter: String?
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("resourceTypeFilter", &resourceTypeFilter)
            try coder.field("resourceNameFilter", &resourceNameFilter)
            try coder.field("patternTypeFilter", &patternTypeFilter)
            try coder.field("principalFilter", &principalFilter)
            try coder.field("hostFilter", &hostFilter)
            try coder.field("operation", &operation)
            try coder.field("permissionType", &permissionType)
            try coder.noTags()
        }
    }
}

/// DeleteAcls (31).
package struct DeleteAclsResponse: WireResponse {
    package static var apiKey: APIKey { .deleteAcls }

    package var throttleTimeMs: Int32 = 0
    package var filterResults: [FilterResult] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("filterResults", &filterResults)
        try coder.noTags()
    }
}

extension DeleteAclsResponse {
    package struct FilterResult: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var matchingAcls: [MatchingACL] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("matchingAcls", &matchingAcls)
            try coder.noTags()
        }
    }

    package struct MatchingACL: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var resourceType: Int8 = 0
        package var resourceName = ""
        package var patternType: Int8 = 3
        package var principal = ""
        package var host = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("resourceType", &resourceType)
            try coder.field("resourceName", &resourceName)
            try coder.field("patternType", &patternType)
            try coder.field("principal", &principal)
            try coder.field("host", &host)
            try coder.field("operation", &operation)
            try coder.field("permissionType", &permissionType)
            try coder.noTags()
        }
    }
}
