import ClientCore
import Glibc
import Primitives

/// Settings of producers, consumers and admins, by the Java client's keys.
///
/// A `.properties` file that a Java client is configured with works as it is. Each key is known: it is used, or it is left aside because
/// it says nothing here (`ignored` tells which and why, such as serializers: records are bytes), or it is refused by name with what to do
/// instead. A key that nobody knows is refused too, with the nearest that exists. Values are checked when the configuration is made.
///
///     let configuration = try ClientConfiguration(properties: ["bootstrap.servers": "localhost:9092", "linger.ms": "20"])
public struct ClientConfiguration: Sendable {
    /// As they were given.
    public private(set) var properties: [String: String] = [:]
    /// Keys that say nothing here, with the reason.
    public private(set) var ignored: [(key: String, reason: String)] = []

    /// - Throws: `KafkaError` of kind `configuration`, naming the key.
    public init(properties: [String: String]) throws(KafkaError) {
        for (key, value) in properties.sorted(by: { $0.key < $1.key }) { try set(key, value) }
    }

    /// The text of a `.properties` file.
    ///
    /// - Throws: `KafkaError` of kind `configuration`, naming the key.
    public init(text: String) throws(KafkaError) {
        let entries: [JavaProperties.Entry]
        do {
            entries = try JavaProperties.parse(text)
        } catch {
            throw KafkaError(.configuration, "line \(error.line): \\u wants four hexadecimal digits")
        }
        for entry in entries { try set(entry.key, entry.value) }
    }

    /// A `.properties` file.
    ///
    /// - Throws: `KafkaError` of kind `configuration`, where it cannot be read, or naming the key.
    public init(file path: String) throws(KafkaError) {
        guard let file = fopen(path, "r") else {
            throw KafkaError(.configuration, "\(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk.prefix(count) }
        try self.init(text: String(decoding: bytes, as: UTF8.self))
    }

    /// Sets one key, over what it was before.
    public mutating func set(_ key: String, _ value: String) throws(KafkaError) {
        guard let definition = ConfigurationKey.named(key) else {
            let hint = ConfigurationKey.nearest(to: key).map { "; did you mean \($0)?" } ?? ""
            throw KafkaError(.configuration, "\(key): no such setting of a client\(hint)")
        }
        switch definition.use {
        case .used(let kind):
            if let wrong = kind.complaint(about: value) { throw KafkaError(.configuration, "\(key)=\(value): \(wrong)") }
        case .ignored(let reason):
            ignored.removeAll { $0.key == key }
            ignored.append((key, reason))
        case .refused(let remedy): throw KafkaError(.configuration, "\(key) is not supported: \(remedy)")
        }
        properties[key] = value
    }

    /// Whether there is such a setting, used, left aside or refused.
    package static func knows(_ key: String) -> Bool { ConfigurationKey.named(key) != nil }

    /// The value given, or Java's default.
    public subscript(key: String) -> String? {
        if let value = properties[key] { return value }
        guard case .used(let kind)? = ConfigurationKey.named(key)?.use else { return nil }
        return kind.standard
    }

    // MARK: Values, checked when they were set

    func text(_ key: String) -> String { self[key] ?? "" }
    func integer(_ key: String) -> Int64 { Int64(text(key)) ?? 0 }
    func flag(_ key: String) -> Bool { text(key).lowercased() == "true" }
    func list(_ key: String) -> [String] { ConfigurationKey.list(text(key)) }

    /// A client of the cluster, with its own connections and thread.
    func client() throws(KafkaError) -> ClusterClient {
        guard let servers = ServerAddress.list(text("bootstrap.servers")) else {
            throw KafkaError(.configuration, "bootstrap.servers: a client wants at least one host:port")
        }
        var options = ClusterSession.Options(bootstrap: servers, clientID: text("client.id"))
        options.connectTimeoutMs = integer("socket.connection.setup.timeout.ms")
        options.backoffMinMs = integer("reconnect.backoff.ms")
        options.backoffMaxMs = max(options.backoffMinMs, integer("reconnect.backoff.max.ms"))
        let security: ClientSecurity
        do throws(ClientSecurityError) {
            security = try ClientSecurity { properties[$0] }
        } catch {
            throw KafkaError(.configuration, error.description)
        }
        return ClusterClient(options, requestTimeoutMs: integer("request.timeout.ms"), security: security)
    }
}
