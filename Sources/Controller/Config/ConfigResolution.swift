import Primitives

/// A setting as DescribeConfigs and CreateTopics tell it.
package struct DescribedConfig: Equatable, Sendable {
    package struct Synonym: Equatable, Sendable {
        package var name: String
        package var value: String?
        package var source: ConfigSource
    }

    package var name: String
    package var value: String?
    package var isReadOnly: Bool
    package var source: ConfigSource
    package var isSensitive: Bool
    /// Whoever has a say, the strongest first.
    package var synonyms: [Synonym]
    /// Nil of a key that is kept for somebody else's plug-in.
    package var type: ConfigType?
    package var documentation: String
}

extension DescribedConfig {
    /// A setting of which nothing is known but its value.
    package init(name: String, value: String, source: ConfigSource) {
        self.init(
            name: name, value: value, isReadOnly: false, source: source, isSensitive: false, synonyms: [], type: nil, documentation: "")
    }
}

/// From which broker key, in which unit, a topic's setting comes when the topic itself says nothing.
package struct ConfigSynonym: Equatable, Sendable {
    package var brokerKey: String
    /// What one of its units is in the topic key's.
    package var factor: Int64

    /// The value in the topic key's unit.
    package func convert(_ text: String) -> String {
        guard factor != 1, let number = Int64(trim(text)) else { return text }
        if number < 0 { return "-1" }
        return String(number.multipliedReportingOverflow(by: factor).overflow ? .max : number * factor)
    }
}

