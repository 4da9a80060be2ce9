import Primitives

/// The client's side of one SCRAM exchange (RFC 5802): `first`, then `receive` for the server's two messages.
package struct ScramClient: Sendable {
    private enum Phase {
        case first
        case final(serverSignature: [UInt8])
        case done
    }

    private let mechanism: ScramMechanism
    private let hashing: Hashing
    private let password: String
    private let bare: [UInt8]
    private let nonce: [UInt8]
    private var phase = Phase.first

    private static let header = "n,,"
    /// A server that asks for more would only keep us busy.
    private static let iterationsMax = 1_000_000

    package init(_ mechanism: ScramMechanism, user: String, password: String, nonce: String, _ hashing: Hashing) {
        self.mechanism = mechanism
        self.hashing = hashing
        self.password = password
        self.nonce = Array(nonce.utf8)
        bare = Array("n=\(ScramText.escaped(user)),r=\(nonce)".utf8)
    }

    package var first: [UInt8] { Array(ScramClient.header.utf8) + bare }

    /// The client's answer to the server's message; nil when the server has proved itself and nothing is left to say.
    package mutating func receive(_ message: [UInt8]) throws(LoginRefusal) -> [UInt8]? {
        switch phase {
        case .first: return try answer(message)
        case .final(let signature):
            phase = .done
            let part = ScramText.parts(message).first
            if let error = ScramText.value(part, "e") {
                throw LoginRefusal("the broker refused the proof: \(String(decoding: error, as: UTF8.self))")
            }
            guard let verifier = ScramText.value(part, "v"), let found = Base64.decode(verifier), isSameSecret(found, signature) else {
                throw LoginRefusal("the broker does not know the password itself: it is not the one it says it is")
            }
            return nil
        case .done: throw LoginRefusal("a message after the last one")
        }
    }

    private mutating func answer(_ message: [UInt8]) throws(LoginRefusal) -> [UInt8] {
        phase = .done
        let parts = ScramText.parts(message)
        guard parts.count >= 3, let nonce = ScramText.value(parts[0], "r"), nonce.count > self.nonce.count,
            nonce.starts(with: self.nonce), let encoded = ScramText.value(parts[1], "s"), let salt = Base64.decode(encoded),
            let figures = ScramText.value(parts[2], "i"), let iterations = Int(String(decoding: figures, as: UTF8.self)),
            (1...ScramClient.iterationsMax).contains(iterations)
        else { throw LoginRefusal("the broker's SCRAM message cannot be read") }
        let algorithm = mechanism.algorithm
        let salted = hashing.stretch(algorithm, Array(password.utf8), salt, iterations)
        let keys = ScramKeys(mechanism, saltedPassword: salted, hashing)
        let unproved = Array("c=\(Base64.encode(Array(ScramClient.header.utf8))),r=".utf8) + nonce
        let text = bare + [UInt8(ascii: ",")] + message + [UInt8(ascii: ",")] + unproved
        let proof = ScramText.exclusiveOr(keys.clientKey, hashing.keyed(algorithm, keys.storedKey, text))
        phase = .final(serverSignature: hashing.keyed(algorithm, keys.serverKey, text))
        return unproved + Array(",p=\(Base64.encode(proof))".utf8)
    }
}
