import Primitives
import Wire

// Replicas as their own brokers tell of them, reassignments, and what throttles them.
extension ClusterSnapshot {
    /// Log ends of the replicas that one broker holds. A broker that only tells them of partitions it leads says nothing about the others.
    mutating func foldLogEnds(_ answer: ListOffsetsResponse, of broker: BrokerID, at time: Timestamp) {
        for topic in answer.topics where topics[topic.name] != nil {
            topics.update(topic.name) { known in
                for partition in topic.partitions {
                    let index = Int(partition.partitionIndex)
                    guard known.partitions.indices.contains(index), known.partitions[index].replicas.contains(broker) else { continue }
                    let isTold = partition.errorCode == .none && partition.offset >= 0
                    known.partitions[index].update(broker) { replica in
                        replica.logEndOffset = isTold ? Offset(partition.offset) : nil
                        replica.logEndTime = isTold ? time : nil
                    }
                }
            }
        }
    }

    /// A broker that does not answer: what it last said of its replicas is not how they are.
    mutating func forgetLogEnds(of broker: BrokerID, in names: [String]) {
        for name in names {
            topics.update(name) { topic in
                for index in topic.partitions.indices where topic.partitions[index].replica(broker) != nil {
                    topic.partitions[index].update(broker) { $0.logEndOffset = nil }
                }
            }
        }
    }

