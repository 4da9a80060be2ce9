/// The hash functions of authentication, injected so that the core stays pure. `Hashing.system` (target Reactor) has the real ones.
public struct Hashing: Sendable {
    public enum Algorithm: Sendable {
        case sha256, sha512
        public var byteCount: Int { self == .sha256 ? 32 : 64 }
    }

    public typealias Hash = @Sendable (Algorithm, [UInt8]) -> [UInt8]
    public typealias Keyed = @Sendable (Algorithm, _ key: [UInt8], _ text: [UInt8]) -> [UInt8]
    public typealias Stretch = @Sendable (Algorithm, _ password: [UInt8], _ salt: [UInt8], _ iterations: Int) -> [UInt8]

    public let hash: Hash
    /// HMAC (RFC 2104).
    public let keyed: Keyed
    /// PBKDF2 (RFC 8018) with HMAC, as many bytes as the hash has: `Hi` of RFC 5802. Takes milliseconds, on purpose.
    public let stretch: Stretch

    public init(hash: @escaping Hash, keyed: @escaping Keyed, stretch: @escaping Stretch) {
        self.hash = hash
        self.keyed = keyed
        self.stretch = stretch
    }

    /// Knows no hash: where nobody authenticates.
    public static let none = Hashing(hash: { _, _ in [] }, keyed: { _, _, _ in [] }, stretch: { _, _, _, _ in [] })
}

/// Whether two secrets are the same, in a time that tells nothing about where they differ.
public func isSameSecret(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for index in a.indices { difference |= a[index] ^ b[index] }
    return difference == 0
}

/// Base64 with padding (RFC 4648).
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let (a, b, c) = (bytes[index], left > 1 ? bytes[index + 1] : 0, left > 2 ? bytes[index + 2] : 0)
            out.append(alphabet[Int(a >> 2)])
            out.append(alphabet[Int((a & 3) << 4 | b >> 4)])
            out.append(left > 1 ? alphabet[Int((b & 15) << 2 | c >> 6)] : UInt8(ascii: "="))
            out.append(left > 2 ? alphabet[Int(c & 63)] : UInt8(ascii: "="))
            index += 3
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nil where the text is not whole groups of four from the alphabet, padded at the end alone.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let input = Array(text)
        guard input.count % 4 == 0 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(input.count / 4 * 3)
        var index = 0
        while index < input.count {
            let isLast = index + 4 == input.count
            let padding = isLast ? (input[index + 3] == UInt8(ascii: "=") ? (input[index + 2] == UInt8(ascii: "=") ? 2 : 1) : 0) : 0
            var group: UInt32 = 0
            for place in 0..<4 {
                group <<= 6
                if place >= 4 - padding { continue }
                guard let value = value(input[index + place]) else { return nil }
                group |= UInt32(value)
            }
            out.append(UInt8(truncatingIfNeeded: group >> 16))
            if padding < 2 { out.append(UInt8(truncatingIfNeeded: group >> 8)) }
            if padding < 1 { out.append(UInt8(truncatingIfNeeded: group)) }
            index += 4
        }
        return out
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x41...0x5a: character - 0x41
        case 0x61...0x7a: character - 0x61 + 26
        case 0x30...0x39: character - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
