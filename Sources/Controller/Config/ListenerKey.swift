import Primitives
import Wire

/// A setting for one listener alone: `listener.name.NAME.KEY`, of logins with the mechanism before the key.
package struct ListenerKey: Equatable, Sendable {
    /// In lower case, as the key has it.
    package let listener: String
    /// Of a login: `plain`, `scram-sha-256`.
    package let mechanism: String?
    /// The key without what stands before it.
    package let base: String

    private static let prefix = "listener.name."
    static let jaas = "sasl.jaas.config"

    package init?(_ key: String) {
        guard key.hasPrefix(ListenerKey.prefix) else { return nil }
        let rest = key.dropFirst(ListenerKey.prefix.count)
        guard let dot = rest.firstIndex(of: "."), dot != rest.startIndex else { return nil }
        listener = String(rest[..<dot])
        let tail = rest[rest.index(after: dot)...]
        guard !tail.isEmpty else { return nil }
        if tail.hasSuffix("." + ListenerKey.jaas) {
            (mechanism, base) = (String(tail.dropLast(ListenerKey.jaas.count + 1)), ListenerKey.jaas)
        } else {
            (mechanism, base) = (nil, String(tail))
        }
    }

    /// What a running broker takes for one listener (KIP-226): its key and certificates, whom it believes and what it speaks, and who logs
    /// in how. Connections that are open stay as they are.
    static let changeable: Set<String> = [
        "ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.password", "ssl.keystore.key", "ssl.keystore.certificate.chain",
        "ssl.key.password", "ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.password", "ssl.truststore.certificates",
        "ssl.client.auth", "ssl.cipher.suites", "ssl.enabled.protocols", "sasl.enabled.mechanisms", jaas,
    ]

    package var isChangeable: Bool { ListenerKey.changeable.contains(base) }
    package var definition: ConfigDefinition? { BrokerConfigDefinitions.find(base) }

    /// Whether a broker's setting of that name may hold a secret: those that nobody here knows may, too.
    package static func holdsSecret(_ key: String) -> Bool {
        let definition = ListenerKey(key)?.definition ?? BrokerConfigDefinitions.find(key)
        return definition?.isSensitive ?? true
    }

    /// What is wrong with such a value, never with the value of a secret in it; nil where nothing is.
    func problem(_ text: String, key: String) -> String? {
        func invalid(_ shown: String, _ why: String) -> String { "Invalid value \(shown) for configuration \(key): \(why)" }
        switch base {
        case ListenerKey.jaas:
            guard let mechanism, SaslLogin.Mechanism(name: mechanism.uppercased()) != nil else {
                return invalid("[hidden]", "no such mechanism here")
            }
            do throws(JaasConfig.Problem) { _ = try JaasConfig(text) } catch { return invalid("[hidden]", "\(error)") }
        case "sasl.enabled.mechanisms":
            let names = ConfigDefinition.elements(text)
            let unknown = names.first { SaslLogin.Mechanism(name: $0) == nil }
            if let unknown { return invalid(text, "\(unknown) is none of \(SaslLogin.Mechanism.names.joined(separator: ", "))") }
            if names.isEmpty { return invalid(text, "a mechanism at least") }
        case "ssl.keystore.type", "ssl.truststore.type":
            if text.uppercased() != "PEM" { return invalid(text, "only PEM can be read") }
        default:
            guard let definition else { return nil }
            do throws(ConfigValueError) { _ = try definition.parse(text) } catch { return error.message }
        }
        return nil
    }
}
