import Primitives

// What its members do, or do not.
extension GroupDiagnosis {
    func membership() -> [Diagnosis.Finding] {
        var out: [Diagnosis.Finding] = []
        if let storm = storm() { out.append(storm) }
        if let poison = poison() { out.append(poison) }
        if !group.hasMembers, !lagging.isEmpty, lagging.allSatisfy({ $0.analysis.rateOut ?? 0 == 0 }) { out.append(nobody()) }
        if group.isRebalancing, out.isEmpty {
            out.append(
                .init(
                    .rebalancing, .notice, "The group rebalances now (\(group.state)): nobody reads until it is done.", summary,
                    [Diagnosis.Step("see who joined and left", key: "5"), describe]))
        }
        return out
    }

    private func nobody() -> Diagnosis.Finding {
        var evidence = summary
        let left = snapshot.events.last { event in
            guard case .rebalance(let step) = event.kind else { return false }
            return step.group == group.id && (step.step == .emptied || step.step == .memberLeft)
        }
        if let left, case .rebalance(let step) = left.kind {
            let who = step.clientID.isEmpty ? "the last member" : step.clientID
            let why = step.reason == .unknown ? "" : ", \(step.reason.rawValue)"
            evidence.append("\(who) left \(WhyText.duration(now.milliseconds - left.time.milliseconds)) ago\(why)")
        }
        return .init(
            .noMembers, .failure, "Nobody reads: the group has no members, and \(WhyText.count(group.lag ?? 0)) records wait.", evidence,
            [Diagnosis.Step("start a consumer"), describe])
    }

    /// Many generations in a short time: nobody reads while they last.
    private func storm() -> Diagnosis.Finding? {
        let since = Timestamp(milliseconds: now.milliseconds - GroupDiagnosis.stormMs)
        let steps = rebalances(since: since)
        let started = steps.count { $0.step == .started }
        let rounds = max(started, steps.count { $0.step == .assigned })
        guard rounds >= GroupDiagnosis.stormCount else { return nil }
        var flaps = OrderedMap<String, (joined: Int, left: Int, expired: Int)>()
        for step in steps {
            let who =
                step.clientID.isEmpty ? step.memberID : "\(step.clientID)\(step.clientHost.isEmpty ? "" : "@" + host(step.clientHost))"
            guard !who.isEmpty else { continue }
            if step.step == .memberJoined { flaps[who, default: (0, 0, 0)].joined += 1 }
            if step.step == .memberLeft { flaps[who, default: (0, 0, 0)].left += 1 }
            if step.step == .memberLeft, step.reason == .sessionExpired || step.reason == .rebalanceTimedOut {
                flaps[who, default: (0, 0, 0)].expired += 1
            }
        }
        var evidence = ["\(rounds) rebalances in \(WhyText.duration(GroupDiagnosis.stormMs)), \(members) now"]
        let worst = flaps.sorted { $0.value.joined + $0.value.left > $1.value.joined + $1.value.left }
        for (who, count) in worst.prefix(3) where count.joined + count.left > 1 {
            let expired = count.expired > 0 ? ", \(count.expired) by an expired session or a missed rebalance" : ""
            evidence.append("\(who): joined \(count.joined), left \(count.left) times\(expired)")
        }
        var reasons = OrderedMap<String, Int>()
        for step in steps where step.step == .started || step.step == .memberLeft { reasons[step.reason.rawValue, default: 0] += 1 }
        if let most = reasons.max(by: { $0.value < $1.value }), most.key != "unknown" { evidence.append("mostly because: \(most.key)") }
        let expired = flaps.values.reduce(0) { $0 + $1.expired }
        let advice =
            expired > 0
            ? "raise max.poll.interval.ms or lower max.poll.records: the handler takes longer than the group waits"
            : "look at what restarts its members; group.instance.id spares a rebalance at each restart"
        return .init(
            .rebalanceStorm, .failure, "The group rebalances all the time: \(rounds) times in ten minutes.", evidence,
            [Diagnosis.Step(advice), Diagnosis.Step("see each of them", key: "5")])
    }

    private func host(_ text: String) -> String { text.hasPrefix("/") ? String(text.dropFirst()) : text }

