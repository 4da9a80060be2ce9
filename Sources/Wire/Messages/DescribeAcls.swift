/// DescribeAcls (29): ACLs that match a filter; nil matches any.
package struct DescribeAclsRequest: WireRequest {
    package typealias Response = DescribeAclsResponse
    package static var apiKey: APIKey { .describeAcls }

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

/// DescribeAcls (29).
package struct DescribeAclsResponse: WireResponse {
    package static var apiKey: APIKey { .describeAcls }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var resources: [Resource] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("resources", &resources)
        try coder.noTags()
    }
}

extension DescribeAclsResponse {
    package struct Resource: WireStruct {
        package var resourceType: Int8 = 0
        package var resourceName = ""
        package var patternType: Int8 = 3
        package var acls: [ACL] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("resourceType", &resourceType)
            try coder.field("resourceName", &resourceName)
            try coder.field("patternType", &patternType)
            try coder.field("acls", &acls)
            try coder.noTags()
        }
    }

    package struct ACL: WireStruct {
        package var principal = ""
        package var host = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("principal", &principal)
            try coder.field("host", &host)
            try coder.field("operation", &operation)
            try coder.field("permissionType", &permissionType)
            try coder.noTags()
        }
    }
}
