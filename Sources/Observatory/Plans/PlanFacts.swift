import ClientCore
import Primitives
import Wire

/// Something a plan has to know of the cluster as it is now.
enum PlanRead: Equatable, Sendable {
    case topics([String])
    case group(String)
    /// The group as one of KIP-848, which DescribeGroups does not know; part of `group`.
    case consumerGroup(String)
    /// The same as a share group.
    case shareGroup(String)
    case commits(String)
    /// Where it stands as a share group; part of `commits`.
    case shareOffsets(String)
    /// Offsets of partitions for a time, or for one of `ListOffsetsTime`.
    case offsets(timestamp: Int64, [TopicPartition])
    case configs([ConfigResource])
    /// Every topic with its partitions, and every broker with its rack.
    case cluster
    case reassignments
    /// The size of every replica.
    case sizes
    /// Rates of all brokers that serve, and throttled replicas of these topics.
    case throttles(topics: [String])
    /// All access rules there are.
    case access
    /// The quotas of exactly this one.
    case quotas(QuotaSubject)
    /// The levels that are finalized.
    case features
    /// Producers that these partitions' leaders know.
    case producers([TopicPartition])
    /// Transactional ids of these producers, asked of every broker; none named: all.
    case transactions(producers: [Int64])
    /// Transactional ids, each described by its coordinator.
    case described([String])
    /// Who can log in by SCRAM.
    case users
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
        var partitions: [Partition] = []
    }
    struct Partition: Equatable, Sendable {
        var leader: BrokerID?
        var replicas: [BrokerID]
        var inSyncReplicas: [BrokerID]
    }
    struct Group: Equatable, Sendable {
        var state: String
        var members: [MemberSnapshot]
        var isShare = false
    }
    struct Commit: Equatable, Sendable {
        var offset: Offset
        var leaderEpoch: LeaderEpoch
    }

    var topics = OrderedMap<String, Topic>()
    /// Start offsets of a share group, which stand among `commits` too.
    var shareOffsets = OrderedMap<TopicPartition, Commit>()
    var brokers: [BrokerID] = []
    /// Of `brokers` that told one.
    var racks = OrderedMap<BrokerID, String>()
    /// Under way now, with the brokers that come and go.
    var reassignments = OrderedMap<TopicPartition, ReassignmentSnapshot>()
    /// The size of a partition's largest replica.
    var sizes = OrderedMap<TopicPartition, Int64>()
    /// By broker, its lower rate.
    var rates = OrderedMap<BrokerID, Int64>()
    var throttled = OrderedMap<String, ThrottledReplicas>()
    /// Nil where the group does not exist.
    var group: Group?
    var commits = OrderedMap<TopicPartition, Commit>()
    var earliest = OrderedMap<TopicPartition, Offset>()
    var latest = OrderedMap<TopicPartition, Offset>()
    /// Only partitions that have a message not older than the time asked for.
    var byTime = OrderedMap<TopicPartition, Offset>()
    var offsetErrors = OrderedMap<TopicPartition, ErrorCode>()
    var configs = OrderedMap<ConfigResource, ConfigSnapshot>()
    var access: [AccessRule] = []
    var quotas = OrderedMap<String, Double>()
    var features = OrderedMap<String, Int16>()
    var producers = OrderedMap<TopicPartition, [ActiveProducer]>()
    var producerErrors = OrderedMap<TopicPartition, ErrorCode>()
    var transactions = OrderedMap<String, TransactionSnapshot>()
    var users: [ScramUserSnapshot] = []
    /// What the broker said against a step; empty where it would do it.
    var objections: [String] = []
    /// What creating a topic would make of values left to the broker.
    var createdPartitions: Int32?
    var createdReplicationFactor: Int16?

    func leader(_ partition: TopicPartition) -> BrokerID? {
        guard let topic = topics[partition.topic], topic.leaders.indices.contains(Int(partition.partition)) else { return nil }
        return topic.leaders[Int(partition.partition)]
    }

    func partition(_ name: TopicPartition) -> Partition? {
        guard let topic = topics[name.topic], topic.partitions.indices.contains(Int(name.partition)) else { return nil }
        return topic.partitions[Int(name.partition)]
    }

    /// All partitions of a scope that exist, sorted.
    func partitions(in scope: PartitionScope) -> [TopicPartition] {
        switch scope {
        case .all: topics.keys.flatMap { partitions(of: $0) }
        case .topics(let names): names.uniqued().flatMap { partitions(of: $0) }
        case .partitions(let partitions): partitions.uniqued().filter { partition($0) != nil }
        }
    }

    func exists(_ topic: String) -> Bool { topics[topic]?.error == ErrorCode.none }

    func partitions(of topic: String) -> [TopicPartition] {
        (0..<(topics[topic]?.leaders.count ?? 0)).map { TopicPartition(topic, Int32($0)) }
    }
}
