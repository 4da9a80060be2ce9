import Primitives
import Wire

/// The before and after of a reassignment: who holds and leads what, how much has to be copied, and under which limit.
struct ReassignTable {
    let wish: Reassign
    let facts: PlanFacts

    private struct Change {
        var partition: TopicPartition
        var now: PlanFacts.Partition
        /// The replicas without those of a reassignment that is under way.
        var before: [BrokerID]
        var after: [BrokerID]
        var bytes: Int64?

        var added: [BrokerID] { after.filter { !before.contains($0) } }
        var isMove: Bool { before.sorted() != after.sorted() }
        var leaderChanges: Bool { now.leader != after.first }
    }

    func plan() throws(PlanError) -> Plan {
        try checkTopics()
        var plan = Plan(action: .reassign(wish), title: title)
        plan.columns = ["PARTITION", "BEFORE", "AFTER", "TO COPY", "LEADER"]
        let changes = try changes(&plan)
        plan.rows = changes.map(row)
        describe(&plan, changes)
        if changes.isEmpty { plan.obstacles.append(nothing) }
        plan.steps = steps(changes)
        let old = changes.map { PartitionReplicas($0.partition, $0.before) }
        plan.inverse = .action(.reassign(Reassign(.partitions(changes.map(\.partition)), .exact(old), batch: batchBack)))
        return plan
    }

    private var title: String {
        switch wish.target {
        case .brokers(_, let factor?): "Reassign \(wish.scope.text) with \(factor) replicas each"
        case .brokers(let brokers, nil):
            "Reassign \(wish.scope.text)" + (brokers.isEmpty ? "" : " to broker\(brokers.count == 1 ? "" : "s") \(list(brokers))")
        case .factor(let factor): "Change the replication factor of \(wish.scope.text) to \(factor)"
        case .without(let broker): "Drain broker \(broker)" + (wish.scope == .all ? "" : " of \(wish.scope.text)")
        case .leader(let broker): "Move the leader of \(wish.scope.text) to broker \(broker)"
        case .leadersAway(let broker): "Move leaders away from broker \(broker)"
        case .exact(let replicas):
            "Set the replicas of \(replicas.count == 1 ? replicas[0].partition.description : "\(replicas.count) partitions")"
        }
    }

    private var nothing: String {
        switch wish.target {
        case .without(let broker): "Broker \(broker) holds no replica of \(wish.scope.text)."
        case .leadersAway(let broker): "Broker \(broker) leads nothing that another could lead."
        default: "Nothing would change."
        }
    }

    private func checkTopics() throws(PlanError) {
        if case .topics(let names) = wish.scope { for name in names { _ = try PlanTables.existing(name, facts) } }
        if case .partitions(let partitions) = wish.scope {
            for partition in partitions {
                _ = try PlanTables.existing(partition.topic, facts)
                if facts.partition(partition) == nil {
                    throw PlanError("Topic \(partition.topic) has no partition \(partition.partition).")
                }
            }
        }
    }

    // MARK: Where to

    private func changes(_ plan: inout Plan) throws(PlanError) -> [Change] {
        let scope = partitions
        let before = scope.map { current($0) }
        let after = try targets(scope, before, &plan)
        return scope.indices.compactMap { index in
            guard let now = facts.partition(scope[index]), let wanted = after[index] else { return nil }
            let isUnderWay = facts.reassignments[scope[index]] != nil
            guard wanted != before[index] || isUnderWay || (electsLeaders && now.leader != wanted.first) else { return nil }
            return Change(partition: scope[index], now: now, before: before[index], after: wanted, bytes: facts.sizes[scope[index]])
        }
    }

    private var electsLeaders: Bool {
        switch wish.target {
        case .leader, .leadersAway: true
        default: false
        }
    }

    private var partitions: [TopicPartition] {
        if case .exact(let replicas) = wish.target { return replicas.map(\.partition).filter { facts.partition($0) != nil } }
        let all = facts.partitions(in: wish.scope)
        switch wish.target {
        case .without(let broker): return all.filter { current($0).contains(broker) }
        case .leadersAway(let broker):
            return all.filter { facts.partition($0)?.leader == broker || current($0).first == broker }
        default: return all
        }
    }

