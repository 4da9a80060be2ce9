import Observatory
import Primitives
import Settings
import Wire

/// A cluster as somebody wants it, written down: topics, and where they are named, quotas and access rules. Pure: text in, text out.
///
///     cluster: MkU3OEVBNTcwNTJENDM2Qg      # nothing is applied to another one
///     topics:
///       orders:
///         partitions: 6
///         replication-factor: 3
///         configs: {retention.ms: 86400000, cleanup.policy: delete}
///     quotas:
///       - {user: alice, limits: {producer_byte_rate: 1048576}}
///     acls:
///       - {principal: "User:alice", resource: topic, name: orders, operation: read}
///
/// What a topic's entry leaves out is left as it is. A part that is not there says nothing; one that is there and empty says that there
/// is to be nothing, which only `--prune` carries out.
struct Manifest: Equatable {
    struct Topic: Equatable {
        var line: Int
        var partitions: Int?
        var replicationFactor: Int?
        var configs = OrderedMap<String, String>()
    }
    struct Quota: Equatable {
        var line: Int
        var subject: QuotaSubject
        var limits = OrderedMap<String, String>()
    }
    struct Rule: Equatable {
        var line: Int
        var rule: AccessRule
    }

    /// The id of the cluster that it is of; nil: of any.
    var cluster: String?
    var topics = OrderedMap<String, Topic>()
    /// Nil: it says nothing of them.
    var quotas: [Quota]?
    var rules: [Rule]?

    init() {}

    // MARK: Reading

    init(_ text: String) throws(YAML.Failure) {
        let tree = try YAML.parse(text)
        for entry in try tree.entries(of: "the file", only: ["cluster", "topics", "quotas", "acls"]) {
            switch entry.key {
            case "cluster": cluster = try entry.value.wantedText("cluster")
            case "topics": for topic in try entry.value.entries(of: "topics") { topics[topic.key] = try Manifest.topic(topic) }
            case "quotas": quotas = try Manifest.list(entry) { (node) throws(YAML.Failure) in try Manifest.quota(node) }
            default: rules = try Manifest.list(entry) { (node) throws(YAML.Failure) in try Manifest.rule(node) }
            }
        }
        guard tree["topics"] != nil || quotas != nil || rules != nil else {
            throw YAML.Failure(line: tree.line, "neither topics nor quotas nor acls: this is no manifest")
        }
    }

    private static func list<Item>(
        _ entry: YAML.Entry, _ read: (YAML) throws(YAML.Failure) -> Item
    ) throws(YAML.Failure) -> [Item] {
        if entry.value.isNull { return [] }
        guard let nodes = entry.value.list else { throw YAML.Failure(line: entry.line, "\(entry.key) is to be a list") }
        var items: [Item] = []
        for node in nodes { items.append(try read(node)) }
        return items
    }

    private static func topic(_ entry: YAML.Entry) throws(YAML.Failure) -> Topic {
        var topic = Topic(line: entry.line)
        for part in try entry.value.entries(of: "topic \(entry.key)", only: ["partitions", "replication-factor", "configs"]) {
            switch part.key {
            case "partitions": topic.partitions = try number(part, 1...Int(Int32.max))
            case "replication-factor": topic.replicationFactor = try number(part, 1...Int(Int16.max))
            default:
                for config in try part.value.entries(of: "configs") {
                    topic.configs[config.key] = config.value.isNull ? "" : try config.value.wantedText(config.key)
                }
            }
        }
        return topic
    }

