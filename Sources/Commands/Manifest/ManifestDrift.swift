import Observatory
import Primitives

/// What is in a cluster, as far as a manifest can speak of it.
struct ClusterState: Equatable {
    var settings: ClusterSettings
    /// Nil where they were not asked for.
    var quotas: [(subject: QuotaSubject, limits: OrderedMap<String, Double>)]?
    var rules: [AccessRule]?

    static func == (a: ClusterState, b: ClusterState) -> Bool {
        a.settings == b.settings && a.rules == b.rules && a.quotas?.map(\.subject) == b.quotas?.map(\.subject)
            && a.quotas?.map(\.limits) == b.quotas?.map(\.limits)
    }
}

/// In what a cluster is not as its manifest says, and what has to be done about it. Pure.
struct ManifestDrift: Equatable {
    /// One thing that differs. Nil: it is not there.
    struct Difference: Equatable {
        /// "topic orders", "quota of user-principal 'alice'".
        var subject: String
        var setting: String
        var cluster: String?
        var file: String?
        /// Of the file; 0 where it says nothing of it.
        var line: Int
    }
    struct Step: Equatable {
        var action: PlanAction
        var line: Int
        /// The topic that it is about.
        var topic: String?
    }
    /// Something that Kafka cannot do.
    struct Refusal: Equatable {
        var line: Int
        var reason: String
    }

    private(set) var differences: [Difference] = []
    private(set) var steps: [Step] = []
    private(set) var refusals: [Refusal] = []
    private let prunes: Bool

    /// `prunes`: what the file does not name is to go.
    init(_ manifest: Manifest, _ state: ClusterState, prunes: Bool) {
        self.prunes = prunes
        for (name, wanted) in manifest.topics {
            if let topic = state.settings.topics[name] { compare(name, wanted, topic) } else { create(name, wanted) }
        }
        if let quotas = manifest.quotas { compare(quotas, state.quotas ?? []) }
        if let rules = manifest.rules { compare(rules, state.rules ?? []) }
        guard prunes else { return }
        // What begins with an underscore belongs to some program, by custom: a schema registry, a connector.
        for (name, topic) in state.settings.topics where manifest.topics[name] == nil && !name.hasPrefix("_") {
            let text = "\(topic.partitions) × \(topic.replicationFactor)"
            differences.append(Difference(subject: "topic \(name)", setting: "topic", cluster: text, file: nil, line: 0))
            steps.append(Step(action: .deleteTopic(name), line: 0, topic: name))
        }
    }

    // MARK: Topics

    private mutating func create(_ name: String, _ wanted: Manifest.Topic) {
        let size = (wanted.partitions.map(String.init) ?? "default") + " × " + (wanted.replicationFactor.map(String.init) ?? "default")
        differences.append(Difference(subject: "topic \(name)", setting: "topic", cluster: nil, file: size, line: wanted.line))
        var topic = NewTopic(name: name)
        topic.partitions = wanted.partitions.map { Int32(clamping: $0) }
        topic.replicationFactor = wanted.replicationFactor.map { Int16(clamping: $0) }
        topic.configs = wanted.configs.map { ConfigValue($0.key, $0.value) }
        steps.append(Step(action: .createTopic(topic), line: wanted.line, topic: name))
    }

    private mutating func compare(_ name: String, _ wanted: Manifest.Topic, _ topic: ClusterSettings.Topic) {
        func note(_ setting: String, _ cluster: String?, _ file: String?) -> Difference {
            Difference(subject: "topic \(name)", setting: setting, cluster: cluster, file: file, line: wanted.line)
        }
        if let partitions = wanted.partitions, partitions != topic.partitions {
            differences.append(note("partitions", "\(topic.partitions)", "\(partitions)"))
            if partitions < topic.partitions {
                let reason = "topic \(name) has \(topic.partitions) partitions and is to have \(partitions): Kafka takes none away"
                refusals.append(Refusal(line: wanted.line, reason: reason))
            } else {
                steps.append(Step(action: .addPartitions(topic: name, total: Int32(clamping: partitions)), line: wanted.line, topic: name))
            }
        }
        compareConfigs(name, wanted, topic, note)
        if let factor = wanted.replicationFactor, factor != topic.replicationFactor {
            differences.append(note("replication factor", "\(topic.replicationFactor)", "\(factor)"))
            steps.append(Step(action: .reassign(Reassign(.topics([name]), .factor(factor))), line: wanted.line, topic: name))
        }
    }

