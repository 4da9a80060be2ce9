import Primitives
import Wire

/// One group by its name: the machine of its protocol, and what it committed, which outlives a change of the protocol.
///
/// Invariant: exactly one of `classic`, `consumer` and `share` is set. A name that only commits, or of which only offsets are known, is an
/// empty classic group.
struct Group: Equatable, Sendable {
    let groupID: String
    var classic: ClassicGroup?
    var consumer: ConsumerGroup?
    var share: ShareGroup?
    var offsets = GroupOffsets()
    var journal = GroupJournal()
    /// No timer of this group runs out before this; the heap holds an entry for it.
    var armed = Instant.distantFuture

    init(_ groupID: String) {
        self.groupID = groupID
        classic = ClassicGroup(groupID)
    }

    /// Its tombstones are on their way to the log: it answers nothing, and nothing may be added.
    var isDead: Bool { classic?.state == .dead || consumer?.isDead == true || share?.isDead == true }

    /// Nobody is in it, nor about to come.
    var hasNobody: Bool { classic?.hasNobody ?? consumer?.members.isEmpty ?? share?.members.isEmpty ?? true }

    /// The log holds a record of the group itself, so that forgetting it takes a tombstone.
    var isRecorded: Bool { classic?.isRecorded ?? consumer?.isRecorded ?? share?.isRecorded ?? false }

    /// Nothing would be lost with it: no member, no offset, and no record that a tombstone would have to cover.
    var isForgettable: Bool { hasNobody && !isRecorded && offsets.isEmpty && journal.isEmpty }

    /// The earliest of this group's timers.
    var nextDeadline: Instant { classic?.nextDeadline ?? consumer?.nextDeadline ?? share?.nextDeadline ?? .distantFuture }

    mutating func runTimers(_ turn: inout GroupTurn) {
        classic?.runTimers(&turn)
        consumer?.runTimers(&turn)
        share?.runTimers(&turn)
    }

    /// After a load: fresh sessions for all members.
    mutating func resume(_ turn: inout GroupTurn) {
        classic?.resume(&turn)
        consumer?.resume(&turn)
        share?.resume(&turn)
    }

    /// This broker no longer coordinates the group: all that waits is told NOT_COORDINATOR.
    mutating func dismiss(_ turn: inout GroupTurn) { classic?.dismiss(&turn) }

    // MARK: requests, to the machine of the group's protocol

    /// A JoinGroup makes an empty group a classic one; into one of KIP-848 with members a classic member comes as such.
    mutating func join(_ request: JoinGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        if share != nil {
            return turn.respond(caller.token, .join(.refusal(.inconsistentGroupProtocol, memberID: "", caller.apiVersion)))
        }
        becomeClassicIfEmpty(&turn)
        classic?.join(request, caller, &turn)
        consumer?.join(request, caller, &turn)
    }

    mutating func sync(_ request: SyncGroupRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        if share != nil { return turn.respond(caller.token, .sync(.refusal(.unknownMemberID))) }
        classic?.sync(request, caller, &turn)
        consumer?.sync(request, caller, &turn)
    }

    mutating func heartbeat(_ request: HeartbeatRequest, _ turn: inout GroupTurn) -> ErrorCode {
        classic?.heartbeat(request, &turn) ?? consumer?.heartbeat(request, &turn) ?? .unknownMemberID
    }

    mutating func leave(_ leavers: [LeaveGroupRequest.Member], _ errors: inout [ErrorCode], _ turn: inout GroupTurn) {
        classic?.leave(leavers, &errors, &turn)
        consumer?.leave(leavers, &errors, &turn)
    }

    mutating func consumerHeartbeat(_ request: ConsumerGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        var refusal: HeartbeatRefusal?
        if isDead {
            refusal = HeartbeatRefusal(.coordinatorNotAvailable, ErrorCode.coordinatorNotAvailable.message)
        } else if share != nil {
            refusal = HeartbeatRefusal(.groupIDNotFound, "Group \(groupID) is not a consumer group.")
        } else if consumer == nil && (request.memberEpoch != 0 || !becomeConsumer(&turn)) {
            refusal = .notFound(groupID)
        }
        if let refusal { return turn.hold(caller.token, .consumerHeartbeat(refusal.response)) }
        if request.memberEpoch < 0 {
            consumer?.leave(request, caller, &turn)
        } else {
            consumer?.heartbeat(request, caller, &turn)
        }
    }

    // MARK: offsets, as the protocol sees them

    /// Why this member may not commit now, if it may not.
    /// `generation` is the member's epoch where the group is of KIP-848; `apiVersion` nil and no partitions: in a transaction.
    func commitRefusal(
        generation: Int32, memberID: String, groupInstanceID: String?, apiVersion: Int16? = nil, partitions: [PartitionID] = []
    ) -> ErrorCode? {
        if share != nil { return .groupIDNotFound }
        if let consumer { return consumer.commitRefusal(generation, memberID, apiVersion, partitions) }
        return classic?.commitRefusal(generation: generation, memberID: memberID, groupInstanceID: groupInstanceID)
    }

    /// A commit is a sign of life where the member's protocol takes it for one.
    mutating func heard(_ memberID: String, _ turn: inout GroupTurn) {
        guard let state = classic?.state, state == .stable || state == .preparingRebalance else { return }
        classic?.restartSession(memberID, &turn)
    }

    /// It has had members: a commit from outside moves what they would go on from.
    var hasProtocol: Bool { classic?.protocolType != nil || consumer != nil || share != nil }

    func isSubscribed(to topic: String) -> Bool {
        classic?.isSubscribed(to: topic) ?? consumer?.isSubscribed(to: topic) ?? share?.isSubscribed(to: topic) ?? false
    }

    /// Why offsets may not be deleted at all, if they may not.
    var offsetDeleteRefusal: ErrorCode? {
        share != nil || consumer?.isDead == true ? .groupIDNotFound : classic?.offsetDeleteRefusal
    }

    /// From when on the retention of this offset counts; nil while it is in use (KIP-211).
    func retentionBase(_ place: TopicPartition, _ committed: CommittedOffset) -> Timestamp? {
        if let consumer { return consumer.retentionBase(place, committed) }
        return classic?.retentionBase(place, committed)
    }

    /// Why the group may not be deleted, if it may not.
    var deleteRefusal: ErrorCode? {
        if let share { return share.isDead ? .groupIDNotFound : share.members.isEmpty ? nil : .nonEmptyGroup }
        guard let consumer else { return classic?.deleteRefusal }
        return consumer.isDead ? .groupIDNotFound : consumer.members.isEmpty ? nil : .nonEmptyGroup
    }

    /// Makes the group dead. The tombstones of what the log holds of the group itself.
    mutating func die(_ turn: GroupTurn) -> [GroupRecord] {
        if let share {
            let records = share.tombstones
            self.share?.isDead = true
            return records
        }
        if let consumer {
            let records = consumer.tombstones
            self.consumer?.isDead = true
            return records
        }
        classic?.die(turn)
        return [.groupTombstone(groupID)]
    }

    /// The tombstones could not be written: it lives on, empty.
    mutating func revive(_ turn: GroupTurn) {
        classic?.transition(to: .empty, turn)
        consumer?.isDead = false
        share?.isDead = false
    }
}
