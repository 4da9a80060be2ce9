import Primitives

/// What a listener says for itself with `listener.name.NAME.KEY`, and else what the node says for all.
extension BrokerConfig {
    /// The value of `key` where the listener is concerned; nil where nobody says anything.
    package func listenerText(_ listener: String, _ key: String) -> String? { ownText(listener, key) ?? statics[key].map { trim($0) } }

    /// What is said for this listener alone.
    package func ownText(_ listener: String, _ key: String) -> String? {
        own("listener.name.\(listener.lowercased()).\(key)").map { trim($0) }
    }

    /// What was set while the broker runs comes before what stands in its file.
    func own(_ key: String) -> String? { dynamicBroker[key] ?? statics[key] }

    /// The protocol that the listener of that name speaks, where the node knows such a name. Of a controllers' listener that is
    /// elsewhere only the map tells.
    package func securityProtocol(_ listener: String) -> SecurityProtocol? {
        if let found = listeners.first(where: { $0.name == listener.uppercased() }) { return found.securityProtocol }
        for entry in list("listener.security.protocol.map") {
            let parts = entry.split(separator: ":")
            if parts.count == 2, trim(String(parts[0])).uppercased() == listener.uppercased() {
                return SecurityProtocol(rawValue: trim(String(parts[1])).uppercased())
            }
        }
        return nil
    }

    /// The listener at which other nodes reach this cluster's controllers: the first that is named.
    package var controllerListenerName: String? { list("controller.listener.names").first { !$0.isEmpty }?.uppercased() }
}

extension SecurityProtocol {
    package var hasTLS: Bool { self == .ssl || self == .saslSSL }
    package var hasSASL: Bool { self == .saslPlaintext || self == .saslSSL }
}
