import ClientCore
import Primitives
import Reactor
import Wire

/// The session's shell: opens and closes sockets as the session says and feeds it what happens. Owner: the client's event loop thread;
/// it never leaves it.
final class ClientLoop {
    private var session: ClusterSession
    let loop: EventLoop
    private var callbacks: [Int: (AnswerResult) -> Void] = [:]
    private var links: [Int: Link] = [:]
    private var nextRequest = 0
    private var timer: TimerID?
    private var timerDeadline = Instant.distantFuture
    private var isStopped = false
    /// Effects are performed in the order in which the session gave them, also where performing one makes the session give more.
    private var effects: [ClusterSession.Effect] = []
    private var isPerforming = false
    private let resolver = WorkerPool(threadsMax: 1, jobsMax: 64)
    /// What runs on this client, to be told when it stops.
    private var runs: [ObjectIdentifier: any MachineStopping] = [:]

    private let tls: TLSContext?
    private let tokens: TokenKeeper?
    private var renewal: TimerID?
    /// Where what goes by is written down, or what answers in the cluster's stead.
    private let tape: ClientTape?

    init(_ session: ClusterSession, _ loop: EventLoop, _ security: ClientSecurity = .none, _ tape: ClientTape? = nil) {
        self.session = session
        self.tape = tape
        tls = security.tls
        tokens = security.tokens.map { TokenKeeper($0, security.extensions) }
        self.loop = loop
    }

    /// Returns the request's number, by which it can be cancelled.
    @discardableResult
    func submit(_ request: ClientRequest, _ callback: @escaping (AnswerResult) -> Void) -> Int {
        guard !isStopped else {
            callback(.failure(.stopped))
            return -1
        }
        let number = nextRequest
        nextRequest += 1
        var request = request
        switch tape {
        case .playing(let answer, _):
            callbacks[number] = callback
            play(number, request, answer(request))
            return number
        case .recording(let note):
            // An answer that leaves out what its asker knows would tell nothing to whoever reads it alone.
            request.knownMetadata = nil
            callbacks[number] = { [request] result in
                note(request, result)
                callback(result)
            }
        case nil: callbacks[number] = callback
        }
        handle(.submitted(request: number, request))
        return number
    }

    /// The answer of a recording, after as long as it took then; a fetch may have waited for records.
    private func play(_ number: Int, _ request: ClientRequest, _ answer: (result: AnswerResult, latencyMs: Int64)) {
        let wait = min(1000, max(answer.latencyMs, request.apiKey == .fetch ? 100 : 1))
        _ = loop.schedule(at: SystemClock.instant().adding(milliseconds: wait)) { [self] in
            callbacks.removeValue(forKey: number)?(answer.result)
        }
    }

    /// What machines are told the time is.
    var now: Now {
        if case .playing(_, let now)? = tape { return now() }
        return SystemClock.now()
    }

    func cancel(_ number: Int) {
        guard callbacks.removeValue(forKey: number) != nil else { return }
        if case .playing? = tape { return }
        handle(.cancelled(request: number))
    }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        if let timer { loop.cancel(timer) }
        if let renewal { loop.cancel(renewal) }
        for run in runs.values { run.clientStopped() }
        runs = [:]
        for link in links.values { link.close() }
        links = [:]
        let waiting = callbacks.sorted { $0.key < $1.key }
        callbacks = [:]
        for (_, callback) in waiting { callback(.failure(.stopped)) }
        resolver.stop()
    }

    func add(_ run: any MachineStopping) { runs[ObjectIdentifier(run)] = run }
    func remove(_ run: any MachineStopping) { runs[ObjectIdentifier(run)] = nil }

    // MARK: The session

    private func handle(_ event: ClusterSession.Event) {
        guard !isStopped else { return }
        effects += session.handle(event, now: SystemClock.now())
        guard !isPerforming else { return }
        isPerforming = true
        while !effects.isEmpty {
            let batch = effects
            effects = []
            for effect in batch { perform(effect) }
        }
        isPerforming = false
        arm()
    }

    private func perform(_ effect: ClusterSession.Effect) {
        switch effect {
        case .open(let connection, let address): open(connection, address)
        case .write(let connection, let frame): links[connection]?.write(frame.pieces)
        case .close(let connection): links.removeValue(forKey: connection)?.close()
        case .answer(let request, let result): callbacks.removeValue(forKey: request)?(result)
        }
    }

    private func arm() {
        let deadline = session.nextDeadline
        guard deadline != timerDeadline || timer == nil, !isStopped else { return }
        if let timer { loop.cancel(timer) }
        timer = nil
        timerDeadline = deadline
        guard deadline != .distantFuture else { return }
        // Never at once: a deadline that stays in the past must not keep the loop from its sockets.
        timer = loop.schedule(at: max(deadline, SystemClock.instant().adding(milliseconds: 1))) { [self] in
            timer = nil
            handle(.tick)
        }
    }

    // MARK: Sockets

    /// Names are resolved, and tokens fetched, on another thread: both can take their time.
    private func open(_ connection: Int, _ address: ServerAddress) {
        let link = Link(loop, tls: tls, host: address.host, frameBytesMax: ConnectionLimits.frameBytesMax)
        links[connection] = link
        link.onOpen = { [unowned self] in handle(.opened(connection: connection)) }
        link.onFrame = { [unowned self] frame in handle(.received(connection: connection, frame)) }
        link.onClose = { [unowned self] reason in
            guard links.removeValue(forKey: connection) != nil else { return }
            handle(.failed(connection: connection, reason))
        }
        let bound = LoopBound(self, loop)
        let loop = loop
        let tokens = tokens
        let submitted = resolver.submit {
            let found = Result { () throws(SocketError) in try SocketAddress.resolve(address.host, port: Int(address.port)) }
            let token = tokens.map { keeper in Result { () throws(ClientSecurityError) in try keeper.current() } }
            loop.post { bound.value.prepared(connection, found, token) }
        }
        if !submitted { handle(.failed(connection: connection, "too many names to look up")) }
    }

    private func prepared(
        _ connection: Int, _ found: Result<[SocketAddress], SocketError>, _ token: Result<TokenKeeper.Token, ClientSecurityError>?
    ) {
        guard !isStopped, let link = links[connection] else { return }
        switch token {
        case .failure(let error)?: return link.fail(error.description)
        case .success(let token)?: take(token)
        case nil: break
        }
        switch found {
        case .success(let addresses): link.connect(addresses)
        case .failure(let error): link.fail("\(error)")
        }
    }
}

extension ClientLoop {
    /// Logins are made with the newest token; the next one is fetched before it runs out, so that connections can log in again.
    private func take(_ token: TokenKeeper.Token) {
        handle(.credentials(ClientCredentials(token.login, .system)))
        guard renewal == nil, token.renewAt != .distantFuture else { return }
        renewal = loop.schedule(at: token.renewAt) { [self] in renew() }
    }

    private func renew() {
        renewal = nil
        guard !isStopped, let tokens else { return }
        let bound = LoopBound(self, loop)
        let loop = loop
        resolver.submit {
            let token = Result { () throws(ClientSecurityError) in try tokens.current() }
            loop.post {
                guard !bound.value.isStopped else { return }
                if case .success(let token) = token { return bound.value.take(token) }
                // Whoever connects meanwhile is told why; here it is tried again.
                let again = SystemClock.instant().adding(milliseconds: TokenKeeper.renewMsMin)
                bound.value.renewal = bound.value.loop.schedule(at: again) { bound.value.renew() }
            }
        }
    }
}

/// Something that wants to know when its client stops.
protocol MachineStopping: AnyObject {
    func clientStopped()
}
