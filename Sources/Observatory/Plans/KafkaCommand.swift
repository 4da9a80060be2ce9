import Primitives

/// How Kafka's own tools would do what a plan does: the line somebody can copy into a runbook.
enum KafkaCommand {
    static func text(for action: PlanAction, bootstrap: String) -> String {
        switch action {
        case .createTopic(let topic): createTopic(topic, bootstrap)
        case .deleteTopic(let name): line("kafka-topics.sh", bootstrap, ["--delete", "--topic", name])
        // The plan knows what it had.
        case .recreateTopic: ""
        case .addPartitions(let topic, let total):
            line("kafka-topics.sh", bootstrap, ["--alter", "--topic", topic, "--partitions", "\(total)"])
        case .alterConfig(let resource, let set, let delete): alterConfig(resource, set, delete, bootstrap)
        case .produce(let message): produce(message, bootstrap)
        case .resetOffsets(let group, let scope, let strategy): reset(group, scope, strategy, bootstrap)
        case .deleteGroup(let group): line("kafka-consumer-groups.sh", bootstrap, ["--delete", "--group", group])
        case .deleteGroupOffsets(let group, let topic):
            line("kafka-consumer-groups.sh", bootstrap, ["--delete-offsets", "--group", group, "--topic", topic])
        case .deleteRecords(let records): deleteRecords(records, bootstrap)
        case .addAccess(let rules): access("--add", rules, bootstrap)
        case .removeAccess(let rules): access("--remove", rules, bootstrap)
        case .alterQuota(let subject, let set, let delete): quota(subject, set, delete, bootstrap)
        case .setFeature(let name, let level, let isDowngrade):
            line("kafka-features.sh", bootstrap, [isDowngrade ? "downgrade" : "upgrade", "--feature", "\(name)=\(level)"])
        case .abortTransaction, .fenceProducer, .removeCredentials, .setCredential: admin(action, bootstrap)
        case .load(let job): job.command(bootstrap)
        case .reassign, .cancelReassignments, .electLeaders, .throttle, .send, .schema, .connect: ""
        }
    }

    static func line(_ tool: String, _ bootstrap: String, _ arguments: [String]) -> String {
        ([tool, "--bootstrap-server", bootstrap] + arguments).map(quoted).joined(separator: " ")
    }

    /// As a shell needs it: as it is where nothing in it means anything to a shell, else in single quotes.
    static func quoted(_ argument: String) -> String {
        let isPlain = !argument.isEmpty && argument.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || "_@%+=:,./-".utf8.contains(byte)
        }
        if isPlain { return argument }
        return "'" + argument.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    // MARK: Topics

    private static func createTopic(_ topic: NewTopic, _ bootstrap: String) -> String {
        var arguments = ["--create", "--topic", topic.name]
        if let partitions = topic.partitions { arguments += ["--partitions", "\(partitions)"] }
        if let factor = topic.replicationFactor { arguments += ["--replication-factor", "\(factor)"] }
        for config in topic.configs { arguments += ["--config", "\(config.name)=\(config.value)"] }
        return line("kafka-topics.sh", bootstrap, arguments)
    }

    private static func alterConfig(
        _ resource: ConfigResource, _ set: [ConfigValue], _ delete: [String], _ bootstrap: String
    ) -> String {
        let type = resource.kind == .topic ? "topics" : "brokers"
        var arguments = ["--alter", "--entity-type", type, "--entity-name", resource.name]
        if !set.isEmpty {
            // The tool splits at commas: a value that holds some goes in brackets.
            let values = set.map { $0.value.contains(",") ? "\($0.name)=[\($0.value)]" : "\($0.name)=\($0.value)" }
            arguments += ["--add-config", values.joined(separator: ",")]
        }
        if !delete.isEmpty { arguments += ["--delete-config", delete.joined(separator: ",")] }
        return line("kafka-configs.sh", bootstrap, arguments)
    }

