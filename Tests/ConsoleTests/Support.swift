import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// 2026-11-21 10:30:00 UTC: when every made-up picture was taken.
let noon = Timestamp(milliseconds: 1_795_257_000_000)

/// Made-up clusters for stories and screens.
enum Sample {
    /// Three brokers, some trouble, traffic, groups that lag and rebalance.
    static func busy() -> ClusterSnapshot {
        var snapshot = ClusterSnapshot()
        snapshot.time = noon
        snapshot.connection = .connected(since: noon)
        snapshot.bootstrap = ["localhost:9092"]
        snapshot.clusterID = "MkU3OEVBNTcwNTJENDM2Qg"
        snapshot.controller = 1
        snapshot.isControllerExact = true
        addBrokers(&snapshot)
        addTopics(&snapshot)
        addGroups(&snapshot)
        addEvents(&snapshot)
        addConfigs(&snapshot)
        for i in 0..<60 {
            let wave = Double((i * 7) % 23) * 60 + Double(i) * 8
            snapshot.throughput.append(
                RateSample(time: Timestamp(milliseconds: noon.milliseconds - Int64(60 - i) * 1000), messages: wave, bytes: wave * 412))
        }
        snapshot.observations.metadata = Observation(time: noon)
        snapshot.observations.offsets = Observation(time: noon)
        snapshot.observations.groups = Observation(time: noon)
        snapshot.observations.logDirs = Observation(time: noon)
        snapshot.health.partitions = snapshot.topics.values.reduce(0) { $0 + $1.partitions.count }
        snapshot.health.underReplicatedPartitions = snapshot.topics.values.reduce(0) { $0 + $1.underReplicated }
        snapshot.health.offlinePartitions = snapshot.topics.values.reduce(0) { $0 + $1.offline }
        snapshot.health.groups = snapshot.groups.count
        snapshot.health.groupsRebalancing = 1
        snapshot.health.totalLag = snapshot.groups.values.reduce(0) { $0 + ($1.lag ?? 0) }
        return snapshot
    }

    private static func addBrokers(_ snapshot: inout ClusterSnapshot) {
        for id in Int32(1)...3 {
            var broker = BrokerSnapshot(id: BrokerID(id), host: "broker-\(id).internal", port: 9092, rack: "rack-\(id)")
            broker.isController = id == 1
            broker.leaders = Int(10 + id)
            broker.replicas = 36
            broker.outOfSyncReplicas = id == 3 ? 2 : 0
            broker.latencyMs = Int64(id)
            let free = Int64(300 + id) << 30
            broker.disk = BrokerDisk(directories: [
                .init(path: "/var/lib/kafka", error: nil, usedBytes: Int64(id) * 5_368_709_120, totalBytes: 500 << 30, usableBytes: free)
            ])
            snapshot.brokers[BrokerID(id)] = broker
        }
    }

    static func topic(_ name: String, _ count: Int, _ end: Int64, rate: Double, isInternal: Bool = false) -> TopicSnapshot {
        let partitions = (0..<Int32(count)).map { index -> PartitionSnapshot in
            let replicas = (0..<3).map { BrokerID(Int32((Int(index) + $0) % 3 + 1)) }
            var partition = PartitionSnapshot(
                index: index, leader: replicas[0], leaderEpoch: 4, replicas: replicas, inSyncReplicas: replicas)
            partition.startOffset = Offset(Int64(index) * 10)
            partition.endOffset = Offset(end + Int64(index) * 1313)
            partition.sizeBytes = (end + Int64(index) * 1313) * 212
            partition.messageRate = rate / Double(count)
            return partition
        }
        var topic = TopicSnapshot(name: name, id: UUID.zero, isInternal: isInternal, partitions: partitions)
        topic.messages = partitions.reduce(0) { $0 + ($1.messages ?? 0) }
        topic.sizeBytes = partitions.reduce(0) { $0 + ($1.sizeBytes ?? 0) }
        topic.messageRate = rate
        topic.byteRate = rate * 212
        if rate > 0 {
            topic.rates = (0..<12).map { RateSample(time: noon, messages: rate * Double(($0 * 5) % 7 + 1) / 7, bytes: nil) }
        }
        topic.offsetsObservation = Observation(time: noon)
        return topic
    }

