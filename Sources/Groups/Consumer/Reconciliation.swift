import Primitives

/// The way of one member from what it has to its target, in three steps that never let two members have a partition (KIP-848): it gives
/// back what is no longer its own; what others still hold it waits for; the rest it gets.
struct Reconciliation {
    var targetEpoch: Int32
    /// Sorted.
    var target: [PartitionID]
    /// What the member says it has; nil: it did not say.
    var owned: [PartitionID]?
    /// Whether another member has the partition, or has not yet given it back.
    var isHeldByOther: (PartitionID) -> Bool

    /// The member one step on. Unchanged where it has to act first, or is there.
    func advance(_ member: ConsumerMember) -> ConsumerMember {
        switch member.state {
        case .stable:
            return member.memberEpoch < targetEpoch ? next(member) : member
        case .unrevokedPartitions:
            // Until it says what it has, and that none of it is among them, it keeps its epoch.
            if owes(member.pendingRevocation.keys) { return member }
            return next(member)
        case .unreleasedPartitions:
            return next(member)
        }
    }

    /// Whether the member may still have some of these.
    private func owes(_ partitions: [PartitionID]) -> Bool {
        guard let owned else { return true }
        return owned.contains { partitions.contains($0) }
    }

    private func next(_ member: ConsumerMember) -> ConsumerMember {
        let wanted = Set(target)
        var kept = AssignedPartitions()
        var revoked = AssignedPartitions()
        for (partition, epoch) in member.assigned {
            if wanted.contains(partition) { kept[partition] = epoch } else { revoked[partition] = epoch }
        }
        var step = member
        if !revoked.isEmpty && owes(revoked.keys) {
            step.state = .unrevokedPartitions
            step.assigned = kept
            step.pendingRevocation = revoked
            step.previousMemberEpoch = member.memberEpoch
            return step
        }
        var mustWait = false
        for partition in target where kept[partition] == nil {
            if isHeldByOther(partition) { mustWait = true } else { kept[partition] = targetEpoch }
        }
        step.state = mustWait ? .unreleasedPartitions : .stable
        step.assigned = kept
        step.pendingRevocation = AssignedPartitions()
        if member.memberEpoch != targetEpoch || member.state == .unrevokedPartitions { step.enter(targetEpoch) }
        return step
    }
}
