import Broker
import Compression
import Controller
import Primitives
import Reactor
import Records
import Storage

/// Makes a broker and its host on the broker's loop.
struct BrokerStarter: Sendable {
    let config: BrokerConfig
    let disk: PosixDisk
    let loop: EventLoop
    let workers: WorkerPool
    let cleaners: WorkerPool
    let pace: CleaningPace
    let security: PeerSecurities
    let local: LocalNetwork?
    let onEvent: @Sendable (ClusterEvent) -> Void
    let log: @Sendable (String) -> Void

    /// Returns when the broker is ready to serve. Directory and logs are read on the calling thread: others may run on the loop.
    func start() -> Result<LoopBound<BrokerHost>, BrokerStartError> {
        let made = Made(
            Broker(config: config, disk: disk, codecs: .system, hashing: .system, seed: SystemClock.seed(), now: SystemClock.now()))
        do throws(BrokerStartError) {
            try made.start()
        } catch {
            return .failure(error)
        }
        return loop.call {
            let (broker, effects) = made.take()
            let host = BrokerHost(
                broker, loop: loop, workers: workers, cleaners: cleaners, pace: pace, security: security, local: local, faults: disk.faults,
                onEvent: onEvent, log: log)
            host.runStartup(effects)
            return .success(LoopBound(host, loop))
        }
    }
}

/// A broker on its way from the thread that made it to its loop's. One of the two has it, never both.
private final class Made: @unchecked Sendable {
    private var broker: Broker?
    private var effects: [BrokerEffect] = []

    init(_ broker: consuming Broker) { self.broker = broker }

    func start() throws(BrokerStartError) { effects = try broker?.start(now: SystemClock.now()) ?? [] }

    func take() -> (Broker, [BrokerEffect]) {
        guard let broker = broker.take() else { preconditionFailure("a broker is taken once") }
        return (broker, effects)
    }
}

/// Runs a `Broker` on its loop's thread: hands it events, runs its effects, wakes it when it is due. Owner: that thread.
final class BrokerHost {
    let loop: EventLoop
    private(set) var broker: Broker
    private let workers: WorkerPool
    /// Compaction has threads of its own, so that no sync waits for it.
    private let cleaners: WorkerPool
    private let pace: CleaningPace
    private let security: PeerSecurities
    private let local: LocalNetwork?
    private let onEvent: @Sendable (ClusterEvent) -> Void
    private let log: @Sendable (String) -> Void
    /// Where responses go; set before the first connection.
    var send: (BrokerEffect) -> Void = { _ in }
    /// The connections to other nodes.
    private(set) lazy var peers = PeerLinks(
        loop, workers: workers, security: security, local: local, frameBytesMax: BrokerHost.answerBytesMax, log: log
    ) { [unowned self] in handle(.answered($0, $1)) }
    /// Events that came while effects were being run. One call of `handle` ends before the next begins.
    private var inbox: [BrokerEvent] = []
    private var isRunning = false
    /// Nothing is handled until `release`.
    private var isHeld = false
    /// Nothing is handled until then: its disk is slow on purpose, and others run on this thread.
    private var waitsForDisk = false
    private var awaitsTurnEnd = false
    /// Made once: it is handed to the loop in almost every turn.
    private lazy var atTurnEnd: () -> Void = { [weak self] in self?.endTurn() }
    private let faults: DiskFaults?
    private var timer: TimerID?
    private var timerDeadline = Instant.distantFuture
    private var isReady = false
    private var onReady: () -> Void = {}
    private var onMayStop: () -> Void = {}
    private var onQuotas: (QuotaTable) -> Void = { _ in }
    private var quotasVersion = 0
    private var onSettings: (BrokerConfig) -> Void = { _ in }
    private var settingsVersion = 0

    /// What another node's answer may measure: replica.fetch.response.max.bytes and a batch of the largest size on top.
    private static let answerBytesMax = 256 << 20

