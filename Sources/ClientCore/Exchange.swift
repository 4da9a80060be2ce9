import Primitives
import Wire

// Where requests of any type become bytes and answers become their type again.

/// A request frame with its size. What a producer sends is not copied into it again.
func encodeRequestFrame(_ message: any WireRequest, version: Int16, correlationID: Int32, clientID: String) -> Frame {
    func encode<R: WireRequest>(_ request: R) -> Frame {
        encodeRequest(request, version: version, correlationID: correlationID, clientID: clientID, sharedBytesMin: 4 << 10)
    }
    return encode(message)
}

/// An answer frame (without its size) as the type that belongs to `request`.
func decodeAnswer<R: WireRequest>(_ request: R, _ frame: Bytes, version: Int16) throws(WireError) -> R.Response {
    try decodeResponse(frame, to: R.self, version: version).response
}

func decodeAnyAnswer(_ message: any WireRequest, _ frame: Bytes, version: Int16) throws(WireError) -> any WireMessage {
    func decode<R: WireRequest>(_ request: R) throws(WireError) -> any WireMessage { try decodeAnswer(request, frame, version: version) }
    return try decode(message)
}
