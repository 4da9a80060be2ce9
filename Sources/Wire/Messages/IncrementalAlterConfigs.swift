/// IncrementalAlterConfigs (44): changes single configs (KIP-339). Operations: 0 set, 1 delete, 2 append to a list, 3 subtract from it.
package struct IncrementalAlterConfigsRequest: WireRequest {
    package typealias Response = IncrementalAlterConfigsResponse
    package static var apiKey: APIKey { .incrementalAlterConfigs }

    package var resources: [Resource] = []
    package var validateOnly = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("resources", &resources)
        try coder.field("validateOnly", &validateOnly)
        try coder.noTags()
    }
}

extension IncrementalAlterConfigsRequest {
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
        package var configOperation: Int8 = 0
        package var value: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("configOperation", &configOperation)
            try coder.field("value", &value)
            try coder.noTags()
        }
    }
}

/// IncrementalAlterConfigs (44).
package struct IncrementalAlterConfigsResponse: WireResponse {
    package static var apiKey: APIKey { .incrementalAlterConfigs }

    package var throttleTimeMs: Int32 = 0
    package var responses: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("responses", &responses)
        try coder.noTags()
    }
}

extension IncrementalAlterConfigsResponse {
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
