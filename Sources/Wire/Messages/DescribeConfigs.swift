/// DescribeConfigs (32). Resource types: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. `configurationKeys` nil asks
/// for all.
package struct DescribeConfigsRequest: WireRequest {
    package typealias Response = DescribeConfigsResponse
    package static var apiKey: APIKey { .describeConfigs }

    package var resources: [Resource] = []
    package var includeSynonyms = false
    package var includeDocumentation = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("resources", &resources)
        try coder.field("includeSynonyms", &includeSynonyms)
        if version >= 3 { try coder.field("includeDocumentation", &includeDocumentation) }
        try coder.noTags()
    }
}

extension DescribeConfigsRequest {
    package struct Resource: WireStruct {
        package var resourceType: Int8 = 0
        package var resourceName = ""
        package var configurationKeys: [String]?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("resourceType", &resourceType)
            try coder.field("resourceName", &resourceName)
            try coder.field("configurationKeys", &configurationKeys)
            try coder.noTags()
        }
    }
}

/// DescribeConfigs (32). Sources: 1 dynamic topic, 2 dynamic broker, 3 dynamic default broker, 4 static broker, 5 default, 6 logger, 7
/// client metrics, 8 group. Types: 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password.
package struct DescribeConfigsResponse: WireResponse {
    package static var apiKey: APIKey { .describeConfigs }

    package var throttleTimeMs: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension DescribeConfigsResponse {
    package struct Result: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var resourceType: Int8 = 0
        package var resourceName = ""
        package var configs: [Config] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("resourceType", &resourceType)
            try coder.field("resourceName", &resourceName)
            try coder.field("configs", &configs)
            try coder.noTags()
        }
    }

    package struct Config: WireStruct {
        package var name = ""
        package var value: String?
        package var readOnly = false
        package var configSource: Int8 = -1
        package var isSensitive = false
        package var synonyms: [Synonym] = []
        package var configType: Int8 = 0
        package var documentation: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("name", &name)
            try coder.field("value", &value)
            try coder.field("readOnly", &readOnly)
            try coder.field("configSource", &configSource)
            try coder.field("isSensitive", &isSensitive)
            try coder.field("synonyms", &synonyms)
            if version >= 3 {
                try coder.field("configType", &configType)
                try coder.field("documentation", &documentation)
            }
            try coder.noTags()
        }
    }

    package struct Synonym: WireStruct {
        package var name = ""
        package var value: String?
        package var source: Int8 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("value", &value)
            try coder.field("source", &source)
            try coder.noTags()
        }
    }
}
