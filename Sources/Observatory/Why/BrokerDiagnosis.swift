import Primitives

extension Diagnosis {
    /// Free space below which a disk is nearly full.
    static let diskFreePart = 0.1
    /// Leaders over the mean of all brokers.
    static let leaderSkewTimes = 1.5
    /// A round trip that is so many times the others' is slow, once it is also long.
    static let slowTimes = 5.0
    static let slowMs: Int64 = 100

    /// What is wrong with a broker, or that it is well.
    package static func ofBroker(_ id: BrokerID, _ snapshot: ClusterSnapshot) -> Diagnosis {
        guard let broker = snapshot.brokers[id] else {
            return Diagnosis("broker \(id)", [], else: Finding(.unknown, .notice, "The cluster knows no such broker."))
        }
        let bootstrap = snapshot.bootstrap.first ?? "localhost:9092"
        var found = brokerAway(broker, snapshot)
        found += brokerDisk(broker, bootstrap)
        found += brokerReplicas(broker, snapshot, bootstrap)
        found += brokerLoad(broker, snapshot, bootstrap)
        let role = broker.isController ? ", the active controller" : ""
        let well = Finding(
            .well, .well, "Broker \(id) is well\(role): \(broker.leaders) leaders, \(broker.replicas) replicas, all in sync.",
            broker.latencyMs.map { ["answers in \($0) ms"] } ?? [], [])
        return Diagnosis("broker \(id)", found, else: well)
    }

    private static func brokerAway(_ broker: BrokerSnapshot, _ snapshot: ClusterSnapshot) -> [Finding] {
        guard broker.isFenced || !broker.isAlive else { return [] }
        let event = snapshot.events.last { event in
            switch event.kind {
            case .brokerDown(let id, _), .brokerFenced(let id, _, _): id == broker.id
            default: false
            }
        }
        var evidence: [String] = []
        if let event {
            let about = event.inferredSince == nil ? "" : "about "
            evidence.append("since \(about)\(WhyText.duration(snapshot.time.milliseconds - event.time.milliseconds)) ago")
            if case .brokerFenced(_, _, let cause) = event.kind, !cause.isEmpty { evidence.append("the controller says: \(cause)") }
            if case .brokerDown(_, let reason) = event.kind, !reason.isEmpty { evidence.append(reason) }
        }
        if let node = snapshot.quorum.flatMap({ quorum in (quorum.voters + quorum.observers).first { $0.id == broker.id } }) {
            let fetched =
                node.lastFetch.map {
                    ", last heard of \(WhyText.duration(snapshot.time.milliseconds.subtractingClamped($0.milliseconds))) ago"
                } ?? ""
            evidence.append("in the metadata quorum: \(node.lag) records behind\(fetched)")
        }
        let (offline, under) = suffering(broker.id, snapshot)
        evidence.append("\(under) partitions lack a replica, \(offline) have no leader")
        let cause: Cause = broker.isFenced ? .brokerFenced : .brokerGone
        let word =
            broker.isFenced
            ? "registered and fenced: the controller does not hear of it, or it has not caught up yet"
            : "gone: the cluster no longer lists it"
        return [
            Finding(
                cause, .failure, "Broker \(broker.id) is \(word).", evidence,
                [Step("look at the process and its log on \(broker.host)"), Step("see which partitions suffer", key: "6")])
        ]
    }

    /// Partitions with a replica there that have no leader, and that lack a replica.
    private static func suffering(_ id: BrokerID, _ snapshot: ClusterSnapshot) -> (offline: Int, under: Int) {
        var (offline, under) = (0, 0)
        for topic in snapshot.topics.values {
            for partition in topic.partitions where partition.replicas.contains(id) {
                if partition.isOffline { offline += 1 }
                if !partition.inSyncReplicas.contains(id) { under += 1 }
            }
        }
        return (offline, under)
    }