    private static func addTopics(_ snapshot: inout ClusterSnapshot) {
        for topic in [
            topic("orders", 6, 1_204_311, rate: 412), topic("payments", 3, 88_120, rate: 37.5), topic("clicks", 12, 9_812_377, rate: 1280),
            topic("inventory.changes", 3, 5120, rate: 0.04), topic("audit-log", 1, 0, rate: 0),
            topic("__consumer_offsets", 50, 2110, rate: 4, isInternal: true),
        ] { snapshot.topics[topic.name] = topic }
        snapshot.topics.update("payments") { $0.partitions[1].inSyncReplicas = [2, 1] }
        snapshot.topics.update("clicks") { topic in
            topic.partitions[7].leader = nil
            topic.partitions[7].inSyncReplicas = []
            topic.partitions[4].leader = 3
        }
    }

    private static func addGroups(_ snapshot: inout ClusterSnapshot) {
        var billing = GroupSnapshot(id: "billing", state: "Stable", type: "classic", protocolType: "consumer")
        billing.assignor = "range"
        billing.coordinator = 2
        for i in 0..<3 {
            let owned = [TopicPartition("orders", Int32(2 * i)), TopicPartition("orders", Int32(2 * i + 1))]
            billing.members.append(
                MemberSnapshot(
                    id: "rdkafka-\(i)-6f1c2d3e-aaaa-4bbb-8ccc-0123456789a\(i)", clientID: "billing-\(i)", host: "/10.0.0.\(i + 10)",
                    assignment: owned))
            for partition in owned {
                let end = snapshot.partition(partition)?.endOffset ?? 0
                billing.partitions.append(
                    GroupPartitionSnapshot(
                        partition: partition, committed: Offset(end.rawValue - Int64(partition.partition) * 1500), start: 0, end: end,
                        member: billing.members[i].id))
            }
        }
        billing.lag = billing.partitions.reduce(0) { $0 + ($1.lag ?? 0) }
        billing.lags = (0..<20).map {
            LagSample(time: Timestamp(milliseconds: noon.milliseconds - Int64(20 - $0) * 1000), lag: 30_000 - Int64($0) * 390)
        }
        billing.consumeRate = 455
        billing.observation = Observation(time: noon)
        billing.offsetsObservation = Observation(time: noon)
        snapshot.groups["billing"] = billing

        var reports = GroupSnapshot(id: "nightly-reports", state: "Empty", type: "classic", protocolType: "consumer")
        reports.coordinator = 1
        reports.partitions = (0..<3).map {
            GroupPartitionSnapshot(
                partition: TopicPartition("payments", $0), committed: 40_000, start: 0, end: Offset(88_120 + Int64($0) * 1313))
        }
        reports.lag = reports.partitions.reduce(0) { $0 + ($1.lag ?? 0) }
        snapshot.groups["nightly-reports"] = reports

        var clicks = GroupSnapshot(id: "clickstream", state: "PreparingRebalance", type: "classic", protocolType: "consumer")
        clicks.assignor = "cooperative-sticky"
        clicks.coordinator = 3
        clicks.lag = 0
        snapshot.groups["clickstream"] = clicks
    }

    private static func addEvents(_ snapshot: inout ClusterSnapshot) {
        func add(_ seconds: Int64, _ kind: ClusterEvent.Kind, inferred: Bool = false) {
            let time = Timestamp(milliseconds: noon.milliseconds - seconds * 1000)
            let since = inferred ? Timestamp(milliseconds: time.milliseconds - 2000) : nil
            snapshot.events.append(ClusterEvent(time: time, kind: kind, inferredSince: since))
            snapshot.eventCount += 1
        }
        add(3600 * 26, .brokerUp(broker: 1, address: "broker-1.internal:9092"))
        add(900, .topicCreated(topic: "audit-log", partitions: 1, replicationFactor: 3))
        add(620, .configChanged(resource: "topic orders", key: "retention.ms", from: nil, to: "86400000"), inferred: true)
        add(
            300, .leaderChanged(partition: TopicPartition("clicks", 4), from: 2, to: 3, epochs: EpochChange(4, 5), cause: ""),
            inferred: true)
        add(
            60,
            .inSyncReplicasChanged(
                partition: TopicPartition("payments", 1), from: [2, 3, 1], to: [2, 1], leaderEpoch: 5, partitionEpochs: EpochChange(8, 9),
                cause: "broker 3 fell behind"))
        add(
            12,
            .rebalance(
                RebalanceEvent(
                    group: "clickstream", generation: 7, step: .memberLeft, reason: .sessionExpired, memberID: "m", clientID: "web-3",
                    clientHost: "/10.0.0.33", members: 2)))
        add(
            11,
            .rebalance(
                RebalanceEvent(
                    group: "clickstream", generation: 8, step: .started, reason: .memberLeft, clientID: "web-1", clientHost: "/10.0.0.31",
                    members: 2)))
        add(4, .rebalance(RebalanceEvent(group: "billing", generation: 12, step: .assigned, reason: .memberJoined, members: 3)))
    }

