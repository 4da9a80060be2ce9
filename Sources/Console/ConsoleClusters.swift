import Grid
import Observatory
import Primitives

/// Every cluster that has a name, at a glance.
///
/// The shell looks at them only while this is on the screen, each on its own, so that none waits for another; the one the console is on
/// is not asked twice. What was seen stays, with its age.
extension Console {
    /// Data younger than this is as good as new: the age stands still, and nothing is drawn for its sake.
    static let glanceFreshMs: Int64 = 20_000

    /// The clusters whose glances are wanted now.
    var wantedClusters: [String] {
        switch place {
        case .clusters, .describe(.cluster): options.contexts.map(\.name).filter { $0 != hereName }.uniqued()
        default: []
        }
    }

    /// The context the console is on; nil where it was told an address, or made a cluster itself.
    private var hereName: String? {
        let here = options.contexts.first { context in
            context.name == options.contextName
                && context.bootstrap.split(separator: ",").contains { options.bootstrap.contains(trimmed($0)) }
        }
        return here?.name
    }

    func sighting(of name: String) -> ClusterSighting {
        if name == hereName { return ClusterSighting(live ?? snapshot) ?? ClusterSighting(.asking) }
        return sightings[name] ?? ClusterSighting()
    }

    mutating func take(_ sighting: ClusterSighting, of name: String) {
        let old = sightings[name]?.glance
        sightings[name] = ClusterSighting(sighting.state, glance: sighting.glance ?? old)
        switch place {
        case .clusters, .describe(.cluster): rebuild()
        default: break
        }
    }

    /// When an age on the screen is worth drawing again; nil where none is.
    var clustersDeadline: Instant? {
        guard !wantedClusters.isEmpty, wantedClusters.contains(where: { (glanceAge(sighting(of: $0)) ?? 0) >= Console.glanceFreshMs })
        else { return nil }
        return now.instant.adding(milliseconds: 5_000)
    }

    private func glanceAge(_ sighting: ClusterSighting) -> Int64? {
        sighting.glance.map { max(0, now.wall.milliseconds - $0.time.milliseconds) }
    }

    /// `now`, `25s`, `4m`: in steps, so that it does not change all the time.
    private func glanceAgeText(_ sighting: ClusterSighting) -> String {
        guard let age = glanceAge(sighting) else { return "-" }
        if age < Console.glanceFreshMs { return "now" }
        return Format.duration(milliseconds: age < 60_000 ? age / 5_000 * 5_000 : age)
    }

    // MARK: The table

    func clusterRows() -> TableModel {
        let columns = [
            Column("CLUSTER", min: 8, max: 40), Column("STATE", min: 7), Column("BROKERS", right: true, min: 5),
            Column("CONTROLLER", right: true, min: 4, priority: 6), Column("TOPICS", right: true, min: 4, priority: 5),
            Column("PARTITIONS", right: true, min: 4, priority: 5), Column("OFFLINE", right: true, min: 4, priority: 1),
            Column("UNDER REPL", right: true, min: 4, priority: 2), Column("UNDER MIN", right: true, min: 4, priority: 3),
            Column("MSG/S", right: true, min: 5, priority: 3), Column("LAG", right: true, min: 5, priority: 2),
            Column("CHANGES", min: 9, priority: 4), Column("COLOR", min: 5, max: 10, priority: 7),
            Column("AGE", right: true, min: 3, priority: 3), Column("NOTE", min: 8, max: 100),
        ]
        let rows = options.contexts.map { clusterRow($0) }
        return TableModel(
            title: "Clusters", subject: "at a glance", columns: columns, rows: rows,
            emptyLines: [
                "No cluster has a name yet: contexts.yaml in kastellan's configuration gives them names,",
                "and \"kastellan contexts import\" takes them over from kaf, kafkactl, rpk or kcat.",
            ], freshness: Freshness(time: now.wall))
    }

    private func clusterRow(_ context: ContextEntry) -> TableRow {
        let sighting = sighting(of: context.name)
        let glance = sighting.glance
        let isLost = sighting.error != nil
        func trouble(_ value: Int?) -> CellValue {
            guard let value else { return .unknown }
            return .count(value, value > 0 ? .failure : .muted)
        }
        func plain(_ value: Int?) -> CellValue { value.map { .count($0, isLost ? .muted : .row) } ?? .unknown }
        var brokers = CellValue.unknown
        if let glance {
            brokers = CellValue(
                "\(glance.brokersAlive)/\(glance.brokersKnown)", glance.brokersAlive < glance.brokersKnown ? .failure : .row,
                key: .number(glance.brokersAlive))
        }
        let state = clusterState(sighting)
        return TableRow(
            context.name,
            [
                CellValue(context.name, context.name == hereName ? .highlight : .row), state, brokers,
                glance?.controller.map { CellValue($0.description, key: .number(Double($0.rawValue))) } ?? .unknown,
                plain(glance?.topics), plain(glance?.partitions), trouble(glance?.offline), trouble(glance?.underReplicated),
                trouble(glance?.underMinISR), .rate(glance?.messagesPerSecond), .count(glance?.totalLag),
                context.isReadOnly ? CellValue("read-only", .warning) : CellValue("allowed"), CellValue(context.color ?? "-", .muted),
                CellValue(glanceAgeText(sighting), isLost ? .warning : .muted, key: .number(glanceAge(sighting))),
                clusterNote(sighting),
            ], isFault: isLost || glance?.isTrouble == true)
    }

