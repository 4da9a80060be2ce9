import Grid
import Observatory
import Primitives

// Forms for access rules and quotas.
extension Form {
    static let patterns = ["exactly this name", "names that begin so"]
    static let permissions = ["allow", "deny"]

    /// With the rule on which the selection stands to begin with, so that one like it is quickly made.
    package static func addAccess(like rule: AccessRule?) -> Form {
        func index(_ values: [String], _ value: String?) -> Int { value.flatMap { values.firstIndex(of: $0) } ?? 0 }
        return Form(
            .addAccess, title: "New access rule",
            intro: ["A denial wins over whatever is allowed.", "User:* is everybody; the name * is every name."],
            fields: [
                FormField("principal", "Principal", text: rule?.principal ?? "User:", placeholder: "User:alice"),
                FormField("permission", "Permission", choices: permissions, selected: rule?.isDenied == true ? 1 : 0),
                FormField(
                    "operation", "Operation", choices: AccessRule.operationWords,
                    selected: index(AccessRule.operationWords, rule?.operationText)),
                FormField(
                    "type", "Resource", choices: AccessRule.resourceWords, selected: index(AccessRule.resourceWords, rule?.resourceText)),
                FormField("name", "Name", text: rule.map { $0.isOfCluster ? "" : $0.name } ?? "", placeholder: "not for the cluster"),
                FormField("pattern", "Meant are", choices: patterns, selected: rule?.isPrefixed == true ? 1 : 0),
                FormField("host", "From address", text: rule?.host ?? "*", placeholder: "*"),
            ])
    }

    static let quotaKeys = [
        ("producer_byte_rate", "Produce bytes/s"), ("consumer_byte_rate", "Fetch bytes/s"), ("request_percentage", "Request %"),
        ("controller_mutation_rate", "Mutations/s"), ("connection_creation_rate", "Connections/s"),
    ]

    /// `known`: the quotas of the entity that is changed; nil: of a new one.
    package static func quota(_ known: QuotaSnapshot?) -> Form {
        func name(_ type: String) -> String {
            guard let part = known?.subject.parts.first(where: { $0.type == type }) else { return "" }
            return part.who.name ?? defaultWord
        }
        let who = [("user", "User"), ("client-id", "Client id"), ("ip", "Address")].map { type, label in
            FormField(type, label, text: name(type), placeholder: "none; \(defaultWord) for all without one of their own")
        }
        let values = quotaKeys.map { key, label in
            FormField(key, label, text: known?.values[key].map(quotaText) ?? "", placeholder: "no limit")
        }
        return Form(
            .quota(known), title: known.map { "Quotas of \(quotaSubjectText($0.subject))" } ?? "New quota",
            intro: ["Per broker. Bytes may be typed as 10M; an empty field is no limit."], fields: (known == nil ? who : []) + values)
    }

    /// `can`: the levels that all brokers can; nil: there is none.
    package static func feature(_ row: VersionTable.Row, can: VersionTable.Versions?) -> Form {
        let level = row.finalized ?? 0
        return Form(
            .feature(row.name, level: level), title: "Level of \(row.name)",
            intro: [
                "Now \(level == 0 ? "0: off" : "\(level)"). "
                    + (can.map { "All brokers can \($0.text)." } ?? "There is none that all brokers can."),
                "A broker that cannot the level does not start again.",
            ],
            fields: [FormField("level", "Level", text: "\(max(level, can?.max ?? level))")])
    }

    static let defaultWord = "<default>"

