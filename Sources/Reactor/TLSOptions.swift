import Glibc
import Primitives

/// Why TLS cannot be set up or a peer was not accepted, in words for the person who reads them.
package struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// How one side of a TLS connection shows itself and whom it believes: Kafka's `ssl.*` keys, with PEM files or PEM text.
package struct TLSOptions: Sendable {
    package enum ClientAuth: String, Sendable { case none, requested, required }

    package enum Version: String, Sendable, Comparable {
        case v12 = "TLSv1.2"
        case v13 = "TLSv1.3"
        package static func < (a: Version, b: Version) -> Bool { a == .v12 && b == .v13 }
    }

    /// Own certificate and those above it, PEM. Nil: none is shown.
    package var chain: String?
    package var key: String?
    package var keyPassword: String?
    /// Certificates believed, PEM. Nil: a server believes none, a client those of the system.
    package var trusted: String?
    package var versions: [Version] = [.v12, .v13]
    /// OpenSSL or IANA names; empty: OpenSSL's own choice.
    package var ciphers: [String] = []
    package var clientAuth = ClientAuth.none
    /// Whether a client compares the server's name with its certificate (`ssl.endpoint.identification.algorithm=https`).
    package var checksHost = true
    /// Whether a client looks at the server's certificate at all.
    package var verifies = true
    /// `ssl.principal.mapping.rules`.
    package var principalRules: String?

    package init() {}

    /// Reads the keys through `value`, which knows about overrides, and the files they name.
    package init(_ value: (String) -> String?) throws(TLSError) {
        func text(_ key: String) -> String? { value(key).flatMap { $0.isEmpty ? nil : $0 } }
        func file(_ key: String) throws(TLSError) -> String? {
            guard let path = text(key) else { return nil }
            guard let content = TLSOptions.read(path) else { throw TLSError("\(key): cannot read \(path): \(systemMessage(errno))") }
            return content
        }
        for store in ["ssl.keystore", "ssl.truststore"] where text("\(store).location") != nil {
            let type = text("\(store).type") ?? "JKS"
            guard type.uppercased() == "PEM" else {
                throw TLSError("\(store).type=\(type): only PEM can be read; convert the store, and set \(store).type=PEM")
            }
        }
        /// The first of these that is there: keys that hold the text, or name its file.
        func first(_ files: [String], _ texts: [String], _ moreFiles: [String]) throws(TLSError) -> String? {
            for key in files { if let found = try file(key) { return found } }
            for key in texts { if let found = text(key) { return found } }
            for key in moreFiles { if let found = try file(key) { return found } }
            return nil
        }
        chain = try first(
            ["ssl.keystore.location"], ["ssl.keystore.certificate.chain", "ssl.certificate.pem"], ["ssl.certificate.location"])
        key = try first(["ssl.keystore.location"], ["ssl.keystore.key", "ssl.key.pem"], ["ssl.key.location"])
        keyPassword = text("ssl.key.password")
        trusted = try first(["ssl.truststore.location"], ["ssl.truststore.certificates", "ssl.ca.pem"], ["ssl.ca.location"])
        versions = try TLSOptions.versions(text("ssl.enabled.protocols") ?? text("ssl.protocol") ?? "")
        ciphers = TLSOptions.list(text("ssl.cipher.suites") ?? "")
        if let name = text("ssl.client.auth") {
            guard let found = ClientAuth(rawValue: name) else { throw TLSError("ssl.client.auth=\(name): none, requested or required") }
            clientAuth = found
        }
        let identification = value("ssl.endpoint.identification.algorithm")
        if let identification, !["", "none", "https"].contains(identification.lowercased()) {
            throw TLSError("ssl.endpoint.identification.algorithm=\(identification): https, or nothing")
        }
        checksHost = identification.map { $0.lowercased() == "https" } ?? true
        verifies = text("enable.ssl.certificate.verification") != "false"
        principalRules = text("ssl.principal.mapping.rules")
    }

    private static func versions(_ text: String) throws(TLSError) -> [Version] {
        var found: [Version] = []
        for name in list(text) {
            guard let version = Version(rawValue: name) else { throw TLSError("ssl.enabled.protocols: \(name) is not TLSv1.2 or TLSv1.3") }
            found.append(version)
        }
        return found.isEmpty ? [.v12, .v13] : found
    }

    private static func list(_ text: String) -> [String] {
        text.split(whereSeparator: { $0 == "," || $0 == ":" }).map { $0.filter { $0 != " " && $0 != "\t" } }.filter { !$0.isEmpty }
    }

    /// A file of at most a few megabytes: keys and certificates are small.
    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < 8 << 20 {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[0..<count]
        }
        return ferror(file) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
