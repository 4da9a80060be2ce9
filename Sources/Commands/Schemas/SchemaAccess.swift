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
            client = try HTTPClient(address, authorization: user.map(basic), tls: try tls(source.place, values))
        } catch {
            throw .usage("--registry: \(error.message)")
        }
        return SchemaRegistry { method, path, body in
            do throws(HTTPClient.Failure) {
                let response = try client.request(path, method: method, body: body)
                return .success((response.status, response.body))
            } catch {
                return .failure(SchemaFailure("the registry: \(error.message)"))
            }
        }
    }

    private static func basic(_ user: String) -> String {
        let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return HTTPClient.basic(parts[0], parts.count > 1 ? parts[1] : "")
    }

    private static func tls(_ path: String, _ values: OrderedMap<String, String>) throws(HTTPClient.Failure) -> TLSOptions {
        do throws(TLSError) {
            return try TLSOptions { values["schema.registry." + $0] }
        } catch {
            throw HTTPClient.Failure("\(path): schema.registry.\(error.description)")
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
