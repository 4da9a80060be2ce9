import Grid
import Observatory
import Primitives

extension HeatMeasure {
    var total: String {
        switch self {
        case .traffic: "MSG/S"
        case .size: "SIZE"
        case .lag: "LAG"
        }
    }
}

/// Partitions by broker: a row each, a sign for every partition, the fuller the hotter. The signs alone say it; colour says it again.
func heatRows(_ snapshot: ClusterSnapshot, _ measure: HeatMeasure, width: Int) -> TableModel {
    let columns = [
        Column("ID", right: true, min: 2), Column("LEADERS", right: true, min: 7, priority: 2),
        Column(measure.total, right: true, min: 7, priority: 1), Column("OF MEAN", right: true, min: 7, priority: 3),
        Column("PARTITIONS", min: 12, max: max(12, width), grows: true),
    ]
    let map = HeatMap(snapshot, measure)
    let most = map.most
    return TableModel(
        title: "Heat map", subject: measure.rawValue, columns: columns,
        rows: map.rows.map { heatRow(snapshot, $0, share: map.share($0), most: most, measure, width: width) },
        emptyLines: ["No brokers yet."],
        freshness: Freshness(time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error))
}

private func heatRow(
    _ snapshot: ClusterSnapshot, _ row: HeatMap.Row, share: Double?, most: Double, _ measure: HeatMeasure, width: Int
) -> TableRow {
    // Where there are more partitions than room, a sign stands for several: for the hottest of them.
    let (id, values, total) = (row.broker, row.cells.map(\.value), row.total)
    let chunk = max(1, (values.count + width - 1) / max(1, width))
    var text = ""
    var shades: [Scope] = []
    for start in stride(from: 0, to: values.count, by: chunk) {
        let level = HeatMap.level(values[start..<min(start + chunk, values.count)].compactMap { $0 }.max(), most: most)
        text.unicodeScalars.append(heatSigns[level])
        shades.append(heatScopes[level])
    }
    let totalText =
        switch measure {
        case .traffic: Format.rate(total)
        case .size: Format.bytes(Int64(clamping: Int(min(total, 9e18))))
        case .lag: Format.count(Int64(min(total, 9e18)))
        }
    let broker = snapshot.broker(id)
    var heat = CellValue(text, .muted, key: .number(total))
    heat.shades = shades
    let isHot = (share ?? 0) > 1.5
    return TableRow(
        id.description,
        [
            CellValue(id.description, broker?.isAlive == false ? .failure : .row, key: .number(Double(id.rawValue))),
            .count(broker?.leaders ?? 0), CellValue(totalText, .row, key: .number(total)),
            share.map { CellValue(Format.percent($0), isHot ? .warning : .row, key: .number($0)) } ?? .unknown, heat,
        ],
        isFault: isHot, target: .describe(.broker(id)))
}

private let heatSigns: [Unicode.Scalar] = ["_", "░", "▒", "▓", "█"]
private let heatScopes: [Scope] = [.muted, .good, .pending, .warning, .failure]

extension Console {
    /// The room for signs in the heat map: what is left beside the numbers.
    var heatWidth: Int { max(12, layout.body.width - (layout.body.width >= 70 ? 40 : 26)) }

    mutating func nextMeasure() {
        let all = HeatMeasure.allCases
        view.measure = all[((all.firstIndex(of: view.measure) ?? 0) + 1) % all.count]
        rebuild()
    }
}
