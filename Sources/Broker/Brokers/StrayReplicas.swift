import Controller
import Primitives
import Storage
import Wire

/// What the metadata log tells of the past while a broker starts: enough to know what became of directories it has and the metadata does
/// not name.
struct MetadataHistory {
    /// Topics whose deletion is in the log.
    var removedTopics: OrderedMap<UUID, Bool> = OrderedMap()
    /// An earlier life of this broker was registered with this data directory: what the directory holds was of this cluster.
    var wasMember = false
}

/// Directories of partitions that are not this broker's any more, because of what happened while it was down.
extension Broker {
    mutating func noteHistory(_ record: MetadataRecord) {
        switch record {
        case .removeTopic(let removed): history.removedTopics[removed.topicID] = true
        case .registerBroker(let broker) where broker.brokerID == brokerID.rawValue:
            noteMembership(broker.incarnationID, broker.logDirs)
        default: break
        }
    }

    mutating func noteMembership(_ incarnationID: UUID, _ directories: [UUID]) {
        guard incarnationID != life.incarnationID, let own = directory?.meta.directoryID else { return }
        if directories.contains(own) { history.wasMember = true }
    }

    /// Once the broker has caught up: logs of topics that were deleted go, and of partitions that were moved to others. What the metadata
    /// says nothing of is left alone, and named, unless its deletion may have been forgotten with the beginning of the metadata log, of
    /// which a snapshot has taken the place.
    mutating func clearStrays() {
        defer { history = MetadataHistory() }
        guard let directory else { return }
        let mayBeForgotten = history.wasMember && (metadata?.log.logStartOffset ?? .zero) > .zero
        for partition in directory.partitions where partition.topic != TopicNames.metadata {
            guard replicas.find(partition.topic, partition.partition) == nil, !missing.contains(where: { $0.topicPartition == partition })
            else { continue }
            guard let id = (try? directory.log(partition, config: logConfig(partition.topic), now: now))?.topicID else {
                note("the directory of \(partition) cannot be opened; it is left as it is")
                continue
            }
            let isKnown = image.topic(id) != nil
            guard isKnown || history.removedTopics[id] != nil || mayBeForgotten else {
                note("the directory of \(partition) belongs to no partition of this cluster; it is left as it is")
                continue
            }
            note("the directory of \(partition) goes: " + (isKnown ? "its replica was moved elsewhere" : "its topic was deleted"))
            try? directory.delete(partition, now: now)
        }
    }
}
