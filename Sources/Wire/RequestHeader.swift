import Primitives

/// What stands before the body of every request. The client id is a classic nullable string even in flexible versions, which
/// only add a section of tagged fields.
package struct RequestHeader: Equatable, Sendable {
    package var apiKey: Int16
    package var apiVersion: Int16
    package var correlationID: Int32
    package var clientID: String?

    package init(apiKey: Int16, apiVersion: Int16, correlationID: Int32, clientID: String? = nil) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationID = correlationID
        self.clientID = clientID
    }

    package init(_ apiKey: APIKey, version: Int16, correlationID: Int32, clientID: String? = nil) {
        self.init(apiKey: apiKey.rawValue, apiVersion: version, correlationID: correlationID, clientID: clientID)
    }

    /// The key, if this codec describes it.
    package var key: APIKey? { APIKey(rawValue: apiKey) }

    /// Whether the codec understands key and version.
    package var isValid: Bool { key.map { $0.validVersions.contains(apiVersion) } ?? false }

    /// Splits a request frame (without its 4-byte size) into header and body. Of an unknown API, or a version beyond what is
    /// described, only the fixed part can be trusted: the form of the header depends on it. ApiVersions is flexible in all versions
    /// from 3 on, also those to come, and has to be answered.
    package static func decode(_ frame: Bytes) throws(WireError) -> (header: RequestHeader, body: Bytes) {
        var decoder = WireDecoder(frame, version: 0, isFlexible: false)
        var header = RequestHeader(
            apiKey: try decoder.take(), apiVersion: try decoder.take(), correlationID: try decoder.take())
        guard let key = header.key else { return (header, frame.dropFirst(decoder.consumed)) }
        try decoder.nullableString(&header.clientID)
        var rest = frame.dropFirst(decoder.consumed)
        guard key.isFlexible(header.apiVersion) else { return (header, rest) }
        rest = try RequestHeader.skipTags(rest)
        return (header, rest)
    }

    static func skipTags(_ bytes: Bytes) throws(WireError) -> Bytes {
        var tags = WireDecoder(bytes, version: 0, isFlexible: true)
        try tags.noTags()
        return bytes.dropFirst(tags.consumed)
    }
}
