/// ListConfigResources (74): names of resources that have configs (KIP-1142); version 0 knows only client metrics.
package struct ListConfigResourcesRequest: WireRequest {
    package typealias Response = ListConfigResourcesResponse
    package static var apiKey: APIKey { .listConfigResources }

    package var resourceTypes: [Int8] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("resourceTypes", &resourceTypes) }
        try coder.noTags()
    }
}

/// ListConfigResources (74).
package struct ListConfigResourcesResponse: WireResponse {
    package static var apiKey: APIKey { .listConfigResources }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var configResources: [ConfigResource] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("configResources", &configResources)
        try coder.noTags()
    }
}

extension ListConfigResourcesResponse {
    package struct ConfigResource: WireStruct {
        package var resourceName = ""
        package var resourceType: Int8 = 16

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("resourceName", &resourceName)
            if version >= 1 { try coder.field("resourceType", &resourceType) }
            try coder.noTags()
        }
    }
}
