import Grid
import Observatory
import Primitives

/// Partitions on their way, below them those that wait for their batch, and the throttles that nothing needs any more.
func reassignmentRows(_ snapshot: ClusterSnapshot, _ moves: BatchProgress? = nil) -> TableModel {
    let columns = [
        Column("PARTITION", min: 14, max: 80, grows: true), Column("FROM", min: 5, max: 24, priority: 2),
        Column("TO", min: 5, max: 24), Column("DONE", right: true, min: 5), Column("PROGRESS", min: 10, max: 10, priority: 5),
        Column("LEFT", right: true, min: 8), Column("RATE", right: true, min: 9, priority: 1), Column("ETA", right: true, min: 6),
        Column("THROTTLE", right: true, min: 9, priority: 3), Column("STATE", min: 8, max: 44, priority: 4),
    ]
    var rows = snapshot.reassignments.values.map { row($0, snapshot) }
    if let moves { rows += waitingRows(moves, snapshot) }
    // While batches wait, a throttle is not left behind.
    let leftover = moves == nil ? snapshot.leftoverThrottles : (topics: [], brokers: [])
    for name in leftover.topics {
        let topic = snapshot.topic(name)
        let lists = ((topic?.throttledLeaders ?? "") + "," + (topic?.throttledFollowers ?? "")).split(separator: ",")
        rows.append(leftoverRow("left: \(name)", "\(lists.count) replica\(plural(lists.count))", "topic:\(name)"))
    }
    for id in leftover.brokers {
        let rate = snapshot.broker(id)?.throttleRate.map { "\(Format.bytes($0))/s" } ?? "-"
        rows.append(leftoverRow("left: broker \(id)", rate, "broker:\(id)"))
    }
    return TableModel(
        title: "Reassignments", subject: subject(snapshot, moves), columns: columns, rows: Array(rows),
        emptyLines: [
            "Nothing is being reassigned, and no throttle is left behind.", "", "m  on a topic or a partition moves it to other brokers",
            "u  goes on with moves in batches that were not finished",
        ],
        freshness: Freshness(time: snapshot.observations.reassignments.time, error: snapshot.observations.reassignments.error))
}

private func row(_ moving: ReassignmentSnapshot, _ snapshot: ClusterSnapshot) -> TableRow {
    let partition = snapshot.partition(moving.partition)
    let throttle = throttleText(moving, snapshot)
    let arrived = moving.adding.filter { partition?.inSyncReplicas.contains($0) == true }
    let state: CellValue
    if partition?.leader == nil {
        state = CellValue("✗ no leader to copy from", .failure)
    } else if moving.adding.contains(where: { snapshot.broker($0)?.isAlive != true }) {
        state = CellValue("! a new broker is down", .warning)
    } else if arrived.count < moving.adding.count, moving.rate == 0, moving.samples.count > 3 {
        state = CellValue("! not moving", .warning)
    } else {
        state = CellValue(moving.adding.isEmpty ? "removing" : "\(arrived.count) of \(moving.adding.count) in sync", .pending)
    }
    let eta = moving.etaMs.map { CellValue(Format.duration(milliseconds: $0), .row, key: .number(Double($0))) } ?? .unknown
    return TableRow(
        moving.partition.description,
        [
            CellValue(moving.partition.description), CellValue(ids(moving.original)), CellValue(ids(moving.target)),
            moving.progress.map { CellValue(Format.percent($0), .row, key: .number($0)) } ?? .unknown, bar(moving.progress),
            .bytes(moving.bytesLeft), moving.rate.map { CellValue(Format.byteRate($0), .row, key: .number($0)) } ?? .unknown,
            moving.bytesLeft == 0 ? CellValue("-", .muted, key: .number(0)) : eta, throttle, state,
        ],
        isFault: state.scope != .pending, target: .topic(moving.partition.topic))
}

/// What has not begun, of the next batches as much as a table may have.
private func waitingRows(_ moves: BatchProgress, _ snapshot: ClusterSnapshot) -> [TableRow] {
    var out: [TableRow] = []
    let first = moves.batches - moves.waiting.count + 1
    for (index, batch) in moves.waiting.enumerated() {
        let state = moves.isEnding ? "~ stays" : "~ batch \(first + index)"
        for wanted in batch where out.count < waitingMax {
            let blank = CellValue("", .muted, key: .unknown)
            let replicas = snapshot.partition(wanted.partition)?.replicas ?? []
            out.append(
                TableRow(
                    wanted.partition.description,
                    [
                        CellValue(wanted.partition.description, .muted), CellValue(ids(replicas)),
                        CellValue(ids(wanted.replicas ?? [])), blank, blank, blank, blank, blank, blank, CellValue(state, .muted),
                    ], target: .topic(wanted.partition.topic)))
        }
    }
    return out
}

private let waitingMax = 1_000

/// The lowest of the limits of the brokers that take part, where the topic is under them.
private func throttleText(_ moving: ReassignmentSnapshot, _ snapshot: ClusterSnapshot) -> CellValue {
    guard snapshot.topic(moving.partition.topic)?.hasThrottledReplicas == true,
        let rate = moving.replicas.compactMap({ snapshot.broker($0)?.throttleRate }).min()
    else { return CellValue("none", .muted, key: .unknown) }
    return CellValue("\(Format.bytes(rate))/s", .row, key: .number(Double(rate)))
}

