import Primitives

/// For whom a broker forwards a request: what stands in an envelope's `requestPrincipal` (KIP-590), in the form of Kafka's default
/// principal builder. Its bytes carry their own version before them.
package struct EnvelopePrincipal: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var type = "User"
    package var name = "ANONYMOUS"
    package var tokenAuthenticated = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("type", &type)
        try coder.field("name", &name)
        try coder.field("tokenAuthenticated", &tokenAuthenticated)
        try coder.noTags()
    }

    package static func decode(_ principal: Bytes) throws(WireError) -> EnvelopePrincipal {
        let (version, body) = try splitVersion(principal)
        return try decode(body, version: version)
    }

    package func encoded() -> Bytes { versioned(0) }
}

extension EnvelopePrincipal {
    package init(_ principal: Principal) {
        self.init()
        (type, name) = (principal.type, principal.name)
    }

    package var principal: Principal { Principal(type: type, name: name) }
}