    private static func number(_ entry: YAML.Entry, _ range: ClosedRange<Int>) throws(YAML.Failure) -> Int {
        guard let number = entry.value.text.flatMap({ Int($0) }), range.contains(number) else {
            throw YAML.Failure(line: entry.line, "\(entry.key) is to be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static let subjects = ["user", "client-id", "ip"]

    private static func quota(_ node: YAML) throws(YAML.Failure) -> Quota {
        _ = try node.entries(of: "a quota", only: subjects + ["limits"])
        var parts: [(type: String, who: QuotaSubject.Who)] = []
        for type in subjects {
            guard let name = try node[type]?.wantedText(type) else { continue }
            parts.append((type, name == "<default>" ? .byDefault : .named(name)))
        }
        guard !parts.isEmpty else { throw YAML.Failure(line: node.line, "a quota wants user, client-id or ip") }
        guard let limits = node["limits"] else { throw YAML.Failure(line: node.line, "a quota wants limits") }
        var quota = Quota(line: node.line, subject: QuotaSubject(parts))
        for limit in try limits.entries(of: "limits") {
            guard let text = limit.value.text, let value = Double(text), value.isFinite else {
                throw YAML.Failure(line: limit.line, "\(limit.key) is to be a number")
            }
            quota.limits[limit.key] = text
        }
        return quota
    }

    private static let ruleKeys = ["principal", "host", "resource", "name", "pattern", "operation", "permission"]

    private static func rule(_ node: YAML) throws(YAML.Failure) -> Rule {
        _ = try node.entries(of: "an access rule", only: ruleKeys)
        func word(_ key: String, _ usual: String?, _ allowed: [String] = []) throws(YAML.Failure) -> String {
            guard let text = try node[key]?.wantedText(key) ?? usual else {
                throw YAML.Failure(line: node.line, "an access rule wants \(key)")
            }
            if !allowed.isEmpty, !allowed.contains(text.lowercased()) {
                throw YAML.Failure(line: node[key]?.line ?? node.line, "\(key) is to be one of \(allowed.joined(separator: ", "))")
            }
            return text
        }
        let resource = try word("resource", nil, AccessRule.resourceWords).lowercased()
        let pattern = try word("pattern", "literal", ["literal", "prefixed"]).lowercased()
        let permission = try word("permission", "allow", ["allow", "deny"]).lowercased()
        let operation = try word("operation", nil, AccessRule.operationWords).lowercased()
        let (name, principal, host) = (try word("name", ""), try word("principal", ""), try word("host", "*"))
        do throws(PlanError) {
            let rule = try AccessRule(
                resource: resource, name: name, isPrefixed: pattern == "prefixed", principal: principal, host: host, operation: operation,
                isDenied: permission == "deny")
            return Rule(line: node.line, rule: rule)
        } catch {
            throw YAML.Failure(line: node.line, error.message)
        }
    }

    // MARK: Writing

    /// As a file that `init` reads back; what the cluster has.
    var text: String {
        var out = cluster.map { "cluster: \(Manifest.word($0))\n" } ?? ""
        out += topics.isEmpty ? "topics: {}\n" : "topics:\n"
        for (name, topic) in topics {
            out += "  \(Manifest.word(name)):\n"
            if let partitions = topic.partitions { out += "    partitions: \(partitions)\n" }
            if let factor = topic.replicationFactor { out += "    replication-factor: \(factor)\n" }
            if !topic.configs.isEmpty { out += "    configs:\n" }
            for (key, value) in topic.configs { out += "      \(Manifest.word(key)): \(Manifest.word(value))\n" }
        }
        if let quotas {
            out += quotas.isEmpty ? "quotas: []\n" : "quotas:\n"
            for quota in quotas {
                let whose = quota.subject.parts.map { "\($0.type): \(Manifest.word($0.who.name ?? "<default>"))" }
                let limits = quota.limits.map { "\(Manifest.word($0.key)): \($0.value)" }.joined(separator: ", ")
                out += "  - {\(whose.joined(separator: ", ")), limits: {\(limits)}}\n"
            }
        }
        if let rules {
            out += rules.isEmpty ? "acls: []\n" : "acls:\n"
            for rule in rules.map(\.rule) {
                var parts = [
                    ("principal", rule.principal), ("host", rule.host), ("resource", rule.resourceText), ("name", rule.name),
                    ("operation", rule.operationText), ("permission", rule.permission.lowercased()),
                ]
                if rule.isPrefixed { parts.append(("pattern", "prefixed")) }
                out += "  - {" + parts.map { "\($0.0): \(Manifest.word($0.1))" }.joined(separator: ", ") + "}\n"
            }
        }
        return out
    }

    /// Plain where nobody could take it for anything else.
    private static func word(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [0x2e, 0x5f, 0x2d].contains(byte)
        }
        let isWord = ["", "null", "true", "false", "yes", "no", "on", "off"].contains(text.lowercased())
        return isPlain && !isWord && !text.hasPrefix("-") && !text.hasPrefix(".") ? text : ContextFile.quoted(text)
    }
}
