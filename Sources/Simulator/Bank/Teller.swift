import ClientCore
import Primitives
import Records
import Wire

/// Books the transfers of one partition: reads them from where the last committed transaction ended, and writes both entries of each with
/// the new offset in one transaction. One process after another under the same transactional id.
final class Teller {
    /// One process.
    private final class Life {
        let client: SimulatedClient
        var producer: MachineRun<ProducerMachine>?
        var reader: MachineRun<TopicReaderMachine>?
        var waiting: [(offset: Offset, number: Int)] = []
        var taken: [(offset: Offset, number: Int)] = []
        var delivered: [(place: TopicPartition, offset: Offset, text: String)] = []
        var texts: OrderedMap<Int, String> = OrderedMap()
        var nextRecord = 0
        /// What the transaction machine has been asked for last.
        var step = Step.initialising
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
        random = PRNG(seed: seed)
    }

    private var source: TopicPartition { TopicPartition("transfers", partition) }

    func start() {
        lives += 1
        let life = Life(bank.world.addClient("teller\(partition).\(lives)"))
        self.life = life
        var options = ProducerOptions()
        options.seed = random.next()
        options.lingerMs = 0
        options.transactionalID = "bank-\(partition)"
        options.transactionTimeoutMs = 8_000
        life.producer = life.client.host(ProducerMachine(options, codecs: .uncompressed)) { [unowned self, unowned life] output in
            told(output, life)
        }
        life.producer?.start()
        life.producer?.receive(.initTransactions(number: 0))
    }

    /// The process dies, or is only thought dead and goes on until it finds that it is fenced.
    func restart(leavingAZombie: Bool) {
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

    // MARK: one process

    private func told(_ output: ProducerOutput, _ life: Life) {
        guard !life.isOver else { return }
        switch output {
        case .delivered(let number, let place, let offset):
            life.delivered.append((place, offset, life.texts[number] ?? ""))
        case .failed: break
        case .transactionDone(let number): if number == life.step.number { advanced(life) }
        case .transactionFailed(_, let error, let isFatal):
            bank.world.trace.note(bank.world, life.client.name, "\(life.step) failed\(isFatal ? " for good" : ""): \(error)")
            if isFatal || life.step == .initialising || life.step == .aborting { return over(life) }
            if life.step == .ending || life.step == .sending || life.step == .beginning { abort(life) }
        }
    }

    /// A process that can do no more ends; where it was the present one, a supervisor starts another.
    private func over(_ life: Life) {
        end(life)
        guard self.life === life else { return }
        self.life = nil
        bank.world.after(milliseconds: 200) { [unowned self] in if self.life == nil { start() } }
    }

    private func advanced(_ life: Life) {
        switch life.step {
        case .initialising: findPosition(life)
        case .idle, .sending: break
        case .beginning: write(life)
        case .ending:
            commits += 1
            bank.committed(life.delivered)
            if let last = life.taken.last { position = max(position, last.offset.rawValue + 1) }
            life.taken = []
            next(life)
        case .aborting:
            aborts += 1
            life.waiting = life.taken + life.waiting
            life.taken = []
            next(life)
        }
    }

    /// Where the last committed transaction ended: no offset of one that is open counts, nor is waited past.
    private func findPosition(_ life: Life) {
        var group = OffsetFetchRequest.Group()
        group.groupID = "bank"
        var topic = OffsetFetchRequest.GroupTopic()
        (topic.name, topic.partitionIndexes) = ("transfers", [partition])
        group.topics = [topic]
        var request = OffsetFetchRequest()
        (request.groups, request.requireStable) = ([group], true)
        life.client.submit(ClientRequest(request, to: .coordinator(group: "bank"), versions: 8...9)) { [weak self, weak life] result in
            guard let self, let life, !life.isOver else { return }
            let found = (try? result.of(OffsetFetchResponse.self))?.groups.first
            guard let found, found.errorCode == .none, let partition = found.topics.first?.partitions.first, partition.errorCode == .none
            else { return bank.world.after(milliseconds: 100) { [weak self, weak life] in if let life { self?.findPosition(life) } } }
            read(life, from: max(0, partition.committedOffset))
        }
    }

    private func read(_ life: Life, from start: Int64) {
        guard !life.isOver else { return }
        position = max(position, start)
        let options = ReaderOptions(topics: ["transfers"], partitions: [source], start: .offset(Offset(start)), stop: .never)
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
        let count = min(life.waiting.count, 1 + random.below(4))
        life.taken = Array(life.waiting.prefix(count))
        life.waiting.removeFirst(count)
        (life.delivered, life.texts) = ([], OrderedMap())
        life.step = .beginning
        life.producer?.receive(.beginTransaction(number: 1))
    }

    private func write(_ life: Life) {
        life.step = .sending
        for transfer in life.taken {
            for sign in [-1, 1] {
                let text = Bank.entry(transfer.number, sign)
                let place = Int32(random.below(2))
                life.texts[life.nextRecord] = text
                life.producer?.receive(
                    .send(number: life.nextRecord, ProducerRecord(topic: "entries", partition: place, key: nil, value: Bytes(text))))
                life.nextRecord += 1
            }
        }
        guard let last = life.taken.last else { return }
        if random.oneIn(6) {
            return bank.world.after(milliseconds: Int64(random.below(50))) { [weak self, weak life] in
                if let self, let life, life.step == .sending, !life.isOver { abort(life) }
            }
        }
        life.producer?.receive(.sendOffsets(number: 2, ConsumerGroupMetadata(group: "bank"), [CommittedPosition(source, last.offset + 1)]))
        guard life.step == .sending, !life.isOver else { return }
        life.step = .sending
        commitSoon(life)
    }

    /// A little later, so that some die in between.
    private func commitSoon(_ life: Life) {
        bank.world.after(milliseconds: Int64(random.below(80))) { [weak life] in
            guard let life, !life.isOver, life.step == .sending else { return }
            life.step = .ending
            life.producer?.receive(.commitTransaction(number: 3))
        }
    }

    private func abort(_ life: Life) {
        life.step = .aborting
        life.producer?.receive(.abortTransaction(number: 4))
    }
}
