import Console
import Glibc
import Observatory
import Primitives

// Views that judge: why something is as it is, where it is hot, what kastellan.yaml wants to be told of.
extension ViewCommands {
    private var watchMs: Int64 { (invocation.integer("--for") ?? 0) * 1000 }

    // MARK: Why

    /// One thing with all that is found about it; without a name every group, every broker and each partition in trouble, with its verdict.
    func why(_ name: String?) throws(Failure) {
        guard let name else { return try whyAll() }
        let snapshot = try reading.watch(Interest(.group(name)), for: watchMs) { $0.hasCommits(of: [name]) }
        if snapshot.group(name) != nil { return print(SnapshotListings.why([.ofGroup(name, snapshot)])) }
        if snapshot.topic(name) != nil {
            let topic = try reading.watch(Interest(.topic(name)), for: watchMs) { $0.hasReplicas(of: name) && $0.hasSettings(of: name) }
            return print(SnapshotListings.why([.ofTopic(name, topic)]))
        }
        if let id = Int32(name).map({ BrokerID($0) }), snapshot.broker(id) != nil {
            return print(SnapshotListings.why([.ofBroker(id, try brokers())]))
        }
        if let partition = partition(name, in: snapshot) {
            let topic = partition.topic
            let seen = try reading.watch(Interest(.topic(topic)), for: watchMs) { $0.hasReplicas(of: topic) && $0.hasSettings(of: topic) }
            return print(SnapshotListings.why([.ofPartition(partition, seen)]))
        }
        throw Failure(.error, "no group, topic, partition (TOPIC-N) or broker is called \"\(name)\"")
    }

    private func whyAll() throws(Failure) {
        let groups = try reading.watch(Interest(.groups), for: watchMs) { $0.hasCommits(of: $0.groups.keys) }
        var found: [Diagnosis] = groups.groups.keys.map { .ofGroup($0, groups) }
        let seen = try brokers()
        found += seen.brokers.keys.map { .ofBroker($0, seen) }
        let partitions = try reading.read(Interest(.partitions)) { $0.hasPartitionState }
        for (name, topic) in partitions.topics {
            for partition in topic.partitions where PartitionTrouble.allCases.contains(where: { topic.has($0, partition) }) {
                found.append(.ofPartition(TopicPartition(name, partition.index), partitions))
            }
        }
        print(SnapshotListings.why(found, verdictsOnly: true))
    }

    private func brokers() throws(Failure) -> ClusterSnapshot {
        try reading.read(Interest(.brokers)) { snapshot in
            snapshot.brokers.allSatisfy { !$0.value.isAlive || $0.value.disk != nil || $0.value.diskObservation.error != nil }
        }
    }

    private func partition(_ text: String, in snapshot: ClusterSnapshot) -> TopicPartition? {
        guard let dash = text.lastIndex(of: "-"), let index = Int32(text[text.index(after: dash)...]) else { return nil }
        let name = TopicPartition(String(text[..<dash]), index)
        return snapshot.partition(name) == nil ? nil : name
    }

    // MARK: Heat

    func heat(_ name: String?) throws(Failure) {
        guard let measure = HeatMeasure(rawValue: name ?? HeatMeasure.traffic.rawValue) else {
            throw .usage("heat is of \(HeatMeasure.allCases.map(\.rawValue).joined(separator: ", ")), not of \"\(name ?? "")\"")
        }
        var interest = Interest(measure == .lag ? .groups : measure == .size ? .partitions : .overview)
        interest.wantsReplicaSizes = measure == .size
        let snapshot = try reading.watch(interest, for: watchMs) { snapshot in
            switch measure {
            case .lag: snapshot.hasCommits(of: snapshot.groups.keys)
            case .size: snapshot.brokers.allSatisfy { !$0.value.isAlive || $0.value.disk != nil || $0.value.diskObservation.error != nil }
            // A rate is the difference of two readings.
            case .traffic:
                snapshot.topics.values.allSatisfy { $0.partitions.allSatisfy { $0.leader == nil || $0.messageRate != nil } }
            }
        }
        print(SnapshotListings.heat(HeatMap(snapshot, measure), snapshot))
    }

