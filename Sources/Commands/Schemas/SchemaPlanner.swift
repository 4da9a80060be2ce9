import Observatory
import Payloads
import Primitives

/// Makes a plan of a change to a schema registry, and carries it out: what was and will be, what the registry's own rule says of it, the
/// request that does the same, how to take it back; afterwards the registry is asked again. Blocks while the registry is asked.
struct SchemaPlanner: OutsidePlanner {
    let registry: SchemaRegistry

    /// Of a difference so many lines are shown.
    static let linesMax = 200

    func plan(_ change: SchemaChange) throws(SchemaFailure) -> Plan {
        var plan = Plan(action: .schema(change), title: change.title)
        plan.steps = [.schema(change)]
        plan.place = registry.address
        switch change {
        case .register(let subject, let format, let text): try registering(subject, format, text, &plan)
        case .deleteVersion(let subject, let version): try deletingVersion(subject, version, &plan)
        case .deleteSubject(let subject): try deletingSubject(subject, &plan)
        case .setCompatibility(let subject, let level): try setting(subject, level, &plan)
        }
        if !plan.obstacles.isEmpty || plan.rows.isEmpty { plan.steps = [] }
        return plan
    }

    // MARK: Planning

    private func registering(_ subject: String, _ format: String, _ text: String, _ plan: inout Plan) throws(SchemaFailure) {
        guard let kind = SchemaRegistry.Format(rawValue: format) else { throw SchemaFailure("schemas of type \(format) are not known") }
        let versions = try registry.subjects().contains(subject) ? try registry.versions(of: subject).sorted() : []
        let latest = try versions.last.map { (version) throws(SchemaFailure) in try registry.version(version, of: subject) }
        let references = latest.map { $0.entry.format == kind ? $0.entry.references : [] } ?? []
        let entry = SchemaRegistry.Entry(id: nil, format: kind, text: text, references: references)
        plan.columns = ["CHANGE"]
        let before = latest.map { SchemaCommands.lines($0.entry) } ?? []
        plan.rows = SchemaPlanner.changes(LineDiff.lines(before, SchemaCommands.lines(entry)))
        plan.touches = [
            latest.map { "version \($0.version) of \(subject) is the latest now; this becomes the next" }
                ?? "a new subject; the registry's rule for new versions will count for it"
        ]
        do throws(SchemaFailure) { _ = try PayloadSchema(entry, references: try registry.references(of: entry)) } catch {
            plan.obstacles.append("It is no \(format) schema: \(error.message).")
            return
        }
        if latest != nil, let known = try registry.known(subject, kind, text, references) {
            plan.rows = []
            plan.touches = ["it is version \(known) of \(subject) already"]
            return
        }
        if let latest, latest.entry.format != kind { plan.warnings.append("The versions before are \(latest.entry.format.rawValue).") }
        if let verdict = try registry.isCompatible(subject, kind, text, references), !verdict.isCompatible {
            let level = try registry.compatibility(of: subject).level
            plan.obstacles.append("It is not compatible as \(level) demands it of \(subject).")
            plan.obstacles += verdict.reasons.prefix(5)
        }
        // Which number it gets is known when it is done.
        plan.inverse = .none("")
        plan.kafkaCommand = curl("POST", "/subjects/\(subject)/versions", "@schema.json")
    }

    private func deletingVersion(_ subject: String, _ version: Int, _ plan: inout Plan) throws(SchemaFailure) {
        let versions = try registry.versions(of: subject).sorted()
        guard versions.contains(version) else { throw SchemaFailure("\(subject) has no version \(version)") }
        let entry = try registry.version(version, of: subject).entry
        plan.columns = ["SUBJECT", "VERSION", "ID", "BEFORE", "AFTER"]
        plan.rows = [Plan.Row([subject, "\(version)", entry.id.map { "\($0)" } ?? "-", "registered", "deleted"])]
        plan.touches = ["\(versions.count - 1) of \(versions.count) versions stay", "messages that name its id can still be read by it"]
        if versions == [version] { plan.warnings.append("It is the only one: the subject goes with it.") }
        plan.inverse = .action(.schema(.register(subject: subject, format: entry.format.rawValue, text: entry.text)))
        plan.kafkaCommand = curl("DELETE", "/subjects/\(subject)/versions/\(version)")
    }

    private func deletingSubject(_ subject: String, _ plan: inout Plan) throws(SchemaFailure) {
        let versions = try registry.versions(of: subject).sorted()
        plan.columns = ["SUBJECT", "VERSION", "ID", "BEFORE", "AFTER"]
        var last: SchemaRegistry.Entry?
        for version in versions.suffix(50) {
            let entry = try registry.version(version, of: subject).entry
            last = entry
            plan.rows.append(Plan.Row([subject, "\(version)", entry.id.map { "\($0)" } ?? "-", "registered", "deleted"]))
        }
        plan.touches = [
            "\(versions.count) version\(versions.count == 1 ? "" : "s")", "messages that name their ids can still be read by them",
            "producers that register their schemas on their own begin the subject anew",
        ]
        plan.confirmation = .typedName(subject)
        if versions.count == 1, let last {
            plan.inverse = .action(.schema(.register(subject: subject, format: last.format.rawValue, text: last.text)))
        } else {
            plan.inverse = .none("Its versions would have to be registered one by one.")
        }
        plan.kafkaCommand = curl("DELETE", "/subjects/\(subject)")
    }

