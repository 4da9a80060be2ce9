import Primitives

/// SaslHandshake (17): names the mechanism. In version 1 the tokens follow in SaslAuthenticate requests. Never flexible.
package struct SaslHandshakeRequest: WireRequest {
    package typealias Response = SaslHandshakeResponse
    package static var apiKey: APIKey { .saslHandshake }

    package var mechanism = ""

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("mechanism", &mechanism)
    }
}

/// SaslHandshake (17). An unsupported mechanism (33) is answered with those there are.
package struct SaslHandshakeResponse: WireResponse {
    package static var apiKey: APIKey { .saslHandshake }

    package var errorCode = ErrorCode.none
    package var mechanisms: [String] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("errorCode", &errorCode)
        try coder.field("mechanisms", &mechanisms)
    }
}

/// SaslAuthenticate (36): one token of the mechanism's exchange.
package struct SaslAuthenticateRequest: WireRequest {
    package typealias Response = SaslAuthenticateResponse
    package static var apiKey: APIKey { .saslAuthenticate }

    package var authBytes = Bytes.empty

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("authBytes", &authBytes)
        try coder.noTags()
    }
}

/// SaslAuthenticate (36).
package struct SaslAuthenticateResponse: WireResponse {
    package static var apiKey: APIKey { .saslAuthenticate }

    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var authBytes = Bytes.empty
    package var sessionLifetimeMs: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("authBytes", &authBytes)
        if version >= 1 { try coder.field("sessionLifetimeMs", &sessionLifetimeMs) }
        try coder.noTags()
    }
}
