import Primitives
import Wire

/// Who leads a partition: asked for (ElectLeaders), or because a broker came or went.
extension Controller {
    package enum ElectionType: Int8, Sendable {
        /// The first replica, if it is in sync.
        case preferred = 0
        /// Any that lives, where none in sync does: acknowledged records may be lost.
        case unclean = 1
    }

    package func decideElectLeaders(_ request: ElectLeadersRequest) -> Decision<ElectLeadersResponse> {
        var decision = Decision(response: ElectLeadersResponse())
        let type = ElectionType(rawValue: request.electionType)
        if type == nil { decision.response.errorCode = .invalidRequest }
        guard let asked = request.topicPartitions else {
            guard let type else { return decision }
            decision.response.replicaElectionResults = electEverywhere(type, &decision.records)
            return decision
        }
        for topic in asked {
            var results = ElectLeadersResponse.ElectionResult()
            results.topic = topic.topic
            for partition in topic.partitions {
                var result = ElectLeadersResponse.PartitionResult()
                result.partitionID = partition
                do throws(APIFailure) {
                    guard let type else { throw APIFailure(.invalidRequest, "Unknown election type \(request.electionType)") }
                    decision.records.append(try decideElection(topic.topic, partition, type))
                } catch {
                    (result.errorCode, result.errorMessage) = (error.code, error.message ?? error.code.message)
                }
                results.partitionResults.append(result)
            }
            decision.response.replicaElectionResults.append(results)
        }
        return decision
    }

    /// Every partition; those that need no election are not told of.
    private func electEverywhere(_ type: ElectionType, _ records: inout [MetadataRecord]) -> [ElectLeadersResponse.ElectionResult] {
        image.topics.values.map { topic in
            var results = ElectLeadersResponse.ElectionResult()
            results.topic = topic.name
            for partition in topic.partitions.keys {
                var result = ElectLeadersResponse.PartitionResult()
                result.partitionID = partition
                do throws(APIFailure) {
                    records.append(try decideElection(topic.name, partition, type))
                } catch {
                    if error.code == .electionNotNeeded { continue }
                    (result.errorCode, result.errorMessage) = (error.code, error.message ?? error.code.message)
                }
                results.partitionResults.append(result)
            }
            return results
        }
    }

    private func decideElection(_ name: String, _ index: Int32, _ type: ElectionType) throws(APIFailure) -> MetadataRecord {
        guard let topic = image.topic(name) else { throw APIFailure(.unknownTopicOrPartition, "No such topic as \(name)") }
        guard let partition = topic.partitions[index] else {
            throw APIFailure(.unknownTopicOrPartition, "No such partition as \(name)-\(index)")
        }
        let notNeeded = APIFailure(.electionNotNeeded, "Leader election not needed for topic partition.")
        var change = PartitionChange()
        switch type {
        case .preferred:
            let preferred = partition.replicas.first
            if partition.leader == preferred { throw notNeeded }
            guard let preferred, partition.inSyncReplicas.contains(preferred), isActive(preferred) else {
                throw APIFailure(.preferredLeaderNotAvailable, "The preferred leader was not available.")
            }
            change.leader = .some(preferred)
        case .unclean:
            if partition.leader != nil { throw notNeeded }
            if let clean = cleanElection(partition) {
                change = clean
            } else if let any = partition.replicas.first(where: isActive) {
                change.leader = .some(any)
                change.inSyncReplicas = [any]
                change.forgetEligible(of: partition, but: any)
                change.isRecovering = true
            } else {
                throw APIFailure(.eligibleLeadersNotAvailable, "No eligible leader is available for the partition.")
            }
        }
        return MetadataRecords.change(index, of: topic.id, change)
    }

    /// Who may lead without loss, and what changes by it: the first replica in the order of preference that is in sync and lives; where
    /// none is in sync, the first that left the in-sync replicas holding all that is committed (KIP-966; a cluster that Kafka made may
    /// have it).
    func cleanElection(_ partition: PartitionImage) -> PartitionChange? {
        var change = PartitionChange()
        if let inSync = partition.replicas.first(where: { partition.inSyncReplicas.contains($0) && isActive($0) }) {
            change.leader = .some(inSync)
            return change
        }
        guard partition.inSyncReplicas.isEmpty,
            let eligible = partition.replicas.first(where: { partition.eligibleLeaderReplicas.contains($0) && isActive($0) })
        else { return nil }
        change.leader = .some(eligible)
        change.inSyncReplicas = [eligible]
        change.forgetEligible(of: partition, but: eligible)
        return change
    }
}

/// What changes of a partition; nil leaves it as it is.
package struct PartitionChange: Equatable, Sendable {
    /// `.some(nil)`: nobody leads any more. Any value, even the same leader again, begins a new leader epoch.
    package var leader: BrokerID??
    package var replicas: [BrokerID]?
    package var inSyncReplicas: [BrokerID]?
    package var addingReplicas: [BrokerID]?
    package var removingReplicas: [BrokerID]?
    package var directories: [UUID]?
    package var isRecovering: Bool?
    package var eligibleLeaderReplicas: [BrokerID]?
    package var lastKnownEligibleReplicas: [BrokerID]?

    package init() {}

    /// With a leader again, who was eligible before it need not be known any more, except the others that still are.
    mutating func forgetEligible(of partition: PartitionImage, but leader: BrokerID) {
        if partition.eligibleLeaderReplicas.contains(leader) {
            eligibleLeaderReplicas = partition.eligibleLeaderReplicas.filter { $0 != leader }
        }
        if !partition.lastKnownEligibleReplicas.isEmpty { lastKnownEligibleReplicas = [] }
    }
    package var isEmpty: Bool { self == PartitionChange() }
}
