import Client
import ClientCore
import Compression
import Console
import Observatory
import Payloads
import Primitives
import Reactor
import Records
import Synchronization

/// Plans that can be told something, by their tickets.
final class PlanRuns: Sendable {
    private let held = Mutex<[Int: HostedMachine<PlanRunner>]>([:])
    func withLock<Result: Sendable>(_ body: (inout sending [Int: HostedMachine<PlanRunner>]) -> sending Result) -> Result {
        held.withLock(body)
    }
}

/// A session's line to the cluster: the observer, plans, and the tail's reader, each on the client's own thread, all answering into the
/// mailbox. Owner: the UI thread.
final class SessionConnection: Sendable {
    private let client: ClusterClient
    private let addresses: [ServerAddress]
    private let observer: HostedMachine<Observer>
    private let mailbox: ConsoleMailbox
    let bootstrap: String
    private let generation: Int
    private let tail = Mutex<SessionTail?>(nil)
    let sending: SessionSending
    private let hasReadBack = Atomic(false)
    private let isStopped = Atomic(false)
    private let runs = PlanRuns()
    private let book: SchemaBook?
    private let masks: MessageMasks
    /// Nil where no registry is named.
    let schemas: SessionSchemas?
    /// Nil where no Connect is named.
    let connect: SessionConnect?

    init(
        _ entrance: ConsoleEntrance, _ mailbox: ConsoleMailbox, generation: Int, refreshMs: Int64, registry: SchemaRegistry? = nil,
        connect: ConnectAccess = ConnectAccess(), masks: MessageMasks, state: String, resolve: @escaping ContextResolver,
        tape: ClientTape? = nil
    ) {
        let addresses = entrance.addresses
        self.addresses = addresses
        client = ClusterClient(bootstrap: addresses, clientID: "kastellan-console", security: entrance.security, tape: tape)
        bootstrap = addresses.map(\.description).joined(separator: ",")
        self.mailbox = mailbox
        self.generation = generation
        self.masks = masks
        book = registry.map { SchemaAccess.book($0, waits: false) }
        schemas = registry.map { SessionSchemas($0, mailbox, generation: generation) }
        self.connect = connect.isEmpty ? nil : SessionConnect(connect, mailbox, generation: generation)
        sending = SessionSending(
            client, mailbox, bootstrap: addresses.map(\.description), generation: generation, masks: masks, state: state,
            resolve: resolve)
        observer = client.host(
            Observer(bootstrap: addresses.map(\.description), codecs: .system),
            output: { [generation] in mailbox.post(snapshot: $0, generation: generation) })
        observer.post(.interval(milliseconds: refreshMs))
    }

    /// What was set up in this cluster. Waits for it.
    func readSettings() throws(Failure) -> ClusterSettings { try SessionConnection.read(client, addresses) }

    func watch(_ interest: Interest) { observer.post(.interest(interest)) }
    func refresh() { observer.post(.refresh) }
    func ingest(_ events: [ClusterEvent]) { observer.post(.ingest(events)) }

    func recall(_ recollection: Recollection) { observer.post(.recall(recollection)) }

    /// Once, when the cluster has shown itself: what its groups have lived through before this console looked. `found` is called on
    /// another thread.
    func readBack(_ snapshot: ClusterSnapshot, found: @escaping @Sendable ([ClusterEvent]) -> Void) {
        guard snapshot.observations.groups.time != nil, snapshot.topic(GroupLog.topic) != nil,
            !hasReadBack.exchange(true, ordering: .relaxed)
        else { return }
        SessionThread.run { [weak self, client] in
            let reading = GroupLogReader.read(client, isWanted: { [weak self] in self?.isStopped.load(ordering: .relaxed) == false })
            guard let self, reading.log.records > 0 || reading.problem != nil else { return }
            var recollection = Recollection()
            recollection.told = reading.events(at: SystemClock.now().wall)
            recall(recollection)
            found(reading.log.events)
        }
    }

    func plan(_ ticket: Int, _ action: PlanAction) {
        if case .send(let job) = action { return sending.count(ticket, job) }
        if case .schema(let change) = action, let schemas { return schemas.plan(ticket, change) }
        if case .connect(let change) = action, let connect { return connect.plan(ticket, change) }
        if case .setCredential(let new) = action, !new.isSalted {
            // Stretching a password takes longer than a key may.
            return SessionThread.run { [self] in build(ticket, .setCredential(new.salted(freshSalt(), .system))) }
        }
        build(ticket, action)
    }

