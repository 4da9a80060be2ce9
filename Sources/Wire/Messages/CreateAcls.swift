/// CreateAcls (30).
package struct CreateAclsRequest: WireRequest {
    package typealias Response = CreateAclsResponse
    package static var apiKey: APIKey { .createAcls }

    package var creations: [Creation] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("creations", &creations)
        try coder.noTags()
    }
}

extension CreateAclsRequest {
    package struct Creation: WireStruct {
        package var resourceType: Int8 = 0
        package var resourceName = ""
        package var resourcePatternType: Int8 = 3
        package var principal = ""
        package var host = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("resourceType", &resourceType)
            try coder.field("resourceName", &resourceName)
            try coder.field("resourcePatternType", &resourcePatternType)
            try coder.field("principal", &principal)
            try coder.field("host", &host)
            try coder.field("operation", &operation)
            try coder.field("permissionType", &permissionType)
            try coder.noTags()
        }
    }
}

/// CreateAcls (30).
package struct CreateAclsResponse: WireResponse {
    package static var apiKey: APIKey { .createAcls }

    package var throttleTimeMs: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension CreateAclsResponse {
    package struct Result: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
