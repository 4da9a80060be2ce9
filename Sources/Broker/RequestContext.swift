import Primitives
import Wire

/// Names one client connection; never used again after it has closed.
package struct ConnectionID: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: ConnectionID, b: ConnectionID) -> Bool { a.rawValue < b.rawValue }
}

/// A request that has arrived whole, its header decoded, its body not yet. A connection has one request under way at a time, but for
/// produces that wait for their followers (`ProducePipelines`).
package struct RequestContext: Sendable {
    package let connection: ConnectionID
    package let header: RequestHeader
    package private(set) var body: Bytes
    /// What `body` had when it came.
    package let bodyBytes: Int
    /// Its number among those of all connections; 0 until the broker has taken it in.
    package internal(set) var receipt: UInt64 = 0
    /// The peer's numeric address.
    package let clientHost: String
    /// The name of the listener it came in on: metadata answers with the same listener's addresses.
    package let listener: String
    package let receivedAt: Now
    /// Whom the connection speaks for; of a request in an Envelope, whom the forwarding broker says.
    package var principal: Principal
    /// A frame without a header: a token of a login begun with SaslHandshake version 0. `body` is all of it.
    package var isToken = false
    /// Set where another broker forwarded the request in an Envelope (KIP-590): that request's header. The response goes back in one.
    package var envelope: RequestHeader?

    package init(
        connection: ConnectionID, header: RequestHeader, body: Bytes, clientHost: String, listener: String, receivedAt: Now,
        principal: Principal = .anonymous
    ) {
        self.connection = connection
        self.header = header
        self.body = body
        bodyBytes = body.count
        self.clientHost = clientHost
        self.listener = listener
        self.receivedAt = receivedAt
        self.principal = principal
    }

    /// Lets the body's memory go: the request waits, and what it brought is in the log.
    mutating func dropBody() { body = .empty }

    package var version: Int16 { header.apiVersion }
    package var clientID: String { header.clientID ?? "" }
}
