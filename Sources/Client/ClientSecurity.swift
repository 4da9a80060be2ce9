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
    /// Of OAUTHBEARER: where the token comes from, and what goes with it. `login` is then made of it for each connection.
    package var tokens: TokenSource?
    package var extensions: [SaslLogin.Extension] = []

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
        guard name.hasPrefix("SASL") else { return }
        let mechanism = (value("sasl.mechanism") ?? value("sasl.mechanisms"))?.uppercased()
        if mechanism == SaslLogin.Mechanism.oauthBearer.name {
            tokens = try ClientSecurity.tokens(value)
            extensions = try ClientSecurity.extensions(value)
        } else {
            login = try ClientSecurity.login(value)
        }
    }

    private static func tokens(_ value: (String) -> String?) throws(ClientSecurityError) -> TokenSource {
        func text(_ key: String) -> String? { value(key).flatMap { $0.isEmpty ? nil : $0 } }
        if let command = text("kastellan.oauthbearer.token.command") {
            guard let words = CommandWords.split(command), !words.isEmpty else {
                throw ClientSecurityError("kastellan.oauthbearer.token.command is no command line: a quote is open")
            }
            return .command(words)
        }
        if let token = text("sasl.oauthbearer.token") { return .fixed(token) }
        if let url = text("sasl.oauthbearer.token.endpoint.url") {
            guard url.hasPrefix("file:") else {
                throw ClientSecurityError(
                    "sasl.oauthbearer.token.endpoint.url: only file:///… is read; kastellan.oauthbearer.token.command names a program "
                        + "that asks an endpoint and prints the token")
            }
            let path = url.dropFirst(5)
            return .file(String(path.hasPrefix("//") ? path.dropFirst(2) : path))
        }
        throw ClientSecurityError(
            "OAUTHBEARER needs a token: kastellan.oauthbearer.token.command names the program that prints it, "
                + "sasl.oauthbearer.token.endpoint.url=file:///… a file that holds it")
    }

    /// `sasl.oauthbearer.extensions` as librdkafka has them, `extension_NAME` of the login configuration as Java has them.
    private static func extensions(_ value: (String) -> String?) throws(ClientSecurityError) -> [SaslLogin.Extension] {
        var found: [SaslLogin.Extension] = []
        for pair in (value("sasl.oauthbearer.extensions") ?? "").split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { throw ClientSecurityError("sasl.oauthbearer.extensions: NAME=VALUE, with commas between") }
            found.append(SaslLogin.Extension(String(parts[0].filter { $0 != " " }), String(parts[1])))
        }
        if let text = value("sasl.jaas.config") {
            do throws(JaasConfig.Problem) {
                for (key, value) in try JaasConfig(text).options where key.hasPrefix("extension_") {
                    found.append(SaslLogin.Extension(String(key.dropFirst(10)), value))
                }
            } catch {
                throw ClientSecurityError("sasl.jaas.config: \(error)")
            }
        }
        return found
    }

    private static func login(_ value: (String) -> String?) throws(ClientSecurityError) -> SaslLogin {
        let names = (SaslLogin.Mechanism.names + [SaslLogin.Mechanism.oauthBearer.name]).joined(separator: ", ")
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