    // MARK: Clients

    /// Over the wire nobody can be asked who is connected: what groups, transactions and producers show.
    func clients(_ name: String?) throws(Failure) {
        let snapshot = try reading.read(Interest(.clients)) { snapshot in
            let isRead = snapshot.groups.values.allSatisfy { group in
                group.observation != Observation() || group.error != nil || !GroupSnapshot.readableTypes.contains(group.type)
            }
            return snapshot.observations.groups != Observation() && isRead && snapshot.admin.writersSeen != Observation()
        }
        if let error = snapshot.observations.groups.error { Streams.complain("the groups cannot be listed: \(error)") }
        if let error = snapshot.admin.writersSeen.error { Streams.complain("not all producers are known: \(error)") }
        if let error = snapshot.admin.transactionsSeen.error { Streams.complain("not all transactions are known: \(error)") }
        print(SnapshotListings.clients(snapshot.inferredClients.filter { name == nil || $0.clientID == name || $0.subject == name }))
    }

    // MARK: Alerts

    /// The rules of kastellan.yaml, and whether their conditions hold now.
    func alerts() throws(Failure) {
        let rules = try ConsoleSettings.read().alerts
        var snapshots: [(screen: Interest.Screen, snapshot: ClusterSnapshot)] = []
        var listing = Listing([
            .init("RULE", "rule"), .init("HOLDS", "holds"), .init("VALUES", "values"), .init("WHEN", "when"), .init("TOLD-BY", "toldBy"),
        ])
        for rule in rules {
            var holds: JSON = .null
            var values: [JSON] = []
            if case .condition(let expression, _, _) = rule.cause {
                var verdict: Bool? = true
                for comparison in expression.comparisons {
                    let snapshot = try picture(for: comparison, of: rules, &snapshots)
                    if case .success(let value) = comparison.value(in: snapshot) {
                        values.append(.string("\(comparison.label) is \(CheckCommand.number(value))"))
                    }
                    switch comparison.holds(in: snapshot) {
                    case .success(let isTrue): verdict = verdict.map { $0 && isTrue }
                    case .failure: verdict = nil
                    }
                }
                holds = verdict.map { .bool($0) } ?? .null
            }
            let means = rule.means.map { JSON.string($0.rawValue) } + (rule.hook == nil ? [] : [.string("run")])
            listing.add([.string(rule.name), holds, .array(values), .string(rule.text), .array(means)])
        }
        print(listing)
    }

    private func picture(
        for comparison: CheckExpression.Comparison, of rules: [AlertRule],
        _ snapshots: inout [(screen: Interest.Screen, snapshot: ClusterSnapshot)]
    ) throws(Failure) -> ClusterSnapshot {
        let screen = comparison.quantity.screen
        if let known = snapshots.first(where: { $0.screen == screen }) { return known.snapshot }
        let comparisons = rules.flatMap { rule -> [CheckExpression.Comparison] in
            if case .condition(let expression, _, _) = rule.cause { expression.comparisons } else { [] }
        }
        let same = comparisons.filter { $0.quantity.screen == screen }
        let snapshot = try reading.read(Interest(screen)) { snapshot in same.allSatisfy { $0.isReadable(in: snapshot) } }
        snapshots.append((screen, snapshot))
        return snapshot
    }
}

