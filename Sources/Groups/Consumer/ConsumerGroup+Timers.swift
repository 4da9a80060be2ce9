import Primitives
import Wire

/// What happens when a member's time runs out, and when another broker takes the group over.
extension ConsumerGroup {
    /// The earliest of this group's timers.
    var nextDeadline: Instant { members.values.reduce(.distantFuture) { min($0, $1.nextDeadline) } }

    /// A member whose session or whose time to give partitions back is over is out: its partitions go to others.
    mutating func runTimers(_ turn: inout GroupTurn) {
        let instant = turn.now.instant
        guard !isDead else { return }
        let silent = members.values.filter { $0.sessionDeadline <= instant }.map(\.memberID)
        if !silent.isEmpty { remove(silent, .sessionExpired, &turn) }
        let late = members.values.filter { min($0.revocationDeadline, $0.classicDeadline) <= instant }.map(\.memberID)
        if !late.isEmpty { remove(late, .rebalanceTimedOut, &turn) }
    }

    /// After a load: fresh sessions, and fresh time for those who owe partitions.
    mutating func resume(_ turn: inout GroupTurn) {
        for member in members.values {
            restartSession(member.memberID, &turn)
            guard member.state == .unrevokedPartitions else { continue }
            let deadline = turn.after(milliseconds: max(member.rebalanceTimeoutMs, 0))
            members.update(member.memberID) { $0.revocationDeadline = deadline }
            turn.wake(at: deadline)
        }
    }

    func checkInvariants() {
        var holders: [PartitionID: String] = [:]
        for member in members.values {
            precondition(member.memberEpoch <= assignmentEpoch, "no member is ahead of the target")
            for partition in member.assigned.keys + member.pendingRevocation.keys {
                precondition(holders[partition] == nil, "a partition is held by one member")
                precondition(self.holders[partition] == member.memberID, "the index knows who holds a partition")
                holders[partition] = member.memberID
            }
            if let instance = member.instanceID {
                precondition(staticMembers[instance] == member.memberID, "an instance id names its member")
            }
            precondition(member.sessionDeadline != .distantFuture, "a member has a session")
        }
        precondition(holders.count == self.holders.count, "nothing is held by nobody")
        precondition(assignmentEpoch <= groupEpoch, "no target is ahead of the group")
        precondition(staticMembers.count == members.values.filter { $0.instanceID != nil }.count, "no instance id without a member")
    }
}

/// What the protocol has to say of offsets: who may commit, who may read, what is in use.
extension ConsumerGroup {
    /// Why this member may not commit for these partitions now, if it may not. `apiVersion` nil: in a transaction.
    func commitRefusal(_ memberEpoch: Int32, _ memberID: String, _ apiVersion: Int16?, _ partitions: [PartitionID]) -> ErrorCode? {
        if isDead { return .coordinatorNotAvailable }
        // No epoch: an administrator. Only where no member could be contradicted.
        if memberEpoch < 0 && members.isEmpty { return nil }
        guard let member = members[memberID] else { return .unknownMemberID }
        if member.isClassic { return memberEpoch == member.memberEpoch ? nil : .illegalGeneration }
        if let apiVersion, apiVersion < 9 { return .unsupportedVersion }
        if memberEpoch == member.memberEpoch { return nil }
        // What it was given in this epoch or before it still has: the commit only crossed with a new epoch (KIP-1251).
        guard memberEpoch < member.memberEpoch, !partitions.isEmpty else { return .staleMemberEpoch }
        let areOwn = partitions.allSatisfy { partition in
            guard let given = member.assigned[partition] ?? member.pendingRevocation[partition] else { return false }
            return given <= memberEpoch
        }
        return areOwn ? nil : .staleMemberEpoch
    }

    /// Why this member may not read offsets now, if it may not: its epoch is not that of its assignment.
    func fetchRefusal(_ memberEpoch: Int32, _ memberID: String?) -> ErrorCode? {
        if memberID == nil && memberEpoch < 0 { return nil }
        guard let member = members[memberID ?? ""] else { return .unknownMemberID }
        return memberEpoch == member.memberEpoch ? nil : .staleMemberEpoch
    }

    /// A subscribed topic's offsets never expire; others' count from their commit.
    func retentionBase(_ place: TopicPartition, _ committed: CommittedOffset) -> Timestamp? {
        isSubscribed(to: place.topic) ? nil : committed.commitTimestamp
    }
}
