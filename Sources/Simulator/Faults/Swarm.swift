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
    /// All topics are compacted; their records come from `KeyedWorkload`.
    package var isCompacted = false
    /// The group is of KIP-848's protocol, and how it subscribes.
    package var isConsumerProtocol = false
    package var isSubscribedByRegex = false
    package var delayMaxMicros: Int64 = 500
    /// One frame in so many travels much longer; 0: none.
    package var straggles = 0
    package var diskSyncMicros: Int64 = 300

    package struct TopicPlan: Equatable, Sendable {
        package var name: String
        package var partitions: Int32
        package var replicas: Int16
        package var inSyncMin: Int
    }

    package init() {}

    /// `brokers` overrides what would be drawn.
    package init(_ random: inout PRNG, brokers count: Int? = nil) {
        drawCluster(&random)
        if let count { (brokers, roles) = (count, []) }
        drawWork(&random)
        drawFaults(&random)
        drawGroup(&random)
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
    }

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
        let replicas = roles.isEmpty ? brokers : roles.filter { $0.contains("broker") }.count
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
        for fault in FaultClass.allCases where random.below(10) < fault.share {
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
        }
    }

    /// In how many of ten seeds it is among the faults.
    var share: Int {
        switch self {
        case .kill, .isolate, .reset: 6
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
        case .electLeaders, .reassign: 3000
        case .topicChange: 2500
        case .bitRot: 1000
        }
    }

    var needsDurability: Bool { self == .powerCut || self == .powerCutOfAll || self == .bitRot }
}
