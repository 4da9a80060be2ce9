import Primitives

/// Who a client says it is, and how it proves it.
package struct SaslLogin: Equatable, Sendable, CustomStringConvertible {
    /// A further mechanism is a case here and one in `SaslClient`.
    package enum Mechanism: Equatable, Sendable {
        case plain
        case scram(ScramMechanism)
        /// A token that somebody else vouches for (RFC 7628, KIP-255). Our own brokers do not offer it.
        case oauthBearer

        package var name: String {
            switch self {
            case .plain: "PLAIN"
            case .scram(let mechanism): mechanism.name
            case .oauthBearer: "OAUTHBEARER"
            }
        }

        /// Those that a broker of ours may offer.
        package init?(name: String) {
            if name == "PLAIN" { self = .plain } else if let scram = ScramMechanism(name: name) { self = .scram(scram) } else { return nil }
        }

        package static var names: [String] { ["PLAIN"] + ScramMechanism.allCases.map(\.name) }
    }

    package var mechanism: Mechanism
    package var user: String
    let password: String
    /// Of OAUTHBEARER: names and values that go with the token (KIP-342).
    package var extensions: [Extension] = []

    package struct Extension: Equatable, Sendable {
        package var name: String
        package var value: String
        package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    package init(_ mechanism: Mechanism, user: String, password: String) {
        self.mechanism = mechanism
        self.user = user
        self.password = password
    }

    /// By a token. Nil where it has a character that would end it on the wire.
    package init?(token: String, extensions: [Extension] = []) {
        let texts = [token] + extensions.map(\.name) + extensions.map(\.value)
        guard !token.isEmpty, !texts.contains(where: { $0.utf8.contains { $0 < 0x20 } }) else { return nil }
        self.init(.oauthBearer, user: "", password: token)
        self.extensions = extensions
    }

    /// Without the password, which belongs on no screen and in no log.
    package var description: String { user.isEmpty ? mechanism.name : "\(mechanism.name) as \(user)" }

    /// The client's first message of OAUTHBEARER: a header of GS2, then `auth=Bearer TOKEN` and the extensions, \u{1} after each.
    var bearerMessage: [UInt8] {
        var text = "n,,\u{1}auth=Bearer \(password)\u{1}"
        for item in extensions { text += "\(item.name)=\(item.value)\u{1}" }
        return Array((text + "\u{1}").utf8)
    }
}

/// One login over a connection, client's side: SaslHandshake (version 1), then SaslAuthenticate until both sides are content.
package struct SaslClient: Sendable {
    package struct Request: Sendable {
        package var message: any WireRequest
        package var version: Int16

        /// The whole frame, its size before it.
        package func frame(correlationID: Int32, clientID: String) -> Bytes {
            func encode<R: WireRequest>(_ request: R) -> Bytes {
                encodeRequest(request, version: version, correlationID: correlationID, clientID: clientID).bytes
            }
            return encode(message)
        }
    }

    package enum Outcome: Sendable {
        case send(Request)
        /// `lifetimeMs` above 0: for so long, then the login must be made again (KIP-368).
        case done(lifetimeMs: Int64)
    }

    private enum Phase {
        case handshake
        case plain
        case scram(ScramClient)
        case bearer
        /// The server did not take the token and said so in JSON; what it really thinks comes after an empty message of ours.
        case bearerRefused(String)
        case done
    }

    private let login: SaslLogin
    private let hashing: Hashing
    private let nonce: String
    private let version: Int16
    private var phase = Phase.handshake

    /// `nonce`: a fresh one for each login. `version`: of SaslAuthenticate, as the broker has it.
    package init(_ login: SaslLogin, _ hashing: Hashing, nonce: String, version: Int16 = 2) {
        self.login = login
        self.hashing = hashing
        self.nonce = nonce
        self.version = version
    }

    package var first: Request {
        var request = SaslHandshakeRequest()
        request.mechanism = login.mechanism.name
        return Request(message: request, version: 1)
    }

    /// Takes the answer to the request before, a frame without its size.
    package mutating func answered(_ frame: Bytes) throws(LoginRefusal) -> Outcome {
        if case .handshake = phase {
            guard let answer = try? decodeResponse(frame, to: SaslHandshakeRequest.self, version: 1).response else { throw unreadable }
            return .send(try begin(answer))
        }
        guard let answer = try? decodeResponse(frame, to: SaslAuthenticateRequest.self, version: version).response else { throw unreadable }
        guard answer.errorCode == .none else { throw LoginRefusal(answer.errorMessage ?? answer.errorCode.name) }
        if case .bearerRefused(let reason) = phase { throw LoginRefusal("the broker refused the token: \(reason)") }
        if case .bearer = phase, answer.authBytes.count > 0 {
            phase = .bearerRefused(answer.authBytes.withUnsafeBytes { String(decoding: $0.prefix(300), as: UTF8.self) })
            return .send(token([1]))
        }
        guard case .scram(var scram) = phase else {
            phase = .done
            return .done(lifetimeMs: answer.sessionLifetimeMs)
        }
        let reply = try scram.receive(answer.authBytes.withUnsafeBytes { Array($0) })
        phase = .scram(scram)
        guard let reply else {
            phase = .done
            return .done(lifetimeMs: answer.sessionLifetimeMs)
        }
        return .send(token(reply))
    }

    private var unreadable: LoginRefusal { LoginRefusal("the broker's answer to the login cannot be read") }

    private mutating func begin(_ answer: SaslHandshakeResponse) throws(LoginRefusal) -> Request {
        switch answer.errorCode {
        case .none: break
        case .illegalSaslState: throw LoginRefusal("the listener asks for no login")
        case .unsupportedSaslMechanism:
            throw LoginRefusal("the broker does not offer \(login.mechanism.name), but \(answer.mechanisms.joined(separator: ", "))")
        default: throw LoginRefusal(answer.errorCode.name)
        }
        switch login.mechanism {
        case .plain:
            phase = .plain
            return token([0] + Array(login.user.utf8) + [0] + Array(login.password.utf8))
        case .scram(let mechanism):
            let scram = ScramClient(mechanism, user: login.user, password: login.password, nonce: nonce, hashing)
            phase = .scram(scram)
            return token(scram.first)
        case .oauthBearer:
            phase = .bearer
            return token(login.bearerMessage)
        }
    }

    private func token(_ bytes: [UInt8]) -> Request {
        var request = SaslAuthenticateRequest()
        request.authBytes = Bytes(bytes)
        return Request(message: request, version: version)
    }
}
