import Broker
import Primitives
import Reactor
import Wire

/// The connections of the listener that asks for a login: those that are in, and those that are on their way in.
struct Logins {
    static let listener = "SASL_PLAINTEXT"

    /// Somebody who logs in: what a right client would say next, where there is one.
    struct Stranger {
        var client: SaslClient
        var next: SaslClient.Request?
    }

    /// A broker with users, access rules and an authorizer. Whoever comes over the other listener may do all, or nothing could be prepared.
    static let settings = [
        ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093,SASL_PLAINTEXT://localhost:9094"),
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("super.users", "User:root;User:ANONYMOUS"), ("connections.max.reauth.ms", "600000"),
        ("listener.name.sasl_plaintext.sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"),
        (
            "listener.name.sasl_plaintext.plain.sasl.jaas.config",
            "PlainLoginModule required username=\"n\" password=\"n\" user_root=\"secret\" user_alice=\"secret\" user_bob=\"secret\";"
        ),
    ]

    /// What changes who may do what, while it is being done.
    static let scenery: [APIKey] = [.createAcls, .createAcls, .deleteAcls, .alterUserScramCredentials, .alterClientQuotas, .describeAcls]

    /// A super user, one of whom rules speak, one of whom none does.
    static let users = ["root", "alice", "alice", "bob"]

    private(set) var members: Set<ConnectionID> = []
    private(set) var strangers = OrderedMap<ConnectionID, Stranger>()
    private var idleMembers: [ConnectionID] = []
    private var idleStrangers: [ConnectionID] = []
    /// Whose frames are tokens without a header.
    private var tokens: Set<ConnectionID> = []

    mutating func began(_ connection: ConnectionID, _ stranger: Stranger) { strangers[connection] = stranger }

    mutating func forget(_ connection: ConnectionID) {
        members.remove(connection)
        strangers.remove(connection)
        tokens.remove(connection)
        idleMembers.removeAll { $0 == connection }
        idleStrangers.removeAll { $0 == connection }
    }

    mutating func frames(_ connection: ConnectionID, _ framing: Framing) {
        if framing == .tokens { tokens.insert(connection) } else { tokens.remove(connection) }
    }

    func isToken(_ connection: ConnectionID) -> Bool { tokens.contains(connection) }

    mutating func tokenAnswered(_ connection: ConnectionID) { idleStrangers.append(connection) }

    mutating func takeMember() -> ConnectionID? { idleMembers.popLast() }
    mutating func takeStranger() -> ConnectionID? { idleStrangers.popLast() }

    /// An answer came, nil where it needs none: where its connection belongs now. False of other listeners' connections.
    mutating func answered(_ connection: ConnectionID, _ content: Bytes?) -> Bool {
        if members.contains(connection) {
            idleMembers.append(connection)
            return true
        }
        guard var stranger = strangers[connection] else { return false }
        stranger.next = nil
        if let content, let outcome = try? stranger.client.answered(content) {
            switch outcome {
            case .send(let request): stranger.next = request
            case .done:
                strangers.remove(connection)
                members.insert(connection)
                idleMembers.append(connection)
                return true
            }
        }
        strangers[connection] = stranger
        idleStrangers.append(connection)
        return true
    }
}

extension Siege {
    /// Users and rules, given out over the listener where everybody may do all.
    mutating func prepareAccess() throws {
        var rules = CreateAclsRequest()
        func allow(
            _ type: ResourceType, _ name: String, _ principal: String, _ operation: AccessOperation,
            _ permission: PermissionType = .allow, _ pattern: PatternType = .literal
        ) {
            var rule = CreateAclsRequest.Creation()
            (rule.resourceType, rule.resourceName, rule.resourcePatternType) = (type.rawValue, name, pattern.rawValue)
            (rule.principal, rule.host, rule.operation, rule.permissionType) = (principal, "*", operation.rawValue, permission.rawValue)
            rules.creations.append(rule)
        }
        allow(.topic, "t", "User:alice", .all)
        allow(.topic, "com", "User:*", .describe, .allow, .prefixed)
        allow(.topic, "u", "User:alice", .write, .deny)
        allow(.topic, "*", "User:alice", .read)
        allow(.group, "*", "User:alice", .all)
        allow(.transactionalID, "x", "User:alice", .all)
        allow(.cluster, ResourceType.clusterName, "User:alice", .describe)
        try prepare(rules, version: 3)
        var users = AlterUserScramCredentialsRequest()
        for name in ["root", "alice"] {
            for mechanism in ScramMechanism.allCases {
                var user = AlterUserScramCredentialsRequest.Upsertion()
                (user.name, user.mechanism, user.iterations, user.salt) = (name, mechanism.rawValue, 4096, Bytes("salt"))
                let salted = Hashing.system.stretch(mechanism.algorithm, Array("secret".utf8), Array("salt".utf8), 4096)
                user.saltedPassword = Bytes(salted)
                users.upsertions.append(user)
            }
        }
        try prepare(users, version: 0)
    }

