import Grid
import Observatory
import Primitives

/// The rules of kastellan.yaml and how they stand.
func alertRows(_ book: AlertBook, now: Instant) -> TableModel {
    let columns = [
        Column("RULE", min: 8, max: 40), Column("STATE", min: 7), Column("SINCE", right: true, min: 6, priority: 1),
        Column("TOLD", right: true, min: 4, priority: 1), Column("LAST", right: true, min: 6, priority: 2),
        Column("BY", min: 4, max: 20, priority: 2), Column("WHEN", min: 12, max: 100, grows: true),
    ]
    let rows = book.rules.indices.map { index -> TableRow in
        let (rule, status) = (book.rules[index], book.status(of: index, at: now))
        func age(_ milliseconds: Int64?) -> CellValue {
            milliseconds.map { CellValue(Format.duration(milliseconds: $0), .muted, key: .number(Double($0))) } ?? .unknown
        }
        let means = rule.means.map(\.rawValue) + (rule.hook == nil ? [] : ["run"])
        return TableRow(
            String(index),
            [
                CellValue(rule.name), alertState(status), age(status.heldMs), .count(status.told), age(status.lastMs),
                CellValue(means.isEmpty ? "-" : means.joined(separator: ", "), .muted), CellValue(rule.text),
            ], isFault: status.state == .firing)
    }
    return TableModel(
        title: "Alerts", subject: "kastellan.yaml", columns: columns, rows: rows,
        emptyLines: [
            "Nobody wants to be told of anything yet.", "",
            "alerts in kastellan.yaml names what is worth a bell, a notification or a program: man kastellan.yaml.",
        ])
}

private func alertState(_ status: AlertBook.Status) -> CellValue {
    if status.isMuted { return CellValue("muted", .pending) }
    switch status.state {
    case .firing: return CellValue("firing", .failure)
    case .holding: return CellValue("holds", .warning)
    case .quiet: return CellValue("quiet", .good)
    case .unknown: return CellValue("unknown", .muted)
    }
}

extension Console {
    /// The selected rule is silent until it is asked for again, or the console ends.
    mutating func muteAlert() {
        guard let index = selectedRow.flatMap({ Int($0.id) }), alerts.rules.indices.contains(index) else { return }
        alerts.toggleMute(index)
        let isMuted = alerts.status(of: index, at: now.instant).isMuted
        say(.info, "\(alerts.rules[index].name): \(isMuted ? "muted until m is pressed again." : "told again.")")
        rebuild()
    }
}
