import ClientCore
import Primitives
import Wire

/// A topic to be made.
public struct TopicPlan: Equatable, Sendable {
    /// Up to 249 of letters, digits, ".", "_" and "-".
    public var name: String
    /// -1: `num.partitions` of the brokers.
    public var partitions: Int32
    /// -1: `default.replication.factor` of the brokers.
    public var replicas: Int16
    /// The brokers of each partition, the preferred leader first; not empty, it decides instead of `partitions` and `replicas`.
    public var assignment: [[Int32]]
    /// The topic's own settings by their keys, such as "retention.ms"; others come from the brokers.
    public var settings: [String: String]

    /// A topic with as many partitions and replicas as the brokers give by default, unless told otherwise.
    public init(
        _ name: String, partitions: Int32 = -1, replicas: Int16 = -1, assignment: [[Int32]] = [], settings: [String: String] = [:]
    ) {
        self.name = name
        self.partitions = partitions
        self.replicas = replicas
        self.assignment = assignment
        self.settings = settings
    }
}

/// A topic as its metadata tells it.
public struct TopicDescription: Equatable, Sendable {
    /// A partition, who leads it and who follows.
    public struct Partition: Equatable, Sendable {
        /// Its number, from 0.
        public var partition: Int32
        /// Nil where there is none.
        public var leader: Int32?
        /// The version of its leadership; goes up by one with each election.
        public var leaderEpoch: Int32
        /// The preferred leader first.
        public var replicas: [Int32]
        /// The ISR: those of `replicas` that have all that is committed.
        public var inSyncReplicas: [Int32]
        /// Those of `replicas` that no broker serves now.
        public var offlineReplicas: [Int32]
    }
    /// The topic's name.
    public var name: String
    /// One of the cluster's own, such as "__consumer_offsets".
    public var isInternal: Bool
    /// By number.
    public var partitions: [Partition]
}

/// A reassignment that is going on.
public struct Reassignment: Equatable, Sendable {
    /// All brokers that have the partition meanwhile, those to come and those to go among them.
    public var replicas: [Int32]
    /// Those that are to have it and do not yet count.
    public var adding: [Int32]
    /// Those that give it up once the others are in sync.
    public var removing: [Int32]
}

// Topics and their partitions.
extension Admin {
    /// The names of all topics, sorted.
    public func listTopics(includingInternal: Bool = false) async throws(KafkaError) -> [String] {
        var request = MetadataRequest()
        (request.topics, request.allowAutoTopicCreation) = (nil, false)
        return try await ask(request).topics.filter { includingInternal || !$0.isInternal }.compactMap(\.name).sorted()
    }

    /// - Throws: where one of them does not exist or may not be seen.
    public func describeTopics(_ names: [String]) async throws(KafkaError) -> [TopicDescription] {
        guard !names.isEmpty else { return [] }
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = names.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        var found: [TopicDescription] = []
        for topic in try await ask(request).topics {
            try check(topic.errorCode, topic.name)
            let partitions = topic.partitions.map { row in
                TopicDescription.Partition(
                    partition: row.partitionIndex, leader: row.leaderID >= 0 ? row.leaderID : nil, leaderEpoch: row.leaderEpoch,
                    replicas: row.replicaNodes, inSyncReplicas: row.isrNodes, offlineReplicas: row.offlineReplicas)
            }
            found.append(
                TopicDescription(
                    name: topic.name ?? "", isInternal: topic.isInternal, partitions: partitions.sorted { $0.partition < $1.partition }))
        }
        return found
    }

    /// Makes topics; `validateOnly` only says whether it could. Returns those that were refused.
    public func createTopics(_ topics: [TopicPlan], validateOnly: Bool = false) async throws(KafkaError) -> [String: KafkaError] {
        var request = CreateTopicsRequest()
        (request.timeoutMs, request.validateOnly) = (Int32(clamping: timeoutMs), validateOnly)
        request.topics = topics.map { wanted in
            var topic = CreateTopicsRequest.Topic()
            topic.name = wanted.name
            (topic.numPartitions, topic.replicationFactor) = wanted.assignment.isEmpty ? (wanted.partitions, wanted.replicas) : (-1, -1)
            topic.assignments = wanted.assignment.enumerated().map { index, brokers in
                var row = CreateTopicsRequest.Assignment()
                (row.partitionIndex, row.brokerIDs) = (Int32(index), brokers)
                return row
            }
            topic.configs = wanted.settings.sorted { $0.key < $1.key }.map { name, value in
                var setting = CreateTopicsRequest.Config()
                (setting.name, setting.value) = (name, value)
                return setting
            }
            return topic
        }
        let answer = try await ask(request, to: .controller, isRepeatable: false)
        return refused(answer.topics.map { ($0.name, $0.errorCode, $0.errorMessage) })
    }

    /// Deletes topics with all their records; it cannot be undone. Returns those that were refused.
    public func deleteTopics(_ names: [String]) async throws(KafkaError) -> [String: KafkaError] {
        var request = DeleteTopicsRequest()
        (request.timeoutMs, request.topicNames) = (Int32(clamping: timeoutMs), names)
        request.topics = names.map { name in
            var topic = DeleteTopicsRequest.Topic()
            topic.name = name
            return topic
        }
        let answer = try await ask(request, to: .controller, isRepeatable: false)
        return refused(answer.responses.map { ($0.name ?? "", $0.errorCode, $0.errorMessage) })
    }

