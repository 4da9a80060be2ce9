import Primitives
import Wire

/// The records the controller writes, made from its own types. Their versions are the newest, those of `Controller.metadataVersion`.
enum MetadataRecords {
    static func beginTransaction(_ name: String) -> MetadataRecord {
        var record = BeginTransactionRecord()
        record.name = name
        return .beginTransaction(record)
    }

    static func endTransaction() -> MetadataRecord { .endTransaction(EndTransactionRecord()) }

    static func featureLevel(_ name: String, _ level: Int16) -> MetadataRecord {
        var record = FeatureLevelRecord()
        record.name = name
        record.featureLevel = level
        return .featureLevel(record)
    }

    static func topic(_ name: String, _ id: UUID) -> MetadataRecord {
        var record = TopicRecord()
        record.name = name
        record.topicID = id
        return .topic(record)
    }

    static func removeTopic(_ id: UUID) -> MetadataRecord {
        var record = RemoveTopicRecord()
        record.topicID = id
        return .removeTopic(record)
    }

    static func partition(_ index: Int32, of topicID: UUID, _ partition: PartitionImage) -> MetadataRecord {
        var record = PartitionRecord()
        record.partitionID = index
        record.topicID = topicID
        record.replicas = partition.replicas.map(\.rawValue)
        record.isr = partition.inSyncReplicas.map(\.rawValue)
        record.removingReplicas = partition.removingReplicas.map(\.rawValue)
        record.addingReplicas = partition.addingReplicas.map(\.rawValue)
        record.leader = (partition.leader ?? .none).rawValue
        record.leaderRecoveryState = partition.isRecovering ? 1 : 0
        record.leaderEpoch = partition.leaderEpoch.rawValue
        record.partitionEpoch = partition.partitionEpoch
        record.directories = partition.directories
        // Tagged fields with their own null: left out where there is nothing to say, as Kafka does.
        if !partition.eligibleLeaderReplicas.isEmpty { record.eligibleLeaderReplicas = partition.eligibleLeaderReplicas.map(\.rawValue) }
        if !partition.lastKnownEligibleReplicas.isEmpty { record.lastKnownELR = partition.lastKnownEligibleReplicas.map(\.rawValue) }
        return .partition(record)
    }

    static func change(_ index: Int32, of topicID: UUID, _ change: PartitionChange) -> MetadataRecord {
        var record = PartitionChangeRecord()
        record.partitionID = index
        record.topicID = topicID
        if let leader = change.leader { record.leader = (leader ?? .none).rawValue }
        record.replicas = change.replicas?.map(\.rawValue)
        record.isr = change.inSyncReplicas?.map(\.rawValue)
        record.addingReplicas = change.addingReplicas?.map(\.rawValue)
        record.removingReplicas = change.removingReplicas?.map(\.rawValue)
        record.directories = change.directories
        record.eligibleLeaderReplicas = change.eligibleLeaderReplicas?.map(\.rawValue)
        record.lastKnownELR = change.lastKnownEligibleReplicas?.map(\.rawValue)
        if let isRecovering = change.isRecovering { record.leaderRecoveryState = isRecovering ? 1 : 0 }
        return .partitionChange(record)
    }

    static func config(_ resource: ConfigResource, _ name: String, _ value: String?) -> MetadataRecord {
        var record = ConfigRecord()
        record.resourceType = resource.type.rawValue
        record.resourceName = resource.name
        record.name = name
        record.value = value
        return .config(record)
    }

    static func registerBroker(_ broker: BrokerRegistration) -> MetadataRecord {
        var record = RegisterBrokerRecord()
        record.brokerID = broker.id.rawValue
        record.incarnationID = broker.incarnationID
        record.brokerEpoch = broker.brokerEpoch
        record.endPoints = broker.endpoints.map { endpoint in
            var point = RegisterBrokerRecord.EndPoint()
            (point.name, point.host, point.port) = (endpoint.name, endpoint.host, endpoint.port)
            point.securityProtocol = endpoint.securityProtocol
            return point
        }
        record.features = broker.features.map { feature in
            var row = RegisterBrokerRecord.Feature()
            (row.name, row.minSupportedVersion, row.maxSupportedVersion) = (feature.name, feature.minVersion, feature.maxVersion)
            return row
        }
        record.rack = broker.rack
        record.fenced = broker.isFenced
        record.inControlledShutdown = broker.isInControlledShutdown
        record.logDirs = broker.logDirectories
        return .registerBroker(record)
    }

    static func unregisterBroker(_ id: BrokerID, _ brokerEpoch: Int64) -> MetadataRecord {
        var record = UnregisterBrokerRecord()
        record.brokerID = id.rawValue
        record.brokerEpoch = brokerEpoch
        return .unregisterBroker(record)
    }

    static func clearELR(_ topic: String) -> MetadataRecord {
        var record = ClearElrRecord()
        record.topicName = topic
        return .clearElr(record)
    }

    static func registrationChange(
        _ id: BrokerID, _ brokerEpoch: Int64, isFenced: Bool?, isInControlledShutdown: Bool?
    ) -> MetadataRecord {
        var record = BrokerRegistrationChangeRecord()
        record.brokerID = id.rawValue
        record.brokerEpoch = brokerEpoch
        if let isFenced { record.fenced = isFenced ? 1 : -1 }
        if isInControlledShutdown == true { record.inControlledShutdown = 1 }
        return .brokerRegistrationChange(record)
    }

    static func producerIDs(_ id: BrokerID, _ brokerEpoch: Int64, next: Int64) -> MetadataRecord {
        var record = ProducerIDsRecord()
        record.brokerID = id.rawValue
        record.brokerEpoch = brokerEpoch
        record.nextProducerID = next
        return .producerIDs(record)
    }
}
