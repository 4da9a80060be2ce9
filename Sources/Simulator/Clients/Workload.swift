import ClientCore
import Controller
import Primitives
import Records
import Wire

/// The clients of a simulation: idempotent producers, members of a consumer group, and an administrator. All of it the real machines.
package final class Workload {
    final class Producer {
        let index: Int
        let client: SimulatedClient
        var run: MachineRun<ProducerMachine>?
        var sent = 0
        var settled = 0
        var failed = 0
        var names: [Int: Ledger.Name] = [:]
        /// Gathers records as the client library does; nil where the machine is given each by itself.
        var gatherer: RecordGatherer?
        /// The numbers of what was gathered, by serial.
        var gathered: [Int: [Int]] = [:]

        init(_ index: Int, _ client: SimulatedClient) {
            self.index = index
            self.client = client
        }
    }

    final class Consumer {
        let client: SimulatedClient
        var run: MachineRun<GroupConsumerMachine>?
        /// Counts lives: what an earlier one still had to do is not done by the next.
        var life = 0

        init(_ client: SimulatedClient) { self.client = client }
    }

    unowned let world: World
    let ledger: Ledger
    let swarm: Swarm
    private(set) var producers: [Producer] = []
    private(set) var consumers: [Consumer] = []
    private(set) var isSending = true
    private var random: PRNG
    let admin: Administrator
    /// The same for all members: a group needs one in common.
    private let assignors: [ConsumerAssignor]
    private let owners: Owners

    static let group = "g"
    /// Topics that producers write to and the group reads.
    var topics: [String] { swarm.topics.map(\.name) }

    init(_ world: World, _ ledger: Ledger, _ swarm: Swarm, _ random: PRNG) {
        self.world = world
        self.ledger = ledger
        self.swarm = swarm
        self.random = random
        assignors = [self.random.pick(ConsumerAssignor.allCases)]
        owners = Owners(world, isCertain: Owners.faultsThatBlur.allSatisfy { swarm.faults[$0] == nil })
        admin = Administrator(world, PRNG(seed: world.random.next()))
    }

    func start() {
        for index in 0..<swarm.producers { startProducer(index) }
        for index in 0..<swarm.hastyProducers { startProducer(Ledger.Name.firstHasty + index) }
        for index in 0..<swarm.consumers {
            let consumer = Consumer(world.addClient("consumer\(index)"))
            consumers.append(consumer)
            startConsumer(consumer)
        }
    }

    // MARK: Producers

    private func startProducer(_ index: Int) {
        let producer = Producer(index, world.addClient("producer\(index)"))
        var options = ProducerOptions()
        options.seed = random.next()
        options.lingerMs = [0, 5, 20][random.below(3)]
        options.deliveryTimeoutMs = [2_000, 10_000, 30_000][random.below(3)]
        if index >= Ledger.Name.firstHasty { (options.acks, options.isIdempotent) = (.leader, false) }
        options.tellsTopics = random.oneIn(2)
        producer.gatherer = options.tellsTopics ? RecordGatherer(options) : nil
        let run = producer.client.host(ProducerMachine(options, codecs: .uncompressed)) { [unowned self, unowned producer] output in
            outcome(output, of: producer)
        }
        producer.run = run
        producers.append(producer)
        run.start()
        sendLater(producer)
    }

    private func outcome(_ output: ProducerOutput, of producer: Producer) {
        switch output {
        case .written(let serial, let places, let partition, let offset):
            for place in places {
                let number = producer.gathered[serial]?[place] ?? -1
                let its = offset < .zero ? offset : offset + Int64(place - places.lowerBound)
                outcome(.delivered(number: number, partition, its), of: producer)
            }
        case .lost(let serial, let places, let error):
            for place in places { outcome(.failed(number: producer.gathered[serial]?[place] ?? -1, error), of: producer) }
        case .topic(let name, let partitions, let writable): producer.gatherer?.learn(name, partitions: partitions, writable: writable)
        case .delivered(let number, let partition, let offset):
            producer.settled += 1
            world.trace.note(world, "\(producer.client.host)", "\(producer.index).\(number) acknowledged at \(offset) of \(partition)")
            ledger.delivered(Ledger.Name(producer: producer.index, number: number), partition, offset)
        case .failed(let number, let error):
            producer.settled += 1
            producer.failed += 1
            world.trace.note(world, "\(producer.client.host)", "\(producer.index).\(number) failed: \(error)")
        case .transactionDone, .transactionFailed: break
        }
    }

    private func sendLater(_ producer: Producer) {
        world.schedule(at: Instant(nanoseconds: world.now.nanoseconds + spread(swarm.sendEveryMs))) { [unowned self] in
            guard isSending else { return handOver(producer, all: true) }
            for _ in 0..<swarm.recordsPerSend { send(producer) }
            handOver(producer, all: producer.gatherer != nil && random.oneIn(3))
            sendLater(producer)
        }
    }

    private func send(_ producer: Producer) {
        let name = Ledger.Name(producer: producer.index, number: producer.sent)
        producer.sent += 1
        let record = ProducerRecord(
            topic: random.pick(topics), key: random.oneIn(5) ? nil : Bytes("k\(random.below(8))"), value: name.value)
        let place = producer.gatherer?.add(
            record.topic, nil, timestamp: producer.client.now.wall, key: record.key, value: record.value, headers: [],
            bytes: record.size, now: { world.now })
        if let place {
            producer.gathered[place.serial, default: []].append(name.number)
        } else {
            producer.run?.receive(.send(number: name.number, record))
        }
    }

    private func handOver(_ producer: Producer, all: Bool) {
        guard let taken = producer.gatherer?.take(now: world.now, all: all), !taken.isEmpty else { return }
        producer.run?.receive(.gathered([], taken))
    }

    /// Nanoseconds from 0 to twice so many milliseconds.
    private func spread(_ milliseconds: Int) -> Int64 { Int64(random.below(2_000_000 * milliseconds + 1)) }

    func stopSending() { isSending = false }
    var outstanding: Int { producers.reduce(0) { $0 + $1.sent - $1.settled } }
    var sent: Int { producers.reduce(0) { $0 + $1.sent } }
    var failed: Int { producers.reduce(0) { $0 + $1.failed } }

    // MARK: Consumers

    private func startConsumer(_ consumer: Consumer) {
        consumer.life += 1
        var options = GroupConsumerOptions(group: Workload.group, topics: topics)
        options.assignors = assignors
        if swarm.isConsumerProtocol {
            options.groupProtocol = .consumer
            options.remoteAssignor = random.pick([nil, "uniform", "range"])
            if swarm.isSubscribedByRegex { (options.topics, options.topicRegex) = ([], "t[0-9]+") }
            if swarm.isStatic { options.groupInstanceID = consumer.client.name }
        }
        options.offsetReset = .earliest
        options.sessionTimeoutMs = 6_000
        options.heartbeatIntervalMs = 500
        options.rebalanceTimeoutMs = 10_000
        options.autoCommitIntervalMs = 500
        options.metadataRefreshMs = 2_000
        if swarm.racks > 0 { options.rack = "r\(random.below(swarm.racks))" }
        options.seed = random.next()
        let life = consumer.life
        let machine = GroupConsumerMachine(options, codecs: .uncompressed)
        let run = consumer.client.host(machine) { [unowned self, unowned consumer] output in
            if consumer.life == life { received(output, consumer) }
        } finished: { [unowned self, unowned consumer] in
            if consumer.life == life, swarm.isStatic { comeBack(consumer, after: 1000) }
        }
        consumer.run = run
        owners.began(consumer.client.name) { [weak run] in run?.machine.lastHeard ?? .zero }
        run.start()
    }

    private func received(_ output: GroupConsumerOutput, _ consumer: Consumer) {
        switch output {
        case .records(let delivery, let records):
            for record in records {
                ledger.read(record.partition, record.offset, record.value, by: consumer.client.name, group: Workload.group)
            }
            let life = consumer.life
            world.schedule(at: Instant(nanoseconds: world.now.nanoseconds + spread(5))) { [weak consumer] in
                guard let consumer, consumer.life == life else { return }
                consumer.run?.receive(.taken(delivery: delivery))
            }
        case .failed(let partition, let error):
            world.trace.note(world, "\(consumer.client.host)", "failed: \(partition?.description ?? "membership"): \(error)")
        default:
            world.trace.note(world, "\(consumer.client.host)", "\(output)")
            owners.heard(output, consumer.client.name)
        }
    }

    /// A member's process dies without a word; another is started a little later.
    func crashConsumer(_ random: inout PRNG) -> Bool {
        guard !consumers.isEmpty else { return false }
        let consumer = random.pick(consumers)
        // One that means to come back says so, sometimes.
        if swarm.isStatic, random.oneIn(2) {
            world.trace.note(world, "\(consumer.client.host)", "is closed for a while")
            consumer.run?.receive(.close)
            return true
        }
        consumer.run?.end()
        world.trace.note(world, "\(consumer.client.host)", "crashes")
        comeBack(consumer, after: Int64(50 + random.below(3000)))
        return true
    }

    /// Its process is gone, and a supervisor starts another.
    private func comeBack(_ consumer: Consumer, after milliseconds: Int64) {
        consumer.run = nil
        consumer.life += 1
        owners.ended(consumer.client.name)
        let life = consumer.life
        world.after(milliseconds: milliseconds) { [unowned self, weak consumer] in
            guard let consumer, consumer.life == life else { return }
            startConsumer(consumer)
        }
    }

    /// Members that ended by themselves are started again, as a supervisor would.
    func reviveConsumers() {
        for consumer in consumers where consumer.run == nil || consumer.run?.isEnded == true { startConsumer(consumer) }
    }
}
