import Observatory
import Primitives
import Wire

// Access rules, quotas and features, from command lines.
extension PlanActions {
    static func access(_ invocation: Invocation) throws(Failure) -> Wanted {
        switch invocation.command {
        case "acls add": return Wanted(action: .addAccess(try newRules(invocation)))
        case "acls remove":
            let selection = try selection(invocation)
            if selection == AccessSelection() {
                throw .usage("acls remove: say which: --topic, --principal, …; all at once is not offered")
            }
            return Wanted(action: .removeAccess([]), selection: selection)
        case "quotas set":
            let subject = try subject(invocation)
            if subject.parts.isEmpty { throw .usage("quotas set: say whose: --user, --client or --ip, or a default") }
            let set = invocation.pairs("--set").map { ConfigValue($0.key, $0.value) }
            return Wanted(action: .alterQuota(subject, set: set, delete: invocation.all("--unset")))
        case "users set": return Wanted(action: .setCredential(try UserPassword.credential(invocation)))
        case "users remove":
            return Wanted(action: .removeCredentials(user: invocation.positionals[0], mechanisms: invocation.all("--mechanism")))
        default:
            let text = invocation.positionals[0]
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let level = Int16(parts[1]), level >= 0 else {
                throw .usage("\"\(text)\" is not of the form NAME=LEVEL")
            }
            return Wanted(
                action: .setFeature(parts[0], level: level, isDowngrade: invocation.command == "features downgrade"))
        }
    }

    /// What the flags say of the rules that are meant.
    static func selection(_ invocation: Invocation) throws(Failure) -> AccessSelection {
        var selection = AccessSelection()
        if let (type, name) = try resources(invocation).first { (selection.type, selection.name) = (type, name) }
        if invocation.isSet("--prefixed") { selection.isPrefixed = true }
        selection.principal = try principal(invocation)
        selection.host = invocation.text("--host")
        selection.operations = try operations(invocation)
        if invocation.isSet("--deny") { selection.isDenied = true }
        return selection
    }

    private static func newRules(_ invocation: Invocation) throws(Failure) -> [Observatory.AccessRule] {
        guard let principal = try principal(invocation) else { throw .usage("acls add needs --principal, such as User:alice") }
        let resources = try resources(invocation)
        if resources.isEmpty { throw .usage("acls add: say what: --topic, --group, --transactional-id or --cluster") }
        let named = try operations(invocation)
        var rules: [Observatory.AccessRule] = []
        for (type, name) in resources {
            let operations = named + needs(type, invocation).filter { !named.contains($0) }
            if operations.isEmpty { throw .usage("acls add: say what of \(type.text): --operation, --producer or --consumer") }
            for operation in operations {
                guard operation == .all || type.operations.contains(operation) else {
                    let possible = (type.operations + [.all]).map(\.text).joined(separator: ", ")
                    throw .usage("--operation: \(type.text) has only \(possible)")
                }
                rules.append(
                    Observatory.AccessRule(
                        type, name, isPrefixed: invocation.isSet("--prefixed") && type != .cluster, principal: principal,
                        host: invocation.text("--host") ?? "*", operation, isDenied: invocation.isSet("--deny")))
            }
        }
        return rules
    }

    /// What a producer or a consumer needs of a resource.
    private static func needs(_ type: ResourceType, _ invocation: Invocation) -> [AccessOperation] {
        var needed: [AccessOperation] = []
        if invocation.isSet("--producer") {
            needed += type == .topic ? [.write, .describe, .create] : type == .transactionalID ? [.write, .describe] : []
        }
        if invocation.isSet("--consumer") { needed += type == .topic ? [.read, .describe] : type == .group ? [.read] : [] }
        return once(needed)
    }

    private static func resources(_ invocation: Invocation) throws(Failure) -> [(ResourceType, String)] {
        var found: [(ResourceType, String)] = []
        for (flag, type) in [("--topic", ResourceType.topic), ("--group", .group), ("--transactional-id", .transactionalID)] {
            if let name = invocation.text(flag) { found.append((type, name)) }
        }
        if invocation.isSet("--cluster") { found.append((.cluster, ResourceType.clusterName)) }
        if invocation.command != "acls add", found.count > 1 { throw .usage("\(invocation.command): name one resource at a time") }
        return found
    }

    private static func principal(_ invocation: Invocation) throws(Failure) -> String? {
        guard let text = invocation.text("--principal") else { return nil }
        guard Principal(text: text) != nil else { throw .usage("--principal: \"\(text)\" is not TYPE:NAME, such as User:alice") }
        return text
    }

    private static func operations(_ invocation: Invocation) throws(Failure) -> [AccessOperation] {
        var found: [AccessOperation] = []
        for text in invocation.all("--operation") {
            let wanted = letters(text)
            guard let operation = AccessOperation.allCases.first(where: { letters($0.text) == wanted }), operation.rawValue > 1 else {
                throw .usage("--operation: \"\(text)\" is no operation")
            }
            found.append(operation)
        }
        return once(found)
    }

    private static func once(_ operations: [AccessOperation]) -> [AccessOperation] {
        AccessOperation.allCases.filter(operations.contains)
    }

    /// `describe-configs`, `DescribeConfigs` and `DESCRIBE_CONFIGS` are one.
    private static func letters(_ text: String) -> String { text.lowercased().filter { $0 != "-" && $0 != "_" } }

    static func subject(_ invocation: Invocation) throws(Failure) -> QuotaSubject {
        var parts: [(type: String, who: QuotaSubject.Who)] = []
        for (flag, type) in [("--user", "user"), ("--client", "client-id"), ("--ip", "ip")] {
            let name = invocation.text(flag)
            if name != nil, invocation.isSet(flag + "-default") { throw .usage("give \(flag) or \(flag)-default, not both") }
            if let name { parts.append((type, .named(name))) }
            if invocation.isSet(flag + "-default") { parts.append((type, .byDefault)) }
        }
        return QuotaSubject(parts)
    }
}
