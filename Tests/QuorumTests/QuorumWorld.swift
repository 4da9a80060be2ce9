import Primitives
import Quorum

/// One record of the metadata log, as the checks know it: who wrote it, and what.
struct WorldRecord: Equatable {
    var epoch: LeaderEpoch
    var value: Int
}

/// What a node of the world keeps on its disk, and its machine while it runs.
struct WorldNode {
    let id: BrokerID
    var machine: QuorumMachine?
    var isPaused = false
    // The disk.
    var state = QuorumState()
    var logStart: Offset = 0
    var records: [WorldRecord] = []
    var syncedEnd: Offset = 0
    var snapshot: SnapshotID?
    // While it runs.
    var syncGeneration = 0
    var isSyncing = false
    var fetched: [WorldRecord] = []
    var lastWatermark: Offset = 0
    var leadsAs: LeaderEpoch?
    /// When it is next woken for its deadline.
    var wakesAt = Instant.zero

    var logEnd: Offset { logStart + Int64(records.count) }
    func record(_ offset: Offset) -> WorldRecord? {
        offset >= logStart && offset < logEnd ? records[Int(offset - logStart)] : nil
    }

    /// The log as a machine is told of it when it starts.
    var log: QuorumLog {
        var epochs: [QuorumLog.EpochStart] = []
        for (index, record) in records.enumerated() where epochs.last?.epoch != record.epoch {
            epochs.append(QuorumLog.EpochStart(epoch: record.epoch, startOffset: logStart + Int64(index)))
        }
        return QuorumLog(
            startOffset: logStart, startEpoch: snapshot.flatMap { $0.endOffset == logStart ? $0.epoch : nil } ?? startEpoch,
            endOffset: logEnd, syncedOffset: syncedEnd, epochs: epochs)
    }
    /// Of the record before `logStart`, as the snapshot before the newest one says.
    var startEpoch: LeaderEpoch = 0
}

/// Nodes of one quorum under a clock, a network and disks that are ruled by a seed, with every rule of the quorum checked after every
/// step. Faults: lost connections, silence in one or both directions, pauses, crashes of the process and of the machine, effects cut short.
final class QuorumWorld {
    enum Action {
        case requestArrives(Int)
        case answerArrives(Int, QuorumAnswer, [WorldRecord])
        case requestFails(Int, QuorumFailure)
        case synced(BrokerID, generation: Int, through: Offset)
        case snapshotArrives(BrokerID, SnapshotID, isWhole: Bool)
        case wake(BrokerID)
        case run(@Sendable (QuorumWorld) -> Void)
    }
    struct Scheduled: Comparable {
        let at: Instant
        let number: Int
        let action: Action
        static func < (a: Scheduled, b: Scheduled) -> Bool { a.at == b.at ? a.number < b.number : a.at < b.at }
        static func == (a: Scheduled, b: Scheduled) -> Bool { a.number == b.number }
    }
    struct Call {
        let request: QuorumRequest
        let from: BrokerID
        let to: BrokerID
        /// Of the asker and of the asked: an answer to an earlier life is lost.
        let life: Int
        var answererLife = -1
        var isDone = false
    }
    struct Options {
        var voters = 3
        var observers = 1
        var faults = true
        var mutations: Mutations = []
        var snapshots = true
    }

    var options: Options
    var random: PRNG
    var now = Instant.zero
    private var queue = Heap<Scheduled>()
    private var scheduled = 0
    var nodes: OrderedMap<BrokerID, WorldNode> = OrderedMap()
    private var lives: OrderedMap<BrokerID, Int> = OrderedMap()
    private(set) var calls: [Call] = []
    /// Directions in which nothing passes.
    var cut: OrderedMap<BrokerID, [BrokerID]> = OrderedMap()
    /// All that was ever committed, in order.
    private(set) var committed: [WorldRecord] = []
    private var leaders: OrderedMap<LeaderEpoch, BrokerID> = OrderedMap()
    private var votes: OrderedMap<BrokerID, OrderedMap<LeaderEpoch, BrokerID>> = OrderedMap()
    private(set) var violations: [String] = []
    private(set) var hash: UInt64 = 14_695_981_039_346_656_037
    private(set) var elections = 0
    private(set) var snapshotsInstalled = 0
    private(set) var truncations = 0
    private var lastValue = 0

