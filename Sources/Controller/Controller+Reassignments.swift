import Primitives
import Wire

/// AlterPartitionReassignments and ListPartitionReassignments (KIP-455).
extension Controller {
    package func decideAlterReassignments(
        _ request: AlterPartitionReassignmentsRequest
    ) -> Decision<AlterPartitionReassignmentsResponse> {
        var decision = Decision(response: AlterPartitionReassignmentsResponse())
        decision.response.allowReplicationFactorChange = request.allowReplicationFactorChange
        for topic in request.topics {
            var answer = AlterPartitionReassignmentsResponse.Topic()
            answer.name = topic.name
            for partition in topic.partitions {
                var result = AlterPartitionReassignmentsResponse.Partition()
                result.partitionIndex = partition.partitionIndex
                do throws(APIFailure) {
                    let target = partition.replicas.map { list in list.map { BrokerID($0) } }
                    if let record = try decideReassignment(
                        topic.name, partition.partitionIndex, target, keepFactor: !request.allowReplicationFactorChange)
                    {
                        decision.records.append(record)
                    }
                } catch {
                    (result.errorCode, result.errorMessage) = (error.code, error.message)
                }
                answer.partitions.append(result)
            }
            decision.response.responses.append(answer)
        }
        return decision
    }

    private func decideReassignment(
        _ name: String, _ index: Int32, _ target: [BrokerID]?, keepFactor: Bool
    ) throws(APIFailure) -> MetadataRecord? {
        guard let topic = image.topic(name) else {
            throw APIFailure(.unknownTopicOrPartition, "Unable to find a topic named \(name).")
        }
        guard let partition = topic.partitions[index] else {
            throw APIFailure(.unknownTopicOrPartition, "Unable to find partition \(name):\(index).")
        }
        guard let target else {
            guard partition.isReassigning else { throw APIFailure(.noReassignmentInProgress) }
            return record(index, topic.id, try cancellation(of: partition, in: topic))
        }
        try checkManual(target, factor: nil)
        let present = partition.replicas.filter { !partition.removingReplicas.contains($0) }
        if keepFactor, target.count != present.count {
            throw APIFailure(.invalidReplicationFactor, "The replication factor is changed from \(present.count) to \(target.count)")
        }
        return record(index, topic.id, reassignment(of: partition, in: topic, to: target))
    }

    private func record(_ index: Int32, _ topicID: UUID, _ change: PartitionChange) -> MetadataRecord? {
        change.isEmpty ? nil : MetadataRecords.change(index, of: topicID, change)
    }

    /// Towards `target`: those to be added come in beside those there are; where nobody is left to wait for, it is done at once. What an
    /// earlier reassignment had only begun to add, and this one does not want, goes at once, unless it alone is in sync: it was never
    /// part of the partition, and would else be taken for one of its old replicas when this reassignment is cancelled.
    private func reassignment(of partition: PartitionImage, in topic: TopicImage, to target: [BrokerID]) -> PartitionChange {
        let established = partition.replicas.filter { !partition.addingReplicas.contains($0) || target.contains($0) }
        let present = partition.inSyncReplicas.contains(where: established.contains) ? established : partition.replicas
        let leaving = present.filter { !target.contains($0) }
        var transition = transition(partition, of: topic.name)
        transition.replicas = target + leaving
        transition.inSyncReplicas.removeAll { !transition.replicas.contains($0) }
        transition.addingReplicas = target.filter { !partition.replicas.contains($0) || partition.addingReplicas.contains($0) }
        transition.removingReplicas = leaving
        return transition.change { directory(of: $0) }
    }

    /// Back to where the reassignment began.
    private func cancellation(of partition: PartitionImage, in topic: TopicImage) throws(APIFailure) -> PartitionChange {
        var transition = transition(partition, of: topic.name)
        transition.replicas = partition.replicas.filter { !partition.addingReplicas.contains($0) }
        transition.inSyncReplicas = partition.inSyncReplicas.filter { !partition.addingReplicas.contains($0) }
        if transition.inSyncReplicas.isEmpty, !partition.inSyncReplicas.isEmpty, transition.election != .unclean {
            throw APIFailure(
                .invalidReplicaAssignment, "Unable to revert partition assignment because it would require an unclean leader election.")
        }
        transition.addingReplicas = []
        transition.removingReplicas = []
        return transition.change { directory(of: $0) }
    }

    package func listReassignments(_ request: ListPartitionReassignmentsRequest) -> ListPartitionReassignmentsResponse {
        var response = ListPartitionReassignmentsResponse()
        let asked = request.topics.map { $0.map { ($0.name, $0.partitionIndexes) } }
            ?? image.topics.values.map { ($0.name, $0.partitions.keys) }
        for (name, indexes) in asked {
            guard let topic = image.topic(name) else { continue }
            var answer = ListPartitionReassignmentsResponse.Topic()
            answer.name = name
            for index in indexes {
                guard let partition = topic.partitions[index], partition.isReassigning else { continue }
                var row = ListPartitionReassignmentsResponse.Partition()
                row.partitionIndex = index
                row.replicas = partition.replicas.map(\.rawValue)
                row.addingReplicas = partition.addingReplicas.map(\.rawValue)
                row.removingReplicas = partition.removingReplicas.map(\.rawValue)
                answer.partitions.append(row)
            }
            if !answer.partitions.isEmpty { response.topics.append(answer) }
        }
        return response
    }
}
