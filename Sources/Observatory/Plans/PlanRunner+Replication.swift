import Primitives

// The check of plans that move replicas.
extension PlanRunner {
    /// The step that says most of what the plan is about: throttles only prepare and tidy up.
    var checked: PlanStep? {
        plan.steps.last { step in
            switch step {
            case .throttle, .throttleReplicas: false
            default: true
            }
        } ?? plan.steps.last
    }

    var throttledTopics: [String] {
        plan.steps.flatMap { step -> [String] in
            if case .throttleReplicas(let topics) = step { topics.map(\.topic) } else { [] }
        }
    }

    /// A reassignment is as planned when it is complete or on its way there; a cancelled one when it is neither.
    func reassigned(_ wanted: PartitionReplicas, _ facts: PlanFacts) -> String? {
        let moving = facts.reassignments[wanted.partition]
        guard let replicas = wanted.replicas else { return moving == nil ? nil : "\(wanted.partition) is still being reassigned." }
        let target = moving?.target ?? facts.partition(wanted.partition)?.replicas ?? []
        let text = target.map(\.description).joined(separator: ",")
        return target.sorted() == replicas.sorted() ? nil : "\(wanted.partition) is or will be on \(text.isEmpty ? "no broker" : text)."
    }

    func elected(_ name: TopicPartition, _ unclean: Bool, _ facts: PlanFacts) -> String? {
        guard let partition = facts.partition(name) else { return "\(name) is not there." }
        if unclean { return partition.leader == nil ? "\(name) has no leader yet." : nil }
        guard let leader = partition.leader, leader == partition.replicas.first else {
            return "\(name) is led by \(partition.leader?.description ?? "nobody"), not by its preferred replica."
        }
        return nil
    }

    func throttled(_ facts: PlanFacts) -> [String] {
        plan.steps.flatMap { step -> [String] in
            switch step {
            case .throttle(let brokers, let rate):
                brokers.filter { facts.brokers.contains($0) && facts.rates[$0] != rate }.map { broker in
                    "Broker \(broker) has \(facts.rates[broker].map { "a limit of \($0)" } ?? "no limit")."
                }
            case .throttleReplicas(let topics):
                topics.filter { topic in
                    let found = facts.throttled[topic.topic]
                    return (found?.leaders ?? "") != topic.leaders || (found?.followers ?? "") != topic.followers
                }.map { "Topic \($0.topic) lists other throttled replicas." }
            default: []
            }
        }
    }

    func reassignedLines(_ partitions: [PartitionReplicas]) -> [String] {
        if partitions.contains(where: { $0.replicas == nil }) {
            return ["Cancelled \(PlanTables.count(partitions.count, "reassignment"))."]
        }
        let moving = partitions.count { reader.facts.reassignments[$0.partition] != nil }
        let complete = partitions.count - moving
        var lines: [String] = []
        if moving > 0 { lines.append("\(PlanTables.count(moving, "partition")) on \(moving == 1 ? "its" : "their") way.") }
        if complete > 0 { lines.append("\(PlanTables.count(complete, "partition")) there already.") }
        return lines
    }
}
