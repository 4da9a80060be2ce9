import ClientCore
import Primitives
import Records
import Wire

/// Books the transfers of one partition: reads them from where the last committed transaction ended, and writes both entries of each with
/// the new offset in one transaction, pausing between its steps. One process after another under the same transactional id.
final class Teller {
    /// One process.
    private final class Life {
        let client: SimulatedClient
        var producer: MachineRun<ProducerMachine>?
        var reader: MachineRun<TopicReaderMachine>?
        var waiting: [(offset: Offset, number: Int)] = []
        var taken: [(offset: Offset, number: Int)] = []
        var delivered: [(place: TopicPartition, offset: Offset, text: String)] = []
        var texts: [Int: String] = [:]
        var nextRecord = 0
        /// The transaction in the books.
        var attempt = -1
        /// What the transaction machine has been asked for last.
        var step = Step.initialising
        /// Counts steps: what was to be done after a pause is not done in another one.
        var turn = 0
        var isOver = false

        init(_ client: SimulatedClient) { self.client = client }
    }

    private enum Step {
        case initialising, idle, beginning, sending, ending, aborting

        /// Of the request whose outcome ends the step.
        var number: Int? {
            switch self {
            case .initialising: 0
            case .beginning: 1
            case .ending: 3
            case .aborting: 4
            case .idle, .sending: nil
            }
        }
    }

    private unowned let bank: Bank
    let partition: Int32
    let transactionalID: String
    private var random: PRNG
    private var life: Life?
    private var zombies: [Life] = []
    private var lives = 0
    /// Transfers that are booked, as the answered commits say.
    private(set) var position: Int64 = 0
    private(set) var commits = 0
    private(set) var aborts = 0

    init(_ bank: Bank, _ partition: Int32, seed: UInt64) {
        self.bank = bank
        self.partition = partition
        transactionalID = "bank-\(partition)"
        random = PRNG(seed: seed)
    }

    private var world: World { bank.world }
    private var source: TopicPartition { TopicPartition(BankPlan.transferTopic, partition) }
    /// Its present process has a transaction open, or waits for its end.
    var isInTransaction: Bool { life.map { $0.step == .sending || $0.step == .ending } ?? false }

    func start() {
        lives += 1
        let life = Life(world.addClient("teller\(partition).\(lives)"))
        self.life = life
        var options = ProducerOptions()
        options.seed = random.next()
        options.lingerMs = 0
        options.transactionalID = transactionalID
        options.transactionTimeoutMs = bank.plan.timeoutMs
        life.producer = life.client.host(ProducerMachine(options, codecs: .uncompressed)) { [unowned self, unowned life] output in
            told(output, life)
        }
        life.producer?.start()
        life.producer?.receive(.initTransactions(number: 0))
    }

    /// The process dies, or is only thought dead and goes on until it finds that it is fenced.
    func restart(leavingAZombie: Bool) {
        world.trace.note(world, "\(transactionalID)", leavingAZombie ? "is thought dead" : "dies")
        if let life {
            if leavingAZombie { zombies.append(life) } else { end(life) }
        }
        start()
    }

    func stop() {
        if let life { end(life) }
        for life in zombies { end(life) }
        (life, zombies) = (nil, [])
    }

    private func end(_ life: Life) {
        life.isOver = true
        life.producer?.end()
        life.reader?.end()
    }

    /// Does the next thing of a transaction, after a pause in which others may die; not where the process has meanwhile turned to
    /// something else.
    private func soon(_ life: Life, _ act: @escaping (Life) -> Void) {
        life.turn += 1
        let turn = life.turn
        world.after(milliseconds: Int64(random.below(bank.plan.pauseMsMax + 1))) { [weak life] in
            if let life, life.turn == turn, !life.isOver { act(life) }
        }
    }

    // MARK: One process

    private func told(_ output: ProducerOutput, _ life: Life) {
        guard !life.isOver else { return }
        switch output {
        case .delivered(let number, let place, let offset):
            if let text = life.texts[number] { life.delivered.append((place, offset, text)) }
        case .failed, .written, .lost, .topic: break
        case .transactionDone(let number): if number == life.step.number { advanced(life) }
        case .transactionFailed(_, let error, let isFatal):
            world.trace.note(world, life.client.name, "\(life.step) failed\(isFatal ? " for good" : ""): \(error)")
            if isFatal || life.step == .initialising || life.step == .aborting { return over(life) }
            if life.step == .ending || life.step == .sending || life.step == .beginning { abort(life) }
        }
    }

    /// A process that can do no more ends; where it was the present one, a supervisor starts another.
    private func over(_ life: Life) {
        end(life)
        zombies.removeAll { $0 === life }
        guard self.life === life else { return }
        self.life = nil
        world.after(milliseconds: 200) { [unowned self] in if self.life == nil, !bank.isClosed { start() } }
    }