    private func build(_ ticket: Int, _ action: PlanAction) {
        let (mailbox, generation) = (mailbox, generation)
        _ = client.host(
            PlanBuilder(action, bootstrap: bootstrap), output: { mailbox.post(.from(generation, .planned(ticket: ticket, $0))) })
    }

    func run(_ ticket: Int, _ plan: Plan, gate: ChangeGate, audit: Audit, cluster: String?) {
        let (mailbox, generation) = (mailbox, generation)
        let observer = observer
        if case .schema = plan.action, let schemas {
            return schemas.run(ticket, plan, gate: gate, audit: audit, cluster: cluster) { SessionConnection.tell(observer, of: $0) }
        }
        if case .connect = plan.action, let connect {
            return connect.run(ticket, plan, gate: gate, audit: audit, cluster: cluster) { SessionConnection.tell(observer, of: $0) }
        }
        if case .send(let job) = plan.action {
            return sending.start(ticket, plan, job, gate: gate, audit: audit, cluster: cluster) { outcome in
                SessionConnection.tell(observer, of: outcome)
            }
        }
        if case .load(let job) = plan.action {
            return sending.load(ticket, plan, job, gate: gate, audit: audit, cluster: cluster) { outcome in
                SessionConnection.tell(observer, of: outcome)
            }
        }
        let line = AuditLine(audit, plan, cluster)
        let runs = runs
        let hosted = client.host(
            PlanRunner(plan, gate: gate),
            output: { progress in
                switch progress {
                case .step(let number, let count, let text):
                    line.begin { mailbox.post(.event(.notice(Notice(.warning, $0)))) }
                    mailbox.post(.from(generation, .planProgress(ticket: ticket, "Step \(number) of \(count): \(text)")))
                case .checking: mailbox.post(.from(generation, .planProgress(ticket: ticket, "Reading the cluster again.")))
                case .batch(let batch): mailbox.post(.from(generation, .batches(ticket: ticket, batch)))
                case .finished(let outcome):
                    line.end(outcome) { mailbox.post(.event(.notice(Notice(.warning, $0)))) }
                    mailbox.post(.from(generation, .planFinished(ticket: ticket, outcome)))
                    SessionConnection.tell(observer, of: outcome)
                }
            }, finished: { runs.withLock { $0[ticket] = nil } })
        if plan.isInBatches { runs.withLock { $0[ticket] = hosted } }
    }

    /// Tells a plan that is being carried out something; nothing where it has ended.
    func steer(_ ticket: Int, _ input: PlanInput) { runs.withLock { $0[ticket] }?.post(input) }

    /// What was done from here is on the timeline, and looked at again.
    private static func tell(_ observer: HostedMachine<Observer>, of outcome: PlanOutcome) {
        let done = ClusterEvent.Kind.ownAction(
            title: outcome.title, outcome: outcome.lines.first ?? "", isDone: outcome.verdict == .done)
        observer.post(.ingest([ClusterEvent(time: SystemClock.now().wall, kind: done)]))
        observer.post(.refresh)
    }

    // MARK: The tail

    func startTail(_ query: TailQuery) {
        // Whatever the screen asks for: required is required.
        let isMasked = !query.isUnmasked || masks.requiredBy != nil
        let fresh = SessionTail(query, client, mailbox, book, isMasked ? masks.book : .none)
        let old = tail.withLock { held in
            let before = held
            held = fresh
            return before
        }
        old?.stop()
    }

    func stopTail(_ session: Int) {
        let stopped = tail.withLock { held -> SessionTail? in
            guard held?.query.session == session else { return nil }
            let before = held
            held = nil
            return before
        }
        stopped?.stop()
    }

    func pauseTail(_ session: Int, _ isPaused: Bool) {
        let current = tail.withLock { $0 }
        if current?.query.session == session { current?.pause(isPaused) }
    }

    func filterTail(_ session: Int, _ filter: TailFilter) {
        let current = tail.withLock { $0 }
        if current?.query.session == session { current?.filter(filter) }
    }

    func readTail(_ session: Int, _ format: PayloadFormat) {
        let current = tail.withLock { $0 }
        if current?.query.session == session { current?.read(as: format) }
    }

    /// What the tail has brought since last asked; nil where nothing.
    func takeTail() -> TailUpdate? { tail.withLock { $0 }?.take() }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        tail.withLock { $0 }?.stop()
        sending.stop()
        client.stop()
    }
}
