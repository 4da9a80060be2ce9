import Primitives
import Wire

/// One connection to a broker: agrees on versions, pipelines requests in order, matches answers by correlation id.
///
/// States and what leads out of them:
/// - `opening` (the socket connects) → `negotiating` when it is open, → `closed` when it fails;
/// - `negotiating` (ApiVersions is under way, v3 first, v0 where the broker knows no better: KIP-511) → `authenticating` where there is a
///   login to make, else `ready`, → `closed`;
/// - `authenticating` (SaslHandshake, SaslAuthenticate) → `ready`, → `closed`;
/// - `ready` → `authenticating` before the login expires, once nothing is under way (KIP-368), → `closed`.
/// Owner: `ClusterSession`. Invariants: (1) at most `lane.inFlightMax` requests are under way; (2) a broker answers in the order of
/// requests, so the oldest under way is the only one an answer may belong to; anything else closes the connection.
package struct Connection: Sendable {
    package enum Phase: Equatable, Sendable {
        case opening
        case negotiating
        case authenticating
        case ready
        case closed
    }

    /// What the session has to do; returned in order.
    package enum Effect: Equatable, Sendable {
        case write(Frame)
        /// The connection is ready for requests.
        case ready
        /// `request` got its answer: the frame without its size, to be decoded as the version that was sent.
        case answered(request: Int, frame: Bytes, version: Int16, latencyMs: Int64)
        /// The broker does not believe the login; so would others.
        case refused(String)
        /// The connection cannot go on; its requests have to be failed or sent elsewhere.
        case broken(String)
    }

    struct Exchange: Equatable, Sendable {
        var correlationID: Int32
        /// The session's number for it; nil for our own ApiVersions.
        var request: Int?
        var version: Int16
        var sentAt: Instant
        var deadline: Instant
    }

    package let broker: BrokerID
    package let address: ServerAddress
    package let lane: Lane
    let clientID: String
    package private(set) var phase = Phase.opening
    /// Whether it ever took requests: one that never did says that its broker is out of reach.
    package private(set) var hasBeenReady = false
    package private(set) var versions = ServerVersions()
    private(set) var inFlight: [Exchange] = []
    private var nextCorrelationID: Int32 = 0
    private let startedAt: Instant
    /// Replaced when a token runs out: the next login is made with the new one.
    var credentials: ClientCredentials?
    private var random: PRNG
    private var loggingIn: SaslClient?
    /// When the login is to be made again; nothing new is sent from then on until it is.
    private var loginDue = Instant.distantFuture
    private let setUpMs: Int64
    /// While opening or negotiating: when to give up.
    private var setUpDeadline: Instant

    package init(
        broker: BrokerID, address: ServerAddress, lane: Lane, clientID: String, setUpMs: Int64, credentials: ClientCredentials? = nil,
        seed: UInt64 = 1, now: Now
    ) {
        self.broker = broker
        self.address = address
        self.lane = lane
        self.clientID = clientID
        startedAt = now.instant
        self.credentials = credentials
        self.setUpMs = setUpMs
        random = PRNG(seed: seed)
        setUpDeadline = now.instant.adding(milliseconds: setUpMs)
    }

    package var canSend: Bool { phase == .ready && !isLoginDue && inFlight.count < lane.inFlightMax }
    private var isLoginDue = false
    package var load: Int { inFlight.count }
    package var requestsInFlight: [Int] { inFlight.compactMap(\.request) }

    /// Since when the broker owes an answer: to the oldest request under way, or to the wish to connect.
    var owedSince: Instant? {
        switch phase {
        case .opening, .negotiating: startedAt
        case .authenticating, .ready: inFlight.first?.sentAt
        case .closed: nil
        }
    }

    package var nextDeadline: Instant {
        switch phase {
        case .opening, .negotiating, .authenticating: setUpDeadline
        case .ready: min(inFlight.map(\.deadline).min() ?? .distantFuture, isLoginDue ? .distantFuture : loginDue)
        case .closed: .distantFuture
        }
    }

    // MARK: Events

    package mutating func opened(now: Now) -> [Effect] {
        guard phase == .opening else { return [] }
        phase = .negotiating
        return [askVersions(ConnectionLimits.apiVersionsFirst, now: now)]
    }

    package mutating func failed(_ reason: String) -> [Effect] {
        guard phase != .closed else { return [] }
        phase = .closed
        return [.broken(reason)]
    }

    /// Sends a request that `canSend` has allowed, in a version that `versions` has.
    package mutating func send(_ message: any WireRequest, request: Int, version: Int16, deadline: Instant, now: Now) -> [Effect] {
        precondition(canSend, "a request for a connection that cannot take it")
        let isSilent = (message as? ProduceRequest)?.acks == 0
        return [write(message, request: request, version: version, deadline: deadline, isSilent: isSilent, now: now)]
    }

    /// A whole frame arrived, without its size.
    package mutating func received(_ frame: Bytes, now: Now) -> [Effect] {
        guard phase != .opening, phase != .closed else { return [] }
        guard frame.count >= 4, let exchange = inFlight.first else { return failed("an answer to no request") }
        guard frame.load(0, as: Int32.self) == exchange.correlationID else { return failed("an answer out of order") }
        inFlight.removeFirst()
        guard let request = exchange.request else {
            return loggingIn == nil ? versionsReceived(frame, exchange.version, now: now) : loginAnswered(frame, now: now)
        }
        let latency = now.instant.milliseconds(since: exchange.sentAt)
        let answered = Effect.answered(request: request, frame: frame, version: exchange.version, latencyMs: latency)
        return [answered] + (isLoginDue && inFlight.isEmpty ? logIn(now: now) : [])
    }

    /// A request that was not answered in time breaks the connection: what comes behind it could wait for ever.
    package mutating func tick(now: Now) -> [Effect] {
        guard phase != .closed, nextDeadline <= now.instant else { return [] }
        if phase == .ready, !isLoginDue, loginDue <= now.instant {
            isLoginDue = true
            return inFlight.isEmpty ? logIn(now: now) : tick(now: now)
        }
        return failed(phase == .opening ? "no connection in time" : "no answer in time")
    }

    // MARK: Versions

    private mutating func askVersions(_ version: Int16, now: Now) -> Effect {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = ConnectionLimits.softwareName
        request.clientSoftwareVersion = ConnectionLimits.softwareVersion
        return write(request, request: nil, version: version, deadline: setUpDeadline, now: now)
    }

    /// A broker that does not know our version says so in a v0 body that lists its own range; then v0 is asked, which all know.
    private mutating func versionsReceived(_ frame: Bytes, _ version: Int16, now: Now) -> [Effect] {
        if let answer = try? decodeAnswer(ApiVersionsRequest(), frame, version: version), answer.errorCode == .none {
            versions = ServerVersions(answer)
            if credentials != nil { return logIn(now: now) }
            phase = .ready
            hasBeenReady = true
            return [.ready]
        }
        guard version > 0 else { return failed("the broker does not tell its versions") }
        return [askVersions(0, now: now)]
    }

    private mutating func write(
        _ message: any WireRequest, request: Int?, version: Int16, deadline: Instant, isSilent: Bool = false, now: Now
    ) -> Effect {
        let correlationID = nextCorrelationID
        nextCorrelationID = correlationID == .max ? 0 : correlationID + 1
        if !isSilent {
            inFlight.append(
                Exchange(correlationID: correlationID, request: request, version: version, sentAt: now.instant, deadline: deadline))
        }
        return .write(encodeRequestFrame(message, version: version, correlationID: correlationID, clientID: clientID))
    }

    // MARK: The login

    private mutating func logIn(now: Now) -> [Effect] {
        guard let credentials else { return [] }
        guard versions.best(.saslHandshake, within: 1...1) != nil, let version = versions.best(.saslAuthenticate, within: 0...2) else {
            return failed("the broker does not let anybody log in by SaslAuthenticate")
        }
        let client = SaslClient(credentials.login, credentials.hashing, nonce: scramNonce(&random), version: version)
        phase = .authenticating
        isLoginDue = false
        setUpDeadline = now.instant.adding(milliseconds: setUpMs)
        loggingIn = client
        return [write(client.first, now: now)]
    }

    private mutating func write(_ request: SaslClient.Request, now: Now) -> Effect {
        write(request.message, request: nil, version: request.version, deadline: setUpDeadline, now: now)
    }

    private mutating func loginAnswered(_ frame: Bytes, now: Now) -> [Effect] {
        guard var client = loggingIn else { return [] }
        do throws(LoginRefusal) {
            switch try client.answered(frame) {
            case .send(let request):
                loggingIn = client
                return [write(request, now: now)]
            case .done(let lifetimeMs):
                loggingIn = nil
                phase = .ready
                hasBeenReady = true
                // Some time before it expires, for the clocks of both and for what is under way then.
                loginDue = lifetimeMs > 0 ? now.instant.adding(milliseconds: lifetimeMs * 85 / 100) : .distantFuture
                return [.ready]
            }
        } catch {
            phase = .closed
            return [.refused(error.message ?? "the login was refused")]
        }
    }
}

