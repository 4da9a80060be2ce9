import Primitives

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

    package var isEmpty: Bool {
        leader == nil && replicas == nil && inSyncReplicas == nil && addingReplicas == nil && removingReplicas == nil && directories == nil
            && isRecovering == nil && eligibleLeaderReplicas == nil && lastKnownEligibleReplicas == nil
    }

    /// This change and then another as one, of a partition that was `before`. Whatever it comes to, a leader that changed begins a new
    /// epoch; of the rest only what is different in the end is told.
    func followed(by next: PartitionChange, from before: PartitionImage) -> PartitionChange {
        func different<Value: Equatable>(_ value: Value?, _ old: Value) -> Value? { value == old ? nil : value }
        var both = PartitionChange()
        both.leader = next.leader ?? leader
        both.replicas = different(next.replicas ?? replicas, before.replicas)
        both.inSyncReplicas = different(next.inSyncReplicas ?? inSyncReplicas, before.inSyncReplicas)
        both.addingReplicas = different(next.addingReplicas ?? addingReplicas, before.addingReplicas)
        both.removingReplicas = different(next.removingReplicas ?? removingReplicas, before.removingReplicas)
        both.directories = different(next.directories ?? directories, before.directories)
        both.isRecovering = different(next.isRecovering ?? isRecovering, before.isRecovering)
        both.eligibleLeaderReplicas = different(next.eligibleLeaderReplicas ?? eligibleLeaderReplicas, before.eligibleLeaderReplicas)
        both.lastKnownEligibleReplicas = different(
            next.lastKnownEligibleReplicas ?? lastKnownEligibleReplicas, before.lastKnownEligibleReplicas)
        return both
    }
}

extension PartitionImage {
    /// The partition as it is after the change, but for the epochs.
    func changed(by change: PartitionChange) -> PartitionImage {
        var after = self
        if let leader = change.leader { after.leader = leader }
        if let replicas = change.replicas { after.replicas = replicas }
        if let inSyncReplicas = change.inSyncReplicas { after.inSyncReplicas = inSyncReplicas }
        if let addingReplicas = change.addingReplicas { after.addingReplicas = addingReplicas }
        if let removingReplicas = change.removingReplicas { after.removingReplicas = removingReplicas }
        if let directories = change.directories { after.directories = directories }
        if let isRecovering = change.isRecovering { after.isRecovering = isRecovering }
        if let eligible = change.eligibleLeaderReplicas { after.eligibleLeaderReplicas = eligible }
        if let known = change.lastKnownEligibleReplicas { after.lastKnownEligibleReplicas = known }
        return after
    }
}