    private static func produce(_ message: NewMessage, _ bootstrap: String) -> String {
        var arguments = ["--topic", message.topic]
        var fields: [String] = []
        if !message.headers.isEmpty {
            arguments += ["--reader-property", "parse.headers=true"]
            fields.append(message.headers.map { "\($0.name):\($0.value?.lossyString ?? "NULL")" }.joined(separator: ","))
        }
        if let key = message.key {
            arguments += ["--reader-property", "parse.key=true"]
            fields.append(key.lossyString)
        }
        if message.value == nil || message.headers.contains(where: { $0.value == nil }) {
            arguments += ["--reader-property", "null.marker=NULL"]
        }
        fields.append(message.value?.lossyString ?? "NULL")
        var text = "printf '%s\\n' \(quoted(fields.joined(separator: "\t"))) | " + line("kafka-console-producer.sh", bootstrap, arguments)
        if let partition = message.partition {
            text += "\n# kafka-console-producer.sh cannot choose partition \(partition); kcat can: -p \(partition)"
        }
        return text
    }

    private static func deleteRecords(_ records: [RecordsToDelete], _ bootstrap: String) -> String {
        let partitions = records.map { record in
            let (topic, partition) = (record.partition.topic, record.partition.partition)
            return "{\"topic\":\"\(topic)\",\"partition\":\(partition),\"offset\":\(record.before)}"
        }
        let json = "{\"partitions\":[\(partitions.joined(separator: ","))],\"version\":1}"
        return "echo '\(json)' > offsets.json\n" + line("kafka-delete-records.sh", bootstrap, ["--offset-json-file", "offsets.json"])
    }

    // MARK: Groups

    private static func reset(_ group: String, _ scope: ResetScope, _ strategy: ResetStrategy, _ bootstrap: String) -> String {
        var arguments = ["--reset-offsets", "--group", group]
        switch strategy {
        case .file(let name, _): arguments += ["--from-file", name]
        default: arguments += scopeArguments(scope)
        }
        switch strategy {
        case .earliest: arguments.append("--to-earliest")
        case .latest: arguments.append("--to-latest")
        case .current: arguments.append("--to-current")
        case .offset(let offset): arguments += ["--to-offset", "\(offset)"]
        case .shiftBy(let count): arguments += ["--shift-by", "\(count)"]
        case .datetime(let time): arguments += ["--to-datetime", IsoTime.text(time)]
        case .byDuration(let milliseconds): arguments += ["--by-duration", IsoTime.duration(milliseconds: milliseconds)]
        case .file: break
        }
        return line("kafka-consumer-groups.sh", bootstrap, arguments + ["--execute"])
    }

    /// Kafka's tool for share groups; empty where it has no such thing.
    static func ofShareGroup(_ action: PlanAction, _ bootstrap: String) -> String {
        let tool = "kafka-share-groups.sh"
        switch action {
        case .deleteGroup(let group): return line(tool, bootstrap, ["--delete", "--group", group])
        case .deleteGroupOffsets(let group, let topic):
            return line(tool, bootstrap, ["--delete-offsets", "--group", group, "--topic", topic])
        case .resetOffsets(let group, let scope, let strategy):
            var arguments = ["--reset-offsets", "--group", group] + scopeArguments(scope)
            switch strategy {
            case .earliest: arguments.append("--to-earliest")
            case .latest: arguments.append("--to-latest")
            case .datetime(let time): arguments += ["--to-datetime", IsoTime.text(time)]
            case .current, .offset, .shiftBy, .byDuration, .file: return ""
            }
            return line(tool, bootstrap, arguments + ["--execute"])
        default: return ""
        }
    }

    private static func scopeArguments(_ scope: ResetScope) -> [String] {
        switch scope {
        case .allTopics: ["--all-topics"]
        case .topics(let names): names.flatMap { ["--topic", $0] }
        case .partitions(let partitions): byTopic(partitions).flatMap { topic, indexes in
            ["--topic", "\(topic):\(indexes.map(String.init).joined(separator: ","))"]
        }
        }
    }
}

/// Partitions' indexes by topic, all sorted.
func byTopic(_ partitions: [TopicPartition]) -> OrderedMap<String, [Int32]> {
    var topics = OrderedMap<String, [Int32]>()
    for partition in partitions.sorted() { topics[partition.topic, default: []].append(partition.partition) }
    return topics
}
