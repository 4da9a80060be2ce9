import Primitives

/// What is wrong with a partition.
struct PartitionDiagnosis {
    let snapshot: ClusterSnapshot
    let topic: TopicSnapshot
    let partition: PartitionSnapshot
    let bootstrap: String

    var name: TopicPartition { TopicPartition(topic.name, partition.index) }
    private var now: Timestamp { snapshot.time }

    var diagnosis: Diagnosis {
        let found = offline() + underMinimum() + outOfSync() + openTransaction() + readers() + leadership()
        return Diagnosis("partition \(name)", found, else: well)
    }

    private var well: Diagnosis.Finding {
        .init(.well, .well, "The partition is well: led by its preferred replica, all \(partition.replicas.count) in sync.", offsets, [])
    }

    private var offsets: [String] {
        guard let start = partition.startOffset, let end = partition.endOffset else { return [] }
        let rate = partition.messageRate.map { ", written \(WhyText.rate($0))" } ?? ""
        return ["offsets \(WhyText.count(start.rawValue)) to \(WhyText.count(end.rawValue))\(rate)"]
    }

    private func tool(_ arguments: [String]) -> String { KafkaCommand.line("kafka-topics.sh", bootstrap, arguments) }

    /// "gone for 3 min 20 s", "fenced", "alive".
    private func state(_ id: BrokerID) -> String {
        guard let broker = snapshot.brokers[id] else { return "not known to the cluster" }
        if broker.isFenced { return "fenced" + since(id) }
        return broker.isAlive ? "alive" : "gone" + since(id)
    }

    private func since(_ id: BrokerID) -> String {
        let event = snapshot.events.last { event in
            switch event.kind {
            case .brokerDown(let broker, _), .brokerFenced(let broker, _, _): broker == id
            default: false
            }
        }
        return event.map { " for \(WhyText.duration(now.milliseconds - $0.time.milliseconds))" } ?? ""
    }

    // MARK: Replicas

    private func offline() -> [Diagnosis.Finding] {
        guard partition.isOffline else { return [] }
        let eligible = partition.eligibleLeaderReplicas
        let dead = partition.replicas.filter { snapshot.brokers[$0]?.isAlive != true }
        var steps: [Diagnosis.Step] = []
        let last = partition.inSyncReplicas.isEmpty ? eligible : partition.inSyncReplicas
        if let first = last.first ?? dead.first {
            steps.append(Diagnosis.Step("start broker \(first) again: it may lead without losing a record"))
        }
        steps.append(
            Diagnosis.Step(
                "elect an unclean leader, and lose what only the others have", key: "L",
                command: KafkaCommand.line(
                    "kafka-leader-election.sh", bootstrap,
                    ["--election-type", "unclean", "--topic", topic.name, "--partition", "\(partition.index)"])))
        return [
            .init(
                .leaderOffline, .failure, "\(name) has no leader: nothing can be written or read.",
                partition.replicas.map { "broker \($0): \(state($0))\(eligible.contains($0) ? ", may lead" : "")" }
                    + ["last in sync: \(last.isEmpty ? "not told" : WhyText.ids(last))"], steps, partition: name)
        ]
    }

    private func underMinimum() -> [Diagnosis.Finding] {
        guard !partition.isOffline, topic.has(.underMinISR, partition), let minimum = topic.minimum(of: partition) else { return [] }
        let missing = self.missing
        return [
            .init(
                .underMinISR, .failure,
                "\(name) refuses writes with acks=all: \(partition.inSyncReplicas.count) in sync, \(minimum) needed.",
                missing.map { "broker \($0): \(state($0))\(behind($0))" } + ["min.insync.replicas \(minimum)"],
                [
                    Diagnosis.Step("bring broker\(WhyText.plural(missing.count)) \(WhyText.ids(missing)) back", key: "2"),
                    Diagnosis.Step("all such partitions", command: tool(["--describe", "--under-min-isr-partitions"])),
                ], partition: name)
        ]
    }

    private var missing: [BrokerID] {
        partition.replicas.filter { !partition.inSyncReplicas.contains($0) && !partition.addingReplicas.contains($0) }
    }

    private func behind(_ id: BrokerID) -> String { partition.lag(of: id).map { ", \(WhyText.count($0)) records behind" } ?? "" }

