import Controller
import Primitives

/// What committed metadata means for the timeline. Every broker applies the same records, so only the active controller tells of them:
/// what happens while there is none, the console infers.
extension Broker {
    /// Whether this broker tells of changes of the metadata.
    var tellsMetadata: Bool { !isStarting && isActiveController }

    /// Brokers that came to serve, or are no longer counted on.
    mutating func tellBrokers(_ delta: ClusterImageDelta) {
        guard tellsMetadata else { return }
        for (id, change) in delta.brokers {
            let wasFenced = change.before?.isFenced ?? true
            guard let after = change.after else {
                if !wasFenced { emit(.brokerDown(broker: id, reason: "unregistered")) }
                continue
            }
            if wasFenced && !after.isFenced { emit(.brokerUnfenced(broker: id, brokerEpoch: after.brokerEpoch)) }
            if !wasFenced && after.isFenced { emit(.brokerFenced(broker: id, brokerEpoch: after.brokerEpoch, cause: fencingCause(change))) }
        }
    }

    private func fencingCause(_ change: Change<BrokerRegistration>) -> String {
        guard let before = change.before, let after = change.after else { return "" }
        if before.brokerEpoch != after.brokerEpoch { return "started again" }
        return before.isInControlledShutdown || after.isInControlledShutdown ? "stopped" : "not heard of"
    }

    mutating func tellPartition(_ partition: TopicPartition, _ before: PartitionImage?, _ after: PartitionImage) {
        guard let before, tellsMetadata else { return }
        let change = LeadershipChange(from: side(before), to: side(after))
        if before.leader != after.leader {
            emit(
                .leaderChanged(
                    partition: partition, from: before.leader, to: after.leader,
                    epochs: EpochChange(leaderEpochs: before.leaderEpoch, after.leaderEpoch),
                    cause: change.leaderCause(brokerState)))
        }
        if before.inSyncReplicas.sorted() != after.inSyncReplicas.sorted() {
            emit(
                .inSyncReplicasChanged(
                    partition: partition, from: before.inSyncReplicas, to: after.inSyncReplicas, leaderEpoch: after.leaderEpoch,
                    partitionEpochs: EpochChange(before.partitionEpoch, after.partitionEpoch), cause: change.inSyncCause(brokerState)))
        }
        tellReassignment(partition, before, after)
    }

    /// A cancelled reassignment leaves the replicas it found: none of those that were to come is among them.
    private mutating func tellReassignment(_ partition: TopicPartition, _ before: PartitionImage, _ after: PartitionImage) {
        if !before.isReassigning && after.isReassigning {
            let target = after.replicas.filter { !after.removingReplicas.contains($0) }
            emit(.reassignmentStarted(partition: partition, from: before.replicas, to: target))
        } else if before.isReassigning && !after.isReassigning {
            let arrived = before.addingReplicas.contains { after.replicas.contains($0) }
            let left = !before.removingReplicas.contains { after.replicas.contains($0) }
            let isDone = before.addingReplicas.isEmpty ? left : arrived
            emit(.reassignmentEnded(partition: partition, replicas: after.replicas, wasCancelled: !isDone))
        }
    }

    private func side(_ partition: PartitionImage) -> LeadershipChange.Side {
        LeadershipChange.Side(leader: partition.leader, replicas: partition.replicas, inSyncReplicas: partition.inSyncReplicas)
    }

    private func brokerState(_ id: BrokerID) -> LeadershipChange.BrokerState {
        guard let broker = image.brokers[id], !broker.isFenced else { return .fenced }
        return broker.isInControlledShutdown ? .stopping : .active
    }
}
