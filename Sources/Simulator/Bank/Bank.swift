import Broker
import ClientCore
import Controller
import Primitives
import Records
import Wire

/// Transfers between accounts, booked by tellers that each consume one partition and produce two entries for every transfer, with their
/// offset, in one transaction (exactly once from consume to produce), while brokers and tellers die and a teller that was thought dead goes
/// on. All the while readers of what is committed look at what they are given; `BankBooks` has the rules.
///
/// Owner: the simulation.
package final class Bank {
    unowned let world: World
    let plan: BankPlan
    let books: BankBooks
    private(set) var tellers: [Teller] = []
    private var random: PRNG
    /// Reads all of it, from the beginning and as it comes.
    private let watcher = BankBooks.Reader("the watcher", isWhole: true)
    private var isFunded = false
    private(set) var isClosed = false
    package private(set) var deaths = 0
    private var browser: SimulatedClient?

    static let group = "bank"
    package var aborts: Int { tellers.reduce(0) { $0 + $1.aborts } }
    package var commits: Int { tellers.reduce(0) { $0 + $1.commits } }
    /// In all accounts, as the watcher sees them.
    package var total: Int { watcher.total }

    init(_ world: World, _ plan: BankPlan, _ random: PRNG) {
        self.world = world
        self.plan = plan
        self.random = random
        books = BankBooks(world, transfers: plan.transfers)
    }

    // MARK: The work

    /// Writes the transfers that are to be booked.
    func fund() {
        var options = ProducerOptions()
        options.seed = random.next()
        var left = plan.transfers
        let run = world.addClient("customers").host(ProducerMachine(options, codecs: .uncompressed)) { [unowned self] output in
            if case .failed(_, let error) = output { world.violated("liveness", "a transfer cannot be written: \(error)") }
            left -= 1
            if left == 0 { isFunded = true }
        }
        run.start()
        let records = (0..<plan.transfers).map { number in
            let partition = Int32(number) % plan.tellers
            let record = ProducerRecord(topic: BankPlan.transferTopic, partition: partition, key: nil, value: Bytes("\(number)"))
            return (number: number, record: record)
        }
        run.receive(.sendAll(records))
        run.receive(.flush)
        customers = run
    }

    private var customers: MachineRun<ProducerMachine>?
    var fundingProblem: String? { isFunded ? nil : "not all transfers are written" }

    func start() {
        customers?.end()
        for partition in 0..<plan.tellers {
            let teller = Teller(self, partition, seed: random.next())
            tellers.append(teller)
            teller.start()
        }
        watch()
        browser = world.addClient("browser")
        browseLater()
    }

    /// What there is still to be done; nil when all is.
    var problem: String? {
        for teller in tellers {
            let all = (plan.transfers + Int(plan.tellers) - 1 - Int(teller.partition)) / Int(plan.tellers)
            if teller.position < all { return "the teller of partition \(teller.partition) is at \(teller.position) of \(all)" }
            if teller.isInTransaction { return "the teller of partition \(teller.partition) is in a transaction" }
        }
        return nil
    }

    /// Whether a broker takes itself for the group's coordinator that is not any more, and has not been told.
    var hasDeposedCoordinator: Bool {
        let images = world.nodes.values.compactMap { node in node.broker.map { (node: node.id, image: $0.image) } }
        guard let newest = images.max(by: { $0.image.appliedOffset < $1.image.appliedOffset })?.image,
            let count = newest.topic("__consumer_offsets")?.partitions.count, count > 0
        else { return false }
        let place = TopicPartition("__consumer_offsets", coordinatorPartition(Bank.group, of: Int32(count)))
        let leader = newest.partition(place)?.leader
        return images.contains { $0.node != leader && $0.image.partition(place)?.leader == $0.node }
    }

    // MARK: What happens to it

    /// A teller's process dies, or only seems to.
    func strikeTeller(_ random: inout PRNG) -> Bool {
        guard !tellers.isEmpty else { return false }
        deaths += 1
        random.pick(tellers).restart(leavingAZombie: random.oneIn(2))
        return true
    }

    /// The transactional id of a teller that is in a transaction.
    func openTransaction(_ random: inout PRNG) -> String? {
        let open = tellers.filter(\.isInTransaction)
        return open.isEmpty ? nil : random.pick(open).transactionalID
    }

    // MARK: Readers

    private func watch() {
        var options = ReaderOptions(topics: [BankPlan.entryTopic], start: .earliest, stop: .never)
        (options.isReadCommitted, options.damage) = (true, .wait)
        var reader: MachineRun<TopicReaderMachine>?
        reader = world.addClient("watcher").host(TopicReaderMachine(options, codecs: .uncompressed)) { [unowned self] output in
            guard case .records(let records, let bytes, _) = output else {
                world.trace.note(world, "watcher", "\(output)")
                // The broker asked may not have heard of the topic yet.
                if case .failed = output { world.after(milliseconds: 200) { [weak self] in self?.watch() } }
                return
            }
            for record in records { books.given(record.partition, record.offset, record.value, to: watcher) }
            reader?.receive(.taken(bytes: bytes))
        }
        reader?.start()
    }

    /// Again and again somebody begins in the middle: which transactions were taken back must be told to them too.
    private func browseLater() {
        world.after(milliseconds: Int64(100 + random.below(1500))) { [unowned self] in
            guard !isClosed else { return }
            let place = TopicPartition(BankPlan.entryTopic, Int32(random.below(Int(plan.places))))
            let start = max(0, watcher.position(place) - Int64(random.below(60)))
            read("the browser", place, from: .offset(Offset(start)), isWhole: false) { [unowned self] _ in browseLater() }
        }
    }

    private func read(
        _ name: String, _ place: TopicPartition?, from start: ReadStart, isWhole: Bool, _ record: @escaping (ReadRecord) -> Void = { _ in },
        done: @escaping (BankBooks.Reader) -> Void
    ) {
        var options = ReaderOptions(
            topics: [BankPlan.entryTopic], partitions: place.map { [$0] }, start: start, stop: .atEnd)
        (options.isReadCommitted, options.damage) = (true, .wait)
        let seen = BankBooks.Reader(name, isWhole: isWhole)
        var run: MachineRun<TopicReaderMachine>?
        let output: (ReaderOutput) -> Void = { [unowned self] output in
            guard case .records(let records, let bytes, _) = output else { return }
            for each in records {
                books.given(each.partition, each.offset, each.value, to: seen)
                record(each)
            }
            run?.receive(.taken(bytes: bytes))
        }
        run = browser?.host(TopicReaderMachine(options, codecs: .uncompressed), output: output) {
            run = nil
            done(seen)
        }
        run?.start()
    }

    // MARK: At the end

    /// Everything is booked and works: one more reader reads all of it, and whoever was there all along must have been given the same.
    func audit(_ simulation: Simulation) {
        isClosed = true
        for teller in tellers { teller.stop() }
        var texts: OrderedMap<TopicPartition, OrderedMap<Int64, String>> = OrderedMap()
        var auditor: BankBooks.Reader?
        read("the last reader", nil, from: .earliest, isWhole: true) { record in
            texts[record.partition, default: OrderedMap()][record.offset.rawValue] = record.value?.lossyString ?? "null"
        } done: {
            auditor = $0
        }
        let limit = Simulation.livenessMs
        guard simulation.wait("the bank's last reader is done", limit, { auditor == nil ? "it still reads" : nil }), let auditor else {
            return
        }
        let all = auditor.given
        let isCaughtUp = simulation.wait("the bank's watcher is done", limit) { [watcher] in
            watcher.given < all ? "it was given \(watcher.given) of \(all)" : nil
        }
        guard isCaughtUp else { return }
        books.check(auditor, texts: texts)
        books.check(watcher)
    }
}