    private static func addConfigs(_ snapshot: inout ClusterSnapshot) {
        let entries: [ConfigSnapshot.Entry] = [
            .init(name: "cleanup.policy", value: "delete", source: .defaultConfig, type: "LIST"),
            .init(name: "max.message.bytes", value: "1048588", source: .defaultConfig, type: "INT"),
            .init(name: "min.insync.replicas", value: "2", source: .staticBroker, type: "INT"),
            .init(
                name: "retention.ms", value: "86400000", source: .topic, type: "LONG",
                documentation: "How long a <b>log</b> is kept before old segments are discarded.",
                synonyms: ["DYNAMIC_TOPIC_CONFIG:retention.ms=86400000"]),
            .init(name: "segment.bytes", value: "1073741824", source: .defaultConfig, type: "INT"),
        ]
        snapshot.configs[.topic("orders")] = ConfigSnapshot(entries: entries, observation: Observation(time: noon))
        var broker = entries
        broker.append(.init(name: "node.id", value: "1", source: .staticBroker, isReadOnly: true, type: "INT"))
        broker.append(.init(name: "ssl.key.password", value: nil, source: .staticBroker, isSensitive: true, type: "PASSWORD"))
        snapshot.configs[.broker(1)] = ConfigSnapshot(entries: broker, observation: Observation(time: noon))
    }

    /// Connected, and nothing there.
    static func empty() -> ClusterSnapshot {
        var snapshot = ClusterSnapshot()
        snapshot.time = noon
        snapshot.connection = .connected(since: noon)
        snapshot.clusterID = "MkU3OEVBNTcwNTJENDM2Qg"
        var broker = BrokerSnapshot(id: 1, host: "localhost", port: 9092)
        broker.isController = true
        snapshot.brokers[1] = broker
        snapshot.controller = 1
        snapshot.observations.metadata = Observation(time: noon)
        snapshot.observations.offsets = Observation(time: noon)
        snapshot.observations.groups = Observation(time: noon)
        return snapshot
    }

    /// `count` topics, for scrolling.
    static func many(_ count: Int) -> ClusterSnapshot {
        var snapshot = empty()
        for i in 0..<count {
            let name = "topic-\(padded(i, 5))"
            snapshot.topics[name] = topic(name, 1, Int64(i), rate: Double(i % 10))
        }
        return snapshot
    }

    /// Names and texts as somebody would choose who wants to break a terminal.
    static func hostile() -> ClusterSnapshot {
        var snapshot = busy()
        let evil = "\u{1B}[2J\u{1B}]0;pwned\u{7}\u{202E}gro\u{9B}31mup\u{7F}\r\n"
        var group = GroupSnapshot(id: evil, state: evil, type: evil, protocolType: evil)
        group.assignor = evil
        group.members = [MemberSnapshot(id: evil, instanceID: evil, clientID: evil, host: evil, assignment: [TopicPartition(evil, 0)])]
        group.partitions = [
            GroupPartitionSnapshot(partition: TopicPartition(evil, 0), committed: 1, metadata: evil, end: 2, member: evil, error: evil)
        ]
        snapshot.groups[evil] = group
        var topic = topic("x", 2, 10, rate: 1)
        topic.name = evil
        topic.error = evil
        snapshot.topics[evil] = topic
        snapshot.clusterID = evil
        snapshot.events.append(
            ClusterEvent(
                time: noon,
                kind: .rebalance(
                    RebalanceEvent(
                        group: evil, generation: 1, step: .started, reason: .memberJoined, clientID: evil, clientHost: evil,
                        clientReason: evil, members: 1))))
        snapshot.eventCount += 1
        snapshot.configs[.topic("orders")] = ConfigSnapshot(entries: [
            .init(name: evil, value: evil, source: .topic, type: evil, documentation: evil)
        ])
        snapshot.connection = .disconnected(since: noon, reason: evil)
        snapshot.observations.groups.error = evil
        return snapshot
    }
}

