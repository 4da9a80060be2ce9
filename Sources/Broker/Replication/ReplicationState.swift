import Controller
import Primitives
import Replication
import Wire

/// What a broker keeps of its part in replication besides the partitions themselves: as a follower its fetchers, one to each leader; as a
/// leader the fetch sessions of followers and consumers, and the changes of in-sync replicas that it asks the controller for.
struct ReplicationState {
    var fetchers = OrderedMap<BrokerID, ReplicaFetcher>()
    /// Requests of the fetchers that are under way, by leader.
    var underWay = OrderedMap<BrokerID, PeerRequestID>()
    /// Leaders whose fetcher has something new to ask for and must not wait for the answer under way, which may be parked.
    var interrupted = OrderedMap<BrokerID, Bool>()
    var inSync = ISRQueue()
    var sessions = FetchSessions(slots: 1000)
    /// What this broker sends to followers, and what it fetches as one, of throttled replicas (KIP-73).
    var leaderThrottle = ReplicationThrottle()
    var followerThrottle = ReplicationThrottle()
    /// By topic, which replicas are throttled; topics without any are not in it.
    var throttled = OrderedMap<String, ThrottledReplicas>()
    /// Where the look for rot stands, and what it and others found.
    var scrub = ScrubState()
    var mending = MendingState()
    /// When the leaders here next look whether a follower has fallen behind.
    var lagCheck = Instant.distantFuture
    /// Why this broker's disk is no longer believed; nil while it is.
    var storageFailure: String?
}

/// Changes of in-sync replicas on their way to the controller: one request under way with all that had gathered, one change to a partition
/// (`LeaderState` sees to that).
struct ISRQueue {
    var waiting = OrderedMap<TopicIDPartition, ISRChange>()
    var isUnderWay = false
    /// After a failure, not before this.
    var notBefore = Instant.zero

    static let retryMs: Int64 = 50
}

extension Broker {
    /// When replication next wants to be looked at, if nothing happens before.
    var replicationDeadline: Instant {
        // Mutating, though it changes nothing: fetchers are looked at in place.
        mutating get { nextReplicationDeadline() }
    }

    private mutating func nextReplicationDeadline() -> Instant {
        var due = replication.lagCheck
        guard brokerEpoch >= 0 else { return due }
        for index in 0..<replication.fetchers.count {
            var next = Instant.distantFuture
            replication.fetchers.update(at: index) { next = $0.nextDeadline }
            if next < due, canFetch(from: replication.fetchers.keys[index]) { due = next }
        }
        if !replication.inSync.waiting.isEmpty, !replication.inSync.isUnderWay, activeController != nil {
            due = min(due, replication.inSync.notBefore)
        }
        return min(due, replication.mending.nextDue)
    }

    /// Sends what is to be sent. Called at the end of every event.
    mutating func runReplication() {
        if replication.lagCheck <= now.instant { checkLag() }
        askForISRChanges()
        interruptFetchers()
        if replication.mending.nextDue <= now.instant { runMending() }
        for leader in replication.fetchers.keys where !isFetching(from: leader) { fetch(from: leader) }
    }

    /// In place: fetchers are looked at after every event, and a copy of one costs more than the look.
    private mutating func isFetching(from leader: BrokerID) -> Bool { replication.fetchers.update(leader) { $0.isUnderWay } ?? true }

    /// Whether anything can be asked of this leader. What changes that is an event, after which `runReplication` looks again.
    mutating func canFetch(from leader: BrokerID) -> Bool {
        brokerEpoch >= 0 && replication.storageFailure == nil && peerAddress(leader) != nil
    }

    /// Where another broker listens for brokers; nil while it is not known.
    mutating func peerAddress(_ broker: BrokerID) -> PeerAddress? {
        guard let endpoint = image.brokers[broker]?.endpoint(config.interBrokerListenerName) else { return nil }
        return PeerAddress(node: broker, host: endpoint.host, port: Int32(endpoint.port))
    }

    /// The brokers that may be in sync, with their broker epochs.
    var eligibleBrokers: OrderedMap<BrokerID, Int64> {
        var eligible = OrderedMap<BrokerID, Int64>()
        for broker in image.brokers.values where broker.isActive { eligible[broker.id] = broker.brokerEpoch }
        return eligible
    }
}
