import Controller
import Primitives
import Testing

/// Single settings: what is accepted, what is said of what is not, and that all agrees with Apache Kafka 4.3.1.
@Suite struct ConfigTests {
    @Test(arguments: [
        ("retention.ms", "x", "Not a number of type LONG"), ("retention.ms", "-2", "Value must be at least -1"),
        ("retention.ms", "9223372036854775808", "Not a number of type LONG"), ("retention.ms", "", "Not a number of type LONG"),
        ("segment.bytes", "1024", "Value must be at least 1048576"), ("segment.bytes", "2147483648", "Not a number of type INT"),
        ("min.insync.replicas", "0", "Value must be at least 1"), ("preallocate", "yes", "Expected value to be either true or false"),
        ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
        ("min.cleanable.dirty.ratio", "-0.1", "Value must be at least 0"),
        ("min.cleanable.dirty.ratio", "nan", "Not a number of type DOUBLE"),
        ("compression.gzip.level", "10", "Value must be no more than 9"),
        ("message.timestamp.type", "createtime", "String must be one of: CreateTime, LogAppendTime"),
        ("compression.type", "brotli", "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"),
        ("cleanup.policy", "nope", "String must be one of: compact, delete"),
    ])
    func refused(_ key: String, _ value: String, _ why: String) throws {
        let definition = try #require(TopicConfigDefinitions.find(key))
        let error = ConfigValueError(message: "Invalid value \(value) for configuration \(key): \(why)")
        #expect(throws: error) { try definition.parse(value) }
    }

    @Test(arguments: [
        ("retention.ms", " 5 ", "5"), ("retention.ms", "+5", "5"), ("cleanup.policy", " compact , delete ", "compact,delete"),
        ("cleanup.policy", "", ""), ("preallocate", "TRUE", "true"), ("min.cleanable.dirty.ratio", "0.25", "0.25"),
        ("leader.replication.throttled.replicas", "*", "*"), ("leader.replication.throttled.replicas", "0:1,1:2", "0:1,1:2"),
        ("segment.ms", "1", "1"),
    ])
    func accepted(_ key: String, _ value: String, _ canonical: String) throws {
        let definition = try #require(TopicConfigDefinitions.find(key))
        _ = try definition.parse(value)
        #expect(definition.canonical(value) == canonical)
    }

    @Test func everyDefaultPassesItsOwnCheck() throws {
        for definition in TopicConfigDefinitions.all + BrokerConfigDefinitions.all {
            guard let text = definition.defaultText else { continue }
            _ = try definition.parse(text)
            #expect(definition.canonical(text) == text)
            #expect(!definition.documentation.isEmpty)
        }
        for definitions in [TopicConfigDefinitions.all, BrokerConfigDefinitions.all] {
            #expect(Set(definitions.map(\.name)).count == definitions.count)
        }
    }

    /// Defaults and secrecy of each of our keys, as `kafka-configs --describe --all` of a real broker told them.
    @Test func defaultsAreKafkas() throws {
        let text = try ReplayTests.fixture("broker-defaults.txt").lossyString
        // Ours differ on purpose: GSSAPI is not offered, and a controller's listener is known without being declared.
        let ours = [
            "sasl.enabled.mechanisms", "sasl.mechanism.inter.broker.protocol", "sasl.mechanism.controller.protocol",
            "listener.security.protocol.map",
        ]
        var compared = 0
        for line in text.split(separator: "\n") {
            let equals = try #require(line.firstIndex(of: "="))
            let key = String(line[..<equals])
            guard let definition = BrokerConfigDefinitions.find(key), !ours.contains(key) else { continue }
            let isSensitive = line.hasSuffix(" sensitive")
            let value = String(line[line.index(after: equals)...].dropLast(isSensitive ? 10 : 0))
            let expected = value == "<none>" ? nil : value
            #expect(definition.defaultText ?? "" == expected ?? "", "\(key)")
            #expect(definition.isSensitive == isSensitive, "\(key)")
            compared += 1
        }
        #expect(compared > 130)
    }

    @Test func everyTopicKeyHasTheBrokerKeysItFallsBackTo() {
        for definition in TopicConfigDefinitions.all {
            for synonym in ConfigResolution.synonyms(ofTopicKey: definition.name) {
                let broker = BrokerConfigDefinitions.find(synonym.brokerKey)
                #expect(broker != nil, "\(synonym.brokerKey)")
                if synonym.factor == 1, let text = broker?.defaultText, synonym.brokerKey != "log.flush.scheduler.interval.ms" {
                    #expect(text == definition.defaultText, "\(definition.name)")
                }
            }
        }
    }

    @Test func resolutionGoesFromTheTopicToTheDefault() throws {
        var broker = try BrokerConfig([("node.id", "1"), ("log.retention.hours", "2"), ("message.max.bytes", "5000")])
        var overrides: OrderedMap<String, String> = OrderedMap()
        func row(_ key: String) -> DescribedConfig? {
            ConfigResolution.describeTopic(overrides: overrides, broker: broker).first { $0.name == key }
        }
        // Hours decide, but are not told as synonyms of the key in milliseconds: as in Kafka.
        #expect(row("retention.ms")?.value == "7200000")
        #expect(row("retention.ms")?.source == .defaultValue)
        #expect(row("retention.ms")?.synonyms == [])
        #expect(row("max.message.bytes")?.source == .staticBroker)
        #expect(row("max.message.bytes")?.synonyms.map(\.source) == [.staticBroker, .defaultValue])
        var defaults: OrderedMap<String, String> = OrderedMap()
        defaults["message.max.bytes"] = "6000"
        var own: OrderedMap<String, String> = OrderedMap()
        own["message.max.bytes"] = "7000"
        broker.applyDynamic(defaults: defaults, broker: OrderedMap())
        #expect(row("max.message.bytes")?.value == "6000")
        broker.applyDynamic(defaults: defaults, broker: own)
        overrides["max.message.bytes"] = "8000"
        #expect(row("max.message.bytes")?.value == "8000")
        #expect(
            row("max.message.bytes")?.synonyms.map { "\($0.source.rawValue):\($0.name)=\($0.value ?? "")" } == [
                "1:max.message.bytes=8000", "2:message.max.bytes=7000", "3:message.max.bytes=6000", "4:message.max.bytes=5000",
                "5:message.max.bytes=1048588",
            ])
        #expect(TopicConfig(overrides: overrides, broker: broker).maxMessageBytes == 8000)
        #expect(TopicConfig(overrides: OrderedMap(), broker: broker).maxMessageBytes == 7000)
    }

    @Test func aBrokerDescribesItself() throws {
        let broker = try BrokerConfig([("node.id", "4"), ("sasl.jaas.config", "secret"), ("log.roll.hours", "3")])
        let rows = ConfigResolution.describeBroker(broker)
        let byName = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) })
        #expect(byName["node.id"]?.value == "4" && byName["node.id"]?.isReadOnly == true)
        #expect(byName["sasl.jaas.config"]?.value == nil && byName["sasl.jaas.config"]?.isSensitive == true)
        #expect(byName["log.roll.hours"]?.synonyms.map(\.source) == [.staticBroker, .defaultValue])
        #expect(byName["log.roll.ms"]?.value == nil && byName["log.roll.ms"]?.synonyms == [])
        #expect(byName["num.io.threads"]?.isReadOnly == false)
    }
}
