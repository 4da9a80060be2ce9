import Grid
import Observatory
import Primitives

/// The table of brokers.
func brokerRows(_ snapshot: ClusterSnapshot) -> TableModel {
    let columns = [
        Column("ID", right: true, min: 2), Column("ADDRESS", min: 14, max: 80, grows: true), Column("RACK", min: 4, max: 20, priority: 6),
        Column("ROLE", min: 10, priority: 2), Column("LEADERS", right: true, min: 7, priority: 1),
        Column("REPLICAS", right: true, min: 8, priority: 3), Column("NOT IN SYNC", right: true, min: 11, priority: 4),
        Column("USED", right: true, min: 7, priority: 2), Column("FREE", right: true, min: 7, priority: 5),
        Column("LATENCY", right: true, min: 7, priority: 6), Column("STATE", min: 6, max: 40),
    ]
    let rows = snapshot.brokers.values.map { broker -> TableRow in
        let state = brokerState(broker)
        let role = broker.isController || snapshot.controller == broker.id ? "controller" : "-"
        return TableRow(
            broker.id.description,
            [
                CellValue(broker.id.description, .row, key: .number(Double(broker.id.rawValue))), CellValue(broker.address),
                broker.rack.map { CellValue($0) } ?? .unknown, CellValue(role, role == "-" ? .muted : .highlight), .count(broker.leaders),
                .count(broker.replicas), .count(broker.outOfSyncReplicas, broker.outOfSyncReplicas > 0 ? .warning : .muted),
                .bytes(broker.disk?.usedBytes), .bytes(broker.disk?.usableBytes), latency(broker.latencyMs), state,
            ],
            isFault: state.scope != .good, target: .describe(.broker(broker.id)))
    }
    return TableModel(
        title: "Brokers", subject: snapshot.clusterID ?? "cluster", columns: columns, rows: Array(rows),
        freshness: Freshness(time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error))
}

private func latency(_ milliseconds: Int64?) -> CellValue {
    guard let milliseconds else { return .unknown }
    return CellValue("\(milliseconds) ms", .row, key: .number(Double(milliseconds)))
}

func brokerState(_ broker: BrokerSnapshot) -> CellValue {
    if !broker.isAlive { return CellValue("✗ gone", .failure, key: .number(3)) }
    if let error = broker.disk?.directories.compactMap(\.error).first { return CellValue("✗ disk: " + error, .failure, key: .number(2)) }
    if broker.outOfSyncReplicas > 0 { return CellValue("! catching up", .warning, key: .number(1)) }
    return CellValue("ok", .good, key: .number(0))
}