    /// Kafka counts the replicas that come and those that go while a reassignment runs; what was is what stays and what goes.
    private func current(_ partition: TopicPartition) -> [BrokerID] {
        facts.reassignments[partition]?.original ?? facts.partition(partition)?.replicas ?? []
    }

    private func targets(_ scope: [TopicPartition], _ before: [[BrokerID]], _ plan: inout Plan) throws(PlanError) -> [[BrokerID]?] {
        switch wish.target {
        case .exact(let replicas):
            let wanted = OrderedMap<TopicPartition, [BrokerID]>(replicas.compactMap { item in item.replicas.map { (item.partition, $0) } })
            return scope.map { wanted[$0] }
        case .leader(let broker): return try led(by: broker, scope, before, &plan)
        case .leadersAway(let broker): return handedOver(by: broker, scope, before, &plan)
        case .brokers(let brokers, let factor): return try placed(scope, before, on: brokers, factor: factor, isSpread: true, &plan)
        case .factor(let factor): return try placed(scope, before, on: [], factor: factor, isSpread: false, &plan)
        case .without(let broker):
            let others = facts.brokers.filter { $0 != broker }
            if others.isEmpty { throw PlanError("There is no other broker.") }
            return try placed(scope, before, on: others, factor: nil, isSpread: false, &plan)
        }
    }

    private func placed(
        _ scope: [TopicPartition], _ before: [[BrokerID]], on brokers: [BrokerID], factor: Int?, isSpread: Bool, _ plan: inout Plan
    ) throws(PlanError) -> [[BrokerID]?] {
        let targets = brokers.isEmpty ? facts.brokers : brokers.uniqued()
        for broker in targets where !facts.brokers.contains(broker) { throw PlanError("Broker \(broker) is not there, or does not serve.") }
        let most = factor ?? before.map(\.count).max() ?? 0
        guard targets.count >= most else {
            throw PlanError(
                "\(most) replicas need \(most) brokers; there \(targets.count == 1 ? "is 1" : "are \(targets.count)") to put them on.")
        }
        let others = facts.partitions(in: .all).filter { !scope.contains($0) }.map { current($0) }
        var placement = ReplicaPlacement(targets: targets.map { .init(id: $0, rack: facts.racks[$0]) }, others: others)
        return placement.place(before, factor: factor, isSpread: isSpread)
    }

    private func led(
        by broker: BrokerID, _ scope: [TopicPartition], _ before: [[BrokerID]], _ plan: inout Plan
    ) throws(PlanError) -> [[BrokerID]?] {
        if scope.isEmpty { return [] }
        var after: [[BrokerID]?] = []
        for (partition, replicas) in zip(scope, before) {
            if !replicas.contains(broker) {
                plan.warnings.append("\(partition) is left out: broker \(broker) holds no replica of it.")
                after.append(nil)
                continue
            }
            if facts.partition(partition)?.inSyncReplicas.contains(broker) != true {
                plan.obstacles.append("\(partition): broker \(broker) is not in sync and cannot lead yet.")
            }
            after.append([broker] + replicas.filter { $0 != broker })
        }
        return after
    }

    private func handedOver(
        by broker: BrokerID, _ scope: [TopicPartition], _ before: [[BrokerID]], _ plan: inout Plan
    ) -> [[BrokerID]?] {
        let others = facts.partitions(in: .all).filter { !scope.contains($0) }.map { current($0) }
        var placement = ReplicaPlacement(targets: facts.brokers.map { .init(id: $0, rack: nil) }, others: others)
        return zip(scope, before).map { partition, replicas in
            let inSync = facts.partition(partition)?.inSyncReplicas ?? []
            guard let next = placement.successor(of: broker, replicas, inSync: inSync), inSync.contains(next) else {
                plan.warnings.append("\(partition) is left out: no other replica of it is in sync.")
                return nil
            }
            placement.noteLeader(next)
            return [next] + replicas.filter { $0 != next }
        }
    }

    // MARK: Steps

