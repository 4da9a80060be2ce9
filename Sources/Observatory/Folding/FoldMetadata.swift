import ClientCore
import Primitives
import Wire

// Brokers, topics and partitions out of Metadata.
extension ClusterSnapshot {
    /// `isWhole`: all topics were asked for, so that one not answered is gone, or is as it was where `delta` leaves it out. Otherwise only
    /// `asked` were. Returns whether any topic is told otherwise than before.
    @discardableResult
    mutating func fold(
        _ answer: MetadataResponse, isWhole: Bool, asked: [String], delta: MetadataDelta? = nil, at time: Timestamp
    ) -> Bool {
        clusterID = answer.clusterID ?? clusterID
        if !isControllerExact { controller = answer.controllerID >= 0 ? BrokerID(answer.controllerID) : nil }
        foldBrokers(answer)
        let isPartial = delta?.isPartial == true
        let (isMoved, isChanged) = foldTopics(answer, isWhole: isWhole && !isPartial, asked: asked, gone: delta?.gone ?? [])
        if isMoved { countReplicas() }
        if isChanged || health.partitions == 0 { countHealth() } else { countBrokers() }
        observations.metadata.succeeded(at: time)
        return isChanged
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

    /// Returns whether any replica, leader or in-sync set is another than before, and whether anything is.
    private mutating func foldTopics(
        _ answer: MetadataResponse, isWhole: Bool, asked: [String], gone: [String]
    ) -> (isMoved: Bool, isChanged: Bool) {
        if !isWhole, answer.topics.isEmpty, asked.isEmpty, gone.isEmpty {
            return (brokers.values.contains { $0.replicas == 0 }, false)
        }
        let order = answer.topics.indices.filter { answer.topics[$0].name != nil }
            .sorted { (answer.topics[$0].name ?? "") < (answer.topics[$1].name ?? "") }
        var lists = KnownPlaces()
        var isMoved = brokers.values.contains { $0.replicas == 0 }
        var isChanged = false
        var next = SharedMap<String, TopicSnapshot>()
        if !isWhole { next = topics }
        for name in gone where next.remove(name) != nil { (isMoved, isChanged) = (true, true) }
        for index in order {
            guard let name = answer.topics[index].name else { continue }
            if [.unknownTopicOrPartition, .unknownTopicID].contains(answer.topics[index].errorCode) {
                if next.remove(name) != nil { (isMoved, isChanged) = (true, true) }
                continue
            }
            let old = topics[name]
            let new = merged(answer.topics[index], name, with: old, &lists)
            let isSame = old.map { $0.id == new.id && $0.error == new.error && $0.partitions == new.partitions } ?? false
            isMoved = isMoved || !isSame && !hasSamePlaces(old, new)
            isChanged = isChanged || !isSame
            if isWhole || !isSame { next[name] = new }
        }
        if isWhole {
            if next.count != topics.count { (isMoved, isChanged) = (true, true) }
        } else {
            let answered = Set(order.compactMap { answer.topics[$0].name })
            for name in asked where !answered.contains(name) && next.remove(name) != nil { (isMoved, isChanged) = (true, true) }
        }
        if isChanged { topics = next }
        return (isMoved, isChanged)
    }

    private func hasSamePlaces(_ old: TopicSnapshot?, _ new: TopicSnapshot) -> Bool {
        guard let old, old.partitions.count == new.partitions.count else { return false }
        return new.partitions.indices.allSatisfy { index in
            old.partitions[index].leader == new.partitions[index].leader && old.partitions[index].places == new.partitions[index].places
        }
    }

    /// The new facts, with the offsets, sizes and rates known so far. A topic deleted and created again under its name starts anew.
    private func merged(
        _ answer: MetadataResponse.Topic, _ name: String, with old: TopicSnapshot?, _ lists: inout KnownPlaces
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
        _ answer: MetadataResponse.Partition, with old: PartitionSnapshot?, _ lists: inout KnownPlaces
    ) -> PartitionSnapshot {
        let places = lists.places(answer.replicaNodes, answer.isrNodes, old?.places)
        var partition = PartitionSnapshot(
            index: answer.partitionIndex, leader: answer.leaderID >= 0 ? BrokerID(answer.leaderID) : nil,
            leaderEpoch: LeaderEpoch(answer.leaderEpoch), places: places, offlineReplicas: answer.offlineReplicas.map(BrokerID.init(_:)))
        if answer.errorCode != .none { partition.error = answer.errorCode.name }
        guard let old else { return partition }
        (partition.startOffset, partition.endOffset, partition.offsetsTime) = (old.startOffset, old.endOffset, old.offsetsTime)
        (partition.sizeBytes, partition.messageRate) = (old.sizeBytes, old.messageRate)
        partition.ends = old.ends
        guard old.hasRare else { return partition }
        (partition.stableOffset, partition.producers) = (old.stableOffset, old.producers)
        // What is known of a replica that is no longer one goes.
        let replicas = places.replicas
        partition.replicaLogs = old.replicas == replicas ? old.replicaLogs : old.replicaLogs.filter { replicas.contains($0.broker) }
        if !old.eligibleLeaderReplicas.isEmpty { partition.eligibleLeaderReplicas = old.eligibleLeaderReplicas }
        guard old.isReassigning else { return partition }
        partition.addingReplicas = old.addingReplicas.filter { replicas.contains($0) }
        partition.removingReplicas = old.removingReplicas.filter { replicas.contains($0) }
        return partition
    }

    /// Counts leaders and replicas per broker.
    private mutating func countReplicas() {
        var (leaders, replicas, lagging) = ([Int32: Int](), [Int32: Int](), [Int32: Int]())
        let values = topics.values
        for topic in values.indices {
            for index in values[topic].partitions.indices {
                if let leader = values[topic].partitions[index].leader { leaders[leader.rawValue, default: 0] += 1 }
                let places = values[topic].partitions[index].places
                for broker in places.replicas { replicas[broker.rawValue, default: 0] += 1 }
                for broker in places.missing { lagging[broker.rawValue, default: 0] += 1 }
            }
        }
        for id in brokers.keys {
            brokers.update(id) { broker in
                broker.leaders = leaders[id.rawValue] ?? 0
                broker.replicas = replicas[id.rawValue] ?? 0
                broker.outOfSyncReplicas = lagging[id.rawValue] ?? 0
            }
        }
    }

    package mutating func countHealth() {
        var health = Health()
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
        countBrokers()
    }

    private mutating func countBrokers() {
        health.brokersDown = brokers.values.count { !$0.isAlive }
        health.brokersFenced = brokers.values.count(where: \.isFenced)
    }
}
