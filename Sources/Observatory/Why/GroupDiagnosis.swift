import Primitives

/// Why a group is behind.
struct GroupDiagnosis {
    let snapshot: ClusterSnapshot
    let group: GroupSnapshot
    let bootstrap: String
    var now: Timestamp { snapshot.time }

    /// Rebalances in the last ten minutes that make a storm, and how far back it is looked for.
    static let stormCount = 5
    static let stormMs: Int64 = 600_000
    /// Unread records that go within this are urgent whatever else is known.
    static let urgentMs: Int64 = 3_600_000
    /// Worth a word.
    static let nearMs: Int64 = 24 * 3_600_000

    var describe: Diagnosis.Step {
        Diagnosis.Step("look at its members and offsets", key: "enter", command: command(["--describe", "--group", group.id]))
    }
    var reset: Diagnosis.Step { Diagnosis.Step("set its offsets", key: "s", command: "") }

    func command(_ arguments: [String]) -> String { KafkaCommand.line("kafka-consumer-groups.sh", bootstrap, arguments) }

    var lagging: [GroupPartitionSnapshot] { group.partitions.filter { ($0.lag ?? 0) > 0 } }
    private var events: [ClusterEvent] { snapshot.events.filter { now.milliseconds - $0.time.milliseconds <= GroupDiagnosis.stormMs } }
    func rebalances(since: Timestamp) -> [RebalanceEvent] {
        snapshot.events.compactMap { event in
            guard event.time >= since, case .rebalance(let rebalance) = event.kind, rebalance.group == group.id else { return nil }
            return rebalance
        }
    }

    var diagnosis: Diagnosis {
        var found: [Diagnosis.Finding] = []
        found += unreachable()
        found += losing()
        found += heldBack()
        found += membership()
        found += positions()
        found += spread()
        found += pace()
        return Diagnosis("group \(group.id)", found, else: well)
    }

    private var well: Diagnosis.Finding {
        if group.partitions.isEmpty {
            return .init(
                .neverCommitted, .well, "The group has committed nothing and owns nothing, so there is nothing to judge.", [], [describe])
        }
        return .init(.keepsUp, .well, "The group keeps up: \(WhyText.count(group.lag ?? 0)) unread.", summary, [describe])
    }

    /// What is true of the group as a whole.
    var summary: [String] {
        var out = [
            "\(group.state.isEmpty ? "state unknown" : group.state), \(members), \(group.partitions.count)"
                + " partition\(WhyText.plural(group.partitions.count))"
        ]
        if let lag = group.lag, lag > 0 {
            let age = group.analysis.timeLag.map { ", the oldest unread is \(WhyText.age($0)) old" } ?? ""
            out.append("\(WhyText.count(lag)) unread\(age)")
        }
        if let rateIn = group.analysis.rateIn, let rateOut = group.analysis.rateOut {
            out.append("written \(WhyText.rate(rateIn)), read \(WhyText.rate(rateOut))")
        }
        return out
    }

    var members: String { "\(group.members.count) member\(WhyText.plural(group.members.count))" }

    // MARK: The cluster's side

    private func unreachable() -> [Diagnosis.Finding] {
        var out: [Diagnosis.Finding] = []
        if let coordinator = group.coordinator, let broker = snapshot.brokers[coordinator], !broker.isAlive {
            let evidence = ["coordinator: broker \(coordinator), \(broker.isFenced ? "fenced" : "not listed by the cluster")"] + summary
            out.append(
                .init(
                    .coordinatorUnavailable, .failure,
                    "Broker \(coordinator), which coordinates the group, is gone: it cannot commit or rebalance.", evidence,
                    [Diagnosis.Step("see the brokers", key: "2"), describe]))
        } else if let error = group.error {
            out.append(
                .init(.coordinatorUnavailable, .failure, "The coordinator answers \(error) for the group.", summary, [describe]))
        }
        let offline = lagging.filter { snapshot.partition($0.partition).map(\.isOffline) == true }
        if let first = offline.first {
            let partition = snapshot.partition(first.partition)
            out.append(
                .init(
                    .leaderOffline, .failure,
                    "\(offline.count) of the partitions it reads ha\(offline.count == 1 ? "s" : "ve") no leader: nothing can be"
                        + " read from \(offline.count == 1 ? "it" : "them").",
                    offline.prefix(5).map {
                        "\($0.partition): replicas on brokers \(WhyText.ids(snapshot.partition($0.partition)?.replicas ?? []))"
                    },
                    [
                        Diagnosis.Step("see the partition", key: "6"),
                        Diagnosis.Step(
                            "start broker\(WhyText.plural(partition?.replicas.count ?? 1)) \(WhyText.ids(partition?.replicas ?? [])) again",
                            command: KafkaCommand.line("kafka-topics.sh", bootstrap, ["--describe", "--unavailable-partitions"])),
                    ], partition: first.partition))
        }
        return out
    }

    // MARK: Records that go

