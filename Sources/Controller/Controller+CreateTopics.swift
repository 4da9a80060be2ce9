import Primitives
import Wire

/// CreateTopics: each topic of the request by itself; one that is refused does not stop the others.
extension Controller {
    package func decideCreateTopics(
        _ request: CreateTopicsRequest, broker: BrokerConfig, random: inout PRNG, allowance: inout MutationAllowance
    ) -> Decision<CreateTopicsResponse> {
        var decision = Decision(response: CreateTopicsResponse())
        var names = NameCounts(request.topics.map(\.name))
        var room = Controller.partitionsPerRequestMax
        var accepted: [String: String] = [:]
        for topic in request.topics where !names.isRepeated(topic.name) && topic.name != TopicNames.metadata {
            do throws(APIFailure) {
                let (records, result) = try decideCreate(topic, accepted, &room, broker, &random)
                try allowance.charge(Int(result.numPartitions))
                if TopicNames.mayCollide(topic.name) { accepted[TopicNames.metricName(topic.name)] = topic.name }
                if !request.validateOnly { decision.records += records }
                decision.response.topics.append(result)
            } catch {
                decision.response.topics.append(refused(topic.name, error))
            }
        }
        for topic in request.topics where topic.name == TopicNames.metadata && names.takeFirst(topic.name) {
            decision.response.topics.append(
                refused(topic.name, APIFailure(.invalidRequest, "Creation of internal topic \(topic.name) is prohibited.")))
        }
        for topic in request.topics where names.isRepeated(topic.name) && names.takeFirst(topic.name) {
            decision.response.topics.append(refused(topic.name, APIFailure(.invalidRequest, "Duplicate topic name.")))
        }
        return decision
    }

    private func refused(_ name: String, _ failure: APIFailure) -> CreateTopicsResponse.Topic {
        var result = CreateTopicsResponse.Topic()
        result.name = name
        result.errorCode = failure.code
        result.errorMessage = failure.message ?? failure.code.message
        result.configs = []
        return result
    }

    /// `accepted`: the topics of this request that will be, by the form under which metrics know them.
    private func decideCreate(
        _ topic: CreateTopicsRequest.Topic, _ accepted: [String: String], _ room: inout Int, _ broker: BrokerConfig, _ random: inout PRNG
    ) throws(APIFailure) -> ([MetadataRecord], CreateTopicsResponse.Topic) {
        try checkName(topic.name, accepted)
        let configs = try checkedConfigs(topic.configs)
        let replicas = try assignments(of: topic, room, broker, &random)
        room -= replicas.count
        let id = UUID.random(&random)
        var records = [MetadataRecords.topic(topic.name, id)]
        for (key, value) in configs { records.append(MetadataRecords.config(.topic(topic.name), key, value)) }
        for (index, replicas) in replicas.enumerated() {
            records.append(MetadataRecords.partition(Int32(index), of: id, newPartition(replicas)))
        }
        var result = CreateTopicsResponse.Topic()
        result.name = topic.name
        result.topicID = id
        result.numPartitions = Int32(replicas.count)
        result.replicationFactor = Int16(replicas[0].count)
        result.configs = TopicConfigDefinitions.all.map { definition in
            let (text, source) = ConfigResolution.topicValue(definition, overrides: configs, broker: broker)
            var config = CreateTopicsResponse.Config()
            config.name = definition.name
            config.value = definition.canonical(text)
            config.configSource = source.rawValue
            return config
        }
        return (records, result)
    }

    private func checkName(_ name: String, _ accepted: [String: String]) throws(APIFailure) {
        if let problem = TopicNames.problem(name) { throw APIFailure(.invalidTopicException, problem) }
        if image.topic(name) != nil { throw APIFailure(.topicAlreadyExists, "Topic '\(name)' already exists.") }
        guard TopicNames.mayCollide(name) else { return }
        if let twin = image.collision(with: name) ?? accepted[TopicNames.metricName(name)] {
            throw APIFailure(.invalidTopicException, "Topic '\(name)' collides with existing topic: \(twin)")
        }
    }

    private func checkedConfigs(_ configs: [CreateTopicsRequest.Config]) throws(APIFailure) -> OrderedMap<String, String> {
        var given: OrderedMap<String, String> = OrderedMap()
        for config in configs {
            guard let value = config.value else {
                throw APIFailure(.invalidConfig, "Null value not supported for topic configs: \(config.name)")
            }
            given[config.name] = value
        }
        try Controller.checkTopicConfigs(given)
        return given
    }

