import ClientCore
import Primitives
import Records
import Wire

// What a step sends, and what its answer says against it.
extension PlanStep {
    /// The one request of a step; nil where it takes several or cannot only be validated.
    func request(validateOnly: Bool) -> ClientRequest? {
        switch self {
        case .createTopic(let topic): PlanStep.create(topic, validateOnly)
        case .deleteTopic(let name): validateOnly ? nil : PlanStep.delete(name)
        case .createPartitions(let topic, let total): PlanStep.grow(topic, total, validateOnly)
        case .alterConfig(let resource, let set, let delete): PlanStep.alter(resource, set, delete, validateOnly)
        case .commitOffsets(let group, let offsets): validateOnly ? nil : PlanStep.commit(group, offsets)
        case .deleteGroup(let group): validateOnly ? nil : PlanStep.deleteGroup(group)
        case .deleteGroupOffsets(let group, let partitions): validateOnly ? nil : PlanStep.deleteOffsets(group, partitions)
        case .setShareOffsets(let group, let offsets): validateOnly ? nil : PlanStep.setShareOffsets(group, offsets)
        case .deleteShareOffsets(let group, let partitions): validateOnly ? nil : PlanStep.deleteShareOffsets(group, partitions)
        case .reassign(let partitions): validateOnly ? nil : PlanStep.reassign(partitions)
        // Batch by batch, by whoever waits for each.
        case .reassignInBatches: nil
        case .electLeaders(let partitions, let unclean): validateOnly ? nil : PlanStep.elect(partitions, unclean)
        case .throttleReplicas(let topics): validateOnly ? nil : PlanStep.throttle(topics)
        case .addAccess(let rules): validateOnly ? nil : PlanStep.add(rules)
        case .removeAccess(let rules): validateOnly ? nil : PlanStep.remove(rules)
        case .alterQuota(let subject, let set, let delete):
            ClientRequest(
                subject.change(set, delete, validateOnly: validateOnly), to: .controller, timeoutMs: PlanLimits.requestMs)
        case .abortMarker(let partition, let producer): validateOnly ? nil : PlanStep.abortMarker(of: producer, in: partition)
        case .fenceProducer(let id): validateOnly ? nil : PlanStep.fence(id)
        case .removeCredentials(let user, let mechanisms): validateOnly ? nil : PlanStep.removal(of: user, mechanisms)
        case .setCredential(let new):
            validateOnly ? nil : new.request.map { ClientRequest($0, to: .controller, timeoutMs: PlanLimits.requestMs) }
        case .setFeature(let name, let level, let isDowngrade): PlanStep.feature(name, level, isDowngrade, validateOnly)
        case .produce, .deleteRecords, .throttle, .send, .load, .schema, .connect: nil
        }
    }

