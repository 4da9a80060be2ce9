import ClientCore
import Primitives
import Records
import Wire

/// A cluster of plain values that answers what observers and plans ask, at once and in full.
struct FakeCluster {
    struct Partition {
        var leader: Int32
        var replicas: [Int32]
        var isr: [Int32]
        var start: Int64 = 0
        var end: Int64 = 0
        var epoch: Int32 = 0
        /// Offset of the first message not older than a time; nil: none is.
        var byTime: Int64?
        /// How far each follower's log ends behind the leader's; those not named are level.
        var behind: [Int32: Int64] = [:]
        var adding: [Int32] = []
        var removing: [Int32] = []
    }
    struct Topic {
        var id: UUID
        var partitions: [Partition]
        var overrides: [String: String] = [:]
    }
    struct Member {
        var id: String
        var client = "client"
        var instance: String?
        var topics: [String]
        var assigned: [TopicPartition]
    }
    struct Group {
        var state = "Empty"
        var coordinator: Int32 = 1
        var members: [Member] = []
        /// Of a share group its start offsets.
        var commits: [TopicPartition: Int64] = [:]
        var isShare = false
    }

    var brokers: [Int32] = [1, 2, 3]
    var topics: [String: Topic] = [:]
    var groups: [String: Group] = [:]
    var racks: [Int32: String] = [:]
    /// Registered, and not counted on.
    var fenced: [Int32] = []
    var brokerOverrides: [Int32: [String: String]] = [:]
    /// APIs that fail, and how.
    var failing: [APIKey: ClientError] = [:]
    /// Refuses OffsetFetch for many groups at once, as brokers before 3.0.
    var isOld = false
    /// Says yes to changes and makes none.
    var isLying = false
    var requests: [APIKey] = []
    /// When the record at an offset was written; nil: nothing can be fetched.
    var writes: ((Int64) -> Timestamp)?
    /// The last stable offset, where a transaction is open, and who is known to write.
    var stable: Int64?
    var producers: [(id: Int64, epoch: Int32, transactionStart: Int64)] = []
    var transactions: [String: FakeTransaction] = [:]
    var openProducers: [TopicPartition: [DescribeProducersResponse.Producer]] = [:]
    var producerErrors: [TopicPartition: ErrorCode] = [:]
    /// Users and the numbers of their SCRAM mechanisms.
    var logins: [String: [Int8]] = [:]
    /// What the newest upsertion of each said.
    var saltedPasswords: [String: Bytes] = [:]

    /// What brokers say of the APIs they serve, and brokers that say nothing to that.
    var versions: [Int32: ApiVersionsResponse] = [:]
    var silent: [Int32] = []

    mutating func add(_ topic: String, partitions: Int32, replicas: Int32 = 3, start: Int64 = 0, end: Int64 = 0) {
        let ids = Array(brokers.prefix(Int(replicas)))
        topics[topic] = Topic(
            id: UUID(high: 1, low: UInt64(topics.count + 2)),
            partitions: (0..<partitions).map { index in
                let order = (0..<ids.count).map { ids[(Int(index) + $0) % ids.count] }
                return Partition(leader: order[0], replicas: order, isr: order, start: start, end: end)
            })
    }

    mutating func answer(_ request: ClientRequest) -> AnswerResult {
        requests.append(request.apiKey)
        if let error = failing[request.apiKey] { return .failure(error) }
        var broker = BrokerID(brokers.first ?? 1)
        if case .broker(let asked) = request.target { broker = asked }
        if !brokers.contains(broker.rawValue) { return .failure(.unreachable("b\(broker):9092: connection refused")) }
        guard let message = respond(request, broker.rawValue) else { return .failure(.unsupported(api: request.apiKey.name)) }
        return .success(Answer(message: message, version: 0, broker: broker, latencyMs: 1))
    }

