import Primitives
import Wire

/// What a request wants of one setting.
package enum ConfigOperation: Int8, Equatable, Sendable {
    case set = 0
    case delete = 1
    case append = 2
    case subtract = 3

    var name: String {
        switch self {
        case .set: "SET"
        case .delete: "DELETE"
        case .append: "APPEND"
        case .subtract: "SUBTRACT"
        }
    }
}

/// IncrementalAlterConfigs and AlterConfigs: each resource by itself, all of its changes or none.
extension Controller {
    /// `brokerID`: the node that the client asked, which takes changes of its own settings alone; nil where another node forwarded the
    /// request.
    package func decideIncrementalAlterConfigs(
        _ request: IncrementalAlterConfigsRequest, brokerID: BrokerID?, broker: BrokerConfig
    ) -> Decision<IncrementalAlterConfigsResponse> {
        var decision = Decision(response: IncrementalAlterConfigsResponse())
        let names = NameCounts(request.resources.map { "\($0.resourceType) \($0.resourceName)" })
        for resource in request.resources {
            var result = IncrementalAlterConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (resource.resourceType, resource.resourceName)
            do throws(APIFailure) {
                if names.isRepeated("\(resource.resourceType) \(resource.resourceName)") { throw APIFailure.repeatedResource }
                let target = try alterable(resource.resourceType, resource.resourceName, brokerID)
                let records = try decideChanges(resource.configs, of: target, broker)
                if !request.validateOnly { decision.records += records }
            } catch {
                (result.errorCode, result.errorMessage) = (error.code, error.message)
            }
            decision.response.responses.append(result)
        }
        return decision
    }

    /// The older request: what it does not name goes back to its default.
    package func decideAlterConfigs(
        _ request: AlterConfigsRequest, brokerID: BrokerID?, broker: BrokerConfig
    ) -> Decision<AlterConfigsResponse> {
        var decision = Decision(response: AlterConfigsResponse())
        let names = NameCounts(request.resources.map { "\($0.resourceType) \($0.resourceName)" })
        for resource in request.resources {
            var result = AlterConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (resource.resourceType, resource.resourceName)
            do throws(APIFailure) {
                if names.isRepeated("\(resource.resourceType) \(resource.resourceName)") { throw APIFailure.repeatedResource }
                let target = try alterable(resource.resourceType, resource.resourceName, brokerID)
                let records = try decideReplacement(resource.configs, of: target, broker)
                if !request.validateOnly { decision.records += records }
            } catch {
                (result.errorCode, result.errorMessage) = (error.code, error.message)
            }
            decision.response.responses.append(result)
        }
        return decision
    }

    private func decideChanges(
        _ changes: [IncrementalAlterConfigsRequest.Config], of resource: ConfigResource, _ broker: BrokerConfig
    ) throws(APIFailure) -> [MetadataRecord] {
        if Set(changes.map(\.name)).count != changes.count { throw APIFailure(.invalidRequest, "Error due to duplicate config keys") }
        let nulls = changes.filter { $0.value == nil && $0.configOperation != ConfigOperation.delete.rawValue }.map(\.name)
        if !nulls.isEmpty { throw APIFailure(.invalidRequest, "Null value not supported for : \(nulls.joined(separator: ","))") }
        let before = image.config(resource)
        var after = before
        for change in changes {
            // Kafka fails on its own enumeration here; its clients know the code, not a reason.
            guard let operation = ConfigOperation(rawValue: change.configOperation) else { throw APIFailure(.unknownServerError) }
            switch operation {
            case .set: after[change.name] = change.value
            case .delete: after[change.name] = nil
            case .append, .subtract:
                guard let definition = definition(change.name, of: resource), definition.type == .list else {
                    throw APIFailure(
                        .invalidConfig, "Can't \(operation.name) to key \(change.name) because its type is not LIST.")
                }
                after[change.name] = combined(operation, change.value ?? "", after[change.name] ?? definition.defaultText ?? "")
            }
        }
        try check(after, changed: changes.map(\.name), of: resource, broker)
        return records(before, after, resource)
    }

    private func combined(_ operation: ConfigOperation, _ value: String, _ present: String) -> String {
        var words = ConfigDefinition.elements(present)
        for word in ConfigDefinition.elements(value) {
            words.removeAll { operation == .subtract && $0 == word }
            if operation == .append, !words.contains(word) { words.append(word) }
        }
        return words.joined(separator: ",")
    }

