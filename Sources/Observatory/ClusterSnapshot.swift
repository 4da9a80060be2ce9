import ClientCore
import Primitives

/// What the console knows of a cluster: an immutable picture that the `Observer` makes anew with every answer and the console renders.
///
/// Parts of it are of different ages: each carries its `Observation`. A part that could not be read again keeps its last value. Copying
/// costs a few retains; look-ups are binary searches, so that ten thousand topics are as good as ten. Observed, not authoritative: the
/// engine's own truth is `ClusterImage`.
package struct ClusterSnapshot: Equatable, Sendable {
    /// When this picture was made.
    package var time: Timestamp = .none
    package var connection = ConnectionState.connecting(since: .none)
    /// The `host:port` list we were given.
    package var bootstrap: [String] = []
    /// Nil until the cluster told it.
    package var clusterID: String? = nil
    /// The active controller where the quorum told it, else what Metadata says (on KRaft a random live broker).
    package var controller: BrokerID? = nil
    package var isControllerExact = false

    package var brokers = OrderedMap<BrokerID, BrokerSnapshot>()
    /// Copies share the topics and groups that have not been changed since, and see at once which those are.
    package var topics = SharedMap<String, TopicSnapshot>()
    package var groups = SharedMap<String, GroupSnapshot>()
    package var configs = OrderedMap<ConfigResource, ConfigSnapshot>()
    package var quorum: QuorumSnapshot? = nil
    package var reassignments = OrderedMap<TopicPartition, ReassignmentSnapshot>()
    package var admin = AdminSnapshot()

    /// Oldest first, newest last; the timeline.
    package var events = Ring<ClusterEvent>(capacity: ClusterSnapshot.eventsMax)
    /// How many events there ever were, so that a view sees that something is new though the ring is full.
    package var eventCount = 0
    /// How many of those were remembered from an earlier run.
    package var recalledEvents = 0
    /// The whole cluster's rates over time, oldest first.
    package var throughput = Ring<RateSample>(capacity: ClusterSnapshot.historyMax)

    package var health = Health()
    package var observations = Observations()
    /// What watching costs the cluster.
    package var cost = ObservationCost()

    package init() {}

    /// Bound on the timeline.
    package static let eventsMax = 2000
    /// Bound on each history of samples.
    package static let historyMax = 300

    package func topic(_ name: String) -> TopicSnapshot? { topics[name] }
    package func group(_ id: String) -> GroupSnapshot? { groups[id] }
    package func broker(_ id: BrokerID) -> BrokerSnapshot? { brokers[id] }
    package func partition(_ partition: TopicPartition) -> PartitionSnapshot? {
        guard let topic = topics[partition.topic], partition.partition >= 0, Int(partition.partition) < topic.partitions.count else {
            return nil
        }
        return topic.partitions[Int(partition.partition)]
    }
}

/// Whether we talk with the cluster, since when, and why not.
package enum ConnectionState: Equatable, Sendable {
    case connecting(since: Timestamp)
    case connected(since: Timestamp)
    /// We go on trying; the picture stays, with its age.
    case disconnected(since: Timestamp, reason: String)

    package var isConnected: Bool { if case .connected = self { true } else { false } }
    package var since: Timestamp {
        switch self {
        case .connecting(let since), .connected(let since), .disconnected(let since, _): since
        }
    }

    /// A few words for the header, in UTC: "connected", "disconnected since 10:30:00: connection refused".
    package var text: String {
        switch self {
        case .connecting: "connecting"
        case .connected: "connected"
        case .disconnected(let since, let reason): "disconnected since \(CivilTime(since).clock): \(reason)"
        }
    }
}

/// When a part of the picture was last read, and what went wrong since.
package struct Observation: Equatable, Sendable {
    /// `unread` while there was no success: there is one of these for each of many thousand topics.
    private var milliseconds: Int64
    /// What the newest attempt failed with; nil after a success.
    package var error: String?

    private static let unread = Int64.min

    package init(time: Timestamp? = nil, error: String? = nil) {
        milliseconds = time?.milliseconds ?? Observation.unread
        self.error = error
    }

    /// The last success; nil where there was none yet.
    package var time: Timestamp? {
        get { milliseconds == Observation.unread ? nil : Timestamp(milliseconds: milliseconds) }
        set { milliseconds = newValue?.milliseconds ?? Observation.unread }
    }

    /// Milliseconds since the last success, for the age badge.
    package func age(at now: Timestamp) -> Int64? { time.map { max(0, now.milliseconds - $0.milliseconds) } }
    package mutating func succeeded(at time: Timestamp) { self = Observation(time: time) }
    package mutating func failed(_ reason: String) { error = reason }
}

/// The ages of the parts that are read as a whole. Topics, groups and configs carry their own for what is read one by one.
package struct Observations: Equatable, Sendable {
    /// Brokers, topics and partitions: leaders, replicas, ISR.
    package var metadata = Observation()
    package var offsets = Observation()
    package var groups = Observation()
    package var logDirs = Observation()
    package var quorum = Observation()
    package var reassignments = Observation()
    package init() {}
}

/// Counts of what is not well, for the overview and the header.
package struct Health: Equatable, Sendable {
    package var brokersDown = 0
    package var partitions = 0
    package var offlinePartitions = 0
    package var underReplicatedPartitions = 0
    /// Partitions whose leader is not the first of their replicas.
    package var leaderNotPreferred = 0
    /// Partitions with fewer in-sync replicas than `min.insync.replicas`: acks=all is refused; and those that have just enough.
    package var underMinISRPartitions = 0
    package var atMinISRPartitions = 0
    package var reassigningPartitions = 0
    package var brokersFenced = 0
    /// Topics and brokers that still carry the throttle of a reassignment that is over.
    package var leftoverThrottles = 0
    package var groups = 0
    package var groupsRebalancing = 0
    package var groupsWithoutMembers = 0
    /// The sum of the lags that are known.
    package var totalLag: Int64 = 0
    package init() {}

    package var isWell: Bool { brokersDown == 0 && offlinePartitions == 0 && underReplicatedPartitions == 0 }
}

/// A point of a rate history; rates are per second, nil where they are not known.
package struct RateSample: Equatable, Sendable {
    package var time: Timestamp
    package var messages: Double?
    package var bytes: Double?

    package init(time: Timestamp, messages: Double?, bytes: Double?) {
        self.time = time
        self.messages = messages
        self.bytes = bytes
    }
}

/// What observing costs the cluster, shown so that nobody has to guess.
package struct ObservationCost: Equatable, Sendable {
    /// Requests sent since the start, and those now without an answer.
    package var requests = 0
    package var inFlight = 0
    /// Requests per second over the last refresh.
    package var requestsPerSecond = 0.0
    /// The refresh interval now in force, in milliseconds: grows when the cluster answers slowly.
    package var intervalMs: Int64 = 1000
    /// How old what is not on the screen may be, in milliseconds, where there is too much to read all of it in every round: topics' offsets
    /// and sizes, groups' members and commits. Nil where all are read.
    package var topicSweepMs: Int64?
    package var groupSweepMs: Int64?
    package init() {}
}

extension ClusterSnapshot {
    /// Which broker does not believe our login, and why; nil where that is not what is wrong.
    package var loginRefusal: String? {
        guard case .disconnected(_, let reason) = connection, reason.hasPrefix(ClientError.authenticationPrefix) else { return nil }
        return String(reason.dropFirst(ClientError.authenticationPrefix.count))
    }
}