    init(seed: UInt64, _ options: Options = Options()) {
        self.options = options
        random = PRNG(seed: seed)
        for number in 1...(options.voters + options.observers) {
            let id = BrokerID(Int32(number))
            nodes[id] = WorldNode(id: id)
            lives[id] = 0
        }
        for id in nodes.keys { start(id) }
    }

    var voters: [BrokerID] { (1...options.voters).map { BrokerID(Int32($0)) } }
    var isHealthy: Bool { nodes.values.allSatisfy { $0.machine != nil && !$0.isPaused } && cut.isEmpty }
    func node(_ id: BrokerID) -> WorldNode { nodes[id]! }

    // MARK: time

    func after(_ milliseconds: Int64, _ action: Action) {
        scheduled += 1
        queue.push(Scheduled(at: now.adding(milliseconds: milliseconds), number: scheduled, action: action))
    }

    /// Runs until so many milliseconds have passed, or something is wrong.
    func run(milliseconds: Int64) {
        let end = now.adding(milliseconds: milliseconds)
        while violations.isEmpty, let next = queue.first, next.at <= end {
            _ = queue.pop()
            now = next.at
            perform(next.action)
        }
        now = max(now, end)
    }

    /// Runs until `condition` holds; false where that was not so within the time.
    func run(until condition: (QuorumWorld) -> Bool, milliseconds: Int64) -> Bool {
        let end = now.adding(milliseconds: milliseconds)
        while violations.isEmpty, !condition(self), let next = queue.first, next.at <= end {
            _ = queue.pop()
            now = next.at
            perform(next.action)
        }
        return violations.isEmpty && condition(self)
    }

    private func perform(_ action: Action) {
        switch action {
        case .wake(let id):
            if node(id).wakesAt <= now { handle(id, .ticked) }
        case .synced(let id, let generation, let through):
            guard nodes[id]?.machine != nil, node(id).syncGeneration == generation else { return }
            nodes.update(id) {
                $0.isSyncing = false
                $0.syncedEnd = max($0.syncedEnd, through)
            }
            handle(id, .synced(through: through))
            if node(id).machine != nil, node(id).syncedEnd < node(id).logEnd { sync(id) }
        case .requestArrives(let number): arrive(number)
        case .answerArrives(let number, let answer, let records): answerArrives(number, answer, records)
        case .requestFails(let number, let failure): fail(number, failure)
        case .snapshotArrives(let id, let snapshot, let isWhole):
            guard nodes[id]?.machine != nil else { return }
            handle(id, isWhole ? .snapshotCame(snapshot) : .snapshotFailed(snapshot))
        case .run(let body): body(self)
        }
    }

    // MARK: nodes

    func start(_ id: BrokerID) {
        guard let present = nodes[id], present.machine == nil else { return }
        lives[id, default: 0] += 1
        var config = QuorumConfig(nodeID: id, voters: voters, electionTimeoutMs: 100, fetchTimeoutMs: 300, electionBackoffMaxMs: 100)
        config.mutations = options.mutations
        let machine = QuorumMachine(
            config: config, state: present.state, log: present.log, snapshot: present.snapshot, random: PRNG(seed: random.next()))
        nodes.update(id) {
            $0.machine = machine
            $0.isSyncing = false
            $0.syncGeneration += 1
            $0.lastWatermark = 0
            $0.leadsAs = nil
        }
        handle(id, .started)
    }