/// Who decides a setting: the topic, this broker's or all brokers' dynamic settings, the file, the default (KIP-226).
package enum ConfigResolution {
    /// Keys of brokers behind a topic's key, the first the strongest.
    package static func synonyms(ofTopicKey key: String) -> [ConfigSynonym] { topicSynonyms[key] ?? [] }

    private static let topicSynonyms: [String: [ConfigSynonym]] = {
        var table: [String: [ConfigSynonym]] = [:]
        for (topic, broker) in renamed { table[topic] = [ConfigSynonym(brokerKey: broker, factor: 1)] }
        for name in same { table[name] = [ConfigSynonym(brokerKey: name, factor: 1)] }
        for (topic, brokers) in ranked { table[topic] = brokers.map { ConfigSynonym(brokerKey: $0.0, factor: $0.1) } }
        return table
    }()

    private static let same = [
        "compression.type", "compression.gzip.level", "compression.lz4.level", "compression.zstd.level", "min.insync.replicas",
        "unclean.leader.election.enable",
    ]
    private static let renamed = [
        ("cleanup.policy", "log.cleanup.policy"), ("delete.retention.ms", "log.cleaner.delete.retention.ms"),
        ("file.delete.delay.ms", "log.segment.delete.delay.ms"), ("flush.messages", "log.flush.interval.messages"),
        ("index.interval.bytes", "log.index.interval.bytes"), ("local.retention.bytes", "log.local.retention.bytes"),
        ("local.retention.ms", "log.local.retention.ms"), ("max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"),
        ("max.message.bytes", "message.max.bytes"), ("message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms"),
        ("message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms"),
        ("message.timestamp.type", "log.message.timestamp.type"),
        ("min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio"), ("min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms"),
        ("preallocate", "log.preallocate"), ("retention.bytes", "log.retention.bytes"), ("segment.bytes", "log.segment.bytes"),
        ("segment.index.bytes", "log.index.size.max.bytes"),
    ]
    private static let ranked: [(String, [(String, Int64)])] = [
        ("flush.ms", [("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)]),
        ("retention.ms", [("log.retention.ms", 1), ("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000)]),
        ("segment.jitter.ms", [("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", 3_600_000)]),
        ("segment.ms", [("log.roll.ms", 1), ("log.roll.hours", 3_600_000)]),
    ]

    /// The value in force for a topic's key, as text, and who decided it.
    package static func topicValue(
        _ definition: ConfigDefinition, overrides: OrderedMap<String, String>, broker: BrokerConfig
    ) -> (text: String, source: ConfigSource) {
        if let own = overrides[definition.name] { return (own, .topic) }
        let synonyms = synonyms(ofTopicKey: definition.name)
        for (settings, source) in layers(broker) {
            for synonym in synonyms {
                if let text = settings[synonym.brokerKey] { return (synonym.convert(text), source) }
            }
        }
        return (definition.defaultText ?? "", .defaultValue)
    }

    /// Who can decide a setting of a broker, the strongest first.
    private static func layers(_ broker: BrokerConfig) -> [(OrderedMap<String, String>, ConfigSource)] {
        [(broker.dynamicBroker, .dynamicBroker), (broker.dynamicDefaults, .dynamicDefaultBroker), (broker.statics, .staticBroker)]
    }

    /// All settings of a topic, as DescribeConfigs tells them.
    package static func describeTopic(overrides: OrderedMap<String, String>, broker: BrokerConfig) -> [DescribedConfig] {
        TopicConfigDefinitions.all.map { definition in
            var synonyms: [DescribedConfig.Synonym] = []
            if let own = overrides[definition.name] {
                synonyms.append(.init(name: definition.name, value: definition.canonical(own), source: .topic))
            }
            if let key = topicSynonyms[definition.name]?.first?.brokerKey { synonyms += brokerSynonyms(key, broker) }
            return DescribedConfig(
                name: definition.name, value: definition.canonical(topicValue(definition, overrides: overrides, broker: broker).text),
                isReadOnly: false, source: synonyms.first?.source ?? .defaultValue, isSensitive: definition.isSensitive,
                synonyms: synonyms, type: definition.type, documentation: definition.documentation)
        }
    }

    /// All settings of a consumer group, which need not exist.
    package static func describeGroup(overrides: OrderedMap<String, String>, broker: BrokerConfig) -> [DescribedConfig] {
        GroupConfigDefinitions.all.map { entry in
            let definition = entry.definition
            var synonyms = entry.brokerKey.map { brokerSynonyms($0, broker) }
                ?? [.init(name: definition.name, value: definition.defaultText, source: .defaultValue)]
            if let own = overrides[definition.name] {
                synonyms.insert(.init(name: definition.name, value: definition.canonical(own), source: .group), at: 0)
            }
            return DescribedConfig(
                name: definition.name, value: synonyms.first?.value, isReadOnly: false, source: synonyms.first?.source ?? .defaultValue,
                isSensitive: false, synonyms: synonyms, type: definition.type, documentation: definition.documentation)
        }
    }

    /// Broker keys of which the first that is set decides.
    private static let families = [
        ["log.roll.ms", "log.roll.hours"], ["log.roll.jitter.ms", "log.roll.jitter.hours"],
        ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    ]

    /// Who has a say in a broker's key, the strongest first. Kafka leaves out what stands before the key's own first word, so a key that
    /// is only the unset sibling of another has none.
    static func brokerSynonyms(_ key: String, _ broker: BrokerConfig) -> [DescribedConfig.Synonym] {
        let family = families.first { $0.contains(key) } ?? [key]
        var found: [DescribedConfig.Synonym] = []
        for (settings, source) in layers(broker) {
            for name in family {
                guard let definition = BrokerConfigDefinitions.find(name), let text = settings[name] else { continue }
                found.append(.init(name: name, value: definition.isSensitive ? nil : definition.canonical(text), source: source))
            }
        }
        for name in family {
            guard let definition = BrokerConfigDefinitions.find(name), let text = definition.defaultText else { continue }
            found.append(.init(name: name, value: definition.isSensitive ? nil : definition.canonical(text), source: .defaultValue))
        }
        return Array(found.drop { $0.name != key })
    }

    /// All settings of this broker.
    package static func describeBroker(_ broker: BrokerConfig) -> [DescribedConfig] {
        let foreign = (Array(broker.dynamicBroker) + Array(broker.dynamicDefaults)).map(\.key)
            .filter { BrokerConfigDefinitions.find($0) == nil }
        return known(broker) + Set(foreign).sorted().map { foreignConfig($0, .dynamicBroker, broker.dynamicBroker[$0]) }
    }

    /// A key nobody here knows: it may be a secret, so its value stays hidden, as in Kafka.
    private static func foreignConfig(_ key: String, _ source: ConfigSource, _ text: String? = nil) -> DescribedConfig {
        // Of one listener's settings it is known what is a secret.
        if let text, let definition = ListenerKey(key)?.definition {
            let value = definition.isSensitive ? nil : definition.canonical(text)
            return DescribedConfig(
                name: key, value: value, isReadOnly: false, source: source, isSensitive: definition.isSensitive,
                synonyms: [.init(name: key, value: value, source: source)], type: definition.type, documentation: definition.documentation)
        }
        return DescribedConfig(
            name: key, value: nil, isReadOnly: false, source: source, isSensitive: true, synonyms: [], type: nil, documentation: "")
    }

    private static func known(_ broker: BrokerConfig) -> [DescribedConfig] {
        BrokerConfigDefinitions.all.map { definition in
            let synonyms = brokerSynonyms(definition.name, broker)
            return DescribedConfig(
                name: definition.name, value: definition.isSensitive ? nil : synonyms.first?.value,
                isReadOnly: definition.updateMode == .readOnly, source: synonyms.first?.source ?? .defaultValue,
                isSensitive: definition.isSensitive, synonyms: synonyms, type: definition.type, documentation: definition.documentation)
        }
    }

    /// The one logger there is, which cannot be changed.
    package static let rootLogger = DescribedConfig(
        name: "root", value: "INFO", isReadOnly: true, source: .brokerLogger, isSensitive: false, synonyms: [], type: nil,
        documentation: "")

    /// What was set for all brokers while running, and nothing else.
    package static func describeBrokerDefaults(_ broker: BrokerConfig) -> [DescribedConfig] {
        broker.dynamicDefaults.map { entry in
            guard let definition = BrokerConfigDefinitions.find(entry.key) else {
                return foreignConfig(entry.key, .dynamicDefaultBroker)
            }
            let value = definition.isSensitive ? nil : definition.canonical(entry.value)
            let synonyms = brokerSynonyms(entry.key, broker).filter { $0.source != .dynamicBroker }
            return DescribedConfig(
                name: entry.key, value: value, isReadOnly: definition.updateMode == .readOnly, source: .dynamicDefaultBroker,
                isSensitive: definition.isSensitive, synonyms: synonyms, type: definition.type, documentation: definition.documentation)
        }
    }
}

extension ConfigDefinition {
    /// `text` as Kafka would print the value after parsing it; what does not parse is left as it is.
    package func canonical(_ text: String) -> String {
        switch try? parse(text) {
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .list(let words): words.joined(separator: ",")
        case .text(let word): word
        case .double, .null, nil: trim(text)
        }
    }
}
