import Primitives

/// What is known of one group in one partition.
package struct LagFacts: Equatable, Sendable {
    package var committed: Offset?
    package var start: Offset?
    package var end: Offset?
    package var ends = OffsetSeries()
    package var commits = OffsetSeries()
    package var unread: UnreadRecord?
    package var hasOwner = true
    package var isRebalancing = false

    package init() {}
}

/// One group in one partition, judged.
package struct PartitionLag: Equatable, Sendable {
    package var lag: Int64?
    package var timeLag: TimeLag?
    /// Records per second that are written, and that the group passes.
    package var rateIn: Double?
    package var rateOut: Double?
    package var trend = LagTrend.unknown
    /// Until nothing is unread, at the pace of late; nil where that will not be.
    package var drainMs: Int64?
    package var verdict = LagVerdict.ok
    /// For how long the commit has stood still though there was something to read; nil where it does not.
    package var frozenMs: Int64?
    /// The lag over time, oldest first, for a sparkline.
    package var history: [Int64] = []

    package init() {}

    /// By how much the lag changes per second; nil where it is not known.
    package var net: Double? {
        guard let rateIn, let rateOut else { return nil }
        return rateIn - rateOut
    }
}

package enum LagLimits {
    /// Below this a window says nothing.
    package static let windowMinMs: Int64 = 10_000
    /// Rates are those of so long.
    package static let rateWindowMs: Int64 = 60_000
    /// A commit that stands still for less may be between two.
    package static let frozenMinMs: Int64 = 30_000
    /// However rarely a group commits, after so long it has stopped.
    package static let frozenMaxMs: Int64 = 300_000
    /// Nobody owns the partition: no commit is to be waited for.
    package static let strandedMs: Int64 = 10_000
    /// Rates that differ by less than this part are the same.
    package static let steadyPart = 0.05
    /// A step back that is older has been accepted.
    package static let rewindMs: Int64 = 600_000
    /// Points of a history.
    package static let historyCount = 24
    /// An ETA beyond this is none.
    package static let drainMaxMs: Int64 = 30 * 86_400_000
}

extension PartitionLag {
    /// Judges what is known at `now`. Pure.
    package static func judge(_ facts: LagFacts, now: Timestamp) -> PartitionLag {
        var out = PartitionLag()
        guard let committed = facts.committed, let end = facts.end else {
            out.verdict = .watching
            return out
        }
        let lag = max(0, end - committed)
        out.lag = lag
        out.rateIn = facts.ends.rate(overMs: LagLimits.rateWindowMs, until: now)
        out.rateOut = paceOut(facts.commits, now: now)
        out.timeLag = timeLag(facts, committed, lag, now: now)
        out.frozenMs = lag > 0 ? frozen(facts, committed, now: now) : nil
        out.trend = trend(out, lag)
        out.drainMs = drain(lag, out.net, out.trend)
        out.history = history(facts)
        out.verdict = verdict(facts, out, committed, lag, now: now)
        return out
    }

    // MARK: Pace

    /// Commits come in steps, every five seconds with most clients: a pace is that from one step to another. Where the last step is longer
    /// ago than the steps are apart, the time since then counts too.
    private static func paceOut(_ commits: OffsetSeries, now: Timestamp) -> Double? {
        guard let first = commits.first, let last = commits.last, commits.spanMs >= 1_000 else { return nil }
        let from = Timestamp(milliseconds: now.milliseconds - LagLimits.rateWindowMs)
        let moves = commits.moves.filter { $0 >= from }
        guard let firstMove = moves.first, let lastMove = moves.last else { return 0 }
        let gap = longestGap(moves)
        let isLate = now.milliseconds - lastMove.milliseconds > max(gap, 1_000) * 2
        let end = isLate ? now : lastMove
        // With one step only, the time before it counts.
        let start = moves.count > 1 ? firstMove : max(first.time, from)
        let before = commits.points.last { $0.time <= start }?.offset ?? first.offset
        let elapsed = end.milliseconds - start.milliseconds
        guard elapsed >= 1_000 else { return nil }
        return Double(max(0, last.offset - before)) * 1000 / Double(elapsed)
    }

    private static func longestGap(_ moves: [Timestamp]) -> Int64 {
        zip(moves, moves.dropFirst()).map { $1.milliseconds - $0.milliseconds }.max() ?? 0
    }

    private static func trend(_ out: PartitionLag, _ lag: Int64) -> LagTrend {
        guard let net = out.net, let rateIn = out.rateIn, let rateOut = out.rateOut else { return .unknown }
        if lag == 0 { return .steady }
        if abs(net) <= max(rateIn, rateOut) * LagLimits.steadyPart { return .steady }
        return net > 0 ? .rising : .falling
    }

    private static func drain(_ lag: Int64, _ net: Double?, _ trend: LagTrend) -> Int64? {
        if lag == 0 { return 0 }
        guard trend == .falling, let net, net < 0 else { return nil }
        let ms = Double(lag) / -net * 1000
        return ms < Double(LagLimits.drainMaxMs) ? Int64(ms) : nil
    }

    // MARK: Time

