import Grid
import Observatory
import Primitives

/// Why something is as it is: one verdict, the numbers it stands on, what to do next.
extension Console {
    func whyDocument(_ subject: Place.Subject) -> [[Span]] {
        guard let diagnosis = diagnosis(subject) else { return [[Span("Nothing to say about this.", .muted)]] }
        var out = finding(diagnosis.verdict, isFirst: true)
        if case .group(let id) = subject, let group = snapshot.group(id) { out += lagCharts(group) }
        let others = diagnosis.findings.dropFirst()
        if !others.isEmpty { out += heading("ALSO") }
        for other in others.prefix(12) {
            out.append([Span(sign(other.severity) + " ", scope(other.severity)), Span(Escape.line(other.sentence), scope(other.severity))])
            for line in other.evidence.prefix(3) { out.append([Span("    " + Escape.line(line), .muted)]) }
        }
        out += [[], [Span("As seen at \(CivilTime(snapshot.time).clock) UTC, from what this console has watched.", .muted)]]
        return out
    }

    func diagnosis(_ subject: Place.Subject) -> Diagnosis? {
        switch subject {
        case .group(let id): .ofGroup(id, snapshot)
        case .topic(let name): .ofTopic(name, snapshot)
        case .partition(let partition): .ofPartition(partition, snapshot)
        case .broker(let id): .ofBroker(id, snapshot)
        case .client, .cluster, .connector, .event, .outcome: nil
        }
    }

    private func finding(_ one: Diagnosis.Finding, isFirst: Bool) -> [[Span]] {
        var out: [[Span]] = [
            [Span(sign(one.severity) + " ", scope(one.severity)), Span(Escape.line(one.sentence), scope(one.severity), .bold)],
            [Span("  " + one.cause.rawValue, .muted)],
        ]
        if !one.evidence.isEmpty { out += heading("WHAT SHOWS IT") }
        for line in one.evidence { out.append([Span("  " + Escape.line(line), .value)]) }
        if !one.steps.isEmpty { out += heading("WHAT TO DO") }
        for step in one.steps {
            let key = step.key.isEmpty ? "" : "  (key \(step.key))"
            out.append([Span("  " + Escape.line(step.text), .text), Span(key, .menuKey)])
            if !step.command.isEmpty { out.append([Span("    " + Escape.line(step.command), .muted)]) }
        }
        return out
    }

    /// Where the lag is, and how it went.
    private func lagCharts(_ group: GroupSnapshot) -> [[Span]] {
        let rows = group.partitions.filter { ($0.lag ?? 0) > 0 }.sorted { ($0.lag ?? 0) > ($1.lag ?? 0) }.prefix(8)
        guard !rows.isEmpty else { return [] }
        var out = heading("WHERE IT IS")
        let width = min(30, rows.map { TextWidth.of(Escape.line($0.partition.description)) }.max() ?? 0)
        for row in rows {
            let verdict = verdictCell(row.analysis.verdict)
            out.append([
                Span("  " + Clip.pad(Escape.line(row.partition.description), width, options.glyphs), .value),
                Span(Clip.pad(Format.count(row.lag ?? 0), 12, right: true), .value),
                Span(Clip.pad(row.analysis.timeLag.map { timeLagText($0) } ?? "-", 9, right: true), .value),
                Span("  " + Clip.pad(lagTrend(row.analysis.history, width: 12).text, 12), .chartAlternative),
                Span("  " + verdict.text, verdict.scope),
            ])
        }
        return out
    }

    private func sign(_ severity: Diagnosis.Severity) -> String {
        switch severity {
        case .well: String(options.glyphs.good)
        case .notice: "~"
        case .warning: "!"
        case .failure: String(options.glyphs.bad)
        }
    }

    private func scope(_ severity: Diagnosis.Severity) -> Scope {
        switch severity {
        case .well: .good
        case .notice: .pending
        case .warning: .warning
        case .failure: .failure
        }
    }

    // MARK: Going on from it

    /// The partition that the verdict is about.
    var whyPartition: TopicPartition? {
        guard case .why(let subject) = place else { return nil }
        if case .partition(let name) = subject { return name }
        return diagnosis(subject)?.verdict.partition
    }

    mutating func openWhy() {
        guard case .why(let subject) = place else { return }
        switch subject {
        case .group(let id): push(.group(id))
        case .topic(let name): push(.topic(name))
        case .partition(let partition): push(.describe(.partition(partition)))
        case .broker(let id): push(.describe(.broker(id)))
        case .client, .cluster, .connector, .event, .outcome: break
        }
    }

    /// The records of what it is about: for a group, those of the partition that the verdict names.
    mutating func tailWhy() {
        guard let topic = selectedTopic else { return say(.info, "No topic to tail.") }
        let partition = whyPartition
        push(.tail(topic))
        if let partition { restartTail { $0.partition = partition.partition } }
    }

    // MARK: Asking

    /// What `w` asks about, here.
    var whySubject: Place.Subject? {
        switch place {
        case .groups: return selectedGroup.map { .group($0) }
        case .group(let id): return .group(id)
        case .topics: return selectedTopic.map { .topic($0) }
        case .topic where view.panel == 1: return selectedRow.flatMap { Int32($0.id) }.map { .broker(BrokerID($0)) }
        case .topic, .partitions, .reassignments: return selectedPartition.map { .partition($0) }
        case .brokers where view.panel == 0, .heat, .quorum: return selectedRow.flatMap { Int32($0.id) }.map { .broker(BrokerID($0)) }
        case .overview:
            if let id = selectedGroup { return .group(id) }
            if let name = selectedTopic { return .topic(name) }
            return selectedBroker.map { .broker($0) }
        case .describe(let subject): return subject
        default: return nil
        }
    }

    /// `:why NAME`: a group of that name, else a topic, else a broker.
    mutating func why(_ name: String) {
        if snapshot.group(name) != nil { return push(.why(.group(name))) }
        if snapshot.topic(name) != nil { return push(.why(.topic(name))) }
        if let id = Int32(name), snapshot.broker(BrokerID(id)) != nil { return push(.why(.broker(BrokerID(id)))) }
        say(.warning, "No group, topic or broker is called \(Escape.line(name)).")
    }

    mutating func askWhy() {
        guard let subject = whySubject, diagnosis(subject) != nil else {
            return say(.info, "Select a group, a topic, a partition or a broker.")
        }
        push(.why(subject))
    }
}