private func bar(_ progress: Double?) -> CellValue {
    guard let progress else { return .unknown }
    let filled = Charts.filled(progress, width: 10)
    return CellValue(
        String(repeating: "█", count: filled) + String(repeating: "░", count: 10 - filled), .chart, key: .number(progress))
}

private func leftoverRow(_ what: String, _ throttle: String, _ id: String) -> TableRow {
    let blank = CellValue("", .muted, key: .unknown)
    return TableRow(
        id,
        [
            CellValue(what, .warning, key: .unknown), blank, blank, blank, blank, blank, blank, blank,
            CellValue(throttle, .warning, key: .unknown),
            CellValue("! throttle left behind: X removes it", .warning),
        ], isFault: true)
}

private func subject(_ snapshot: ClusterSnapshot, _ moves: BatchProgress?) -> String {
    guard let moves else { return summary(snapshot) }
    return snapshot.reassignments.isEmpty ? moves.text : "\(moves.text); \(summary(snapshot))"
}

/// "3 moving, 1.2 GiB left, 40 MiB/s, 31s".
private func summary(_ snapshot: ClusterSnapshot) -> String {
    let moving = snapshot.reassignments.values
    guard !moving.isEmpty else { return "none" }
    var parts = ["\(moving.count) moving"]
    var left: Int64 = 0
    for one in moving { left = max(left, left &+ max(0, one.bytesLeft ?? 0)) }
    let rate = moving.reduce(0.0) { $0 + ($1.rate ?? 0) }
    if moving.contains(where: { $0.bytesLeft != nil }) { parts.append("\(Format.bytes(left)) left") }
    if rate > 0 {
        parts.append(Format.byteRate(rate))
        let milliseconds = Double(left) / rate * 1000
        if left > 0, milliseconds < 1e13 { parts.append(Format.duration(milliseconds: Int64(milliseconds))) }
    }
    return parts.joined(separator: ", ")
}

/// The metadata quorum: who votes, who only follows, and how far each one is.
func quorumRows(_ snapshot: ClusterSnapshot, now: Timestamp) -> TableModel {
    let columns = [
        Column("NODE", right: true, min: 4), Column("ROLE", min: 8), Column("LOG END", right: true, min: 8),
        Column("LAG", right: true, min: 5),
        Column("LAST FETCH", right: true, min: 10, priority: 1), Column("CAUGHT UP", right: true, min: 9, priority: 2),
        Column("ADDRESS", min: 10, max: 60, priority: 3, grows: true), Column("DIRECTORY", min: 10, max: 24, priority: 6),
        Column("STATE", min: 6, max: 30),
    ]
    guard let quorum = snapshot.quorum else {
        return TableModel(
            title: "Quorum", subject: "unknown", columns: columns, rows: [],
            emptyLines: [snapshot.observations.quorum.error.map { "The cluster does not tell: \($0)" } ?? "Not read yet."],
            freshness: Freshness(time: snapshot.observations.quorum.time, error: snapshot.observations.quorum.error))
    }
    let rows = (quorum.voters + quorum.observers).map { quorumRow($0, quorum, snapshot, now) }
    return TableModel(
        title: "Quorum",
        subject: "leader \(quorum.leader), epoch \(quorum.quorumEpoch), committed to \(Format.count(quorum.highWatermark.rawValue))",
        columns: columns, rows: rows,
        freshness: Freshness(time: snapshot.observations.quorum.time, error: snapshot.observations.quorum.error))
}

private func quorumRow(_ node: QuorumSnapshot.Node, _ quorum: QuorumSnapshot, _ snapshot: ClusterSnapshot, _ now: Timestamp) -> TableRow {
    let role = quorum.role(of: node.id) ?? "-"
    func ago(_ time: Timestamp?) -> CellValue {
        if role == "leader" { return CellValue("-", .muted, key: .number(-1)) }
        guard let time else { return .unknown }
        let age = max(0, now.milliseconds - time.milliseconds)
        let text = age < 1000 ? "\(age) ms" : Format.duration(milliseconds: age)
        return CellValue(text, age > 5000 ? .warning : .row, key: .number(Double(age)))
    }
    let isLate = role != "leader" && now.milliseconds - (node.lastCaughtUp ?? now).milliseconds > 10_000
    let state: CellValue =
        role == "leader" ? CellValue("leading", .highlight) : isLate ? CellValue("! behind", .warning) : CellValue("following", .good)
    let address = !node.address.isEmpty ? node.address : snapshot.broker(node.id)?.address ?? ""
    return TableRow(
        node.id.description,
        [
            CellValue(node.id.description, .row, key: .number(Double(node.id.rawValue))),
            CellValue(role, role == "leader" ? .highlight : .row),
            .count(node.logEndOffset.rawValue), .count(node.lag, node.lag > 0 ? .pending : .row), ago(node.lastFetch),
            ago(node.lastCaughtUp),
            address.isEmpty ? .unknown : CellValue(address),
            node.directoryID.isZero ? CellValue("static", .muted) : CellValue(node.directoryID.text, .muted), state,
        ],
        isFault: isLate, target: snapshot.broker(node.id) == nil ? nil : .describe(.broker(node.id)))
}