    init(
        _ broker: Broker, loop: EventLoop, workers: WorkerPool, cleaners: WorkerPool, pace: CleaningPace, security: PeerSecurities,
        local: LocalNetwork?, faults: DiskFaults?, onEvent: @escaping @Sendable (ClusterEvent) -> Void,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.broker = broker
        self.loop = loop
        self.workers = workers
        self.cleaners = cleaners
        self.pace = pace
        self.security = security
        self.local = local
        self.faults = faults
        self.broker.gathersAppends = true
        self.onEvent = onEvent
        self.log = log
    }

    func handle(_ event: BrokerEvent) {
        guard !isRunning, mayRun, inbox.isEmpty else {
            inbox.append(event)
            if !isRunning, mayRun { drain(after: []) }
            return
        }
        isRunning = true
        handleOne(event)
        drain(after: [])
    }

    private var mayRun: Bool { !isHeld && !waitsForDisk }

    /// Nothing is handled any more until `release`, as if the process were stopped: what comes meanwhile waits.
    func hold() { isHeld = true }

    func release() {
        guard isHeld else { return }
        isHeld = false
        if !isRunning, mayRun { drain(after: []) }
    }

    /// Runs effects that did not come from an event: those of starting.
    func runStartup(_ effects: [BrokerEffect]) { drain(after: effects) }

    /// Hears of the quotas there are, at once and whenever they change.
    func whenQuotasChange(_ body: @escaping (QuotaTable) -> Void) {
        onQuotas = body
        body(broker.image.quotas)
    }

    /// Hears of this broker's settings as they are while it runs, at once and whenever they change.
    func whenSettingsChange(_ body: @escaping (BrokerConfig) -> Void) {
        onSettings = body
        body(broker.config)
    }

    private func drain(after effects: [BrokerEffect]) {
        isRunning = true
        run(effects)
        while !inbox.isEmpty, mayRun {
            let events = inbox
            inbox = []
            var next = 0
            while next < events.count, mayRun {
                handleOne(events[next])
                next += 1
            }
            if next < events.count { inbox.insert(contentsOf: events[next...], at: 0) }
        }
        isRunning = false
        if quotasVersion != broker.quotasVersion {
            quotasVersion = broker.quotasVersion
            onQuotas(broker.image.quotas)
        }
        if settingsVersion != broker.settingsVersion {
            settingsVersion = broker.settingsVersion
            onSettings(broker.config)
        }
        guard !awaitsTurnEnd else { return }
        awaitsTurnEnd = true
        loop.atTurnEnd(atTurnEnd)
    }

    /// What is cheaper done once for all that a turn has brought.
    private func endTurn() {
        awaitsTurnEnd = false
        guard !isRunning else { return }
        if broker.hasWoken, mayRun { handle(.turnEnded) } else { arm() }
    }

    private func handleOne(_ event: BrokerEvent) {
        guard broker.timesRequests, case .requestReceived(let context) = event else {
            return finish(broker.handle(event, now: SystemClock.now()))
        }
        let begun = SystemClock.now()
        finish(broker.handle(event, now: begun))
        broker.requestServed(context, nanoseconds: SystemClock.instant().nanoseconds - begun.instant.nanoseconds)
    }

    /// Carries out what an event has led to, when the disk has had its time.
    private func finish(_ effects: [BrokerEffect]) {
        guard let owed = faults?.takeOwed(), owed > 0 else { return run(effects) }
        waitsForDisk = true
        loop.schedule(at: SystemClock.instant().adding(milliseconds: owed)) { [weak self] in
            guard let self, waitsForDisk else { return }
            waitsForDisk = false
            drain(after: effects)
        }
    }

