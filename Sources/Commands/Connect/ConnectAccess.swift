import Client
import Payloads
import Primitives
import Reactor
import Settings

/// The Connect clusters that a command line, a client's file or the environment names: `connect.url`, one or several with commas between,
/// with `connect.basic.auth.user.info` and `connect.ssl.…` for all of them.
struct ConnectAccess: Sendable {
    /// In the order in which they are named, each with its address as it may be shown.
    var clusters: [(cluster: ConnectCluster, address: String)] = []

    var isEmpty: Bool { clusters.isEmpty }

    init() {}

    init(_ invocation: Invocation) throws(Failure) {
        try self.init(try ConnectionSource(invocation), address: invocation.text("--connect"))
    }

    /// `address`: one that counts before the settings'.
    init(_ source: ConnectionSource, address: String? = nil) throws(Failure) {
        var values = OrderedMap<String, String>()
        for (key, setting) in source.settings where key.hasPrefix("connect.") {
            values[key] = try SecretResolver.resolve(setting.value, for: key, in: setting.origin.description)
        }
        guard let text = address ?? values["connect.url"] ?? environment("KASTELLAN_CONNECT") else { return }
        let addresses = text.split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
        for address in addresses { clusters.append(try ConnectAccess.cluster(address, values, source.place)) }
    }

    private static func cluster(
        _ address: String, _ values: OrderedMap<String, String>, _ place: String
    ) throws(Failure) -> (ConnectCluster, String) {
        let client: HTTPClient
        let user = values["connect.basic.auth.user.info"]
        do throws(HTTPClient.Failure) {
            client = try HTTPClient(
                address, authorization: user.map { HTTPClient.basic(userInfo: $0) },
                tls: try HTTPClient.tls(place, values, prefix: "connect."), mediaType: HTTPClient.json)
        } catch {
            throw .usage("--connect: \(error.message)")
        }
        let name = "\(client.host):\(client.port)"
        let cluster = ConnectCluster(name: name) { method, path, body in
            do throws(HTTPClient.Failure) {
                let response = try client.request(path, method: method, body: body)
                return .success((response.status, response.body))
            } catch {
                return .failure(ConnectFailure("\(name): \(error.message)"))
            }
        }
        return (cluster, "\(client.isSecure ? "https" : "http")://\(name)\(client.prefix)")
    }

    func cluster(_ name: String) -> (cluster: ConnectCluster, address: String)? { clusters.first { $0.cluster.name == name } }
}
