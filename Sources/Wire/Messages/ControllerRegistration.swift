import Primitives

/// ControllerRegistration (70): a controller makes itself known to the active one (KIP-919).
package struct ControllerRegistrationRequest: WireRequest {
    package typealias Response = ControllerRegistrationResponse
    package static var apiKey: APIKey { .controllerRegistration }

    package var controllerID: Int32 = 0
    package var incarnationID = UUID.zero
    package var zkMigrationReady = false
    package var listeners: [Listener] = []
    package var features: [Feature] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("controllerId", &controllerID)
        try coder.field("incarnationId", &incarnationID)
        try coder.field("zkMigrationReady", &zkMigrationReady)
        try coder.field("listeners", &listeners)
        try coder.field("features", &features)
        try coder.noTags()
    }
}

extension ControllerRegistrationRequest {
    package struct Listener: WireStruct {
        package var name = ""
        package var host = ""
        package var port: UInt16 = 0
        /// 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
        package var securityProtocol: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.field("securityProtocol", &securityProtocol)
            try coder.noTags()
        }
    }

    package struct Feature: WireStruct {
        package var name = ""
        package var minSupportedVersion: Int16 = 0
        package var maxSupportedVersion: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("minSupportedVersion", &minSupportedVersion)
            try coder.field("maxSupportedVersion", &maxSupportedVersion)
            try coder.noTags()
        }
    }
}

/// ControllerRegistration (70).
package struct ControllerRegistrationResponse: WireResponse {
    package static var apiKey: APIKey { .controllerRegistration }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.noTags()
    }
}