    private static func create(_ new: NewTopic, _ validateOnly: Bool) -> ClientRequest {
        var request = CreateTopicsRequest()
        var topic = CreateTopicsRequest.Topic()
        topic.name = new.name
        topic.numPartitions = new.partitions ?? -1
        topic.replicationFactor = new.replicationFactor ?? -1
        topic.configs = new.configs.map { value in
            var config = CreateTopicsRequest.Config()
            config.name = value.name
            config.value = value.value
            return config
        }
        request.topics = [topic]
        request.timeoutMs = PlanLimits.brokerMs
        request.validateOnly = validateOnly
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs, isRepeatable: validateOnly)
    }

    private static func delete(_ name: String) -> ClientRequest {
        var request = DeleteTopicsRequest()
        var topic = DeleteTopicsRequest.Topic()
        topic.name = name
        request.topics = [topic]
        request.topicNames = [name]
        request.timeoutMs = PlanLimits.brokerMs
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs, isRepeatable: false)
    }

    private static func grow(_ name: String, _ total: Int32, _ validateOnly: Bool) -> ClientRequest {
        var request = CreatePartitionsRequest()
        var topic = CreatePartitionsRequest.Topic()
        topic.name = name
        topic.count = total
        request.topics = [topic]
        request.timeoutMs = PlanLimits.brokerMs
        request.validateOnly = validateOnly
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs, isRepeatable: validateOnly)
    }

    private static func alter(
        _ resource: ConfigResource, _ set: [ConfigValue], _ delete: [String], _ validateOnly: Bool
    ) -> ClientRequest {
        func change(_ name: String, _ value: String?) -> IncrementalAlterConfigsRequest.Config {
            var config = IncrementalAlterConfigsRequest.Config()
            config.name = name
            config.configOperation = value == nil ? 1 : 0
            config.value = value
            return config
        }
        var request = IncrementalAlterConfigsRequest()
        var changes = IncrementalAlterConfigsRequest.Resource()
        changes.resourceType = resource.kind.rawValue
        changes.resourceName = resource.name
        changes.configs = set.map { change($0.name, $0.value) } + delete.map { change($0, nil) }
        request.resources = [changes]
        request.validateOnly = validateOnly
        let target: RequestTarget =
            if resource.kind == .broker, let id = Int32(resource.name) { .broker(BrokerID(id)) } else { .controller }
        return ClientRequest(request, to: target, timeoutMs: PlanLimits.requestMs)
    }

    private static func commit(_ group: String, _ offsets: [OffsetToCommit]) -> ClientRequest {
        var request = OffsetCommitRequest()
        request.groupID = group
        for offset in offsets.sorted(by: { $0.partition < $1.partition }) {
            if request.topics.last?.name != offset.partition.topic {
                var topic = OffsetCommitRequest.Topic()
                topic.name = offset.partition.topic
                request.topics.append(topic)
            }
            var partition = OffsetCommitRequest.Partition()
            partition.partitionIndex = offset.partition.partition
            partition.committedOffset = offset.offset.rawValue
            partition.committedMetadata = ""
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        // Topics go by name up to version 9.
        return ClientRequest(request, to: .coordinator(group: group), timeoutMs: PlanLimits.requestMs, versions: 2...9)
    }

    private static func deleteGroup(_ group: String) -> ClientRequest {
        var request = DeleteGroupsRequest()
        request.groupsNames = [group]
        return ClientRequest(request, to: .coordinator(group: group), timeoutMs: PlanLimits.requestMs, isRepeatable: false)
    }

    private static func deleteOffsets(_ group: String, _ partitions: [TopicPartition]) -> ClientRequest {
        var request = OffsetDeleteRequest()
        request.groupID = group
        request.topics = byTopic(partitions).map { name, indexes in
            var topic = OffsetDeleteRequest.Topic()
            topic.name = name
            topic.partitions = indexes.map { index in
                var partition = OffsetDeleteRequest.Partition()
                partition.partitionIndex = index
                return partition
            }
            return topic
        }
        return ClientRequest(request, to: .coordinator(group: group), timeoutMs: PlanLimits.requestMs)
    }

    private static func setShareOffsets(_ group: String, _ offsets: [OffsetToCommit]) -> ClientRequest {
        var request = AlterShareGroupOffsetsRequest()
        request.groupID = group
        for offset in offsets.sorted(by: { $0.partition < $1.partition }) {
            if request.topics.last?.topicName != offset.partition.topic {
                var topic = AlterShareGroupOffsetsRequest.Topic()
                topic.topicName = offset.partition.topic
                request.topics.append(topic)
            }
            var partition = AlterShareGroupOffsetsRequest.Partition()
            (partition.partitionIndex, partition.startOffset) = (offset.partition.partition, offset.offset.rawValue)
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        return ClientRequest(request, to: .coordinator(group: group), timeoutMs: PlanLimits.requestMs)
    }

    private static func deleteShareOffsets(_ group: String, _ partitions: [TopicPartition]) -> ClientRequest {
        var request = DeleteShareGroupOffsetsRequest()
        request.groupID = group
        request.topics = partitions.map(\.topic).uniqued().map { name in
            var topic = DeleteShareGroupOffsetsRequest.Topic()
            topic.topicName = name
            return topic
        }
        return ClientRequest(request, to: .coordinator(group: group), timeoutMs: PlanLimits.requestMs)
    }

    // MARK: Answers

    /// What an answer says against the step, in sentences; empty where it was done.
    func refusals(in message: any WireMessage) -> [String] {
        switch message {
        case let answer as CreateTopicsResponse: answer.topics.compactMap { refusal($0.errorCode, $0.errorMessage) }
        case let answer as DeleteTopicsResponse: answer.responses.compactMap { refusal($0.errorCode, $0.errorMessage) }
        case let answer as CreatePartitionsResponse: answer.results.compactMap { refusal($0.errorCode, $0.errorMessage) }
        case let answer as IncrementalAlterConfigsResponse: answer.responses.compactMap { refusal($0.errorCode, $0.errorMessage) }
        case let answer as CreateAclsResponse: answer.results.compactMap { refusal($0.errorCode, $0.errorMessage) }
        case let answer as DeleteAclsResponse: answer.filterResults.compactMap { refusal($0.errorCode, $0.errorMessage) }
        case let answer as AlterClientQuotasResponse: answer.entries.compactMap { refusal($0.errorCode, $0.errorMessage) }
        case let answer as UpdateFeaturesResponse: [refusal(answer.errorCode, answer.errorMessage)].compactMap { $0 }
        case let answer as DeleteGroupsResponse: answer.results.compactMap { refusal($0.errorCode, nil) }
        case let answer as OffsetCommitResponse:
            answer.topics.flatMap { topic in topic.partitions.compactMap { refusal($0.errorCode, nil, topic.name, $0.partitionIndex) } }
        case let answer as OffsetDeleteResponse:
            (refusal(answer.errorCode, nil).map { [$0] } ?? [])
                + answer.topics.flatMap { topic in
                    topic.partitions.compactMap { refusal($0.errorCode, nil, topic.name, $0.partitionIndex) }
                }
        case let answer as AlterShareGroupOffsetsResponse:
            (refusal(answer.errorCode, answer.errorMessage).map { [$0] } ?? [])
                + answer.responses.flatMap { topic in
                    topic.partitions.compactMap { refusal($0.errorCode, $0.errorMessage, topic.topicName, $0.partitionIndex) }
                }
        case let answer as DeleteShareGroupOffsetsResponse:
            (refusal(answer.errorCode, answer.errorMessage).map { [$0] } ?? [])
                + answer.responses.compactMap { refusal($0.errorCode, $0.errorMessage, $0.topicName) }
        case let answer as DeleteRecordsResponse:
            answer.topics.flatMap { topic in topic.partitions.compactMap { refusal($0.errorCode, nil, topic.name, $0.partitionIndex) } }
        case let answer as ProduceResponse:
            answer.topics.flatMap { topic in
                topic.partitions.compactMap { refusal($0.errorCode, $0.errorMessage, topic.name, $0.index) }
            }
        case let answer as AlterPartitionReassignmentsResponse:
            (refusal(answer.errorCode, answer.errorMessage).map { [$0] } ?? [])
                + answer.responses.flatMap { topic in
                    topic.partitions.compactMap { partition in
                        // Cancelling what has just ended is no failure.
                        partition.errorCode == .noReassignmentInProgress
                            ? nil : refusal(partition.errorCode, partition.errorMessage, topic.name, partition.partitionIndex)
                    }
                }
        case let answer as ElectLeadersResponse:
            (refusal(answer.errorCode, nil).map { [$0] } ?? [])
                + answer.replicaElectionResults.flatMap { topic in
                    topic.partitionResults.compactMap { partition in
                        partition.errorCode == .electionNotNeeded
                            ? nil : refusal(partition.errorCode, partition.errorMessage, topic.topic, partition.partitionID)
                    }
                }
        default: adminRefusals(in: message)
        }
    }

    private func refusal(_ code: ErrorCode, _ message: String?, _ topic: String? = nil, _ partition: Int32 = 0) -> String? {
        guard code != .none else { return nil }
        let text = message.flatMap { $0.isEmpty ? nil : $0 } ?? code.message
        let place = topic.map { "\(TopicPartition($0, partition)): " } ?? ""
        return "\(place)\(code.name): \(text)"
    }
}

enum PlanLimits {
    /// Topics of which one request describes the settings.
    static let topicsPerRequest = 1_000
    /// What the broker may take for a change, and what we wait for its answer.
    static let brokerMs: Int32 = 15_000
    static let requestMs: Int64 = 20_000
    /// The transaction timeout of a producer that only takes an id away.
    static let fenceTimeoutMs: Int32 = 30_000
    /// A cluster needs a moment until all brokers know of a change: how often, and how long between, the check is made again.
    static let checksMax = 20
    static let checkPauseMs: Int64 = 150
    /// How often a batch that is on its way is looked at, and how often one that nobody answers to is asked for again.
    static let batchPollMs: Int64 = 1_000
    static let batchRetriesMax = 120
}
