import Grid
import Observatory
import Primitives

/// The table of consumer groups.
func groupRows(_ snapshot: ClusterSnapshot, bootstrap: String) -> TableModel {
    // A type is shown with its whole epoch or not at all.
    let typeWidth = snapshot.groups.values.reduce(7) { max($0, TextWidth.of(groupType($1).text)) }
    let columns = [
        Column("GROUP", min: 18, max: 120, grows: true), Column("STATE", min: 8, max: 24), Column("LAG", right: true, min: 7),
        Column("TIME LAG", right: true, min: 8, priority: 1), Column("VERDICT", min: 9, max: 16),
        Column("TREND", min: 12, max: 12, priority: 4), Column("DRAINED", right: true, min: 7, priority: 3),
        Column("MEMBERS", right: true, min: 7, priority: 2), Column("IN", right: true, min: 6, priority: 6),
        Column("OUT", right: true, min: 6, priority: 5), Column("TOPICS", min: 10, max: 40, priority: 7),
        Column("ASSIGNOR", min: 8, max: 24, priority: 9), Column("TYPE", min: typeWidth, max: 24, priority: 10),
        Column("COORD", right: true, min: 5, priority: 8),
    ]
    let rows = snapshot.groups.values.map { group -> TableRow in
        let state = groupState(group)
        let lag = group.analysis
        return TableRow(
            group.id,
            [
                CellValue(group.id), state, lagCell(group.lag), group.lag == nil ? .unknown : timeLagCell(lag.timeLag),
                group.lag == nil ? .unknown : verdictCell(lag.verdict), lagTrend(group.lags.map(\.lag), width: 12),
                drainCell(lag.drainMs, lag: group.lag, lag.trend), .count(group.members.count, group.members.isEmpty ? .muted : .row),
                .rate(lag.rateIn), .rate(lag.rateOut ?? group.consumeRate),
                group.topics.isEmpty ? .unknown : CellValue(group.topics.joined(separator: ",")),
                group.assignor.isEmpty ? .unknown : CellValue(group.assignor), groupType(group),
                group.coordinator.map { brokerCell($0) } ?? .unknown,
            ],
            isFault: group.error != nil || group.isRebalancing || lag.verdict.isTrouble || (!group.hasMembers && (group.lag ?? 0) > 0),
            target: .group(group.id))
    }
    return TableModel(
        title: "Groups", subject: "consumer", columns: columns, rows: Array(rows),
        emptyLines: ["No consumer groups yet.", "", "A group appears with its first member:", "kcat -b \(bootstrap) -G my-group my-topic"],
        freshness: Freshness(
            time: snapshot.observations.groups.time, error: snapshot.observations.groups.error, sweepMs: snapshot.cost.groupSweepMs))
}

/// `classic`, or `consumer 7` with the group's epoch.
private func groupType(_ group: GroupSnapshot) -> CellValue {
    guard !group.type.isEmpty else { return .unknown }
    return CellValue(group.groupEpoch.map { "\(group.type) \($0)" } ?? group.type)
}

func groupState(_ group: GroupSnapshot) -> CellValue {
    if let error = group.error { return CellValue("✗ " + error, .failure, key: .number(4)) }
    switch group.state {
    case "Stable": return CellValue("Stable", .good, key: .number(0))
    case "Empty": return CellValue("Empty", .finished, key: .number(1))
    case "Dead": return CellValue("Dead", .failure, key: .number(3))
    case "": return .unknown
    default: return CellValue("~ " + group.state, .pending, key: .number(2))
    }
}

func lagCell(_ lag: Int64?) -> CellValue {
    guard let lag else { return .unknown }
    return CellValue(Format.count(lag), lag == 0 ? .muted : .row, key: .number(Double(lag)))
}

/// One group's partitions: committed, end, lag and who owns each.
func groupPartitionRows(_ snapshot: ClusterSnapshot, group id: String) -> TableModel {
    let columns = [
        Column("TOPIC", min: 10, max: 80, grows: true), Column("PART", right: true, min: 4), Column("LAG", right: true, min: 6),
        Column("TIME LAG", right: true, min: 8, priority: 1), Column("TREND", min: 12, max: 12, priority: 3),
        Column("VERDICT", min: 9, max: 30), Column("DRAINED", right: true, min: 7, priority: 5),
        Column("IN", right: true, min: 6, priority: 7), Column("OUT", right: true, min: 6, priority: 6),
        Column("COMMITTED", right: true, min: 9, priority: 4), Column("END", right: true, min: 7, priority: 8),
        Column("CLIENT", min: 10, max: 40, priority: 2), Column("HOST", min: 9, max: 30, priority: 9),
    ]
    guard let group = snapshot.group(id) else {
        return TableModel(
            title: "Partitions", subject: id, columns: columns, rows: [],
            emptyLines: ["Group \(Escape.line(id)) does not exist (any more).", "", "esc  goes back"],
            freshness: Freshness(time: snapshot.observations.groups.time, error: snapshot.observations.groups.error))
    }
    var shown = columns
    // A share group commits nothing: its start offset moves on when all before it is done with (KIP-932).
    if group.isShare, let index = columns.firstIndex(where: { $0.title == "COMMITTED" }) { shown[index].title = "START" }
    let rows = group.partitions.map { groupPartitionRow($0, group) }
    return TableModel(
        title: "Partitions", subject: id, columns: shown, rows: rows,
        emptyLines: [group.isShare ? "Nothing delivered and nothing assigned yet." : "Nothing committed and nothing assigned yet."],
        freshness: Freshness(time: group.offsetsObservation.time, error: group.offsetsObservation.error))
}

