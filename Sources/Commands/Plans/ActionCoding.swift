import Observatory
import Primitives
import Wire

/// What somebody wants done, as JSON: in plan files and in the audit's lines. Parameters have the names they have in `PlanAction`.
enum ActionCoding {
    static func encode(_ action: PlanAction) -> JSON? {
        func object(_ name: String, _ members: [(String, JSON)]) -> JSON {
            .object([JSON.Member("do", .string(name))] + members.map { JSON.Member($0.0, $0.1) })
        }
        switch action {
        case .createTopic(let topic):
            return object(
                "createTopic",
                [
                    ("topic", .string(topic.name)), ("partitions", number(topic.partitions.map(Int64.init))),
                    ("replicationFactor", number(topic.replicationFactor.map(Int64.init))), ("configs", values(topic.configs)),
                ])
        case .deleteTopic(let name): return object("deleteTopic", [("topic", .string(name))])
        case .recreateTopic(let name): return object("recreateTopic", [("topic", .string(name))])
        case .addPartitions(let topic, let total):
            return object("addPartitions", [("topic", .string(topic)), ("total", .number(Int64(total)))])
        case .alterConfig(let resource, let set, let delete):
            guard resource.kind == .topic || resource.kind == .broker else { return nil }
            return object(
                "alterConfig",
                [(resource.kind == .topic ? "topic" : "broker", .string(resource.name)), ("set", values(set)), ("delete", strings(delete))])
        case .resetOffsets(let group, .allTopics, .file(_, let csv)):
            return object("setOffsets", [("group", .string(group)), ("offsets", .string(csv))])
        case .deleteGroup(let group): return object("deleteGroup", [("group", .string(group))])
        case .deleteGroupOffsets(let group, let topic):
            return object("deleteGroupOffsets", [("group", .string(group)), ("topic", .string(topic))])
        case .deleteRecords(let records):
            return object(
                "deleteRecords",
                [("before", .array(records.map { .array([part($0.partition), .number($0.before.rawValue)]) }))])
        case .reassign(let wish):
            guard case .exact(let moves) = wish.target else { return nil }
            return object(
                "reassign",
                [
                    (
                        "replicas",
                        .array(
                            moves.map { move in
                                .array([
                                    part(move.partition),
                                    move.replicas.map { .array($0.map { .number(Int64($0.rawValue)) }) } ?? .null,
                                ])
                            })
                    ), ("throttle", number(wish.throttle)),
                ] + (wish.batch.map { [("batch", coded($0))] } ?? []))
        case .cancelReassignments(let partitions):
            return partitions.isEmpty ? nil : object("cancelReassignments", [("partitions", .array(partitions.map(part)))])
        case .electLeaders(.partitions(let partitions), let unclean):
            return object("electLeaders", [("partitions", .array(partitions.map(part))), ("unclean", .bool(unclean))])
        case .throttle(let rate): return object("throttle", [("rate", number(rate))])
        case .addAccess(let rules): return object("addAccess", [("rules", .array(rules.map(rule)))])
        case .removeAccess(let rules): return object("removeAccess", [("rules", .array(rules.map(rule)))])
        case .alterQuota(let subject, let set, let delete):
            let parts = subject.parts.map { JSON.array([.string($0.type), $0.who.name.map { .string($0) } ?? .null]) }
            return object("alterQuota", [("subject", .array(parts)), ("set", values(set)), ("delete", strings(delete))])
        case .setFeature(let name, let level, let isDowngrade):
            return object(
                "setFeature", [("feature", .string(name)), ("level", .number(Int64(level))), ("downgrade", .bool(isDowngrade))])
        case .schema(let change):
            let (name, parts) = members(change)
            return object(name, parts)
        case .connect(let change): return members(change).map { object($0.0, $0.1) }
        default: return nil
        }
    }

