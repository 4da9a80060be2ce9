import Primitives
import Records

/// How much of a log there is to compact.
package struct CleanableLog: Equatable, Sendable {
    /// Below this the log has been compacted.
    package var firstDirtyOffset: Offset
    /// From here on nothing may be compacted yet. The base offset of a segment.
    package var uncleanableOffset: Offset
    package var cleanBytes: Int64
    package var dirtyBytes: Int64
    /// Something has waited longer than `max.compaction.lag.ms`.
    package var isOverdue: Bool

    /// The dirty share of what a pass would read.
    package var ratio: Double {
        let all = cleanBytes + dirtyBytes
        return all == 0 ? 0 : Double(dirtyBytes) / Double(all)
    }
}

// Compaction as the log's owner sees it: what there is to do, a pass over it, and its results put in place.
extension PartitionLog {
    /// What could be compacted now, nil where nothing could.
    ///
    /// Never the active segment, never what is not below the high watermark or belongs to an open transaction, nor what is younger than
    /// `min.compaction.lag.ms`.
    package func cleanable(highWatermark: Offset, now: Timestamp) throws(LogError) -> CleanableLog? {
        guard config.isCompacted, !isClosed, segments.count > 1 else { return nil }
        var first = max(cleanedOffset, segments[0].baseOffset, logStartOffset)
        if first > logEndOffset { first = segments[0].baseOffset }
        let stable = min(highWatermark, lastStableOffset(highWatermark: highWatermark))
        var out = CleanableLog(firstDirtyOffset: first, uncleanableOffset: .zero, cleanBytes: 0, dirtyBytes: 0, isOverdue: false)
        let overdue = now.milliseconds &- config.compactionLagMaxMilliseconds
        for (index, segment) in segments.dropLast().enumerated() {
            let end = segments[index + 1].baseOffset
            guard end <= stable else { break }
            if end > first, segment.size > 0 {
                guard try isOldEnough(segment, now) else { break }
                out.dirtyBytes += Int64(segment.size)
                if config.compactionLagMaxMilliseconds < .max {
                    let begun = try segment.firstTimestamp().milliseconds
                    if begun >= 0, begun < overdue { out.isOverdue = true }
                }
            } else {
                out.cleanBytes += Int64(segment.size)
            }
            out.uncleanableOffset = end
        }
        return out.dirtyBytes > 0 ? out : nil
    }

    private func isOldEnough(_ segment: Segment, _ now: Timestamp) throws(LogError) -> Bool {
        guard config.compactionLagMinMilliseconds > 0 else { return true }
        return now.milliseconds &- (try segment.newestTimestamp().timestamp.milliseconds) >= config.compactionLagMinMilliseconds
    }

    /// Begins a pass over what `cleanable` found. Nothing has changed before `adopt` is called with what its steps yield.
    package func beginCleaning(
        _ range: CleanableLog, limits: CleanerLimits, seed: UInt64, now: Timestamp
    ) throws(LogError) -> CleaningRun {
        try ensureOpen()
        var sources: [CleanerSource] = []
        for (index, segment) in segments.dropLast().enumerated() where segment.baseOffset < range.uncleanableOffset {
            sources.append(
                CleanerSource(baseOffset: segment.baseOffset, endOffset: segments[index + 1].baseOffset, size: segment.size))
        }
        let aborted = try abortedTransactions(from: segments[0].baseOffset, below: range.uncleanableOffset)
        return CleaningRun(
            self, sources: sources, aborted: aborted, dirty: range.firstDirtyOffset..<range.uncleanableOffset, limits: limits, seed: seed,
            now: now)
    }

    /// Puts a segment that a pass has written in the place of those it was made from. False, and the segment is thrown away, where these
    /// are no longer what they were: the log was cut, or retention took them. Who reads an old segment's file goes on with it.
    package func adopt(_ group: CleanedGroup, of run: CleaningRun, now: Now) throws(LogError) -> Bool {
        guard let range = place(of: group, run) else {
            group.segment.discard()
            return false
        }
        let fresh = group.segment
        do { try fresh.promise() } catch {
            fresh.discard()
            throw error
        }
        let due = now.instant.adding(milliseconds: config.fileDeleteDelayMilliseconds)
        // From here on a crash ends in the new state. Where this throws, nothing but opening the log anew puts it right.
        for index in range {
            let kinds = index == range.lowerBound ? Segment.cleanedKinds : SegmentFile.allCases
            doomed += try segments[index].markDeleted(kinds).map { (path: $0, due: due) }
        }
        segments.replaceSubrange(range, with: [fresh])
        lastRead = nil
        try fresh.takePlace()
        return true
    }

    /// Whether the log is still the one that the pass was begun on.
    package func isAlive(for run: CleaningRun) -> Bool {
        !isClosed && run.cuts == cuts && segments.contains { $0.baseOffset == run.startOffset }
    }

    /// The pass is over.
    package func finishCleaning(_ run: CleaningRun, through offset: Offset) {
        guard !isClosed, run.cuts == cuts else { return }
        cleanedOffset = max(cleanedOffset, offset)
    }

    private func place(of group: CleanedGroup, _ run: CleaningRun) -> Range<Int>? {
        guard !isClosed, run.cuts == cuts, let first = group.sources.first else { return nil }
        guard let start = segments.firstIndex(where: { $0.baseOffset == first.baseOffset }) else { return nil }
        let end = start + group.sources.count
        guard end < segments.count else { return nil }
        let isSame = zip(segments[start..<end], group.sources).allSatisfy { $0.baseOffset == $1.baseOffset && $0.size == $1.size }
        return isSame ? start..<end : nil
    }

    /// Throws away what a pass has left half written.
    package func discardCleaned() {
        guard !isClosed, let names = try? disk.list(directory) else { return }
        for name in names where name.hasSuffix(SegmentFile.cleanedSuffix) { try? disk.remove(directory + "/" + name) }
    }
}
