import Primitives

package enum SecurityProtocol: String, Equatable, Sendable {
    case plaintext = "PLAINTEXT"
    case ssl = "SSL"
    case saslPlaintext = "SASL_PLAINTEXT"
    case saslSSL = "SASL_SSL"

    /// The number in registration records.
    package var id: Int16 {
        switch self {
        case .plaintext: 0
        case .ssl: 1
        case .saslPlaintext: 2
        case .saslSSL: 3
        }
    }
}

/// A place where a node listens, or says it does: `NAME://HOST:PORT`.
package struct Listener: Equatable, Sendable {
    package var name: String
    /// Empty: every address of the machine.
    package var host: String
    /// 0: whichever is free.
    package var port: Int32
    package var securityProtocol: SecurityProtocol

    package init(name: String, host: String, port: Int32, securityProtocol: SecurityProtocol = .plaintext) {
        self.name = name
        self.host = host
        self.port = port
        self.securityProtocol = securityProtocol
    }

    package var text: String { "\(name)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// The listener `text` spells, its protocol still to be looked up; nil where it is none. IPv6 addresses stand in brackets.
    package init?(_ text: String) {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        let name = text[..<scheme.lowerBound]
        let rest = text[scheme.upperBound...]
        guard !name.isEmpty, let colon = rest.lastIndex(of: ":"), let port = Int32(rest[rest.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = rest[..<colon]
        if host.first == "[" || host.last == "]" {
            guard host.first == "[", host.last == "]", host.count > 2 else { return nil }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.init(name: name.uppercased(), host: String(host), port: port)
    }
}

/// A voter of the metadata quorum, as `controller.quorum.voters` names it: `id@host:port`.
package struct QuorumVoter: Equatable, Sendable {
    package var id: BrokerID
    package var host: String
    package var port: Int32

    package init(id: BrokerID, host: String, port: Int32) {
        self.id = id
        self.host = host
        self.port = port
    }

    package init?(_ text: String) {
        guard let at = text.firstIndex(of: "@"), let colon = text.lastIndex(of: ":"), at < colon, let id = Int32(text[..<at]), id >= 0,
            let port = Int32(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { return nil }
        self.id = BrokerID(id)
        host = String(text[text.index(after: at)..<colon])
        self.port = port
    }
}
