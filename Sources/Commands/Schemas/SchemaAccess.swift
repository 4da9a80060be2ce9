import Client
import Payloads
import Primitives
import Reactor
import Settings

/// The schema registry that a command line, a client's file or the environment names.
enum SchemaAccess {
    /// Nil where none is named.
    static func registry(_ invocation: Invocation) throws(Failure) -> SchemaRegistry? {
        try registry(try ConnectionSource(invocation), address: invocation.text("--registry"))
    }

    /// `address`: one that counts before the settings'.
    static func registry(_ source: ConnectionSource, address: String? = nil) throws(Failure) -> SchemaRegistry? {
        var values = OrderedMap<String, String>()
        for (key, setting) in source.settings where key.hasPrefix("schema.registry.") || key == "basic.auth.user.info" {
            values[key] = try SecretResolver.resolve(setting.value, for: key, in: setting.origin.description)
        }
        guard let address = address ?? values["schema.registry.url"] ?? environment("KASTELLAN_REGISTRY") else {
            return nil
        }
        let user = values["schema.registry.basic.auth.user.info"] ?? values["basic.auth.user.info"]
        let client: HTTPClient
        do throws(HTTPClient.Failure) {
            client = try HTTPClient(
                address, authorization: user.map { HTTPClient.basic(userInfo: $0) },
                tls: try HTTPClient.tls(source.place, values, prefix: "schema.registry."))
        } catch {
            throw .usage("--registry: \(error.message)")
        }
        let shown = "\(client.isSecure ? "https" : "http")://\(client.host):\(client.port)\(client.prefix)"
        return SchemaRegistry(address: shown) { method, path, body in
            do throws(HTTPClient.Failure) {
                let response = try client.request(path, method: method, body: body)
                return .success((response.status, response.body))
            } catch {
                return .failure(SchemaFailure("the registry: \(error.message)"))
            }
        }
    }

    /// `waits`: who reads has time until the schema is there. Otherwise it is fetched on a thread of its own.
    static func book(_ invocation: Invocation, waits: Bool) throws(Failure) -> SchemaBook? {
        try registry(invocation).map { book($0, waits: waits) }
    }

    static func book(_ registry: SchemaRegistry, waits: Bool) -> SchemaBook {
        SchemaBook(registry, clock: { SystemClock.instant() }, run: { body in if waits { body() } else { SessionThread.run(body) } })
    }
}
