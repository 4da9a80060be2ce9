import ClientCore
import Primitives
import Wire

/// Looks at a cluster and changes it: topics, settings, groups, offsets, replicas, transactions, access lists, quotas, users.
///
/// Each call finds the broker that has to answer, and tries again where that can help, for `default.api.timeout.ms`. Calls that change
/// several things return those that were refused, with the reason; an empty answer says that all is done. Calls that change one thing
/// throw. May be used from any task.
///
///     let admin = try Admin(ClientConfiguration(properties: ["bootstrap.servers": "localhost:9092"]))
///     _ = try await admin.createTopics([TopicPlan("orders", partitions: 6, replicas: 3)])
public final class Admin: Sendable {
    let client: ClusterClient
    let timeoutMs: Int64

    /// - Throws: `KafkaError` of kind `configuration`, naming the key.
    public init(_ configuration: ClientConfiguration) throws(KafkaError) {
        timeoutMs = configuration.integer("default.api.timeout.ms")
        client = try configuration.client()
    }

    deinit { client.stop() }

    /// Ends its connections; calls under way fail.
    public func close() { client.stop() }

    func ask<R: WireRequest>(
        _ request: R, to target: RequestTarget = .any, isRepeatable: Bool = true, versions: ClosedRange<Int16> = 0...Int16.max
    ) async throws(KafkaError) -> R.Response {
        try await client.ask(
            ClientRequest(request, to: target, timeoutMs: timeoutMs, versions: versions, isRepeatable: isRepeatable))
    }

    func check(_ code: ErrorCode, _ message: String? = nil) throws(KafkaError) {
        if let error = KafkaError(code, message) { throw error }
    }

    // MARK: The cluster

    /// The brokers that are there, the controller and the cluster's id.
    public func describeCluster() async throws(KafkaError) -> ClusterDescription {
        let answer = try await ask(MetadataRequest.ofNoTopics)
        return ClusterDescription(
            clusterID: answer.clusterID ?? "", controller: answer.controllerID >= 0 ? answer.controllerID : nil,
            brokers: answer.brokers.map { ClusterDescription.Broker(id: $0.nodeID, host: $0.host, port: $0.port, rack: $0.rack) })
    }

    func brokers() async throws(KafkaError) -> [BrokerID] { try await describeCluster().brokers.map { BrokerID($0.id) } }

    /// The finalised features of the cluster, such as `metadata.version`, with their levels.
    public func describeFeatures() async throws(KafkaError) -> [String: Int16] {
        let answer = try await ask(ApiVersionsRequest.ofThisClient, versions: 3...4)
        try check(answer.errorCode)
        return Dictionary(answer.finalizedFeatures.map { ($0.name, $0.maxVersionLevel) }, uniquingKeysWith: { $1 })
    }

    /// Finalises features at these levels; 0 turns one off.
    public func updateFeatures(_ levels: [String: Int16], allowDowngrade: Bool = false) async throws(KafkaError) {
        var request = UpdateFeaturesRequest()
        request.timeoutMs = Int32(clamping: timeoutMs)
        request.featureUpdates = levels.sorted { $0.key < $1.key }.map { name, level in
            var update = UpdateFeaturesRequest.FeatureUpdate()
            (update.feature, update.maxVersionLevel) = (name, level)
            (update.allowDowngrade, update.upgradeType) = (allowDowngrade, allowDowngrade ? 2 : 1)
            return update
        }
        let answer = try await ask(request, to: .controller, isRepeatable: false)
        try check(answer.errorCode, answer.errorMessage)
        for result in answer.results { try check(result.errorCode, result.errorMessage) }
    }

    /// The quorum of the metadata log: who leads, and how far each node is.
    public func describeQuorum() async throws(KafkaError) -> QuorumDescription {
        var request = DescribeQuorumRequest()
        var topic = DescribeQuorumRequest.Topic()
        (topic.topicName, topic.partitions) = ("__cluster_metadata", [DescribeQuorumRequest.Partition()])
        request.topics = [topic]
        let answer = try await ask(request, to: .controller)
        try check(answer.errorCode, answer.errorMessage)
        guard let row = answer.topics.first?.partitions.first else { throw KafkaError(.unsupported, "no quorum was described") }
        try check(row.errorCode, row.errorMessage)
        return QuorumDescription(
            leader: row.leaderID, leaderEpoch: row.leaderEpoch, highWatermark: row.highWatermark,
            voters: row.currentVoters.map { QuorumDescription.Node(id: $0.replicaID, logEndOffset: $0.logEndOffset) },
            observers: row.observers.map { QuorumDescription.Node(id: $0.replicaID, logEndOffset: $0.logEndOffset) })
    }

