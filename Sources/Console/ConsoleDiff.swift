import Grid
import Observatory
import Primitives

/// Two clusters compared: read once, when it is asked for.
struct ClusterComparison: Equatable, Sendable {
    var ticket: Int
    var with: String
    /// Those of the time before stay while it is read again.
    var differences: [ClusterSettings.Difference] = []
    var seen = Observation()
    var isAsking = true
}

extension Console {
    /// On entering the view, and when it is read anew.
    mutating func askComparison() {
        guard case .diff(let name) = place else { return }
        if comparison?.with == name, comparison?.isAsking == true { return }
        lastTicket += 1
        guard options.contexts.contains(where: { $0.name == name }) else {
            comparison = ClusterComparison(ticket: lastTicket, with: name, isAsking: false)
            comparison?.seen.failed("There is no context \(name); :contexts lists those there are.")
            return
        }
        if comparison?.with != name { comparison = ClusterComparison(ticket: lastTicket, with: name) }
        comparison?.ticket = lastTicket
        comparison?.isAsking = true
        request(.compare(ticket: lastTicket, with: name))
    }

    mutating func takeComparison(_ ticket: Int, _ result: Result<[ClusterSettings.Difference], ConsoleFailure>) {
        guard comparison?.ticket == ticket else { return }
        comparison?.isAsking = false
        switch result {
        case .success(let differences):
            comparison?.differences = differences
            comparison?.seen.succeeded(at: now.wall)
        case .failure(let failure):
            comparison?.seen.failed(failure.message)
            say(.error, "diff: \(failure.message)")
        }
        if place.isDiff { rebuild() }
    }

    /// What this cluster does not have, or what is not a topic's.
    mutating func sayWhereItIs(_ row: TableRow, _ name: String) {
        let found = comparison?.differences.first { diffID($0) == row.id }
        guard let topic = found?.topic else { return say(.info, "This holds for all brokers, where a topic says nothing else.") }
        say(.info, "\(topic) is only there: topic \(topic) @\(name) goes to it.")
    }

    func diffRows(_ name: String) -> TableModel {
        let columns = [
            Column("TOPIC", min: 12, max: 60), Column("SETTING", min: 10, max: 44), Column("WHAT", min: 10, max: 10),
            Column("HERE", min: 8, max: 60, grows: true), Column("THERE", min: 8, max: 60, grows: true),
        ]
        let found = comparison?.with == name ? comparison : nil
        let rows = (found?.differences ?? []).map { one -> TableRow in
            let isTopic = one.setting == "topic"
            let what =
                switch (one.here, one.there) {
                case (_?, nil): CellValue("only here", .pending)
                case (nil, _?): CellValue("only there", .warning)
                default: CellValue("differs", .highlight)
                }
            return TableRow(
                diffID(one),
                [
                    one.topic.map { CellValue($0) } ?? CellValue("(all brokers)", .muted, key: .text("")),
                    isTopic ? CellValue("the topic", .muted) : CellValue(one.setting), what,
                    one.here.map { CellValue(shown($0, isTopic)) } ?? CellValue("-", .muted),
                    one.there.map { CellValue(shown($0, isTopic)) } ?? CellValue("-", .muted),
                ],
                isFault: isTopic, target: one.topic.flatMap { isTopic && one.here == nil ? nil : .topic($0) })
        }
        let (here, there) = (Escape.line(options.contextName), Escape.line(name))
        var empty = ["No differences: topics and settings are the same in \(here) and \(there)."]
        if let error = found?.seen.error {
            empty = ["\(here) and \(there) could not be compared.", "", Escape.line(error), "", "r  tries again"]
        } else if found?.seen.time == nil {
            empty = ["Reading topics and settings of \(here) and \(there)\u{2026}"]
        }
        return TableModel(
            title: "Diff", subject: "\(options.contextName) against \(name)", columns: columns, rows: rows, emptyLines: empty,
            freshness: Freshness(found?.seen ?? Observation()))
    }
}

/// Partitions times replicas with a sign that every terminal has.
private func shown(_ value: String, _ isTopic: Bool) -> String { isTopic ? value.replacing("×", with: "x") : value }

/// Stays the same for the same setting of the same topic.
private func diffID(_ one: ClusterSettings.Difference) -> String { "\(one.topic ?? "")\u{1}\(one.setting)" }

extension Place {
    var isDiff: Bool { if case .diff = self { true } else { false } }
}
