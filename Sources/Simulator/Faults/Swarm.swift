import Primitives

/// What one seed draws: the shape of the cluster, the work, and which faults come how often. Each run has some kinds of fault and lacks
/// others, so that none hides behind another (swarm testing, Groce 2012).
package struct Swarm: Equatable, Sendable {
    package var brokers = 3
    /// `process.roles` by position; both where nothing is said.
    package var roles: [String] = []
    package var settings: [String] = []
    package var topics: [TopicPlan] = []
    package var producers = 2
    package var consumers = 2
    /// Virtual milliseconds between one producer's sends, on average.
    package var sendEveryMs = 50
    package var recordsPerSend = 1
    /// How long anything may fail, in virtual milliseconds.
    package var safetyMs: Int64 = 10_000
    /// Milliseconds between two faults of a class, on average; classes that are missing do not happen.
    package var faults: OrderedMap<FaultClass, Int64> = OrderedMap()
    /// Everything acknowledged is durable: `flush.messages=1`. Only then may the power go.
    package var isDurable = false
    /// The group is of KIP-848's protocol, and how it subscribes.
    package var isConsumerProtocol = false
    package var isSubscribedByRegex = false
    /// Its members are static ones (KIP-345): each comes back under its instance id.
    package var isStatic = false
    /// Tellers that move money by transactions, beside all else.
    package var bank: BankPlan?
    /// Compacted topics; their records come from `KeyedWorkload`.
    package var keyed: [TopicPlan] = []
    /// Tombstones are kept for a short time only, and have to be gone in the end.
    package var isForgetful = false
    /// Racks that brokers and consumers are spread over, round robin; 0: none.
    package var racks = 0
    /// Producers beside the others that are content with the leader's word (acks=1).
    package var hastyProducers = 0
    package var delayMaxMicros: Int64 = 500
    /// One frame in so many travels much longer; 0: none.
    package var straggles = 0
    package var diskSyncMicros: Int64 = 300

    package struct TopicPlan: Equatable, Sendable {
        package var name: String
        package var partitions: Int32
        package var replicas: Int16
        package var inSyncMin: Int
        /// `key=value`.
        package var configs: [String] = []
    }

    package init() {}

    /// `brokers` overrides what would be drawn.
    package init(_ random: inout PRNG, brokers count: Int? = nil) {
        drawCluster(&random)
        if let count { (brokers, roles) = (count, []) }
        drawWork(&random)
        drawFaults(&random)
        // With numbers of its own: what a seed of a classic group does stays what it was.
        var forGroup = random
        drawGroup(&forGroup)
        // By a generator of their own: seeds that have none of these stay what they were.
        var copy = random
        var own = PRNG(seed: copy.next() ^ 0x5851_f42d_4c95_7f2d)
        drawOthers(&own)
    }

    private mutating func drawOthers(_ random: inout PRNG) {
        if random.oneIn(4) { open(BankPlan(&random), &random) }
        if random.oneIn(4) { compact(&random) }
        if random.oneIn(3) {
            racks = 2 + random.below(2)
            settings.append("replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector")
        }
        if random.oneIn(3) { hastyProducers = 1 }
        guard bank != nil else { return }
        for fault in FaultClass.allCases where fault.needsBank && random.below(10) < fault.share {
            faults[fault] = fault.meanMs * Int64(1 + random.below(4)) / 2
        }
    }

    private mutating func drawGroup(_ random: inout PRNG) {
        isConsumerProtocol = random.oneIn(2)
        guard isConsumerProtocol else { return }
        isSubscribedByRegex = random.oneIn(3)
        consumers = max(consumers, random.below(5))
        settings += [
            "group.consumer.min.session.timeout.ms=1000", "group.consumer.session.timeout.ms=6000",
            "group.consumer.min.heartbeat.interval.ms=100", "group.consumer.heartbeat.interval.ms=500",
            "group.consumer.assignment.interval.ms=\(500 * random.below(3))",
        ]
        isStatic = random.oneIn(4)
    }

    /// Has a bank, and with it what a bank needs.
    mutating func open(_ plan: BankPlan, _ random: inout PRNG) {
        bank = plan
        settings.append("transaction.state.log.num.partitions=\(1 + random.below(4))")
    }

    /// Adds a compacted topic whose segments are young and small. Its tombstones stay: who is away for longer than they are kept never
    /// hears of them, by Kafka's rule for delete.retention.ms, for followers too.
    private mutating func compact(_ random: inout PRNG) {
        let rules = [
            "cleanup.policy=compact", "segment.ms=\(200 + random.below(600))", "delete.retention.ms=600000",
            "min.cleanable.dirty.ratio=\(random.oneIn(2) ? "0.01" : "0.3")", "file.delete.delay.ms=\(random.below(500))",
        ]
        keyed = [
            TopicPlan(
                name: "k0", partitions: Int32(1 + random.below(2)), replicas: Int16(min(3, holders)), inSyncMin: min(2, holders),
                configs: rules)
        ]
        settings += Swarm.cleaner(&random)
    }

    /// A cleaner that is always at it, and has little memory.
    static func cleaner(_ random: inout PRNG) -> [String] {
        [
            "log.cleaner.backoff.ms=\(20 + random.below(300))", "log.cleaner.dedupe.buffer.size=\(1024 << random.below(4))",
            "log.cleaner.io.buffer.size=\(2048 << random.below(6))", "log.cleaner.threads=\(1 + random.below(2))",
        ]
    }

    /// Those that are compacted and the bank's too.
    package var allTopics: [TopicPlan] {
        topics + keyed + (bank?.topics(replicas: Int16(min(3, holders)), inSyncMin: min(2, holders)) ?? [])
    }

    /// Brokers that hold partitions.
    var holders: Int { roles.isEmpty ? brokers : roles.filter { $0.contains("broker") }.count }

    private mutating func drawCluster(_ random: inout PRNG) {
        switch random.below(20) {
        case 0..<12: brokers = 3
        case 12..<14: brokers = 4
        case 14..<16: brokers = 5
        default:
            brokers = 6
            roles = ["controller", "controller", "controller", "broker", "broker", "broker"]
        }
        if brokers > 3 && roles.isEmpty { roles = (0..<brokers).map { $0 < 3 ? "broker,controller" : "broker" } }
        isDurable = random.oneIn(2)
        if isDurable { settings.append("log.flush.interval.messages=1") }
        settings.append("offsets.topic.num.partitions=\(1 + random.below(4))")
        settings.append("unclean.leader.election.enable=false")
        if random.oneIn(4) {
            settings += ["broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500", "controller.quorum.election.timeout.ms=500"]
        }
        if random.oneIn(3) { settings.append("replica.lag.time.max.ms=\(1000 + 1000 * random.below(4))") }
        if random.oneIn(4) { settings.append("log.segment.bytes=\(1 << 20)") }
        if random.oneIn(4) { settings.append("metadata.log.max.record.bytes.between.snapshots=\(2000 << random.below(4))") }
        delayMaxMicros = [100, 300, 1000, 5000, 20_000][random.below(5)]
        straggles = random.oneIn(3) ? 20 + random.below(200) : 0
        diskSyncMicros = [50, 300, 1000, 5000][random.below(4)]
    }

    private mutating func drawWork(_ random: inout PRNG) {
        let replicas = holders
        for index in 0..<(1 + random.below(2)) {
            topics.append(
                TopicPlan(
                    name: "t\(index)", partitions: Int32(1 + random.below(3)), replicas: Int16(min(3, replicas)),
                    inSyncMin: min(2, replicas)))
        }
        producers = 1 + random.below(3)
        consumers = random.below(3)
        sendEveryMs = [10, 30, 100, 300][random.below(4)]
        recordsPerSend = random.oneIn(3) ? 1 + random.below(5) : 1
        safetyMs = Int64(4_000 + random.below(12_000))
    }

    private mutating func drawFaults(_ random: inout PRNG) {
        for fault in FaultClass.allCases where !fault.needsBank && random.below(10) < fault.share {
            if fault.needsDurability && !isDurable { continue }
            faults[fault] = fault.meanMs * Int64(1 + random.below(4)) / 2
        }
        // Rot is looked for all the time, and what is durable is written down, or a crash would take rot for a torn write. What is written
        // down is not synced itself, so that after a power cut it may: then rot and power cuts together are more than must be survived.
        if faults[.bitRot] != nil {
            (faults[.powerCut], faults[.powerCutOfAll]) = (nil, nil)
            settings += ["kastellan.scrub.interval.ms=\(500 << random.below(3))", "log.flush.offset.checkpoint.interval.ms=200"]
        }
    }
}

