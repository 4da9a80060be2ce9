import Primitives

/// A broker as it registered itself (KIP-631).
package struct BrokerRegistration: Equatable, Sendable {
    package struct Endpoint: Equatable, Sendable {
        package var name: String
        package var host: String
        package var port: UInt16
        package var securityProtocol: Int16

        package init(name: String, host: String, port: UInt16, securityProtocol: Int16) {
            self.name = name
            self.host = host
            self.port = port
            self.securityProtocol = securityProtocol
        }
    }

    package struct Feature: Equatable, Sendable {
        package var name: String
        package var minVersion: Int16
        package var maxVersion: Int16

        package init(name: String, minVersion: Int16, maxVersion: Int16) {
            self.name = name
            self.minVersion = minVersion
            self.maxVersion = maxVersion
        }
    }

    package var id: BrokerID
    /// The offset of its registration record: a broker that starts again has a new one.
    package var brokerEpoch: Int64
    /// New with each start of the process.
    package var incarnationID: UUID
    package var endpoints: [Endpoint]
    package var features: [Feature]
    package var rack: String?
    /// A fenced broker serves nobody: it has not caught up yet, or was not heard of for a session.
    package var isFenced: Bool
    package var isInControlledShutdown: Bool
    package var logDirectories: [UUID]

    package init(
        id: BrokerID, brokerEpoch: Int64 = -1, incarnationID: UUID = .zero, endpoints: [Endpoint] = [], features: [Feature] = [],
        rack: String? = nil, isFenced: Bool = true, isInControlledShutdown: Bool = false, logDirectories: [UUID] = []
    ) {
        self.id = id
        self.brokerEpoch = brokerEpoch
        self.incarnationID = incarnationID
        self.endpoints = endpoints
        self.features = features
        self.rack = rack
        self.isFenced = isFenced
        self.isInControlledShutdown = isInControlledShutdown
        self.logDirectories = logDirectories
    }

    /// Whether it may lead and be in sync.
    package var isActive: Bool { !isFenced && !isInControlledShutdown }
    package func endpoint(_ listener: String) -> Endpoint? { endpoints.first { $0.name == listener } }
}

package struct TopicImage: Equatable, Sendable {
    package var name: String
    package var id: UUID
    /// By index; in a healthy cluster 0 up to the count without a gap.
    package var partitions: OrderedMap<Int32, PartitionImage>

    package init(name: String, id: UUID, partitions: OrderedMap<Int32, PartitionImage> = OrderedMap()) {
        self.name = name
        self.id = id
        self.partitions = partitions
    }

    /// Kafka's own topics, which clients are told apart by.
    package var isInternal: Bool { TopicNames.isInternal(name) }
    /// Of the first partition, as Kafka's tools count it.
    package var replicationFactor: Int { partitions.values.first?.replicas.count ?? 0 }
}

/// All that the metadata log says, up to an offset: brokers, topics, settings, features. A value: whoever holds one sees one moment.
///
/// It changes by `apply` alone, and every node that applies the same records holds an equal image. Never iterates a dictionary.
package struct ClusterImage: Equatable, Sendable {
    package var clusterID: String
    /// The offset of the last record applied; -1 before the first.
    package internal(set) var appliedOffset: Offset = .none
    package internal(set) var brokers: OrderedMap<BrokerID, BrokerRegistration> = OrderedMap()
    /// By name.
    package internal(set) var topics: OrderedMap<String, TopicImage> = OrderedMap()
    package internal(set) var configs: OrderedMap<ConfigResource, OrderedMap<String, String>> = OrderedMap()
    /// Finalized features, such as `metadata.version`.
    package internal(set) var features: OrderedMap<String, Int16> = OrderedMap()
    /// The first producer id not yet given out in a block.
    package internal(set) var nextProducerID: Int64 = 0
    private(set) var topicNames: [UUID: String] = [:]
    /// By the form under which metrics know it, the name of a topic with '.' or '_': only such can collide.
    private var metricNames: [String: String] = [:]
    package internal(set) var access = AccessList()
    package internal(set) var quotas = QuotaTable()
    /// What this build does not use (credentials, …), for the next snapshot.
    package internal(set) var kept = KeptRecords()

    package init(clusterID: String) { self.clusterID = clusterID }

    package func topic(_ name: String) -> TopicImage? { topics[name] }
    package func topicName(_ id: UUID) -> String? { topicNames[id] }
    package func topic(_ id: UUID) -> TopicImage? { topicNames[id].flatMap { topics[$0] } }
    package func partition(_ partition: TopicPartition) -> PartitionImage? { topics[partition.topic]?.partitions[partition.partition] }
    package func config(_ resource: ConfigResource) -> OrderedMap<String, String> { configs[resource] ?? OrderedMap() }
    package func topicConfig(_ name: String) -> OrderedMap<String, String> { config(.topic(name)) }
    /// Brokers that serve, in ascending order.
    package var activeBrokers: [BrokerRegistration] { brokers.values.filter(\.isActive) }

    /// Another topic that metrics could not tell from one of this name, which has a '.' or '_'.
    func collision(with name: String) -> String? {
        metricNames[TopicNames.metricName(name)].flatMap { $0 == name ? nil : $0 }
    }

    mutating func insert(_ topic: TopicImage) {
        topics[topic.name] = topic
        topicNames[topic.id] = topic.name
        if TopicNames.mayCollide(topic.name) { metricNames[TopicNames.metricName(topic.name)] = topic.name }
    }

    mutating func removeTopic(_ id: UUID) -> TopicImage? {
        guard let name = topicNames.removeValue(forKey: id) else { return nil }
        if collision(with: name) == nil { metricNames[TopicNames.metricName(name)] = nil }
        return topics.remove(name)
    }
}