    /// The process dies. With its machine, what was not durable is gone too, from some record on.
    func crash(_ id: BrokerID, losesPower: Bool) {
        guard nodes[id]?.machine != nil else { return }
        let lost = losesPower ? random.below(Int(node(id).logEnd - node(id).syncedEnd) + 1) : 0
        nodes.update(id) {
            $0.machine = nil
            $0.isPaused = false
            $0.records.removeLast(lost)
            $0.syncGeneration += 1
        }
        for number in calls.indices where !calls[number].isDone && calls[number].to == id && calls[number].answererLife >= 0 {
            after(Int64(random.below(3)), .requestFails(number, .broken))
        }
    }

    func handle(_ id: BrokerID, _ event: QuorumEvent) {
        guard let present = nodes[id], present.machine != nil else { return }
        if present.isPaused {
            let later = event
            return after(5, .run { world in world.handle(id, later) })
        }
        // Taken out while it runs: a copy of its lists would be made otherwise.
        var machine = present.machine!
        let effects = machine.handle(event, now: Now(instant: now, wall: 0))
        nodes.update(id) { $0.machine = machine }
        mix(UInt64(UInt32(bitPattern: id.rawValue)), UInt64(machine.leaderEpoch.rawValue), UInt64(machine.highWatermark.rawValue))
        let stopsAfter = options.faults && random.oneIn(2000) ? random.below(effects.count + 1) : .max
        for (index, effect) in effects.enumerated() {
            guard index < stopsAfter else {
                crash(id, losesPower: random.oneIn(2))
                return after(Int64(10 + random.below(500)), .run { $0.start(id) })
            }
            perform(effect, at: id)
            guard node(id).machine != nil else { return }
        }
        check(id)
        guard var machine = node(id).machine else { return }
        let deadline = machine.nextDeadline
        let wakesAt = node(id).wakesAt
        guard deadline < .distantFuture, wakesAt <= now || deadline < wakesAt else { return }
        let wait = max(0, deadline.milliseconds(since: now)) + 1
        nodes.update(id) { $0.wakesAt = now.adding(milliseconds: wait) }
        after(wait, .wake(id))
    }

    private func mix(_ values: UInt64...) {
        for value in values + [UInt64(now.nanoseconds)] { hash = (hash ^ value) &* 1_099_511_628_211 }
    }

    func sync(_ id: BrokerID) {
        guard !node(id).isSyncing, node(id).syncedEnd < node(id).logEnd else { return }
        nodes.update(id) { $0.isSyncing = true }
        after(Int64(random.below(6)), .synced(id, generation: node(id).syncGeneration, through: node(id).logEnd))
    }

    private func perform(_ effect: QuorumEffect, at id: BrokerID) {
        switch effect {
        case .writeState(let state): nodes.update(id) { $0.state = state }
        case .appendLeaderChange(let at, let epoch, _):
            expect(at == node(id).logEnd, "\(id) opens its epoch at its log's end")
            nodes.update(id) { $0.records.append(WorldRecord(epoch: epoch, value: -1)) }
        case .appendFetched: appendFetched(id)
        case .truncate(let offset):
            truncations += 1
            nodes.update(id) {
                $0.records.removeLast(Int($0.logEnd - offset))
                $0.syncedEnd = min($0.syncedEnd, offset)
                $0.syncGeneration += 1
                $0.isSyncing = false
            }
        case .sync: sync(id)
        case .commit(let through): commit(id, through)
        case .becameLeader(let epoch, _): becameLeader(id, epoch)
        case .resigned: nodes.update(id) { $0.leadsAs = nil }
        case .leaderChanged: break
        case .request(let request, let peer): send(request, from: id, to: peer)
        case .respond(let answer, let ticket): respond(answer, [], ticket)
        case .respondRecords(let answer, let from, let ticket): respondRecords(answer, from, ticket, at: id)
        case .fetchSnapshot(let snapshot, _):
            after(Int64(5 + random.below(30)), .snapshotArrives(id, snapshot, isWhole: !(options.faults && random.oneIn(3))))
        case .installSnapshot(let snapshot):
            snapshotsInstalled += 1
            nodes.update(id) {
                $0.snapshot = snapshot
                ($0.logStart, $0.records, $0.syncedEnd, $0.startEpoch) = (snapshot.endOffset, [], snapshot.endOffset, snapshot.epoch)
                $0.syncGeneration += 1
                $0.isSyncing = false
            }
        case .contradicted(let text): expect(false, "\(id): \(text)")
        }
    }