    /// Exact while the record that was read is still the first unread one. Else the two best points around the commit decide.
    private static func timeLag(_ facts: LagFacts, _ committed: Offset, _ lag: Int64, now: Timestamp) -> TimeLag? {
        if lag == 0 { return TimeLag(0, .exact) }
        if let unread = facts.unread, unread.asked == committed {
            return TimeLag(max(0, now.milliseconds - unread.timestamp.milliseconds), .exact)
        }
        switch facts.ends.crossing(of: committed) {
        case .at(let time): return TimeLag(max(0, now.milliseconds - time.milliseconds), .interpolated)
        case .before(let time): return TimeLag(max(0, now.milliseconds - time.milliseconds), .atLeast)
        case nil: return nil
        }
    }

    /// Since the later of two moments: the commit moved last, and the first unread record came.
    private static func frozen(_ facts: LagFacts, _ committed: Offset, now: Timestamp) -> Int64? {
        guard let first = facts.commits.first else { return nil }
        let moved = facts.commits.moves.last ?? first.time
        var since = moved
        if case .at(let came)? = facts.ends.crossing(of: committed), came > since { since = came }
        return max(0, now.milliseconds - since.milliseconds)
    }

    /// How long a commit may stand still: three times as long as it does in good times.
    static func frozenLimit(_ commits: OffsetSeries) -> Int64 {
        min(LagLimits.frozenMaxMs, max(LagLimits.frozenMinMs, longestGap(commits.moves) * 3))
    }

    // MARK: Verdict

    private static func verdict(
        _ facts: LagFacts, _ out: PartitionLag, _ committed: Offset, _ lag: Int64, now: Timestamp
    ) -> LagVerdict {
        if let start = facts.start, committed < start { return .lost }
        if lag == 0 { return .ok }
        if let rewind = facts.commits.rewind, now.milliseconds - rewind.time.milliseconds <= LagLimits.rewindMs { return .rewound }
        if !facts.isRebalancing, let frozen = out.frozenMs {
            if !facts.hasOwner && frozen >= LagLimits.strandedMs && !movesRegularly(facts.commits, now: now) { return .stopped }
            if frozen >= frozenLimit(facts.commits) { return facts.hasOwner ? .stalled : .stopped }
        }
        if facts.commits.spanMs < LagLimits.windowMinMs || facts.ends.spanMs < LagLimits.windowMinMs { return .watching }
        if wasWell(facts, rateIn: out.rateIn ?? 0, now: now) { return .ok }
        switch out.trend {
        case .rising: return .growing
        case .falling: return .catchingUp
        case .steady: return .behind
        case .unknown: return .watching
        }
    }

    /// A consumer that assigns itself its partitions is no member of its group, and commits nevertheless.
    private static func movesRegularly(_ commits: OffsetSeries, now: Timestamp) -> Bool {
        guard let last = commits.moves.last else { return false }
        return now.milliseconds - last.milliseconds < frozenLimit(commits)
    }

    /// Whether at some moment of late no more was unread than comes between two commits. Of a plateau only both ends are kept, so it is
    /// looked at wherever either series has a point.
    private static func wasWell(_ facts: LagFacts, rateIn: Double, now: Timestamp) -> Bool {
        guard let since = facts.ends.first?.time, let first = facts.commits.first?.time else { return false }
        let gap = longestGap(facts.commits.moves.suffix(8))
        let allowed = Int64(rateIn * Double(min(max(gap, 1_000), 10_000)) / 1000) + 1
        let from = max(since, first, Timestamp(milliseconds: now.milliseconds - LagLimits.rateWindowMs))
        // One walk over both, in the order of time.
        let (ends, commits) = (facts.ends.points, facts.commits.points)
        var (atEnd, atCommit) = (0, 0)
        while atEnd < ends.count || atCommit < commits.count {
            let isEnd = atCommit >= commits.count || (atEnd < ends.count && ends[atEnd].time <= commits[atCommit].time)
            let time = isEnd ? ends[atEnd].time : commits[atCommit].time
            if isEnd { atEnd += 1 } else { atCommit += 1 }
            guard time >= from else { continue }
            // Commits stand until the next one; a log's end is on the line between two readings.
            let standing = atCommit < commits.count && commits[atCommit].time == time ? atCommit : atCommit - 1
            guard standing >= 0, atEnd > 0 else { continue }
            if OffsetSeries.between(ends, atEnd, at: time) - commits[standing].offset <= allowed { return true }
        }
        return false
    }

    private static func history(_ facts: LagFacts) -> [Int64] {
        guard let first = facts.commits.first, let last = facts.commits.last, let ends = facts.ends.first else { return [] }
        let from = max(first.time.milliseconds, ends.time.milliseconds, last.time.milliseconds - 10 * 60_000)
        let span = last.time.milliseconds - from
        guard span > 0 else { return [] }
        let moves = facts.commits.moves
        let (endPoints, commitPoints) = (facts.ends.points, facts.commits.points)
        // No more points than were read.
        let count = min(LagLimits.historyCount, max(2, Int(span / 1_000) + 1))
        return (0..<count).map { index in
            let time = Timestamp(milliseconds: from + span * Int64(index) / Int64(count - 1))
            // A lag is that right after a commit: between two of them it only seems to grow. A commit that is old is no longer taken so.
            let stands = commitPoints.last { $0.time <= time } ?? first
            let moved = moves.last { $0 <= time } ?? first.time
            let when = time.milliseconds - moved.milliseconds > betweenCommitsMs ? time : max(moved, first.time)
            return max(0, (OffsetSeries.offset(endPoints, at: when) ?? stands.offset) - stands.offset)
        }
    }

    /// Clients commit every five seconds, most of them.
    private static let betweenCommitsMs: Int64 = 15_000
}
