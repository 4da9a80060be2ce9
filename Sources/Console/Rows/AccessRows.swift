import Grid
import Observatory
import Primitives

/// Access rules: denials stand out, because one wins over whatever is allowed.
func accessRows(_ snapshot: ClusterSnapshot) -> TableModel {
    let columns = [
        Column("PRINCIPAL", min: 14, max: 60), Column("PERMISSION", min: 7, max: 12), Column("OPERATION", min: 8, max: 20),
        Column("RESOURCE", min: 8, max: 20, priority: 1), Column("NAME", min: 14, max: 80, grows: true),
        Column("PATTERN", min: 8, max: 10, priority: 2), Column("HOST", min: 6, max: 40, priority: 3),
    ]
    let rows = snapshot.admin.access.map { rule -> TableRow in
        TableRow(
            rule.identity,
            [
                CellValue(rule.principal), rule.isDenied ? CellValue("✗ deny", .failure) : CellValue("allow", .good),
                CellValue(rule.operationText), CellValue(rule.resourceText, .muted),
                CellValue(rule.name, rule.name == "*" ? .highlight : .row),
                CellValue(rule.isPrefixed ? "prefixed" : "literal", rule.isPrefixed ? .highlight : .muted),
                CellValue(rule.host, rule.host == "*" ? .muted : .row),
            ],
            isFault: rule.isDenied)
    }
    return admin(
        TableModel(
            title: "Access rules", subject: "all", columns: columns, rows: rows,
            emptyLines: [
                "No access rules.", "", "n  makes one. Without a rule that allows it, only super users may,",
                "or everybody where allow.everyone.if.no.acl.found is set.",
            ],
            freshness: Freshness(snapshot.admin.accessSeen)), "the access rules")
}

/// Quotas, one row for each entity.
func quotaRows(_ snapshot: ClusterSnapshot) -> TableModel {
    let columns = [
        Column("WHOSE", min: 20, max: 90, grows: true), Column("PRODUCE/S", right: true, min: 9), Column("FETCH/S", right: true, min: 8),
        Column("REQUEST %", right: true, min: 9, priority: 1), Column("MUTATIONS/S", right: true, min: 11, priority: 2),
        Column("CONNECTIONS/S", right: true, min: 13, priority: 3),
    ]
    let rows = snapshot.admin.quotas.map { quota -> TableRow in
        func bytes(_ key: String) -> CellValue {
            guard let value = quota.values[key] else { return .unknown }
            return CellValue(value.isFinite && abs(value) < 9e18 ? Format.bytes(Int64(value)) : "\(value)", key: .number(value))
        }
        func plain(_ key: String) -> CellValue {
            quota.values[key].map { CellValue(quotaText($0), key: .number($0)) } ?? .unknown
        }
        return TableRow(
            quota.subject.text,
            [
                CellValue(quotaSubjectText(quota.subject)), bytes("producer_byte_rate"), bytes("consumer_byte_rate"),
                plain("request_percentage"), plain("controller_mutation_rate"), plain("connection_creation_rate"),
            ])
    }
    return admin(
        TableModel(
            title: "Quotas", subject: "users, client ids, addresses", columns: columns, rows: rows,
            emptyLines: ["No quotas: everybody may use what there is.", "", "n  sets one"],
            freshness: Freshness(snapshot.admin.quotasSeen)), "the quotas")
}

/// 50.0 as 50.
func quotaText(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
}

/// `user alice, client-id app`, `every user` for a default.
func quotaSubjectText(_ subject: QuotaSubject) -> String {
    subject.parts.map { part in part.who.name.map { "\(part.type) \($0)" } ?? "every \(part.type)" }.joined(separator: ", ")
}

/// Users who log in by SCRAM. What they log in with is nowhere to be seen.
func userRows(_ snapshot: ClusterSnapshot) -> TableModel {
    let columns = [
        Column("USER", min: 16, max: 90, grows: true), Column("LOGS IN BY", min: 16, max: 40),
        Column("ITERATIONS", right: true, min: 10, priority: 1), Column("RULES", right: true, min: 5, priority: 2),
        Column("QUOTAS", right: true, min: 6, priority: 3),
    ]
    let rows = snapshot.admin.users.flatMap { user in
        user.credentials.map { credential -> TableRow in
            let rules = snapshot.admin.access.count { $0.principal == "User:\(user.name)" }
            let quotas = snapshot.admin.quotas.count { $0.subject.parts.contains { $0.type == "user" && $0.who == .named(user.name) } }
            return TableRow(
                "\(user.name)\u{1}\(credential.mechanism)",
                [
                    CellValue(user.name), CellValue(credential.mechanism), .count(Int64(credential.iterations)),
                    snapshot.admin.accessSeen.time == nil ? .unknown : .count(rules),
                    snapshot.admin.quotasSeen.time == nil ? .unknown : .count(quotas),
                ])
        }
    }
    return admin(
        TableModel(
            title: "Users", subject: "SCRAM", columns: columns, rows: rows,
            emptyLines: [
                "Nobody logs in by SCRAM.", "", "kafka-configs.sh --alter --entity-type users --entity-name NAME",
                "--add-config 'SCRAM-SHA-256=[password=…]' makes a user.",
            ],
            freshness: Freshness(snapshot.admin.usersSeen)), "the users")
}

/// Before the first answer there is nothing to say of what there is; where it was refused, why.
private func admin(_ model: TableModel, _ what: String) -> TableModel {
    guard model.freshness.time == nil else { return model }
    var model = model
    model.emptyLines = model.freshness.error.map { ["Cannot read \(what).", "", Escape.line($0)] } ?? ["Reading \(what)\u{2026}"]
    return model
}
