import COpenSSL
import Glibc
import Primitives

/// What all TLS connections of one side share: keys, certificates, versions. Never changed after it is made; OpenSSL allows its use from
/// several threads.
package final class TLSContext: @unchecked Sendable {
    package enum Side: Sendable { case server, client }

    package let side: Side
    package let options: TLSOptions
    private let context: OpaquePointer

    /// All that is wrong with keys and certificates is said here, before anybody connects.
    package init(_ options: TLSOptions, _ side: Side) throws(TLSError) {
        self.side = side
        self.options = options
        guard let context = SSL_CTX_new(side == .server ? TLS_server_method() : TLS_client_method()) else {
            throw TLSError("no TLS: \(openSSLReason())")
        }
        self.context = context
        kastellan_ctx_stream_modes(context)
        let (low, high) = (options.versions.min() ?? .v12, options.versions.max() ?? .v13)
        guard kastellan_ctx_min_protocol(context, low.number) == 1, kastellan_ctx_max_protocol(context, high.number) == 1 else {
            throw TLSError("ssl.enabled.protocols: \(openSSLReason())")
        }
        try setCiphers()
        try showCertificate()
        try trust()
        if side == .server {
            let asks = options.clientAuth == .none ? SSL_VERIFY_NONE
                : options.clientAuth == .requested ? SSL_VERIFY_PEER : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
            SSL_CTX_set_verify(context, asks, nil)
            SSL_CTX_set_session_id_context(context, "kastellan", 9)
        } else {
            SSL_CTX_set_verify(context, options.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        }
    }

    deinit { SSL_CTX_free(context) }

    /// TLS over a connected socket, which stays the caller's. `host` is whom a client means to reach.
    func session(_ descriptor: Int32, host: String?) throws(TLSError) -> TLSSession {
        guard let ssl = SSL_new(context), SSL_set_fd(ssl, descriptor) == 1 else { throw TLSError("no TLS session: \(openSSLReason())") }
        let session = TLSSession(ssl)
        guard side == .client else {
            SSL_set_accept_state(ssl)
            return session
        }
        SSL_set_connect_state(ssl)
        guard let host, !host.isEmpty else { return session }
        let isAddress = SocketAddress.numeric(host, port: 0) != nil
        // Names alone are told to the server (RFC 6066).
        if !isAddress { _ = kastellan_ssl_server_name(ssl, host) }
        if options.checksHost {
            let set = isAddress ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) : SSL_set1_host(ssl, host)
            guard set == 1 else { throw TLSError("cannot check the name \(host): \(openSSLReason())") }
        }
        return session
    }

    // MARK: Keys and certificates

    /// TLS 1.3 has suites of its own; names of both kinds may stand in one list, as in Kafka.
    private func setCiphers() throws(TLSError) {
        guard !options.ciphers.isEmpty else { return }
        let modern = options.ciphers.filter { ["TLS_AES", "TLS_CHA"].contains(String($0.prefix(7))) }
        let older = options.ciphers.filter { !modern.contains($0) }.map(TLSContext.openSSLName)
        guard modern.isEmpty || SSL_CTX_set_ciphersuites(context, modern.joined(separator: ":")) == 1,
            older.isEmpty || SSL_CTX_set_cipher_list(context, older.joined(separator: ":")) == 1
        else { throw TLSError("ssl.cipher.suites: none of \(options.ciphers.joined(separator: ", ")) is known") }
    }

    /// Java calls suites by their IANA names.
    private static func openSSLName(_ name: String) -> String {
        guard name.hasPrefix("TLS_"), let found = OPENSSL_cipher_name(name) else { return name }
        let known = String(cString: found)
        return known == "(NONE)" ? name : known
    }

    private func showCertificate() throws(TLSError) {
        guard options.chain != nil || options.key != nil else {
            if side == .server { throw TLSError("no certificate: set ssl.keystore.location and ssl.keystore.type=PEM") }
            return
        }
        guard let chain = options.chain, let key = options.key else {
            throw TLSError("a certificate needs its key: ssl.keystore.certificate.chain and ssl.keystore.key go together")
        }
        let certificates = PEM.certificates(chain)
        defer { for certificate in certificates { X509_free(certificate) } }
        guard let own = certificates.first else { throw TLSError("ssl.keystore: no certificate in it (PEM wanted)") }
        guard SSL_CTX_use_certificate(context, own) == 1 else { throw TLSError("ssl.keystore: \(openSSLReason())") }
        for above in certificates.dropFirst() where kastellan_ctx_add_chain(context, above) != 1 {
            throw TLSError("ssl.keystore: \(openSSLReason())")
        }
        guard let private_ = PEM.privateKey(key, password: options.keyPassword) else {
            throw TLSError("ssl.keystore: no private key can be read (\(openSSLReason())); is ssl.key.password right?")
        }
        defer { EVP_PKEY_free(private_) }
        guard SSL_CTX_use_PrivateKey(context, private_) == 1, SSL_CTX_check_private_key(context) == 1 else {
            throw TLSError("ssl.keystore: the key is not that of the certificate (\(openSSLReason()))")
        }
    }

    private func trust() throws(TLSError) {
        guard let trusted = options.trusted else {
            if side == .client { SSL_CTX_set_default_verify_paths(context) }
            return
        }
        let certificates = PEM.certificates(trusted)
        defer { for certificate in certificates { X509_free(certificate) } }
        guard !certificates.isEmpty else { throw TLSError("ssl.truststore: no certificate in it (PEM wanted)") }
        let store = SSL_CTX_get_cert_store(context)
        for certificate in certificates {
            X509_STORE_add_cert(store, certificate)
            // Tells clients which authorities their certificate should come from.
            if side == .server { SSL_CTX_add_client_CA(context, certificate) }
        }
    }
}

extension TLSOptions.Version {
    fileprivate var number: Int32 { self == .v12 ? TLS1_2_VERSION : TLS1_3_VERSION }
}

/// Reading PEM text.
enum PEM {
    private static func with<R>(_ text: String, _ body: (OpaquePointer) -> R?) -> R? {
        var bytes = Array(text.utf8)
        return bytes.withUnsafeMutableBytes { buffer in
            guard let memory = BIO_new_mem_buf(buffer.baseAddress, Int32(clamping: buffer.count)) else { return nil }
            defer { BIO_free(memory) }
            return body(memory)
        }
    }

    /// All certificates in it, in order; the caller frees them.
    static func certificates(_ text: String) -> [OpaquePointer] {
        let found = with(text) { memory in
            var certificates: [OpaquePointer] = []
            while let certificate = PEM_read_bio_X509(memory, nil, nil, nil) { certificates.append(certificate) }
            return certificates
        }
        // The end of the text counts as an error.
        ERR_clear_error()
        return found ?? []
    }

    /// The first private key; the caller frees it. Never asks anybody for a password.
    static func privateKey(_ text: String, password: String?) -> OpaquePointer? {
        ERR_clear_error()
        var password = Array((password ?? "").utf8CString)
        return password.withUnsafeMutableBytes { password in
            with(text) { PEM_read_bio_PrivateKey($0, nil, nil, password.baseAddress) }
        }
    }
}

/// The newest of OpenSSL's errors on this thread, and forgets all of them.
func openSSLReason() -> String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard code != 0 else { return errno == 0 ? "unknown" : systemMessage(errno) }
    guard let reason = ERR_reason_error_string(code) else { return "error \(code)" }
    return String(cString: reason)
}
