import ClientCore
import Primitives
import Wire

/// Something a plan has to know of the cluster as it is now.
enum PlanRead: Equatable, Sendable {
    case topics([String])
    case group(String)
    /// The group as one of KIP-848, which DescribeGroups does not know; part of `group`.
    case consumerGroup(String)
    case commits(String)
    /// Offsets of partitions for a time, or for one of `ListOffsetsTime`.
    case offsets(timestamp: Int64, [TopicPartition])
    case configs([ConfigResource])
    /// What the broker would say to a step, without doing it.
    case validation(PlanStep)
}

/// What was read.
struct PlanFacts: Sendable {
    struct Topic: Equatable, Sendable {
        var error: ErrorCode
        var isInternal: Bool
        var leaders: [BrokerID?]
        var replicationFactor: Int
    }
    struct Group: Equatable, Sendable {
        var state: String
        var members: [MemberSnapshot]
    }
    struct Commit: Equatable, Sendable {
        var offset: Offset
        var leaderEpoch: LeaderEpoch
    }

    var topics = OrderedMap<String, Topic>()
    var brokers: [BrokerID] = []
    /// Nil where the group does not exist.
    var group: Group?
    var commits = OrderedMap<TopicPartition, Commit>()
    var earliest = OrderedMap<TopicPartition, Offset>()
    var latest = OrderedMap<TopicPartition, Offset>()
    /// Only partitions that have a message not older than the time asked for.
    var byTime = OrderedMap<TopicPartition, Offset>()
    var offsetErrors = OrderedMap<TopicPartition, ErrorCode>()
    var configs = OrderedMap<ConfigResource, ConfigSnapshot>()
    /// What the broker said against a step; empty where it would do it.
    var objections: [String] = []
    /// What creating a topic would make of values left to the broker.
    var createdPartitions: Int32?
    var createdReplicationFactor: Int16?

    func leader(_ partition: TopicPartition) -> BrokerID? {
        guard let topic = topics[partition.topic], topic.leaders.indices.contains(Int(partition.partition)) else { return nil }
        return topic.leaders[Int(partition.partition)]
    }

    func exists(_ topic: String) -> Bool { topics[topic]?.error == ErrorCode.none }

    func partitions(of topic: String) -> [TopicPartition] {
        (0..<(topics[topic]?.leaders.count ?? 0)).map { TopicPartition(topic, Int32($0)) }
    }
}
