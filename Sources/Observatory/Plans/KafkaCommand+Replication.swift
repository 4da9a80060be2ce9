import Primitives

// The commands of plans that move replicas: they need the plan, because the partitions were worked out in it.
extension KafkaCommand {
    static func text(for plan: Plan, bootstrap: String) -> String {
        if plan.isOfShareGroup { return ofShareGroup(plan.action, bootstrap) }
        return switch plan.action {
        case .reassign(let wish): lines(plan.steps, throttle: wish.throttle, bootstrap)
        case .cancelReassignments: cancel(plan.steps, bootstrap)
        case .recreateTopic(let name):
            plan.steps.reduce(text(for: .deleteTopic(name), bootstrap: bootstrap)) { lines, step in
                guard case .createTopic(let topic) = step else { return lines }
                return lines + "\n" + text(for: .createTopic(topic), bootstrap: bootstrap)
            }
        case .electLeaders, .throttle: lines(plan.steps, throttle: nil, bootstrap)
        default: text(for: plan.action, bootstrap: bootstrap)
        }
    }

    private static func lines(_ steps: [PlanStep], throttle: Int64?, _ bootstrap: String) -> String {
        var out: [String] = []
        for step in steps {
            switch step {
            case .reassignInBatches(let batches):
                out.append("# each of these when the one before is complete")
                for batch in batches { out.append(lines([.reassign(batch)], throttle: throttle, bootstrap)) }
            case .reassign(let partitions):
                var arguments = ["--reassignment-json-file", "reassign.json", "--execute"]
                if let throttle { arguments += ["--throttle", "\(throttle)"] }
                out += [file("reassign.json", partitions), line("kafka-reassign-partitions.sh", bootstrap, arguments)]
                if throttle != nil {
                    out.append("# and when it is complete the same with --verify instead of --execute, which removes the throttle")
                }
            case .electLeaders(let partitions, let unclean): out += elect(partitions, unclean, bootstrap)
            // The tool sets these itself when it starts a throttled reassignment.
            case .throttle, .throttleReplicas: if throttle == nil { out += throttled(step, bootstrap) }
            default: break
            }
        }
        return out.joined(separator: "\n")
    }

    private static func cancel(_ steps: [PlanStep], _ bootstrap: String) -> String {
        guard case .reassign(let partitions)? = steps.first else { return "" }
        // The tool wants replicas in the file and does not look at them when it cancels.
        let listed = partitions.map { PartitionReplicas($0.partition, $0.replicas ?? []) }
        return file("reassign.json", listed) + "\n"
            + line("kafka-reassign-partitions.sh", bootstrap, ["--reassignment-json-file", "reassign.json", "--cancel"])
    }

    private static func file(_ name: String, _ partitions: [PartitionReplicas]) -> String {
        let entries = partitions.map { item in
            let replicas = (item.replicas ?? []).map(\.description).joined(separator: ",")
            return "{\"topic\":\"\(item.partition.topic)\",\"partition\":\(item.partition.partition),\"replicas\":[\(replicas)]}"
        }
        return "echo '{\"version\":1,\"partitions\":[\(entries.joined(separator: ","))]}' > \(name)"
    }

    private static func elect(_ partitions: [TopicPartition], _ unclean: Bool, _ bootstrap: String) -> [String] {
        let type = ["--election-type", unclean ? "unclean" : "preferred"]
        if partitions.count == 1 {
            let only = ["--topic", partitions[0].topic, "--partition", "\(partitions[0].partition)"]
            return [line("kafka-leader-election.sh", bootstrap, type + only)]
        }
        let entries = partitions.map { "{\"topic\":\"\($0.topic)\",\"partition\":\($0.partition)}" }
        return [
            "echo '{\"partitions\":[\(entries.joined(separator: ","))]}' > elect.json",
            line("kafka-leader-election.sh", bootstrap, type + ["--path-to-json-file", "elect.json"]),
        ]
    }

    private static func throttled(_ step: PlanStep, _ bootstrap: String) -> [String] {
        switch step {
        case .throttle(let brokers, let rate):
            return brokers.map { broker in
                let change =
                    rate.map { rate in ["--add-config", ReplicationKeys.ofBrokers.map { "\($0)=\(rate)" }.joined(separator: ",")] }
                    ?? ["--delete-config", ReplicationKeys.ofBrokers.joined(separator: ",")]
                return line(
                    "kafka-configs.sh", bootstrap, ["--alter", "--entity-type", "brokers", "--entity-name", broker.description] + change)
            }
        case .throttleReplicas(let topics):
            return topics.map { topic in
                let values = [(ReplicationKeys.throttledLeaders, topic.leaders), (ReplicationKeys.throttledFollowers, topic.followers)]
                let set = values.filter { !$0.1.isEmpty }
                let change =
                    set.isEmpty
                    ? ["--delete-config", values.map(\.0).joined(separator: ",")]
                    : ["--add-config", set.map { "\($0.0)=[\($0.1)]" }.joined(separator: ",")]
                return line("kafka-configs.sh", bootstrap, ["--alter", "--entity-type", "topics", "--entity-name", topic.topic] + change)
            }
        default: return []
        }
    }
}