    private mutating func respond(_ request: ClientRequest, _ broker: Int32) -> (any WireMessage)? {
        switch request.message {
        case let request as MetadataRequest: return metadata(request)
        case let request as ListOffsetsRequest: return offsets(request, broker)
        case is ListGroupsRequest: return listGroups(broker)
        case let request as DescribeGroupsRequest: return describe(request)
        case let message as OffsetFetchRequest: return isOld && request.versions.lowerBound >= 8 ? nil : commits(message)
        case is DescribeLogDirsRequest: return logDirs(broker)
        case is DescribeQuorumRequest: return quorum
        case let request as DescribeConfigsRequest: return configs(request)
        case let request as OffsetCommitRequest: return commit(request)
        case let request as DeleteTopicsRequest:
            if !isLying { for topic in request.topics { topics[topic.name ?? ""] = nil } }
            return DeleteTopicsResponse()
        case let request as CreateTopicsRequest: return create(request)
        case let request as FetchRequest: return writes.map { fetch(request, $0) }
        case let request as DescribeProducersRequest where openProducers.isEmpty && producerErrors.isEmpty:
            return describeProducers(request)
        default: return replication(request.message) ?? administration(request.message, broker)
        }
    }

    private mutating func replication(_ message: any WireMessage) -> (any WireMessage)? {
        switch message {
        case is ListPartitionReassignmentsRequest: return listReassignments()
        case let request as AlterPartitionReassignmentsRequest: return reassign(request)
        case let request as ElectLeadersRequest: return elect(request)
        case let request as IncrementalAlterConfigsRequest: return alter(request)
        case is DescribeClusterRequest: return describeCluster()
        default: return share(message)
        }
    }

    // MARK: Answers

    private func metadata(_ request: MetadataRequest) -> MetadataResponse {
        var response = MetadataResponse()
        response.clusterID = "fake"
        response.controllerID = brokers.first ?? -1
        response.brokers = brokers.map { id in
            var broker = MetadataResponse.Broker()
            (broker.nodeID, broker.host, broker.port, broker.rack) = (id, "b\(id)", 9092, racks[id])
            return broker
        }
        let names = request.topics.map { $0.compactMap(\.name) } ?? topics.keys.sorted()
        response.topics = names.map { name in
            var described = MetadataResponse.Topic()
            described.name = name
            guard let topic = topics[name] else {
                described.errorCode = .unknownTopicOrPartition
                return described
            }
            described.topicID = topic.id
            described.isInternal = name.hasPrefix("__")
            described.partitions = topic.partitions.enumerated().map { index, known in
                var partition = MetadataResponse.Partition()
                (partition.partitionIndex, partition.leaderID, partition.leaderEpoch) = (Int32(index), known.leader, known.epoch)
                (partition.replicaNodes, partition.isrNodes) = (known.replicas, known.isr)
                if known.leader < 0 { partition.errorCode = .leaderNotAvailable }
                return partition
            }
            return described
        }
        return response
    }

    private func offsets(_ request: ListOffsetsRequest, _ broker: Int32) -> ListOffsetsResponse {
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { asked in
            var topic = ListOffsetsResponse.Topic()
            topic.name = asked.name
            topic.partitions = asked.partitions.map { wanted in
                var partition = ListOffsetsResponse.Partition()
                partition.partitionIndex = wanted.partitionIndex
                guard let known = topics[asked.name]?.partitions[Int(wanted.partitionIndex)] else { return partition }
                partition.offset = wanted.timestamp == -2 ? known.start : wanted.timestamp == -1 ? known.end : known.byTime ?? -1
                if request.isolationLevel == 1, wanted.timestamp == -1 { partition.offset = stable ?? known.end }
                if request.replicaID == -2 { partition.offset = known.end - (known.behind[broker] ?? 0) }
                return partition
            }
            return topic
        }
        return response
    }

    private func listGroups(_ broker: Int32) -> ListGroupsResponse {
        var response = ListGroupsResponse()
        response.groups = groups.filter { $0.value.coordinator == broker }.sorted { $0.key < $1.key }.map { id, known in
            var group = ListGroupsResponse.Group()
            (group.groupID, group.protocolType, group.groupState, group.groupType) = (
                id, known.isShare ? "share" : "consumer", known.state, known.isShare ? "share" : "classic"
            )
            return group
        }
        return response
    }

    private func describe(_ request: DescribeGroupsRequest) -> DescribeGroupsResponse {
        var response = DescribeGroupsResponse()
        response.groups = request.groups.map { id in
            var group = DescribeGroupsResponse.Group()
            group.groupID = id
            guard let known = groups[id], !known.isShare else {
                (group.groupState, group.errorCode) = ("Dead", .groupIDNotFound)
                return group
            }
            (group.groupState, group.protocolType, group.protocolData) = (known.state, "consumer", "range")
            group.members = known.members.map(describe)
            return group
        }
        return response
    }

