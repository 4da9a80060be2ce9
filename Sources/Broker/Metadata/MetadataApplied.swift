import Controller
import Primitives
import Records
import Replication
import Storage
import Wire

/// What a broker does when the committed metadata has changed: it takes up, changes and lets go partitions, and tells of it.
extension Broker {
    mutating func applied(_ delta: ClusterImageDelta) {
        groupsMetadataApplied(delta)
        for (id, topic) in delta.topicsDeleted { topicDeleted(id, topic) }
        applyConfigs(delta)
        if delta.quotasChanged { quotasVersion += 1 }
        tellBrokers(delta)
        var notes = hostingNotes
        for (key, change) in delta.partitions {
            guard let after = change.after else { continue }
            host(key, after, &notes)
            tellPartition(key.topicPartition, change.before, after)
        }
        // After the partitions: a broker that goes has left their in-sync replicas by the same records.
        if !delta.brokers.isEmpty { eligibilityChanged() }
        armMaintenance()
        guard tellsMetadata else { return }
        for (_, name) in delta.topicsCreated { tellCreated(name) }
        tellPartitionsAdded(delta)
    }

    private mutating func tellCreated(_ name: String) {
        guard let topic = image.topic(name) else { return }
        emit(
            .topicCreated(
                topic: name, partitions: Int32(clamping: topic.partitions.count),
                replicationFactor: Int16(clamping: topic.replicationFactor)))
    }

    private mutating func tellPartitionsAdded(_ delta: ClusterImageDelta) {
        var added: OrderedMap<String, Int32> = OrderedMap()
        for (key, change) in delta.partitions where change.before == nil && change.after != nil {
            if delta.topicsCreated[key.topicID] == nil { added[key.topic, default: 0] += 1 }
        }
        for (name, count) in added {
            let total = Int32(clamping: image.topic(name)?.partitions.count ?? 0)
            emit(.partitionsAdded(topic: name, from: total - count, to: total))
        }
    }

    private mutating func topicDeleted(_ id: UUID, _ topic: TopicImage) {
        for replica in replicas.remove(topic.name) { letGo(replica) }
        replication.throttled[topic.name] = nil
        guard !isStarting else { return }
        groupsTopicDeleted(topic.name)
        if tellsMetadata { emit(.topicDeleted(topic: topic.name)) }
    }

    // MARK: - Settings

    func topicConfig(_ topic: String) -> TopicConfig { TopicConfig(overrides: image.topicConfig(topic), broker: config) }

    func logConfig(_ topic: String) -> LogConfig { LogConfig(topicConfig(topic), broker: config) }

    private mutating func applyConfigs(_ delta: ClusterImageDelta) {
        guard !delta.configs.isEmpty || isStarting else { return }
        config.applyDynamic(defaults: image.config(.brokerDefaults), broker: image.config(.broker(brokerID)))
        configureThrottleRates()
        var everything = false
        for resource in delta.changedResources {
            switch resource.type {
            case .topic: reconfigure(resource.name)
            case .broker: everything = true
            default: break
            }
        }
        if everything {
            for (name, _) in image.topics { reconfigure(name) }
            brokerSettingsChanged()
        }
        guard tellsMetadata else { return }
        for (key, change) in delta.configs where delta.topicsDeleted.values.allSatisfy({ $0.name != key.resource.name }) {
            let isSecret = key.resource.type == .broker && ListenerKey.holdsSecret(key.name)
            func shown(_ text: String?) -> String? { isSecret && text != nil ? "[hidden]" : text }
            emit(.configChanged(resource: "\(key.resource)", key: key.name, from: shown(change.before), to: shown(change.after)))
        }
    }

    /// What listeners ask of whoever logs in holds for the next login; a listener whose new settings cannot be used keeps the old.
    private mutating func brokerSettingsChanged() {
        settingsVersion += 1
        for problem in authentication.configure(config) { note(problem) }
    }

    private mutating func reconfigure(_ topic: String) {
        let settings = logConfig(topic)
        let minimum = topicConfig(topic).minInSyncReplicas
        configureThrottles(topic: topic)
        for replica in replicas.all(of: topic) {
            replica.log.config = settings
            armCleaning(replica.log)
            if replica.minimumChanged(minimum, now: now.instant) { advanced(replica) }
        }
    }
}

extension LogConfig {
    /// Kafka's keys as the log's own settings.
    init(_ topic: TopicConfig, broker: BrokerConfig) {
        self.init()
        segmentBytesMax = topic.segmentBytes
        segmentMilliseconds = topic.segmentMs
        indexBytesMax = topic.segmentIndexBytes
        indexIntervalBytes = topic.indexIntervalBytes
        retentionMilliseconds = topic.retentionMs
        retentionBytes = topic.retentionBytes
        fileDeleteDelayMilliseconds = topic.fileDeleteDelayMs
        isCompacted = topic.isCompacted
        isDeleting = topic.isDeleting
        cleanableRatioMin = topic.minCleanableDirtyRatio
        compactionLagMinMilliseconds = topic.minCompactionLagMs
        compactionLagMaxMilliseconds = topic.maxCompactionLagMs
        deleteRetentionMilliseconds = topic.deleteRetentionMs
        batchBytesMax = topic.maxMessageBytes
        timestampType = topic.isLogAppendTime ? .logAppendTime : .createTime
        timestampBeforeMaxMilliseconds = topic.messageTimestampBeforeMaxMs
        timestampAfterMaxMilliseconds = topic.messageTimestampAfterMaxMs
        switch topic.compressionType {
        case "producer": compression = nil
        case "uncompressed": compression = Codec.none
        default: compression = Codec(name: topic.compressionType)
        }
        compressionLevel = topic.compressionLevel
        preallocates = topic.preallocate
        segmentJitterMilliseconds = topic.segmentJitterMs
        producerExpirationMilliseconds = broker.producerIDExpirationMs
        flushRecordsMax = topic.flushMessages
        flushMilliseconds = topic.flushMs
    }
}
