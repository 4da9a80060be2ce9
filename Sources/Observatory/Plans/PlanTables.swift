import Primitives
import Wire

/// Plans out of facts, one function per action: title, before and after, what is touched, what speaks against it, how to undo it.
enum PlanTables {
    // MARK: Topics

    static func createTopic(_ wanted: NewTopic, _ facts: PlanFacts) throws(PlanError) -> Plan {
        let topic = try filled(wanted, facts)
        var plan = Plan(action: .createTopic(topic), title: "Create topic \(topic.name)" + (wanted.like.map { " like \($0)" } ?? ""))
        plan.columns = ["SETTING", "BEFORE", "AFTER"]
        let partitions = topic.partitions ?? facts.createdPartitions
        let factor = topic.replicationFactor ?? facts.createdReplicationFactor
        plan.rows = [
            Plan.Row(["partitions", "-", partitions.map(String.init) ?? "the broker's default"]),
            Plan.Row(["replication factor", "-", factor.map(String.init) ?? "the broker's default"]),
        ]
        plan.rows += topic.configs.map { Plan.Row([$0.name, "-", $0.value]) }
        if let partitions, let factor {
            let replicas = Int64(partitions) * Int64(factor)
            let places = count(facts.brokers.count, "broker")
            plan.touches = ["\(count(partitions, "partition")), \(count(replicas, "replica")) on \(places)"]
        }
        if facts.exists(topic.name) { plan.obstacles.append("Topic \(topic.name) exists already.") }
        if let like = wanted.like { plan.warnings.append("Messages and access rules of \(like) are not copied.") }
        if topic.name.contains(".") || topic.name.contains("_") {
            plan.warnings.append("Metric names cannot tell '.' from '_' in topic names: better not use both in one cluster.")
        }
        plan.inverse = .action(.deleteTopic(topic.name))
        plan.steps = [.createTopic(topic)]
        return plan
    }

    /// A new topic with what it leaves to the topic that it is to be like.
    static func filled(_ topic: NewTopic, _ facts: PlanFacts) throws(PlanError) -> NewTopic {
        guard let like = topic.like else { return topic }
        let source = try existing(like, facts)
        var out = topic
        out.like = nil
        out.partitions = topic.partitions ?? Int32(source.leaders.count)
        out.replicationFactor = topic.replicationFactor ?? Int16(source.replicationFactor)
        for entry in facts.configs[.topic(like)]?.entries ?? [] where entry.isOverride {
            // Throttled replicas are of a reassignment, by their numbers.
            let isOfMoves = [ReplicationKeys.throttledLeaders, ReplicationKeys.throttledFollowers].contains(entry.name)
            guard let value = entry.value, !isOfMoves, !topic.configs.contains(where: { $0.name == entry.name }) else { continue }
            out.configs.append(ConfigValue(entry.name, value))
        }
        return out
    }

    static func recreateTopic(_ name: String, _ facts: PlanFacts) throws(PlanError) -> Plan {
        let gone = try deleteTopic(name, facts)
        let topic = try filled(NewTopic(name: name, like: name), facts)
        var plan = gone
        (plan.action, plan.title) = (.recreateTopic(name), "Recreate topic \(name)")
        plan.rows = gone.rows.map { Plan.Row([$0.cells[0], $0.cells[1], "empty, from offset 0"]) }
        let settings = topic.configs.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
        let (partitions, factor) = (topic.partitions ?? 0, topic.replicationFactor ?? 0)
        plan.touches.append(
            "again with \(count(partitions, "partition")), replication factor \(factor)" + (settings.isEmpty ? "" : ", \(settings)"))
        plan.warnings.append("Between the two it does not exist: producers and consumers see errors.")
        plan.warnings.append("The cluster forgets what groups have committed for it.")
        plan.inverse = .none("The messages cannot be brought back.")
        plan.steps.append(.createTopic(topic))
        return plan
    }

    static func deleteTopic(_ name: String, _ facts: PlanFacts) throws(PlanError) -> Plan {
        let topic = try existing(name, facts)
        var plan = Plan(action: .deleteTopic(name), title: "Delete topic \(name)")
        plan.columns = ["PARTITION", "BEFORE", "AFTER"]
        var messages: Int64 = 0
        for partition in facts.partitions(of: name) {
            var before = "unknown"
            if let earliest = facts.earliest[partition], let latest = facts.latest[partition] {
                messages = messages.addingClamped(max(0, latest - earliest))
                before = "offsets \(earliest) to \(latest)"
            }
            plan.rows.append(Plan.Row(["\(partition.partition)", before, "gone"]))
        }
        plan.touches = ["\(count(Int64(topic.leaders.count), "partition")), about \(count(messages, "message"))"]
        if topic.isInternal { plan.warnings.append("\(name) is internal: the cluster itself depends on it.") }
        plan.inverse = .none("The messages cannot be brought back.")
        plan.confirmation = .typedName(name)
        plan.steps = [.deleteTopic(name: name)]
        return plan
    }

    static func addPartitions(_ name: String, _ total: Int32, _ facts: PlanFacts) throws(PlanError) -> Plan {
        let topic = try existing(name, facts)
        var plan = Plan(action: .addPartitions(topic: name, total: total), title: "Add partitions to topic \(name)")
        plan.columns = ["SETTING", "BEFORE", "AFTER"]
        plan.rows = [Plan.Row(["partitions", "\(topic.leaders.count)", "\(total)"])]
        if total > Int32(topic.leaders.count) {
            let added = Int64(total) - Int64(topic.leaders.count)
            plan.touches = ["\(count(added, "new partition")), \(count(added * Int64(topic.replicationFactor), "new replica"))"]
        } else if facts.objections.isEmpty {
            plan.obstacles.append("Topic \(name) has \(topic.leaders.count) partitions already; partitions can only be added.")
        }
        plan.warnings.append("Keys will map to other partitions than before: their order across the change is lost.")
        plan.inverse = .none("Partitions cannot be removed again.")
        plan.steps = [.createPartitions(topic: name, total: total)]
        return plan
    }

