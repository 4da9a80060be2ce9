import Controller
import Primitives

/// Which settings each broker of a simulated cluster has: those of development, addresses and voters, and what the test or the seed says.
///
/// Broker 1 is the machine `b1`; clients find it at port 9092, other nodes' controllers at port 9093.
struct ClusterLayout {
    let brokers: Int
    let settings: [(String, String)]
    /// `process.roles` by position; both where nothing is said.
    let roles: [String]
    /// Broker by broker in the next of so many; 0: none.
    let racks: Int

    static let clientPort: Int32 = 9092
    static let controllerPort: Int32 = 9093
    static let dataDirectory = "data"

    private func roles(of index: Int) -> String { index < roles.count ? roles[index] : "broker,controller" }

    func config(of id: BrokerID) throws(BrokerConfigError) -> BrokerConfig {
        let own = roles(of: Int(id.rawValue) - 1)
        let voters = (1...brokers).filter { roles(of: $0 - 1).contains("controller") }
        var listeners: [String] = []
        if own.contains("broker") { listeners.append("PLAINTEXT://b\(id):\(ClusterLayout.clientPort)") }
        if own.contains("controller") { listeners.append("CONTROLLER://b\(id):\(ClusterLayout.controllerPort)") }
        return try BrokerConfig(
            BrokerConfig.developmentDefaults(brokers: brokers) + [
                ("node.id", "\(id)"), ("process.roles", own), ("listeners", listeners.joined(separator: ",")),
                ("controller.listener.names", "CONTROLLER"),
                ("controller.quorum.voters", voters.map { "\($0)@b\($0):\(ClusterLayout.controllerPort)" }.joined(separator: ",")),
                ("log.dirs", ClusterLayout.dataDirectory),
            ] + (racks > 0 ? [("broker.rack", "r\((Int(id.rawValue) - 1) % racks)")] : []) + settings)
    }
}