    private mutating func compareConfigs(
        _ name: String, _ wanted: Manifest.Topic, _ topic: ClusterSettings.Topic, _ note: (String, String?, String?) -> Difference
    ) {
        var set: [ConfigValue] = []
        for (key, value) in wanted.configs where topic.configs[key]?.text != value {
            let now = topic.configs[key].map { $0.isSet ? $0.text : "\($0.text) (default)" }
            differences.append(note(key, now, value))
            set.append(ConfigValue(key, value))
        }
        var delete: [String] = []
        for (key, value) in topic.configs where prunes && value.isSet && wanted.configs[key] == nil {
            differences.append(note(key, value.text, nil))
            delete.append(key)
        }
        guard !set.isEmpty || !delete.isEmpty else { return }
        steps.append(Step(action: .alterConfig(.topic(name), set: set, delete: delete), line: wanted.line, topic: name))
    }

    // MARK: Quotas and access rules

    private mutating func compare(_ wanted: [Manifest.Quota], _ there: [(subject: QuotaSubject, limits: OrderedMap<String, Double>)]) {
        for quota in wanted {
            let now = there.first { $0.subject == quota.subject }?.limits ?? OrderedMap()
            let set = quota.limits.filter { now[$0.key] != Double($0.value) }.map { ConfigValue($0.key, $0.value) }
            let delete = prunes ? now.keys.filter { quota.limits[$0] == nil } : []
            alter(quota.subject, now, set, delete, quota.line)
        }
        for (subject, limits) in there where prunes && !wanted.contains(where: { $0.subject == subject }) {
            alter(subject, limits, [], limits.keys, 0)
        }
    }

    private mutating func alter(
        _ subject: QuotaSubject, _ now: OrderedMap<String, Double>, _ set: [ConfigValue], _ delete: [String], _ line: Int
    ) {
        guard !set.isEmpty || !delete.isEmpty else { return }
        let name = "quota of \(subject.text)"
        for value in set {
            differences.append(
                Difference(subject: name, setting: value.name, cluster: now[value.name].map { "\($0)" }, file: value.value, line: line))
        }
        for key in delete {
            differences.append(Difference(subject: name, setting: key, cluster: now[key].map { "\($0)" }, file: nil, line: line))
        }
        steps.append(Step(action: .alterQuota(subject, set: set, delete: delete), line: line))
    }

    private mutating func compare(_ wanted: [Manifest.Rule], _ there: [AccessRule]) {
        let missing = wanted.filter { !there.contains($0.rule) }
        for rule in missing {
            differences.append(
                Difference(
                    subject: "acl of \(rule.rule.principal)", setting: text(rule.rule), cluster: nil, file: "there", line: rule.line))
        }
        if let first = missing.first { steps.append(Step(action: .addAccess(missing.map(\.rule)), line: first.line)) }
        guard prunes else { return }
        let extra = there.filter { rule in !wanted.contains { $0.rule == rule } }
        for rule in extra {
            differences.append(
                Difference(subject: "acl of \(rule.principal)", setting: text(rule), cluster: "there", file: nil, line: 0))
        }
        if !extra.isEmpty { steps.append(Step(action: .removeAccess(extra), line: 0)) }
    }

    private func text(_ rule: AccessRule) -> String {
        let name = rule.isOfCluster ? "" : " \(rule.name)\(rule.isPrefixed ? "*" : "")"
        let host = rule.host == "*" ? "" : " from \(rule.host)"
        return "\(rule.permission.lowercased()) \(rule.operationText) of \(rule.resourceText)\(name)\(host)"
    }
}
