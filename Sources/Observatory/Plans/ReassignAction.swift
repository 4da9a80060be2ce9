import Primitives

/// Which partitions an action is about.
package enum PartitionScope: Equatable, Sendable {
    case all
    case topics([String])
    case partitions([TopicPartition])

    func contains(_ partition: TopicPartition) -> Bool {
        switch self {
        case .all: true
        case .topics(let names): names.contains(partition.topic)
        case .partitions(let partitions): partitions.contains(partition)
        }
    }

    /// "all partitions", "topic orders", "3 topics", "orders-1", "5 partitions".
    var text: String {
        switch self {
        case .all: "all partitions"
        case .topics(let names): names.count == 1 ? "topic \(names[0])" : "\(names.count) topics"
        case .partitions(let partitions): partitions.count == 1 ? partitions[0].description : "\(partitions.count) partitions"
        }
    }
}

/// Replicas in the order of preference. Nil cancels a reassignment.
package struct PartitionReplicas: Equatable, Sendable {
    package var partition: TopicPartition
    package var replicas: [BrokerID]?
    package init(_ partition: TopicPartition, _ replicas: [BrokerID]?) {
        (self.partition, self.replicas) = (partition, replicas)
    }
}

/// Partitions on other brokers, or with their replicas in another order.
package struct Reassign: Equatable, Sendable {
    package enum Target: Equatable, Sendable {
        /// Spread evenly over these brokers (none named: all that serve), with so many replicas each (nil: as many as now).
        case brokers([BrokerID], factor: Int?)
        /// So many replicas, wherever there is room; those that are there stay.
        case factor(Int)
        /// Nothing on this broker any more.
        case without(BrokerID)
        /// This broker leads; no replica moves.
        case leader(BrokerID)
        /// This broker leads nothing; no replica moves.
        case leadersAway(BrokerID)
        /// Exactly so.
        case exact([PartitionReplicas])
    }
    package var scope: PartitionScope
    package var target: Target
    /// Bytes per second that each broker may spend on it; nil: no limit.
    package var throttle: Int64?
    /// How much of it is on its way at once; nil: all of it.
    package var batch: ReassignBatch?

    package init(_ scope: PartitionScope, _ target: Target, throttle: Int64? = nil, batch: ReassignBatch? = nil) {
        (self.scope, self.target, self.throttle, self.batch) = (scope, target, throttle, batch)
    }
}

/// The parts of a reassignment that are carried out one after the other.
package enum ReassignBatch: Equatable, Sendable {
    /// So many partitions each.
    case partitions(Int)
    /// So many bytes to copy each, or one partition with more.
    case bytes(Int64)
    /// As they were cut before: so many of the exact replicas in each.
    case counts([Int])

    /// `10` partitions, `50G` to copy; nil where it is neither.
    package init?(_ text: String) {
        if let count = Int(text) {
            guard count > 0 else { return nil }
            self = .partitions(count)
        } else {
            guard let bytes = ByteText.parse(text), bytes > 0 else { return nil }
            self = .bytes(bytes)
        }
    }
}

/// The replicas of one topic that a throttle holds for, as Kafka writes them: `0:1,0:2`, or `*`. Empty removes the setting.
package struct ThrottledReplicas: Equatable, Sendable {
    package var topic: String
    package var leaders: String
    package var followers: String
    package init(_ topic: String, leaders: String, followers: String) {
        (self.topic, self.leaders, self.followers) = (topic, leaders, followers)
    }
}
