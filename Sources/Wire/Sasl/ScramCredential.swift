import Primitives

/// The two kinds of SCRAM (RFC 5802, RFC 7677) with their numbers in credentials.
package enum ScramMechanism: Int8, CaseIterable, Sendable {
    case sha256 = 1
    case sha512 = 2

    package var name: String { self == .sha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512" }
    package var algorithm: Hashing.Algorithm { self == .sha256 ? .sha256 : .sha512 }

    package init?(name: String) {
        guard let found = ScramMechanism.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// Fewer iterations are too few against guessing, more would keep a broker busy.
    package static let iterationsMin = 4096
    package static let iterationsMax = 16_384
}

/// What a server keeps of a password: enough to check it, not enough to log in with.
package struct ScramCredential: Equatable, Sendable {
    package var salt: [UInt8]
    package var iterations: Int
    package var storedKey: [UInt8]
    package var serverKey: [UInt8]

    package init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Of a password that was stretched already, as AlterUserScramCredentials brings it.
    package init(_ mechanism: ScramMechanism, saltedPassword: [UInt8], salt: [UInt8], iterations: Int, _ hashing: Hashing) {
        let keys = ScramKeys(mechanism, saltedPassword: saltedPassword, hashing)
        self.init(salt: salt, iterations: iterations, storedKey: keys.storedKey, serverKey: keys.serverKey)
    }

    package init(_ mechanism: ScramMechanism, password: String, salt: [UInt8], iterations: Int, _ hashing: Hashing) {
        let salted = hashing.stretch(mechanism.algorithm, Array(password.utf8), salt, iterations)
        self.init(mechanism, saltedPassword: salted, salt: salt, iterations: iterations, hashing)
    }
}

/// The keys that RFC 5802 makes of a stretched password.
struct ScramKeys {
    let clientKey: [UInt8]
    let storedKey: [UInt8]
    let serverKey: [UInt8]

    init(_ mechanism: ScramMechanism, saltedPassword: [UInt8], _ hashing: Hashing) {
        clientKey = hashing.keyed(mechanism.algorithm, saltedPassword, Array("Client Key".utf8))
        storedKey = hashing.hash(mechanism.algorithm, clientKey)
        serverKey = hashing.keyed(mechanism.algorithm, saltedPassword, Array("Server Key".utf8))
    }
}

/// The parts of SCRAM's messages: `x=value` with commas between.
enum ScramText {
    /// Commas and equal signs of a name are written `=2C` and `=3D`.
    static func escaped(_ name: String) -> String {
        var out = ""
        for character in name.unicodeScalars {
            switch character {
            case ",": out += "=2C"
            case "=": out += "=3D"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }

    /// Nil where an equal sign stands for itself.
    static func unescaped(_ name: [UInt8]) -> String? {
        var out: [UInt8] = []
        var index = 0
        while index < name.count {
            guard name[index] == UInt8(ascii: "=") else {
                out.append(name[index])
                index += 1
                continue
            }
            guard index + 2 < name.count else { return nil }
            switch (name[index + 1], name[index + 2]) {
            case (UInt8(ascii: "2"), UInt8(ascii: "C")): out.append(UInt8(ascii: ","))
            case (UInt8(ascii: "3"), UInt8(ascii: "D")): out.append(UInt8(ascii: "="))
            default: return nil
            }
            index += 3
        }
        return String(validating: out, as: UTF8.self)
    }

    /// The value of a part that must begin `letter=`.
    static func value(_ part: ArraySlice<UInt8>?, _ letter: Character) -> [UInt8]? {
        guard let part, part.count >= 2, part.first == letter.asciiValue, part[part.startIndex + 1] == UInt8(ascii: "=") else { return nil }
        return Array(part.dropFirst(2))
    }

    static func parts(_ message: [UInt8]) -> [ArraySlice<UInt8>] {
        message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    }

    /// Printable characters but for the comma (RFC 5802, section 7).
    static func isNonce(_ bytes: [UInt8]) -> Bool {
        !bytes.isEmpty && bytes.count <= 1024 && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ",") }
    }

    static func exclusiveOr(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { zip(a, b).map { $0 ^ $1 } }
}

/// A nonce of 130 bits in the letters that Kafka's are made of.
package func scramNonce(_ random: inout PRNG) -> String {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    return String(decoding: (0..<26).map { _ in alphabet[Int(random.next() % 36)] }, as: UTF8.self)
}
