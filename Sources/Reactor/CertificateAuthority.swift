import COpenSSL
import Glibc
import Primitives

/// A certificate and its key, PEM.
package struct PEMIdentity: Equatable, Sendable {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// Makes certificates for a cluster on one machine: its own authority, and what that one signs. Elliptic curve keys (P-256), valid for ten
/// years from the day before. Not for anybody else to believe.
package struct CertificateAuthority: Sendable {
    package let identity: PEMIdentity

    package init(_ identity: PEMIdentity) { self.identity = identity }

    /// A new authority of that name.
    package init(named name: String) throws(TLSError) {
        let key = try OwnedKey()
        let certificate = try OwnedCertificate()
        try certificate.prepare(subject: name, issuer: name, key: key)
        try certificate.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0", issuer: certificate)
        try certificate.add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: certificate)
        try certificate.add(NID_subject_key_identifier, "hash", issuer: certificate)
        try certificate.sign(with: key)
        identity = PEMIdentity(certificate: try certificate.text(), key: try key.text())
    }

    /// A certificate for whoever is found under these names and addresses; without any it is a client's.
    package func issue(_ name: String, hosts: [String] = []) throws(TLSError) -> PEMIdentity {
        guard let parent = PEM.certificates(identity.certificate).first else { throw TLSError("the authority cannot be read") }
        let issuer = OwnedCertificate(parent)
        guard let signer = PEM.privateKey(identity.key, password: nil) else { throw TLSError("the authority's key cannot be read") }
        let authority = OwnedKey(signer)
        let key = try OwnedKey()
        let certificate = try OwnedCertificate()
        try certificate.prepare(subject: name, issuer: nil, key: key)
        guard X509_set_issuer_name(certificate.pointer, X509_get_subject_name(parent)) == 1 else { throw TLSError(openSSLReason()) }
        try certificate.add(NID_basic_constraints, "critical,CA:FALSE", issuer: issuer)
        try certificate.add(NID_key_usage, "critical,digitalSignature", issuer: issuer)
        try certificate.add(NID_ext_key_usage, "serverAuth,clientAuth", issuer: issuer)
        try certificate.add(NID_authority_key_identifier, "keyid", issuer: issuer)
        if !hosts.isEmpty {
            let names = hosts.map { SocketAddress.numeric($0, port: 0) == nil ? "DNS:\($0)" : "IP:\($0)" }
            try certificate.add(NID_subject_alt_name, names.joined(separator: ","), issuer: issuer)
        }
        try certificate.sign(with: authority)
        return PEMIdentity(certificate: try certificate.text() + identity.certificate, key: try key.text())
    }
}

/// Bytes from the system's source of chance, for passwords and keys.
package func secretBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    precondition(RAND_bytes(&bytes, Int32(count)) == 1, "the system gives no random bytes")
    return bytes
}

/// A password of 24 letters and figures: some 140 bits.
package func makePassword() -> String {
    let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789".utf8)
    var password: [UInt8] = []
    // Bytes past the last whole round of the alphabet would favour its first letters.
    while password.count < 24 {
        for byte in secretBytes(32) where password.count < 24 && Int(byte) < 256 / letters.count * letters.count {
            password.append(letters[Int(byte) % letters.count])
        }
    }
    return String(decoding: password, as: UTF8.self)
}

private final class OwnedKey {
    let pointer: OpaquePointer

    init() throws(TLSError) {
        guard let key = kastellan_ec_key() else { throw TLSError("no key can be made: \(openSSLReason())") }
        pointer = key
    }

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    func text() throws(TLSError) -> String {
        try memoryText { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) }
    }
}

private final class OwnedCertificate {
    let pointer: OpaquePointer

    init() throws(TLSError) {
        guard let certificate = X509_new() else { throw TLSError("no certificate can be made: \(openSSLReason())") }
        pointer = certificate
    }

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { X509_free(pointer) }

    private static let days = 3650

    /// `issuer` nil: its name is set by the caller.
    func prepare(subject: String, issuer: String?, key: OwnedKey) throws(TLSError) {
        X509_set_version(pointer, 2)
        var serial = secretBytes(16)
        serial[0] &= 0x7f
        let number = BN_bin2bn(&serial, 16, nil)
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil,
            X509_gmtime_adj(X509_getm_notBefore(pointer), -86_400) != nil,
            X509_gmtime_adj(X509_getm_notAfter(pointer), OwnedCertificate.days * 86_400) != nil,
            X509_set_pubkey(pointer, key.pointer) == 1
        else { throw TLSError("no certificate can be made: \(openSSLReason())") }
        try name(X509_get_subject_name(pointer), subject)
        if let issuer { try name(X509_get_issuer_name(pointer), issuer) }
    }

    private func name(_ place: OpaquePointer?, _ text: String) throws(TLSError) {
        let bytes = Array(text.utf8)
        guard X509_NAME_add_entry_by_txt(place, "CN", kastellan_utf8, bytes, Int32(bytes.count), -1, 0) == 1 else {
            throw TLSError("no certificate can be made for \(text): \(openSSLReason())")
        }
    }

    func add(_ kind: Int32, _ value: String, issuer: OwnedCertificate) throws(TLSError) {
        guard kastellan_add_extension(pointer, issuer.pointer, kind, value) == 1 else {
            throw TLSError("no certificate can be made with \(value): \(openSSLReason())")
        }
    }

    func sign(with key: OwnedKey) throws(TLSError) {
        guard X509_sign(pointer, key.pointer, EVP_sha256()) > 0 else { throw TLSError("no certificate can be signed: \(openSSLReason())") }
    }

    func text() throws(TLSError) -> String { try memoryText { PEM_write_bio_X509($0, pointer) } }
}

private func memoryText(_ write: (OpaquePointer) -> Int32) throws(TLSError) -> String {
    guard let memory = kastellan_memory() else { throw TLSError("no memory") }
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { throw TLSError("PEM cannot be written: \(openSSLReason())") }
    var data: UnsafeMutablePointer<CChar>?
    let count = kastellan_memory_data(memory, &data)
    guard let data, count > 0 else { throw TLSError("PEM cannot be written") }
    return String(decoding: UnsafeRawBufferPointer(start: data, count: Int(count)), as: UTF8.self)
}