/// Kinds of fault. Each names what fails; the plan decides when, whom it hits, and when it is mended.
package enum FaultClass: Int, CaseIterable, Comparable, Sendable {
    case kill
    case stop
    case powerCut
    case powerCutOfAll
    case pause
    case isolate
    case cutOneWay
    case split
    case slowPath
    case reset
    case slowDisk
    case fullDisk
    case failingSync
    case bitRot
    case wallClock
    case consumerCrash
    case electLeaders
    case reassign
    case topicChange
    case tellerDeath
    case midTransaction

    package static func < (a: FaultClass, b: FaultClass) -> Bool { a.rawValue < b.rawValue }

    package var name: String {
        switch self {
        case .kill: "kill -9"
        case .stop: "clean restart"
        case .powerCut: "power cut"
        case .powerCutOfAll: "power cut of all"
        case .pause: "pause"
        case .isolate: "broker cut off"
        case .cutOneWay: "one-way cut"
        case .split: "network split"
        case .slowPath: "slow path"
        case .reset: "connection reset"
        case .slowDisk: "slow disk"
        case .fullDisk: "full disk"
        case .failingSync: "failing sync"
        case .bitRot: "bit rot"
        case .wallClock: "wall clock jump"
        case .consumerCrash: "consumer crash"
        case .electLeaders: "leader election asked for"
        case .reassign: "reassignment"
        case .topicChange: "topic change"
        case .tellerDeath: "teller death"
        case .midTransaction: "hit in a transaction"
        }
    }

    /// In how many of ten seeds it is among the faults.
    var share: Int {
        switch self {
        case .kill, .isolate, .reset, .tellerDeath: 6
        case .midTransaction: 7
        case .stop, .pause, .cutOneWay, .split, .powerCut, .electLeaders, .reassign: 4
        case .powerCutOfAll, .slowPath, .slowDisk, .consumerCrash, .topicChange, .bitRot: 3
        case .wallClock: 2
        case .fullDisk, .failingSync: 1
        }
    }

    /// Virtual milliseconds between two of them, where they come.
    var meanMs: Int64 {
        switch self {
        case .kill, .isolate, .cutOneWay, .split, .pause: 3000
        case .stop, .powerCut, .slowPath, .slowDisk, .fullDisk, .failingSync, .consumerCrash: 5000
        case .powerCutOfAll: 8000
        case .reset: 500
        case .wallClock: 4000
        case .electLeaders, .reassign, .tellerDeath: 3000
        case .midTransaction: 2000
        case .topicChange: 2500
        case .bitRot: 1000
        }
    }

    var needsBank: Bool { self == .tellerDeath || self == .midTransaction }
    var needsDurability: Bool { self == .powerCut || self == .powerCutOfAll || self == .bitRot }
}
