import Primitives

/// Envelope (58): a broker forwards a request to the controller, header and all, in the name of the client that sent it (KIP-590).
package struct EnvelopeRequest: WireRequest {
    package typealias Response = EnvelopeResponse
    package static var apiKey: APIKey { .envelope }

    /// The whole request frame without its size.
    package var requestData = Bytes.empty
    /// `EnvelopePrincipal.encoded`. Nil where the broker cannot tell it.
    package var requestPrincipal: Bytes?
    /// The client's address, 4 or 16 bytes.
    package var clientHostAddress = Bytes.empty

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("requestData", &requestData)
        try coder.field("requestPrincipal", &requestPrincipal)
        try coder.field("clientHostAddress", &clientHostAddress)
        try coder.noTags()
    }
}

/// Envelope (58). The error is of the envelope itself; what is inside says its own.
package struct EnvelopeResponse: WireResponse {
    package static var apiKey: APIKey { .envelope }

    /// The whole response frame without its size; nil where there was an error.
    package var responseData: Bytes?
    package var errorCode = ErrorCode.none

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("responseData", &responseData)
        try coder.field("errorCode", &errorCode)
        try coder.noTags()
    }
}
