import ClientCore
import Controller
import Primitives
import Wire

/// A machine with a client process on it: one `ClusterSession`, the real one, with any number of machines over it.
///
/// Owner: its world. It does what the real shell (`ClientLoop`) does, over the simulated network.
package final class SimulatedClient: ConnectionEnd {
    unowned let world: World
    package let name: String
    package let host: HostID
    private var session: ClusterSession
    private var callbacks: [Int: (AnswerResult) -> Void] = [:]
    private var connections: [Int: SimulatedConnection] = [:]
    /// The session's numbers by the network's.
    private var numbers: [Int: Int] = [:]
    /// Frames of commits by the session's connection.
    private var commits: [Int: [Bytes]] = [:]
    private var nextRequest = 0
    private var effects: [ClusterSession.Effect] = []
    private var isPerforming = false
    private var wakeScheduled = Instant.distantFuture
    private var spin = SpinWatch()
    /// Direct talk with one listener each, past the session: for `World.ask`.
    var direct: OrderedMap<Int, DirectTalk> = OrderedMap()
    /// Nil: nobody asks.
    var sources: FetchSources?

    init(_ name: String, number: Int, world: World) {
        self.world = world
        self.name = name
        host = .client(number)
        let bootstrap = world.nodes.keys.filter { world.node($0).config.isBroker }
            .map { ServerAddress(host: "b\($0)", port: ClusterLayout.clientPort) }
        var options = ClusterSession.Options(bootstrap: bootstrap, clientID: name)
        options.seed = world.random.next()
        session = ClusterSession(options)
    }

    package var now: Now {
        Now(instant: world.now, wall: Timestamp(milliseconds: World.wallStart + world.now.nanoseconds / 1_000_000))
    }

    /// Sends a request wherever its target says. The callback is called once.
    @discardableResult
    package func submit(_ request: ClientRequest, _ callback: @escaping (AnswerResult) -> Void) -> Int {
        let number = nextRequest
        nextRequest += 1
        callbacks[number] = callback
        handle(.submitted(request: number, request))
        return number
    }

    package func cancel(_ number: Int) {
        guard callbacks.removeValue(forKey: number) != nil else { return }
        handle(.cancelled(request: number))
    }

    /// Runs a machine over this client's session.
    package func host<M: ClientMachine>(
        _ machine: M, output: @escaping (M.Output) -> Void, finished: @escaping () -> Void = {}
    ) -> MachineRun<M> {
        MachineRun(machine, self, output: output, finished: finished)
    }

    // MARK: The session

    private func handle(_ event: ClusterSession.Event) {
        effects += session.handle(event, now: now)
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
        case .open(let number, let address): open(number, address)
        case .write(let number, let written):
            let frame = written.whole.dropFirst(4)
            if frame.load(0, as: Int16.self) == APIKey.offsetCommit.rawValue { commits[number, default: []].append(frame) }
            sources?.sent(frame, on: number)
            connections[number]?.send(frame, fromServer: false)
        case .close(let number):
            doubtCommits(of: number)
            guard let connection = connections.removeValue(forKey: number) else { return }
            numbers[connection.id] = nil
            connection.close(fromServer: false)
        case .answer(let request, let result): callbacks.removeValue(forKey: request)?(result)
        }
    }

    /// The connection is gone; commits that were sent on it may be answered by nobody and arrive all the same.
    private func doubtCommits(of number: Int) {
        for frame in commits.removeValue(forKey: number) ?? [] {
            guard let (header, body) = try? RequestHeader.decode(frame),
                let request = try? OffsetCommitRequest.decode(body, version: header.apiVersion)
            else { continue }
            world.onDoubtfulCommit?(request)
        }
    }

    private func open(_ number: Int, _ address: ServerAddress) {
        guard let server = world.locate(host: address.host, port: address.port) else {
            world.schedule(at: world.now) { [self] in handle(.failed(connection: number, "no such host")) }
            return
        }
        let connection = world.network.connect(from: host, end: self, to: server, port: address.port)
        connections[number] = connection
        numbers[connection.id] = number
    }

    private func arm() {
        let due = max(session.nextDeadline, Instant(nanoseconds: world.now.nanoseconds + 20_000))
        guard due < wakeScheduled else { return }
        wakeScheduled = due
        world.schedule(at: due) { [self] in
            guard wakeScheduled == due else { return }
            wakeScheduled = .distantFuture
            if spin.woke(at: world.now) { world.violated("spin", "the session of \(name) is woken again and again") }
            handle(.tick)
        }
    }

    // MARK: What the network brings

    func connectionOpened(_ connection: SimulatedConnection) {
        guard let number = numbers[connection.id] else { return }
        handle(.opened(connection: number))
    }

    func connectionReceived(_ connection: SimulatedConnection, _ frame: Bytes) {
        guard let number = numbers[connection.id] else { return }
        world.trace.mix(world.now, host.rawValue, 20, UInt64(CRC32C.checksum(frame)))
        world.trace.note(world, "\(host)", "← \(connection.server) \(frame.count) bytes (\(name))")
        sources?.received(frame, from: connection.server, on: number)
        handle(.received(connection: number, frame))
    }

    func connectionLost(_ connection: SimulatedConnection, _ loss: ConnectionLoss) {
        guard let number = numbers.removeValue(forKey: connection.id) else { return }
        connections[number] = nil
        doubtCommits(of: number)
        world.trace.mix(world.now, host.rawValue, 21, UInt64(connection.id))
        handle(.failed(connection: number, loss == .refused ? "connection refused" : "the connection broke"))
    }
}