    /// Raises the number of partitions of topics to these. Returns those that were refused.
    public func createPartitions(_ totals: [String: Int32]) async throws(KafkaError) -> [String: KafkaError] {
        var request = CreatePartitionsRequest()
        request.timeoutMs = Int32(clamping: timeoutMs)
        request.topics = totals.sorted { $0.key < $1.key }.map { name, count in
            var topic = CreatePartitionsRequest.Topic()
            (topic.name, topic.count) = (name, count)
            return topic
        }
        let answer = try await ask(request, to: .controller, isRepeatable: false)
        return refused(answer.results.map { ($0.name, $0.errorCode, $0.errorMessage) })
    }

    /// Deletes the records below these offsets, -1 for all that are committed. Returns the first offset that is left of each partition.
    public func deleteRecords(below offsets: [TopicPartition: Int64]) async throws(KafkaError) -> [TopicPartition: Int64] {
        var left: [TopicPartition: Int64] = [:]
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            var request = DeleteRecordsRequest()
            request.timeoutMs = Int32(clamping: timeoutMs)
            var (topic, row) = (DeleteRecordsRequest.Topic(), DeleteRecordsRequest.Partition())
            (row.partitionIndex, row.offset) = (partition.partition, offset)
            (topic.name, topic.partitions) = (partition.topic, [row])
            request.topics = [topic]
            guard let told = try await ask(request, to: .leader(partition)).topics.first?.partitions.first else { continue }
            try check(told.errorCode, "\(partition)")
            left[partition] = told.lowWatermark
        }
        return left
    }

    /// The offset of each partition at a time: milliseconds since 1970, -1 for the end, -2 for the beginning, -3 for the newest timestamp.
    public func listOffsets(
        _ times: [TopicPartition: Int64], isReadCommitted: Bool = false
    ) async throws(KafkaError) -> [TopicPartition: OffsetAndTimestamp] {
        try await client.listOffsets(times, isReadCommitted: isReadCommitted, timeoutMs: timeoutMs)
    }

    // MARK: Replicas

    /// Moves partitions to these brokers, the preferred leader first; nil cancels a move that is going on. Returns what was refused.
    public func alterReassignments(_ targets: [TopicPartition: [Int32]?]) async throws(KafkaError) -> [TopicPartition: KafkaError] {
        var request = AlterPartitionReassignmentsRequest()
        request.timeoutMs = Int32(clamping: timeoutMs)
        request.topics = gathered(Array(targets.keys)).map { name, partitions in
            var topic = AlterPartitionReassignmentsRequest.Topic()
            topic.name = name
            topic.partitions = partitions.map { index in
                var row = AlterPartitionReassignmentsRequest.Partition()
                (row.partitionIndex, row.replicas) = (index, targets[TopicPartition(name, index)] ?? nil)
                return row
            }
            return topic
        }
        let answer = try await ask(request, to: .controller, isRepeatable: false)
        try check(answer.errorCode, answer.errorMessage)
        var refused: [TopicPartition: KafkaError] = [:]
        for topic in answer.responses {
            for row in topic.partitions {
                refused[TopicPartition(topic.name, row.partitionIndex)] = KafkaError(row.errorCode, row.errorMessage)
            }
        }
        return refused
    }

    /// The reassignments that are going on now; empty where there are none.
    public func listReassignments() async throws(KafkaError) -> [TopicPartition: Reassignment] {
        var request = ListPartitionReassignmentsRequest()
        request.timeoutMs = Int32(clamping: timeoutMs)
        let answer = try await ask(request, to: .controller)
        try check(answer.errorCode, answer.errorMessage)
        var found: [TopicPartition: Reassignment] = [:]
        for topic in answer.topics {
            for row in topic.partitions {
                found[TopicPartition(topic.name, row.partitionIndex)] = Reassignment(
                    replicas: row.replicas, adding: row.addingReplicas, removing: row.removingReplicas)
            }
        }
        return found
    }

    /// Has the preferred replicas lead again, or, `unclean`, any that lives where no replica in sync does: records may be lost then.
    /// Returns what was refused, ELECTION_NOT_NEEDED among it.
    public func electLeaders(
        _ partitions: [TopicPartition], unclean: Bool = false
    ) async throws(KafkaError) -> [TopicPartition: KafkaError] {
        var request = ElectLeadersRequest()
        (request.timeoutMs, request.electionType) = (Int32(clamping: timeoutMs), unclean ? 1 : 0)
        request.topicPartitions = gathered(partitions).map { name, indexes in
            var topic = ElectLeadersRequest.TopicPartitions()
            (topic.topic, topic.partitions) = (name, indexes)
            return topic
        }
        let answer = try await ask(request, to: .controller, isRepeatable: false)
        try check(answer.errorCode)
        var refused: [TopicPartition: KafkaError] = [:]
        for topic in answer.replicaElectionResults {
            for row in topic.partitionResults {
                refused[TopicPartition(topic.topic, row.partitionID)] = KafkaError(row.errorCode, row.errorMessage)
            }
        }
        return refused
    }

    func refused(_ rows: [(name: String, code: ErrorCode, message: String?)]) -> [String: KafkaError] {
        var refused: [String: KafkaError] = [:]
        for row in rows { refused[row.name] = KafkaError(row.code, row.message) }
        return refused
    }
}
