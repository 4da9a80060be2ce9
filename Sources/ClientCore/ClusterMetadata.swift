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
        /// The version of each partition's leadership, by index; -1 where it is not told. An answer with an older one comes from a broker
        /// that lags behind, and is not believed.
        package var leaderEpochs: [LeaderEpoch]
        /// Zero where it is not told.
        package var id: UUID
        /// A broker has contradicted it: ask again before it is used.
        package var isStale = false

        package init(error: ErrorCode, leaders: [BrokerID?], leaderEpochs: [LeaderEpoch]? = nil, id: UUID = .zero) {
            self.error = error
            self.leaders = leaders
            self.leaderEpochs = leaderEpochs ?? Array(repeating: .none, count: leaders.count)
            self.id = id
        }
    }

    package var clusterID: String?
    package var controller: BrokerID?
    package var brokers = OrderedMap<BrokerID, Broker>()
    package var topics = OrderedMap<String, Topic>()
    /// When the brokers were last told.
    package var learntAt: Instant?
    /// How often what was learnt turned out to be wrong, or was forgotten: from then on it has to be told again, also what seems unchanged.
    private(set) var doubts = 0

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
        if topics.count + answer.topics.count > ClusterMetadata.topicsMax, !topics.isEmpty {
            let fresh = answer.topics.count { topic in topic.name.map { topics.index(of: $0) == nil } ?? false }
            if topics.count + fresh > ClusterMetadata.topicsMax {
                topics = OrderedMap()
                doubts += 1
            }
        }
        // In their order, so that a map which was empty is filled from its end.
        let order = answer.topics.indices.filter { answer.topics[$0].name != nil }
            .sorted { (answer.topics[$0].name ?? "") < (answer.topics[$1].name ?? "") }
        for index in order {
            guard let name = answer.topics[index].name else { continue }
            var told = ClusterMetadata.topic(answer.topics[index])
            if let known = topics[name] {
                if known.id == told.id { told.keepNewer(known) }
                if known == told { continue }
            }
            topics[name] = told
        }
    }

    private static func topic(_ topic: MetadataResponse.Topic) -> Topic {
        let count = topic.partitions.map { Int($0.partitionIndex) + 1 }.max() ?? 0
        guard count <= topic.partitions.count else { return Topic(error: .unknownServerError, leaders: []) }
        var leaders = [BrokerID?](repeating: nil, count: count)
        var epochs = [LeaderEpoch](repeating: .none, count: count)
        for partition in topic.partitions where partition.partitionIndex >= 0 {
            leaders[Int(partition.partitionIndex)] = partition.leaderID >= 0 ? BrokerID(partition.leaderID) : nil
            epochs[Int(partition.partitionIndex)] = LeaderEpoch(partition.leaderEpoch)
        }
        return Topic(error: topic.errorCode, leaders: leaders, leaderEpochs: epochs, id: topic.topicID)
    }

    /// The leader where it is known; nil where it has to be asked for.
    package func leader(_ partition: TopicPartition) -> BrokerID? {
        guard let topic = topics[partition.topic], !topic.isStale, topic.leaders.indices.contains(Int(partition.partition)) else {
            return nil
        }
        return topic.leaders[Int(partition.partition)]
    }

    /// -1 where it is not known.
    package func leaderEpoch(_ partition: TopicPartition) -> LeaderEpoch {
        guard let topic = topics[partition.topic], topic.leaderEpochs.indices.contains(Int(partition.partition)) else { return .none }
        return topic.leaderEpochs[Int(partition.partition)]
    }

    /// What is known of a topic's leaders was wrong; what is known of their epochs stays, so that a lagging broker cannot say it again.
    package mutating func distrust(_ topic: String) {
        doubts += 1
        topics.update(topic) { $0.isStale = true }
    }

    /// What an error said of who leads instead (KIP-951), where that is news.
    package mutating func hint(_ partition: TopicPartition, _ leader: BrokerID, _ epoch: LeaderEpoch) {
        guard brokers[leader] != nil, epoch > leaderEpoch(partition) else { return }
        topics.update(partition.topic) { topic in
            guard topic.leaders.indices.contains(Int(partition.partition)) else { return }
            topic.leaders[Int(partition.partition)] = leader
            topic.leaderEpochs[Int(partition.partition)] = epoch
            topic.isStale = false
        }
    }

    /// What is known of leaders on this broker may be over: it broke its connection.
    mutating func distrustLeaders(on broker: BrokerID) {
        for name in topics.keys where topics[name]?.leaders.contains(broker) == true { distrust(name) }
        if controller == broker { controller = nil }
    }
}

extension ClusterMetadata.Topic {
    /// Takes over what is newer in `known`, partition by partition. A leader that was distrusted is not taken over: there is none then.
    fileprivate mutating func keepNewer(_ known: ClusterMetadata.Topic) {
        // A broker that does not know the topic yet says nothing about epochs.
        if leaders.isEmpty && error.isRetriable {
            leaders = Array(repeating: nil, count: known.leaders.count)
            leaderEpochs = known.leaderEpochs
        }
        for index in leaders.indices where index < known.leaderEpochs.count && leaderEpochs[index] < known.leaderEpochs[index] {
            guard leaderEpochs[index] > .none else { continue }
            leaderEpochs[index] = known.leaderEpochs[index]
            leaders[index] = known.isStale ? nil : known.leaders[index]
        }
    }
}
