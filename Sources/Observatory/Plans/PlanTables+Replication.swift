import Primitives
import Wire

// Plans for elections, cancelled reassignments and throttles.
extension PlanTables {
    /// The first few of many, so that a sentence stays one.
    static func some(_ partitions: [TopicPartition]) -> String {
        let shown = partitions.prefix(5).map(\.description).joined(separator: ", ")
        return partitions.count > 5 ? "\(shown) and \(partitions.count - 5) more" : shown
    }

    // MARK: Elections

    static func electLeaders(_ scope: PartitionScope, unclean: Bool, _ facts: PlanFacts) throws(PlanError) -> Plan {
        if case .topics(let names) = scope { for name in names { _ = try existing(name, facts) } }
        if case .partitions(let partitions) = scope { for partition in partitions { _ = try existing(partition.topic, facts) } }
        let kind = unclean ? "any replica that lives" : "the preferred leaders"
        var plan = Plan(action: .electLeaders(scope, unclean: unclean), title: "Elect \(kind) of \(scope.text)")
        plan.columns = ["PARTITION", "REPLICAS", "IN SYNC", "LEADER NOW", "LEADER AFTER"]
        var chosen: [TopicPartition] = []
        for name in facts.partitions(in: scope) {
            guard let partition = facts.partition(name) else { continue }
            guard unclean ? partition.leader == nil : partition.leader != partition.replicas.first else { continue }
            let next = unclean ? partition.replicas.first { facts.brokers.contains($0) } : partition.replicas.first
            guard let next, unclean || partition.inSyncReplicas.contains(next) else {
                let why = unclean ? "no broker that holds a replica lives" : "its preferred leader is not in sync"
                plan.warnings.append("\(name) is left out: \(why).")
                continue
            }
            chosen.append(name)
            plan.rows.append(
                Plan.Row([
                    name.description, list(partition.replicas), partition.inSyncReplicas.isEmpty ? "none" : list(partition.inSyncReplicas),
                    partition.leader?.description ?? "none", next.description,
                ]))
        }
        plan.touches = ["\(count(chosen.count, "leader")) \(chosen.count == 1 ? "changes" : "change")"]
        if chosen.isEmpty {
            plan.warnings.append(unclean ? "Every partition has a leader." : "Every leader that can be is the preferred one.")
        }
        if unclean {
            plan.warnings.append("What only the lost replicas have is gone for good, acknowledged or not; consumers may see offsets again.")
            plan.inverse = .none("Messages that the new leader does not have are deleted from the others.")
            plan.confirmation = .typedName(uncleanName(scope, chosen))
        }
        plan.steps = chosen.isEmpty ? [] : [.electLeaders(chosen, unclean: unclean)]
        return plan
    }

    private static func uncleanName(_ scope: PartitionScope, _ chosen: [TopicPartition]) -> String {
        let topics = chosen.map(\.topic).uniqued()
        return topics.count == 1 ? topics[0] : "unclean"
    }

    // MARK: Cancelling

    static func cancelReassignments(_ wanted: [TopicPartition], _ facts: PlanFacts) -> Plan {
        let title = wanted.count == 1 ? "Cancel the reassignment of \(wanted[0])" : "Cancel reassignments"
        var plan = Plan(action: .cancelReassignments(wanted), title: title)
        plan.columns = ["PARTITION", "ON ITS WAY TO", "STAYS ON", "COPIED SO FAR IS REMOVED FROM"]
        let moving = facts.reassignments.values.filter { wanted.isEmpty || wanted.contains($0.partition) }
        for move in moving {
            plan.rows.append(
                Plan.Row([
                    move.partition.description, list(move.target), list(move.original), move.adding.isEmpty ? "-" : list(move.adding),
                ]))
        }
        plan.touches = [count(moving.count, "reassignment")]
        if moving.isEmpty {
            // Nothing to do is no failure.
            plan.warnings.append(wanted.isEmpty ? "Nothing is being reassigned." : "\(some(wanted)): not being reassigned (any more).")
        }
        let targets = moving.map { PartitionReplicas($0.partition, $0.target) }
        plan.inverse = .action(
            .reassign(Reassign(.partitions(moving.map(\.partition)), .exact(targets), throttle: facts.rates.values.max())))
        plan.steps = moving.isEmpty ? [] : [.reassign(moving.map { PartitionReplicas($0.partition, nil) })]
        // As Kafka's own tool: when the last one is cancelled, its throttle goes with it.
        if !moving.isEmpty && moving.count == facts.reassignments.count { plan.steps += removal(facts) }
        if plan.steps.count > 1 { plan.touches.append("the throttle is removed") }
        return plan
    }

