import Grid
import Observatory
import Primitives

/// The configs of a topic or broker.
func configRows(_ snapshot: ClusterSnapshot, _ resource: ConfigResource) -> TableModel {
    let columns = [
        Column("NAME", min: 20, max: 60), Column("VALUE", min: 12, max: 80, grows: true), Column("READS AS", min: 8, max: 16, priority: 3),
        Column("SOURCE", min: 8, max: 24), Column("TYPE", min: 6, max: 12, priority: 4), Column("", min: 9, max: 12, priority: 2),
    ]
    let config = snapshot.configs[resource]
    let rows = (config?.entries ?? []).map { entry -> TableRow in
        let scope: Scope = entry.isOverride ? .highlight : .row
        let value = entry.isSensitive && entry.value == nil ? CellValue("(hidden)", .muted) : CellValue(entry.value ?? "-", scope)
        let flags = entry.isReadOnly ? "read-only" : entry.isSensitive ? "sensitive" : ""
        return TableRow(
            entry.name,
            [
                CellValue(entry.name, scope), value, CellValue(humanValue(entry.name, entry.value), .muted),
                CellValue(sourceWord(entry.source), entry.isOverride ? .highlight : .muted), CellValue(entry.type.lowercased(), .muted),
                CellValue(flags, .muted),
            ],
            isFault: entry.isOverride)
    }
    let observation = config?.observation ?? Observation()
    return TableModel(
        title: "Configs", subject: resource.text, columns: columns, rows: rows,
        emptyLines: observation.time == nil ? ["Reading the configs of \(Escape.line(resource.text))\u{2026}"] : ["No configs."],
        freshness: Freshness(time: observation.time, error: observation.error))
}

/// Where a value was set, in words that fit a column.
func sourceWord(_ source: ConfigSource) -> String {
    switch source {
    case .topic: "this topic"
    case .dynamicBroker: "this broker"
    case .dynamicDefaultBroker: "all brokers"
    case .staticBroker: "properties file"
    case .defaultConfig: "default"
    default: source.name.lowercased()
    }
}

/// `604800000` of a key in milliseconds as `7d`, of one in bytes as `1 GiB`; empty where that adds nothing.
func humanValue(_ name: String, _ value: String?) -> String {
    guard let value, let number = Int64(value) else { return "" }
    if number == .max || number == Int64(Int32.max) && name.hasSuffix("bytes") && number > 2_000_000_000 { return "unlimited" }
    if number == -1, name.hasPrefix("retention") || name.hasPrefix("local.retention") { return "unlimited" }
    if number < 1000 { return "" }
    if name.hasSuffix(".ms") { return Format.duration(milliseconds: number) }
    if name.hasSuffix("bytes") { return Format.bytes(number) }
    return ""
}