    /// Takes a broker that is gone for good out of the cluster's list.
    public func unregisterBroker(_ id: Int32) async throws(KafkaError) {
        var request = UnregisterBrokerRequest()
        request.brokerID = id
        let answer = try await ask(request, to: .controller, isRepeatable: false)
        try check(answer.errorCode, answer.errorMessage)
    }

    /// What the log directories of a broker hold, in bytes.
    public func describeLogDirs(broker: Int32) async throws(KafkaError) -> [LogDirDescription] {
        let answer = try await ask(DescribeLogDirsRequest(), to: .broker(BrokerID(broker)))
        try check(answer.errorCode)
        return answer.results.map { row in
            var partitions: [TopicPartition: Int64] = [:]
            for topic in row.topics {
                for partition in topic.partitions {
                    partitions[TopicPartition(topic.name, partition.partitionIndex)] = partition.partitionSize
                }
            }
            return LogDirDescription(
                path: row.logDir, error: KafkaError(row.errorCode), partitionBytes: partitions,
                totalBytes: row.totalBytes >= 0 ? row.totalBytes : nil, usableBytes: row.usableBytes >= 0 ? row.usableBytes : nil)
        }
    }
}

/// A cluster as its metadata tells it.
public struct ClusterDescription: Equatable, Sendable {
    /// A broker and where clients reach it.
    public struct Broker: Equatable, Sendable {
        /// `node.id`.
        public var id: Int32
        /// As the broker advertises it on the listener that was asked.
        public var host: String
        /// As the broker advertises it on the listener that was asked.
        public var port: Int32
        /// `broker.rack`; nil where it has none.
        public var rack: String?
    }
    /// The id that the cluster was formatted with.
    public var clusterID: String
    /// On KRaft any broker, which forwards; nil where there is none.
    public var controller: Int32?
    /// Those that are not fenced, in no particular order.
    public var brokers: [Broker]
}

/// The Raft quorum that keeps the cluster's metadata (KIP-595).
public struct QuorumDescription: Equatable, Sendable {
    /// A controller, or a broker that follows.
    public struct Node: Equatable, Sendable {
        /// `node.id`.
        public var id: Int32
        /// One past the last entry of its metadata log, as the leader knows it; -1 where it does not.
        public var logEndOffset: Int64
    }
    /// The node that leads; -1 where there is none.
    public var leader: Int32
    /// The epoch it was elected in.
    public var leaderEpoch: Int32
    /// One past the last committed entry.
    public var highWatermark: Int64
    /// Those whose votes count.
    public var voters: [Node]
    /// Those that only read: brokers that are no controllers.
    public var observers: [Node]
}

/// A directory in which a broker keeps its logs.
public struct LogDirDescription: Equatable, Sendable {
    /// On the broker's machine.
    public var path: String
    /// Not nil where the directory is offline.
    public var error: KafkaError?
    /// Bytes of each partition's log there.
    public var partitionBytes: [TopicPartition: Int64]
    /// Of the volume; nil where it is not told.
    public var totalBytes: Int64?
    /// What is free for the broker; nil where it is not told.
    public var usableBytes: Int64?
}

extension MetadataRequest {
    static var ofNoTopics: MetadataRequest {
        var request = MetadataRequest()
        (request.topics, request.allowAutoTopicCreation) = ([], false)
        return request
    }
}

extension ApiVersionsRequest {
    static var ofThisClient: ApiVersionsRequest {
        var request = ApiVersionsRequest()
        (request.clientSoftwareName, request.clientSoftwareVersion) = ("kastellan", "0.1.0")
        return request
    }
}

/// Sorted partitions gathered by topic.
func gathered(_ partitions: [TopicPartition]) -> [(topic: String, partitions: [Int32])] {
    var found: [(topic: String, partitions: [Int32])] = []
    for partition in partitions.sorted() {
        if found.last?.topic != partition.topic { found.append((partition.topic, [])) }
        found[found.count - 1].partitions.append(partition.partition)
    }
    return found
}