    private func outOfSync() -> [Diagnosis.Finding] {
        var out: [Diagnosis.Finding] = []
        let missing = self.missing
        if !missing.isEmpty, !partition.isOffline {
            let dead = missing.filter { snapshot.brokers[$0]?.isAlive != true }
            let sentence =
                dead.isEmpty
                ? "Broker\(WhyText.plural(missing.count)) \(WhyText.ids(missing)) follow\(missing.count == 1 ? "s" : "") \(name)"
                    + " and \(missing.count == 1 ? "is" : "are") not in sync."
                : "\(name) lacks a replica because broker\(WhyText.plural(dead.count)) \(WhyText.ids(dead))"
                    + " \(dead.count == 1 ? "is" : "are") \(snapshot.brokers[dead[0]]?.isFenced == true ? "fenced" : "gone")."
            var evidence = missing.map { "broker \($0): \(state($0))\(behind($0))" }
            for id in missing {
                if let rate = snapshot.brokers[id]?.throttleRate {
                    evidence.append("broker \(id) is throttled to \(ByteText.text(rate))/s")
                }
                if let error = snapshot.brokers[id]?.disk?.directories.compactMap(\.error).first {
                    evidence.append("broker \(id): a log directory failed, \(error)")
                }
            }
            out.append(
                .init(
                    dead.isEmpty ? .followerBehind : .underReplicated, .warning, sentence, evidence,
                    [
                        Diagnosis.Step("see the broker", key: "2"),
                        Diagnosis.Step("all such partitions", key: "6", command: tool(["--describe", "--under-replicated-partitions"])),
                    ], partition: name))
        }
        if partition.isReassigning {
            let moving = snapshot.reassignments[name]
            var evidence = [
                "to brokers \(WhyText.ids(partition.targetReplicas)), coming \(WhyText.ids(partition.addingReplicas)), going"
                    + " \(WhyText.ids(partition.removingReplicas))"
            ]
            if let left = moving?.bytesLeft { evidence.append("\(ByteText.text(left)) left") }
            if let eta = moving?.etaMs { evidence.append("done in \(WhyText.duration(eta))") }
            out.append(
                .init(
                    .reassigning, .notice, "\(name) moves to other brokers.", evidence, [Diagnosis.Step("see how far it is", key: "7")],
                    partition: name))
        }
        return out
    }

    private func openTransaction() -> [Diagnosis.Finding] {
        guard let stable = partition.stableOffset, let end = partition.endOffset, stable < end else { return [] }
        let holders = partition.producers.filter { $0.transactionStart != nil }
        return [
            .init(
                .openTransaction, .notice,
                "A transaction is open: readers of committed records stop at offset \(WhyText.count(stable.rawValue)).",
                ["\(WhyText.count(end - stable)) records beyond it"]
                    + holders.prefix(3).map { "producer id \($0.producerID), epoch \($0.epoch)" },
                [
                    Diagnosis.Step(
                        "see who writes",
                        command: KafkaCommand.line(
                            "kafka-transactions.sh", bootstrap,
                            ["describe-producers", "--topic", topic.name, "--partition", "\(partition.index)"]))
                ], partition: name)
        ]
    }

    /// Groups that will lose records here, or have.
    private func readers() -> [Diagnosis.Finding] {
        var out: [Diagnosis.Finding] = []
        for group in snapshot.groups.values {
            guard let row = group.partitions.first(where: { $0.partition == name }), (row.lag ?? 0) > 0 else { continue }
            if row.hasLostData {
                out.append(
                    .init(
                        .recordsLost, .warning,
                        "Group \(group.id) has lost \(WhyText.count((row.start ?? 0) - (row.committed ?? 0))) records here.", [],
                        [Diagnosis.Step("see the group", key: "4")], partition: name))
            } else if let clock = LossClock.of(row, topic, now: now), clock.inMs <= GroupDiagnosis.nearMs,
                (row.analysis.drainMs ?? .max) > clock.inMs
            {
                out.append(
                    .init(
                        .dataLossNear, clock.inMs <= GroupDiagnosis.urgentMs ? .failure : .warning,
                        "Group \(group.id) has \(WhyText.count(row.lag ?? 0)) unread that will be deleted"
                            + " \(clock.inMs == 0 ? "at any moment" : "within \(WhyText.duration(clock.inMs))").",
                        ["by \(clock.reason.rawValue)"], [Diagnosis.Step("see the group", key: "4")], partition: name))
            }
        }
        return Array(out.prefix(5))
    }

    private func leadership() -> [Diagnosis.Finding] {
        guard !partition.isLeaderPreferred, let leader = partition.leader, let preferred = partition.replicas.first else { return [] }
        return [
            .init(
                .notPreferred, .notice, "Broker \(leader) leads \(name) in the place of broker \(preferred).",
                ["broker \(preferred): \(state(preferred)), \(partition.inSyncReplicas.contains(preferred) ? "in sync" : "not in sync")"],
                [
                    Diagnosis.Step(
                        "elect the preferred leader", key: "L",
                        command: KafkaCommand.line(
                            "kafka-leader-election.sh", bootstrap,
                            ["--election-type", "preferred", "--topic", topic.name, "--partition", "\(partition.index)"]))
                ], partition: name)
        ]
    }
}

