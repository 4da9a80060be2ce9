import Broker
import Controller
import Primitives
import Records
import Storage
import Wire

/// What a broker's process holds, and what is gone with it.
final class ProcessMemory {
    var broker: Broker
    init(_ broker: Broker) { self.broker = broker }
}

/// One machine with a disk and, while it runs, a broker's process on it.
///
/// States: down → running (`start`) → down (`stop`, `kill`, `cutPower`); running ↔ paused. Owner: its world. Invariants: (1) the disk
/// outlives the process; (2) nothing of an earlier process reaches a later one: everything that is on its way carries the process's
/// number; (3) while the process is paused or waits for its disk, events wait in their order.
package final class SimulatedNode {
    unowned let world: World
    package let id: BrokerID
    package let host: HostID
    package var config: BrokerConfig
    package let disk = SimulatedDisk()
    private(set) var memory: ProcessMemory?
    /// A copy of all of it, which is not free: what looks after every event looks into `memory`.
    package var broker: Broker? { memory?.broker }
    /// Counts starts.
    package private(set) var process = 0
    package private(set) var isPaused = false
    package private(set) var hasPower = true
    /// It has been asked to stop, and hands over what it leads.
    package private(set) var isStopping = false
    /// Its client listeners are open.
    package private(set) var isReady = false
    /// Why the last start failed.
    package private(set) var startError: String?
    /// Milliseconds this machine's wall clock is ahead.
    package var wallSkew: Int64 = 0
    /// The broker's thread waits for the disk until then.
    private(set) var busyUntil = Instant.zero
    private var serverSide: ServerSide
    private var peerSide: PeerSide
    private var inbox: [BrokerEvent] = []
    private var wakeScheduled = Instant.distantFuture
    private var isDraining = false
    private var awaitsTurnEnd = false
    private var spin = SpinWatch()
    package private(set) var lines: [String] = []

    init(_ id: BrokerID, world: World, config: BrokerConfig) {
        self.id = id
        self.world = world
        self.config = config
        host = HostID(id)
        serverSide = ServerSide()
        peerSide = PeerSide()
        format()
    }

    package var isRunning: Bool { memory != nil }
    package var now: Now {
        // Each machine's monotonic clock begins somewhere else, so that nobody compares them.
        Now(
            instant: Instant(nanoseconds: world.now.nanoseconds + Int64(id.rawValue) * 7_000_000_000),
            wall: Timestamp(milliseconds: World.wallStart + world.now.nanoseconds / 1_000_000 + wallSkew))
    }
    private func worldTime(_ own: Instant) -> Instant {
        own == .distantFuture ? own : Instant(nanoseconds: own.nanoseconds - Int64(id.rawValue) * 7_000_000_000)
    }

    /// Writes what `storage format` writes.
    package func format() {
        let meta = MetaProperties(clusterID: world.clusterID, nodeID: id, directoryID: UUID.random(&world.random))
        disk.put("\(ClusterLayout.dataDirectory)/meta.properties", meta.text)
    }

    // MARK: The process

    package func start() {
        guard memory == nil else { return }
        process += 1
        hasPower = true
        world.network.setDark(host, false)
        (startError, isReady, isPaused, inbox, wakeScheduled) = (nil, false, false, [], .distantFuture)
        awaitsTurnEnd = false
        serverSide = ServerSide(self)
        peerSide = PeerSide(self)
        disk.cost = 0
        mix(1, UInt64(process))
        world.trace.note(world, "\(host)", "starts (process \(process))")
        var broker = Broker(
            config: config, disk: disk, codecs: .uncompressed, seed: world.random.next(), now: now, mutations: world.mutations)
        // Every other process, so that each cluster has nodes of both kinds.
        broker.gathersAppends = (process + Int(id.rawValue)) % 2 == 0
        do throws(BrokerStartError) {
            let effects = try broker.start(now: now)
            memory = ProcessMemory(broker)
            payForDisk()
            run(effects)
            touched()
        } catch {
            startError = "\(error)"
            world.trace.note(world, "\(host)", "cannot start: \(error)")
        }
    }

    /// A clean stop by the operator's hand: the broker hands over what it leads, for at most so long, and then ends.
    package func stop(within milliseconds: Int64 = 10_000) {
        guard memory != nil, !isStopping else { return }
        mix(2)
        world.trace.note(world, "\(host)", "is asked to stop")
        guard isReady else { return finishStop() }
        isStopping = true
        let current = process
        world.after(milliseconds: milliseconds) { [self] in if process == current { finishStop() } }
        handle(.stopRequested)
    }

    private func finishStop() {
        guard let effects = memory?.broker.stop(now: now) else { return }
        world.trace.note(world, "\(host)", "stops")
        run(effects)
        end(silently: false)
    }

    /// kill -9: the process is gone, the machine and what it wrote are not.
    package func kill() {
        guard memory != nil else { return }
        mix(3)
        world.trace.note(world, "\(host)", "is killed")
        end(silently: false)
    }

    /// The machine loses its power, with whatever its disk had not made durable.
    package func cutPower(_ how: SimulatedDisk.PowerCut = SimulatedDisk.PowerCut()) {
        var random = PRNG(seed: world.random.next())
        mix(4)
        world.trace.note(world, "\(host)", "loses power")
        end(silently: true)
        hasPower = false
        world.network.setDark(host, true)
        disk.cutPower(how, &random)
    }

    private func end(silently: Bool) {
        memory = nil
        isReady = false
        isPaused = false
        isStopping = false
        inbox = []
        serverSide.end(silently: silently)
        peerSide.end(silently: silently)
        world.processEnded(on: host)
    }

    /// SIGSTOP: the kernel goes on, the process does not.
    package func pause() {
        guard memory != nil, !isPaused else { return }
        mix(5)
        world.trace.note(world, "\(host)", "is paused")
        isPaused = true
    }

    package func resume() {
        guard memory != nil, isPaused else { return }
        mix(6)
        world.trace.note(world, "\(host)", "resumes")
        isPaused = false
        handle(.ticked)
    }

    // MARK: Events and effects

    func handle(_ event: BrokerEvent) {
        guard memory != nil else { return }
        inbox.append(event)
        drain()
    }

    /// Hands the broker an event that was caused by itself, once it has done what it is doing.
    func later(_ event: BrokerEvent) {
        let current = process
        world.schedule(at: world.now) { [self] in if process == current { handle(event) } }
    }

    /// Handles what waits, unless the process is paused or waits for its disk.
    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        defer { isDraining = false }
        var next = 0
        while next < inbox.count, memory != nil, !isPaused {
            if busyUntil > world.now {
                inbox.removeFirst(next)
                let current = process
                world.schedule(at: busyUntil) { [self] in if process == current { drain() } }
                return
            }
            let event = inbox[next]
            next += 1
            process(event)
        }
        inbox.removeFirst(min(next, inbox.count))
        arm()
    }

    private func process(_ event: BrokerEvent) {
        disk.cost = 0
        mix(7, digest(event))
        let effects = memory!.broker.handle(event, now: now)
        payForDisk()
        run(effects)
        touched()
        if memory?.broker.hasWoken == true, !awaitsTurnEnd { endTurnSoon() }
    }

    /// A turn ends when the host has nothing more at hand: at once, or behind what comes within the next tenth of a millisecond.
    private func endTurnSoon() {
        awaitsTurnEnd = true
        let current = process
        world.schedule(at: Instant(nanoseconds: world.now.nanoseconds + Int64(world.random.below(100_000)))) { [self] in
            guard process == current else { return }
            awaitsTurnEnd = false
            handle(.turnEnded)
        }
    }

    private func payForDisk() {
        let cost = disk.cost
        disk.cost = 0
        if cost > 0 { busyUntil = max(busyUntil, Instant(nanoseconds: world.now.nanoseconds + cost)) }
    }

    private func touched() { if memory != nil { world.afterEvent?(self) } }

    private func run(_ effects: [BrokerEffect]) {
        for effect in effects {
            switch effect {
            case .send(let connection, let frame, let slices): serverSide.send(connection, frame, slices)
            case .farewell(let connection, let frame):
                serverSide.send(connection, frame, [])
                serverSide.close(connection)
            // Simulated clients do not log in.
            case .framing: break
            case .proceed(let connection): serverSide.proceed(connection)
            case .readAhead(let connection): serverSide.readAhead(connection)
            // Simulated clusters have no quotas.
            case .mute: break
            case .close(let connection, let reason):
                world.trace.note(world, "\(host)", "closes a connection: \(reason)")
                serverSide.close(connection)
            case .sync(let token, let job): sync(token, job)
            case .clean(let token, let job): clean(token, job)
            case .writeBack(let jobs): writeBack(jobs)
            case .event(let event): world.trace.note(world, "\(host)", "* \(event.kind)")
            case .log(let line): log(line)
            case .ask(let request, let address, let lane, let frame): peerSide.ask(request, address, lane, frame)
            case .abandon(let request): peerSide.abandon(request)
            case .ready:
                isReady = true
                world.trace.note(world, "\(host)", "is ready")
            case .mayStop: finishStop()
            }
        }
        arm()
    }

    private func log(_ line: String) {
        world.trace.note(world, "\(host)", "log: \(line)")
        lines.append(line)
        if lines.count > 1000 { lines.removeFirst(500) }
    }

    private func sync(_ token: SyncToken, _ job: PartitionLog.SyncJob) {
        let current = process
        let latency = disk.syncCost + Int64(world.random.below(Int(disk.syncCost) + 1))
        world.schedule(at: Instant(nanoseconds: world.now.nanoseconds + latency)) { [self] in
            guard process == current, memory != nil else { return }
            let before = disk.cost
            var failure: DiskError?
            do throws(DiskError) { try job.run() } catch { failure = error }
            disk.cost = before
            handle(.synced(token, error: failure))
        }
    }

    private func writeBack(_ jobs: [WriteBackJob]) {
        let current = process
        world.schedule(at: Instant(nanoseconds: world.now.nanoseconds + disk.syncCost)) { [self] in
            guard process == current, memory != nil else { return }
            for job in jobs { job.run() }
            handle(.wroteBack)
        }
    }

    /// Wakes the broker when it next has something to do.
    private func arm() {
        guard let memory, !isPaused else { return }
        // Never at once: a deadline that stays in the past must not keep time from passing.
        let soon = Instant(nanoseconds: world.now.nanoseconds + 20_000)
        let due = max(worldTime(memory.broker.nextDeadline), max(busyUntil, soon))
        guard due < wakeScheduled else { return }
        wakeScheduled = due
        let current = process
        world.schedule(at: due) { [self] in
            guard process == current, wakeScheduled == due else { return }
            wakeScheduled = .distantFuture
            guard !isPaused, self.memory === memory else { return }
            guard memory.broker.nextDeadline <= now.instant else { return arm() }
            handle(.ticked)
            guard spin.woke(at: world.now), let overdue = self.memory?.broker.overdue else { return }
            world.violated("spin", "broker \(id) is woken again and again by \(overdue)")
        }
    }

    func accept(_ connection: SimulatedConnection) -> (any ConnectionEnd)? {
        guard memory != nil else { return nil }
        let isController = connection.port == ClusterLayout.controllerPort
        guard isController ? config.isController : isReady && config.isBroker else { return nil }
        serverSide.adopt(connection, listener: isController ? "CONTROLLER" : "PLAINTEXT")
        return serverSide
    }

    // MARK: Trace

    private func mix(_ kind: UInt8, _ detail: UInt64 = 0) { world.trace.mix(world.now, host.rawValue, kind, detail) }

    private func digest(_ event: BrokerEvent) -> UInt64 {
        switch event {
        case .requestReceived(let context): UInt64(context.body.count) << 32 | UInt64(CRC32C.checksum(context.body))
        case .connectionClosed(let connection): 1 << 60 | connection.rawValue
        case .synced(let token, _): 2 << 60 | token.number
        case .cleaned(let token, _): 7 << 60 | token.number
        case .ticked: 3 << 60
        case .stopRequested: 6 << 60
        case .turnEnded: 8 << 60
        case .wroteBack: 9 << 60
        case .answered(let request, .success(let frame)): 4 << 60 | request.number << 32 | UInt64(CRC32C.checksum(frame))
        case .answered(let request, .failure): 5 << 60 | request.number
        }
    }
}
