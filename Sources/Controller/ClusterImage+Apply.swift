import Primitives
import Wire

/// Every change of an image. Records come from a log that was written by this controller, an earlier version of it, or Kafka's own: what
/// does not fit (a partition of no topic, a change of no broker) changes nothing, and is never a trap.
extension ClusterImage {
    /// Applies the record at `offset`, and adds what it changed to `delta`.
    package mutating func apply(_ record: MetadataRecord, at offset: Offset, into delta: inout ClusterImageDelta) {
        appliedOffset = offset
        switch record {
        case .topic(let record): applyTopic(record, &delta)
        case .partition(let record): applyPartition(record, &delta)
        case .partitionChange(let record): applyPartitionChange(record, &delta)
        case .removeTopic(let record): applyRemoveTopic(record, &delta)
        case .clearElr(let record): applyClearELR(record, &delta)
        case .config(let record): applyConfig(record, &delta)
        case .registerBroker(let record): applyRegistration(record, &delta)
        case .unregisterBroker(let record): setBroker(BrokerID(record.brokerID), nil, &delta)
        case .fenceBroker(let record): changeBroker(record.id, record.epoch, &delta) { $0.isFenced = true }
        case .unfenceBroker(let record): changeBroker(record.id, record.epoch, &delta) { $0.isFenced = false }
        case .brokerRegistrationChange(let record): applyRegistrationChange(record, &delta)
        case .featureLevel(let record): applyFeature(record, &delta)
        case .producerIDs(let record): nextProducerID = max(nextProducerID, record.nextProducerID)
        case .noOp, .beginTransaction, .endTransaction, .abortTransaction: break
        case .accessControlEntry(let record): applyAccess(record, &delta)
        case .removeAccessControlEntry(let record): applyRemoveAccess(record, &delta)
        case .clientQuota(let record): applyQuota(record, &delta)
        case .userScramCredential, .removeUserScramCredential, .registerController, .opaque:
            kept.apply(record)
        }
    }

    // MARK: topics

    private mutating func applyTopic(_ record: TopicRecord, _ delta: inout ClusterImageDelta) {
        insert(TopicImage(name: record.name, id: record.topicID))
        delta.topicsCreated[record.topicID] = record.name
    }

    private mutating func applyRemoveTopic(_ record: RemoveTopicRecord, _ delta: inout ClusterImageDelta) {
        guard let topic = removeTopic(record.topicID) else { return }
        for (index, partition) in topic.partitions {
            delta.partitions.note(topic.name, topic.id, index, before: partition, after: nil)
        }
        if delta.topicsCreated.remove(topic.id) == nil { delta.topicsDeleted[topic.id] = topic }
        for (key, value) in topicConfig(topic.name) {
            delta.configs.note(ConfigKey(.topic(topic.name), key), before: value, after: nil)
        }
        configs[.topic(topic.name)] = nil
    }

    private mutating func applyPartition(_ record: PartitionRecord, _ delta: inout ClusterImageDelta) {
        let partition = PartitionImage(
            replicas: record.replicas.map { BrokerID($0) }, inSyncReplicas: record.isr.map { BrokerID($0) },
            leader: record.leader < 0 ? nil : BrokerID(record.leader), leaderEpoch: LeaderEpoch(record.leaderEpoch),
            partitionEpoch: record.partitionEpoch, addingReplicas: record.addingReplicas.map { BrokerID($0) },
            removingReplicas: record.removingReplicas.map { BrokerID($0) }, directories: record.directories,
            isRecovering: record.leaderRecoveryState == 1,
            eligibleLeaderReplicas: (record.eligibleLeaderReplicas ?? []).map { BrokerID($0) },
            lastKnownEligibleReplicas: (record.lastKnownELR ?? []).map { BrokerID($0) })
        setPartition(record.topicID, record.partitionID, &delta) { $0 = partition }
    }

    private mutating func applyPartitionChange(_ record: PartitionChangeRecord, _ delta: inout ClusterImageDelta) {
        setPartition(record.topicID, record.partitionID, &delta) { present in
            guard var partition = present else { return }
            if let isr = record.isr { partition.inSyncReplicas = isr.map { BrokerID($0) } }
            if let replicas = record.replicas { partition.replicas = replicas.map { BrokerID($0) } }
            if let adding = record.addingReplicas { partition.addingReplicas = adding.map { BrokerID($0) } }
            if let removing = record.removingReplicas { partition.removingReplicas = removing.map { BrokerID($0) } }
            if let directories = record.directories { partition.directories = directories }
            if let eligible = record.eligibleLeaderReplicas { partition.eligibleLeaderReplicas = eligible.map { BrokerID($0) } }
            if let known = record.lastKnownELR { partition.lastKnownEligibleReplicas = known.map { BrokerID($0) } }
            if record.leaderRecoveryState >= 0 { partition.isRecovering = record.leaderRecoveryState == 1 }
            if record.leader != -2 {
                partition.leader = record.leader < 0 ? nil : BrokerID(record.leader)
                partition.leaderEpoch = LeaderEpoch(partition.leaderEpoch.rawValue &+ 1)
            }
            partition.partitionEpoch &+= 1
            present = partition
        }
    }