    private func appendFetched(_ id: BrokerID) {
        guard !(options.faults && random.oneIn(200)) else { return handle(id, .appended([])) }
        let fetched = node(id).fetched
        nodes.update(id) { $0.records += fetched }
        handle(id, .appended(runs(fetched)))
    }

    private func runs(_ records: [WorldRecord]) -> [EpochRun] {
        var runs: [EpochRun] = []
        for record in records {
            let isSame = runs.last?.epoch == record.epoch
            if isSame { runs[runs.count - 1].count += 1 } else { runs.append(EpochRun(epoch: record.epoch, count: 1)) }
        }
        return runs
    }

    // MARK: the network

    private func send(_ request: QuorumRequest, from: BrokerID, to: BrokerID) {
        let number = calls.count
        calls.append(Call(request: request, from: from, to: to, life: lives[from]!))
        after(600, .requestFails(number, .timedOut))
        guard cut[from]?.contains(to) != true, !(options.faults && random.oneIn(300)) else { return }
        after(Int64(random.below(4)), .requestArrives(number))
    }

    private func arrive(_ number: Int) {
        let call = calls[number]
        guard node(call.to).machine != nil else { return after(1, .requestFails(number, .broken)) }
        calls[number].answererLife = lives[call.to]!
        handle(call.to, .requested(call.request, from: call.from, ticket: QuorumTicket(number: UInt64(number))))
    }

    private func respond(_ answer: QuorumAnswer, _ records: [WorldRecord], _ ticket: QuorumTicket) {
        let number = Int(ticket.number)
        let call = calls[number]
        if case .vote(let epoch, let candidate, _, false) = call.request, case .vote(isGranted: true) = answer.content {
            let before = votes[call.to]?[epoch]
            expect(before == nil || before == candidate, "\(call.to) votes twice in epoch \(epoch)")
            votes[call.to, default: OrderedMap()][epoch] = candidate
        }
        guard cut[call.to]?.contains(call.from) != true, !(options.faults && random.oneIn(300)) else { return }
        after(Int64(random.below(4)), .answerArrives(number, answer, records))
    }

    private func respondRecords(_ answer: QuorumAnswer, _ from: Offset, _ ticket: QuorumTicket, at id: BrokerID) {
        guard case .fetch(.records(_, let watermark)) = answer.content else { return expect(false, "records answer a fetch") }
        let start = Int(from - node(id).logStart)
        let count = min(1 + random.below(20), node(id).records.count - start)
        let records = Array(node(id).records[start..<(start + count)])
        let full = QuorumAnswer(epoch: answer.epoch, leader: answer.leader, .fetch(.records(runs: runs(records), highWatermark: watermark)))
        respond(full, records, ticket)
    }

    private func answerArrives(_ number: Int, _ answer: QuorumAnswer, _ records: [WorldRecord]) {
        let call = calls[number]
        guard !call.isDone, lives[call.from] == call.life, node(call.from).machine != nil else { return }
        guard !node(call.from).isPaused else { return after(5, .answerArrives(number, answer, records)) }
        calls[number].isDone = true
        nodes.update(call.from) { $0.fetched = records }
        handle(call.from, .answered(answer, to: call.request, from: call.to))
    }

    private func fail(_ number: Int, _ failure: QuorumFailure) {
        let call = calls[number]
        guard !call.isDone, lives[call.from] == call.life, node(call.from).machine != nil else { return }
        calls[number].isDone = true
        handle(call.from, .failed(call.request, to: call.to, failure))
    }

    // MARK: work

    /// Proposes at whoever leads. Several leaders of different epochs may be at it.
    func propose(_ id: BrokerID, count: Int) {
        guard let machine = nodes[id]?.machine, machine.isLeader, !node(id).isPaused else { return }
        for _ in 0..<count {
            lastValue += 1
            let record = WorldRecord(epoch: machine.leaderEpoch, value: lastValue)
            nodes.update(id) { $0.records.append(record) }
        }
        handle(id, .proposed(count: count))
    }

