import Controller
import Primitives
import Wire

/// How far a connection of a listener that asks for a login has come.
///
/// States: `unknown` (SaslHandshake or ApiVersions is expected) → `exchanging` (tokens) → `known`. Out of `known` a SaslHandshake leads to
/// `exchanging` again where logins expire (KIP-368), and the connection stays whose it was meanwhile. A refusal ends it: its answer waits
/// for `connection.failed.authentication.delay.ms`, and the connection goes with it.
struct Authentication {
    struct Identity {
        var principal: Principal
        var mechanism: SaslLogin.Mechanism
        var at: Instant
        var expiresAt: Instant
    }

    struct Exchange {
        var mechanism: SaslLogin.Mechanism
        /// Nil: PLAIN, which has one message.
        var scram: ScramServer?
        /// SaslHandshake version 0: tokens come as frames of their own, without headers.
        var hasRawTokens: Bool
        /// Login made again: who it was before.
        var before: Identity?
    }

    enum Phase {
        case unknown
        case exchanging(Exchange)
        case known(Identity)
        case refused
    }

    var phase = Phase.unknown
}

/// The connections of listeners that ask for a login, and how one logs in at each.
struct AuthenticationTable {
    /// By listener.
    private(set) var methods: OrderedMap<String, LoginMethods> = OrderedMap()
    var connections: [ConnectionID: Authentication] = [:]

    init(_ config: BrokerConfig) {
        for listener in config.listeners where listener.securityProtocol.hasSASL {
            // The host has checked the settings before; a listener whose methods cannot be read lets nobody in.
            methods[listener.name] = (try? LoginMethods(config, listener: listener.name)) ?? LoginMethods.none
        }
    }

    /// Takes other settings. Returns what is wrong with those that cannot be used.
    mutating func configure(_ config: BrokerConfig) -> [String] {
        var problems: [String] = []
        for listener in methods.keys {
            do throws(BrokerConfigError) {
                methods[listener] = try LoginMethods(config, listener: listener)
            } catch {
                problems.append(error.description)
            }
        }
        return problems
    }

    /// A login that comes again sooner than that would only keep the broker busy.
    static let againMinMs: Int64 = 1_000
}

extension Broker {
    /// The request with whom it is made for, where it may be handled now; nil where it was answered or ended here.
    mutating func admitted(_ context: RequestContext) -> RequestContext? {
        guard context.connection.loopbackRequest == nil, let methods = authentication.methods[context.listener] else { return context }
        let present = authentication.connections[context.connection] ?? Authentication()
        switch present.phase {
        case .known(let identity): return admitted(context, identity, methods)
        case .unknown:
            if context.header.apiKey == APIKey.apiVersions.rawValue, !context.isToken { return context }
            guard !context.isToken, context.header.apiKey == APIKey.saslHandshake.rawValue else {
                closeConnection(context, "a request before the login: \(name(of: context))")
                return nil
            }
            beginLogin(context, methods, before: nil)
        case .exchanging(let exchange): continueLogin(context, exchange, methods)
        case .refused: closeConnection(context, "a request after a refused login")
        }
        return nil
    }

    private mutating func admitted(
        _ context: RequestContext, _ identity: Authentication.Identity, _ methods: LoginMethods
    ) -> RequestContext? {
        if methods.reauthMs > 0 {
            if context.header.apiKey == APIKey.saslHandshake.rawValue {
                guard now.instant.milliseconds(since: identity.at) >= AuthenticationTable.againMinMs else {
                    closeConnection(context, "a second login within \(AuthenticationTable.againMinMs) ms")
                    return nil
                }
                beginLogin(context, methods, before: identity)
                return nil
            }
            guard now.instant < identity.expiresAt else {
                closeConnection(context, "the login of \(identity.principal) has expired")
                return nil
            }
        }
        var context = context
        context.principal = identity.principal
        return context
    }

    private func name(of context: RequestContext) -> String {
        context.isToken ? "a token" : APIKey(rawValue: context.header.apiKey)?.name ?? "API key \(context.header.apiKey)"
    }

    // MARK: The exchange

    private mutating func beginLogin(_ context: RequestContext, _ methods: LoginMethods, before: Authentication.Identity?) {
        guard let range = APIKey.saslHandshake.advertisedVersions, range.contains(context.version),
            let request = try? SaslHandshakeRequest.decode(context.body, version: context.version)
        else { return closeConnection(context, "a SaslHandshake that cannot be read, version \(context.version)") }
        var response = SaslHandshakeResponse()
        response.mechanisms = methods.mechanisms.map(\.name)
        guard let mechanism = methods.mechanisms.first(where: { $0.name == request.mechanism }) else {
            response.errorCode = .unsupportedSaslMechanism
            let frame = encodeResponse(response, version: context.version, correlationID: context.header.correlationID)
            note("refused a login of \(context.clientHost): no mechanism \(request.mechanism.prefix(64))")
            authentication.connections[context.connection] = Authentication(phase: .refused)
            return effects.append(.farewell(context.connection, frame))
        }
        if let before, before.mechanism != mechanism {
            return closeConnection(context, "a second login with another mechanism: \(mechanism.name) after \(before.mechanism.name)")
        }
        var scram: ScramServer?
        if case .scram(let kind) = mechanism { scram = ScramServer(kind, hashing) }
        let hasRawTokens = context.version == 0
        let exchange = Authentication.Exchange(mechanism: mechanism, scram: scram, hasRawTokens: hasRawTokens, before: before)
        authentication.connections[context.connection] = Authentication(phase: .exchanging(exchange))
        if hasRawTokens { effects.append(.framing(context.connection, .tokens)) }
        respond(context, response)
    }