    private func describe(_ known: Member) -> DescribeGroupsResponse.Member {
        var member = DescribeGroupsResponse.Member()
        (member.memberID, member.clientID, member.clientHost) = (known.id, known.client, "/127.0.0.1")
        member.groupInstanceID = known.instance
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = known.topics
        member.memberMetadata = versioned(subscription.encode(version: 1))
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = Set(known.assigned.map(\.topic)).sorted().map { topic in
            var partitions = ConsumerProtocolAssignment.TopicPartitions()
            partitions.topic = topic
            partitions.partitions = known.assigned.filter { $0.topic == topic }.map(\.partition)
            return partitions
        }
        member.memberAssignment = versioned(assignment.encode(version: 1))
        return member
    }

    /// The consumer protocol puts its version before its fields.
    private func versioned(_ body: Bytes) -> Bytes {
        var writer = ByteWriter()
        writer.integer(Int16(1))
        writer.bytes(body)
        return writer.finish()
    }

    private func committed(_ group: String) -> [TopicPartition: Int64] {
        groups[group].map { $0.isShare ? [:] : $0.commits } ?? [:]
    }

    private func commits(_ request: OffsetFetchRequest) -> OffsetFetchResponse {
        var response = OffsetFetchResponse()
        response.groups = request.groups.map { asked in
            var group = OffsetFetchResponse.Group()
            group.groupID = asked.groupID
            group.topics = committed(asked.groupID).sorted { $0.key < $1.key }.map { name, offset in
                var topic = OffsetFetchResponse.GroupTopic()
                topic.name = name.topic
                var partition = OffsetFetchResponse.GroupPartition()
                (partition.partitionIndex, partition.committedOffset, partition.metadata) = (name.partition, offset, "")
                topic.partitions = [partition]
                return topic
            }
            return group
        }
        guard request.groups.isEmpty else { return response }
        response.topics = committed(request.groupID).sorted { $0.key < $1.key }.map { name, offset in
            var topic = OffsetFetchResponse.Topic()
            topic.name = name.topic
            var partition = OffsetFetchResponse.Partition()
            (partition.partitionIndex, partition.committedOffset) = (name.partition, offset)
            topic.partitions = [partition]
            return topic
        }
        return response
    }

    private func logDirs(_ broker: Int32) -> DescribeLogDirsResponse {
        var response = DescribeLogDirsResponse()
        var result = DescribeLogDirsResponse.Result()
        (result.logDir, result.totalBytes, result.usableBytes) = ("/data", 1_000_000, 400_000)
        result.topics = topics.sorted { $0.key < $1.key }.map { name, known in
            var topic = DescribeLogDirsResponse.Topic()
            topic.name = name
            topic.partitions = known.partitions.enumerated().filter { $0.element.replicas.contains(broker) }.map { index, known in
                var partition = DescribeLogDirsResponse.Partition()
                let records = known.end &- known.start &- (known.behind[broker] ?? 0)
                (partition.partitionIndex, partition.partitionSize) = (Int32(index), records &* 100)
                return partition
            }
            return topic
        }
        response.results = [result]
        return response
    }

    private var quorum: DescribeQuorumResponse {
        var response = DescribeQuorumResponse()
        var topic = DescribeQuorumResponse.Topic()
        var partition = DescribeQuorumResponse.Partition()
        (partition.leaderID, partition.leaderEpoch, partition.highWatermark) = (brokers.last ?? -1, 5, 100)
        partition.currentVoters = brokers.map { id in
            var voter = DescribeQuorumResponse.ReplicaState()
            (voter.replicaID, voter.logEndOffset) = (id, id == brokers.last ? 101 : 99)
            return voter
        }
        topic.partitions = [partition]
        response.topics = [topic]
        return response
    }

