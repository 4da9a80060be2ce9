import COpenSSL
import Primitives

extension Hashing {
    /// OpenSSL's.
    package static let system = Hashing(
        hash: { algorithm, bytes in
            var out = [UInt8](repeating: 0, count: algorithm.byteCount)
            let done = EVP_Digest(bytes, bytes.count, &out, nil, algorithm.digest, nil)
            precondition(done == 1, "OpenSSL has no \(algorithm)")
            return out
        },
        keyed: { algorithm, key, bytes in
            var out = [UInt8](repeating: 0, count: algorithm.byteCount)
            let done = HMAC(algorithm.digest, key, Int32(key.count), bytes, bytes.count, &out, nil)
            precondition(done != nil, "OpenSSL has no HMAC with \(algorithm)")
            return out
        },
        stretch: { algorithm, password, salt, iterations in
            var out = [UInt8](repeating: 0, count: algorithm.byteCount)
            let done = password.withUnsafeBytes { password in
                PKCS5_PBKDF2_HMAC(
                    password.bindMemory(to: CChar.self).baseAddress, Int32(password.count), salt, Int32(salt.count),
                    Int32(clamping: iterations), algorithm.digest, Int32(out.count), &out)
            }
            precondition(done == 1, "OpenSSL has no PBKDF2 with \(algorithm)")
            return out
        })
}

extension Hashing.Algorithm {
    fileprivate var digest: OpaquePointer? { self == .sha256 ? EVP_sha256() : EVP_sha512() }
}
