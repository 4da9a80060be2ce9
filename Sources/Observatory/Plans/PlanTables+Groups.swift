import Primitives
import Wire

// Plans that end something of a group or a log.
extension PlanTables {
    static func deleteGroup(_ id: String, _ facts: PlanFacts) throws(PlanError) -> Plan {
        guard let group = facts.group else { throw PlanError("Group \(id) does not exist.") }
        var plan = Plan(action: .deleteGroup(id), title: "Delete group \(id)")
        plan.columns = ["TOPIC", "PARTITION", "BEFORE", "AFTER"]
        plan.rows = facts.commits.map { name, commit in
            Plan.Row([name.topic, "\(name.partition)", "\(commit.offset)", "no commit"])
        }
        plan.touches = ["\(count(facts.commits.count, "committed offset")) of group \(id)"]
        if !group.members.isEmpty || !isInactive(group) {
            let members = count(group.members.count, "member")
            plan.obstacles.append("Only an empty group can be deleted; \(id) is \(group.state) with \(members). Stop them first.")
        }
        plan.inverse = group.isShare
            ? .none("Where a share group was cannot be brought back.") : restore(id, facts.commits.map { ($0.key, $0.value.offset) })
        plan.isOfShareGroup = group.isShare
        plan.confirmation = .typedName(id)
        plan.steps = [.deleteGroup(id)]
        return plan
    }

    static func deleteGroupOffsets(_ id: String, _ topic: String, _ facts: PlanFacts) throws(PlanError) -> Plan {
        guard let group = facts.group else { throw PlanError("Group \(id) does not exist.") }
        let commits = facts.commits.filter { $0.key.topic == topic }
        guard !commits.isEmpty else { throw PlanError("Group \(id) has no commits for topic \(topic).") }
        let action = PlanAction.deleteGroupOffsets(group: id, topic: topic)
        var plan = Plan(action: action, title: "Delete the offsets of group \(id) for topic \(topic)")
        plan.columns = ["TOPIC", "PARTITION", "BEFORE", "AFTER"]
        plan.rows = commits.map { Plan.Row([topic, "\($0.key.partition)", "\($0.value.offset)", "no commit"]) }
        plan.touches = ["\(count(commits.count, "committed offset")); members that start later begin at auto.offset.reset"]
        if group.isShare ? !group.members.isEmpty : group.members.contains(where: { $0.subscription.contains(topic) }) {
            plan.obstacles.append("Group \(id) is \(group.state) and subscribes to \(topic). Stop those members first.")
        }
        plan.inverse = restore(id, commits.map { ($0.key, $0.value.offset) })
        plan.isOfShareGroup = group.isShare
        plan.steps = group.isShare
            ? [.deleteShareOffsets(group: id, commits.map(\.key))] : [.deleteGroupOffsets(group: id, commits.map(\.key))]
        return plan
    }

    static func isInactive(_ group: PlanFacts.Group) -> Bool { group.state == "Empty" || group.state == "Dead" }

    /// The old commits as the file that brings them back.
    static func restore(_ group: String, _ commits: [(TopicPartition, Offset)]) -> Plan.Inverse {
        guard !commits.isEmpty else { return .none("There are no commits to bring back.") }
        let file = OffsetsFile(rows: commits.map { OffsetsFile.Row(partition: $0.0, offset: $0.1) })
        return .action(.resetOffsets(group: group, scope: .allTopics, strategy: .file(name: "undo.csv", csv: file.text)))
    }

    static func deleteRecords(_ records: [RecordsToDelete], _ facts: PlanFacts) throws(PlanError) -> Plan {
        let topics = records.map(\.partition.topic).uniqued()
        let title = topics.count == 1 ? "Delete records of topic \(topics[0])" : "Delete records of \(topics.count) topics"
        var plan = Plan(action: .deleteRecords(records), title: title)
        plan.columns = ["TOPIC", "PARTITION", "BEFORE", "AFTER", "DELETED"]
        var exact: [RecordsToDelete] = []
        var messages: Int64 = 0
        for record in records.sorted(by: { $0.partition < $1.partition }) {
            let name = record.partition
            _ = try existing(name.topic, facts)
            guard let earliest = facts.earliest[name], let latest = facts.latest[name] else {
                plan.obstacles.append("\(name): \(problem(name, facts))")
                continue
            }
            let before = record.before == .none ? latest : record.before
            let cells = [name.topic, "\(name.partition)", "\(earliest)"]
            if before > latest {
                plan.obstacles.append("\(name): offset \(before) is beyond the end, \(latest).")
            } else if before <= earliest {
                plan.rows.append(Plan.Row(cells + ["\(earliest)", "0"], isChange: false))
            } else {
                messages = messages.addingClamped(before - earliest)
                plan.rows.append(Plan.Row(cells + ["\(before)", "\(before - earliest)"]))
                exact.append(RecordsToDelete(name, before: before))
            }
        }
        for topic in topics where isCompactOnly(facts.configs[.topic(topic)]) {
            plan.obstacles.append("Topic \(topic) has cleanup.policy=compact: Kafka deletes records only where the policy includes delete.")
        }
        if exact.isEmpty && plan.obstacles.isEmpty { plan.obstacles.append("There is nothing to delete.") }
        plan.touches = ["about \(count(messages, "message")) in \(count(exact.count, "partition"))"]
        plan.inverse = .none("The records cannot be brought back.")
        plan.confirmation = .typedName(topics.count == 1 ? topics[0] : "delete")
        plan.steps = exact.isEmpty ? [] : [.deleteRecords(exact)]
        return plan
    }

    private static func isCompactOnly(_ configs: ConfigSnapshot?) -> Bool { configs?.entry("cleanup.policy")?.value == "compact" }

    static func problem(_ name: TopicPartition, _ facts: PlanFacts) -> String {
        if let code = facts.offsetErrors[name] { return "\(code.name): \(code.message)" }
        if !facts.partitions(of: name.topic).contains(name) { return "there is no such partition." }
        return "it has no leader now."
    }
}