    private static func brokerDisk(_ broker: BrokerSnapshot, _ bootstrap: String) -> [Finding] {
        var out: [Finding] = []
        let command = KafkaCommand.line("kafka-log-dirs.sh", bootstrap, ["--describe", "--broker-list", "\(broker.id)"])
        for directory in broker.disk?.directories ?? [] {
            if let error = directory.error {
                out.append(
                    Finding(
                        .diskFailed, .failure, "A log directory of broker \(broker.id) has failed: \(error).", ["\(directory.path)"],
                        [Step("look at the disk, then restart the broker", command: command), Step("drain the broker", key: "D")]))
            } else if let total = directory.totalBytes, let free = directory.usableBytes, total > 0,
                Double(free) < Double(total) * diskFreePart
            {
                out.append(
                    Finding(
                        .diskFull, free * 20 < total ? .failure : .warning,
                        "The disk of broker \(broker.id) is nearly full: \(ByteText.text(free)) of \(ByteText.text(total)) are free.",
                        ["\(directory.path): replicas use \(ByteText.text(directory.usedBytes))"],
                        [Step("move partitions off it", key: "D"), Step("see what takes the room", key: "9", command: command)]))
            }
        }
        return out
    }

    private static func brokerReplicas(_ broker: BrokerSnapshot, _ snapshot: ClusterSnapshot, _ bootstrap: String) -> [Finding] {
        guard broker.isAlive, !broker.isFenced, broker.outOfSyncReplicas > 0 else { return [] }
        var evidence: [String] = []
        if let rate = broker.throttleRate { evidence.append("replication is throttled to \(ByteText.text(rate))/s") }
        var worst: (TopicPartition, Int64)?
        for topic in snapshot.topics.values {
            for partition in topic.partitions where partition.replicas.contains(broker.id) && !partition.inSyncReplicas.contains(broker.id)
            {
                if let lag = partition.lag(of: broker.id), lag > worst?.1 ?? -1 {
                    worst = (TopicPartition(topic.name, partition.index), lag)
                }
            }
        }
        if let worst { evidence.append("furthest behind: \(worst.0), \(WhyText.count(worst.1)) records") }
        return [
            Finding(
                .followerBehind, .warning,
                "Broker \(broker.id) runs, and \(broker.outOfSyncReplicas) of its \(broker.replicas) replicas are not in sync.", evidence,
                [
                    Step(
                        "watch them catch up", key: "6",
                        command: KafkaCommand.line("kafka-topics.sh", bootstrap, ["--describe", "--under-replicated-partitions"])),
                    Step("if they do not: its disk, its network, its throttle", key: "d"),
                ])
        ]
    }

    private static func brokerLoad(_ broker: BrokerSnapshot, _ snapshot: ClusterSnapshot, _ bootstrap: String) -> [Finding] {
        guard broker.isAlive, !broker.isFenced else { return [] }
        var out: [Finding] = []
        let alive = snapshot.brokers.values.filter { $0.isAlive && !$0.isFenced }
        let others = alive.filter { $0.id != broker.id }
        let mean = others.isEmpty ? 0 : Double(others.reduce(0) { $0 + $1.leaders }) / Double(others.count)
        var elsewhere = 0
        for topic in snapshot.topics.values {
            for partition in topic.partitions
            where partition.replicas.first == broker.id && partition.leader != nil && partition.leader != broker.id { elsewhere += 1 }
        }
        let elect = KafkaCommand.line("kafka-leader-election.sh", bootstrap, ["--election-type", "preferred", "--all-topic-partitions"])
        if elsewhere > 0 {
            out.append(
                Finding(
                    .notPreferred, .notice, "\(elsewhere) partitions that broker \(broker.id) should lead are led elsewhere.",
                    ["it leads \(broker.leaders)"],
                    [Step("elect preferred leaders", key: "6 L", command: elect)]))
        } else if broker.leaders >= 4, Double(broker.leaders) > mean * leaderSkewTimes, !others.isEmpty {
            out.append(
                Finding(
                    .leaderSkew, .notice,
                    "Broker \(broker.id) leads \(broker.leaders) partitions, the others \(WhyText.count(clamped(mean))) on average.",
                    ["its own replicas are the preferred ones, so an election will not help"], [Step("move some of them", key: "3 m")]))
        }
        let latencies = others.compactMap(\.latencyMs)
        if let own = broker.latencyMs, own >= slowMs, !latencies.isEmpty {
            let typical = Double(latencies.reduce(0, +)) / Double(latencies.count)
            if Double(own) > max(1, typical) * slowTimes {
                out.append(
                    Finding(
                        .slowBroker, .warning, "Broker \(broker.id) answers in \(own) ms, the others in \(clamped(typical)).", [],
                        [Step("look at its disk, its network and its request queue", key: "d")]))
            }
        }
        return out
    }
}