    private func losing() -> [Diagnosis.Finding] {
        var out: [Diagnosis.Finding] = []
        let lost = group.partitions.filter(\.hasLostData)
        if !lost.isEmpty {
            let records = lost.reduce(Int64(0)) { $0.addingClamped(($1.start ?? 0) - ($1.committed ?? 0)) }
            out.append(
                .init(
                    .recordsLost, .failure,
                    "\(WhyText.count(records)) records were deleted before the group read them, in \(lost.count)"
                        + " partition\(WhyText.plural(lost.count)).",
                    lost.prefix(5).map {
                        "\($0.partition): committed \(WhyText.count($0.committed?.rawValue ?? 0)), the log begins at"
                            + " \(WhyText.count($0.start?.rawValue ?? 0))"
                    } + retentionText(lost[0].partition.topic),
                    [
                        Diagnosis.Step("keep records for longer", key: "e", command: keepLonger(lost[0].partition.topic)),
                        Diagnosis.Step(
                            "go on from the first record that is there", key: "s",
                            command: command([
                                "--group", group.id, "--reset-offsets", "--topic", lost[0].partition.topic, "--to-earliest", "--dry-run",
                            ])),
                    ], partition: lost[0].partition))
        }
        if let finding = lossNear() { out.append(finding) }
        return out
    }

    private func lossNear() -> Diagnosis.Finding? {
        var soonest: (row: GroupPartitionSnapshot, clock: LossClock)?
        for row in lagging where !row.hasLostData {
            guard let topic = snapshot.topics[row.partition.topic], let clock = LossClock.of(row, topic, now: now) else { continue }
            // One that is read in time is not lost.
            if let drain = row.analysis.drainMs, drain < clock.inMs { continue }
            if clock.inMs < soonest?.clock.inMs ?? .max { soonest = (row, clock) }
        }
        guard let (row, clock) = soonest, clock.inMs <= GroupDiagnosis.nearMs else { return nil }
        let when = clock.inMs == 0 ? "at any moment" : "within \(WhyText.duration(clock.inMs))"
        var evidence = [
            "\(row.partition): \(WhyText.count(row.lag ?? 0)) unread from offset \(WhyText.count(row.committed?.rawValue ?? 0)) on"
        ]
        if let age = row.analysis.timeLag { evidence.append("the first of them is \(WhyText.age(age)) old") }
        evidence += retentionText(row.partition.topic)
        evidence.append("the clock is that of \(clock.reason.rawValue); a segment goes as a whole, so it may be later, never earlier")
        if row.analysis.drainMs == nil { evidence.append("at the pace of late the group will not have read it by then") }
        return .init(
            .dataLossNear, clock.inMs <= GroupDiagnosis.urgentMs ? .failure : .warning,
            "Unread records of \(row.partition) will be deleted \(when).", evidence,
            [
                Diagnosis.Step("keep records for longer", key: "e", command: keepLonger(row.partition.topic)),
                Diagnosis.Step("start or add consumers"),
            ], partition: row.partition)
    }

    private func retentionText(_ name: String) -> [String] {
        guard let topic = snapshot.topics[name] else { return [] }
        var out: [String] = []
        if let ms = topic.retentionMs { out.append("retention.ms of \(name): \(ms < 0 ? "no limit" : WhyText.duration(ms))") }
        if let bytes = topic.retentionBytes, bytes >= 0 { out.append("retention.bytes of \(name): \(ByteText.text(bytes)) a partition") }
        return out
    }

    private func keepLonger(_ topic: String) -> String {
        let now = snapshot.topics[topic]?.retentionMs ?? 604_800_000
        let longer = now < 0 ? now : max(now.multipliedClamped(by: 2), 86_400_000)
        return KafkaCommand.line(
            "kafka-configs.sh", bootstrap,
            ["--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", "retention.ms=\(longer)"])
    }

    // MARK: Held back

    /// Readers of committed records stop where the first open transaction begins.
    private func heldBack() -> [Diagnosis.Finding] {
        for row in lagging {
            guard let partition = snapshot.partition(row.partition), let stable = partition.stableOffset, let end = partition.endOffset,
                stable < end,
                let committed = row.committed, stable - committed <= max(1, (end - stable) / 10)
            else { continue }
            let holders = partition.producers.filter { $0.transactionStart != nil }.sorted {
                ($0.transactionStart ?? 0) < ($1.transactionStart ?? 0)
            }
            var evidence = [
                "\(row.partition): last stable offset \(WhyText.count(stable.rawValue)), high watermark"
                    + " \(WhyText.count(end.rawValue)), committed \(WhyText.count(committed.rawValue))",
                "\(WhyText.count(end - stable)) records wait behind it for readers with isolation.level=read_committed",
            ]
            var steps: [Diagnosis.Step] = []
            for holder in holders.prefix(3) {
                let idle =
                    holder.lastTime.milliseconds > 0
                    ? ", last wrote \(WhyText.duration(now.milliseconds.subtractingClamped(holder.lastTime.milliseconds))) ago" : ""
                evidence.append(
                    "producer id \(holder.producerID), epoch \(holder.epoch), open since offset"
                        + " \(WhyText.count(holder.transactionStart?.rawValue ?? 0))\(idle)"
                )
            }
            if let holder = holders.first, let start = holder.transactionStart {
                steps.append(
                    Diagnosis.Step(
                        "abort it, if its producer will not come back",
                        command: KafkaCommand.line(
                            "kafka-transactions.sh", bootstrap,
                            [
                                "abort", "--topic", row.partition.topic, "--partition", "\(row.partition.partition)", "--start-offset",
                                "\(start)",
                            ])))
            }
            steps.append(
                Diagnosis.Step(
                    "see who writes",
                    command: KafkaCommand.line(
                        "kafka-transactions.sh", bootstrap,
                        ["describe-producers", "--topic", row.partition.topic, "--partition", "\(row.partition.partition)"])))
            return [
                .init(
                    .openTransaction, .failure, "An open transaction in \(row.partition) holds the group back.", evidence, steps,
                    partition: row.partition)
            ]
        }
        return []
    }
}

extension Int64 {
    func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? .max : difference
    }
}