    /// What the broker knows of these connections beside what their sockets tell.
    func completed(_ rows: [ClientConnection]) -> [ClientConnection] {
        rows.map { row in
            var row = row
            let (note, principal) = broker.account(of: ConnectionID(rawValue: row.number))
            row.broker = broker.brokerID
            if let principal { row.principal = principal }
            (row.softwareName, row.softwareVersion) = (note.softwareName, note.softwareVersion)
            (row.groups, row.transactionalIDs, row.producerIDs) = (note.groups, note.transactionalIDs, note.producerIDs)
            row.isNode = broker.isNode(listener: row.listener, clientID: row.clientID)
            return row
        }
    }

    /// Calls `body` when clients may come in, perhaps at once.
    func whenReady(_ body: @escaping () -> Void) {
        if isReady { body() } else { onReady = body }
    }

    /// Asks the broker to hand over what it leads; `body` is called when it has. A broker that was never ready leads nothing.
    func requestStop(_ body: @escaping () -> Void) {
        guard isReady else { return body() }
        onMayStop = body
        handle(.stopRequested)
    }

    /// Writes what a clean stop leaves behind. The loop ends after it.
    func stop() {
        isRunning = true
        run(broker.stop(now: SystemClock.now()))
        halt()
    }

    /// Nothing more is done, as if the process were gone.
    func halt() {
        if let timer { loop.cancel(timer) }
        timer = nil
        waitsForDisk = false
        send = { _ in }
        isRunning = true
        peers.close()
    }

    private func run(_ effects: [BrokerEffect]) {
        for effect in effects {
            switch effect {
            case .send, .proceed, .readAhead, .mute, .close, .farewell, .framing: send(effect)
            case .sync(let token, let job): sync(token, job)
            case .clean(let token, let job): clean(token, job)
            case .writeBack(let jobs): writeBack(jobs)
            case .ask(let id, let address, let lane, let frame): peers.ask(id, address, lane, frame)
            case .abandon(let id): peers.abandon(id)
            case .ready: becameReady()
            case .mayStop: onMayStop()
            case .event(let event): onEvent(event)
            case .log(let line): log(line)
            }
        }
    }

    private func becameReady() {
        isReady = true
        let tell = onReady
        onReady = {}
        tell()
    }

    private func sync(_ token: SyncToken, _ job: PartitionLog.SyncJob) {
        let host = LoopBound(self, loop)
        let loop = loop
        // A log asks for one sync at a time: they are never many more than the logs. Where the workers have ended, so does the broker, and
        // makes everything durable itself (`stop`); an error would be taken for the disk's, and the stop would be an unclean one.
        workers.submit(isBounded: false) {
            let error: DiskError?
            do throws(DiskError) {
                try job.run()
                error = nil
            } catch let failure {
                error = failure
            }
            loop.post { host.value.handle(.synced(token, error: error)) }
        }
    }

    private func clean(_ token: CleaningToken, _ job: CleaningJob) {
        let host = LoopBound(self, loop)
        let (loop, pace) = (loop, pace)
        pace.setLimit(job.bytesPerSecondMax)
        let accepted = cleaners.submit {
            let outcome = job.run.step { pace.take($0) }
            loop.post { host.value.handle(.cleaned(token, outcome)) }
        }
        if !accepted { handle(.cleaned(token, .cancelled)) }
    }

    private func writeBack(_ jobs: [WriteBackJob]) {
        let host = LoopBound(self, loop)
        let loop = loop
        let accepted = workers.submit {
            for job in jobs { job.run() }
            loop.post { host.value.handle(.wroteBack) }
        }
        if !accepted { handle(.wroteBack) }
    }

    private func arm() {
        let deadline = broker.nextDeadline
        guard deadline != timerDeadline || timer == nil else { return }
        // A timer that fires early finds nothing due and arms the right one; only an earlier deadline needs a new one now.
        if timer != nil, deadline > timerDeadline { return }
        if let timer { loop.cancel(timer) }
        timer = nil
        timerDeadline = deadline
        guard deadline != .distantFuture else { return }
        timer = loop.schedule(at: deadline) { [weak self] in
            guard let self else { return }
            timer = nil
            timerDeadline = .distantFuture
            handle(.ticked)
        }
    }
}
