import Grid
import Observatory
import Primitives

/// The connectors of all Connect clusters that are named.
func connectorRows(_ shelf: ConnectShelf, _ snapshot: ClusterSnapshot) -> TableModel {
    var columns = [
        Column("CONNECTOR", min: 14, max: 100, grows: true), Column("STATE", min: 9, max: 13), Column("TASKS", right: true, min: 5),
        Column("FAILED", right: true, min: 6), Column("TYPE", min: 6, max: 6, priority: 1), Column("LAG", right: true, min: 6, priority: 2),
        Column("CLASS", min: 12, max: 40, priority: 3), Column("WORKER", min: 12, max: 40, priority: 4),
    ]
    let hasSeveral = shelf.clusters.count > 1
    if hasSeveral { columns.insert(Column("CONNECT", min: 10, max: 40, priority: 1), at: 1) }
    let rows = shelf.connectors.values.map { connector -> TableRow in
        var cells = [
            CellValue(connector.id.name), partState(connector.state),
            CellValue("\(connector.runningTasks)/\(connector.tasks.count)", key: .number(connector.runningTasks)),
            connector.failedTasks == 0 ? CellValue("0", .muted, key: .number(0)) : .count(connector.failedTasks, .failure),
            connector.type.isEmpty ? .unknown : CellValue(connector.type), lagOfSink(connector, snapshot),
            connector.shortClass.isEmpty ? .unknown : CellValue(connector.shortClass),
            connector.worker.isEmpty ? .unknown : CellValue(connector.worker, .muted),
        ]
        if hasSeveral { cells.insert(CellValue(connector.id.cluster, .muted), at: 1) }
        return TableRow(connectorRowID(connector.id), cells, isFault: connector.hasFailed, target: .connector(connector.id))
    }
    let empty =
        shelf.hasConnect
        ? shelf.seen.time == nil && shelf.problems.isEmpty ? ["Asking Connect."] : ["No connectors yet.", "", "n  creates one."]
        : [
            "No Kafka Connect is named for this cluster.", "", "--connect URL names one, or connect.url in the client's file",
            "or in the context; several with commas between.",
        ]
    return TableModel(
        title: "Connectors", subject: shelf.clusters.isEmpty ? "Kafka Connect" : shelf.clusters.joined(separator: ", "), columns: columns,
        rows: rows, emptyLines: shelf.problems.isEmpty ? empty : shelf.problems.values, freshness: Freshness(shelf.seen))
}

/// Stays the same for the same connector.
func connectorRowID(_ id: ConnectorName) -> String { "\(id.name)\u{1}\(id.cluster)" }

/// A word, and before it a sign where it is not well: colour says it again.
func partState(_ state: String) -> CellValue {
    switch state {
    case "RUNNING": CellValue("running", .good, key: .number(0))
    case "PAUSED": CellValue("~ paused", .pending, key: .number(2))
    case "STOPPED": CellValue("~ stopped", .pending, key: .number(3))
    case "FAILED": CellValue("✗ failed", .failure, key: .number(5))
    case "UNASSIGNED": CellValue("! unassigned", .warning, key: .number(4))
    case "RESTARTING": CellValue("~ restarting", .pending, key: .number(1))
    case "": .unknown
    default: CellValue(state, key: .number(4))
    }
}

private func lagOfSink(_ connector: ConnectorSnapshot, _ snapshot: ClusterSnapshot) -> CellValue {
    guard let name = connector.group, let group = snapshot.group(name) else { return .unknown }
    return lagCell(group.lag)
}

/// One connector's tasks.
func connectorTaskRows(_ shelf: ConnectShelf, _ id: ConnectorName) -> TableModel {
    let columns = [
        Column("TASK", right: true, min: 4), Column("STATE", min: 9, max: 13), Column("WORKER", min: 14, max: 50, priority: 1),
        Column("FAILURE", min: 14, max: 200, grows: true),
    ]
    let connector = shelf.connectors[id]
    func failure(_ trace: String?) -> CellValue {
        trace.map { CellValue($0.split(separator: "\n").first.map(String.init) ?? "", .failure) } ?? CellValue("-", .muted)
    }
    var rows = (connector?.tasks ?? []).map { task -> TableRow in
        TableRow(
            String(task.id),
            [.count(task.id), partState(task.state), CellValue(task.worker, .muted), failure(task.trace)],
            isFault: task.state == "FAILED", target: .describe(.connector(id, task: task.id)))
    }
    if let connector, connector.state == "FAILED" {
        // The connector's own part has failed: that is what there is to see.
        let cells = [
            CellValue("-", .muted, key: .number(-1)), partState(connector.state), CellValue(connector.worker, .muted),
            failure(connector.trace),
        ]
        rows.insert(TableRow("connector", cells, isFault: true, target: .describe(.connector(id, task: nil))), at: 0)
    }
    let state = connector.map { partState($0.state).text } ?? "gone"
    return TableModel(
        title: "Connector", subject: "\(id.name), \(state)", columns: columns, rows: rows,
        emptyLines: connector == nil
            ? [
                shelf.seen.time == nil ? "Asking Connect." : "Connector \(Escape.line(id.name)) does not exist (any more).", "",
                "esc  goes back",
            ]
            : ["It has no tasks now.", "", connector?.state == "STOPPED" ? "u  resumes it" : "d  shows its config"],
        freshness: Freshness(shelf.seen))
}
