import Grid
import Observatory
import Primitives

// The forms that move replicas and leaders.
extension Form {
    private static let throttleField = FormField(
        "throttle", "Throttle per second", placeholder: "none; 50M is 50 MiB a second at each broker")

    private static let batchField = FormField("batch", "At a time", placeholder: "all; 10 partitions, or 50G to copy, then the next")

    package static func reassign(_ scope: PartitionScope, _ snapshot: ClusterSnapshot) -> Form {
        let factors = partitions(scope, snapshot).map(\.replicas.count).uniqueSorted()
        return Form(
            .reassign(scope), title: "Reassign \(scopeText(scope))", intro: placement(scope, snapshot),
            fields: [
                FormField("brokers", "Brokers", placeholder: "all: " + alive(snapshot).map(\.description).joined(separator: ", ")),
                FormField("factor", "Replicas each", placeholder: "as now: " + factors.map(String.init).joined(separator: ", ")),
                throttleField, batchField,
            ])
    }

    package static func replicationFactor(_ scope: PartitionScope, _ snapshot: ClusterSnapshot) -> Form {
        let now = partitions(scope, snapshot).map(\.replicas.count).max() ?? 1
        return Form(
            .replicationFactor(scope), title: "Replication factor of \(scopeText(scope))",
            intro: placement(scope, snapshot) + ["Replicas that are there stay; new ones go where there is most room."],
            fields: [
                FormField("factor", "Replicas each", text: String(min(now + 1, max(1, alive(snapshot).count)))), throttleField, batchField,
            ])
    }

    package static let elections = ["preferred leaders", "unclean: any replica that lives"]

    package static func elect(_ scope: PartitionScope) -> Form {
        Form(
            .elect(scope), title: "Elect leaders of \(scopeText(scope))",
            intro: [
                "Preferred is the first of a partition's replicas.", "! Unclean is for partitions without a leader, and loses messages.",
            ],
            fields: [FormField("type", "Elect", choices: elections)])
    }

    /// Brokers that hold replicas of all the partitions and are in sync come first.
    package static func moveLeader(_ scope: PartitionScope, _ snapshot: ClusterSnapshot) -> Form {
        let all = partitions(scope, snapshot)
        let holders = all.flatMap(\.replicas).uniqueSorted()
        let ready = holders.filter { id in all.allSatisfy { $0.inSyncReplicas.contains(id) && $0.leader != id } }
        let choices = ready + holders.filter { !ready.contains($0) }
        return Form(
            .moveLeader(scope), title: "Move the leader of \(scopeText(scope))", intro: placement(scope, snapshot),
            fields: [FormField("broker", "To broker", choices: choices.map(\.description))])
    }

    package static let drains = ["leaders only", "leaders and replicas"]

    package static func drain(_ broker: BrokerID, _ snapshot: ClusterSnapshot) -> Form {
        let known = snapshot.broker(broker)
        return Form(
            .drain(broker), title: "Drain broker \(broker)",
            intro: [
                "It leads \(known?.leaders ?? 0) and holds \(known?.replicas ?? 0) replica\(plural(known?.replicas ?? 0)).",
                "Without leaders it may restart unnoticed; without replicas, go.",
            ],
            fields: [FormField("what", "Move away", choices: drains), throttleField, batchField])
    }

    package static func throttle(_ snapshot: ClusterSnapshot) -> Form {
        let limited = snapshot.brokers.values.filter { $0.throttleRate != nil }
        let rates = limited.compactMap(\.throttleRate).uniqueSorted().map { rate in
            "\(Format.bytes(rate))/s on \(ids(limited.filter { $0.throttleRate == rate }.map(\.id)))"
        }
        return Form(
            .throttle, title: "Throttle of running reassignments",
            intro: [rates.isEmpty ? "There is no limit now." : "Now " + rates.joined(separator: ", ") + "."],
            fields: [FormField("throttle", "Per second", placeholder: "50M is 50 MiB a second at each broker; none removes it")])
    }

    // MARK: Words

    private static func alive(_ snapshot: ClusterSnapshot) -> [BrokerID] { snapshot.brokers.values.filter(\.isAlive).map(\.id) }

