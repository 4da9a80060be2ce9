import Primitives

/// The leader's side of one partition: in-sync replicas, the high watermark, and what every replica is known to have.
///
/// A value without a log: its owner reports where the log ends and what followers fetched, and asks how far the high watermark is.
/// Invariants:
/// 1. `highWatermark` never moves back while this leader leads, and never exceeds the leader's own log end.
/// 2. It is the least log end among the maximal in-sync replicas: those the controller confirmed and those it may have confirmed already
///    (KIP-497). A replica that is about to join is waited for too. It stands still while fewer than the least number required are in
///    sync (KIP-966).
/// 3. At most one change of the in-sync replicas is under way.
/// With one replica the leader's own log end is all there is to it, and the same code decides.
package struct LeaderState: Equatable, Sendable {
    /// A change the controller has been asked for, whose outcome is not known.
    enum PendingChange: Equatable, Sendable {
        case expand(BrokerID)
        case shrink([BrokerID])
    }

    package let brokerID: BrokerID
    package let leaderEpoch: LeaderEpoch
    /// Where this leader's own records begin: below lies what earlier leaders wrote.
    package let epochStartOffset: Offset
    package private(set) var partitionEpoch: Int32
    package private(set) var replicas: [BrokerID]
    /// As the controller confirmed them.
    package private(set) var inSyncReplicas: [BrokerID]
    package private(set) var highWatermark: Offset
    package private(set) var logEndOffset: Offset
    /// What the leader's own log counts for in the high watermark: its end, or where produces wait for the disk, what is durable of it.
    package private(set) var countedEndOffset: Offset
    /// `min.insync.replicas`, already lowered to the number of replicas.
    package private(set) var inSyncReplicasMin: Int
    /// `replica.lag.time.max.ms`.
    package var lagMaxMs: Int64
    private(set) var pending: PendingChange?
    private var followers = OrderedMap<BrokerID, FollowerProgress>()
    /// The replicas that may be in sync, each with its broker epoch: neither fenced nor shutting down.
    private var eligible = OrderedMap<BrokerID, Int64>()
    private let mutations: Mutations

    package init(
        brokerID: BrokerID, leaderEpoch: LeaderEpoch, partitionEpoch: Int32, replicas: [BrokerID], inSyncReplicas: [BrokerID],
        inSyncReplicasMin: Int, logEndOffset: Offset, highWatermark: Offset, countedEndOffset: Offset? = nil, lagMaxMs: Int64 = 30_000,
        eligible: OrderedMap<BrokerID, Int64> = OrderedMap(), mutations: Mutations = [], now: Instant = .zero
    ) {
        self.brokerID = brokerID
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
        self.inSyncReplicasMin = min(inSyncReplicasMin, replicas.count)
        self.logEndOffset = logEndOffset
        self.lagMaxMs = lagMaxMs
        self.eligible = eligible
        self.mutations = mutations
        epochStartOffset = logEndOffset
        self.highWatermark = min(highWatermark, logEndOffset)
        self.countedEndOffset = max(self.highWatermark, min(countedEndOffset ?? logEndOffset, logEndOffset))
        for replica in replicas where replica != brokerID {
            followers[replica] = FollowerProgress()
            // Who is in sync has its time from the election on, not from a fetch that was never made.
            if inSyncReplicas.contains(replica) { followers[replica]?.lastCaughtUpTime = now }
        }
        advance(now)
    }

    /// The same broker leads on in the next epoch: what its followers have acknowledged is still a part of their logs. Over more than one
    /// epoch that is not known: the metadata may come in one piece, and whoever led in between may have had them cut it.
    package mutating func keepProgress(of earlier: LeaderState, now: Instant) {
        guard leaderEpoch.rawValue == earlier.leaderEpoch.rawValue &+ 1 else { return }
        for replica in replicas where replica != brokerID {
            guard var progress = earlier.followers[replica] else { continue }
            if inSyncReplicas.contains(replica) { progress.lastCaughtUpTime = now }
            followers[replica] = progress
        }
        advance(now)
    }

    package var isUnderMinISR: Bool { inSyncReplicas.count < inSyncReplicasMin }
    package var hasPendingChange: Bool { pending != nil }
    package func progress(of follower: BrokerID) -> FollowerProgress? { followers[follower] }
    /// The in-sync replicas, and those that may be in sync already for all this leader knows.
    package var maximalInSyncReplicas: [BrokerID] {
        if case .expand(let replica) = pending, !inSyncReplicas.contains(replica) { return inSyncReplicas + [replica] }
        return inSyncReplicas
    }

    // MARK: What moves the high watermark

    /// The leader's own log now ends at `end`. Returns whether the high watermark moved. `durableOnly`: the new records count when `synced`
    /// says so.
    @discardableResult
    package mutating func appended(through end: Offset, durableOnly: Bool = false, now: Instant = .zero) -> Bool {
        precondition(end >= logEndOffset, "a leader's log does not shrink")
        logEndOffset = end
        if !durableOnly { countedEndOffset = end }
        return advance(now)
    }

    /// The leader's own log is durable through `end`.
    package mutating func synced(through end: Offset, now: Instant = .zero) -> Bool {
        guard end > countedEndOffset else { return false }
        countedEndOffset = min(end, logEndOffset)
        return advance(now)
    }

    /// `follower` asked for what begins at `offset`: it has everything before. Returns whether the high watermark moved.
    package mutating func fetched(
        by follower: BrokerID, from offset: Offset, logStart: Offset = .none, brokerEpoch: Int64 = -1, at now: Instant
    ) -> Bool {
        guard followers[follower] != nil, offset <= logEndOffset else { return false }
        followers.update(follower) {
            $0.fetched(from: offset, logStart: logStart, brokerEpoch: brokerEpoch, leaderEnd: logEndOffset, at: now)
        }
        return advance(now)
    }

    /// The controller changed the replicas or who is in sync, within this leader's epoch.
    package mutating func changed(replicas: [BrokerID], inSyncReplicas: [BrokerID], partitionEpoch: Int32, now: Instant = .zero) -> Bool {
        guard partitionEpoch >= self.partitionEpoch else { return false }
        if partitionEpoch > self.partitionEpoch { pending = nil }
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
        for replica in replicas where replica != brokerID && followers[replica] == nil { followers[replica] = FollowerProgress() }
        followers.removeAll { replica, _ in !replicas.contains(replica) }
        return advance(now)
    }

    /// The metadata says the same leader in the same epoch, with perhaps other replicas, settings and brokers: all of it holds at once.
    package mutating func changed(_ leadership: Leadership, now: Instant) -> Bool {
        lagMaxMs = leadership.lagMaxMs
        eligible = leadership.eligible
        inSyncReplicasMin = min(leadership.inSyncReplicasMin, leadership.replicas.count)
        if leadership.partitionEpoch < partitionEpoch { return advance(now) }
        return changed(
            replicas: leadership.replicas, inSyncReplicas: leadership.inSyncReplicas, partitionEpoch: leadership.partitionEpoch, now: now)
    }

    package mutating func minimumChanged(_ inSyncReplicasMin: Int, now: Instant = .zero) -> Bool {
        self.inSyncReplicasMin = min(inSyncReplicasMin, replicas.count)
        return advance(now)
    }

    /// Other brokers may be in sync than before: one was fenced, or came back.
    package mutating func eligibilityChanged(_ eligible: OrderedMap<BrokerID, Int64>, now: Instant) -> Bool {
        self.eligible = eligible
        return advance(now)
    }

    /// The log lost its beginning: nothing below `start` can be read any more, so it counts as committed.
    package mutating func started(at start: Offset) {
        if highWatermark < start { highWatermark = start }
        if logEndOffset < start { logEndOffset = start }
        if countedEndOffset < start { countedEndOffset = start }
    }

    @discardableResult
    private mutating func advance(_ now: Instant) -> Bool {
        guard !isUnderMinISR else { return false }
        var least = countedEndOffset
        if !mutations.contains(.highWatermarkFromLeaderAlone) {
            let maximal = maximalInSyncReplicas
            for (replica, progress) in followers where maximal.contains(replica) || isJoining(replica, progress, now) {
                least = min(least, progress.logEndOffset)
            }
        }
        guard least > highWatermark else { return false }
        highWatermark = least
        return true
    }

    /// A replica that has caught up and will be in sync as soon as the controller says so: were it not waited for, the high watermark might
    /// always be a little ahead of it.
    private func isJoining(_ replica: BrokerID, _ progress: FollowerProgress, _ now: Instant) -> Bool {
        isEligible(replica, progress) && progress.isCaughtUp(leaderEnd: logEndOffset, lagMaxMs: lagMaxMs, now: now)
    }

    private func isEligible(_ replica: BrokerID, _ progress: FollowerProgress) -> Bool {
        guard let brokerEpoch = eligible[replica] else { return false }
        return progress.brokerEpoch == -1 || progress.brokerEpoch == brokerEpoch
    }

    // MARK: The in-sync replicas

    /// Asks for `follower` to become in sync, where it has caught up; nil where there is nothing to ask for. It has everything that is
    /// committed, and everything that earlier leaders wrote.
    package mutating func expansion(by follower: BrokerID) -> ISRChange? {
        guard pending == nil, !inSyncReplicas.contains(follower), let progress = followers[follower] else { return nil }
        guard isEligible(follower, progress) else { return nil }
        let needed = mutations.contains(.expandISREarly) ? Offset.zero : max(highWatermark, epochStartOffset)
        guard progress.logEndOffset >= needed else { return nil }
        pending = .expand(follower)
        return change(to: inSyncReplicas + [follower])
    }

    /// Asks for those to go that have been behind for too long.
    package mutating func shrinking(now: Instant) -> ISRChange? {
        guard pending == nil else { return nil }
        let late = laggards(now)
        guard !late.isEmpty else { return nil }
        pending = .shrink(late)
        return change(to: inSyncReplicas.filter { !late.contains($0) })
    }

    private func laggards(_ now: Instant) -> [BrokerID] {
        inSyncReplicas.filter { replica in
            guard replica != brokerID, let progress = followers[replica] else { return false }
            return !progress.isCaughtUp(leaderEnd: logEndOffset, lagMaxMs: lagMaxMs, now: now)
        }
    }

    private func change(to inSync: [BrokerID]) -> ISRChange {
        ISRChange(
            leaderEpoch: leaderEpoch, partitionEpoch: partitionEpoch,
            members: inSync.map { replica in
                ISRChange.Member(broker: replica, brokerEpoch: eligible[replica] ?? followers[replica]?.brokerEpoch ?? -1)
            })
    }

    /// The same change again, after nobody knew what became of it; nil where it is no longer under way.
    package func repeated(_ change: ISRChange) -> ISRChange? {
        pending != nil && change.partitionEpoch == partitionEpoch && change.leaderEpoch == leaderEpoch ? change : nil
    }

    /// What the controller made of `change`. Returns whether the high watermark moved. On `.overtaken` and `.unknown` the change stays
    /// under way: who may be in sync must be waited for until the metadata log has told.
    package mutating func concluded(_ change: ISRChange, _ verdict: ISRVerdict, now: Instant) -> Bool {
        guard pending != nil, change.partitionEpoch == partitionEpoch, change.leaderEpoch == leaderEpoch else { return false }
        switch verdict {
        case .decided(let leaderEpoch, let partitionEpoch, let inSync):
            guard leaderEpoch == self.leaderEpoch, partitionEpoch >= self.partitionEpoch, inSync.contains(brokerID) else { return false }
            pending = nil
            return changed(replicas: replicas, inSyncReplicas: inSync, partitionEpoch: partitionEpoch, now: now)
        case .refused:
            pending = nil
            return advance(now)
        case .overtaken, .unknown: return false
        }
    }
}