    private func configs(_ request: DescribeConfigsRequest) -> DescribeConfigsResponse {
        var response = DescribeConfigsResponse()
        response.results = request.resources.map { resource in
            var result = DescribeConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (resource.resourceType, resource.resourceName)
            var overrides = topics[resource.resourceName]?.overrides ?? [:]
            var defaults = ["cleanup.policy": "delete", "min.insync.replicas": "2", "retention.ms": "604800000"]
            if resource.resourceType == 4 {
                overrides = Int32(resource.resourceName).flatMap { brokerOverrides[$0] } ?? [:]
                defaults["leader.replication.throttled.rate"] = "9223372036854775807"
            }
            for name in overrides.keys where defaults[name] == nil { defaults[name] = "" }
            if let keys = resource.configurationKeys { defaults = defaults.filter { keys.contains($0.key) } }
            result.configs = defaults.sorted { $0.key < $1.key }.map { name, standard in
                var config = DescribeConfigsResponse.Config()
                (config.name, config.value, config.configSource) = (name, overrides[name] ?? standard, overrides[name] == nil ? 5 : 1)
                return config
            }
            return result
        }
        return response
    }

    private mutating func commit(_ request: OffsetCommitRequest) -> OffsetCommitResponse {
        var response = OffsetCommitResponse()
        for topic in request.topics {
            var answered = OffsetCommitResponse.Topic()
            answered.name = topic.name
            for partition in topic.partitions {
                if !isLying {
                    groups[request.groupID, default: Group()].commits[TopicPartition(topic.name, partition.partitionIndex)] =
                        partition.committedOffset
                }
                var outcome = OffsetCommitResponse.Partition()
                outcome.partitionIndex = partition.partitionIndex
                answered.partitions.append(outcome)
            }
            response.topics.append(answered)
        }
        return response
    }

    private mutating func create(_ request: CreateTopicsRequest) -> CreateTopicsResponse {
        var response = CreateTopicsResponse()
        for topic in request.topics {
            var outcome = CreateTopicsResponse.Topic()
            outcome.name = topic.name
            outcome.numPartitions = topic.numPartitions < 0 ? 4 : topic.numPartitions
            outcome.replicationFactor = topic.replicationFactor < 0 ? 3 : topic.replicationFactor
            if !request.validateOnly && !isLying {
                add(topic.name, partitions: outcome.numPartitions, replicas: Int32(outcome.replicationFactor))
                for config in topic.configs { topics[topic.name]?.overrides[config.name] = config.value }
            }
            response.topics.append(outcome)
        }
        return response
    }
}

extension FakeCluster {
    /// A batch of ten that holds the asked one.
    private func fetch(_ request: FetchRequest, _ writes: (Int64) -> Timestamp) -> FetchResponse {
        var response = FetchResponse()
        response.topics = request.topics.map { asked in
            var topic = FetchResponse.Topic()
            topic.topic = asked.topic
            topic.partitions = asked.partitions.map { wanted in
                var partition = FetchResponse.Partition()
                partition.partitionIndex = wanted.partition
                let first = wanted.fetchOffset / 10 * 10
                var batch = BatchBuilder(baseOffset: Offset(first))
                for offset in first..<first + 10 { batch.append(timestamp: writes(offset), key: nil, value: Bytes("value")) }
                if let bytes = try? batch.build(.uncompressed) { partition.records = .bytes(bytes) }
                return partition
            }
            return topic
        }
        return response
    }

    private func describeProducers(_ request: DescribeProducersRequest) -> DescribeProducersResponse {
        var response = DescribeProducersResponse()
        response.topics = request.topics.map { asked in
            var topic = DescribeProducersResponse.Topic()
            topic.name = asked.name
            topic.partitions = asked.partitionIndexes.map { index in
                var partition = DescribeProducersResponse.Partition()
                partition.partitionIndex = index
                partition.activeProducers = producers.map { known in
                    var producer = DescribeProducersResponse.Producer()
                    (producer.producerID, producer.producerEpoch) = (known.id, known.epoch)
                    producer.currentTxnStartOffset = known.transactionStart
                    return producer
                }
                return partition
            }
            return topic
        }
        return response
    }
}

extension MachineStory {
    /// Lets the cluster answer until nothing is under way.
    mutating func settle(_ cluster: inout FakeCluster) {
        while !sent.isEmpty {
            let next = sent.removeFirst()
            perform(machine.answered(next.token, cluster.answer(next.request), now: now))
        }
    }
}
