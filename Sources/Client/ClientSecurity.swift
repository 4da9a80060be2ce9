import ClientCore
import Primitives
import Reactor
import Wire

/// What is wrong with a client's security settings, without any of their values that are secret.
package struct ClientSecurityError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// How a client comes in at a cluster's listeners: encrypted or not, and as whom.
package struct ClientSecurity: Sendable {
    package var tls: TLSContext?
    package var login: SaslLogin?

    /// PLAINTEXT.
    package static let none = ClientSecurity()
    private init() {}

    /// The keys of a `client.properties` file, Java's or librdkafka's: `security.protocol`, `sasl.mechanism`, `sasl.jaas.config` or
    /// `sasl.username` and `sasl.password`, `ssl.…`.
    package init(_ value: (String) -> String?) throws(ClientSecurityError) {
        let name = (value("security.protocol") ?? "PLAINTEXT").uppercased()
        switch name {
        case "PLAINTEXT", "SASL_PLAINTEXT": break
        case "SSL", "SASL_SSL":
            do throws(TLSError) { tls = try TLSContext(try TLSOptions(value), .client) } catch {
                throw ClientSecurityError(error.description)
            }
        default: throw ClientSecurityError("security.protocol=\(name): PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
        }
        if name.hasPrefix("SASL") { login = try ClientSecurity.login(value) }
    }

    private static func login(_ value: (String) -> String?) throws(ClientSecurityError) -> SaslLogin {
        let names = SaslLogin.Mechanism.names.joined(separator: ", ")
        guard let name = value("sasl.mechanism") ?? value("sasl.mechanisms") else {
            throw ClientSecurityError("sasl.mechanism is missing: one of \(names)")
        }
        guard let mechanism = SaslLogin.Mechanism(name: name.uppercased()) else {
            throw ClientSecurityError("sasl.mechanism=\(name): one of \(names)")
        }
        var (user, password) = (value("sasl.username"), value("sasl.password"))
        if let text = value("sasl.jaas.config") {
            do throws(JaasConfig.Problem) {
                let options = try JaasConfig(text).options
                (user, password) = (options["username"] ?? user, options["password"] ?? password)
            } catch {
                throw ClientSecurityError("sasl.jaas.config: \(error)")
            }
        }
        guard let user, let password, !user.isEmpty else {
            throw ClientSecurityError("\(mechanism.name) needs a user and a password: sasl.jaas.config, or sasl.username and sasl.password")
        }
        return SaslLogin(mechanism, user: user, password: password)
    }
}
