/// AlterConfigs (33): replaces all dynamic configs of a resource by those given. Superseded by IncrementalAlterConfigs.
package struct AlterConfigsRequest: WireRequest {
    package typealias Response = AlterConfigsResponse
    package static var apiKey: APIKey { .alterConfigs }

    package var resources: [Resource] = []
    package var validateOnly = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("resources", &resources)
        try coder.field("validateOnly", &validateOnly)
        try coder.noTags()
    }
}

extension AlterConfigsRequest {
    package struct Resource: WireStruct {
        package var resourceType: Int8 = 0
        package var resourceName = ""
        package var configs: [Config] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("resourceType", &resourceType)
            try coder.field("resourceName", &resourceName)
            try coder.field("configs", &configs)
            try coder.noTags()
        }
    }

    package struct Config: WireStruct {
        package var name = ""
        package var value: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("value", &value)
            try coder.noTags()
        }
    }
}

/// AlterConfigs (33).
package struct AlterConfigsResponse: WireResponse {
    package static var apiKey: APIKey { .alterConfigs }

    package var throttleTimeMs: Int32 = 0
    package var responses: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("responses", &responses)
        try coder.noTags()
    }
}

extension AlterConfigsResponse {
    package struct Result: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var resourceType: Int8 = 0
        package var resourceName = ""

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("resourceType", &resourceType)
            try coder.field("resourceName", &resourceName)
            try coder.noTags()
        }
    }
}
