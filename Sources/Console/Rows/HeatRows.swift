import Grid
import Observatory
import Primitives

/// What the heat map measures.
package enum HeatMeasure: String, CaseIterable, Equatable, Sendable {
    /// Messages per second into the partitions that a broker leads.
    case traffic
    /// Bytes of the replicas that a broker holds.
    case size
    /// The largest lag of any group in the partitions that a broker leads.
    case lag

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
    var cells = OrderedMap<BrokerID, [Double?]>()
    for id in snapshot.brokers.keys { cells[id] = [] }
    let lags = measure == .lag ? largestLags(snapshot) : OrderedMap()
    for topic in snapshot.topics.values {
        for partition in topic.partitions {
            switch measure {
            case .size: for id in partition.replicas { cells[id, default: []].append(partition.replica(id)?.sizeBytes.map { Double($0) }) }
            case .traffic: if let leader = partition.leader { cells[leader, default: []].append(partition.messageRate) }
            case .lag:
                guard let leader = partition.leader else { continue }
                cells[leader, default: []].append(lags[TopicPartition(topic.name, partition.index)].map { Double($0) })
            }
        }
    }
    let totals = cells.values.map { $0.reduce(0) { $0 + ($1 ?? 0) } }
    let mean = totals.reduce(0, +) / Double(max(1, totals.count))
    let most = cells.values.flatMap { $0 }.compactMap { $0 }.max() ?? 0
    let rows = zip(cells.keys, cells.values).enumerated().map { index, entry in
        heatRow(snapshot, entry.0, entry.1, total: totals[index], mean: mean, most: most, measure, width: width)
    }
    return TableModel(
        title: "Heat map", subject: measure.rawValue, columns: columns, rows: rows,
        emptyLines: ["No brokers yet."],
        freshness: Freshness(time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error))
}

private func heatRow(
    _ snapshot: ClusterSnapshot, _ id: BrokerID, _ values: [Double?], total: Double, mean: Double, most: Double, _ measure: HeatMeasure,
    width: Int
) -> TableRow {
    // Where there are more partitions than room, a sign stands for several: for the hottest of them.
    let chunk = max(1, (values.count + width - 1) / max(1, width))
    var text = ""
    var shades: [Scope] = []
    for start in stride(from: 0, to: values.count, by: chunk) {
        let level = heatLevel(values[start..<min(start + chunk, values.count)].compactMap { $0 }.max(), most: most)
        text.unicodeScalars.append(heatSigns[level])
        shades.append(heatScopes[level])
    }
    let totalText =
        switch measure {
        case .traffic: Format.rate(total)
        case .size: Format.bytes(Int64(clamping: Int(min(total, 9e18))))
        case .lag: Format.count(Int64(min(total, 9e18)))
        }
    let part = mean > 0 ? total / mean : 0
    let broker = snapshot.broker(id)
    var heat = CellValue(text, .muted, key: .number(total))
    heat.shades = shades
    return TableRow(
        id.description,
        [
            CellValue(id.description, broker?.isAlive == false ? .failure : .row, key: .number(Double(id.rawValue))),
            .count(broker?.leaders ?? 0), CellValue(totalText, .row, key: .number(total)),
            mean > 0 ? CellValue(Format.percent(part), part > 1.5 ? .warning : .row, key: .number(part)) : .unknown, heat,
        ],
        isFault: part > 1.5, target: .describe(.broker(id)))
}

/// By magnitude, not by share: one partition a thousand times as hot as the others must not make them all look cold alike.
private func heatLevel(_ value: Double?, most: Double) -> Int {
    guard let value, value.isFinite, value > 0, most > 0 else { return 0 }
    // Half of the hottest is the hottest but one, a quarter the next; below a sixteenth it is warm at most.
    switch value / most {
    case 0.5...: return 4
    case 0.25..<0.5: return 3
    case 0.0625..<0.25: return 2
    default: return 1
    }
}

private let heatSigns: [Unicode.Scalar] = ["_", "░", "▒", "▓", "█"]
private let heatScopes: [Scope] = [.muted, .good, .pending, .warning, .failure]

/// Of each partition the largest lag that any group has there.
private func largestLags(_ snapshot: ClusterSnapshot) -> OrderedMap<TopicPartition, Int64> {
    var lags: [(TopicPartition, Int64)] = []
    for group in snapshot.groups.values { for row in group.partitions { if let lag = row.lag { lags.append((row.partition, lag)) } } }
    lags.sort { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }
    var out = OrderedMap<TopicPartition, Int64>()
    for (name, lag) in lags { out[name] = lag }
    return out
}

extension Console {
    /// The room for signs in the heat map: what is left beside the numbers.
    var heatWidth: Int { max(12, layout.body.width - (layout.body.width >= 70 ? 40 : 26)) }

    mutating func nextMeasure() {
        let all = HeatMeasure.allCases
        view.measure = all[((all.firstIndex(of: view.measure) ?? 0) + 1) % all.count]
        rebuild()
    }
}
