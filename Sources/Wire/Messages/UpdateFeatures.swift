/// UpdateFeatures (57): finalizes feature levels. Upgrade types: 1 upgrade, 2 safe downgrade, 3 unsafe downgrade.
package struct UpdateFeaturesRequest: WireRequest {
    package typealias Response = UpdateFeaturesResponse
    package static var apiKey: APIKey { .updateFeatures }

    package var timeoutMs: Int32 = 60000
    package var featureUpdates: [FeatureUpdate] = []
    package var validateOnly = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("timeoutMs", &timeoutMs)
        try coder.field("featureUpdates", &featureUpdates)
        if version >= 1 { try coder.field("validateOnly", &validateOnly) }
        try coder.noTags()
    }
}

extension UpdateFeaturesRequest {
    package struct FeatureUpdate: WireStruct {
        package var feature = ""
        package var maxVersionLevel: Int16 = 0
        package var allowDowngrade = false
        package var upgradeType: Int8 = 1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("feature", &feature)
            try coder.field("maxVersionLevel", &maxVersionLevel)
            if version == 0 { try coder.field("allowDowngrade", &allowDowngrade) }
            if version >= 1 { try coder.field("upgradeType", &upgradeType) }
            try coder.noTags()
        }
    }
}

/// UpdateFeatures (57). Version 2 has only the error at the top.
package struct UpdateFeaturesResponse: WireResponse {
    package static var apiKey: APIKey { .updateFeatures }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        if version <= 1 { try coder.field("results", &results) }
        try coder.noTags()
    }
}

extension UpdateFeaturesResponse {
    package struct Result: WireStruct {
        package var feature = ""
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("feature", &feature)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
