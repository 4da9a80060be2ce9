import Controller
import Primitives
import Reactor

/// A listener as those who come in through it see it: whether they must encrypt, how they are called, what they may send.
struct Door: Sendable {
    let listener: String
    /// Nil: in the clear.
    let tls: RenewableTLS?
    private let mapping: PrincipalMapping?
    /// Connections must say who they are before anything else.
    let asksForLogin: Bool

    init(_ listener: Listener, _ config: BrokerConfig) throws(StartError) {
        self.listener = listener.name
        let name = listener.name
        asksForLogin = listener.securityProtocol.hasSASL
        if asksForLogin {
            do throws(BrokerConfigError) { _ = try LoginMethods(config, listener: name) } catch {
                throw .unsupported(error.description)
            }
        }
        guard listener.securityProtocol.hasTLS else {
            (tls, mapping) = (nil, nil)
            return
        }
        do throws(TLSError) {
            tls = try RenewableTLS(name, .server, config, asksForLogin: asksForLogin)
        } catch {
            throw .unsupported("listener \(name): \(error)")
        }
        do throws(PrincipalMappingError) {
            mapping = try PrincipalMapping(config.listenerText(name, "ssl.principal.mapping.rules"))
        } catch {
            throw .unsupported("listener \(name): \(error)")
        }
    }

    /// Whom a certificate with this subject speaks for.
    func principal(_ subject: String?) -> Principal {
        guard !asksForLogin, let subject, let name = mapping?.name(of: subject) else { return .anonymous }
        return Principal(name: name)
    }
}