    private mutating func continueLogin(_ context: RequestContext, _ exchange: Authentication.Exchange, _ methods: LoginMethods) {
        let token: [UInt8]
        if exchange.hasRawTokens {
            token = context.body.withUnsafeBytes { Array($0) }
        } else {
            guard context.header.apiKey == APIKey.saslAuthenticate.rawValue,
                let range = APIKey.saslAuthenticate.advertisedVersions, range.contains(context.version),
                let request = try? SaslAuthenticateRequest.decode(context.body, version: context.version)
            else { return closeConnection(context, "not a token where the login expects one: \(name(of: context))") }
            token = request.authBytes.withUnsafeBytes { Array($0) }
        }
        var exchange = exchange
        do throws(LoginRefusal) {
            switch try evaluate(token, &exchange, methods) {
            case .challenge(let reply):
                authentication.connections[context.connection] = Authentication(phase: .exchanging(exchange))
                answerToken(context, exchange, reply, lifetimeMs: 0)
            case .done(let user, let reply): try finishLogin(context, exchange, methods, user: user, reply)
            }
        } catch {
            refuseLogin(context, exchange, error)
        }
    }

    private mutating func evaluate(
        _ token: [UInt8], _ exchange: inout Authentication.Exchange, _ methods: LoginMethods
    ) throws(LoginRefusal) -> ScramServer.Step {
        guard case .scram(let mechanism) = exchange.mechanism, var scram = exchange.scram else {
            return .done(user: try PlainServer.user(token, methods.plainUsers), [])
        }
        var random = random
        let image = image
        let step = try scram.receive(
            token, nonce: { scramNonce(&random) }, credential: { image.kept.scramCredential(mechanism, $0).map { ScramCredential($0) } })
        self.random = random
        exchange.scram = scram
        return step
    }

    private mutating func finishLogin(
        _ context: RequestContext, _ exchange: Authentication.Exchange, _ methods: LoginMethods, user: String, _ reply: [UInt8]
    ) throws(LoginRefusal) {
        let principal = Principal(name: user)
        if let before = exchange.before, before.principal != principal {
            throw LoginRefusal("Cannot change principals during re-authentication from \(before.principal) to \(principal)")
        }
        let expiresAt = methods.reauthMs > 0 ? now.instant.adding(milliseconds: methods.reauthMs) : .distantFuture
        let identity = Authentication.Identity(
            principal: principal, mechanism: exchange.mechanism, at: now.instant, expiresAt: expiresAt)
        authentication.connections[context.connection] = Authentication(phase: .known(identity))
        effects.append(.framing(context.connection, .requests))
        answerToken(context, exchange, reply, lifetimeMs: methods.reauthMs)
    }

    private mutating func answerToken(
        _ context: RequestContext, _ exchange: Authentication.Exchange, _ token: [UInt8], lifetimeMs: Int64
    ) {
        if exchange.hasRawTokens {
            var frame = ByteWriter()
            frame.integer(Int32(token.count))
            frame.bytes(Bytes(token))
            return effects.append(.send(context.connection, Frame(bytes: frame.finish()), slices: []))
        }
        var response = SaslAuthenticateResponse()
        response.authBytes = Bytes(token)
        response.sessionLifetimeMs = lifetimeMs
        respond(context, response)
    }

    /// The answer comes late, so that guessing takes its time; the connection is served nothing meanwhile.
    private mutating func refuseLogin(_ context: RequestContext, _ exchange: Authentication.Exchange, _ refusal: LoginRefusal) {
        let kind = exchange.before == nil ? "authentication" : "re-authentication"
        let message = refusal.message
            ?? "Authentication failed during \(kind) due to invalid credentials with SASL mechanism \(exchange.mechanism.name)"
        note("refused a login of \(context.clientHost) at \(context.listener): \(message)")
        authentication.connections[context.connection] = Authentication(phase: .refused)
        var response = SaslAuthenticateResponse()
        response.errorCode = .saslAuthenticationFailed
        response.errorMessage = message
        let frame = exchange.hasRawTokens
            ? nil : encodeResponse(response, version: context.version, correlationID: context.header.correlationID)
        let connection = context.connection
        let deadline = now.instant.adding(milliseconds: config.integer("connection.failed.authentication.delay.ms"))
        _ = admin.wait(until: deadline) { broker in
            guard broker.authentication.connections[connection] != nil else { return }
            if let frame {
                broker.effects.append(.farewell(connection, frame))
            } else {
                broker.effects.append(.close(connection, reason: "a refused login"))
            }
        }
    }
}

extension ScramCredential {
    init(_ record: UserScramCredentialRecord) {
        self.init(
            salt: record.salt.withUnsafeBytes { Array($0) }, iterations: Int(record.iterations),
            storedKey: record.storedKey.withUnsafeBytes { Array($0) }, serverKey: record.serverKey.withUnsafeBytes { Array($0) })
    }
}
