import Grid
import Observatory
import Primitives

/// Columns of more kinds of brokers than this say nothing any more: then their differences stand in words.
private let kindsMax = 6

/// The features of a cluster: which level holds, which all brokers can, and what is in the way.
func featureRows(_ snapshot: ClusterSnapshot) -> TableModel {
    let table = snapshot.admin.versions
    let kinds = shownKinds(table)
    let columns =
        [Column("FEATURE", min: 16, max: 40), Column("LEVEL", right: true, min: 5), Column("ALL CAN", min: 7, max: 12)]
        + kindColumns(kinds) + [Column("NOTE", min: 12, max: 100, grows: true)]
    let rows = (table?.features ?? []).map { row -> TableRow in
        let level = row.finalized ?? 0
        let unable = table?.unable(row) ?? []
        return TableRow(
            row.name,
            [
                CellValue(row.name), CellValue("\(level)", level == 0 ? .muted : .highlight, key: .number(Int(level))),
                commonCell(table, row),
            ] + kindCells(kinds, row) + [featureNote(table, row, unable, kinds)],
            isFault: !unable.isEmpty || !isAlike(table, row))
    }
    var subject = "none read"
    if let table {
        let known = snapshot.brokers.count
        let brokers = table.brokers.count < known ? "\(table.brokers.count) of \(known) brokers" : "\(known) broker\(plural(known))"
        subject = table.finalizedEpoch < 0 ? brokers : "\(brokers), epoch \(table.finalizedEpoch)"
    }
    return told(
        TableModel(
            title: "Features", subject: subject, columns: columns, rows: rows, emptyLines: ["No broker tells of features."],
            freshness: Freshness(snapshot.admin.versionsSeen)), snapshot)
}

/// The APIs that brokers serve: the versions that a client can count on, and who serves others.
func apiRows(_ snapshot: ClusterSnapshot) -> TableModel {
    let table = snapshot.admin.versions
    let kinds = shownKinds(table)
    let columns =
        [
            Column("KEY", right: true, min: 4), Column("API", min: 16, max: 44), Column("ALL SERVE", min: 9, max: 12),
        ] + kindColumns(kinds) + [Column("NOTE", min: 10, max: 100, grows: true)]
    let rows = (table?.apis ?? []).map { row -> TableRow in
        let key = Int64(row.key ?? -1)
        return TableRow(
            "\(key)", [.count(key), CellValue(row.name), commonCell(table, row)] + kindCells(kinds, row) + [apiNote(table, row, kinds)],
            isFault: !isAlike(table, row))
    }
    let different = rows.count { $0.isFault }
    return told(
        TableModel(
            title: "APIs", subject: different == 0 ? "all brokers alike" : "\(different) not alike", columns: columns, rows: rows,
            emptyLines: ["No broker tells of APIs."], freshness: Freshness(snapshot.admin.versionsSeen)), snapshot)
}

/// One kind alone is what all can, and needs no column.
private func shownKinds(_ table: VersionTable?) -> [[BrokerID]] {
    guard let kinds = table?.kinds, (2...kindsMax).contains(kinds.count) else { return [] }
    return kinds
}

private func kindColumns(_ kinds: [[BrokerID]]) -> [Column] {
    kinds.enumerated().map { index, kind in
        Column("BROKER\(kind.count == 1 ? "" : "S") \(VersionTable.text(kind))", min: 8, max: 24, priority: index + 1)
    }
}

private func kindCells(_ kinds: [[BrokerID]], _ row: VersionTable.Row) -> [CellValue] {
    let texts = kinds.map { row.versions[$0[0]]?.text ?? "none" }
    let isAlike = Set(texts).count < 2
    return texts.map { CellValue($0, $0 == "none" ? .warning : isAlike ? .muted : .row) }
}

private func isAlike(_ table: VersionTable?, _ row: VersionTable.Row) -> Bool { table?.differences(row).isEmpty ?? true }

private func commonCell(_ table: VersionTable?, _ row: VersionTable.Row) -> CellValue {
    guard let common = table?.common(row) else { return CellValue("! none", .warning, key: .number(-1)) }
    return CellValue(common.text, key: .number(Int(common.max)))
}

private func featureNote(_ table: VersionTable?, _ row: VersionTable.Row, _ unable: [BrokerID], _ kinds: [[BrokerID]]) -> CellValue {
    let level = row.finalized ?? 0
    if !unable.isEmpty { return CellValue("✗ \(VersionTable.text(unable)) cannot level \(level)", .failure) }
    let all = table?.common(row)?.max ?? 0
    let newest = row.versions.values.map(\.max).max() ?? 0
    let behind = (table?.brokers ?? []).filter { (row.versions[$0]?.max ?? 0) < newest }
    if !behind.isEmpty {
        // Where it does not stand in columns already.
        let who = kinds.isEmpty ? ": " + (table?.differences(row) ?? []).joined(separator: "; ") : ""
        return CellValue("! \(VersionTable.text(behind)) cannot \(newest)" + who, .warning)
    }
    if level < all { return CellValue(level == 0 ? "off; can be \(all)" : "can go to \(all)", .pending) }
    return CellValue("at its highest", .muted)
}

private func apiNote(_ table: VersionTable?, _ row: VersionTable.Row, _ kinds: [[BrokerID]]) -> CellValue {
    let found = table?.differences(row) ?? []
    guard !found.isEmpty else { return CellValue("", .muted, key: .unknown) }
    return CellValue(kinds.isEmpty ? "! " + found.joined(separator: "; ") : "! differs", .warning)
}

/// Before the first answer there is nothing to say of what there is; where it was refused, why.
private func told(_ model: TableModel, _ snapshot: ClusterSnapshot) -> TableModel {
    guard snapshot.admin.versions == nil else { return model }
    var model = model
    let error = snapshot.admin.versionsSeen.error
    model.emptyLines = error.map { ["Cannot read what the brokers serve.", "", Escape.line($0)] } ?? []
    return model
}