extension Diagnosis {
    /// What is wrong with a partition, or that it is well.
    package static func ofPartition(_ name: TopicPartition, _ snapshot: ClusterSnapshot) -> Diagnosis {
        guard let topic = snapshot.topics[name.topic], let partition = snapshot.partition(name) else {
            return Diagnosis("partition \(name)", [], else: Finding(.unknown, .notice, "The cluster knows no such partition."))
        }
        return PartitionDiagnosis(
            snapshot: snapshot, topic: topic, partition: partition, bootstrap: snapshot.bootstrap.first ?? "localhost:9092"
        ).diagnosis
    }

    /// What is wrong with a topic: with its partitions, with who reads it, with how it is written.
    package static func ofTopic(_ name: String, _ snapshot: ClusterSnapshot) -> Diagnosis {
        guard let topic = snapshot.topics[name] else {
            return Diagnosis("topic \(name)", [], else: Finding(.unknown, .notice, "The cluster knows no such topic."))
        }
        let bootstrap = snapshot.bootstrap.first ?? "localhost:9092"
        var byCause: [Cause: [Finding]] = [:]
        for partition in topic.partitions {
            let one = PartitionDiagnosis(snapshot: snapshot, topic: topic, partition: partition, bootstrap: bootstrap).diagnosis
            for finding in one.findings where finding.severity > .well { byCause[finding.cause, default: []].append(finding) }
        }
        var found: [Finding] = []
        for cause in Cause.allCases {
            guard let all = byCause[cause], var first = all.first else { continue }
            if all.count > 1 {
                first.evidence.insert(
                    "\(all.count) of \(topic.partitions.count) partitions: "
                        + all.prefix(8).compactMap { $0.partition.map { String($0.partition) } }.joined(separator: ", "), at: 0)
                first.sentence = "\(all.count) partitions of \(name): \(cause.rawValue)."
            }
            found.append(first)
        }
        found += topicFindings(topic, snapshot, bootstrap)
        let rate = topic.messageRate.map { ", written \(WhyText.rate($0))" } ?? ""
        let well = Finding(.well, .well, "The topic is well: \(topic.partitions.count) partitions, all led and in sync\(rate).", [], [])
        return Diagnosis("topic \(name)", found, else: well)
    }

    private static func topicFindings(_ topic: TopicSnapshot, _ snapshot: ClusterSnapshot, _ bootstrap: String) -> [Finding] {
        var out: [Finding] = []
        let readers = snapshot.groups.values.filter { $0.topics.contains(topic.name) }
        let late = readers.filter { $0.analysis.verdict.isTrouble }
        if !late.isEmpty {
            out.append(
                Finding(
                    .readersBehind, .warning,
                    "\(late.count) of \(readers.count) groups that read \(topic.name) \(late.count == 1 ? "is" : "are") in trouble.",
                    late.prefix(6).map { "\($0.id): \($0.analysis.verdict.rawValue), \(WhyText.count($0.lag ?? 0)) unread" },
                    [Diagnosis.Step("see the group, and ask it why", key: "4")]))
        }
        if topic.hasThrottledReplicas, !topic.partitions.contains(where: \.isReassigning) {
            out.append(
                Finding(
                    .throttleLeftBehind, .notice, "A throttle was left behind by a reassignment that is over.",
                    [
                        "leaders \(topic.throttledLeaders.isEmpty ? "none" : topic.throttledLeaders), followers"
                            + " \(topic.throttledFollowers.isEmpty ? "none" : topic.throttledFollowers)"
                    ],
                    [Diagnosis.Step("remove it", key: "7")]))
        }
        let rates = topic.partitions.map { $0.messageRate ?? 0 }
        let total = rates.reduce(0, +)
        if rates.count >= 3, total >= 1, let most = rates.indices.max(by: { rates[$0] < rates[$1] }), rates[most] / total >= 0.5,
            rates[most] / total >= 3 / Double(rates.count)
        {
            out.append(
                Finding(
                    .skewedWrites, .notice, "Partition \(most) takes \(WhyText.percent(rates[most] / total)) of what is written.",
                    ["\(WhyText.rate(rates[most])) of \(WhyText.rate(total)) in \(rates.count) partitions"],
                    [Diagnosis.Step("look at its keys", key: "l")], partition: TopicPartition(topic.name, Int32(most))))
        }
        return out
    }
}
