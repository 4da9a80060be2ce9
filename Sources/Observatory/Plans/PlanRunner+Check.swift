import ClientCore
import Primitives
import Wire

// After the last step: is the cluster what the plan said?
extension PlanRunner {
    /// What the check reads, stage by stage; empty after the last.
    func checkReads(stage: Int) -> [PlanRead] {
        switch (checked, stage) {
        case (.createTopic(let topic), 0): [.topics([topic.name])]
        case (.deleteTopic(let name), 0): [.topics([name])]
        case (.createPartitions(let topic, _), 0): [.topics([topic])]
        case (.alterConfig(let resource, _, _), 0): [.configs([resource])]
        case (.produce(let message), 0): [.topics([message.topic])]
        case (.produce, 1): [.offsets(timestamp: ListOffsetsTime.latest, told.keys)]
        case (.commitOffsets(let group, _), 0), (.setShareOffsets(let group, _), 0): [.commits(group)]
        case (.deleteGroup(let group), 0): [.group(group)]
        case (.deleteGroupOffsets(let group, _), 0), (.deleteShareOffsets(let group, _), 0): [.commits(group)]
        case (.deleteRecords(let records), 0): [.topics(records.map(\.partition.topic).uniqued())]
        case (.deleteRecords(let records), 1): [.offsets(timestamp: ListOffsetsTime.earliest, records.map(\.partition))]
        case (.reassign, 0), (.reassignInBatches, 0): [.cluster, .reassignments]
        case (.electLeaders, 0): [.cluster]
        case (.throttle, 0), (.throttleReplicas, 0): [.cluster]
        case (.throttle, 1), (.throttleReplicas, 1): [.throttles(topics: throttledTopics)]
        case (.addAccess, 0), (.removeAccess, 0): [.access]
        case (.alterQuota(let subject, _, _), 0): [.quotas(subject)]
        case (.setFeature, 0): [.features]
        default: checked?.adminReads(stage: stage) ?? []
        }
    }

    /// How the cluster differs from the plan, in sentences.
    func differences() -> [String] {
        let facts = reader.facts
        switch checked {
        case .createTopic(let topic): return created(topic, facts)
        case .deleteTopic(let name): return facts.exists(name) ? ["Topic \(name) is still there."] : []
        case .createPartitions(let topic, let total):
            let count = facts.topics[topic]?.leaders.count ?? 0
            return count == Int(total) ? [] : ["Topic \(topic) has \(count) partitions, not \(total)."]
        case .alterConfig(let resource, let set, let delete): return altered(resource, set, delete, facts)
        case .produce:
            return told.compactMap { name, offset in
                (facts.latest[name] ?? .zero) > offset || offset < .zero ? nil : "\(name) ends before the message, \(offset)."
            }
        case .commitOffsets(_, let offsets), .setShareOffsets(_, let offsets):
            return offsets.compactMap { wanted in
                let found = facts.commits[wanted.partition]?.offset
                let text = found?.description ?? "no commit"
                return found == wanted.offset ? nil : "\(wanted.partition) is at \(text), not \(wanted.offset)."
            }
        case .deleteGroup(let group): return facts.group == nil ? [] : ["Group \(group) is still there."]
        case .deleteGroupOffsets(_, let partitions), .deleteShareOffsets(_, let partitions):
            return partitions.filter { facts.commits[$0] != nil }.map { "\($0) still has a commit." }
        case .deleteRecords(let records):
            return records.compactMap { record in
                let start = facts.earliest[record.partition]
                if let start, start >= record.before { return nil }
                return "\(record.partition) starts at \(start?.description ?? "an unknown offset"), not \(record.before)."
            }
        case .reassign(let partitions): return partitions.compactMap { reassigned($0, facts) }
        case .reassignInBatches(let batches): return batches.flatMap { $0.compactMap { reassigned($0, facts) } }
        case .electLeaders(let partitions, let unclean): return partitions.compactMap { elected($0, unclean, facts) }
        case .throttle, .throttleReplicas: return throttled(facts)
        case .addAccess, .removeAccess, .alterQuota, .setFeature: return checked?.accessDifferences(facts) ?? []
        case .abortMarker, .fenceProducer, .removeCredentials, .setCredential: return checked?.adminDifferences(facts) ?? []
        case .send, .load, .schema, .connect: return []
        case nil: return []
        }
    }

