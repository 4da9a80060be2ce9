import Primitives
import Wire

/// Brokers coming, serving and going, and what that means for the partitions they hold (KIP-631).
extension Controller {
    /// A broker registers, fenced until it has caught up. `offset` is the one its record will have: that is its epoch. What an earlier
    /// life of the broker led is without it until it is unfenced.
    package func decideRegisterBroker(_ registration: BrokerRegistration, at offset: Offset) -> Decision<Int64> {
        var registration = registration
        registration.brokerEpoch = offset.rawValue
        registration.isFenced = true
        registration.isInControlledShutdown = false
        var records = [MetadataRecords.registerBroker(registration)]
        if image.brokers[registration.id] != nil { records += changes(losing: registration.id) }
        return Decision(records: records, response: offset.rawValue)
    }

    /// The broker has caught up: it may serve. Partitions without a leader that it can lead get it. One that is shutting down does not come
    /// back by this, only by registering again.
    package func decideUnfence(_ id: BrokerID) -> Decision<Void> {
        guard let broker = image.brokers[id], broker.isFenced, !broker.isInControlledShutdown else { return Decision(response: ()) }
        var records = [MetadataRecords.registrationChange(id, broker.brokerEpoch, isFenced: false, isInControlledShutdown: nil)]
        var unfenced = image
        unfenced.brokers.update(id) { $0.isFenced = false }
        let after = Controller(image: unfenced)
        for (topic, index, partition) in allPartitions where partition.leader == nil && partition.replicas.contains(id) {
            guard let change = after.cleanElection(partition), change.leader == .some(id) else { continue }
            records.append(MetadataRecords.change(index, of: topic.id, change))
        }
        return Decision(records: records, response: ())
    }

    /// The broker was not heard of for a session, or asked for it: its leaderships go to others.
    package func decideFence(_ id: BrokerID) -> Decision<Void> {
        guard let broker = image.brokers[id], !broker.isFenced else { return Decision(response: ()) }
        let record = MetadataRecords.registrationChange(id, broker.brokerEpoch, isFenced: true, isInControlledShutdown: nil)
        return Decision(records: [record] + changes(losing: id), response: ())
    }

    /// The broker wants to stop: its leaderships go to others first, as far as there are others.
    package func decideControlledShutdown(_ id: BrokerID) -> Decision<Void> {
        guard let broker = image.brokers[id], broker.isActive else { return Decision(response: ()) }
        let record = MetadataRecords.registrationChange(id, broker.brokerEpoch, isFenced: nil, isInControlledShutdown: true)
        return Decision(records: [record] + changes(losing: id), response: ())
    }

    private var allPartitions: [(TopicImage, Int32, PartitionImage)] {
        image.topics.values.flatMap { topic in topic.partitions.map { (topic, $0.key, $0.value) } }
    }

    /// Takes a broker out of the in-sync replicas, of which the last one stays: it alone holds all that is committed. What it led goes to
    /// the next in sync, or to nobody.
    private func changes(losing id: BrokerID) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        for (topic, index, partition) in allPartitions where partition.inSyncReplicas.contains(id) || partition.leader == id {
            var change = PartitionChange()
            let remaining = partition.inSyncReplicas.filter { $0 != id }
            if !remaining.isEmpty, remaining.count < partition.inSyncReplicas.count { change.inSyncReplicas = remaining }
            if partition.leader == id {
                let next = partition.replicas.first { remaining.contains($0) && isActive($0) }
                change.leader = .some(next)
            }
            if !change.isEmpty { records.append(MetadataRecords.change(index, of: topic.id, change)) }
        }
        return records
    }

    /// A block of producer ids for a broker to give out (KIP-730).
    package func decideAllocateProducerIDs(_ id: BrokerID) -> Decision<Range<Int64>> {
        let first = image.nextProducerID
        let next = first + Controller.producerIDBlock
        let record = MetadataRecords.producerIDs(id, image.brokers[id]?.brokerEpoch ?? -1, next: next)
        return Decision(records: [record], response: first..<next)
    }

    package static let producerIDBlock: Int64 = 1000
}
