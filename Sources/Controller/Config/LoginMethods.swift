import Primitives
import Wire

/// How one can log in at a listener.
package struct LoginMethods: Sendable {
    /// In the order in which clients are told them.
    package private(set) var mechanisms: [SaslLogin.Mechanism] = []
    /// Users of PLAIN with their passwords, from the listener's login configuration.
    package private(set) var plainUsers: OrderedMap<String, String> = OrderedMap()
    /// How long a login lasts; 0 is for ever.
    package private(set) var reauthMs: Int64 = 0

    /// Nobody can log in.
    package static let none = LoginMethods()
    private init() {}

    /// Throws what is wrong with the listener's settings.
    package init(_ config: BrokerConfig, listener: String) throws(BrokerConfigError) {
        let listed = config.listenerText(listener, "sasl.enabled.mechanisms")
        let names = listed?.split(separator: ",").map { trim(String($0)) } ?? config.list("sasl.enabled.mechanisms")
        for name in names where !name.isEmpty {
            guard let mechanism = SaslLogin.Mechanism(name: name) else {
                throw BrokerConfigError(problems: [
                    "Invalid value \(name) for configuration sasl.enabled.mechanisms (listener \(listener)): "
                        + "\(SaslLogin.Mechanism.names.joined(separator: ", ")) are supported"
                ])
            }
            if mechanism == .plain {
                guard let jaas = try config.jaas(listener, mechanism) else {
                    // Offered only because nobody says what is.
                    if listed == nil { continue }
                    throw BrokerConfigError(problems: [
                        "listener \(listener) offers PLAIN, but \(BrokerConfig.jaasKey(listener, mechanism)) names no users"
                    ])
                }
                plainUsers = jaas.users
            }
            mechanisms.append(mechanism)
        }
        guard !mechanisms.isEmpty else { throw BrokerConfigError(problems: ["listener \(listener) offers no SASL mechanism"]) }
        if let text = config.listenerText(listener, "connections.max.reauth.ms") {
            guard let value = Int64(text), value >= 0 else {
                throw BrokerConfigError(problems: ["Invalid value \(text) for configuration connections.max.reauth.ms"])
            }
            reauthMs = value
        }
    }
}

extension BrokerConfig {
    static func jaasKey(_ listener: String, _ mechanism: SaslLogin.Mechanism) -> String {
        "listener.name.\(listener.lowercased()).\(mechanism.name.lowercased()).sasl.jaas.config"
    }

    /// The login configuration of a listener for a mechanism; never with its text in an error, since passwords stand in it.
    func jaas(_ listener: String, _ mechanism: SaslLogin.Mechanism) throws(BrokerConfigError) -> JaasConfig? {
        let key = BrokerConfig.jaasKey(listener, mechanism)
        guard let text = own(key) else { return nil }
        do throws(JaasConfig.Problem) {
            return try JaasConfig(text)
        } catch {
            throw BrokerConfigError(problems: ["Invalid value for configuration \(key): \(error)"])
        }
    }

    /// How this node logs in where other nodes listen under that name; nil where the listener asks for no login.
    package func peerLogin(_ listener: String) throws(BrokerConfigError) -> SaslLogin? {
        guard securityProtocol(listener)?.hasSASL == true else { return nil }
        let key = isController(listener) ? "sasl.mechanism.controller.protocol" : "sasl.mechanism.inter.broker.protocol"
        let name = listenerText(listener, key) ?? "PLAIN"
        guard let mechanism = SaslLogin.Mechanism(name: name) else {
            throw BrokerConfigError(problems: ["Invalid value \(name) for configuration \(key): no such mechanism here"])
        }
        let options = try jaas(listener, mechanism)?.options
        guard let user = options?["username"], let password = options?["password"] else {
            throw BrokerConfigError(problems: [
                "nodes log in at listener \(listener) with \(mechanism.name), but \(BrokerConfig.jaasKey(listener, mechanism)) "
                    + "has no username and password"
            ])
        }
        return SaslLogin(mechanism, user: user, password: password)
    }
}
