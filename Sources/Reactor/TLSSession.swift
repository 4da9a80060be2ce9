import COpenSSL
import Glibc
import Primitives

/// One TLS connection over a non-blocking socket. Owner: its channel.
final class TLSSession {
    enum Outcome {
        /// Done, or so many bytes.
        case done(Int)
        /// Again when the socket can be read, or written.
        case wantsRead
        case wantsWrite
        /// The peer has ended it in order.
        case ended
        case failed(String)
    }

    private let ssl: OpaquePointer
    private var isSecured = false
    private var isBroken = false

    init(_ ssl: OpaquePointer) { self.ssl = ssl }

    deinit { SSL_free(ssl) }

    /// Bytes that are decrypted and not read yet.
    var pending: Int { Int(SSL_pending(ssl)) }

    func handshake() -> Outcome {
        ERR_clear_error()
        errno = 0
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isSecured = true
            return .done(0)
        }
        let outcome = outcome(result)
        switch outcome {
        case .failed(let reason): return .failed("TLS handshake failed: \(verifyReason ?? reason)")
        case .ended: return .failed("TLS handshake failed: the peer closed the connection")
        case .done, .wantsRead, .wantsWrite: return outcome
        }
    }

    func read(_ space: UnsafeMutableRawBufferPointer) -> Outcome {
        ERR_clear_error()
        errno = 0
        let result = SSL_read(ssl, space.baseAddress, Int32(clamping: space.count))
        return result > 0 ? .done(Int(result)) : outcome(result)
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        ERR_clear_error()
        errno = 0
        let result = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
        return result > 0 ? .done(Int(result)) : outcome(result)
    }

    /// Says good-bye without waiting for an answer.
    func shutDown() {
        if isSecured, !isBroken { SSL_shutdown(ssl) }
        ERR_clear_error()
    }

    /// The subject of the peer's certificate as RFC 2253 writes it (`CN=alice,O=castle`); nil where it showed none.
    var peerName: String? {
        guard let certificate = SSL_get0_peer_certificate(ssl), let memory = kastellan_memory() else { return nil }
        defer { BIO_free(memory) }
        guard X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, kastellan_name_format()) >= 0 else { return nil }
        var data: UnsafeMutablePointer<CChar>?
        let count = kastellan_memory_data(memory, &data)
        guard let data, count > 0 else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: data, count: Int(count)), as: UTF8.self)
    }

    var version: String { String(cString: SSL_get_version(ssl)) }

    /// Why the peer's certificate was not believed.
    private var verifyReason: String? {
        let code = SSL_get_verify_result(ssl)
        guard code != Int(X509_V_OK) else { return nil }
        return "certificate verify failed (\(String(cString: X509_verify_cert_error_string(code))))"
    }

    private func outcome(_ result: Int32) -> Outcome {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .ended
        case SSL_ERROR_SYSCALL:
            isBroken = true
            return ERR_peek_error() == 0 && (errno == 0 || errno == ECONNRESET || errno == EPIPE) ? .ended : .failed(openSSLReason())
        default:
            isBroken = true
            return .failed(openSSLReason())
        }
    }
}