    /// A sign and a word, so that neither needs colour. The worse, the further down.
    private func clusterState(_ sighting: ClusterSighting) -> CellValue {
        switch sighting.state {
        case .waiting: return CellValue("waiting", .muted, key: .number(2))
        case .asking where sighting.glance == nil: return CellValue("asking", .pending, key: .number(1))
        case .failed(let reason):
            let isLogin = reason.hasPrefix(ClusterSighting.loginPrefix)
            return CellValue(isLogin ? "✗ no login" : "✗ lost", .failure, key: .number(5))
        case .asking, .reached:
            if sighting.glance?.isUnhealthy == true { return CellValue("! trouble", .failure, key: .number(4)) }
            if sighting.glance?.isTrouble == true { return CellValue("! lag", .warning, key: .number(3)) }
            return CellValue("✓ well", .good, key: .number(0))
        }
    }

    /// What is wrong, in words: with reaching it, or with its worst group.
    private func clusterNote(_ sighting: ClusterSighting) -> CellValue {
        if let error = sighting.error {
            // That it cannot be reached, and where it is, stands elsewhere; why does not.
            var why = error.hasPrefix(ClusterSighting.lostPrefix) ? error.dropFirst(ClusterSighting.lostPrefix.count) : error[...]
            if let end = why.firstRange(of: ": "), !why[..<end.lowerBound].contains(" ") { why = why[end.upperBound...] }
            return CellValue(String(why), .failure)
        }
        guard let worst = sighting.glance?.worst, worst.verdict > .ok else { return CellValue("", .muted, key: .unknown) }
        return CellValue("group \(worst.group): \(worst.verdict.rawValue)", worst.verdict.isTrouble ? .warning : .muted)
    }

    // MARK: One of them

    func describeCluster(_ name: String) -> [[Span]] {
        guard let context = options.contexts.first(where: { $0.name == name }) else {
            return [[Span("Context \(Escape.line(name)) is not known.", .muted)]]
        }
        let sighting = sighting(of: name)
        let state = clusterState(sighting)
        var out = [
            field("Context", name), field("State", state.text, state.scope), field("Bootstrap", context.bootstrap),
            field("Security", context.security), field("Changes", context.isReadOnly ? "read-only" : "allowed"),
            field("Color", context.color ?? "-"), field("From", context.origin),
        ]
        if let error = sighting.error { out += heading("WHY IT CANNOT BE READ") + [[Span(Escape.line(error), .failure)]] }
        guard let glance = sighting.glance else { return out }
        out += heading("AS IT WAS SEEN, \(glanceAgeText(sighting) == "now" ? "JUST NOW" : glanceAgeText(sighting) + " AGO")")
        func count(_ label: String, _ value: Int, bad: Bool = false) {
            out.append(field(label, Format.count(value), bad && value > 0 ? .failure : .value))
        }
        out.append(field("Cluster id", glance.clusterID ?? "-"))
        out.append(field("Controller", glance.controller?.description ?? "-"))
        let isWhole = glance.brokersAlive == glance.brokersKnown
        out.append(field("Brokers", "\(glance.brokersAlive) of \(glance.brokersKnown) are there", isWhole ? .value : .failure))
        count("Topics", glance.topics)
        count("Partitions", glance.partitions)
        count("Offline", glance.offline, bad: true)
        count("Under-replicated", glance.underReplicated, bad: true)
        count("Under min ISR", glance.underMinISR, bad: true)
        count("Reassigning", glance.reassigning)
        out.append(field("Written", Format.rate(glance.messagesPerSecond)))
        out.append(field("Groups", glance.groups.map { Format.count($0) } ?? "-"))
        out.append(field("Total lag", glance.totalLag.map { Format.count($0) } ?? "-"))
        if let worst = glance.worst {
            out.append(field("Worst group", "\(worst.group): \(worst.verdict.rawValue)", worst.verdict.isTrouble ? .warning : .value))
        }
        return out
    }
}