    func takeSnapshot(_ id: BrokerID) {
        guard let machine = nodes[id]?.machine, !node(id).isPaused, machine.highWatermark > node(id).logStart + 2 else { return }
        let end = machine.highWatermark
        let snapshot = SnapshotID(endOffset: end, epoch: machine.log.epoch(before: end))
        // What lies before the snapshot before this one goes; sometimes all that this one tells.
        let start = random.oneIn(2) ? end : max(node(id).logStart, node(id).snapshot?.endOffset ?? 0)
        let startEpoch = machine.log.epoch(before: start)
        nodes.update(id) {
            $0.snapshot = snapshot
            $0.records.removeFirst(Int(start - $0.logStart))
            $0.logStart = start
            $0.startEpoch = startEpoch
            $0.syncedEnd = max($0.syncedEnd, start)
        }
        handle(id, .snapshotMade(snapshot, logStart: start))
    }

    // MARK: rules

    func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
        if !holds { violations.append("at \(now.nanoseconds / 1_000_000) ms: \(what())") }
    }

    private func becameLeader(_ id: BrokerID, _ epoch: LeaderEpoch) {
        elections += 1
        expect(leaders[epoch] == nil || leaders[epoch] == id, "epoch \(epoch) has two leaders, \(leaders[epoch] ?? .none) and \(id)")
        leaders[epoch] = id
        nodes.update(id) { $0.leadsAs = epoch }
        let end = Int(node(id).logEnd.rawValue)
        expect(end >= committed.count, "leader \(id) of epoch \(epoch) lacks what is committed: it ends at \(end) of \(committed.count)")
        for offset in Int(node(id).logStart.rawValue)..<max(min(end, committed.count), Int(node(id).logStart.rawValue)) {
            let isSame = node(id).record(Offset(Int64(offset))) == committed[offset]
            expect(isSame, "leader \(id) of epoch \(epoch) has another record at \(offset)")
        }
    }

    private func commit(_ id: BrokerID, _ through: Offset) {
        let present = node(id)
        expect(through <= present.logEnd, "\(id) commits beyond its log")
        let from = max(present.lastWatermark, present.logStart)
        for offset in from.rawValue..<max(through, from).rawValue {
            guard let record = present.record(Offset(offset)) else { continue }
            if Int(offset) < committed.count {
                expect(committed[Int(offset)] == record, "\(id) commits another record at \(offset)")
            } else {
                committed.append(record)
                let holders = voters.filter { holds($0, Offset(offset), record) }
                expect(holders.count > options.voters / 2, "\(id) commits \(offset), which only \(holders) hold durably")
            }
        }
        expect(Int(through.rawValue) <= committed.count, "\(id) commits \(through) of \(committed.count)")
        nodes.update(id) { $0.lastWatermark = max($0.lastWatermark, through) }
    }

    private func holds(_ id: BrokerID, _ offset: Offset, _ record: WorldRecord) -> Bool {
        let present = node(id)
        if offset < present.logStart { return true }
        return offset < present.syncedEnd && present.record(offset) == record
    }

    private func check(_ id: BrokerID) {
        let present = node(id)
        guard let machine = present.machine else { return }
        expect(machine.highWatermark >= present.lastWatermark, "the high watermark of \(id) went back")
        expect(machine.log.endOffset == present.logEnd, "\(id)'s machine and log agree on the end")
        expect(machine.log.startOffset == present.logStart, "\(id)'s machine and log agree on the start")
        let lastEpoch = present.records.last?.epoch ?? present.log.startEpoch
        expect(machine.log.lastEpoch == lastEpoch, "\(id)'s machine and log agree on the epoch")
        expect(machine.log.syncedOffset <= present.syncedEnd, "\(id)'s machine knows what is durable")
        expect(present.state.leaderEpoch == machine.leaderEpoch, "\(id)'s epoch is durable")
    }
}
