import Primitives
import Wire

// Brokers, topics and partitions out of Metadata.
extension ClusterSnapshot {
    /// `isWhole`: all topics were asked for, so that one not answered is gone. Otherwise only `asked` were.
    mutating func fold(_ answer: MetadataResponse, isWhole: Bool, asked: [String], at time: Timestamp) {
        clusterID = answer.clusterID ?? clusterID
        if !isControllerExact { controller = answer.controllerID >= 0 ? BrokerID(answer.controllerID) : nil }
        foldBrokers(answer)
        foldTopics(answer, isWhole: isWhole, asked: asked)
        countReplicas()
        countHealth()
        observations.metadata.succeeded(at: time)
    }

    private mutating func foldBrokers(_ answer: MetadataResponse) {
        // A broker that has not caught up yet lists none; that says nothing about the others.
        guard !answer.brokers.isEmpty else { return }
        let listed = answer.brokers.map { BrokerID($0.nodeID) }
        for id in brokers.keys where !listed.contains(id) { brokers.update(id) { $0.isAlive = false } }
        for broker in answer.brokers {
            let id = BrokerID(broker.nodeID)
            var known = brokers[id] ?? BrokerSnapshot(id: id, host: broker.host, port: broker.port)
            (known.host, known.port, known.rack, known.isAlive) = (broker.host, broker.port, broker.rack, true)
            known.isController = controller == id
            // Only brokers that serve are listed.
            known.isFenced = false
            brokers[id] = known
        }
    }

    private mutating func foldTopics(_ answer: MetadataResponse, isWhole: Bool, asked: [String]) {
        let sorted = answer.topics.filter { $0.name != nil }.sorted { ($0.name ?? "") < ($1.name ?? "") }
        var next = OrderedMap<String, TopicSnapshot>()
        if !isWhole { next = topics }
        for topic in sorted {
            guard let name = topic.name else { continue }
            if topic.errorCode == .unknownTopicOrPartition || topic.errorCode == .unknownTopicID {
                next.remove(name)
                continue
            }
            next[name] = merged(topic, name, with: topics[name])
        }
        if !isWhole { for name in asked where !sorted.contains(where: { $0.name == name }) { next.remove(name) } }
        topics = next
    }

    /// The new facts, with the offsets, sizes and rates known so far. A topic deleted and created again under its name starts anew.
    private func merged(_ answer: MetadataResponse.Topic, _ name: String, with old: TopicSnapshot?) -> TopicSnapshot {
        let isSame = old.map { $0.id.isZero || answer.topicID.isZero || $0.id == answer.topicID } ?? false
        var topic = isSame ? old! : TopicSnapshot(name: name)
        topic.id = answer.topicID
        topic.isInternal = answer.isInternal
        topic.error = answer.errorCode == .none ? nil : answer.errorCode.name
        guard answer.errorCode == .none || !answer.partitions.isEmpty else { return topic }
        let sorted = answer.partitions.sorted { $0.partitionIndex < $1.partitionIndex }
        var partitions: [PartitionSnapshot] = []
        partitions.reserveCapacity(sorted.count)
        // Partitions stand at their index; a cluster never leaves one out, so the first gap ends what can be believed.
        for partition in sorted {
            guard Int(partition.partitionIndex) == partitions.count else { break }
            partitions.append(merged(partition, with: topic.partitions.count > partitions.count ? topic.partitions[partitions.count] : nil))
        }
        topic.partitions = partitions
        return topic
    }

    private func merged(_ answer: MetadataResponse.Partition, with old: PartitionSnapshot?) -> PartitionSnapshot {
        var partition = PartitionSnapshot(
            index: answer.partitionIndex, leader: answer.leaderID >= 0 ? BrokerID(answer.leaderID) : nil,
            leaderEpoch: LeaderEpoch(answer.leaderEpoch), replicas: answer.replicaNodes.map(BrokerID.init(_:)),
            inSyncReplicas: answer.isrNodes.map(BrokerID.init(_:)), offlineReplicas: answer.offlineReplicas.map(BrokerID.init(_:)))
        partition.error = answer.errorCode == .none ? nil : answer.errorCode.name
        if let old {
            (partition.startOffset, partition.endOffset, partition.offsetsTime) = (old.startOffset, old.endOffset, old.offsetsTime)
            (partition.sizeBytes, partition.messageRate) = (old.sizeBytes, old.messageRate)
            (partition.ends, partition.stableOffset, partition.producers) = (old.ends, old.stableOffset, old.producers)
            // What is known of a replica that is no longer one goes.
            partition.replicaLogs = old.replicaLogs.filter { partition.replicas.contains($0.broker) }
            partition.eligibleLeaderReplicas = old.eligibleLeaderReplicas
            partition.addingReplicas = old.addingReplicas.filter { partition.replicas.contains($0) }
            partition.removingReplicas = old.removingReplicas.filter { partition.replicas.contains($0) }
        }
        return partition
    }

    /// Counts leaders and replicas per broker.
    private mutating func countReplicas() {
        var leaders = OrderedMap<BrokerID, Int>()
        var replicas = OrderedMap<BrokerID, Int>()
        var lagging = OrderedMap<BrokerID, Int>()
        for topic in topics.values {
            for partition in topic.partitions {
                if let leader = partition.leader { leaders[leader, default: 0] += 1 }
                for replica in partition.replicas {
                    replicas[replica, default: 0] += 1
                    if !partition.inSyncReplicas.contains(replica) { lagging[replica, default: 0] += 1 }
                }
            }
        }
        for id in brokers.keys {
            brokers.update(id) { broker in
                broker.leaders = leaders[id] ?? 0
                broker.replicas = replicas[id] ?? 0
                broker.outOfSyncReplicas = lagging[id] ?? 0
            }
        }
    }

    package mutating func countHealth() {
        var health = Health()
        health.brokersDown = brokers.values.count { !$0.isAlive }
        health.brokersFenced = brokers.values.count(where: \.isFenced)
        let leftover = leftoverThrottles
        health.leftoverThrottles = leftover.topics.count + leftover.brokers.count
        for topic in topics.values {
            health.partitions += topic.partitions.count
            for partition in topic.partitions {
                if partition.isOffline { health.offlinePartitions += 1 }
                if partition.isUnderReplicated { health.underReplicatedPartitions += 1 }
                if !partition.isLeaderPreferred { health.leaderNotPreferred += 1 }
                if partition.isReassigning { health.reassigningPartitions += 1 }
                if topic.has(.underMinISR, partition) { health.underMinISRPartitions += 1 }
                if topic.has(.atMinISR, partition) { health.atMinISRPartitions += 1 }
            }
        }
        health.groups = groups.count
        for group in groups.values {
            if group.isRebalancing { health.groupsRebalancing += 1 }
            if !group.hasMembers { health.groupsWithoutMembers += 1 }
            health.totalLag = health.totalLag.addingClamped(group.lag ?? 0)
        }
        self.health = health
    }
}