    static func decode(_ json: JSON) -> PlanAction? {
        func text(_ name: String) -> String? { json[name]?.string }
        func partitions(_ name: String) -> [TopicPartition]? { json[name]?.items.flatMap { all($0, partition) } }
        switch text("do") {
        case "createTopic":
            guard let name = text("topic"), let configs = pairs(json["configs"]) else { return nil }
            var topic = NewTopic(name: name)
            topic.partitions = json["partitions"]?.integer.flatMap { Int32(exactly: $0) }
            topic.replicationFactor = json["replicationFactor"]?.integer.flatMap { Int16(exactly: $0) }
            topic.configs = configs
            return .createTopic(topic)
        case "deleteTopic": return text("topic").map { .deleteTopic($0) }
        case "recreateTopic": return text("topic").map { .recreateTopic($0) }
        case "addPartitions":
            guard let topic = text("topic"), let total = json["total"]?.integer.flatMap({ Int32(exactly: $0) }) else { return nil }
            return .addPartitions(topic: topic, total: total)
        case "alterConfig":
            let resource = text("topic").map { ConfigResource.topic($0) } ?? text("broker").map { ConfigResource(.broker, $0) }
            guard let resource, let set = pairs(json["set"]), let delete = names(json["delete"]) else { return nil }
            return .alterConfig(resource, set: set, delete: delete)
        case "setOffsets":
            guard let group = text("group"), let csv = text("offsets") else { return nil }
            return .resetOffsets(group: group, scope: .allTopics, strategy: .file(name: "plan.json", csv: csv))
        case "deleteGroup": return text("group").map { .deleteGroup($0) }
        case "deleteGroupOffsets":
            guard let group = text("group"), let topic = text("topic") else { return nil }
            return .deleteGroupOffsets(group: group, topic: topic)
        case "deleteRecords":
            let records = json["before"]?.items.flatMap { items in
                all(items) { item -> RecordsToDelete? in
                    guard let pair = item.items, pair.count == 2, let name = partition(pair[0]), let before = pair[1].integer else {
                        return nil
                    }
                    return RecordsToDelete(name, before: Offset(before))
                }
            }
            return records.map { .deleteRecords($0) }
        case "reassign":
            let moves = json["replicas"]?.items.flatMap { all($0, move) }
            let batch = json["batch"].flatMap { readBatch($0) }
            if json["batch"] != nil, batch == nil { return nil }
            return moves.map {
                .reassign(Reassign(.partitions($0.map(\.partition)), .exact($0), throttle: json["throttle"]?.integer, batch: batch))
            }
        case "cancelReassignments": return partitions("partitions").map { .cancelReassignments($0) }
        case "electLeaders":
            guard let names = partitions("partitions"), let unclean = json["unclean"]?.bool else { return nil }
            return .electLeaders(.partitions(names), unclean: unclean)
        case "throttle": return .throttle(json["rate"]?.integer)
        case "addAccess": return json["rules"]?.items.flatMap { all($0, accessRule) }.map { .addAccess($0) }
        case "removeAccess": return json["rules"]?.items.flatMap { all($0, accessRule) }.map { .removeAccess($0) }
        case "alterQuota":
            guard let subject = json["subject"]?.items.flatMap({ all($0, quotaPart) }), let set = pairs(json["set"]),
                let delete = names(json["delete"])
            else { return nil }
            return .alterQuota(QuotaSubject(subject), set: set, delete: delete)
        case "setFeature":
            guard let name = text("feature"), let level = json["level"]?.integer.flatMap({ Int16(exactly: $0) }),
                let isDowngrade = json["downgrade"]?.bool
            else { return nil }
            return .setFeature(name, level: level, isDowngrade: isDowngrade)
        default: return schemaChange(json).map { .schema($0) } ?? connectChange(json).map { .connect($0) }
        }
    }

    // MARK: Parts

