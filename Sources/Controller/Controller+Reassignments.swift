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
            return record(index, topic.id, try cancellation(of: partition))
        }
        try checkManual(target, factor: nil)
        let present = partition.replicas.filter { !partition.removingReplicas.contains($0) }
        if keepFactor, target.count != present.count {
            throw APIFailure(.invalidReplicationFactor, "The replication factor is changed from \(present.count) to \(target.count)")
        }
        return record(index, topic.id, reassignment(of: partition, to: target))
    }

    private func record(_ index: Int32, _ topicID: UUID, _ change: PartitionChange) -> MetadataRecord? {
        change.isEmpty ? nil : MetadataRecords.change(index, of: topicID, change)
    }

    /// Towards `target`: those to be added come in beside those there are, an earlier reassignment's half-added ones included; where
    /// nobody is left to wait for, it is done at once.
    private func reassignment(of partition: PartitionImage, to target: [BrokerID]) -> PartitionChange {
        let removing = partition.replicas.filter { !target.contains($0) }
        let adding = target.filter { !partition.replicas.contains($0) || partition.addingReplicas.contains($0) }
        let inSyncAfter = partition.inSyncReplicas.filter { target.contains($0) }
        if adding.allSatisfy(inSyncAfter.contains), inSyncAfter.contains(where: isActive) {
            return settled(partition, replicas: target, inSync: inSyncAfter)
        }
        var change = PartitionChange()
        let replicas = target + removing
        if replicas != partition.replicas { set(&change, replicas, partition) }
        if adding.sorted() != partition.addingReplicas.sorted() { change.addingReplicas = adding }
        if removing.sorted() != partition.removingReplicas.sorted() { change.removingReplicas = removing }
        return change
    }

    /// Back to where the reassignment began.
    private func cancellation(of partition: PartitionImage) throws(APIFailure) -> PartitionChange {
        let original = partition.replicas.filter { !partition.addingReplicas.contains($0) }
        let inSync = partition.inSyncReplicas.filter { original.contains($0) }
        if inSync.isEmpty {
            throw APIFailure(
                .invalidReplicaAssignment, "Unable to revert partition assignment because it would require an unclean leader election.")
        }
        return settled(partition, replicas: original, inSync: inSync)
    }

    /// No reassignment any more: these replicas, those of them in sync, and another leader where the present one is not among them.
    private func settled(_ partition: PartitionImage, replicas: [BrokerID], inSync: [BrokerID]) -> PartitionChange {
        var change = PartitionChange()
        if replicas != partition.replicas { set(&change, replicas, partition) }
        if inSync != partition.inSyncReplicas { change.inSyncReplicas = inSync }
        if !partition.addingReplicas.isEmpty { change.addingReplicas = [] }
        if !partition.removingReplicas.isEmpty { change.removingReplicas = [] }
        if partition.leader == nil || !replicas.contains(partition.leader ?? .none) {
            let next = replicas.first { inSync.contains($0) && isActive($0) }
            if next != partition.leader { change.leader = .some(next) }
        }
        return change
    }

    /// Replicas with their directories, which stay where a broker stays.
    private func set(_ change: inout PartitionChange, _ replicas: [BrokerID], _ partition: PartitionImage) {
        change.replicas = replicas
        guard !partition.directories.isEmpty else { return }
        change.directories = replicas.map { id in
            partition.replicas.firstIndex(of: id).map { partition.directories[$0] } ?? directory(of: id)
        }
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