    private func decideReplacement(
        _ configs: [AlterConfigsRequest.Config], of resource: ConfigResource, _ broker: BrokerConfig
    ) throws(APIFailure) -> [MetadataRecord] {
        if Set(configs.map(\.name)).count != configs.count { throw APIFailure(.invalidRequest, "Error due to duplicate config keys") }
        let nulls = configs.filter { $0.value == nil }.map(\.name)
        if !nulls.isEmpty { throw APIFailure(.invalidRequest, "Null value not supported for : \(nulls.joined(separator: ","))") }
        var after: OrderedMap<String, String> = OrderedMap()
        for config in configs { after[config.name] = config.value }
        try check(after, changed: configs.map(\.name), of: resource, broker)
        return records(image.config(resource), after, resource)
    }

    /// What differs, as records; a null value deletes.
    private func records(
        _ before: OrderedMap<String, String>, _ after: OrderedMap<String, String>, _ resource: ConfigResource
    ) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        for (key, value) in after where before[key] != value { records.append(MetadataRecords.config(resource, key, value)) }
        for key in before.keys where after[key] == nil { records.append(MetadataRecords.config(resource, key, nil)) }
        return records + consequences(of: records, before, after, resource)
    }

    /// What other settings mean for partitions: with fewer replicas required, those that left may have missed what was committed since, and
    /// are not eligible any more (KIP-966); where an unclean election is allowed now, partitions without a leader get one.
    private func consequences(
        of records: [MetadataRecord], _ before: OrderedMap<String, String>, _ after: OrderedMap<String, String>, _ resource: ConfigResource
    ) -> [MetadataRecord] {
        let keys = ["min.insync.replicas", "unclean.leader.election.enable"]
        guard resource.type == .topic || resource == .brokerDefaults, keys.contains(where: { before[$0] != after[$0] }) else { return [] }
        var changed = self
        for record in records { changed.apply(record, at: image.appliedOffset) }
        var changes: [MetadataRecord] = []
        for (topic, index, partition) in changed.allPartitions where resource.type != .topic || topic.name == resource.name {
            guard partition.leader == nil || !partition.eligibleLeaderReplicas.isEmpty else { continue }
            var transition = changed.transition(partition, of: topic.name)
            let change = transition.change { directory(of: $0) }
            if !change.isEmpty { changes.append(MetadataRecords.change(index, of: topic.id, change)) }
        }
        return changes
    }

    // MARK: what may be altered, and to what

    private func alterable(_ type: Int8, _ name: String, _ brokerID: BrokerID?) throws(APIFailure) -> ConfigResource {
        switch ConfigResourceType(rawValue: type) {
        case .topic:
            if name.isEmpty { throw APIFailure(.invalidRequest, "Default topic resources are not allowed.") }
            guard image.topic(name) != nil else {
                if let problem = TopicNames.problem(name) { throw APIFailure(.invalidTopicException, problem) }
                throw APIFailure(.unknownTopicOrPartition, "The topic '\(name)' does not exist.")
            }
            return .topic(name)
        case .broker:
            if name.isEmpty { return .brokerDefaults }
            guard let id = Int32(name) else { throw APIFailure(.invalidRequest, "Broker id must be an integer, but it is: \(name)") }
            if let brokerID, BrokerID(id) != brokerID {
                throw APIFailure(.invalidRequest, "Unexpected broker id, expected \(brokerID), but received \(id)")
            }
            guard image.brokers[BrokerID(id)] != nil else {
                throw APIFailure(.brokerIDNotRegistered, "No node with id \(id) found.")
            }
            return .broker(BrokerID(id))
        case .brokerLogger: throw APIFailure(.invalidRequest, "The levels of this broker's loggers cannot be changed.")
        case .group:
            // Groups are made by their members: one that does not exist yet may have settings.
            if name.isEmpty { throw APIFailure(.invalidRequest, "Default group resources are not allowed.") }
            return ConfigResource(.group, name)
        case .clientMetrics:
            if name.isEmpty { throw APIFailure(.invalidRequest, "Default client metrics resources are not allowed.") }
            return ConfigResource(.clientMetrics, name)
        case nil: throw APIFailure(.invalidRequest, "Unknown resource type \(type)")
        }
    }

    private func definition(_ key: String, of resource: ConfigResource) -> ConfigDefinition? {
        switch resource.type {
        case .topic: TopicConfigDefinitions.find(key)
        case .group: GroupConfigDefinitions.find(key)?.definition
        case .clientMetrics: ClientMetricsConfig.find(key)
        case .broker, .brokerLogger: BrokerConfigDefinitions.find(key)
        }
    }

    private func check(
        _ after: OrderedMap<String, String>, changed: [String], of resource: ConfigResource, _ broker: BrokerConfig
    ) throws(APIFailure) {
        if resource.type == .topic { return try Controller.checkTopicConfigs(after) }
        if resource.type == .group { return try GroupConfigDefinitions.check(after, broker) }
        if resource.type == .clientMetrics {
            for (key, text) in after {
                if let problem = ClientMetricsConfig.problem(key, text) { throw APIFailure(.invalidRequest, problem) }
            }
            return
        }
        try Controller.checkBrokerConfigs(after, changed: changed, isDefault: resource == .brokerDefaults)
    }

    /// A topic's settings by themselves and together.
    static func checkTopicConfigs(_ configs: OrderedMap<String, String>) throws(APIFailure) {
        var values: [String: ConfigValue] = [:]
        for (key, text) in configs {
            guard let definition = TopicConfigDefinitions.find(key) else {
                throw APIFailure(.invalidConfig, "Unknown topic config name: \(key)")
            }
            do throws(ConfigValueError) {
                values[key] = try definition.parse(text)
            } catch {
                throw APIFailure(.invalidConfig, error.message)
            }
        }
        if values["remote.storage.enable"] == .boolean(true) {
            throw APIFailure(
                .invalidConfig,
                "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.")
        }
        if case .integer(let least) = values["min.compaction.lag.ms"] {
            let most: Int64 = if case .integer(let value) = values["max.compaction.lag.ms"] { value } else { .max }
            if least > most {
                throw APIFailure(
                    .invalidConfig, "conflict topic config setting min.compaction.lag.ms (\(least)) > max.compaction.lag.ms (\(most))")
            }
        }
    }

    /// Settings of one listener: those that a running broker takes, refused by name elsewhere.
    private static func checkListenerKeys(
        _ configs: OrderedMap<String, String>, changed: [String], isDefault: Bool
    ) throws(APIFailure) {
        // What can change for a listener can change for a listener alone.
        let bare = changed.filter { ListenerKey.changeable.contains($0) && configs[$0] != nil }.sorted()
        if !bare.isEmpty {
            throw APIFailure(
                .invalidRequest,
                "These security configs can be dynamically updated only per-listener using the listener prefix: "
                    + "[\(bare.joined(separator: ", "))]")
        }
        let keys = changed.compactMap { key in ListenerKey(key).map { (key, $0) } }.filter { $0.1.definition != nil }
        let fixed = keys.filter { !$0.1.isChangeable }.map(\.0).sorted()
        if !fixed.isEmpty {
            throw APIFailure(.invalidRequest, "Cannot update these configs dynamically: [\(fixed.joined(separator: ", "))]")
        }
        if isDefault, let key = keys.map(\.0).filter({ configs[$0] != nil }).min() {
            throw APIFailure(
                .invalidRequest, "Cannot update these configs at default cluster level, broker id must be specified: [\(key)]")
        }
        for (key, listenerKey) in keys {
            if let text = configs[key], let problem = listenerKey.problem(text, key: key) { throw APIFailure(.invalidRequest, problem) }
        }
    }

    /// Settings of brokers that are to change while they run. Keys nobody knows are kept, as Kafka keeps them for plug-ins. Kafka answers a
    /// bad value here with INVALID_REQUEST (KAFKA-13609), where a topic's gets INVALID_CONFIG.
    static func checkBrokerConfigs(_ configs: OrderedMap<String, String>, changed: [String], isDefault: Bool) throws(APIFailure) {
        func names(_ mode: ConfigUpdateMode) -> [String] {
            changed.filter { BrokerConfigDefinitions.find($0)?.updateMode == mode }.sorted()
        }
        try checkListenerKeys(configs, changed: changed, isDefault: isDefault)
        let fixed = names(.readOnly)
        if !fixed.isEmpty {
            throw APIFailure(.invalidRequest, "Cannot update these configs dynamically: [\(fixed.joined(separator: ", "))]")
        }
        let perBroker = names(.perBroker).filter { configs[$0] != nil }
        if isDefault, !perBroker.isEmpty {
            throw APIFailure(
                .invalidRequest,
                "Cannot update these configs at default cluster level, broker id must be specified: [\(perBroker.joined(separator: ", "))]")
        }
        for (key, text) in configs {
            guard let definition = BrokerConfigDefinitions.find(key) else { continue }
            do throws(ConfigValueError) { _ = try definition.parse(text) } catch { throw APIFailure(.invalidRequest, error.message) }
        }
    }
}

extension APIFailure {
    static let repeatedResource = APIFailure(.invalidRequest, "Each resource must appear at most once.")
}