/// How a client logs in, and what it computes that with.
package struct ClientCredentials: Sendable {
    package var login: SaslLogin
    package var hashing: Hashing

    package init(_ login: SaslLogin, _ hashing: Hashing) {
        self.login = login
        self.hashing = hashing
    }
}

package enum ConnectionLimits {
    static let softwareName = "kastellan"
    static let softwareVersion = "0.1.0"
    /// Flexible since v3; a broker that knows only older ones answers in v0.
    static let apiVersionsFirst: Int16 = 3
    /// A frame larger than this from a broker closes the connection.
    package static let frameBytesMax = 128 << 20
}

/// The version ranges a broker advertises.
package struct ServerVersions: Equatable, Sendable {
    private var ranges = OrderedMap<Int16, ClosedRange<Int16>>()

    package init() {}
    package init(_ answer: ApiVersionsResponse) {
        for key in answer.apiKeys where key.minVersion <= key.maxVersion { ranges[key.apiKey] = key.minVersion...key.maxVersion }
    }

    /// For tests: every API in every version of ours.
    package mutating func advertise(_ key: APIKey, _ range: ClosedRange<Int16>) { ranges[key.rawValue] = range }

    /// The newest version that is ours, the broker's, and the caller's.
    package func best(_ key: APIKey, within caller: ClosedRange<Int16>) -> Int16? {
        guard let theirs = ranges[key.rawValue] else { return nil }
        let ours = key.validVersions
        let low = max(ours.lowerBound, theirs.lowerBound, caller.lowerBound)
        let high = min(ours.upperBound, theirs.upperBound, caller.upperBound)
        return low <= high ? high : nil
    }
}
