import Primitives
import Wire

/// One group by its name: the machine of its protocol, and what it committed, which outlives a change of the protocol.
///
/// Invariant: exactly one of `classic` and `consumer` is set. A name that only commits, or of which only offsets are known, is an empty
/// classic group.
struct Group: Equatable, Sendable {
    let groupID: String
    var classic: ClassicGroup?
    var offsets = GroupOffsets()
    /// No timer of this group runs out before this; the heap holds an entry for it.
    var armed = Instant.distantFuture

    init(_ groupID: String) {
        self.groupID = groupID
        classic = ClassicGroup(groupID)
    }

    /// Its tombstones are on their way to the log: it answers nothing, and nothing may be added.
    var isDead: Bool { classic?.state == .dead }

    /// Nobody is in it, nor about to come.
    var hasNobody: Bool { classic?.hasNobody ?? true }

    /// The log holds a record of the group itself, so that forgetting it takes a tombstone.
    var isRecorded: Bool { classic?.isRecorded ?? false }

    /// Nothing would be lost with it: no member, no offset, and no record that a tombstone would have to cover.
    var isForgettable: Bool { hasNobody && !isRecorded && offsets.isEmpty }

    /// The earliest of this group's timers.
    var nextDeadline: Instant { classic?.nextDeadline ?? .distantFuture }

    mutating func runTimers(_ turn: inout GroupTurn) { classic?.runTimers(&turn) }

    /// After a load: fresh sessions for all members.
    mutating func resume(_ turn: inout GroupTurn) { classic?.resume(&turn) }

    /// This broker no longer coordinates the group: all that waits is told NOT_COORDINATOR.
    mutating func dismiss(_ turn: inout GroupTurn) { classic?.dismiss(&turn) }

    // MARK: offsets, as the protocol sees them

    /// Why this member may not commit now, if it may not.
    func commitRefusal(generation: Int32, memberID: String, groupInstanceID: String?) -> ErrorCode? {
        classic?.commitRefusal(generation: generation, memberID: memberID, groupInstanceID: groupInstanceID)
    }

    /// A commit is a sign of life where the member's protocol takes it for one.
    mutating func heard(_ memberID: String, _ turn: inout GroupTurn) {
        guard let state = classic?.state, state == .stable || state == .preparingRebalance else { return }
        classic?.restartSession(memberID, &turn)
    }

    /// It has had members: a commit from outside moves what they would go on from.
    var hasProtocol: Bool { classic?.protocolType != nil }

    func isSubscribed(to topic: String) -> Bool { classic?.isSubscribed(to: topic) ?? false }

    /// Why offsets may not be deleted at all, if they may not.
    var offsetDeleteRefusal: ErrorCode? { classic?.offsetDeleteRefusal }

    /// From when on the retention of this offset counts; nil while it is in use (KIP-211).
    func retentionBase(_ place: TopicPartition, _ committed: CommittedOffset) -> Timestamp? {
        classic?.retentionBase(place, committed)
    }

    /// Why the group may not be deleted, if it may not.
    var deleteRefusal: ErrorCode? { classic?.deleteRefusal }

    /// Makes the group dead. The tombstones of what the log holds of the group itself.
    mutating func die(_ turn: GroupTurn) -> [GroupRecord] {
        classic?.die(turn)
        return [.groupTombstone(groupID)]
    }

    /// The tombstones could not be written: it lives on, empty.
    mutating func revive(_ turn: GroupTurn) { classic?.transition(to: .empty, turn) }
}
