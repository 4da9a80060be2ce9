/// ApiVersions (18): which requests in which versions a broker serves, and its features. The first request on a connection, allowed
/// before authentication.
package struct ApiVersionsRequest: WireRequest {
    package typealias Response = ApiVersionsResponse
    package static var apiKey: APIKey { .apiVersions }

    package var clientSoftwareName = ""
    package var clientSoftwareVersion = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 3 {
            try coder.field("clientSoftwareName", &clientSoftwareName)
            try coder.field("clientSoftwareVersion", &clientSoftwareVersion)
        }
        try coder.noTags()
    }
}

/// ApiVersions (18). Since version 3 (KIP-584) with the features: supported, and finalized for the whole cluster. The response header is
/// never flexible. Version 4 may list features whose lowest version is 0 (KAFKA-17011).
package struct ApiVersionsResponse: WireResponse {
    package static var apiKey: APIKey { .apiVersions }

    package var errorCode = ErrorCode.none
    package var apiKeys: [Key] = []
    package var throttleTimeMs: Int32 = 0
    package var supportedFeatures: [SupportedFeature] = []
    /// Epoch of the finalized features; -1: unknown.
    package var finalizedFeaturesEpoch: Int64 = -1
    package var finalizedFeatures: [FinalizedFeature] = []
    package var zkMigrationReady = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("errorCode", &errorCode)
        try coder.field("apiKeys", &apiKeys)
        if version >= 1 { try coder.field("throttleTimeMs", &throttleTimeMs) }
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "supportedFeatures", &supportedFeatures, default: [])
        try coder.tag(&tags, 1, "finalizedFeaturesEpoch", &finalizedFeaturesEpoch, default: -1)
        try coder.tag(&tags, 2, "finalizedFeatures", &finalizedFeatures, default: [])
        try coder.tag(&tags, 3, "zkMigrationReady", &zkMigrationReady, default: false)
        try coder.endTags(tags)
    }
}

extension ApiVersionsResponse {
    package struct Key: WireStruct {
        package var apiKey: Int16 = 0
        package var minVersion: Int16 = 0
        package var maxVersion: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("apiKey", &apiKey)
            try coder.field("minVersion", &minVersion)
            try coder.field("maxVersion", &maxVersion)
            try coder.noTags()
        }
    }

    package struct SupportedFeature: WireStruct {
        package var name = ""
        package var minVersion: Int16 = 0
        package var maxVersion: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("minVersion", &minVersion)
            try coder.field("maxVersion", &maxVersion)
            try coder.noTags()
        }
    }

    package struct FinalizedFeature: WireStruct {
        package var name = ""
        package var maxVersionLevel: Int16 = 0
        package var minVersionLevel: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("maxVersionLevel", &maxVersionLevel)
            try coder.field("minVersionLevel", &minVersionLevel)
            try coder.noTags()
        }
    }
}
