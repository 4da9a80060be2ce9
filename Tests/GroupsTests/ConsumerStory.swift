import Primitives
import Testing
import Wire

@testable import Groups

/// Topics that a test makes up.
struct FakeCluster {
    var topics: OrderedMap<String, GroupTopic> = OrderedMap()
    var settings: OrderedMap<String, String> = OrderedMap()
    var version: Int64 = 1

    init(_ topics: [(String, Int32)] = [("t", 3)]) { for (name, count) in topics { put(name, count) } }

    mutating func put(_ name: String, _ count: Int32) {
        let id = topics[name]?.id ?? UUID(high: 0x7000, low: Fingerprint.of(name))
        topics[name] = GroupTopic(name: name, id: id, partitionCount: count)
        version += 1
    }

    mutating func remove(_ name: String) {
        topics.remove(name)
        version += 1
    }

    var surroundings: GroupSurroundings {
        let topics = topics
        let settings = settings
        return GroupSurroundings(
            version: version, topicNames: { topics.keys }, topic: { topics[$0] },
            topicName: { id in topics.values.first { $0.id == id }?.name }, setting: { key, group in settings["\(group) \(key)"] })
    }

    enum Fingerprint {
        static func of(_ name: String) -> UInt64 { name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }
    }
}

/// What one member of KIP-848 knows: it does what it is told, and nothing more.
struct FakeMember {
    let id: String
    var epoch: Int32 = 0
    var owned: [PartitionID] = []

    /// The partition numbers it has, for short.
    var numbers: [Int32] { owned.map(\.partition) }
}

extension Story {
    init(cluster: FakeCluster, assignmentInterval: Int32 = 0, partitionCount: Int32 = 1, _ change: (inout GroupConfig) -> Void = { _ in }) {
        var config = Story.config
        config.consumerAssignmentIntervalMs = assignmentInterval
        change(&config)
        self.init(config, partitionCount: partitionCount)
        coordinator.surroundings = cluster.surroundings
    }

    mutating func see(_ cluster: FakeCluster) { coordinator.surroundings = cluster.surroundings }

    /// One heartbeat as the fields say.
    @discardableResult
    mutating func beat(
        _ member: String, epoch: Int32, group: String = "g", topics: [String]? = nil, regex: String? = nil, instance: String? = nil,
        assignor: String? = nil, owned: [PartitionID]? = nil, rebalance: Int32 = -1, client: String = "client", version: Int16 = 1
    ) -> ConsumerGroupHeartbeatResponse {
        beaten(
            beatToken(
                member, epoch: epoch, group: group, topics: topics, regex: regex, instance: instance, assignor: assignor, owned: owned,
                rebalance: rebalance, client: client, version: version)) ?? ConsumerGroupHeartbeatResponse()
    }

    mutating func beatToken(
        _ member: String, epoch: Int32, group: String = "g", topics: [String]? = nil, regex: String? = nil, instance: String? = nil,
        assignor: String? = nil, owned: [PartitionID]? = nil, rebalance: Int32 = -1, client: String = "client", version: Int16 = 1
    ) -> GroupToken {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = group
        request.memberID = member
        request.memberEpoch = epoch
        request.instanceID = instance
        request.rebalanceTimeoutMs = rebalance
        request.subscribedTopicNames = topics
        request.subscribedTopicRegex = regex
        request.serverAssignor = assignor
        request.topicPartitions = owned.map { partitions in
            byTopic(partitions) { topic, indexes in
                var entry = ConsumerGroupHeartbeatRequest.TopicPartitions()
                (entry.topicID, entry.partitions) = (topic, indexes)
                return entry
            }
        }
        return send(.consumerHeartbeat(request), version: version, client: client)
    }

    mutating func beaten(_ token: GroupToken) -> ConsumerGroupHeartbeatResponse? {
        if case .consumerHeartbeat(let response) = answers[token] { response } else { nil }
    }

    /// A first heartbeat: with all fields, and nothing owned.
    @discardableResult
    mutating func enroll(
        _ member: inout FakeMember, group: String = "g", topics: [String]? = ["t"], regex: String? = nil, instance: String? = nil,
        assignor: String? = nil, rebalance: Int32 = 60_000
    ) -> ConsumerGroupHeartbeatResponse {
        let response = beat(
            member.id, epoch: 0, group: group, topics: topics, regex: regex, instance: instance, assignor: assignor, owned: [],
            rebalance: rebalance)
        member.epoch = response.memberEpoch
        member.owned = response.assignment?.partitions ?? member.owned
        return response
    }

    /// A heartbeat of a well-behaved member: it tells what it has after it has done what it was told.
    @discardableResult
    mutating func live(_ member: inout FakeMember, group: String = "g") -> ErrorCode {
        let response = beat(member.id, epoch: member.epoch, group: group, owned: member.owned)
        guard response.errorCode == .none else { return response.errorCode }
        member.epoch = response.memberEpoch
        if let assigned = response.assignment { member.owned = assigned.partitions }
        coordinator.checkInvariants()
        return .none
    }

    func group(_ groupID: String = "g") -> ConsumerGroup? {
        coordinator.partitions[coordinator.partition(of: groupID)]?.groups[groupID]?.consumer
    }

    func description(_ groupID: String = "g") -> ConsumerGroupDescribeResponse.Group? {
        coordinator.describeConsumerGroup(groupID, coordinator.surroundings)
    }
}

extension ConsumerGroupHeartbeatResponse.Assignment {
    var partitions: [PartitionID] {
        topicPartitions.flatMap { topic in topic.partitions.map { PartitionID(topic.topicID, $0) } }.sorted()
    }
}