    private func advanced(_ life: Life) {
        switch life.step {
        case .initialising: findPosition(life)
        case .idle, .sending: break
        case .beginning: soon(life) { [unowned self] in write($0) }
        case .ending:
            commits += 1
            bank.books.ended(life.attempt, .committed)
            bank.books.promise(life.delivered)
            if let last = life.taken.last { position = max(position, last.offset.rawValue + 1) }
            life.taken = []
            next(life)
        case .aborting:
            aborts += 1
            bank.books.ended(life.attempt, .aborted)
            life.waiting = life.taken + life.waiting
            life.taken = []
            next(life)
        }
    }

    /// Where the last committed transaction ended: no offset of one that is open counts, nor is waited past.
    private func findPosition(_ life: Life) {
        var group = OffsetFetchRequest.Group()
        group.groupID = Bank.group
        var topic = OffsetFetchRequest.GroupTopic()
        (topic.name, topic.partitionIndexes) = (BankPlan.transferTopic, [partition])
        group.topics = [topic]
        var request = OffsetFetchRequest()
        (request.groups, request.requireStable) = ([group], true)
        let asked = ClientRequest(request, to: .coordinator(group: Bank.group), versions: 8...9)
        life.client.submit(asked) { [weak self, weak life] result in
            guard let self, let life, !life.isOver else { return }
            let found = (try? result.of(OffsetFetchResponse.self))?.groups.first
            guard let found, found.errorCode == .none, let partition = found.topics.first?.partitions.first, partition.errorCode == .none
            else { return world.after(milliseconds: 100) { [weak self, weak life] in if let life { self?.findPosition(life) } } }
            read(life, from: max(0, partition.committedOffset))
        }
    }

    private func read(_ life: Life, from start: Int64) {
        guard !life.isOver else { return }
        if start < position {
            // It tells what was committed before it was deposed. Nobody who reads offsets can see that, with Kafka's brokers neither.
            if bank.hasDeposedCoordinator {
                world.trace.note(world, life.client.name, "is told of \(start) by a coordinator that was deposed and has not heard of it")
                return world.after(milliseconds: 100) { [weak self, weak life] in if let life { self?.findPosition(life) } }
            }
            world.violated("committed", "\(transactionalID) had committed \(source) up to \(position), and finds \(start)")
        }
        position = max(position, start)
        var options = ReaderOptions(
            topics: [BankPlan.transferTopic], partitions: [source], start: .offset(Offset(start)), stop: .never)
        options.damage = .wait
        life.reader = life.client.host(TopicReaderMachine(options, codecs: .uncompressed)) { [weak self, weak life] output in
            guard let self, let life, !life.isOver, case .records(let records, let bytes, _) = output else { return }
            for record in records { life.waiting.append((record.offset, Int(record.value?.lossyString ?? "") ?? -1)) }
            life.reader?.receive(.taken(bytes: bytes))
            if life.step == .idle { next(life) }
        }
        life.step = .idle
        life.reader?.start()
    }

    private func next(_ life: Life) {
        life.step = .idle
        guard !life.waiting.isEmpty, !life.isOver else { return }
        let count = min(life.waiting.count, 1 + random.below(bank.plan.transfersEach))
        life.taken = Array(life.waiting.prefix(count))
        life.waiting.removeFirst(count)
        (life.delivered, life.texts) = ([], [:])
        life.attempt = bank.books.begin(by: partition)
        life.step = .beginning
        life.producer?.receive(.beginTransaction(number: 1))
    }

    /// Both entries of every transfer, in two goes.
    private func write(_ life: Life) {
        life.step = .sending
        var entries: [BankEntry] = []
        for transfer in life.taken {
            for isCredit in [false, true] {
                entries.append(BankEntry(number: transfer.number, isCredit: isCredit, attempt: life.attempt, serial: entries.count))
            }
        }
        let cut = random.below(entries.count + 1)
        send(life, entries[..<cut])
        soon(life) { [unowned self] life in
            send(life, entries[cut...])
            if random.oneIn(bank.plan.abortsOneIn) { return soon(life) { [unowned self] in abort($0) } }
            soon(life) { [unowned self] in commitOffsets($0) }
        }
    }

    private func send(_ life: Life, _ entries: ArraySlice<BankEntry>) {
        for entry in entries {
            let place = Int32(random.below(Int(bank.plan.places)))
            life.texts[life.nextRecord] = entry.text
            let record = ProducerRecord(topic: BankPlan.entryTopic, partition: place, key: nil, value: Bytes(entry.text))
            life.producer?.receive(.send(number: life.nextRecord, record))
            life.nextRecord += 1
        }
    }

    private func commitOffsets(_ life: Life) {
        guard let last = life.taken.last else { return }
        let position = CommittedPosition(source, last.offset + 1)
        life.producer?.receive(.sendOffsets(number: 2, ConsumerGroupMetadata(group: Bank.group), [position]))
        guard life.step == .sending, !life.isOver else { return }
        soon(life) { [unowned self] life in
            life.step = .ending
            bank.books.ended(life.attempt, .asked)
            life.producer?.receive(.commitTransaction(number: 3))
        }
    }

    private func abort(_ life: Life) {
        life.turn += 1
        life.step = .aborting
        life.producer?.receive(.abortTransaction(number: 4))
    }
}
