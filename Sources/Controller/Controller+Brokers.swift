import Primitives
import Wire

/// Brokers coming, serving and going, and what that means for the partitions they hold (KIP-631).
extension Controller {
    /// A broker registers, fenced until it has caught up. `offset` is the one its record will have: that is its epoch. What an earlier
    /// life of the broker led is without it until it is unfenced; if that life did not end by a stop (`wasStopped`), it may have lost what
    /// was not written yet, and is not even eligible (KIP-966). The same life again keeps its epoch and its state.
    ///
    /// `servesAtOnce`: it has caught up by the time it has registered, as the node has that decides alone. Both are then one decision.
    package func decideRegisterBroker(
        _ registration: BrokerRegistration, at offset: Offset, wasStopped: Bool = true, servesAtOnce: Bool = false
    ) -> Decision<Int64> {
        var registration = registration
        let known = image.brokers[registration.id]
        if let known, known.incarnationID == registration.incarnationID, !known.incarnationID.isZero {
            (registration.brokerEpoch, registration.isFenced) = (known.brokerEpoch, known.isFenced)
            registration.isInControlledShutdown = known.isInControlledShutdown
            return Decision(records: [MetadataRecords.registerBroker(registration)], response: known.brokerEpoch)
        }
        registration.brokerEpoch = offset.rawValue
        registration.isFenced = true
        registration.isInControlledShutdown = false
        var records = [MetadataRecords.registerBroker(registration)]
        let isUnclean = !wasStopped && keepsEligibleLeaders
        if servesAtOnce {
            let id = registration.id
            records.append(MetadataRecords.registrationChange(id, registration.brokerEpoch, isFenced: false, isInControlledShutdown: nil))
            records += known == nil ? elections(unfencing: id) : changes(restarting: id, isUnclean: isUnclean)
        } else if known != nil {
            records += changes(losing: registration.id, isUnclean: isUnclean)
        }
        return Decision(records: records, response: offset.rawValue)
    }

    /// The broker has caught up: it may serve. Partitions without a leader that it can lead get it. One that is shutting down does not come
    /// back by this, only by registering again.
    package func decideUnfence(_ id: BrokerID) -> Decision<Void> {
        guard let broker = image.brokers[id], broker.isFenced, !broker.isInControlledShutdown else { return Decision(response: ()) }
        let record = MetadataRecords.registrationChange(id, broker.brokerEpoch, isFenced: false, isInControlledShutdown: nil)
        return Decision(records: [record] + elections(unfencing: id), response: ())
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

    /// The broker is not to come back (KIP-919). Its replicas stay assigned until they are reassigned.
    package func decideUnregisterBroker(_ request: UnregisterBrokerRequest) -> Decision<UnregisterBrokerResponse> {
        let id = BrokerID(request.brokerID)
        var decision = Decision(response: UnregisterBrokerResponse())
        if let broker = image.brokers[id] {
            decision.records = changes(losing: id) + [MetadataRecords.unregisterBroker(id, broker.brokerEpoch)]
        } else {
            decision.response.errorCode = .brokerIDNotRegistered
            decision.response.errorMessage = "Broker ID \(id) is not currently registered"
        }
        return decision
    }

    var allPartitions: [(TopicImage, Int32, PartitionImage)] {
        image.topics.values.flatMap { topic in topic.partitions.map { (topic, $0.key, $0.value) } }
    }

    /// Leaders for the partitions that have none, as far as some broker may lead them.
    func elections(mayLead: @escaping (BrokerID) -> Bool) -> [MetadataRecord] {
        changes { election(of: $0, in: $1, mayLead: mayLead) }
    }

    private func elections(unfencing id: BrokerID) -> [MetadataRecord] { elections { $0 == id || isActive($0) } }

    /// Takes a broker out of the in-sync replicas, of which the last one stays where none are eligible besides. What it led goes to the
    /// next that may lead, or to nobody.
    private func changes(losing id: BrokerID, isUnclean: Bool = false) -> [MetadataRecord] {
        let others = { $0 != id && isActive($0) }
        return changes { loss(of: id, isUnclean: isUnclean, to: $0, in: $1, mayLead: others) }
    }

    /// What comes of a broker's being lost and its being there again, as one change of each partition: a leader whose place nobody else can
    /// take leads on, in a new epoch.
    private func changes(restarting id: BrokerID, isUnclean: Bool) -> [MetadataRecord] {
        let others = { $0 != id && isActive($0) }
        let all = { $0 == id || isActive($0) }
        return changes { before, topic in
            let loss = loss(of: id, isUnclean: isUnclean, to: before, in: topic, mayLead: others)
            let between = loss.map { before.changed(by: $0) } ?? before
            guard let election = election(of: between, in: topic, mayLead: all) else { return loss }
            return (loss ?? PartitionChange()).followed(by: election, from: before)
        }
    }

    private func changes(_ decide: (PartitionImage, _ topic: String) -> PartitionChange?) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        for topic in image.topics.values {
            // What is decided depends on nothing in which alike partitions of a topic differ.
            var last: (partition: PartitionImage, change: PartitionChange?)?
            for (index, partition) in topic.partitions {
                let change: PartitionChange?
                if let last, last.partition.isAlike(partition) { change = last.change } else { change = decide(partition, topic.name) }
                last = (partition, change)
                if let change, !change.isEmpty { records.append(MetadataRecords.change(index, of: topic.id, change)) }
            }
        }
        return records
    }

    private func election(
        of partition: PartitionImage, in topic: String, mayLead: @escaping (BrokerID) -> Bool
    ) -> PartitionChange? {
        guard partition.leader == nil, partition.replicas.contains(where: mayLead) else { return nil }
        var transition = transition(partition, of: topic, mayLead: mayLead)
        return transition.change { directory(of: $0) }
    }

    private func loss(
        of id: BrokerID, isUnclean: Bool, to partition: PartitionImage, in topic: String, mayLead: @escaping (BrokerID) -> Bool
    ) -> PartitionChange? {
        guard partition.replicas.contains(id) || partition.leader == id else { return nil }
        let isEligible = isUnclean && partition.eligibleLeaderReplicas.contains(id)
        guard partition.inSyncReplicas.contains(id) || partition.leader == id || isEligible else { return nil }
        var transition = transition(partition, of: topic, mayLead: mayLead)
        transition.inSyncReplicas.removeAll { $0 == id }
        if isUnclean { transition.uncleanShutdowns = [id] }
        return transition.change { directory(of: $0) }
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
