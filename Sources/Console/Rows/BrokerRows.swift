import Grid
import Observatory
import Primitives

/// The table of brokers.
func brokerRows(_ snapshot: ClusterSnapshot, _ chaos: OrderedMap<BrokerID, ChaosCondition>? = nil) -> TableModel {
    let columns = [
        Column("ID", right: true, min: 2), Column("ADDRESS", min: 14, max: 80, grows: true), Column("RACK", min: 4, max: 20, priority: 6),
        Column("ROLE", min: 10, priority: 2), Column("QUORUM", min: 8, priority: 5), Column("LEADERS", right: true, min: 7, priority: 1),
        Column("REPLICAS", right: true, min: 8, priority: 3), Column("NOT IN SYNC", right: true, min: 11, priority: 4),
        Column("USED", right: true, min: 7, priority: 2), Column("FREE", right: true, min: 7, priority: 5),
        Column("THROTTLE", right: true, min: 9, priority: 7), Column("LATENCY", right: true, min: 7, priority: 6),
        Column("STATE", min: 6, max: 40),
    ]
    let isThrottled = snapshot.brokers.values.contains { $0.throttleRate != nil }
    let rows = snapshot.brokers.values.map { broker -> TableRow in
        let state = brokerState(broker, chaos?[broker.id])
        let role = broker.isController || snapshot.controller == broker.id ? "controller" : "-"
        let quorum = snapshot.quorum?.role(of: broker.id)
        let throttle = broker.throttleRate.map { CellValue("\(Format.bytes($0))/s", .pending, key: .number(Double($0))) }
        return TableRow(
            broker.id.description,
            [
                CellValue(broker.id.description, .row, key: .number(Double(broker.id.rawValue))), CellValue(broker.address),
                broker.rack.map { CellValue($0) } ?? .unknown, CellValue(role, role == "-" ? .muted : .highlight),
                quorum.map { CellValue($0, $0 == "leader" ? .highlight : .row) } ?? .unknown, .count(broker.leaders),
                .count(broker.replicas), .count(broker.outOfSyncReplicas, broker.outOfSyncReplicas > 0 ? .warning : .muted),
                .bytes(broker.disk?.usedBytes), .bytes(broker.disk?.usableBytes), throttle ?? .unknown, latency(broker.latencyMs), state,
            ],
            isFault: state.scope != .good, target: .describe(.broker(broker.id)))
    }
    var model = TableModel(
        title: "Brokers", subject: snapshot.clusterID ?? "cluster", columns: columns, rows: Array(rows),
        freshness: Freshness(time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error))
    // Limits are rare: their column is there while there are some.
    if !isThrottled { model.remove(column: "THROTTLE") }
    return model
}

private func latency(_ milliseconds: Int64?) -> CellValue {
    guard let milliseconds else { return .unknown }
    return CellValue("\(milliseconds) ms", .row, key: .number(Double(milliseconds)))
}

/// What is done to a broker on purpose comes first: it is why all the rest is as it is.
func brokerState(_ broker: BrokerSnapshot, _ chaos: ChaosCondition? = nil) -> CellValue {
    if let chaos, !chaos.isWell { return CellValue("! " + chaosText(chaos), chaos.isRunning ? .warning : .failure, key: .number(4)) }
    if broker.isFenced { return CellValue("✗ fenced", .failure, key: .number(3)) }
    if !broker.isAlive { return CellValue("✗ gone", .failure, key: .number(3)) }
    if let error = broker.disk?.directories.compactMap(\.error).first { return CellValue("✗ disk: " + error, .failure, key: .number(2)) }
    if broker.outOfSyncReplicas > 0 { return CellValue("! catching up", .warning, key: .number(1)) }
    return CellValue("ok", .good, key: .number(0))
}

private func chaosText(_ chaos: ChaosCondition) -> String {
    if !chaos.isRunning { return "killed" }
    var parts: [String] = []
    if chaos.isPaused { parts.append("paused") }
    if !chaos.cutFrom.isEmpty { parts.append("cut off from \(ids(chaos.cutFrom))") }
    if chaos.isDiskFull { parts.append("disk full") }
    if chaos.diskDelayMs > 0 { parts.append("disk slow") }
    return parts.joined(separator: ", ")
}