    // MARK: Throttles

    static func throttle(_ rate: Int64?, _ facts: PlanFacts) -> Plan {
        guard let rate else { return removeThrottles(facts) }
        var plan = Plan(action: .throttle(rate), title: "Throttle reassignments to \(ByteText.text(rate)) a second")
        plan.columns = ["BROKER", "BEFORE", "AFTER"]
        let brokers = facts.reassignments.values.flatMap(\.replicas).uniqued().filter { facts.brokers.contains($0) }
        for broker in brokers {
            let before = facts.rates[broker]
            plan.rows.append(
                Plan.Row([broker.description, before.map { perSecond($0) } ?? "no limit", perSecond(rate)], isChange: before != rate))
        }
        plan.touches = ["\(count(facts.reassignments.count, "reassignment")) on \(count(brokers.count, "broker")), at once"]
        if facts.reassignments.isEmpty {
            plan.obstacles.append("Nothing is being reassigned; a throttle is given when a reassignment starts.")
        }
        let lists = missingLists(facts)
        if !lists.isEmpty {
            plan.touches.append("\(count(lists.count, "topic")) had no throttled replicas and \(lists.count == 1 ? "gets" : "get") them")
        }
        let old = facts.rates.values.uniqued()
        plan.inverse =
            old.count == 1 ? .action(.throttle(old[0])) : old.isEmpty ? .action(.throttle(nil)) : .none("The brokers had different limits.")
        plan.steps =
            facts.reassignments.isEmpty ? [] : (lists.isEmpty ? [] : [.throttleReplicas(lists)]) + [.throttle(brokers: brokers, rate: rate)]
        return plan
    }

    private static func perSecond(_ rate: Int64) -> String { "\(ByteText.text(rate))/s" }

    /// A rate limits only replicas that a topic lists: those of reassignments that were started without a throttle.
    private static func missingLists(_ facts: PlanFacts) -> [ThrottledReplicas] {
        facts.reassignments.keys.map(\.topic).uniqued().compactMap { topic in
            let moving = facts.reassignments.values.filter { $0.partition.topic == topic }
            let old = facts.throttled[topic]
            func entries(_ replicas: (ReassignmentSnapshot) -> [BrokerID]) -> [String] {
                moving.flatMap { move in replicas(move).map { "\(move.partition.partition):\($0)" } }
            }
            let new = ThrottledReplicas(
                topic, leaders: ReassignTable.joined(old?.leaders, entries(\.original)),
                followers: ReassignTable.joined(old?.followers, entries(\.adding)))
            return new == old ? nil : new
        }
    }

    private static func removeThrottles(_ facts: PlanFacts) -> Plan {
        var plan = Plan(action: .throttle(nil), title: "Remove replication throttles")
        plan.columns = ["ON", "BEFORE", "AFTER"]
        for (broker, rate) in facts.rates { plan.rows.append(Plan.Row(["broker \(broker)", perSecond(rate), "no limit"])) }
        for (topic, lists) in facts.throttled {
            let entries = (lists.leaders + "," + lists.followers).split(separator: ",").count
            plan.rows.append(Plan.Row(["topic \(topic)", "\(count(entries, "throttled replica"))", "none"]))
        }
        plan.touches = ["\(count(facts.rates.count, "broker")), \(count(facts.throttled.count, "topic"))"]
        if !facts.reassignments.isEmpty {
            plan.warnings.append("\(count(facts.reassignments.count, "reassignment")) under way will take all the network and disks give.")
        }
        plan.steps = removal(facts)
        if plan.steps.isEmpty { plan.warnings.append("There is no throttle.") }
        let rates = facts.rates.values.uniqued()
        if !facts.reassignments.isEmpty, rates.count == 1 { plan.inverse = .action(.throttle(rates[0])) }
        return plan
    }

    private static func removal(_ facts: PlanFacts) -> [PlanStep] {
        var steps: [PlanStep] = []
        if !facts.rates.isEmpty { steps.append(.throttle(brokers: facts.rates.keys, rate: nil)) }
        if !facts.throttled.isEmpty {
            steps.append(.throttleReplicas(facts.throttled.keys.map { ThrottledReplicas($0, leaders: "", followers: "") }))
        }
        return steps
    }

    private static func list(_ brokers: [BrokerID]) -> String { brokers.map(\.description).joined(separator: ",") }
}