    private mutating func applyClearELR(_ record: ClearElrRecord, _ delta: inout ClusterImageDelta) {
        let named = record.topicName.isEmpty ? topics.values : [topic(record.topicName)].compactMap { $0 }
        for topic in named {
            for (index, partition) in topic.partitions
            where !partition.eligibleLeaderReplicas.isEmpty || !partition.lastKnownEligibleReplicas.isEmpty {
                setPartition(topic.id, index, &delta) { present in
                    present?.eligibleLeaderReplicas = []
                    present?.lastKnownEligibleReplicas = []
                    present?.partitionEpoch &+= 1
                }
            }
        }
    }

    private mutating func setPartition(
        _ topicID: UUID, _ index: Int32, _ delta: inout ClusterImageDelta, _ change: (inout PartitionImage?) -> Void
    ) {
        guard let name = topicName(topicID), let place = topics.index(of: name) else { return }
        var (before, after): (PartitionImage?, PartitionImage?)
        topics.update(at: place) { topic in
            before = topic.partitions[index]
            after = before
            change(&after)
            guard var changed = after, changed != before else { return }
            // The partition before it in the topic is often where this one is.
            let neighbour = topic.partitions.lowerBound(index) - 1
            if neighbour >= 0 { changed.share(with: topic.partitions.values[neighbour]) }
            topic.partitions[index] = changed
            after = changed
        }
        if after != before { delta.partitions.note(name, topicID, index, before: before, after: after) }
    }

    // MARK: settings and features

    private mutating func applyConfig(_ record: ConfigRecord, _ delta: inout ClusterImageDelta) {
        guard let type = ConfigResourceType(rawValue: record.resourceType) else {
            kept.apply(.config(record))
            return
        }
        let resource = ConfigResource(type, record.resourceName)
        let before = configs[resource]?[record.name]
        delta.configs.note(ConfigKey(resource, record.name), before: before, after: record.value)
        if let value = record.value {
            configs[resource, default: OrderedMap()][record.name] = value
        } else if before != nil {
            configs.update(resource) { $0[record.name] = nil }
            if configs[resource]?.isEmpty == true { configs[resource] = nil }
        }
    }

    private mutating func applyFeature(_ record: FeatureLevelRecord, _ delta: inout ClusterImageDelta) {
        let level = record.featureLevel == 0 ? nil : record.featureLevel
        delta.features.note(record.name, before: features[record.name], after: level)
        features[record.name] = level
    }

    // MARK: access

    private mutating func applyAccess(_ record: AccessControlEntryRecord, _ delta: inout ClusterImageDelta) {
        guard let entry = AccessEntry(record) else { return kept.apply(.accessControlEntry(record)) }
        delta.access.note(record.id, before: access.entries[record.id], after: entry)
        access.insert(entry, id: record.id)
    }

    private mutating func applyRemoveAccess(_ record: RemoveAccessControlEntryRecord, _ delta: inout ClusterImageDelta) {
        guard let entry = access.entries[record.id] else { return kept.apply(.removeAccessControlEntry(record)) }
        delta.access.note(record.id, before: entry, after: nil)
        access.remove(record.id)
    }

    private mutating func applyQuota(_ record: ClientQuotaRecord, _ delta: inout ClusterImageDelta) {
        guard let entity = QuotaEntity(record) else { return kept.apply(.clientQuota(record)) }
        quotas.set(entity, record.key, record.remove ? nil : record.value)
        delta.quotasChanged = true
    }

    // MARK: brokers

    private mutating func applyRegistration(_ record: RegisterBrokerRecord, _ delta: inout ClusterImageDelta) {
        let endpoints = record.endPoints.map {
            BrokerRegistration.Endpoint(name: $0.name, host: $0.host, port: $0.port, securityProtocol: $0.securityProtocol)
        }
        let features = record.features.map {
            BrokerRegistration.Feature(name: $0.name, minVersion: $0.minSupportedVersion, maxVersion: $0.maxSupportedVersion)
        }
        // Their order comes from a hash, and means nothing.
        let broker = BrokerRegistration(
            id: BrokerID(record.brokerID), brokerEpoch: record.brokerEpoch, incarnationID: record.incarnationID, endpoints: endpoints,
            features: features.sorted { $0.name < $1.name }, rack: record.rack, isFenced: record.fenced,
            isInControlledShutdown: record.inControlledShutdown, logDirectories: record.logDirs)
        setBroker(broker.id, broker, &delta)
    }

    private mutating func applyRegistrationChange(_ record: BrokerRegistrationChangeRecord, _ delta: inout ClusterImageDelta) {
        changeBroker(record.brokerID, record.brokerEpoch, &delta) { broker in
            if record.fenced != 0 { broker.isFenced = record.fenced == 1 }
            if record.inControlledShutdown == 1 { broker.isInControlledShutdown = true }
            if !record.logDirs.isEmpty { broker.logDirectories = record.logDirs }
        }
    }

    private mutating func changeBroker(
        _ rawID: Int32, _ brokerEpoch: Int64, _ delta: inout ClusterImageDelta, _ change: (inout BrokerRegistration) -> Void
    ) {
        // A change of an earlier life of the broker says nothing of this one.
        guard var broker = brokers[BrokerID(rawID)], broker.brokerEpoch == brokerEpoch else { return }
        change(&broker)
        setBroker(broker.id, broker, &delta)
    }

    private mutating func setBroker(_ id: BrokerID, _ broker: BrokerRegistration?, _ delta: inout ClusterImageDelta) {
        delta.brokers.note(id, before: brokers[id], after: broker)
        brokers[id] = broker
    }
}
