import Primitives

/// A connector by name, on one of the Connect clusters that are known.
package struct ConnectorName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Host and port that it is asked at.
    package var cluster: String
    package var name: String

    package init(_ cluster: String, _ name: String) { (self.cluster, self.name) = (cluster, name) }

    package var description: String { name }
    package static func < (a: ConnectorName, b: ConnectorName) -> Bool { (a.name, a.cluster) < (b.name, b.cluster) }
}

/// A change to a cluster of Kafka Connect. It is planned, shown and carried out like a change to the cluster, by whoever can ask Connect.
package enum ConnectChange: Equatable, Sendable {
    package enum Restart: Equatable, Sendable {
        /// The connector's own part and all its tasks.
        case everything
        /// Of both only what failed.
        case failed
        case task(Int)
    }
    case pause(ConnectorName)
    case resume(ConnectorName)
    /// Its tasks are gone until it is resumed (KIP-875).
    case stop(ConnectorName)
    case restart(ConnectorName, Restart)
    /// All of its config, sorted by key: what is not named is set no more.
    case configure(ConnectorName, [ConfigValue])
    /// Some of its config; what is not named stays. Planned, it is a `configure` with the values that there are.
    case alter(ConnectorName, set: [ConfigValue], delete: [String])
    case create(ConnectorName, [ConfigValue])
    case delete(ConnectorName)

    package var connector: ConnectorName {
        switch self {
        case .pause(let name), .resume(let name), .stop(let name), .restart(let name, _), .configure(let name, _), .create(let name, _),
            .alter(let name, _, _), .delete(let name):
            name
        }
    }

    package var title: String {
        switch self {
        case .pause(let name): "Pause connector \(name)"
        case .resume(let name): "Resume connector \(name)"
        case .stop(let name): "Stop connector \(name)"
        case .restart(let name, .everything): "Restart connector \(name) and its tasks"
        case .restart(let name, .failed): "Restart what failed of connector \(name)"
        case .restart(let name, .task(let task)): "Restart task \(task) of connector \(name)"
        case .configure(let name, _), .alter(let name, _, _): "Change the config of connector \(name)"
        case .create(let name, _): "Create connector \(name)"
        case .delete(let name): "Delete connector \(name)"
        }
    }
}

/// Which values of a connector's config are not for everybody's eyes.
package enum ConnectSecrets {
    /// What stands where a secret is.
    package static let mask = "(hidden)"

    private static let words = [
        "password", "passwd", "secret", "token", "credential", "passphrase", "jaas", "apikey", "api.key", "access.key", "private.key",
        "account.key", "auth.user.info", "connection.string", "sas",
    ]

    /// By the key's words, as nobody tells which keys are secret; a reference to where a secret is (`${file:…}`) is none.
    package static func isSecret(_ key: String, _ value: String) -> Bool {
        if value.isEmpty || value.hasPrefix("${") && value.hasSuffix("}") { return false }
        let lower = String(decoding: key.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
        let parts = lower.split(separator: ".")
        if words.contains(where: { $0.count > 3 ? lower.contains($0) : parts.contains(Substring($0)) }) { return true }
        return hasUser(value)
    }

    /// An address with a user and a password in it.
    private static func hasUser(_ value: String) -> Bool {
        guard let scheme = value.firstRange(of: "://") else { return false }
        let place = value[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
        guard let at = place.lastIndex(of: "@") else { return false }
        return place[..<at].contains(":")
    }

    package static func shown(_ key: String, _ value: String) -> String { isSecret(key, value) ? mask : value }
}