    private func steps(_ changes: [Change]) -> [PlanStep] {
        guard !changes.isEmpty else { return [] }
        var steps: [PlanStep] = []
        let moves = changes.filter(\.isMove)
        if let rate = wish.throttle, !moves.isEmpty {
            steps.append(.throttleReplicas(throttled(moves)))
            steps.append(.throttle(brokers: moves.flatMap { $0.before + $0.after }.uniqued(), rate: rate))
        }
        let moved = changes.filter { $0.before != $0.after || facts.reassignments[$0.partition] != nil }
        if !moved.isEmpty, wish.batch != nil { steps.append(.reassignInBatches(batches(of: moved))) } else if !moved.isEmpty {
            steps.append(.reassign(moved.map { PartitionReplicas($0.partition, $0.after) }))
        }
        // Where no data moves, the order of preference is new at once, and an election makes it so.
        let led = changes.filter { !$0.isMove && $0.leaderChanges && $0.now.inSyncReplicas.contains($0.after.first ?? .none) }
        if moves.isEmpty && !led.isEmpty { steps.append(.electLeaders(led.map(\.partition), unclean: false)) }
        return steps
    }

    /// In the order of the plan's table.
    private func batches(of moved: [Change]) -> [[PartitionReplicas]] {
        var out: [[PartitionReplicas]] = []
        var (count, bytes, number) = (0, Int64(0), -1)
        let places = exactPlaces
        for change in moved {
            let copied = change.isMove ? (change.bytes ?? 0).multipliedClamped(by: Int64(change.added.count)) : 0
            let isNew =
                switch wish.batch {
                case .partitions(let most): count == most
                case .bytes(let most): count > 0 && bytes.addingClamped(copied) > most
                case .counts: places[change.partition] != number
                case nil: false
                }
            if isNew || out.isEmpty { out.append([]) }
            if isNew { (count, bytes) = (0, 0) }
            (count, bytes, number) = (count + 1, bytes.addingClamped(copied), places[change.partition] ?? number)
            out[out.count - 1].append(PartitionReplicas(change.partition, change.after))
        }
        return out
    }

    /// In which batch a partition was when they were cut: those that have got there since are in none any more.
    private var exactPlaces: OrderedMap<TopicPartition, Int> {
        guard case .counts(let counts) = wish.batch, case .exact(let replicas) = wish.target else { return OrderedMap() }
        var out = OrderedMap<TopicPartition, Int>()
        var (batch, left) = (0, counts.first ?? 0)
        for item in replicas {
            while left <= 0, batch + 1 < counts.count {
                batch += 1
                left = counts[batch]
            }
            out[item.partition] = batch
            left -= 1
        }
        return out
    }

    /// What is taken back is taken back in parts as large.
    private var batchBack: ReassignBatch? {
        if case .counts(let counts) = wish.batch { .partitions(max(1, counts.max() ?? 1)) } else { wish.batch }
    }

    /// As `kafka-reassign-partitions --throttle`: at the replicas that are there sending is limited, at the new ones taking in.
    private func throttled(_ moves: [Change]) -> [ThrottledReplicas] {
        moves.map(\.partition.topic).uniqued().map { topic in
            let own = moves.filter { $0.partition.topic == topic }
            let old = facts.throttled[topic]
            func entries(_ replicas: (Change) -> [BrokerID]) -> [String] {
                own.flatMap { change in replicas(change).map { "\(change.partition.partition):\($0)" } }
            }
            return ThrottledReplicas(
                topic, leaders: ReassignTable.joined(old?.leaders, entries { $0.before }),
                followers: ReassignTable.joined(old?.followers, entries { $0.added }))
        }
    }

    /// What was there stays: another reassignment may need it.
    static func joined(_ old: String?, _ new: [String]) -> String {
        if old == "*" { return "*" }
        var all = (old ?? "").split(separator: ",").map(String.init)
        for entry in new where !all.contains(entry) { all.append(entry) }
        return all.joined(separator: ",")
    }

    // MARK: Words