    private static func number(_ value: Int64?) -> JSON { value.map { .number($0) } ?? .null }
    static func strings(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
    static func values(_ values: [ConfigValue]) -> JSON { .array(values.map { .array([.string($0.name), .string($0.value)]) }) }
    private static func part(_ name: TopicPartition) -> JSON { .array([.string(name.topic), .number(Int64(name.partition))]) }

    private static func coded(_ batch: ReassignBatch) -> JSON {
        switch batch {
        case .partitions(let count): .object([.init("partitions", .number(Int64(count)))])
        case .bytes(let bytes): .object([.init("bytes", .number(bytes))])
        case .counts(let counts): .object([.init("counts", .array(counts.map { .number(Int64($0)) }))])
        }
    }

    private static func readBatch(_ json: JSON) -> ReassignBatch? {
        if let count = json["partitions"]?.integer { return count > 0 ? .partitions(Int(clamping: count)) : nil }
        if let bytes = json["bytes"]?.integer { return bytes > 0 ? .bytes(bytes) : nil }
        let counts = json["counts"]?.items.flatMap { all($0) { $0.integer.flatMap { Int(exactly: $0) } } }
        return counts.flatMap { $0.isEmpty || $0.contains { $0 < 1 } ? nil : .counts($0) }
    }

    private static func rule(_ rule: AccessRule) -> JSON {
        .object([
            .init("type", .number(Int64(rule.type.rawValue))), .init("name", .string(rule.name)), .init("prefixed", .bool(rule.isPrefixed)),
            .init("principal", .string(rule.principal)), .init("host", .string(rule.host)),
            .init("operation", .number(Int64(rule.operation.rawValue))), .init("deny", .bool(rule.isDenied)),
        ])
    }

    private static func all<T>(_ items: [JSON], _ read: (JSON) -> T?) -> [T]? {
        let found = items.compactMap(read)
        return found.count == items.count ? found : nil
    }

    static func names(_ json: JSON?) -> [String]? { json?.items.flatMap { all($0) { $0.string } } }

    static func pairs(_ json: JSON?) -> [ConfigValue]? {
        json?.items.flatMap { items in
            all(items) { item -> ConfigValue? in
                guard let pair = item.items, pair.count == 2, let name = pair[0].string, let value = pair[1].string else { return nil }
                return ConfigValue(name, value)
            }
        }
    }

    private static func partition(_ json: JSON) -> TopicPartition? {
        guard let pair = json.items, pair.count == 2, let topic = pair[0].string, let index = pair[1].integer,
            let index = Int32(exactly: index), index >= 0
        else { return nil }
        return TopicPartition(topic, index)
    }

    private static func move(_ json: JSON) -> PartitionReplicas? {
        guard let pair = json.items, pair.count == 2, let name = partition(pair[0]) else { return nil }
        if pair[1] == .null { return PartitionReplicas(name, nil) }
        let brokers = pair[1].items.flatMap { all($0) { $0.integer.flatMap { Int32(exactly: $0) }.map { BrokerID($0) } } }
        return brokers.map { PartitionReplicas(name, $0) }
    }

    private static func accessRule(_ json: JSON) -> AccessRule? {
        guard let type = json["type"]?.integer.flatMap({ Int8(exactly: $0) }).flatMap({ ResourceType(rawValue: $0) }),
            let operation = json["operation"]?.integer.flatMap({ Int8(exactly: $0) }).flatMap({ AccessOperation(rawValue: $0) }),
            let name = json["name"]?.string, let isPrefixed = json["prefixed"]?.bool, let principal = json["principal"]?.string,
            let host = json["host"]?.string, let isDenied = json["deny"]?.bool
        else { return nil }
        return AccessRule(type, name, isPrefixed: isPrefixed, principal: principal, host: host, operation, isDenied: isDenied)
    }

    private static func quotaPart(_ json: JSON) -> (type: String, who: QuotaSubject.Who)? {
        guard let pair = json.items, pair.count == 2, let type = pair[0].string else { return nil }
        return (type, pair[1].string.map { .named($0) } ?? .byDefault)
    }
}
