import BrokerServer
import Client
import ClientCore
import Glibc
import Primitives
import Reactor
import Wire

/// What makes a development cluster a secure one, in the folder `security` of its data: an authority of its own, a certificate for its
/// brokers, and users with passwords. Made once, readable by their owner alone, and found again at the next start.
///
/// Clients and brokers come in over SASL_SSL. `broker` is what nodes call themselves; `admin` may do all, `app` is anybody.
struct DevSecurity: Sendable {
    static let folder = "security"
    static let users = ["broker", "admin", "app"]

    let directory: String
    private let passwords: OrderedMap<String, String>

    /// Whether the data in `directory` is a secure cluster's.
    static func exists(in directory: String) -> Bool { PosixDisk().exists("\(directory)/\(folder)/users.properties") }

    init(dataDirectory: String) throws(DevClusterError) {
        directory = "\(dataDirectory)/\(DevSecurity.folder)"
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw DevClusterError("cannot make \(directory): \(systemMessage(errno))")
        }
        if DevSecurity.exists(in: dataDirectory) {
            passwords = try DevSecurity.read("\(directory)/users.properties")
        } else {
            var made: OrderedMap<String, String> = OrderedMap()
            for user in DevSecurity.users { made[user] = makePassword() }
            passwords = made
            try makeCertificates()
            // Last: where it stands, all stands.
            try write("users.properties", made.map { "\($0.key)=\($0.value)\n" }.joined())
        }
    }

    private static func read(_ path: String) throws(DevClusterError) -> OrderedMap<String, String> {
        var passwords: OrderedMap<String, String> = OrderedMap()
        guard let text = try? PosixDisk().readAll(path).lossyString, let entries = try? JavaProperties.parse(text) else {
            throw DevClusterError("\(path) cannot be read")
        }
        for entry in entries { passwords[entry.key] = entry.value }
        for user in users where passwords[user] == nil { throw DevClusterError("\(path) has no password of \(user)") }
        return passwords
    }

    private func makeCertificates() throws(DevClusterError) {
        let (authority, broker): (PEMIdentity, PEMIdentity)
        do throws(TLSError) {
            let made = try CertificateAuthority(named: "kastellan dev")
            (authority, broker) = (made.identity, try made.issue("broker", hosts: ["localhost", "127.0.0.1", "::1"]))
        } catch {
            throw DevClusterError(error.description)
        }
        try write("ca.pem", authority.certificate)
        try write("ca.key", authority.key)
        try write("broker.pem", broker.key + broker.certificate)
    }

    /// For its owner's eyes alone from the first byte.
    private func write(_ name: String, _ text: String) throws(DevClusterError) {
        let path = "\(directory)/\(name)"
        let descriptor = open(path + ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DevClusterError("cannot write \(path): \(systemMessage(errno))") }
        defer { close(descriptor) }
        fchmod(descriptor, 0o600)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw DevClusterError("cannot write \(path): \(systemMessage(errno))") }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0, rename(path + ".tmp", path) == 0 else {
            throw DevClusterError("cannot write \(path): \(systemMessage(errno))")
        }
    }

    // MARK: What brokers and clients are told

    /// A broker's settings in place of those of an open cluster.
    func settings(port: Int) -> [(String, String)] {
        let users = DevSecurity.users.map { "user_\($0)=\"\(passwords[$0] ?? "")\"" }.joined(separator: " ")
        let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"broker\" "
            + "password=\"\(passwords["broker"] ?? "")\" \(users);"
        return [
            ("listeners", "SASL_SSL://127.0.0.1:\(port),CONTROLLER://127.0.0.1:0"),
            ("listener.security.protocol.map", "SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL"),
            ("inter.broker.listener.name", "SASL_SSL"),
            ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"),
            ("listener.name.controller.sasl.enabled.mechanisms", "PLAIN"),
            ("sasl.mechanism.inter.broker.protocol", "PLAIN"), ("sasl.mechanism.controller.protocol", "PLAIN"),
            ("listener.name.sasl_ssl.plain.sasl.jaas.config", jaas), ("listener.name.controller.plain.sasl.jaas.config", jaas),
            ("ssl.keystore.type", "PEM"), ("ssl.keystore.location", "\(directory)/broker.pem"),
            ("ssl.truststore.type", "PEM"), ("ssl.truststore.location", "\(directory)/ca.pem"),
            ("super.users", "User:broker;User:admin"),
        ]
    }

    /// Users of SCRAM, for a directory that is formatted now.
    var scramUsers: [ScramUser] {
        DevSecurity.users.dropFirst().flatMap { user in
            [.sha256, .sha512].map { ScramUser($0, name: user, password: passwords[user] ?? "") }
        }
    }

    var clientProperties: String { "\(directory)/client.properties" }
    var librdkafkaConf: String { "\(directory)/librdkafka.conf" }

    /// The files that clients take, with where the brokers listen now.
    func writeClientFiles(_ bootstrap: [ServerAddress]) throws(DevClusterError) {
        let list = bootstrap.map(\.description).joined(separator: ",")
        let password = passwords["admin"] ?? ""
        let common = "bootstrap.servers=\(list)\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
        try write(
            "client.properties",
            common + "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"admin\" "
                + "password=\"\(password)\";\nssl.truststore.type=PEM\nssl.truststore.location=\(directory)/ca.pem\n")
        try write(
            "librdkafka.conf",
            common + "sasl.username=admin\nsasl.password=\(password)\nssl.ca.location=\(directory)/ca.pem\n")
    }

    /// How this process itself comes in, as `admin`.
    func client() throws(DevClusterError) -> ClientSecurity {
        let keys = [
            "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "admin",
            "sasl.password": passwords["admin"] ?? "", "ssl.ca.location": "\(directory)/ca.pem",
        ]
        do throws(ClientSecurityError) { return try ClientSecurity { keys[$0] } } catch { throw DevClusterError(error.description) }
    }
}