/// A `ClientMachine` at work on a simulated client: sends its requests, hands it answers and time.
package final class MachineRun<M: ClientMachine> {
    package private(set) var machine: M
    private unowned let client: SimulatedClient
    private let output: (M.Output) -> Void
    private let finished: () -> Void
    private var sent: [Int: Int] = [:]
    private var isPerforming = false
    private var waiting: [(token: Int, result: AnswerResult)] = []
    private var inputs: [M.Input] = []
    private var wakeScheduled = Instant.distantFuture
    private var spin = SpinWatch()
    package private(set) var isEnded = false

    init(_ machine: M, _ client: SimulatedClient, output: @escaping (M.Output) -> Void, finished: @escaping () -> Void) {
        self.machine = machine
        self.client = client
        self.output = output
        self.finished = finished
    }

    package func start() { step { $0.start(now: $1) } }

    package func receive(_ input: M.Input) {
        inputs.append(input)
        if !isPerforming { step { (_, _) in [] } }
    }

    /// The process is gone: nothing more comes out of it, and its requests are nobody's.
    package func end() {
        guard !isEnded else { return }
        isEnded = true
        for token in sent.keys.sorted() { client.cancel(sent[token]!) }
        sent = [:]
    }

    private func step(_ act: (inout M, Now) -> [ClientEffect<M.Output>]) {
        guard !isEnded else { return }
        perform(act(&machine, client.now))
        while !isEnded {
            if !waiting.isEmpty {
                let next = waiting.removeFirst()
                perform(machine.answered(next.token, next.result, now: client.now))
            } else if !inputs.isEmpty {
                let next = inputs.removeFirst()
                perform(machine.receive(next, now: client.now))
            } else {
                break
            }
        }
        arm()
    }

    private func perform(_ effects: [ClientEffect<M.Output>]) {
        isPerforming = true
        defer { isPerforming = false }
        for effect in effects where !isEnded {
            switch effect {
            case .send(let token, let request): send(token, request)
            case .output(let value): output(value)
            case .finished:
                isEnded = true
                finished()
            }
        }
    }

    private func send(_ token: Int, _ request: ClientRequest) {
        let number = client.submit(request) { [weak self] result in self?.answered(token, result) }
        if !waiting.contains(where: { $0.token == token }) { sent[token] = number }
    }

    private func answered(_ token: Int, _ result: AnswerResult) {
        guard !isEnded else { return }
        sent[token] = nil
        waiting.append((token, result))
        if !isPerforming { step { (_, _) in [] } }
    }

    private func arm() {
        guard !isEnded else { return }
        let due = max(machine.nextDeadline, Instant(nanoseconds: client.world.now.nanoseconds + 20_000))
        guard due < wakeScheduled else { return }
        wakeScheduled = due
        client.world.schedule(at: due) { [weak self] in
            guard let self, wakeScheduled == due, !isEnded else { return }
            wakeScheduled = .distantFuture
            guard machine.nextDeadline <= client.world.now else { return arm() }
            if spin.woke(at: client.world.now) {
                client.world.violated("spin", "a \(M.self) of \(client.name) is woken again and again")
            }
            step { $0.tick(now: $1) }
        }
    }
}
