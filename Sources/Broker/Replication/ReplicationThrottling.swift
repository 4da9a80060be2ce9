import Controller
import Primitives
import Replication
import Storage

/// Throttled replicas (KIP-73): while replicas are moved, the bytes of those named in a topic's `…throttled.replicas` are held to the
/// brokers' `…throttled.rate`. A replica in sync is never held back.
extension Broker {
    /// Settings have changed.
    mutating func configureThrottles(topic: String) {
        let settings = topicConfig(topic)
        let throttled = ThrottledReplicas(leaders: settings.leaderThrottledReplicas, followers: settings.followerThrottledReplicas)
        replication.throttled[topic] = throttled.isEmpty ? nil : throttled
    }

    mutating func configureThrottleRates() {
        replication.leaderThrottle.setRate(config.integer("leader.replication.throttled.rate"), now: now.instant)
        replication.followerThrottle.setRate(config.integer("follower.replication.throttled.rate"), now: now.instant)
    }

    /// As the leader: whether this follower gets nothing at the moment.
    mutating func isServingThrottled(_ replica: Replica, to follower: BrokerID) -> Bool {
        guard isThrottledAsLeader(replica), replica.leader?.inSyncReplicas.contains(follower) == false else { return false }
        return replication.leaderThrottle.isExceeded(now: now.instant)
    }

    mutating func isThrottledAsLeader(_ replica: Replica) -> Bool {
        guard replication.leaderThrottle.isLimited else { return false }
        return replication.throttled[replica.partition.topic]?.leaders.contains(replica.partition.partition, brokerID) ?? false
    }

    /// As a follower: counts what came, and leaves the partition out of the fetches while it was too much.
    mutating func throttleFetching(_ replica: Replica, _ key: FetchKey, from leader: BrokerID, bytes: Int, isCaughtUp: Bool) {
        guard replication.followerThrottle.isLimited,
            replication.throttled[replica.partition.topic]?.followers.contains(replica.partition.partition, brokerID) ?? false
        else { return }
        let at = now.instant
        replication.followerThrottle.record(bytes, now: at)
        guard !isCaughtUp, replication.followerThrottle.isExceeded(now: at) else { return }
        // A rate that is raised meanwhile is to have its effect soon.
        let free = min(replication.followerThrottle.nextFree(now: at), at.adding(milliseconds: 1000))
        replication.fetchers.update(leader) { $0.postpone(key, until: free) }
    }
}