private func groupPartitionRow(_ partition: GroupPartitionSnapshot, _ group: GroupSnapshot) -> TableRow {
    let owner = partition.member.flatMap { id in group.members.first { $0.id == id } }
    let readers = group.isShare ? group.members.filter { $0.assignment.contains(partition.partition) } : [owner].compactMap { $0 }
    let lag = partition.analysis
    var verdict = verdictCell(lag.verdict)
    if let error = partition.error {
        verdict = CellValue("✗ " + error, .failure, key: .number(100))
    } else if partition.hasLostData {
        verdict = CellValue("✗ committed before start", .failure, key: .number(99))
    } else if partition.committed == nil {
        verdict = CellValue(group.isShare ? "nothing delivered" : "never committed", .muted, key: .number(-1))
    } else if owner == nil && (partition.lag ?? 0) > 0 && !lag.verdict.isTrouble {
        verdict = CellValue("! nobody reads it", .warning, key: .number(4.5))
    } else if partition.end == nil {
        verdict = .unknown
    }
    return TableRow(
        partition.partition.description,
        [
            CellValue(partition.partition.topic), .count(Int64(partition.partition.partition)), lagCell(partition.lag),
            timeLagCell(lag.timeLag), lagTrend(lag.history, width: 12), verdict, drainCell(lag.drainMs, lag: partition.lag, lag.trend),
            .rate(lag.rateIn), .rate(lag.rateOut), .count(partition.committed?.rawValue), .count(partition.end?.rawValue),
            readers.isEmpty ? .unknown : CellValue(readers.map(\.clientID).joined(separator: ",")),
            readers.isEmpty ? .unknown : CellValue(readers.map { hostText($0.host) }.uniqued().joined(separator: ",")),
        ],
        isFault: verdict.scope == .failure || verdict.scope == .warning, target: .tail(partition.partition.topic))
}

/// One group's members with what is assigned to them.
func memberRows(_ snapshot: ClusterSnapshot, group id: String) -> TableModel {
    let columns = [
        Column("CLIENT", min: 10, max: 40, grows: true), Column("HOST", min: 9, max: 40, priority: 2), Column("PARTS", right: true, min: 5),
        Column("LAG", right: true, min: 6, priority: 1), Column("ASSIGNMENT", min: 14, max: 80, priority: 3),
        Column("INSTANCE", min: 8, max: 30, priority: 5), Column("MEMBER", min: 12, max: 60, priority: 4),
    ]
    let group = snapshot.group(id)
    if let group, group.isConsumerProtocol, group.groupEpoch != nil { return epochMemberRows(snapshot, group) }
    let rows = (group?.members ?? []).map { member -> TableRow in
        let owned = (group?.partitions ?? []).filter { row in
            row.member == member.id || group?.isShare == true && member.assignment.contains(row.partition)
        }
        let lag = owned.isEmpty ? nil : owned.reduce(Int64(0)) { $0 + ($1.lag ?? 0) }
        return TableRow(
            member.id,
            [
                CellValue(member.clientID), CellValue(hostText(member.host)),
                .count(member.assignment.count, member.assignment.isEmpty ? .warning : .row), lagCell(lag),
                CellValue(assignmentText(member.assignment)), member.instanceID.map { CellValue($0) } ?? .unknown,
                CellValue(member.id, .muted),
            ],
            isFault: member.assignment.isEmpty)
    }
    return TableModel(
        title: "Members", subject: id, columns: columns, rows: rows,
        emptyLines: ["No members: nobody reads with this group now.", "", "s  resets its offsets, which needs an empty group"],
        freshness: Freshness(time: group?.observation.time, error: group?.observation.error))
}

/// Kafka writes addresses of clients as `/10.0.0.1`.
func hostText(_ host: String) -> String { host.hasPrefix("/") ? String(host.dropFirst()) : host }

/// `orders:0-3,7 payments:1`: partitions by topic, neighbours joined.
func assignmentText(_ partitions: [TopicPartition]) -> String {
    var out = ""
    var index = 0
    while index < partitions.count {
        let topic = partitions[index].topic
        out += (out.isEmpty ? "" : " ") + topic + ":"
        var first = true
        while index < partitions.count, partitions[index].topic == topic {
            let start = partitions[index].partition
            var end = start
            while index + 1 < partitions.count, partitions[index + 1].topic == topic, partitions[index + 1].partition == end &+ 1 {
                end = end &+ 1
                index += 1
            }
            out += (first ? "" : ",") + (start == end ? "\(start)" : "\(start)-\(end)")
            first = false
            index += 1
        }
    }
    return out.isEmpty ? "nothing" : out
}
