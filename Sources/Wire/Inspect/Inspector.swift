import Primitives

/// Frames as text, for a protocol inspector and for logs: header fields, then the body as `WirePrinter` prints it.
package enum Inspector {
    /// A request frame (without its size), as `Metadata v12 id=7 client=console {…}`. What cannot be decoded is said in words.
    package static func request(_ frame: Bytes) -> String {
        guard let (header, body) = try? RequestHeader.decode(frame) else { return "unreadable request of \(frame.count) bytes" }
        let client = header.clientID.map { " client=" + jsonQuoted($0) } ?? ""
        let title = "\(APIKey.name(of: header.apiKey)) v\(header.apiVersion) id=\(header.correlationID)\(client) "
        guard let key = header.key else { return title + "(\(body.count) bytes, not described)" }
        return title + self.body(body, as: key.requestType, header.apiVersion)
    }

    /// A response frame (without its size) to a request of this key and version.
    package static func response(_ frame: Bytes, to key: APIKey, version: Int16) -> String {
        guard let (id, body) = try? splitResponse(frame, apiKey: key, version: version) else {
            return "unreadable response of \(frame.count) bytes"
        }
        return "\(key.name) v\(version) id=\(id) " + self.body(body, as: key.responseType, version)
    }

    private static func body<M: WireMessage>(_ bytes: Bytes, as type: M.Type, _ version: Int16) -> String {
        do throws(WireError) {
            return WirePrinter.print(try M.decode(bytes, version: version), version: version)
        } catch {
            return "(\(bytes.count) bytes, undecodable: \(error))"
        }
    }
}