    private mutating func prepare<R: WireRequest>(_ request: R, version: Int16) throws {
        let header = RequestHeader(R.apiKey, version: version, correlationID: 0, clientID: "storm")
        let body = request.encode(version: version)
        try deliver(header, body, on: "PLAINTEXT", newConnection(), encodeRequest(header, body: body))
    }

    /// A connection that has logged in, a new one now and then. Nil where the login did not come to its end.
    mutating func member() throws -> ConnectionID? {
        if !generator.oneIn(64), let known = logins.takeMember() { return known }
        let connection = newConnection()
        var mechanism = SaslLogin.Mechanism.plain
        if generator.oneIn(16) { mechanism = .scram(.sha256) }
        let login = SaslLogin(mechanism, user: mechanism == .plain ? generator.pick(Logins.users) : "alice", password: "secret")
        begin(login, connection)
        for _ in 0..<4 {
            guard let next = logins.strangers[connection]?.next else { break }
            try say(next, connection)
        }
        return logins.members.contains(connection) ? logins.takeMember() : nil
    }

    private mutating func begin(_ login: SaslLogin, _ connection: ConnectionID) {
        let client = SaslClient(login, .system, nonce: "nonce\(connection.rawValue)")
        logins.began(connection, Logins.Stranger(client: client, next: client.first))
    }

    private mutating func say(_ request: SaslClient.Request, _ connection: ConnectionID) throws {
        let frame = request.frame(correlationID: Int32(truncatingIfNeeded: counts.requests), clientID: "storm").dropFirst(4)
        guard let (header, body) = try? RequestHeader.decode(frame) else { return }
        try deliver(header, body, on: Logins.listener, connection, frame)
    }

    /// A step of a login: a right one, one that is nearly so, or something else altogether.
    mutating func strikeLogin() throws {
        var connection = generator.oneIn(3) ? nil : logins.takeStranger() ?? (generator.oneIn(2) ? logins.takeMember() : nil)
        if connection == nil {
            let fresh = newConnection()
            let mechanism: SaslLogin.Mechanism = generator.pick([.plain, .plain, .scram(.sha256), .scram(.sha512)])
            let login = SaslLogin(
                mechanism, user: generator.pick(Logins.users + [""]), password: generator.pick(["secret", "secret", "wrong", ""]))
            begin(login, fresh)
            connection = fresh
        }
        guard let connection else { return }
        if logins.isToken(connection) { return try strikeToken(connection) }
        if generator.oneIn(2), let next = logins.strangers[connection]?.next { return try say(next, connection) }
        let version = Int16(generator.below(Int((target.advertisedVersions ?? 0...0).upperBound) + 1))
        var frame = self.frame(target, version)
        if generator.oneIn(3) { frame = mutated(frame) }
        guard let (header, body) = try? RequestHeader.decode(frame) else { return logins.forget(connection) }
        try deliver(header, body, on: Logins.listener, connection, frame)
    }

    /// Frames without a header, as after SaslHandshake version 0.
    private mutating func strikeToken(_ connection: ConnectionID) throws {
        let texts = ["\u{0}alice\u{0}secret", "alice\u{0}bob\u{0}secret", "n,,n=alice,r=nonce", "c=biws,r=nonce,p=AAAA", "", "\u{0}\u{0}"]
        let token = generator.oneIn(2)
            ? Bytes(generator.pick(texts)) : Bytes((0..<generator.below(40)).map { _ in UInt8(generator.below(256)) })
        let header = RequestHeader(.saslAuthenticate, version: 0, correlationID: 0, clientID: nil)
        try deliver(header, token, on: Logins.listener, connection, token, isToken: true)
    }
}