/// Drives the console as a user does: presses keys, feeds answers, and looks at the screen.
final class Driver {
    var console: Console
    /// Everything asked of the shell since last taken.
    private(set) var requests: [ConsoleRequest] = []
    var milliseconds: Int64 = 0

    init(_ snapshot: ClusterSnapshot? = Sample.busy(), width: Int = 80, height: Int = 24, readOnly: Bool = false, glyphs: Glyphs = .unicode)
    {
        console = Console(
            options: ConsoleOptions(
                contextName: "dev", bootstrap: ["localhost:9092"], mode: readOnly ? .readOnly : .writable, glyphs: glyphs,
                themeNames: ["dark", "light"]))
        send(.input(.resize(width: width, height: height)))
        if let snapshot { send(.snapshot(snapshot)) }
    }

    /// Where another one is, to go on from there in several ways.
    init(from other: Driver) { console = other.console }

    var now: Now {
        Now(instant: Instant(nanoseconds: milliseconds * 1_000_000), wall: Timestamp(milliseconds: noon.milliseconds + milliseconds))
    }

    @discardableResult
    func send(_ event: ConsoleEvent) -> Driver {
        requests += console.update(event, now: now)
        return self
    }

    /// Keys by name, separated by spaces.
    @discardableResult
    func press(_ names: String) -> Driver {
        for name in names.split(separator: " ") {
            guard let key = Key(name: String(name)) else {
                Issue.record("no key \(name)")
                continue
            }
            send(.input(.key(key)))
        }
        return self
    }

    @discardableResult
    func type(_ text: String) -> Driver {
        for scalar in text.unicodeScalars { send(.input(.key(Key(scalar)))) }
        return self
    }

    func wait(_ ms: Int64) -> Driver {
        milliseconds += ms
        return send(.tick)
    }

    func note(_ request: ConsoleRequest) { requests.append(request) }

    var screen: Grid { console.render() }
    var text: String { screen.text }

    func takeRequests() -> [ConsoleRequest] {
        let taken = requests
        requests = []
        return taken
    }

    @discardableResult
    func expect(_ part: String, _ location: SourceLocation = #_sourceLocation) -> Driver {
        #expect(text.contains(part), "wanted \(part) in\n\(text)", sourceLocation: location)
        return self
    }

    @discardableResult
    func expectNot(_ part: String, _ location: SourceLocation = #_sourceLocation) -> Driver {
        #expect(!text.contains(part), "did not want \(part) in\n\(text)", sourceLocation: location)
        return self
    }

    /// The selected row begins with this, after its mark.
    @discardableResult
    func expectSelected(_ id: String, _ location: SourceLocation = #_sourceLocation) -> Driver {
        #expect(console.selectedRow?.id == id, sourceLocation: location)
        return self
    }

    @discardableResult
    func expectPlace(_ place: Place, _ location: SourceLocation = #_sourceLocation) -> Driver {
        #expect(console.place == place, sourceLocation: location)
        return self
    }

    @discardableResult
    func expectRows(_ ids: [String], _ location: SourceLocation = #_sourceLocation) -> Driver {
        let table = console.tables.first
        #expect(table.map { table in table.order.map { table.model.rows[$0].id } } == ids, sourceLocation: location)
        return self
    }

    @discardableResult
    func expectRequest(_ wanted: ConsoleRequest, _ location: SourceLocation = #_sourceLocation) -> Driver {
        #expect(requests.contains(wanted), "\(requests)", sourceLocation: location)
        return self
    }
}
