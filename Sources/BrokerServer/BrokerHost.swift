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
    let disk: any Disk
    let loop: EventLoop
    let workers: WorkerPool
    let onEvent: @Sendable (ClusterEvent) -> Void
    let log: @Sendable (String) -> Void

    /// Returns when the broker is ready to serve.
    func start() -> Result<LoopBound<BrokerHost>, BrokerStartError> {
        loop.call {
            var broker = Broker(config: config, disk: disk, codecs: .system, seed: SystemClock.seed(), now: SystemClock.now())
            do throws(BrokerStartError) {
                let effects = try broker.start(now: SystemClock.now())
                let host = BrokerHost(broker, loop: loop, workers: workers, onEvent: onEvent, log: log)
                host.runStartup(effects)
                return .success(LoopBound(host, loop))
            } catch {
                return .failure(error)
            }
        }
    }
}

/// Runs a `Broker` on its loop's thread: hands it events, runs its effects, wakes it when it is due. Owner: that thread.
final class BrokerHost {
    let loop: EventLoop
    private(set) var broker: Broker
    private let workers: WorkerPool
    private let onEvent: @Sendable (ClusterEvent) -> Void
    private let log: @Sendable (String) -> Void
    /// Where responses go; set before the first connection.
    var send: (BrokerEffect) -> Void = { _ in }
    /// Events that came while effects were being run. One call of `handle` ends before the next begins.
    private var inbox: [BrokerEvent] = []
    private var isRunning = false
    private var timer: TimerID?
    private var timerDeadline = Instant.distantFuture

    init(
        _ broker: Broker, loop: EventLoop, workers: WorkerPool, onEvent: @escaping @Sendable (ClusterEvent) -> Void,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.broker = broker
        self.loop = loop
        self.workers = workers
        self.onEvent = onEvent
        self.log = log
    }

    func handle(_ event: BrokerEvent) {
        inbox.append(event)
        guard !isRunning else { return }
        isRunning = true
        while !inbox.isEmpty {
            let events = inbox
            inbox = []
            for event in events { run(broker.handle(event, now: SystemClock.now())) }
        }
        isRunning = false
        arm()
    }

    /// Runs effects that did not come from an event: those of starting.
    func runStartup(_ effects: [BrokerEffect]) {
        run(effects)
        arm()
    }

    /// Writes what a clean stop leaves behind. The loop ends after it.
    func stop() {
        if let timer { loop.cancel(timer) }
        timer = nil
        run(broker.stop(now: SystemClock.now()))
        send = { _ in }
        isRunning = true
    }

    private func run(_ effects: [BrokerEffect]) {
        for effect in effects {
            switch effect {
            case .send, .proceed, .close: send(effect)
            case .sync(let token, let job): sync(token, job)
            // A single broker has nobody to ask.
            case .ask, .abandon, .ready, .mayStop: break
            case .event(let event): onEvent(event)
            case .log(let line): log(line)
            }
        }
    }

    private func sync(_ token: SyncToken, _ job: PartitionLog.SyncJob) {
        let host = LoopBound(self, loop)
        let loop = loop
        let accepted = workers.submit {
            let error: DiskError?
            do throws(DiskError) {
                try job.run()
                error = nil
            } catch let failure {
                error = failure
            }
            loop.post { host.value.handle(.synced(token, error: error)) }
        }
        if !accepted { handle(.synced(token, error: .failed("too many syncs wait for the disk"))) }
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