    static func produce(_ message: NewMessage, _ facts: PlanFacts, now: Timestamp) throws(PlanError) -> Plan {
        let topic = try existing(message.topic, facts)
        let count = Int32(topic.leaders.count)
        guard count > 0 else { throw PlanError("Topic \(message.topic) has no partitions.") }
        var exact = message
        // Without key and choice any partition will do; the clock's last digits are as good a lot as any.
        exact.partition =
            message.partition ?? message.key.map { keyedPartition($0, of: count) } ?? Int32(now.milliseconds % Int64(count))
        let chosen = exact.partition ?? 0
        guard (0..<count).contains(chosen) else { throw PlanError("Topic \(message.topic) has no partition \(chosen).") }
        var plan = Plan(action: .produce(message), title: "Produce a message to \(message.topic)")
        plan.columns = ["FIELD", "BEFORE", "AFTER"]
        plan.rows = [Plan.Row(["partition", "-", "\(chosen)"])]
        plan.rows.append(Plan.Row(["key", "-", message.key.map { bytes($0) } ?? "null"]))
        plan.rows.append(Plan.Row(["value", "-", message.value.map { bytes($0) } ?? "null (a tombstone)"]))
        plan.rows += message.headers.map { Plan.Row(["header \($0.name)", "-", $0.value.map { bytes($0) } ?? "null"]) }
        plan.touches = ["1 message in \(TopicPartition(message.topic, chosen)); every consumer of the topic reads it"]
        if topic.leaders[Int(chosen)] == nil { plan.obstacles.append("\(TopicPartition(message.topic, chosen)) has no leader now.") }
        if topic.isInternal { plan.warnings.append("\(message.topic) is internal: the cluster itself reads it.") }
        plan.inverse = .none("A written message stays until retention or compaction removes it.")
        plan.steps = [.produce(exact)]
        return plan
    }

    // MARK: Configs

    static func alterConfig(_ resource: ConfigResource, _ set: [ConfigValue], _ delete: [String], _ facts: PlanFacts) -> Plan {
        var plan = Plan(action: .alterConfig(resource, set: set, delete: delete), title: "Change configs of \(resource.text)")
        plan.columns = ["CONFIG", "BEFORE", "AFTER"]
        let configs = facts.configs[resource] ?? ConfigSnapshot()
        var undoSet: [ConfigValue] = []
        var undoDelete: [String] = []
        func note(_ name: String, after: String) {
            let entry = configs.entry(name)
            plan.rows.append(Plan.Row([name, entry.map(text) ?? "-", after], isChange: entry?.value != after || entry?.isOverride != true))
            if let entry, entry.isReadOnly { plan.obstacles.append("\(name) is read-only: it is set in the broker's own file.") }
            if let entry, entry.isOverride, let value = entry.value {
                undoSet.append(ConfigValue(name, value))
            } else {
                undoDelete.append(name)
            }
        }
        for value in set { note(value.name, after: value.value) }
        for name in delete {
            guard configs.entry(name)?.isOverride == true else {
                plan.rows.append(Plan.Row([name, configs.entry(name).map(text) ?? "-", "unchanged"], isChange: false))
                plan.warnings.append("\(name) is not set on \(resource.text): there is nothing to delete.")
                continue
            }
            note(name, after: inherited(name, configs))
        }
        plan.touches = [resource.kind == .topic ? "topic \(resource.name)" : "broker \(resource.name), at once and after restarts"]
        let hidden = set.contains { configs.entry($0.name)?.isSensitive == true }
        plan.inverse =
            hidden
            ? .none("The old value of a sensitive config is not told.")
            : .action(.alterConfig(resource, set: undoSet, delete: undoDelete))
        let isNothing = !plan.rows.contains(where: \.isChange)
        if isNothing { plan.obstacles.append("Nothing would change.") }
        plan.steps = [.alterConfig(resource, set: set, delete: delete)]
        return plan
    }

    /// What a config falls back to when its override goes: the next of its synonyms.
    private static func inherited(_ name: String, _ configs: ConfigSnapshot) -> String {
        guard let entry = configs.entry(name), entry.synonyms.count > 1 else { return "the default" }
        let next = entry.synonyms[1]
        guard let colon = next.firstIndex(of: ":"), let equals = next.firstIndex(of: "=") else { return "the default" }
        return "\(next[next.index(after: equals)...]) (\(next[..<colon]))"
    }

    private static func text(_ entry: ConfigSnapshot.Entry) -> String {
        let value = entry.isSensitive ? "(hidden)" : entry.value ?? "-"
        return entry.isOverride ? value : "\(value) (\(entry.source.name))"
    }

    // MARK: Shared

    static func existing(_ name: String, _ facts: PlanFacts) throws(PlanError) -> PlanFacts.Topic {
        guard let topic = facts.topics[name], topic.error != .unknownTopicOrPartition else {
            throw PlanError("Topic \(name) does not exist.")
        }
        guard topic.error == .none else { throw PlanError("Topic \(name): \(topic.error.name): \(topic.error.message)") }
        return topic
    }

    static func count(_ number: some BinaryInteger, _ noun: String) -> String { number == 1 ? "1 \(noun)" : "\(number) \(noun)s" }

    /// Text as it is, other bytes by their number. Not safe for a terminal: the console escapes it.
    static func bytes(_ bytes: Bytes) -> String { bytes.string ?? "\(bytes.count) bytes" }
}
