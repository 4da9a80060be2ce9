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
        var transition = transition(partition, of: name)
        switch type {
        case .preferred:
            if partition.leader == partition.replicas.first { throw notNeeded }
            transition.election = .preferred
            let change = transition.change { directory(of: $0) }
            guard let elected = change.leader, elected == partition.replicas.first else {
                throw APIFailure(.preferredLeaderNotAvailable, "The preferred leader was not available.")
            }
            return MetadataRecords.change(index, of: topic.id, change)
        case .unclean:
            if partition.leader != nil { throw notNeeded }
            transition.election = .unclean
            let change = transition.change { directory(of: $0) }
            guard case .some(.some) = change.leader else {
                throw APIFailure(.eligibleLeadersNotAvailable, "No eligible leader is available for the partition.")
            }
            return MetadataRecords.change(index, of: topic.id, change)
        }
    }

    /// Leaderships go back to the preferred replicas of each broker that leads too few of its own: more than `percentage` of them are led
    /// by others (`auto.leader.rebalance.enable`). At most so many at a time as Kafka moves.
    package func decideRebalance(percentage: Int) -> Decision<Void> {
        var preferred: OrderedMap<BrokerID, Int> = OrderedMap()
        var elsewhere: OrderedMap<BrokerID, Int> = OrderedMap()
        for (_, _, partition) in allPartitions {
            guard let first = partition.replicas.first else { continue }
            preferred[first, default: 0] += 1
            if partition.leader != first { elsewhere[first, default: 0] += 1 }
        }
        let imbalanced = elsewhere.filter { $0.value * 100 > (preferred[$0.key] ?? 0) * percentage }.map(\.key)
        var records: [MetadataRecord] = []
        for (topic, index, partition) in allPartitions where records.count < Controller.electionsPerRebalanceMax {
            guard let first = partition.replicas.first, first != partition.leader, imbalanced.contains(first),
                partition.inSyncReplicas.contains(first), isActive(first)
            else { continue }
            var transition = transition(partition, of: topic.name)
            transition.election = .preferred
            records.append(MetadataRecords.change(index, of: topic.id, transition.change { directory(of: $0) }))
        }
        return Decision(records: records, response: ())
    }

    package static let electionsPerRebalanceMax = 1000

    /// Leaders for the partitions without one that may have one now: a topic was allowed unclean elections, or a controller before this
    /// one did not come to it.
    package func decideOfflineElections() -> Decision<Void> { Decision(records: elections(mayLead: isActive), response: ()) }
}
