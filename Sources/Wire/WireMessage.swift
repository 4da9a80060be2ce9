import Primitives

/// A structure that is encoded as a whole with a version: an API message or the record of an internal topic.
package protocol WireMessage: WireStruct {
    /// Versions this codec describes.
    static var validVersions: ClosedRange<Int16> { get }
    /// First version with compact lengths and tagged fields; `Int16.max` where there is none.
    static var flexibleFrom: Int16 { get }

    // The two ways through a description that have to be fast. They are requirements so that a call from another module goes through the
    // conformance, whose code this module has specialised for the one message; called directly, the generic default would run as such.
    static func decodeBody(_ body: Bytes, version: Int16) throws(WireError) -> Self
    func encodeBody(_ encoder: inout WireEncoder)
}

extension WireMessage {
    package static func decodeBody(_ body: Bytes, version: Int16) throws(WireError) -> Self {
        guard validVersions.contains(version) else { throw .unsupportedVersion(version) }
        var decoder = WireDecoder(body, version: version, isFlexible: version >= flexibleFrom)
        var message = Self()
        try message.visit(&decoder)
        return message
    }

    package func encodeBody(_ encoder: inout WireEncoder) {
        var message = self
        encoder.infallibly { (encoder: inout WireEncoder) throws(WireError) in try message.visit(&encoder) }
    }

    /// The message that `body` holds. Bytes after a complete message are ignored: librdkafka sends some, and Kafka accepts them.
    package static func decode(_ body: Bytes, version: Int16) throws(WireError) -> Self {
        try dispatchDecode(Self.self, body, version)
    }

    /// The message as bytes, without header or size. `version` is one of `validVersions`.
    package func encode(version: Int16) -> Bytes {
        var encoder = WireEncoder(version: version, isFlexible: version >= Self.flexibleFrom)
        encoder.put(self)
        return encoder.finish()
    }
}

@inline(never) private func dispatchDecode<M: WireMessage>(_: M.Type, _ body: Bytes, _ version: Int16) throws(WireError) -> M {
    try M.decodeBody(body, version: version)
}

/// A message of a request-response API.
package protocol APIMessage: WireMessage {
    static var apiKey: APIKey { get }
}

extension APIMessage {
    package static var validVersions: ClosedRange<Int16> { apiKey.validVersions }
    package static var flexibleFrom: Int16 { apiKey.flexibleFrom }
}

package protocol WireResponse: APIMessage {}

package protocol WireRequest: APIMessage {
    associatedtype Response: WireResponse
}

extension WireEncoder {
    /// Appends a message's body.
    package mutating func put<M: WireMessage>(_ message: M) {
        precondition(M.validVersions.contains(version), "\(M.self) has no version \(version)")
        message.encodeBody(&self)
    }
}

/// A request as a frame. The header's key is the message's.
package func encodeRequest<R: WireRequest>(
    _ message: R, version: Int16, correlationID: Int32, clientID: String?, sharedBytesMin: Int = .max
) -> Frame {
    let header = RequestHeader(R.apiKey, version: version, correlationID: correlationID, clientID: clientID)
    return encodeRequest(message, header, sharedBytesMin: sharedBytesMin)
}

/// Pieces of payloads of at least `sharedBytesMin` are not copied into the frame (`Frame.pieces`).
package func encodeRequest<R: WireRequest>(_ message: R, _ header: RequestHeader, sharedBytesMin: Int = .max) -> Frame {
    var encoder = WireEncoder(version: header.apiVersion, isFlexible: false, sharedBytesMin: sharedBytesMin)
    encoder.put(0 as Int32)
    encoder.put(header)
    encoder.put(message)
    return encoder.finishFrame()
}

/// A request frame, without its size, of a body that is encoded already: what an Envelope carries.
package func encodeRequest(_ header: RequestHeader, body: Bytes) -> Bytes {
    var encoder = WireEncoder(version: header.apiVersion, isFlexible: false)
    encoder.put(header)
    encoder.put(raw: body)
    return encoder.finish()
}

extension WireEncoder {
    fileprivate mutating func put(_ header: RequestHeader) {
        put(header.apiKey)
        put(header.apiVersion)
        put(header.correlationID)
        var clientID = header.clientID
        nullableString(&clientID)
        guard header.key?.isFlexible(header.apiVersion) == true else { return }
        isFlexible = true
        put(0 as UInt8)
    }
}

/// A response as a frame. ApiVersions responses keep the old header in every version, so that a client can read the refusal of a
/// version it should not have asked for (KIP-511).
package func encodeResponse<R: WireResponse>(_ message: R, apiKey: APIKey, version: Int16, correlationID: Int32) -> Frame {
    precondition(apiKey == R.apiKey, "the response of another API")
    return encodeResponse(message, version: version, correlationID: correlationID)
}

package func encodeResponse<R: WireResponse>(_ message: R, version: Int16, correlationID: Int32) -> Frame {
    let flexible = R.apiKey.isFlexible(version)
    var encoder = WireEncoder(version: version, isFlexible: flexible)
    encoder.put(0 as Int32)
    encoder.put(correlationID)
    if flexible && R.apiKey != .apiVersions { encoder.put(0 as UInt8) }
    encoder.put(message)
    return encoder.finishFrame()
}

/// The answer to an ApiVersions request of a version we do not have: the body of version 0 with error 35 (KIP-511).
package func encodeUnsupportedAPIVersions(_ message: ApiVersionsResponse, correlationID: Int32) -> Frame {
    var message = message
    message.errorCode = .unsupportedVersion
    return encodeResponse(message, version: 0, correlationID: correlationID)
}

/// The correlation id of a response frame (without its size): what tells whose answer it is, before anything else is read.
package func responseCorrelationID(_ frame: Bytes) throws(WireError) -> Int32 {
    guard frame.count >= 4 else { throw .truncated }
    return frame.load(0)
}

/// Splits a response frame (without its size) into its correlation id and its body.
package func splitResponse(_ frame: Bytes, apiKey: APIKey, version: Int16) throws(WireError) -> (correlationID: Int32, body: Bytes) {
    let id = try responseCorrelationID(frame)
    let body = frame.dropFirst(4)
    guard apiKey.isFlexible(version), apiKey != .apiVersions else { return (id, body) }
    return (id, try RequestHeader.skipTags(body))
}

/// The response that a frame (without its size) holds to a request of type `R` sent with `version`. A refusal of an ApiVersions
/// version comes as a body of version 0.
package func decodeResponse<R: WireRequest>(
    _ frame: Bytes, to: R.Type = R.self, version: Int16
) throws(WireError) -> (correlationID: Int32, response: R.Response) {
    let (id, body) = try splitResponse(frame, apiKey: R.apiKey, version: version)
    if R.apiKey == .apiVersions, version > 0, body.count >= 2, ErrorCode(rawValue: body.load(0)) == .unsupportedVersion {
        return (id, try R.Response.decode(body, version: 0))
    }
    return (id, try R.Response.decode(body, version: version))
}