    private static func partitions(_ scope: PartitionScope, _ snapshot: ClusterSnapshot) -> [PartitionSnapshot] {
        switch scope {
        case .all: snapshot.topics.values.flatMap(\.partitions)
        case .topics(let names): names.flatMap { snapshot.topic($0)?.partitions ?? [] }
        case .partitions(let partitions): partitions.compactMap { snapshot.partition($0) }
        }
    }

    /// How replicas and leaders lie now.
    private static func placement(_ scope: PartitionScope, _ snapshot: ClusterSnapshot) -> [String] {
        let all = partitions(scope, snapshot)
        let brokers = all.flatMap(\.replicas).uniqueSorted()
        let counts = brokers.map { id in "\(id) (\(all.count { $0.replicas.contains(id) }), leads \(all.count { $0.leader == id }))" }
        var lines = ["\(all.count) partition\(plural(all.count)) on brokers " + counts.joined(separator: ", ") + "."]
        lines = lines.flatMap { Clip.wrap(Escape.line($0), 66) }
        return Array(lines.prefix(4))
    }
}

func scopeText(_ scope: PartitionScope) -> String {
    switch scope {
    case .all: "all partitions"
    case .topics(let names): names.count == 1 ? Escape.line(names[0]) : "\(names.count) topics"
    case .partitions(let partitions):
        partitions.count == 1 ? Escape.line(partitions[0].description) : "\(partitions.count) partitions"
    }
}

extension Array where Element: Comparable {
    func uniqueSorted() -> [Element] {
        var out: [Element] = []
        for element in sorted() where out.last != element { out.append(element) }
        return out
    }
}

extension FormReader {
    static func replication(_ form: Form) throws(ConsoleFailure) -> PlanAction {
        switch form.purpose {
        case .reassign(let scope):
            let factor = form["factor"].isEmpty ? nil : try number(form["factor"], "Replicas each", 1...100)
            let target = Reassign.Target.brokers(try brokers(form["brokers"]), factor: factor)
            return .reassign(Reassign(scope, target, throttle: try rate(form), batch: try batch(form)))
        case .replicationFactor(let scope):
            let factor = try number(form["factor"], "Replicas each", 1...100)
            return .reassign(Reassign(scope, .factor(factor), throttle: try rate(form), batch: try batch(form)))
        case .elect(let scope): return .electLeaders(scope, unclean: form["type"] == Form.elections[1])
        case .moveLeader(let scope):
            guard let id = Int32(form["broker"]) else { throw ConsoleFailure("No broker holds a replica of it.") }
            return .reassign(Reassign(scope, .leader(BrokerID(id))))
        case .drain(let broker):
            if form["what"] == Form.drains[0] { return .reassign(Reassign(.all, .leadersAway(broker))) }
            return .reassign(Reassign(.all, .without(broker), throttle: try rate(form), batch: try batch(form)))
        case .throttle:
            if form["throttle"] == "none" { return .throttle(nil) }
            guard let rate = try rate(form) else { throw ConsoleFailure("Per second: such as 50M, or none.") }
            return .throttle(rate)
        default: throw ConsoleFailure("There is nothing to do.")
        }
    }

    private static func brokers(_ text: String) throws(ConsoleFailure) -> [BrokerID] {
        var out: [BrokerID] = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let id = Int32(part), id >= 0 else { throw ConsoleFailure("Brokers: their numbers, such as 1, 2, 3; nothing for all.") }
            out.append(BrokerID(id))
        }
        return out
    }

    private static func batch(_ form: Form) throws(ConsoleFailure) -> ReassignBatch? {
        let text = trimmed(form["batch"])
        if text.isEmpty || text == "all" { return nil }
        guard let batch = ReassignBatch(text) else {
            throw ConsoleFailure("At a time: a number of partitions such as 10, or bytes such as 50G.")
        }
        return batch
    }

    private static func rate(_ form: Form) throws(ConsoleFailure) -> Int64? {
        let text = trimmed(form["throttle"])
        if text.isEmpty || text == "none" { return nil }
        guard let rate = ByteText.parse(text), rate > 0 else {
            throw ConsoleFailure("Throttle: bytes a second, such as 1000000, 800K, 50M or 1G.")
        }
        return rate
    }
}
