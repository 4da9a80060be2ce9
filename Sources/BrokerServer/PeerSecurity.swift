import Controller
import Primitives
import Reactor
import Wire

/// How a node comes in at a listener of other nodes.
struct PeerSecurity: Sendable {
    let tls: RenewableTLS?
    let login: SaslLogin?

    /// In the clear, and without a login.
    static let none = PeerSecurity(nil, nil)

    private init(_ tls: RenewableTLS?, _ login: SaslLogin?) { (self.tls, self.login) = (tls, login) }

    init(_ config: BrokerConfig, listener: String?) throws(StartError) {
        guard let listener, let security = config.securityProtocol(listener) else {
            self = .none
            return
        }
        var tls: RenewableTLS?
        if security.hasTLS {
            do throws(TLSError) { tls = try RenewableTLS(listener, .client, config) } catch {
                throw .unsupported("listener \(listener): \(error)")
            }
        }
        do throws(BrokerConfigError) { self.init(tls, try config.peerLogin(listener)) } catch {
            throw .unsupported(error.description)
        }
    }
}

/// The same for all a node connects to: other brokers, for their records, and controllers.
struct PeerSecurities: Sendable {
    let brokers: PeerSecurity
    let controllers: PeerSecurity

    init(_ config: BrokerConfig) throws(StartError) {
        // A node alone asks nobody but itself, and that over no socket.
        let isAlone = config.voterIDs == [config.nodeID] && config.controllerListenerName == nil
        brokers = isAlone || !config.isBroker ? .none : try PeerSecurity(config, listener: config.interBrokerListenerName)
        controllers = try PeerSecurity(config, listener: config.controllerListenerName)
    }

    init() { (brokers, controllers) = (.none, .none) }
}
