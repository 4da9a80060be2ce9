import Broker
import ClientCore
import Primitives
import Records
import Replication
import Wire

/// Transfers between accounts, booked by tellers that each consume one partition and produce two entries for every transfer, with their
/// offset, in one transaction, while tellers and brokers die and a teller that was thought dead goes on. Rules, by the names they are
/// reported under:
///
/// - `committed`: an entry of a transaction whose commit was answered can be read, at the offset that was told.
/// - `once`: who reads what is committed, all along or at the end, finds both entries of every transfer once, and the sum of all accounts
///   is nothing.
/// - `stable`: a last stable offset is never above the high watermark, and when all is over they are the same: nothing hangs.
///
/// Owner: the test. From one seed, like all of a world.
package final class Bank {
    package let world: World
    private let transfers: Int
    private let partitions: Int32
    private(set) var tellers: [Teller] = []
    private var random: PRNG
    /// Entries as the reader saw them that was there all along, and how often each transfer is in them.
    private var watched: OrderedMap<String, Int> = OrderedMap()
    private var promised: OrderedMap<TopicPartition, OrderedMap<Int64, String>> = OrderedMap()
    package private(set) var deaths = 0
    package var aborts: Int { tellers.reduce(0) { $0 + $1.aborts } }
    package var commits: Int { tellers.reduce(0) { $0 + $1.commits } }

    package static let settings = [("transaction.state.log.num.partitions", "4"), ("offsets.topic.num.partitions", "4")]

    package init(seed: UInt64, transfers: Int, partitions: Int32 = 2, mutations: Mutations = []) throws {
        world = try World(seed: seed, brokers: 3, settings: Bank.settings, mutations: mutations)
        random = PRNG(seed: seed &* 0x9e37_79b9_7f4a_7c15 &+ 1)
        self.transfers = transfers
        self.partitions = partitions
    }

    // MARK: the run

    package func run() throws {
        world.startAll()
        try world.settle()
        for topic in ["transfers", "entries"] {
            try world.makeTopic(topic, partitions: partitions, configs: [("min.insync.replicas", "2")])
        }
        for number in 0..<transfers { try world.produce("transfers", ["\(number)"], partition: Int32(number) % partitions) }
        for partition in 0..<partitions {
            let teller = Teller(self, partition, seed: random.next())
            tellers.append(teller)
            teller.start()
        }
        watch()
        for _ in 0..<12 {
            strike()
            world.run(milliseconds: Int64(500 + random.below(2500)))
            if !world.violations.isEmpty { return }
        }
        mend()
        let limit = world.milliseconds + 90_000
        while let problem = unfinished {
            guard world.milliseconds < limit else { return world.violated("liveness", "the bank does not come to an end: \(problem)") }
            world.run(milliseconds: 500)
        }
        for teller in tellers { teller.stop() }
        world.run(milliseconds: 2000)
        try audit()
    }

    /// One death: of a broker, at once or after it was cut off from the others, of a teller, or of one that is only thought dead.
    private func strike() {
        deaths += 1
        let id = BrokerID(Int32(1 + random.below(3)))
        switch random.below(5) {
        case 0, 1: if world.nodes.values.allSatisfy(\.isReady) { kill(id) }
        case 2:
            guard world.nodes.values.allSatisfy(\.isReady) else { return }
            for other in world.nodes.keys where other != id { world.network.separate(HostID(id), HostID(other)) }
            world.after(milliseconds: Int64(100 + random.below(400))) { [unowned self] in
                world.network.healAll()
                kill(id)
            }
        case 3: tellers[random.below(tellers.count)].restart(leavingAZombie: false)
        default: tellers[random.below(tellers.count)].restart(leavingAZombie: true)
        }
    }

    private func kill(_ id: BrokerID) {
        world.node(id).kill()
        world.after(milliseconds: Int64(300 + random.below(2500))) { [unowned self] in
            if !world.node(id).isRunning { world.node(id).start() }
        }
    }

    private func mend() {
        for (id, node) in world.nodes where !node.isRunning {
            world.trace.note(world, "bank", "broker \(id) starts again")
            node.start()
        }
    }

    /// What there is still to be done; nil when all is.
    private var unfinished: String? {
        if let node = world.nodes.values.first(where: { !$0.isReady }) { return "broker \(node.id) is not ready" }
        for teller in tellers where teller.position < Int64((transfers + Int(partitions) - 1 - Int(teller.partition)) / Int(partitions)) {
            return "the teller of partition \(teller.partition) is at \(teller.position)"
        }
        for node in world.nodes.values {
            for replica in node.broker?.heldReplicas ?? [] where replica.isLeader && replica.lastStableOffset < replica.highWatermark {
                return "\(replica.partition) is stable up to \(replica.lastStableOffset) of \(replica.highWatermark)"
            }
        }
        return nil
    }

    // MARK: what is promised and what is found

    /// A commit was answered: its entries are there to stay.
    func committed(_ entries: [(place: TopicPartition, offset: Offset, text: String)]) {
        for entry in entries { promised[entry.place, default: OrderedMap()][entry.offset.rawValue] = entry.text }
    }

    private func watch() {
        var options = ReaderOptions(topics: ["entries"], start: .earliest, stop: .never)
        options.isReadCommitted = true
        var reader: MachineRun<TopicReaderMachine>?
        reader = world.addClient("watcher").host(TopicReaderMachine(options, codecs: .uncompressed)) { [unowned self] output in
            guard case .records(let records, let bytes, _) = output else { return }
            for record in records { watched[record.value?.lossyString ?? "null", default: 0] += 1 }
            reader?.receive(.taken(bytes: bytes))
        }
        reader?.start()
    }

    private func audit() throws {
        var options = ReaderOptions(topics: ["entries"], start: .earliest, stop: .atEnd)
        options.isReadCommitted = true
        var found: OrderedMap<String, Int> = OrderedMap()
        var texts: OrderedMap<TopicPartition, OrderedMap<Int64, String>> = OrderedMap()
        let reader = world.addClient("auditor").host(TopicReaderMachine(options, codecs: .uncompressed)) { output in
            guard case .records(let records, _, _) = output else { return }
            for record in records {
                found[record.value?.lossyString ?? "null", default: 0] += 1
                texts[record.partition, default: OrderedMap()][record.offset.rawValue] = record.value?.lossyString ?? "null"
            }
        }
        reader.start()
        try world.run("the auditor is done", within: 60_000) { _ in reader.isEnded }
        // Who was there all along may be a little behind.
        let limit = world.milliseconds + 30_000
        while watched.values.reduce(0, +) < found.values.reduce(0, +), world.milliseconds < limit { world.run(milliseconds: 200) }
        for (place, entries) in promised {
            for (offset, text) in entries where texts[place]?[offset] != text {
                world.violated("committed", "\(text) at \(offset) of \(place) was committed, is \(texts[place]?[offset] ?? "not there")")
            }
        }
        for (who, entries) in [("the auditor", found), ("the watcher", watched)] {
            var sum = 0
            for number in 0..<transfers {
                for entry in [Bank.entry(number, -1), Bank.entry(number, 1)] where entries[entry] != 1 {
                    world.violated("once", "\(who) found \(entry) \(entries[entry] ?? 0) times")
                }
            }
            for (text, count) in entries { sum += (text.contains("-") ? -count : count) }
            if sum != 0 { world.violated("once", "\(who) finds \(sum) in all accounts") }
        }
    }

    /// One half of a transfer: what leaves an account and what comes to another.
    static func entry(_ number: Int, _ sign: Int) -> String { sign < 0 ? "\(number):-1" : "\(number):+1" }
}
