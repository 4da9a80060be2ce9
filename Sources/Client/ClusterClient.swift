import ClientCore
import Primitives
import Reactor
import Synchronization
import Wire

/// A client of a Kafka cluster: routes requests to the right brokers, over connections of its own, on a thread of its own.
///
/// All methods may be called from any thread. Callbacks run on the client's thread and must be quick; they may call the client, but not
/// its blocking methods. It never joins a group and never commits unless a request of the caller does.
package final class ClusterClient: Sendable {
    private let loop: EventLoop
    private let core: LoopBound<ClientLoop>
    private let isStopped = Atomic<Bool>(false)
    package let bootstrap: [ServerAddress]
    /// Time a request may take where the caller says nothing else, retries included.
    package let requestTimeoutMs: Int64

    package convenience init(
        bootstrap: [ServerAddress], clientID: String = "kastellan", requestTimeoutMs: Int64 = 10_000, connectTimeoutMs: Int64 = 5_000,
        security: ClientSecurity = .none, tape: ClientTape? = nil
    ) {
        var options = ClusterSession.Options(bootstrap: bootstrap, clientID: clientID)
        options.connectTimeoutMs = connectTimeoutMs
        self.init(options, requestTimeoutMs: requestTimeoutMs, security: security, tape: tape)
    }

    package init(
        _ options: ClusterSession.Options, requestTimeoutMs: Int64 = 10_000, security: ClientSecurity = .none, tape: ClientTape? = nil
    ) {
        var options = options
        bootstrap = options.bootstrap
        self.requestTimeoutMs = requestTimeoutMs
        options.seed = SystemClock.seed()
        options.credentials = security.login.map { ClientCredentials($0, .system) }
        loop = EventLoop()
        core = LoopBound(ClientLoop(ClusterSession(options), loop, security, tape), loop)
        loop.start()
    }

    deinit { stop() }

    /// Fails what is under way, closes the connections and ends the thread. Harmless when called twice.
    package func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let core = core
        loop.post { core.value.stop() }
        loop.stop()
        if !loop.isCurrent { loop.join() }
    }

    // MARK: Requests

    /// Sends `request` and calls `completion` exactly once.
    package func send<R: WireRequest>(
        _ request: R, to target: RequestTarget = .any, timeoutMs: Int64? = nil,
        completion: @escaping @Sendable (Result<R.Response, ClientError>) -> Void
    ) {
        submit(ClientRequest(request, to: target, timeoutMs: timeoutMs ?? requestTimeoutMs)) { result in
            completion(result.flatMap { answer in
                (answer.message as? R.Response).map { .success($0) } ?? .failure(.malformed(api: R.apiKey.name))
            })
        }
    }

    /// Sends `request` and waits for its answer. Never call it on the client's own thread.
    package func send<R: WireRequest>(
        _ request: R, to target: RequestTarget = .any, timeoutMs: Int64? = nil
    ) throws(ClientError) -> R.Response {
        try call(ClientRequest(request, to: target, timeoutMs: timeoutMs ?? requestTimeoutMs)).of(R.Response.self)
    }

    /// The same with everything said; the answer comes with its version and broker.
    package func call(_ request: ClientRequest) throws(ClientError) -> Answer {
        let box = Waiter<AnswerResult>()
        submit(request) { box.fill($0) }
        return try box.wait().get()
    }

    package func submit(_ request: ClientRequest, completion: @escaping @Sendable (AnswerResult) -> Void) {
        guard !isStopped.load(ordering: .acquiring) else { return completion(.failure(.stopped)) }
        let core = core
        loop.post { core.value.submit(request, completion) }
    }

    /// Does something on the client's thread after so long, unless the client has stopped by then.
    func after(milliseconds: Int64, _ job: @escaping @Sendable () -> Void) {
        let loop = loop
        let deadline = SystemClock.instant().adding(milliseconds: milliseconds)
        loop.post { _ = loop.schedule(at: deadline, job) }
    }

    // MARK: Machines

    /// Runs a machine on the client's thread until it finishes, is cancelled, or the client stops. `output` and `finished` are called on
    /// that thread.
    package func host<M: ClientMachine>(
        _ machine: M, output: @escaping @Sendable (M.Output) -> Void, finished: @escaping @Sendable () -> Void = {}
    ) -> HostedMachine<M> {
        let hosted = HostedMachine<M>(loop: loop)
        let core = core
        loop.post {
            let run = MachineRun(machine, core.value, output: output, finished: finished)
            hosted.attach(run)
            run.start()
        }
        return hosted
    }

    /// Runs a machine to its end and returns what it put out; nil where that took longer than `timeoutMs`.
    package func run<M: ClientMachine>(_ machine: M, timeoutMs: Int64 = 60_000) -> [M.Output]? {
        let box = Waiter<Void>()
        let collected = OutputList<M.Output>()
        let hosted = host(machine, output: { collected.append($0) }, finished: { box.fill(()) })
        guard box.wait(milliseconds: timeoutMs) != nil else {
            hosted.cancel()
            return nil
        }
        return collected.all
    }
}

/// Collects what a machine puts out, for whoever waits for its end.
private final class OutputList<Element: Sendable>: Sendable {
    private let items = Mutex<[Element]>([])
    func append(_ item: Element) { items.withLock { $0.append(item) } }
    var all: [Element] { items.withLock { $0 } }
}
