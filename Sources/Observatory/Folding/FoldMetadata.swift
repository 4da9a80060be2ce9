import Primitives
import Wire

// Brokers, topics and partitions out of Metadata.
extension ClusterSnapshot {
    /// `isWhole`: all topics were asked for, so that one not answered is gone. Otherwise only `asked` were.
    mutating func fold(_ answer: MetadataResponse, isWhole: Bool, asked: [String], at time: Timestamp) {
        clusterID = answer.clusterID ?? clusterID
        if !isControllerExact { controller = answer.controllerID >= 0 ? BrokerID(answer.controllerID) : nil }
        foldBrokers(answer)
        if foldTopics(answer, isWhole: isWhole, asked: asked) { countReplicas() }
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

    /// Returns whether any replica, leader or in-sync set is another than before.
    private mutating func foldTopics(_ answer: MetadataResponse, isWhole: Bool, asked: [String]) -> Bool {
        let order = answer.topics.indices.filter { answer.topics[$0].name != nil }
            .sorted { (answer.topics[$0].name ?? "") < (answer.topics[$1].name ?? "") }
        var lists = ReplicaLists()
        var isMoved = brokers.values.contains { $0.replicas == 0 }
        var next = OrderedMap<String, TopicSnapshot>()
        if !isWhole { next = topics }
        for index in order {
            guard let name = answer.topics[index].name else { continue }
            if [.unknownTopicOrPartition, .unknownTopicID].contains(answer.topics[index].errorCode) {
                isMoved = next.remove(name) != nil || isMoved
                continue
            }
            let old = topics[name]
            let new = merged(answer.topics[index], name, with: old, &lists)
            isMoved = isMoved || !hasSamePlaces(old, new)
            next[name] = new
        }
        if isWhole {
            isMoved = isMoved || next.count != topics.count
        } else {
            let answered = Set(order.compactMap { answer.topics[$0].name })
            for name in asked where !answered.contains(name) { isMoved = next.remove(name) != nil || isMoved }
        }
        topics = next
        return isMoved
    }

    private func hasSamePlaces(_ old: TopicSnapshot?, _ new: TopicSnapshot) -> Bool {
        guard let old, old.partitions.count == new.partitions.count else { return false }
        return new.partitions.indices.allSatisfy { index in
            old.partitions[index].leader == new.partitions[index].leader && old.partitions[index].replicas == new.partitions[index].replicas
                && old.partitions[index].inSyncReplicas == new.partitions[index].inSyncReplicas
        }
    }

    /// The new facts, with the offsets, sizes and rates known so far. A topic deleted and created again under its name starts anew.
    private func merged(
        _ answer: MetadataResponse.Topic, _ name: String, with old: TopicSnapshot?, _ lists: inout ReplicaLists
    ) -> TopicSnapshot {
        let isSame = old.map { $0.id.isZero || answer.topicID.isZero || $0.id == answer.topicID } ?? false
        var topic = isSame ? old! : TopicSnapshot(name: name)
        topic.id = answer.topicID
        topic.isInternal = answer.isInternal
        topic.error = answer.errorCode == .none ? nil : answer.errorCode.name
        guard answer.errorCode == .none || !answer.partitions.isEmpty else { return topic }
        let order = answer.partitions.indices.sorted { answer.partitions[$0].partitionIndex < answer.partitions[$1].partitionIndex }
        var partitions: [PartitionSnapshot] = []
        partitions.reserveCapacity(order.count)
        // Partitions stand at their index; a cluster never leaves one out, so the first gap ends what can be believed.
        for index in order {
            guard Int(answer.partitions[index].partitionIndex) == partitions.count else { break }
            let old = topic.partitions.count > partitions.count ? topic.partitions[partitions.count] : nil
            partitions.append(merged(answer.partitions[index], with: old, &lists))
        }
        // What did not change stays the same array, which others may hold too.
        if partitions != topic.partitions { topic.partitions = partitions }
        return topic
    }

    private func merged(
        _ answer: MetadataResponse.Partition, with old: PartitionSnapshot?, _ lists: inout ReplicaLists
    ) -> PartitionSnapshot {
        let replicas = lists.list(answer.replicaNodes, old?.replicas)
        var partition = PartitionSnapshot(
            index: answer.partitionIndex, leader: answer.leaderID >= 0 ? BrokerID(answer.leaderID) : nil,
            leaderEpoch: LeaderEpoch(answer.leaderEpoch), replicas: replicas,
            inSyncReplicas: lists.list(answer.isrNodes, old?.inSyncReplicas),
            offlineReplicas: answer.offlineReplicas.map(BrokerID.init(_:)))
        if answer.errorCode != .none { partition.error = answer.errorCode.name }
        guard let old else { return partition }
        (partition.startOffset, partition.endOffset, partition.offsetsTime) = (old.startOffset, old.endOffset, old.offsetsTime)
        (partition.sizeBytes, partition.messageRate) = (old.sizeBytes, old.messageRate)
        (partition.ends, partition.stableOffset, partition.producers) = (old.ends, old.stableOffset, old.producers)
        // What is known of a replica that is no longer one goes.
        partition.replicaLogs = old.replicas == replicas ? old.replicaLogs : old.replicaLogs.filter { replicas.contains($0.broker) }
        if !old.eligibleLeaderReplicas.isEmpty { partition.eligibleLeaderReplicas = old.eligibleLeaderReplicas }
        guard old.isReassigning else { return partition }
        partition.addingReplicas = old.addingReplicas.filter { replicas.contains($0) }
        partition.removingReplicas = old.removingReplicas.filter { replicas.contains($0) }
        return partition
    }

    /// Counts leaders and replicas per broker.
    private mutating func countReplicas() {
        var leaders = OrderedMap<BrokerID, Int>()
        var replicas = OrderedMap<BrokerID, Int>()
        var lagging = OrderedMap<BrokerID, Int>()
        let values = topics.values
        for topic in values.indices {
            for index in values[topic].partitions.indices {
                if let leader = values[topic].partitions[index].leader { leaders[leader, default: 0] += 1 }
                let isWhole = values[topic].partitions[index].inSyncReplicas == values[topic].partitions[index].replicas
                for replica in values[topic].partitions[index].replicas {
                    replicas[replica, default: 0] += 1
                    guard !isWhole, !values[topic].partitions[index].inSyncReplicas.contains(replica) else { continue }
                    lagging[replica, default: 0] += 1
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
        for index in 0..<topics.count {
            if !topics.values[index].isCounted { topics.update(at: index) { $0.count() } }
            let counts = topics.values[index].counts
            health.partitions += topics.values[index].partitions.count
            health.offlinePartitions += counts.offline
            health.underReplicatedPartitions += counts.underReplicated
            health.leaderNotPreferred += counts.notPreferred
            health.reassigningPartitions += counts.reassigning
            health.underMinISRPartitions += counts.underMinISR
            health.atMinISRPartitions += counts.atMinISR
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

/// Lists of brokers, each kept once: a cluster places a hundred thousand partitions in a few hundred ways.
private struct ReplicaLists {
    private var known: [[Int32]: [BrokerID]] = [:]

    mutating func list(_ ids: [Int32], _ old: [BrokerID]?) -> [BrokerID] {
        if let old, old.count == ids.count, zip(old, ids).allSatisfy({ $0.rawValue == $1 }) { return old }
        if let list = known[ids] { return list }
        let list = ids.map(BrokerID.init(_:))
        known[ids] = list
        return list
    }
}
