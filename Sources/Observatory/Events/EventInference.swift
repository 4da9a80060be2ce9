import Primitives

/// Events read off two pictures of a cluster: what must have happened between them. For clusters that do not tell, which is all but our
/// own engine. Every event says since when it may have happened.
struct EventInference {
    let old: ClusterSnapshot
    let new: ClusterSnapshot
    /// The earlier picture's time.
    let since: Timestamp
    let time: Timestamp
    private(set) var events: [ClusterEvent] = []

    init(from old: ClusterSnapshot, to new: ClusterSnapshot, since: Timestamp, time: Timestamp) {
        (self.old, self.new, self.since, self.time) = (old, new, since, time)
    }

    mutating func add(_ kind: ClusterEvent.Kind) { events.append(ClusterEvent(time: time, kind: kind, inferredSince: since)) }

    // MARK: Brokers

    mutating func compareBrokers() {
        for (id, broker) in new.brokers {
            let wasAlive = old.brokers[id]?.isAlive ?? false
            if broker.isAlive && !wasAlive { add(.brokerUp(broker: id, address: broker.address)) }
            if !broker.isAlive && wasAlive { add(.brokerDown(broker: id, reason: "no longer listed by the cluster")) }
        }
    }

    mutating func compareQuorum() {
        guard let before = old.quorum, let after = new.quorum, before.leader != after.leader else { return }
        add(.controllerChanged(from: before.leader, to: after.leader, epochs: EpochChange(before.quorumEpoch, after.quorumEpoch)))
    }

    // MARK: Topics

    /// `whole`: both pictures hold all topics, so that one that is missing was deleted.
    mutating func compareTopics(whole: Bool) {
        let (before, after) = (old.topics.values, new.topics.values)
        guard old.topics.keys != new.topics.keys else {
            // The same topics, which is how it mostly is: nothing to look up, and most have not changed at all.
            for range in after.rangesApart(from: before) {
                for index in range where before[index].partitions != after[index].partitions || before[index].id != after[index].id {
                    compareTopic(before[index], after[index])
                }
            }
            return
        }
        for (name, topic) in new.topics {
            guard let before = old.topics[name] else {
                if whole { addCreated(topic) }
                continue
            }
            compareTopic(before, topic)
        }
        for name in old.topics.keys where new.topics[name] == nil { add(.topicDeleted(topic: name)) }
    }

    private mutating func compareTopic(_ before: TopicSnapshot, _ topic: TopicSnapshot) {
        if !before.id.isZero && !topic.id.isZero && before.id != topic.id {
            add(.topicDeleted(topic: topic.name))
            addCreated(topic)
        } else if before.partitions != topic.partitions {
            compare(before, topic)
        }
    }

    private mutating func addCreated(_ topic: TopicSnapshot) {
        let factor = Int16(clamping: topic.replicationFactor)
        add(.topicCreated(topic: topic.name, partitions: Int32(topic.partitions.count), replicationFactor: factor))
    }

    private mutating func compare(_ before: TopicSnapshot, _ after: TopicSnapshot) {
        if !before.partitions.isEmpty && after.partitions.count > before.partitions.count {
            add(.partitionsAdded(topic: after.name, from: Int32(before.partitions.count), to: Int32(after.partitions.count)))
        }
        for (old, new) in zip(before.partitions, after.partitions) {
            let name = TopicPartition(after.name, new.index)
            compareReplicas(name, old, new)
            if let earlier = old.startOffset, let later = new.startOffset, later > earlier { compareStarts(name, later, new) }
        }
    }

    private mutating func compareReplicas(_ name: TopicPartition, _ old: PartitionSnapshot, _ new: PartitionSnapshot) {
        guard old.leader != new.leader || old.inSyncReplicas != new.inSyncReplicas else { return }
        let change = LeadershipChange(from: old.side, to: new.side)
        if old.leader != new.leader {
            let epochs = EpochChange(leaderEpochs: old.leaderEpoch, new.leaderEpoch)
            add(.leaderChanged(partition: name, from: old.leader, to: new.leader, epochs: epochs, cause: change.leaderCause(state)))
        }
        if old.inSyncReplicas.sorted() != new.inSyncReplicas.sorted() {
            add(
                .inSyncReplicasChanged(
                    partition: name, from: old.inSyncReplicas, to: new.inSyncReplicas, leaderEpoch: new.leaderEpoch, partitionEpochs: nil,
                    cause: change.inSyncCause(state)))
        }
    }

    private func state(_ broker: BrokerID) -> LeadershipChange.BrokerState {
        new.brokers[broker]?.isAlive == false ? .fenced : .active
    }

    /// A start that moved to the very end was most likely moved on purpose; otherwise retention does it all the time and is no news.
    private mutating func compareStarts(_ name: TopicPartition, _ start: Offset, _ partition: PartitionSnapshot) {
        if start == partition.endOffset { add(.recordsDeleted(partition: name, before: start)) }
    }

    // MARK: Reassignments

    mutating func compareReassignments() {
        guard old.observations.reassignments.time != nil, new.observations.reassignments.error == nil else { return }
        for (name, moving) in new.reassignments where old.reassignments[name] == nil {
            add(.reassignmentStarted(partition: name, from: moving.original, to: moving.target))
        }
        for (name, moving) in old.reassignments where new.reassignments[name] == nil {
            guard let partition = new.partition(name) else { continue }
            let isDone = partition.replicas.sorted() == moving.target.sorted()
            add(.reassignmentEnded(partition: name, replicas: partition.replicas, wasCancelled: !isDone))
        }
    }

    // MARK: Configs

    mutating func compareConfigs() {
        for (resource, after) in new.configs {
            guard let before = old.configs[resource], before.observation.time != nil, before.entries != after.entries else { continue }
            var earlier = OrderedMap<String, String?>()
            for entry in before.entries { earlier[entry.name] = .some(entry.value) }
            for entry in after.entries {
                guard let was = earlier[entry.name], was != entry.value else { continue }
                add(.configChanged(resource: resource.text, key: entry.name, from: was, to: entry.value))
            }
        }
    }
}

extension PartitionSnapshot {
    var side: LeadershipChange.Side { LeadershipChange.Side(leader: leader, replicas: replicas, inSyncReplicas: inSyncReplicas) }
}
