import Primitives
import Wire

/// A client's whole talk with a cluster, without sockets: finds out who must answer a request, opens and keeps connections, sends,
/// matches answers, tries again where that can help.
///
/// Owner: one thread of a shell, which opens and closes sockets as the effects say. Invariants: (1) every submitted request is answered
/// exactly once, by its deadline; (2) `requests` and so all queues are bounded by `Options.requestsMax`; (3) one connection per broker
/// and lane; (4) requests of the session's own (cluster metadata, coordinators) have negative numbers, those of users are not negative.
package struct ClusterSession: Sendable {
    package struct Options: Sendable {
        package var bootstrap: [ServerAddress]
        package var clientID: String
        package var connectTimeoutMs: Int64 = 5_000
        package var backoffMinMs: Int64 = 50
        package var backoffMaxMs: Int64 = 2_000
        package var requestsMax = 512
        /// A broker that owes an answer for this long is not asked what any broker can answer, and the others are asked whether it is still
        /// one of them: a broker that sleeps or is cut off says nothing itself, and leaves the list when the cluster gives it up.
        package var stallMs: Int64 = 1_000
        /// What goes over `Lane.routing` every broker answers at once: it is waited for no longer than this before another is asked.
        package var quickMs: Int64 = 2_500
        package var seed: UInt64 = 1
        /// Nil: the cluster's listeners ask for no login.
        package var credentials: ClientCredentials?

        package init(bootstrap: [ServerAddress], clientID: String = "kastellan") {
            self.bootstrap = bootstrap
            self.clientID = clientID
        }
    }

    package enum Event: Sendable {
        case submitted(request: Int, ClientRequest)
        case cancelled(request: Int)
        case opened(connection: Int)
        /// The socket could not be opened, or closed, or brought something that is no frame.
        case failed(connection: Int, String)
        /// A whole frame without its size.
        case received(connection: Int, Bytes)
        case tick
        /// From now on logins are made with these: a new token, for instance.
        case credentials(ClientCredentials)
    }

    package enum Effect: Sendable {
        case open(connection: Int, ServerAddress)
        case write(connection: Int, Frame)
        case close(connection: Int)
        case answer(request: Int, AnswerResult)
    }

    /// A broker or bootstrap server, and how it went with it. Bootstrap servers have ids below -1.
    struct Node: Sendable {
        var address: ServerAddress
        var backoff: Backoff
        var retryAt = Instant.zero
        var failedAt: Instant?
        var reason = ""
    }

    /// What a request waits for before it can be routed.
    enum Need: Equatable, Sendable {
        case brokers
        case topic(String)
        case coordinator(CoordinatorKey)
    }

    struct Pending: Sendable {
        var request: ClientRequest
        var submittedAt: Instant
        var deadline: Instant
        /// What the session itself wants it for.
        var serves: Need?
        var waitsFor: Need?
        var notBefore = Instant.zero
        var connection: Int?
        var attempts = 0
        /// Times it was sent nowhere because its broker could not be reached, and why.
        var detours = 0
        var trouble: String?
    }

    package private(set) var options: Options
    package internal(set) var metadata = ClusterMetadata()
    private var wholeMetadata = MetadataMemory()
    var nodes = OrderedMap<BrokerID, Node>()
    var connections = OrderedMap<Int, Connection>()
    var requests = OrderedMap<Int, Pending>()
    var coordinators = OrderedMap<CoordinatorKey, BrokerID>()
    var random: PRNG
    var effects: [Effect] = []
    private var nextConnection = 0
    private var nextOwnRequest = -1
    /// When the brokers were last asked for because of one that owes answers.
    private var doubtedAt = Instant.zero
    /// The time of the newest event.
    private var lastHandled = Instant.zero

    package init(_ options: Options) {
        self.options = options
        random = PRNG(seed: options.seed)
        for (index, address) in options.bootstrap.enumerated() {
            nodes[BrokerID(Int32(-2 - index))] = Node(address: address, backoff: newBackoff)
        }
    }

    var newBackoff: Backoff { Backoff(minMs: options.backoffMinMs, maxMs: options.backoffMaxMs) }

    package mutating func handle(_ event: Event, now: Now) -> [Effect] {
        lastHandled = now.instant
        switch event {
        case .submitted(let number, let request): submit(number, request, now: now)
        case .cancelled(let number): cancel(number)
        case .opened(let id): onConnection(id, now: now) { $0.opened(now: now) }
        case .failed(let id, let reason): onConnection(id, now: now) { $0.failed(reason) }
        case .received(let id, let frame): onConnection(id, now: now) { $0.received(frame, now: now) }
        case .tick: break
        case .credentials(let credentials):
            options.credentials = credentials
            for id in connections.keys { connections.update(id) { $0.credentials = credentials } }
        }
        expire(now: now)
        doubt(now: now)
        pump(now: now)
        defer { effects = [] }
        return effects
    }

    package var nextDeadline: Instant {
        var next = Instant.distantFuture
        for connection in connections.values {
            next = min(next, connection.nextDeadline)
            guard let owed = connection.owedSince, !isAsking(.brokers) else { continue }
            next = min(next, max(owed, doubtedAt).adding(milliseconds: options.stallMs))
        }
        for pending in requests.values where pending.connection == nil {
            next = min(next, pending.deadline)
            if pending.waitsFor == nil { next = min(next, wakeTime(of: pending)) }
        }
        return next
    }

    /// When a request that is neither under way nor waiting for knowledge can be looked at again; a free connection wakes it by itself.
    private func wakeTime(of pending: Pending) -> Instant {
        // A request that may be sent now and is not waits for a connection, whose own events wake the session.
        var next = pending.notBefore > lastHandled ? pending.notBefore : .distantFuture
        for node in nodes.values where node.retryAt > lastHandled { next = min(next, node.retryAt) }
        return next
    }

    // MARK: Requests

    private mutating func submit(_ number: Int, _ request: ClientRequest, now: Now) {
        precondition(number >= 0 && requests[number] == nil, "a request number in use")
        guard requests.count < options.requestsMax else {
            effects.append(.answer(request: number, .failure(.overloaded)))
            return
        }
        requests[number] = Pending(
            request: request, submittedAt: now.instant, deadline: now.instant.adding(milliseconds: request.timeoutMs), serves: nil)
    }

    /// A request of the session's own.
    mutating func ask(_ message: any WireRequest, for need: Need, now: Now) {
        let number = nextOwnRequest
        nextOwnRequest -= 1
        let request = ClientRequest(message, to: .any, lane: .routing)
        requests[number] = Pending(
            request: request, submittedAt: now.instant, deadline: now.instant.adding(milliseconds: request.timeoutMs), serves: need)
    }

    /// The user no longer wants the answer. Under way it keeps its place in the connection, and its answer is dropped. A JoinGroup can
    /// wait there for very long, and whoever comes next would wait behind it: its connection goes with it.
    private mutating func cancel(_ number: Int) {
        guard let pending = requests.remove(number), let id = pending.connection, pending.request.lane == .group else { return }
        guard connections.remove(id) != nil else { return }
        effects.append(.close(connection: id))
    }

    mutating func answer(_ number: Int, _ result: AnswerResult, now: Now) {
        guard let pending = requests.remove(number) else { return }
        guard let need = pending.serves else {
            effects.append(.answer(request: number, result))
            return
        }
        let waiting = requests.filter { $0.value.waitsFor == need }.map(\.key)
        for other in waiting {
            if case .failure(let error) = result {
                answer(other, .failure(error), now: now)
            } else {
                requests.update(other) { $0.waitsFor = nil }
            }
        }
    }

    /// Fails what is over its time, and lets connections see theirs.
    private mutating func expire(now: Now) {
        for id in connections.keys { onConnection(id, now: now) { $0.tick(now: now) } }
        for number in requests.keys {
            guard let pending = requests[number], pending.connection == nil, pending.deadline <= now.instant else { continue }
            let error = pending.trouble.map { ClientError.unreachable($0) } ?? .timedOut(pending.request.apiKey.name)
            answer(number, .failure(error), now: now)
        }
    }

    /// Asks the others about brokers that owe answers for long. Those no longer listed are then disconnected, and what was under way to
    /// them goes elsewhere.
    private mutating func doubt(now: Now) {
        guard doubtedAt.adding(milliseconds: options.stallMs) <= now.instant, !isAsking(.brokers) else { return }
        guard connections.values.contains(where: { owes($0, now: now) }) else { return }
        doubtedAt = now.instant
        askBrokers(now: now)
    }

    func isAsking(_ need: Need) -> Bool { requests.values.contains { $0.serves == need } }

    func owes(_ connection: Connection, now: Now) -> Bool {
        connection.owedSince.map { $0.adding(milliseconds: options.stallMs) <= now.instant } ?? false
    }

    // MARK: Connections

    /// Opens a connection to a node that is not backing off.
    mutating func open(_ broker: BrokerID, _ lane: Lane, now: Now) {
        guard let node = nodes[broker] else { return }
        nextConnection += 1
        connections[nextConnection] = Connection(
            broker: broker, address: node.address, lane: lane, clientID: options.clientID, setUpMs: options.connectTimeoutMs,
            credentials: options.credentials, seed: options.credentials == nil ? 1 : random.next(), now: now)
        effects.append(.open(connection: nextConnection, node.address))
    }

    /// Drops the connections to a broker, whose address changed or who is gone.
    mutating func disconnect(_ broker: BrokerID, _ reason: String, now: Now) {
        for id in connections.keys where connections[id]?.broker == broker { onConnection(id, now: now) { $0.failed(reason) } }
    }

    mutating func onConnection(_ id: Int, now: Now, _ act: (inout Connection) -> [Connection.Effect]) {
        guard let results = connections.update(id, act) else { return }
        for result in results {
            switch result {
            case .write(let frame): effects.append(.write(connection: id, frame))
            case .ready: nodes.update(connections[id]?.broker ?? .none) { $0.backoff.succeeded() }
            case .answered(let number, let frame, let version, let latency):
                answered(number, frame, version: version, latencyMs: latency, connection: id, now: now)
            case .broken(let reason): broken(id, reason, now: now)
            case .refused(let reason): refused(id, reason, now: now)
            }
        }
    }

    private mutating func broken(_ id: Int, _ reason: String, now: Now) {
        guard let connection = connections.remove(id) else { return }
        effects.append(.close(connection: id))
        // Its partitions and groups may be led by others soon; whoever needs to know asks again.
        metadata.distrustLeaders(on: connection.broker)
        coordinators.removeAll { $1 == connection.broker }
        let wait = nodes.update(connection.broker) { $0.backoff.failed(&random) } ?? 0
        nodes.update(connection.broker) { node in
            node.retryAt = now.instant.adding(milliseconds: wait)
            node.reason = "\(connection.address): \(reason)"
            // One that was good and broke says nothing yet about the next one.
            if !connection.hasBeenReady { node.failedAt = now.instant }
        }
        for number in connection.requestsInFlight { interrupted(number, reason, now: now) }
    }

    /// The login is wrong, and will be wrong at every broker: nobody who waits for a connection is left waiting.
    private mutating func refused(_ id: Int, _ reason: String, now: Now) {
        let address = connections[id]?.address
        broken(id, reason, now: now)
        let error = ClientError.authenticationFailed("\(address.map { "\($0): " } ?? "")\(reason)")
        for number in requests.keys where requests[number]?.connection == nil { answer(number, .failure(error), now: now) }
    }

    /// A request lost its connection before its answer.
    private mutating func interrupted(_ number: Int, _ reason: String, now: Now) {
        guard let pending = requests[number] else { return }
        if pending.deadline <= now.instant {
            answer(number, .failure(.timedOut(pending.request.apiKey.name)), now: now)
        } else if pending.request.isRepeatable && pending.attempts < SessionLimits.attemptsMax {
            requests.update(number) { $0.connection = nil }
        } else {
            answer(number, .failure(.disconnected(reason)), now: now)
        }
    }

    // MARK: Answers

    private mutating func answered(
        _ number: Int, _ frame: Bytes, version: Int16, latencyMs: Int64, connection: Int, now: Now
    ) {
        guard let pending = requests[number] else { return }
        guard let (message, delta) = try? decode(pending.request, frame, version) else {
            answer(number, .failure(.malformed(api: pending.request.apiKey.name)), now: now)
            return
        }
        if let metadata = message as? MetadataResponse { learn(metadata, now: now) }
        if let need = pending.serves, let error = learn(message, for: need) {
            // A coordinator may be in the making: its topic is created with the first group.
            if !(error.isRetriable && retry(number, now: now)) { answer(number, .failure(error), now: now) }
        } else if pending.serves == nil, isMisrouted(pending, message), maySendOn(pending), retry(number, now: now) {
            return
        } else {
            if pending.serves == nil, isMisrouted(pending, message) { forgetRoute(of: pending.request.target) }
            let broker = connections[connection]?.broker ?? .none
            let told = Answer(message: message, version: version, broker: broker, latencyMs: latencyMs, delta: delta)
            answer(number, .success(told), now: now)
        }
    }

    private mutating func decode(
        _ request: ClientRequest, _ frame: Bytes, _ version: Int16
    ) throws(WireError) -> (any WireMessage, MetadataDelta?) {
        guard let known = request.knownMetadata, version >= 1 else {
            return (try decodeAnyAnswer(request.message, frame, version: version), nil)
        }
        let (answer, delta) = try wholeMetadata.read(frame, version: version, known: known, doubts: metadata.doubts)
        return (answer, delta)
    }

    /// Sends a request once more after a pause, to whoever then is right. False where there is no time left.
    private mutating func retry(_ number: Int, now: Now) -> Bool {
        guard let pending = requests[number], pending.attempts < SessionLimits.misroutedMax else { return false }
        let wait = options.backoffMinMs << Int64(min(pending.attempts, 4))
        let again = now.instant.adding(milliseconds: wait)
        guard again < pending.deadline else { return false }
        forgetRoute(of: pending.request.target)
        requests.update(number) { pending in
            pending.connection = nil
            pending.notBefore = again
        }
        return true
    }

    /// The cluster's brokers as told just now become the nodes; bootstrap servers stay, for the day when all others are gone.
    private mutating func learn(_ answer: MetadataResponse, now: Now) {
        metadata.fold(answer, now: now)
        for (id, broker) in metadata.brokers where nodes[id]?.address != broker.address {
            if nodes[id] != nil { disconnect(id, "the broker moved to \(broker.address)", now: now) }
            nodes[id] = Node(address: broker.address, backoff: newBackoff)
        }
        let gone = nodes.keys.filter { $0 > .none && metadata.brokers[$0] == nil }
        for id in gone {
            disconnect(id, "the broker left the cluster", now: now)
            nodes.remove(id)
        }
    }
}

package enum SessionLimits {
    /// Times a repeatable request is sent before a broken connection is its end.
    static let attemptsMax = 3
    /// Times a request is sent to coordinators or controllers that turn out not to be it.
    static let misroutedMax = 20
    /// Coordinators remembered; beyond it the memory starts anew.
    static let coordinatorsMax = 10_000
}