    /// The replicas of each partition: as the request says, or placed.
    private func assignments(
        of topic: CreateTopicsRequest.Topic, _ room: Int, _ broker: BrokerConfig, _ random: inout PRNG
    ) throws(APIFailure) -> [[BrokerID]] {
        guard topic.assignments.isEmpty else {
            if topic.replicationFactor != -1 {
                throw APIFailure(.invalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
            }
            if topic.numPartitions != -1 {
                throw APIFailure(.invalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
            }
            try checkRoom(topic.assignments.count, room)
            return try manualAssignments(topic.assignments)
        }
        if topic.replicationFactor < -1 || topic.replicationFactor == 0 {
            throw APIFailure(.invalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
        }
        if topic.numPartitions < -1 || topic.numPartitions == 0 {
            throw APIFailure(.invalidPartitions, "Number of partitions was set to an invalid non-positive value.")
        }
        let count = Int(topic.numPartitions == -1 ? broker.numPartitions : topic.numPartitions)
        let factor = Int(topic.replicationFactor == -1 ? broker.defaultReplicationFactor : topic.replicationFactor)
        try checkRoom(count, room)
        return try placed(count, factor, &random)
    }

    func checkRoom(_ count: Int, _ room: Int) throws(APIFailure) {
        guard count > room else { return }
        throw APIFailure(.policyViolation, "Excessively large number of partitions per request.")
    }

    func placed(_ count: Int, _ replicationFactor: Int, _ random: inout PRNG) throws(APIFailure) -> [[BrokerID]] {
        var placement = Placement(placementCandidates, random: &random)
        if let problem = placement.problem(replicationFactor: replicationFactor) {
            throw APIFailure(.invalidReplicationFactor, "Unable to replicate the partition \(replicationFactor) time(s): \(problem)")
        }
        return (0..<count).map { _ in placement.place(replicationFactor: replicationFactor) }
    }

    private func manualAssignments(_ given: [CreateTopicsRequest.Assignment]) throws(APIFailure) -> [[BrokerID]] {
        var found: OrderedMap<Int32, [BrokerID]> = OrderedMap()
        var factor: Int?
        for assignment in given {
            if found[assignment.partitionIndex] != nil {
                throw APIFailure(
                    .invalidReplicaAssignment, "Found multiple manual partition assignments for partition \(assignment.partitionIndex)")
            }
            let replicas = assignment.brokerIDs.map { BrokerID($0) }
            try checkManual(replicas, factor: factor)
            try checkSomeActive(replicas, assignment.partitionIndex)
            factor = replicas.count
            found[assignment.partitionIndex] = replicas
        }
        for (index, partition) in found.keys.enumerated() where Int32(index) != partition {
            throw APIFailure(.invalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
        }
        return found.values
    }

    /// Checks replicas that a request names itself, in the order in which Kafka finds fault.
    func checkManual(_ replicas: [BrokerID], factor: Int?) throws(APIFailure) {
        if replicas.isEmpty {
            throw APIFailure(.invalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
        }
        var previous: BrokerID?
        for id in replicas.sorted() {
            if image.brokers[id] == nil {
                throw APIFailure(
                    .invalidReplicaAssignment, "The manual partition assignment includes broker \(id), but no such broker is registered.")
            }
            if id == previous {
                throw APIFailure(.invalidReplicaAssignment, "The manual partition assignment includes the broker \(id) more than once.")
            }
            previous = id
        }
        if let factor, factor != replicas.count {
            throw APIFailure(
                .invalidReplicaAssignment,
                "The manual partition assignment includes a partition with \(replicas.count) replica(s), but this is not consistent with "
                    + "previous partitions, which have \(factor) replica(s).")
        }
    }

    func checkSomeActive(_ replicas: [BrokerID], _ partition: Int32) throws(APIFailure) {
        guard !replicas.contains(where: isActive) else { return }
        throw APIFailure(
            .invalidReplicaAssignment,
            "All brokers specified in the manual partition assignment for partition \(partition) are fenced or in controlled shutdown.")
    }

    /// A partition as it begins: in sync are those that live, the first of them leads.
    func newPartition(_ replicas: [BrokerID]) -> PartitionImage {
        let inSync = replicas.filter(isActive)
        return PartitionImage(
            replicas: replicas, inSyncReplicas: inSync, leader: inSync.first, directories: replicas.map { directory(of: $0) })
    }

    /// Where a replica lies, of a broker with one directory; zero leaves the choice to the broker (KIP-858).
    func directory(of broker: BrokerID) -> UUID {
        let directories = image.brokers[broker]?.logDirectories ?? []
        return directories.count == 1 ? directories[0] : .zero
    }
}

/// Which names a request has more than once, each to be told of once.
package struct NameCounts {
    private var counts: [String: Int] = [:]

    package init(_ names: [String]) { for name in names { counts[name, default: 0] += 1 } }

    package func isRepeated(_ name: String) -> Bool { (counts[name] ?? 0) != 1 }

    /// True the first time for a name.
    mutating func takeFirst(_ name: String) -> Bool {
        guard let count = counts[name], count >= 0 else { return false }
        counts[name] = -1
        return true
    }
}
