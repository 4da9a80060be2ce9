import ClientCore
import Primitives
import Wire

/// The before and after of resetting a group's offsets, by the rules of `kafka-consumer-groups --reset-offsets`: the group must be
/// inactive; targets are clamped to what the log holds, with a warning; a time without a later message means the end; a partition
/// without a commit counts as the end for `current` and cannot be shifted.
struct ResetTable {
    let group: String
    let scope: ResetScope
    let strategy: ResetStrategy
    let facts: PlanFacts
    let now: Timestamp

    private enum Target {
        case offset(Offset)
        /// There is no offset by this strategy, and why.
        case none(String)
    }

    /// The partitions to reset, sorted.
    static func partitions(_ group: String, _ scope: ResetScope, _ strategy: ResetStrategy, _ facts: PlanFacts) -> [TopicPartition] {
        if case .file(_, let csv) = strategy {
            let rows = (try? OffsetsFile.parse(csv))?.rows ?? []
            return rows.filter { $0.group == nil || $0.group == group }.map(\.partition).uniqued()
        }
        switch scope {
        case .allTopics: return facts.commits.keys
        case .topics(let names): return names.uniqued().flatMap { facts.partitions(of: $0) }
        case .partitions(let partitions): return partitions.uniqued()
        }
    }

    /// The time to look offsets up for; nil where the strategy does not go by time.
    static func timestamp(_ strategy: ResetStrategy, now: Timestamp) -> Int64? {
        switch strategy {
        case .datetime(let time): max(0, time.milliseconds)
        case .byDuration(let milliseconds): max(0, now.milliseconds - milliseconds)
        default: nil
        }
    }

    func plan() throws(PlanError) -> Plan {
        var plan = Plan(action: .resetOffsets(group: group, scope: scope, strategy: strategy), title: "Reset offsets of group \(group)")
        plan.columns = ["TOPIC", "PARTITION", "BEFORE", "AFTER", "CHANGE"]
        try checkTopics()
        checkGroup(&plan)
        var commits: [OffsetToCommit] = []
        var without = 0
        for partition in ResetTable.partitions(group, scope, strategy, facts) {
            guard let after = resolved(partition, &plan) else { continue }
            let before = facts.commits[partition]?.offset
            if before == nil { without += 1 }
            let change = before.map { after - $0 }
            let cells = [partition.topic, "\(partition.partition)", before?.description ?? "-", "\(after)", change.map(signed) ?? "-"]
            plan.rows.append(Plan.Row(cells, isChange: change != 0))
            commits.append(OffsetToCommit(partition, after))
        }
        guard !plan.rows.isEmpty else { throw PlanError(emptyReason(plan.warnings)) }
        describe(&plan, commits, without: without)
        return plan
    }

    // MARK: Checks

    private func checkTopics() throws(PlanError) {
        for topic in ResetTable.partitions(group, scope, strategy, facts).map(\.topic).uniqued() {
            _ = try PlanTables.existing(topic, facts)
        }
        if case .topics(let names) = scope { for name in names { _ = try PlanTables.existing(name, facts) } }
    }

    private func checkGroup(_ plan: inout Plan) {
        guard let known = facts.group else {
            plan.warnings.append("Group \(group) does not exist yet: the commit creates it.")
            return
        }
        guard !PlanTables.isInactive(known) || !known.members.isEmpty else { return }
        let members = PlanTables.count(known.members.count, "member")
        plan.obstacles.append(
            "Offsets can only be reset while the group is inactive; \(group) is \(known.state) with \(members). Stop them first.")
    }

    private func emptyReason(_ warnings: [String]) -> String {
        if let first = warnings.first(where: { $0.contains("-") || $0.contains("partition") }) { return first }
        return scope == .allTopics ? "Group \(group) has no committed offsets." : "There is nothing to reset."
    }

    // MARK: Targets

    /// The offset to commit, clamped; nil, with a warning, where there is none.
    private func resolved(_ partition: TopicPartition, _ plan: inout Plan) -> Offset? {
        guard let earliest = facts.earliest[partition], let latest = facts.latest[partition] else {
            plan.warnings.append("\(partition) is left out: \(PlanTables.problem(partition, facts))")
            return nil
        }
        switch target(partition, earliest, latest, &plan) {
        case .none(let reason):
            plan.warnings.append("\(partition) is left out: \(reason)")
            return nil
        case .offset(let offset) where offset > latest:
            plan.warnings.append("\(partition): new offset \(offset) is higher than the latest offset and becomes \(latest).")
            return latest
        case .offset(let offset) where offset < earliest:
            plan.warnings.append("\(partition): new offset \(offset) is lower than the earliest offset and becomes \(earliest).")
            return earliest
        case .offset(let offset): return offset
        }
    }

    private func target(_ partition: TopicPartition, _ earliest: Offset, _ latest: Offset, _ plan: inout Plan) -> Target {
        switch strategy {
        case .earliest: return .offset(earliest)
        case .latest: return .offset(latest)
        case .current: return .offset(facts.commits[partition]?.offset ?? latest)
        case .offset(let offset): return .offset(offset)
        case .shiftBy(let count):
            guard let current = facts.commits[partition]?.offset else { return .none("it has no committed offset to shift.") }
            let (sum, overflow) = current.rawValue.addingReportingOverflow(count)
            return .offset(Offset(overflow ? (count > 0 ? .max : .min) : sum))
        case .datetime, .byDuration:
            if let offset = facts.byTime[partition] { return .offset(offset) }
            plan.warnings.append("\(partition) has no message that late: it is reset to its latest offset, \(latest).")
            return .offset(latest)
        case .file(_, let csv):
            let rows = (try? OffsetsFile.parse(csv))?.rows ?? []
            let row = rows.last { $0.partition == partition && ($0.group == nil || $0.group == group) }
            return row.map { .offset($0.offset) } ?? .none("the file does not name it.")
        }
    }

    // MARK: Words

    private func describe(_ plan: inout Plan, _ commits: [OffsetToCommit], without: Int) {
        var back: Int64 = 0
        var skipped: Int64 = 0
        for commit in commits {
            guard let before = facts.commits[commit.partition]?.offset else { continue }
            if commit.offset < before { back = back.addingClamped(before - commit.offset) }
            if commit.offset > before { skipped = skipped.addingClamped(commit.offset - before) }
        }
        let topics = commits.map(\.partition.topic).uniqued()
        plan.touches = [
            "\(PlanTables.count(commits.count, "partition")) of \(PlanTables.count(topics.count, "topic")) for group \(group)"
        ]
        if back > 0 { plan.touches.append("about \(PlanTables.count(back, "message")) will be read again") }
        if skipped > 0 { plan.touches.append("about \(PlanTables.count(skipped, "message")) will be skipped") }
        let old = commits.compactMap { commit in facts.commits[commit.partition].map { (commit.partition, $0.offset) } }
        plan.inverse = PlanTables.restore(group, old)
        if without > 0 && !old.isEmpty {
            plan.warnings.append("\(PlanTables.count(without, "partition")) had no commit; undoing leaves the new one in place there.")
        }
        if !plan.rows.contains(where: \.isChange) && strategy != .current { plan.warnings.append("All offsets are there already.") }
        plan.isOfShareGroup = facts.group?.isShare == true
        plan.steps = plan.isOfShareGroup
            ? [.setShareOffsets(group: group, commits)] : [.commitOffsets(group: group, commits)]
    }

    private func signed(_ change: Int64) -> String { change > 0 ? "+\(change)" : "\(change)" }
}