extension SnapshotListings {
    /// A row for each finding, the verdict of its subject first; or for the verdicts alone, the gravest first.
    static func why(_ diagnoses: [Diagnosis], verdictsOnly: Bool = false) -> Listing {
        var listing = Listing([
            .init("SUBJECT", "subject"), .init("SEVERITY", "severity"), .init("CAUSE", "cause"), .init("WHY", "why"),
            .init("EVIDENCE", "evidence"), .init("TO-DO", "toDo"),
        ])
        let order = verdictsOnly
            ? diagnoses.enumerated().sorted {
                let (a, b) = ($0.element.verdict.severity, $1.element.verdict.severity)
                return a == b ? $0.offset < $1.offset : a > b
            }.map(\.element) : diagnoses
        for diagnosis in order {
            for finding in verdictsOnly ? [diagnosis.verdict] : diagnosis.findings {
                listing.add([
                    .string(diagnosis.subject), .string(severity(finding.severity)), .string(finding.cause.rawValue),
                    .string(finding.sentence), .array(finding.evidence.map { .string($0) }),
                    .array(finding.steps.map { .string($0.command.isEmpty ? $0.text : "\($0.text): \($0.command)") }),
                ])
            }
        }
        return listing
    }

    private static func severity(_ severity: Diagnosis.Severity) -> String {
        switch severity {
        case .well: "ok"
        case .notice: "notice"
        case .warning: "warning"
        case .failure: "failure"
        }
    }

    static func heat(_ map: HeatMap, _ snapshot: ClusterSnapshot) -> Listing {
        var listing = Listing([
            .init("BROKER", "broker", right: true), .init("MEASURE", "measure"), .init("TOTAL", "total", right: true),
            .init("OF-MEAN", "ofMean", right: true), .init("LEADERS", "leaders", right: true), .init("HOTTEST", "hottest"),
            .init("ITS-VALUE", "hottestValue", right: true), .init("HEAT", "heat"),
        ])
        let most = map.most
        for row in map.rows {
            // A digit for each partition, in the order of names, from 0, cold, to 4.
            let heat = row.cells.map { String(HeatMap.level($0.value, most: most)) }.joined()
            listing.add([
                .number(Int64(row.broker.rawValue)), .string(map.measure.rawValue), figure(row.total), map.share(row).map(figure) ?? .null,
                .number(Int64(snapshot.broker(row.broker)?.leaders ?? 0)), text(row.hottest?.partition.description),
                row.hottest?.value.map(figure) ?? .null, .string(heat),
            ])
        }
        return listing
    }

    private static func figure(_ value: Double) -> JSON {
        value == value.rounded() && abs(value) < 9e15 ? .number(Int64(value)) : .decimal((value * 100).rounded() / 100)
    }

    static func clients(_ clients: [InferredClient]) -> Listing {
        var listing = Listing([
            .init("CLIENT-ID", "clientId"), .init("INFERRED-FROM", "inferredFrom"), .init("OF", "of"), .init("STATE", "state"),
            .init("HOST", "host"), .init("#PARTITIONS", "partitionCount", right: true), .init("PRODUCER-ID", "producerId", right: true),
            .init("LAST", "last", right: true), .init("COORDINATOR", "coordinator", right: true), .init("MEMBER-ID", "memberId"),
        ])
        for client in clients {
            listing.add([
                text(client.clientID), .string(client.source.rawValue), .string(client.subject), text(client.state), text(client.host),
                .number(Int64(client.partitions.count)), number(client.producerID), number(client.at?.milliseconds), id(client.broker),
                text(client.memberID),
            ])
        }
        return listing
    }
}

extension ClusterSnapshot {
    /// The commits of these groups, and the ends they are held against, were read.
    func hasCommits(of names: [String]) -> Bool {
        guard observations.groups.time != nil || observations.groups.error != nil else { return false }
        return names.compactMap { group($0) }.allSatisfy { group in
            group.error != nil || !GroupSnapshot.readableTypes.contains(group.type)
                || group.offsetsObservation.time != nil && group.partitions.allSatisfy { $0.end != nil || $0.error != nil }
        }
    }

    var hasPartitionState: Bool { hasReassignments && topics.allSatisfy { $0.value.settingsObservation != Observation() } }
    func hasSettings(of name: String) -> Bool { topic(name).map { $0.settingsObservation != Observation() } ?? true }
}