    private func setting(_ subject: String, _ level: String?, _ plan: inout Plan) throws(SchemaFailure) {
        guard try registry.subjects().contains(subject) else { throw SchemaFailure("there is no subject \(subject)") }
        let before = try registry.compatibility(of: subject)
        plan.columns = ["SUBJECT", "BEFORE", "AFTER"]
        func word(_ level: String, _ isOwn: Bool) -> String { isOwn ? level : "\(level) (the registry's)" }
        plan.kafkaCommand =
            level.map { curl("PUT", "/config/\(subject)", "{\"compatibility\":\"\($0)\"}") } ?? curl("DELETE", "/config/\(subject)")
        plan.inverse = .action(.schema(.setCompatibility(subject: subject, level: before.isOwn ? before.level : nil)))
        if before.isOwn ? before.level == level : level == nil { return }
        plan.rows = [Plan.Row([subject, word(before.level, before.isOwn), level ?? "the registry's"])]
        plan.touches = ["versions from now on; those that are there stay as they are"]
        if level == "NONE" { plan.warnings.append("NONE lets anything through, also what its readers cannot read.") }
    }

    /// What differs, with two lines about it.
    private static func changes(_ lines: [String]) -> [Plan.Row] {
        let isChanged = lines.map { !$0.hasPrefix(" ") }
        var out: [Plan.Row] = []
        var skipped = false
        for (index, line) in lines.enumerated() {
            let near = max(0, index - 2)...min(lines.count - 1, index + 2)
            guard near.contains(where: { isChanged[$0] }) else {
                skipped = true
                continue
            }
            if skipped, !out.isEmpty { out.append(Plan.Row(["…"], isChange: false)) }
            skipped = false
            out.append(Plan.Row([line], isChange: isChanged[index]))
            if out.count >= linesMax { return out + [Plan.Row(["… and more"], isChange: false)] }
        }
        return out
    }

    private func curl(_ method: String, _ path: String, _ body: String? = nil) -> String {
        let base = registry.address.isEmpty ? "$REGISTRY" : registry.address
        let data = body.map { " -H 'Content-Type: application/vnd.schemaregistry.v1+json' -d '\($0)'" } ?? ""
        return "curl -X \(method) '\(base)\(path)'\(data)"
    }

    // MARK: Doing

    /// Does it, and asks the registry what it has now.
    func run(_ plan: Plan, gate: ChangeGate, now: Instant) -> PlanOutcome {
        guard case .schema(let change) = plan.action, plan.isRunnable else {
            return PlanOutcome(title: plan.title, verdict: .failed, lines: plan.obstacles)
        }
        if let objection = gate.objection(at: now) { return PlanOutcome(title: plan.title, verdict: .failed, lines: [objection]) }
        var outcome = PlanOutcome(title: plan.title, verdict: .done, lines: [])
        if case .action(let undo) = plan.inverse { outcome.undo = undo }
        do throws(SchemaFailure) {
            let (line, difference) = try carryOut(change, &outcome.undo)
            outcome.lines = [line]
            if let difference { (outcome.verdict, outcome.lines) = (.doneButDiffers, [difference]) }
        } catch {
            return PlanOutcome(title: plan.title, verdict: .failed, lines: ["\(error.message)."])
        }
        return outcome
    }

    /// What was done, and where the registry then shows something else, what that is.
    private func carryOut(_ change: SchemaChange, _ undo: inout PlanAction?) throws(SchemaFailure) -> (String, String?) {
        switch change {
        case .register(let subject, let format, let text):
            guard let kind = SchemaRegistry.Format(rawValue: format) else { throw SchemaFailure("schemas of type \(format) are not known") }
            var references: [SchemaRegistry.Reference] = []
            if try registry.subjects().contains(subject), let latest = try registry.versions(of: subject).max() {
                let entry = try registry.version(latest, of: subject).entry
                if entry.format == kind { references = entry.references }
            }
            let id = try registry.register(subject, kind, text, references)
            guard let version = try registry.known(subject, kind, text, references) else {
                return ("", "the registry gave it id \(id), and does not know it")
            }
            undo = .schema(.deleteVersion(subject: subject, version: version))
            return ("Version \(version) of \(subject), id \(id).", nil)
        case .deleteVersion(let subject, let version):
            try registry.delete(version, of: subject)
            let left = try registry.subjects().contains(subject) ? try registry.versions(of: subject) : []
            let isThere = left.contains(version)
            return ("Deleted version \(version) of \(subject).", isThere ? "version \(version) is still there" : nil)
        case .deleteSubject(let subject):
            try registry.delete(subject)
            return ("Deleted \(subject).", try registry.subjects().contains(subject) ? "\(subject) is still there" : nil)
        case .setCompatibility(let subject, let level):
            try registry.setCompatibility(level, of: subject)
            let now = try registry.compatibility(of: subject)
            let isDone = level.map { now.isOwn && now.level == $0 } ?? !now.isOwn
            return ("\(subject): \(now.level)\(now.isOwn ? "" : ", the registry's").", isDone ? nil : "it is \(now.level) now")
        }
    }
}
