import Grid
import Observatory
import Primitives

/// The members of a group of KIP-848: beside what each has stands what it is to have, and the epoch that it has reached.
func epochMemberRows(_ snapshot: ClusterSnapshot, _ group: GroupSnapshot) -> TableModel {
    let columns = [
        Column("CLIENT", min: 10, max: 40, grows: true), Column("STATE", min: 11, max: 16),
        Column("EPOCH", right: true, min: 5), Column("PARTS", right: true, min: 5, priority: 1),
        Column("LAG", right: true, min: 6, priority: 2), Column("ASSIGNMENT", min: 12, max: 60, priority: 1),
        Column("TARGET", min: 12, max: 60, priority: 1), Column("HOST", min: 9, max: 40, priority: 4),
        Column("SUBSCRIBES", min: 10, max: 40, priority: 5), Column("INSTANCE", min: 8, max: 30, priority: 3),
        Column("MEMBER", min: 12, max: 60, priority: 6),
    ]
    let rows = group.members.map { member -> TableRow in
        let owned = group.partitions.filter { $0.member == member.id }
        let lag = owned.isEmpty ? nil : owned.reduce(Int64(0)) { $0 + ($1.lag ?? 0) }
        let isThere = member.isReconciled(to: group.assignmentEpoch)
        return TableRow(
            member.id,
            [
                CellValue(member.clientID), memberState(member, isThere),
                .count(member.memberEpoch.map(Int64.init), isThere ? .row : .pending),
                .count(member.assignment.count, member.assignment.isEmpty ? .warning : .row), lagCell(lag),
                CellValue(assignmentText(member.assignment)),
                member.targetAssignment == member.assignment
                    ? CellValue("the same", .muted) : CellValue(assignmentText(member.targetAssignment), .pending),
                CellValue(hostText(member.host)), CellValue(member.subscription.joined(separator: ",")),
                member.instanceID.map { CellValue($0) } ?? .unknown, CellValue(member.id, .muted),
            ],
            isFault: !isThere || member.assignment.isEmpty)
    }
    return TableModel(
        title: "Members", subject: "\(group.id), \(epochText(group))", columns: columns, rows: rows,
        emptyLines: ["No members: nobody reads with this group now.", "", "s  resets its offsets, which needs an empty group"],
        freshness: Freshness(time: group.observation.time, error: group.observation.error))
}

private func memberState(_ member: MemberSnapshot, _ isThere: Bool) -> CellValue {
    // The epoch of a static member that means to come back.
    if member.memberEpoch == -2 { return CellValue("away", .warning, key: .number(2)) }
    if !isThere { return CellValue("~ reconciling", .pending, key: .number(1)) }
    return CellValue(member.isClassic ? "stable, classic" : "stable", .good, key: .number(0))
}

/// `epoch 7`, or `epoch 7, assigned 6` while a target is to be computed; empty where the group has none.
func epochText(_ group: GroupSnapshot) -> String {
    guard let epoch = group.groupEpoch else { return "" }
    guard let assigned = group.assignmentEpoch, assigned != epoch else { return "epoch \(epoch)" }
    return "epoch \(epoch), assigned \(assigned)"
}