    mutating func fold(_ answer: ListPartitionReassignmentsResponse, at time: Timestamp) {
        guard answer.errorCode == .none else {
            return observations.reassignments.failed(answer.errorMessage ?? answer.errorCode.name)
        }
        var found: [(TopicPartition, ReassignmentSnapshot)] = []
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                var moving =
                    reassignments[name] ?? ReassignmentSnapshot(partition: name, replicas: [], adding: [], removing: [], since: time)
                let adding = partition.addingReplicas.map(BrokerID.init(_:))
                // Other targets: what was measured says nothing about them.
                if moving.adding != adding { moving.samples = [] }
                moving.replicas = partition.replicas.map(BrokerID.init(_:))
                (moving.adding, moving.removing) = (adding, partition.removingReplicas.map(BrokerID.init(_:)))
                found.append((name, moving))
            }
        }
        for name in reassignments.keys.map(\.topic).uniqued() { clearReassignments(of: name) }
        reassignments = OrderedMap(found)
        for (name, moving) in found {
            topics.update(name.topic) { topic in
                guard name.partition >= 0, topic.partitions.indices.contains(Int(name.partition)) else { return }
                topic.partitions[Int(name.partition)].addingReplicas = moving.adding
                topic.partitions[Int(name.partition)].removingReplicas = moving.removing
            }
        }
        observations.reassignments.succeeded(at: time)
    }

    private mutating func clearReassignments(of name: String) {
        topics.update(name) { topic in
            for index in topic.partitions.indices where topic.partitions[index].isReassigning {
                topic.partitions[index].addingReplicas = []
                topic.partitions[index].removingReplicas = []
            }
        }
    }

    /// What is left to copy, once sizes have been read: what the leader has, and the new replica has not. One in sync has all.
    mutating func measureReassignments(at time: Timestamp) {
        for name in reassignments.keys {
            guard let partition = partition(name), let size = partition.sizeBytes else { continue }
            reassignments.update(name) { moving in
                var left: Int64 = 0
                for broker in moving.adding where !partition.inSyncReplicas.contains(broker) {
                    left = left.addingClamped(max(0, size - (partition.replica(broker)?.sizeBytes ?? 0)))
                }
                moving.bytesTotal = (0..<moving.adding.count).reduce(Int64(0)) { sum, _ in sum.addingClamped(size) }
                moving.bytesLeft = left
                if moving.samples.last?.time == time { moving.samples.removeLast() }
                moving.samples.append(.init(time: time, bytesLeft: left))
                if moving.samples.count > ReassignmentSnapshot.samplesMax { moving.samples.removeFirst() }
            }
        }
    }

    // MARK: Settings

    /// `min.insync.replicas` and throttled replicas of topics.
    mutating func foldSettings(_ answer: DescribeConfigsResponse, at time: Timestamp) {
        var shared = TopicSettings.unknown
        for result in answer.results where result.resourceType == ConfigResource.Kind.topic.rawValue {
            topics.update(result.resourceName) { topic in
                guard result.errorCode == .none else { return topic.settingsObservation.failed(result.errorCode.name) }
                // What is not told now is as it was.
                var fields = TopicSettings.Fields()
                fields.minInSyncReplicas = topic.minInSyncReplicas
                for config in result.configs {
                    switch config.name {
                    case ReplicationKeys.minInSync: fields.minInSyncReplicas = config.value.flatMap { Int($0) }
                    case ReplicationKeys.throttledLeaders: fields.throttledLeaders = config.value ?? ""
                    case ReplicationKeys.throttledFollowers: fields.throttledFollowers = config.value ?? ""
                    case ReplicationKeys.retentionMs: fields.retentionMs = config.value.flatMap { Int64($0) }
                    case ReplicationKeys.retentionBytes: fields.retentionBytes = config.value.flatMap { Int64($0) }
                    case ReplicationKeys.cleanupPolicy: fields.deletesOldRecords = config.value?.contains("delete")
                    default: break
                    }
                }
                topic.set(fields, sharing: &shared)
                topic.settingsObservation.succeeded(at: time)
            }
        }
    }

    mutating func foldThrottle(_ answer: DescribeConfigsResponse, of broker: BrokerID) {
        guard let result = answer.results.first, result.errorCode == .none else { return }
        func rate(_ key: String) -> Int64? {
            guard let config = result.configs.first(where: { $0.name == key }), let value = config.value.flatMap({ Int64($0) }) else {
                return nil
            }
            // No limit is Int64's largest value, as a default.
            return value == .max ? nil : value
        }
        let (leader, follower) = (rate(ReplicationKeys.leaderRate), rate(ReplicationKeys.followerRate))
        brokers.update(broker) { ($0.leaderThrottle, $0.followerThrottle) = (leader, follower) }
    }

    /// All registered brokers, fenced ones too.
    mutating func fold(_ answer: DescribeClusterResponse) {
        guard answer.errorCode == .none else { return }
        let fenced = answer.brokers.filter(\.isFenced).map(\.brokerID)
        for id in brokers.keys where !fenced.contains(id.rawValue) { brokers.update(id) { $0.isFenced = false } }
        for broker in answer.brokers {
            let id = BrokerID(broker.brokerID)
            guard broker.isFenced else { continue }
            var known = brokers[id] ?? BrokerSnapshot(id: id, host: broker.host, port: broker.port, rack: broker.rack)
            known.isAlive = false
            known.isFenced = true
            brokers[id] = known
        }
    }

    /// Eligible leader replicas, which only this API tells.
    mutating func fold(_ answer: DescribeTopicPartitionsResponse) {
        for topic in answer.topics where topic.errorCode == .none {
            guard let name = topic.name else { continue }
            topics.update(name) { known in
                for partition in topic.partitions where known.partitions.indices.contains(Int(partition.partitionIndex)) {
                    known.partitions[Int(partition.partitionIndex)].eligibleLeaderReplicas =
                        (partition.eligibleLeaderReplicas ?? []).map(BrokerID.init(_:))
                }
            }
        }
    }
}

/// Kafka's names of the settings that reassignments use (KIP-73), in-sync sets are judged by, and unread records are deleted by.
enum ReplicationKeys {
    static let minInSync = "min.insync.replicas"
    static let throttledLeaders = "leader.replication.throttled.replicas"
    static let throttledFollowers = "follower.replication.throttled.replicas"
    static let leaderRate = "leader.replication.throttled.rate"
    static let followerRate = "follower.replication.throttled.rate"
    static let retentionMs = "retention.ms"
    static let retentionBytes = "retention.bytes"
    static let cleanupPolicy = "cleanup.policy"
    static let ofTopics = [minInSync, throttledLeaders, throttledFollowers, retentionMs, retentionBytes, cleanupPolicy]
    static let ofBrokers = [leaderRate, followerRate]
}
