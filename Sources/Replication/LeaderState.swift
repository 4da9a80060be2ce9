import Primitives

/// What a leader knows of one follower: how far its log reaches, as its fetches said, and when it last had everything.
package struct FollowerProgress: Equatable, Sendable {
    package var logEndOffset = Offset.none
    package var lastFetchTime = Instant.zero
    /// The leader's log end when the follower last fetched: a follower that now asks from there had caught up then.
    package var leaderEndAtLastFetch = Offset.none
    package var lastCaughtUpTime = Instant.zero
    package init() {}
}

/// The leader's side of one partition: in-sync replicas, the high watermark, and what every replica is known to have.
///
/// A value without a log: its owner reports where the log ends and what followers fetched, and asks how far the high watermark is.
/// Invariants:
/// 1. `highWatermark` never moves back while this leader leads, and never exceeds the leader's own log end.
/// 2. It is the least log end among the in-sync replicas; it stands still while fewer than the least number required are in sync
///    (KIP-966).
/// With one replica the leader's own log end is all there is to it, and the same code decides.
package struct LeaderState: Equatable, Sendable {
    package let brokerID: BrokerID
    package let leaderEpoch: LeaderEpoch
    package private(set) var partitionEpoch: Int32
    package private(set) var replicas: [BrokerID]
    package private(set) var inSyncReplicas: [BrokerID]
    package private(set) var highWatermark: Offset
    /// What the leader's own log holds for the purpose of the high watermark: its end, or where produces wait for the disk, what is
    /// durable of it.
    package private(set) var logEndOffset: Offset
    /// `min.insync.replicas`, already lowered to the number of replicas.
    package private(set) var inSyncReplicasMin: Int
    private var followers = OrderedMap<BrokerID, FollowerProgress>()

    package init(
        brokerID: BrokerID, leaderEpoch: LeaderEpoch, partitionEpoch: Int32, replicas: [BrokerID], inSyncReplicas: [BrokerID],
        inSyncReplicasMin: Int, logEndOffset: Offset, highWatermark: Offset
    ) {
        self.brokerID = brokerID
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
        self.inSyncReplicasMin = min(inSyncReplicasMin, replicas.count)
        self.logEndOffset = logEndOffset
        self.highWatermark = min(highWatermark, logEndOffset)
        for replica in replicas where replica != brokerID { followers[replica] = FollowerProgress() }
        advance()
    }

    package var isUnderMinISR: Bool { inSyncReplicas.count < inSyncReplicasMin }
    package func progress(of follower: BrokerID) -> FollowerProgress? { followers[follower] }

    /// The leader's own log now ends at `end`. Returns whether the high watermark moved.
    @discardableResult
    package mutating func appended(through end: Offset) -> Bool {
        precondition(end >= logEndOffset, "a leader's log does not shrink")
        logEndOffset = end
        return advance()
    }

    /// `follower` asked for what begins at `offset`: it has everything before. Returns whether the high watermark moved.
    package mutating func fetched(by follower: BrokerID, from offset: Offset, at now: Instant) -> Bool {
        guard var progress = followers[follower], offset <= logEndOffset else { return false }
        if offset >= logEndOffset {
            progress.lastCaughtUpTime = now
        } else if progress.leaderEndAtLastFetch != .none, offset >= progress.leaderEndAtLastFetch {
            progress.lastCaughtUpTime = progress.lastFetchTime
        }
        progress.logEndOffset = offset
        progress.lastFetchTime = now
        progress.leaderEndAtLastFetch = logEndOffset
        followers[follower] = progress
        return advance()
    }

    /// The controller changed the replicas or who is in sync, within this leader's epoch.
    package mutating func changed(replicas: [BrokerID], inSyncReplicas: [BrokerID], partitionEpoch: Int32) -> Bool {
        guard partitionEpoch >= self.partitionEpoch else { return false }
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
        for replica in replicas where replica != brokerID && followers[replica] == nil { followers[replica] = FollowerProgress() }
        followers.removeAll { replica, _ in !replicas.contains(replica) }
        return advance()
    }

    package mutating func minimumChanged(_ inSyncReplicasMin: Int) -> Bool {
        self.inSyncReplicasMin = min(inSyncReplicasMin, replicas.count)
        return advance()
    }

    /// The log lost its beginning: nothing below `start` can be read any more, so it counts as committed.
    package mutating func started(at start: Offset) {
        if highWatermark < start { highWatermark = start }
        if logEndOffset < start { logEndOffset = start }
    }

    @discardableResult
    private mutating func advance() -> Bool {
        guard !isUnderMinISR else { return false }
        var least = logEndOffset
        for replica in inSyncReplicas where replica != brokerID { least = min(least, followers[replica]?.logEndOffset ?? .none) }
        guard least > highWatermark else { return false }
        highWatermark = least
        return true
    }
}