    /// One partition stands still at one offset while its owners come and go, and the others move on.
    private func poison() -> Diagnosis.Finding? {
        for row in lagging {
            guard let frozen = row.analysis.frozenMs, frozen >= LagLimits.frozenMinMs else { continue }
            let others = group.partitions.filter {
                $0.partition != row.partition && $0.analysis.frozenMs == nil || ($0.analysis.rateOut ?? 0) > 0
            }
            let since = Timestamp(milliseconds: now.milliseconds - frozen)
            let steps = rebalances(since: since)
            let gone = steps.filter { $0.step == .memberLeft }
            guard gone.count >= 2, !others.isEmpty || group.partitions.count == 1 else { continue }
            var evidence = [
                "\(row.partition): committed \(WhyText.count(row.committed?.rawValue ?? 0)) for \(WhyText.duration(frozen)), "
                    + "while \(gone.count) members left and others took over"
            ]
            if let unread = row.unread, unread.asked == row.committed {
                evidence.append("the record at offset \(unread.offset) has \(ByteText.text(Int64(unread.bytes)))")
            }
            let who = gone.suffix(3).map { $0.clientID.isEmpty ? $0.memberID : $0.clientID }.joined(separator: ", ")
            evidence.append("last to leave: \(who)")
            let next = (row.committed?.rawValue ?? 0).addingClamped(1)
            return .init(
                .poisonRecord, .failure,
                "The record at offset \(WhyText.count(row.committed?.rawValue ?? 0)) of \(row.partition) brings down whoever reads it.",
                evidence,
                [
                    Diagnosis.Step("look at the record", key: "l"),
                    Diagnosis.Step(
                        "step over it, while the group is stopped", key: "s",
                        command: command([
                            "--group", group.id, "--reset-offsets", "--topic", "\(row.partition.topic):\(row.partition.partition)",
                            "--to-offset", "\(next)", "--dry-run",
                        ])),
                ], partition: row.partition)
        }
        return nil
    }

    // MARK: Positions

    /// Commits that stand still, or went back.
    func positions() -> [Diagnosis.Finding] {
        var out: [Diagnosis.Finding] = []
        let unowned = lagging.filter { $0.member == nil && $0.analysis.verdict == .stopped }
        if group.hasMembers, !group.isRebalancing, let first = unowned.first {
            out.append(
                .init(
                    .nobodyOwns, .failure,
                    "Nobody owns \(unowned.count) partition\(WhyText.plural(unowned.count)) with unread records, though the group"
                        + " has \(members).",
                    unowned.prefix(5).map {
                        "\($0.partition): \(WhyText.count($0.lag ?? 0)) unread, frozen for \(WhyText.duration($0.analysis.frozenMs ?? 0))"
                    }
                        + ["subscribed: \(subscribed)"],
                    [Diagnosis.Step("see which topics its members ask for", key: "enter"), describe], partition: first.partition))
        }
        let stalled = lagging.filter { $0.analysis.verdict == .stalled }
        if let first = stalled.max(by: { ($0.analysis.frozenMs ?? 0) < ($1.analysis.frozenMs ?? 0) }) {
            let owner = group.members.first { $0.id == first.member }
            out.append(
                .init(
                    .stalled, .failure,
                    "\(owner?.clientID ?? "A member") owns \(first.partition) and has committed nothing for"
                        + " \(WhyText.duration(first.analysis.frozenMs ?? 0)).",
                    [
                        "\(stalled.count) of \(group.partitions.count) partitions stand still while there is something to read",
                        "\(first.partition): committed \(WhyText.count(first.committed?.rawValue ?? 0)), end"
                            + " \(WhyText.count(first.end?.rawValue ?? 0)), written \(WhyText.rate(first.analysis.rateIn ?? 0))",
                        owner.map { "owner \($0.clientID)@\(host($0.host)), alive by its heartbeats" } ?? "its owner is not known",
                    ],
                    [
                        Diagnosis.Step("look at the record it stands at", key: "l"),
                        Diagnosis.Step("look at what \(owner?.clientID ?? "the member") does: a thread dump, its log"),
                    ],
                    partition: first.partition))
        }
        let rewound = group.partitions.filter { $0.analysis.verdict == .rewound }
        if let first = rewound.first, let step = first.commits.rewind {
            out.append(
                .init(
                    .rewound, .warning,
                    "Commits of \(rewound.count) partition\(WhyText.plural(rewound.count)) went back, and are read again.",
                    rewound.prefix(5).map { row in
                        let from = row.commits.rewind
                        return "\(row.partition): \(WhyText.count(from?.from.rawValue ?? 0)) → \(WhyText.count(from?.to.rawValue ?? 0))"
                    } + [
                        "seen \(WhyText.duration(now.milliseconds - step.time.milliseconds)) ago; consumers only go on, so"
                            + " somebody set it, or two commit to one group"
                    ],
                    [Diagnosis.Step("see what was done", key: "5"), describe], partition: first.partition))
        }
        let stopped = lagging.filter { $0.analysis.verdict == .stopped }
        if out.isEmpty, let first = stopped.first {
            out.append(
                .init(
                    .stopped, .failure,
                    "Commits have stopped for \(WhyText.duration(first.analysis.frozenMs ?? 0)) with"
                        + " \(WhyText.count(group.lag ?? 0)) unread.",
                    summary, [Diagnosis.Step("start a consumer"), describe], partition: first.partition))
        }
        return out
    }

    private var subscribed: String {
        let topics = group.members.flatMap(\.subscription).uniqued()
        return topics.isEmpty ? "not told" : topics.prefix(5).joined(separator: ", ")
    }
}
