import Primitives
import Records
import Storage

/// What a follower does with its log on its leader's word.
extension Replica {
    /// What a fetch says about the follower: from where it wants more, and the epoch of the last record it has, by which the leader sees
    /// whether their logs agree.
    /// A log without a record names none, and is taken at its word.
    package var fetchPosition: (offset: Offset, lastFetchedEpoch: LeaderEpoch) {
        let last = log.logEndOffset + -1
        return (log.logEndOffset, last < log.logStartOffset ? .none : log.leaderEpoch(at: last) ?? .none)
    }

    /// Appends what the leader sent, offsets and epochs as they are, and takes over how far it is committed and where it begins.
    /// Nothing of it is trusted: checksums and the continuity of offsets are checked. Returns what was appended, nil where nothing was.
    package func replicate(
        _ batches: Bytes, leaderHighWatermark: Offset, leaderLogStart: Offset, now: Now
    ) throws(LogError) -> (result: AppendResult?, highWatermarkMoved: Bool) {
        guard case .follower(_, let epoch) = role else { throw .closed }
        version &+= 1
        var result: AppendResult?
        if !batches.isEmpty {
            let origin: AppendOrigin = mutations.contains(.trustFetchedBatches) ? .unchecked : .replication
            result = try log.append(batches, leaderEpoch: epoch, now: now, origin: origin)
            storageFailure = nil
        }
        let before = knownHighWatermark
        knownHighWatermark = max(before, min(leaderHighWatermark, log.logEndOffset))
        if leaderLogStart > log.logStartOffset, leaderLogStart <= log.logEndOffset {
            try log.deleteRecords(before: leaderLogStart, now: now)
            logStartMoved()
        }
        return (result, knownHighWatermark > before)
    }

    /// Where to cut a log that parts from the leader's: where the leader's part of `epoch` ends, or this log's, whichever is first. Where
    /// this log has nothing of that epoch, its end of the epoch before; the next fetch then finds out whether that was enough.
    package func truncationPoint(leaderEpoch epoch: LeaderEpoch, leaderEnd: Offset) -> Offset {
        let end = log.logEndOffset
        guard epoch.rawValue >= 0, let own = log.endOffset(forEpoch: epoch) else { return min(leaderEnd, end) }
        // The end of an earlier epoch of ours may lie before the leader's of the one it named; what comes between is not known to agree.
        return own.epoch == epoch ? min(own.endOffset, min(leaderEnd, end)) : min(own.endOffset, end)
    }

    /// Cuts what the leader does not have. Returns the log end before.
    package func truncate(to offset: Offset, now: Now) throws(LogError) -> Offset {
        let before = log.logEndOffset
        guard !mutations.contains(.skipTruncation) else { return before }
        version &+= 1
        try log.truncate(to: max(offset, .zero), now: now)
        knownHighWatermark = min(knownHighWatermark, log.logEndOffset)
        return before
    }

    /// The leader no longer has what comes next here: begins anew where it begins.
    package func restart(at offset: Offset) throws(LogError) {
        version &+= 1
        try log.restart(at: offset)
        knownHighWatermark = offset
    }
}