    /// `known`: a user with the login that is changed as its first; nil: a new user.
    package static func user(_ known: ScramUserSnapshot?) -> Form {
        let mechanisms = NewCredential.mechanisms
        let login = known?.credentials.first
        let selected = login.flatMap { mechanisms.firstIndex(of: $0.mechanism) } ?? 0
        let name = known == nil ? [FormField("user", "User", placeholder: "alice")] : []
        return Form(
            .user(known), title: known.map { "Login of \($0.name)" } ?? "New user",
            intro: ["The cluster is told a salted hash, never the password."],
            fields: name + [
                FormField("mechanism", "Mechanism", choices: mechanisms, selected: selected),
                FormField("iterations", "Iterations", text: "\(login?.iterations ?? Int32(NewCredential.iterations.lowerBound))"),
                FormField(hidden: "password", "Password"), FormField(hidden: "again", "Once more"),
            ])
    }
}

extension FormReader {
    static func admin(_ form: Form) throws(ConsoleFailure) -> PlanAction {
        switch form.purpose {
        case .addAccess: return .addAccess([try rule(form)])
        case .quota(let known): return try quota(form, known)
        case .user(let known): return .setCredential(try credential(form, known))
        case .feature(let name, let before):
            guard let level = Int16(trimmed(form["level"])), level >= 0 else { throw ConsoleFailure("Level: a number, 0 for off.") }
            if level == before { throw ConsoleFailure("\(name) is at \(before).") }
            return .setFeature(name, level: level, isDowngrade: level < before)
        default: throw ConsoleFailure("There is nothing to do.")
        }
    }

    private static func credential(_ form: Form, _ known: ScramUserSnapshot?) throws(ConsoleFailure) -> NewCredential {
        let user = known?.name ?? trimmed(form["user"])
        if user.isEmpty { throw ConsoleFailure("User: a name, please.") }
        let iterations = try number(form["iterations"], "Iterations", NewCredential.iterations)
        if form["password"].isEmpty { throw ConsoleFailure("Password: it is empty.") }
        if form["password"] != form["again"] { throw ConsoleFailure("The passwords differ.") }
        return NewCredential(
            user: user, mechanism: form["mechanism"], iterations: iterations, password: form["password"])
    }

    private static func rule(_ form: Form) throws(ConsoleFailure) -> AccessRule {
        do throws(PlanError) {
            return try AccessRule(
                resource: form["type"], name: trimmed(form["name"]), isPrefixed: form["pattern"] == Form.patterns[1],
                principal: trimmed(form["principal"]), host: trimmed(form["host"]), operation: form["operation"],
                isDenied: form["permission"] == Form.permissions[1])
        } catch {
            throw ConsoleFailure(error.message)
        }
    }

    /// What was typed against what is there: only differences are changed.
    private static func quota(_ form: Form, _ known: QuotaSnapshot?) throws(ConsoleFailure) -> PlanAction {
        var subject = known?.subject ?? QuotaSubject([])
        if known == nil {
            for type in ["user", "client-id", "ip"] where !form[type].isEmpty {
                let text = trimmed(form[type])
                subject.parts.append((type, text == Form.defaultWord ? .byDefault : .named(text)))
            }
            if subject.parts.isEmpty { throw ConsoleFailure("Whose? A user, a client id, both, or an address.") }
            if subject.parts.count > 1, subject.parts.contains(where: { $0.type == "ip" }) {
                throw ConsoleFailure("An address has quotas of its own, without a user or client id.")
            }
        }
        var set: [ConfigValue] = []
        var delete: [String] = []
        for (key, label) in Form.quotaKeys {
            let text = trimmed(form[key])
            if text.isEmpty {
                if known?.values[key] != nil { delete.append(key) }
                continue
            }
            let isBytes = key.hasSuffix("byte_rate")
            guard let value = Double(text) ?? (isBytes ? ByteText.parse(text).map(Double.init) : nil), value.isFinite, value >= 0 else {
                throw ConsoleFailure("\(label): a number\(isBytes ? " such as 1000000 or 10M" : "").")
            }
            if known?.values[key] != value { set.append(ConfigValue(key, "\(value)")) }
        }
        if set.isEmpty && delete.isEmpty { throw ConsoleFailure("Nothing would change.") }
        return .alterQuota(subject, set: set, delete: delete)
    }
}