    private func row(_ change: Change) -> Plan.Row {
        let bytes = change.bytes.map { $0.multipliedClamped(by: Int64(change.added.count)) }
        let leader = change.now.leader
        return Plan.Row([
            change.partition.description, list(change.before), list(change.after),
            change.added.isEmpty ? "-" : bytes.map { ByteText.text($0) } ?? "unknown",
            leader == change.after.first
                ? leader?.description ?? "none" : "\(leader?.description ?? "none") → \(change.after.first?.description ?? "none")",
        ])
    }

    private func describe(_ plan: inout Plan, _ changes: [Change]) {
        guard !changes.isEmpty else { return }
        let moves = changes.filter(\.isMove)
        let added = moves.reduce(0) { $0 + $1.added.count }
        let removed = moves.reduce(0) { sum, change in sum + change.before.count { !change.after.contains($0) } }
        var bytes: Int64 = 0
        for change in moves { bytes = bytes.addingClamped((change.bytes ?? 0).multipliedClamped(by: Int64(change.added.count))) }
        let leaders = changes.count(where: \.leaderChanges)
        let topics = changes.map(\.partition.topic).uniqued().count
        plan.touches = ["\(PlanTables.count(changes.count, "partition")) of \(PlanTables.count(topics, "topic"))"]
        if added + removed > 0 {
            plan.touches.append(
                "\(PlanTables.count(added, "replica")) to copy (\(ByteText.text(bytes))), \(PlanTables.count(removed, "replica")) to remove"
            )
        }
        plan.touches.append(
            leaders == 0 ? "no leader changes" : "\(PlanTables.count(leaders, "leader")) \(leaders == 1 ? "changes" : "change")")
        for case .reassignInBatches(let batches) in steps(changes) { plan.touches.append(inBatches(batches)) }
        describeThrottle(&plan, moves, bytes)
        warn(&plan, changes)
    }

    private func inBatches(_ batches: [[PartitionReplicas]]) -> String {
        let size: String
        switch wish.batch {
        case .bytes(let most): size = "\(ByteText.text(most)) to copy each at most, where one partition is no more"
        default: size = "\(PlanTables.count(batches.map(\.count).max() ?? 0, "partition")) each at most"
        }
        let count = batches.count == 1 ? "1 batch" : "\(batches.count) batches"
        return "in \(count), \(size): one begins when the one before is there"
    }

    private func describeThrottle(_ plan: inout Plan, _ moves: [Change], _ bytes: Int64) {
        guard !moves.isEmpty, bytes > 0 else { return }
        guard let rate = wish.throttle, rate > 0 else {
            if facts.rates.isEmpty || facts.throttled.isEmpty {
                plan.warnings.append("Without a throttle the copying takes all the network and disks give.")
            }
            return
        }
        // What one broker has to take in or give out at that rate is the least it can take.
        var load = OrderedMap<BrokerID, Int64>()
        for change in moves {
            for broker in change.added { load[broker, default: 0] = (load[broker] ?? 0).addingClamped(change.bytes ?? 0) }
        }
        let seconds = (load.values.max() ?? 0) / rate
        plan.touches.append("throttled to \(ByteText.text(rate)) a second at each broker: \(ByteText.duration(seconds: seconds)) at best")
    }

    private func warn(_ plan: inout Plan, _ changes: [Change]) {
        let underWay = changes.filter { facts.reassignments[$0.partition] != nil }.map(\.partition)
        if !underWay.isEmpty { plan.warnings.append("On its way already, and redirected: \(PlanTables.some(underWay)).") }
        let offline = changes.filter { $0.now.leader == nil }.map(\.partition)
        if !offline.isEmpty { plan.warnings.append("Without a leader, so that nothing can be copied yet: \(PlanTables.some(offline)).") }
        let behind = changes.filter { change in
            change.now.leader != nil && change.before.contains { !change.now.inSyncReplicas.contains($0) }
        }.map(\.partition)
        if !behind.isEmpty { plan.warnings.append("Not fully in sync now: \(PlanTables.some(behind)).") }
        let shrunk = changes.filter { $0.after.count < $0.before.count }
        if !shrunk.isEmpty { plan.warnings.append("\(PlanTables.count(shrunk.count, "partition")) will have fewer replicas.") }
    }

    private func list(_ brokers: [BrokerID]) -> String { brokers.map(\.description).joined(separator: ",") }
}
