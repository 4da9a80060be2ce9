import Primitives
import Wire

/// What a session knows of the cluster for routing: learnt from every Metadata answer that passes, whoever asked for it.
package struct ClusterMetadata: Equatable, Sendable {
    package struct Broker: Equatable, Sendable {
        package var id: BrokerID
        package var address: ServerAddress
        package var rack: String?

        package init(id: BrokerID, address: ServerAddress, rack: String?) {
            self.id = id
            self.address = address
            self.rack = rack
        }
    }
    package struct Topic: Equatable, Sendable {
        package var error: ErrorCode
        /// The leader of each partition by index; nil where there is none.
        package var leaders: [BrokerID?]

        package init(error: ErrorCode, leaders: [BrokerID?]) {
            self.error = error
            self.leaders = leaders
        }
    }

    package var clusterID: String?
    package var controller: BrokerID?
    package var brokers = OrderedMap<BrokerID, Broker>()
    package var topics = OrderedMap<String, Topic>()
    /// When the brokers were last told.
    package var learntAt: Instant?

    package init() {}

    /// Bound on remembered topics; beyond it the memory starts anew, and routing asks again.
    static let topicsMax = 20_000

    package mutating func fold(_ answer: MetadataResponse, now: Now) {
        // An answer without brokers comes from a broker that has not caught up yet; it must not make us forget the others.
        guard answer.errorCode == .none, !answer.brokers.isEmpty else { return }
        learntAt = now.instant
        clusterID = answer.clusterID ?? clusterID
        controller = answer.controllerID >= 0 ? BrokerID(answer.controllerID) : nil
        var listed = OrderedMap<BrokerID, Broker>()
        for broker in answer.brokers {
            let id = BrokerID(broker.nodeID)
            listed[id] = Broker(id: id, address: ServerAddress(host: broker.host, port: broker.port), rack: broker.rack)
        }
        brokers = listed
        if topics.count + answer.topics.count > ClusterMetadata.topicsMax { topics = OrderedMap() }
        for topic in answer.topics {
            guard let name = topic.name else { continue }
            topics[name] = ClusterMetadata.topic(topic)
        }
    }

    private static func topic(_ topic: MetadataResponse.Topic) -> Topic {
        let count = topic.partitions.map { Int($0.partitionIndex) + 1 }.max() ?? 0
        guard count <= topic.partitions.count else { return Topic(error: .unknownServerError, leaders: []) }
        var leaders = [BrokerID?](repeating: nil, count: count)
        for partition in topic.partitions where partition.partitionIndex >= 0 {
            leaders[Int(partition.partitionIndex)] = partition.leaderID >= 0 ? BrokerID(partition.leaderID) : nil
        }
        return Topic(error: topic.errorCode, leaders: leaders)
    }

    /// The leader where it is known; nil where it has to be asked for.
    package func leader(_ partition: TopicPartition) -> BrokerID? {
        guard let topic = topics[partition.topic], partition.partition >= 0, Int(partition.partition) < topic.leaders.count else {
            return nil
        }
        return topic.leaders[Int(partition.partition)]
    }
}
