import Primitives
import Wire

/// What happens when time runs out: handed-out ids lapse, sessions expire, members miss the join or the sync phase.
extension ClassicGroup {
    /// The earliest of this group's timers.
    var nextDeadline: Instant {
        var earliest = min(joinDeadline, syncDeadline)
        for deadline in pendingMembers.values { earliest = min(earliest, deadline) }
        for member in members.values { earliest = min(earliest, member.sessionDeadline) }
        return earliest
    }

    /// Runs every timer that is due. Sessions before phases, so that a member that is gone does not hold up those who rejoined.
    mutating func runTimers(_ turn: inout GroupTurn) {
        let instant = turn.now.instant
        expirePendingMembers(instant, &turn)
        for memberID in members.keys { expireSession(memberID, instant, &turn) }
        if syncDeadline <= instant { syncTimedOut(&turn) }
        if joinDeadline <= instant { joinTimedOut(&turn) }
    }

    private mutating func expirePendingMembers(_ instant: Instant, _ turn: inout GroupTurn) {
        let before = pendingMembers.count
        pendingMembers.removeAll { _, deadline in deadline <= instant }
        if pendingMembers.count < before { completeJoinIfReady(&turn) }
    }

    private mutating func expireSession(_ memberID: String, _ instant: Instant, _ turn: inout GroupTurn) {
        guard let member = members[memberID], member.sessionDeadline <= instant else { return }
        if !member.isNew && (member.parkedJoin != nil || member.parkedSync != nil) {
            // It waits for us. The answer to what it parked begins a new session.
            members.update(memberID) { $0.sessionDeadline = .distantFuture }
            return
        }
        let cause = RebalanceCause(.sessionExpired, member)
        remove(memberID, &turn)
        turn.emit(.memberLeft, cause, in: self)
        switch state {
        case .stable, .completingRebalance: prepareRebalance(cause, &turn)
        case .preparingRebalance: completeJoinIfReady(&turn)
        case .empty, .dead: break
        }
    }

    private mutating func syncTimedOut(_ turn: inout GroupTurn) {
        syncDeadline = .distantFuture
        guard state == .completingRebalance || state == .stable else { return }
        let late = members.values.filter(\.owesSync)
        guard let first = late.first else { return }
        for member in late {
            remove(member.memberID, &turn)
            turn.emit(.memberLeft, RebalanceCause(.syncTimedOut, member), in: self)
        }
        prepareRebalance(RebalanceCause(.syncTimedOut, first), &turn)
    }
}
