import Primitives
import Wire

// Plans about who may do what, and how much.
extension PlanTables {
    private static let accessColumns = ["RESOURCE", "NAME", "PATTERN", "PRINCIPAL", "HOST", "OPERATION", "PERMISSION", "CHANGE"]

    private static func row(_ rule: AccessRule, _ change: String, isChange: Bool = true) -> Plan.Row {
        Plan.Row(
            [rule.type.text, rule.name, rule.pattern, rule.principal, rule.host, rule.operation.text, rule.permission, change],
            isChange: isChange)
    }

    static func addAccess(_ rules: [AccessRule], _ facts: PlanFacts) -> Plan {
        var plan = Plan(action: .addAccess(rules), title: "Create \(count(rules.count, "access rule"))")
        plan.columns = accessColumns
        let new = rules.filter { !facts.access.contains($0) }
        plan.rows = rules.map { new.contains($0) ? row($0, "create") : row($0, "exists already", isChange: false) }
        if new.isEmpty { plan.obstacles.append("Nothing would change.") }
        for rule in new where !facts.access.contains(where: { $0.type == rule.type && $0.name == rule.name }) && !rule.isDenied {
            plan.warnings.append(
                "Nothing was said of \(rule.type.text) \(rule.name) before: where brokers allow everyone what no rule mentions, "
                    + "others lose it.")
            break
        }
        plan.touches = new.map(\.principal).uniqued()
        plan.inverse = .action(.removeAccess(new))
        plan.steps = [.addAccess(new)]
        return plan
    }

    static func removeAccess(_ rules: [AccessRule], _ facts: PlanFacts) -> Plan {
        var plan = Plan(action: .removeAccess(rules), title: "Remove \(count(rules.count, "access rule"))")
        plan.columns = accessColumns
        let present = rules.filter(facts.access.contains)
        plan.rows = rules.map { present.contains($0) ? row($0, "remove") : row($0, "is not there", isChange: false) }
        if present.isEmpty { plan.obstacles.append("Nothing would change.") }
        if present.contains(where: \.isDenied) { plan.warnings.append("A denial goes: what it held back may be allowed by another rule.") }
        plan.touches = present.map(\.principal).uniqued()
        plan.inverse = .action(.addAccess(present))
        plan.steps = [.removeAccess(present)]
        return plan
    }

    static func alterQuota(_ subject: QuotaSubject, _ set: [ConfigValue], _ delete: [String], _ facts: PlanFacts) -> Plan {
        var plan = Plan(action: .alterQuota(subject, set: set, delete: delete), title: "Change quotas of \(subject.text)")
        plan.columns = ["QUOTA", "BEFORE", "AFTER"]
        var undoSet: [ConfigValue] = []
        var undoDelete: [String] = []
        for (name, after) in set.map({ ($0.name, Double($0.value)) }) + delete.map({ ($0, nil) }) {
            let before = facts.quotas[name]
            plan.rows.append(
                Plan.Row([name, before.map { "\($0)" } ?? "-", after.map { "\($0)" } ?? "-"], isChange: before != after))
            if let before { undoSet.append(ConfigValue(name, "\(before)")) } else { undoDelete.append(name) }
        }
        if !plan.rows.contains(where: \.isChange) { plan.obstacles.append("Nothing would change.") }
        plan.touches = [subject.text]
        plan.inverse = .action(.alterQuota(subject, set: undoSet, delete: undoDelete))
        plan.steps = [.alterQuota(subject, set: set, delete: delete)]
        return plan
    }

    static func setFeature(_ name: String, _ level: Int16, isDowngrade: Bool, _ facts: PlanFacts) -> Plan {
        var plan = Plan(
            action: .setFeature(name, level: level, isDowngrade: isDowngrade),
            title: "\(isDowngrade ? "Downgrade" : "Upgrade") \(name) to \(level)")
        plan.columns = ["FEATURE", "BEFORE", "AFTER"]
        let before = facts.features[name] ?? 0
        plan.rows = [Plan.Row([name, "\(before)", "\(level)"], isChange: before != level)]
        if before == level { plan.obstacles.append("Nothing would change.") }
        plan.touches = ["every broker of the cluster"]
        plan.inverse = .action(.setFeature(name, level: before, isDowngrade: before < level))
        plan.steps = [.setFeature(name, level: level, isDowngrade: isDowngrade)]
        return plan
    }
}
