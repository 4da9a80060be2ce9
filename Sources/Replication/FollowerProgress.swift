import Primitives

/// What a leader knows of one follower: how far its log reaches, as its fetches said, and when it last had everything.
package struct FollowerProgress: Equatable, Sendable {
    package var logEndOffset = Offset.none
    package var logStartOffset = Offset.none
    package var lastFetchTime = Instant.zero
    /// The leader's log end when the follower last fetched: a follower that now asks from there had caught up then.
    package var leaderEndAtLastFetch = Offset.none
    package var lastCaughtUpTime = Instant.zero
    /// Of the incarnation that fetched (KIP-903); -1 where it did not say.
    package var brokerEpoch: Int64 = -1
    package init() {}

    /// Whether it has all there is, or had within the time it is given (`replica.lag.time.max.ms`).
    package func isCaughtUp(leaderEnd: Offset, lagMaxMs: Int64, now: Instant) -> Bool {
        if logEndOffset == leaderEnd { return true }
        return lastCaughtUpTime != .zero && now.milliseconds(since: lastCaughtUpTime) <= lagMaxMs
    }

    /// A fetch from `offset` on: everything before is there.
    mutating func fetched(from offset: Offset, logStart: Offset, brokerEpoch: Int64, leaderEnd: Offset, at now: Instant) {
        if offset >= leaderEnd {
            lastCaughtUpTime = now
        } else if leaderEndAtLastFetch != .none, offset >= leaderEndAtLastFetch {
            lastCaughtUpTime = lastFetchTime
        }
        logEndOffset = offset
        logStartOffset = logStart
        self.brokerEpoch = brokerEpoch
        lastFetchTime = now
        leaderEndAtLastFetch = leaderEnd
    }
}

/// A change of the in-sync replicas that a leader asks the controller for (KIP-497).
package struct ISRChange: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package var broker: BrokerID
        /// -1 where it is not known.
        package var brokerEpoch: Int64
        package init(broker: BrokerID, brokerEpoch: Int64) { (self.broker, self.brokerEpoch) = (broker, brokerEpoch) }
    }
    package var leaderEpoch: LeaderEpoch
    package var partitionEpoch: Int32
    package var members: [Member]
    package var inSyncReplicas: [BrokerID] { members.map(\.broker) }
}

/// What became of a proposed change.
package enum ISRVerdict: Equatable, Sendable {
    /// The state as it is now.
    case decided(leaderEpoch: LeaderEpoch, partitionEpoch: Int32, inSyncReplicas: [BrokerID])
    /// It was surely not done, so what held before still holds.
    case refused
    /// It was not done, but something else was: the metadata log will say what, and until then what may be in sync counts as in sync.
    case overtaken
    /// Nobody knows: to be asked again.
    case unknown
}