    private func created(_ topic: NewTopic, _ facts: PlanFacts) -> [String] {
        guard let found = facts.topics[topic.name], found.error == .none else { return ["Topic \(topic.name) is not there."] }
        var lines: [String] = []
        if let partitions = topic.partitions, Int(partitions) != found.leaders.count {
            lines.append("Topic \(topic.name) has \(found.leaders.count) partitions, not \(partitions).")
        }
        if let factor = topic.replicationFactor, Int(factor) != found.replicationFactor {
            lines.append("Topic \(topic.name) has replication factor \(found.replicationFactor), not \(factor).")
        }
        return lines
    }

    private func altered(_ resource: ConfigResource, _ set: [ConfigValue], _ delete: [String], _ facts: PlanFacts) -> [String] {
        guard let configs = facts.configs[resource] else { return ["The configs of \(resource.text) could not be read."] }
        var lines: [String] = []
        for value in set {
            guard let entry = configs.entry(value.name) else { continue }
            // A sensitive value is not told, and some values come back in another form than they were given (lists without blanks).
            let isSame = entry.isSensitive || entry.value == value.value || entry.value == String(value.value.filter { $0 != " " })
            if !isSame || !entry.isOverride { lines.append("\(value.name) is \(entry.value ?? "not set"), not \(value.value).") }
        }
        for name in delete where configs.entry(name)?.isOverride == true { lines.append("\(name) is still set.") }
        return lines
    }

    /// What was done, in sentences.
    var doneLines: [String] {
        switch checked {
        case .createTopic(let topic):
            let found = reader.facts.topics[topic.name]
            let partitions = PlanTables.count(found?.leaders.count ?? 0, "partition")
            return ["Created topic \(topic.name) with \(partitions), replication factor \(found?.replicationFactor ?? 0)."]
        case .deleteTopic(let name): return ["Deleted topic \(name)."]
        case .createPartitions(let topic, let total): return ["Topic \(topic) now has \(total) partitions."]
        case .alterConfig(let resource, _, _): return ["Changed the configs of \(resource.text)."]
        case .produce: return told.map { "Written to \($0.key) at offset \($0.value)." }
        case .commitOffsets(let group, let offsets):
            return ["Group \(group): \(PlanTables.count(offsets.count, "offset")) committed and read back."]
        case .deleteGroup(let group): return ["Deleted group \(group)."]
        case .setShareOffsets(let group, let offsets):
            return ["Share group \(group): \(PlanTables.count(offsets.count, "offset")) set and read back."]
        case .deleteGroupOffsets(let group, let partitions), .deleteShareOffsets(let group, let partitions):
            return ["Group \(group): \(PlanTables.count(partitions.count, "offset")) deleted."]
        case .deleteRecords(let records): return records.map { "\($0.partition) now starts at \($0.before)." }
        case .reassign(let partitions): return reassignedLines(partitions)
        case .reassignInBatches(let batches): return reassignedLines(batches.flatMap { $0 })
        case .electLeaders(let partitions, _):
            return partitions.map { "\($0) is led by broker \(reader.facts.partition($0)?.leader?.description ?? "none")." }
        case .throttle, .throttleReplicas: return ["The throttles are as planned on every broker and topic."]
        case .addAccess, .removeAccess, .alterQuota, .setFeature: return checked?.accessDone ?? []
        case .abortMarker, .fenceProducer, .removeCredentials, .setCredential: return checked?.adminDone ?? []
        case .send, .load, .schema, .connect: return []
        case nil: return []
        }
    }
}
