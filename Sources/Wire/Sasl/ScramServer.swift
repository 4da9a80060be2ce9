import Primitives

/// Why a login was refused. Without a message the broker says which mechanism it was and no more, as Kafka does.
package struct LoginRefusal: Error, Equatable, Sendable {
    package var message: String?
    package init(_ message: String? = nil) { self.message = message }
}

/// The server's side of one SCRAM exchange (RFC 5802): two messages in, two out.
///
/// States: `first` (waits for the client's name and nonce) → `final` (waits for the proof) → `done`. Any refusal ends it.
package struct ScramServer: Sendable {
    package enum Step: Equatable, Sendable {
        case challenge([UInt8])
        /// The last message, which proves to the client that the server knows its password too.
        case done(user: String, [UInt8])
    }

    private enum Phase {
        case first
        case final(Waiting)
        case done
    }

    private struct Waiting {
        var user: String
        var credential: ScramCredential
        var gs2Header: [UInt8]
        var clientNonce: [UInt8]
        var nonce: [UInt8]
        /// The client's first message without its header, a comma, and the server's first.
        var transcript: [UInt8]
    }

    private let mechanism: ScramMechanism
    private let hashing: Hashing
    private var phase = Phase.first

    package init(_ mechanism: ScramMechanism, _ hashing: Hashing) {
        self.mechanism = mechanism
        self.hashing = hashing
    }

    /// Takes the client's next message. `credential` looks a user up; `nonce` makes the server's part of the nonce.
    package mutating func receive(
        _ message: [UInt8], nonce: () -> String, credential: (String) -> ScramCredential?
    ) throws(LoginRefusal) -> Step {
        switch phase {
        case .first: return try first(message, nonce(), credential)
        case .final(let waiting): return try final(message, waiting)
        case .done: throw LoginRefusal()
        }
    }

    private mutating func first(
        _ message: [UInt8], _ ownNonce: String, _ credential: (String) -> ScramCredential?
    ) throws(LoginRefusal) -> Step {
        phase = .done
        var parts = ScramText.parts(message)[...]
        // "n": no channel binding. "a=": who the client wants to be, which must be who it is.
        guard let binding = parts.popFirst(), binding.elementsEqual("n".utf8), let authorization = parts.popFirst(), parts.count >= 2 else {
            throw LoginRefusal()
        }
        let header = Array(binding) + [UInt8(ascii: ",")] + Array(authorization) + [UInt8(ascii: ",")]
        // "m=" would be an extension that must be understood.
        guard let name = ScramText.value(parts.popFirst(), "n"), let user = ScramText.unescaped(name), !user.isEmpty,
            let clientNonce = ScramText.value(parts.popFirst(), "r"), ScramText.isNonce(clientNonce)
        else { throw LoginRefusal() }
        guard let found = credential(user) else { throw LoginRefusal() }
        if !authorization.isEmpty {
            guard let other = ScramText.value(authorization, "a"), ScramText.unescaped(other) == user else {
                throw LoginRefusal("Authentication failed: Client requested an authorization id that is different from username")
            }
        }
        guard found.iterations >= ScramMechanism.iterationsMin else { throw LoginRefusal() }
        let nonce = clientNonce + Array(ownNonce.utf8)
        var reply = Array("r=".utf8) + nonce
        reply += Array(",s=\(Base64.encode(found.salt)),i=\(found.iterations)".utf8)
        let bare = message.dropFirst(header.count)
        phase = .final(
            Waiting(
                user: user, credential: found, gs2Header: header, clientNonce: clientNonce, nonce: nonce,
                transcript: bare + [UInt8(ascii: ",")] + reply))
        return .challenge(reply)
    }

    private mutating func final(_ message: [UInt8], _ waiting: Waiting) throws(LoginRefusal) -> Step {
        phase = .done
        let parts = ScramText.parts(message)
        guard parts.count >= 3, let binding = ScramText.value(parts[0], "c"), Base64.decode(binding) == waiting.gs2Header,
            let nonce = ScramText.value(parts[1], "r"), isExpected(nonce, waiting),
            let last = parts.last, let encoded = ScramText.value(last, "p"), let proof = Base64.decode(encoded)
        else { throw LoginRefusal() }
        let algorithm = mechanism.algorithm
        let text = waiting.transcript + [UInt8(ascii: ",")] + message[..<(last.startIndex - 1)]
        let signature = hashing.keyed(algorithm, waiting.credential.storedKey, text)
        guard proof.count == algorithm.byteCount, signature.count == proof.count else { throw LoginRefusal() }
        let clientKey = ScramText.exclusiveOr(proof, signature)
        guard isSameSecret(hashing.hash(algorithm, clientKey), waiting.credential.storedKey) else { throw LoginRefusal() }
        let verifier = hashing.keyed(algorithm, waiting.credential.serverKey, text)
        return .done(user: waiting.user, Array("v=\(Base64.encode(verifier))".utf8))
    }

    /// librdkafka 2.0, which Debian ships, puts its own nonce before the whole of the server's answer, which has it already. All that the
    /// server made up is in it, so that an old exchange cannot be played again.
    private func isExpected(_ nonce: [UInt8], _ waiting: Waiting) -> Bool {
        nonce == waiting.nonce || nonce == waiting.clientNonce + waiting.nonce
    }
}
