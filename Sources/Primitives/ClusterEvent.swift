/// Something that happened in a cluster, for the timeline: raised by our own engine as it happens, or inferred by the console from two
/// pictures of a cluster it watches.
public struct ClusterEvent: Equatable, Sendable {
    /// When it happened; for an inferred event, when it was seen.
    public var time: Timestamp
    public var kind: Kind
    /// For an inferred event, the earlier picture's time: it happened between that and `time`. Nil where the engine itself said so.
    public var inferredSince: Timestamp?

    public init(time: Timestamp, kind: Kind, inferredSince: Timestamp? = nil) {
        self.time = time
        self.kind = kind
        self.inferredSince = inferredSince
    }

    public enum Kind: Equatable, Sendable {
        case rebalance(RebalanceEvent)
        case groupDeleted(group: String)
        case offsetsReset(group: String, partitions: Int)
        case topicCreated(topic: String, partitions: Int32, replicationFactor: Int16)
        case topicDeleted(topic: String)
        case partitionsAdded(topic: String, from: Int32, to: Int32)
        case recordsDeleted(partition: TopicPartition, before: Offset)
        /// A resource such as `topic orders` or `broker 1`; nil values mean "not set".
        case configChanged(resource: String, key: String, from: String?, to: String?)
        case brokerUp(broker: BrokerID, address: String)
        case brokerDown(broker: BrokerID, reason: String)
        /// The controller no longer counts on it. The epoch is the broker's own, of its registration.
        case brokerFenced(broker: BrokerID, brokerEpoch: Int64, cause: String)
        case brokerUnfenced(broker: BrokerID, brokerEpoch: Int64)
        /// The epochs of the quorum before and after; -1 where the earlier one is not known.
        case controllerChanged(from: BrokerID?, to: BrokerID, epochs: EpochChange)
        /// The leader epochs before and after; -1 where one is not known.
        case leaderChanged(partition: TopicPartition, from: BrokerID?, to: BrokerID?, epochs: EpochChange, cause: String)
        /// `partitionEpochs` are the controller's versions of the partition, which no public API tells: nil where it was inferred.
        case inSyncReplicasChanged(
            partition: TopicPartition, from: [BrokerID], to: [BrokerID], leaderEpoch: LeaderEpoch, partitionEpochs: EpochChange?,
            cause: String)
        case reassignmentStarted(partition: TopicPartition, from: [BrokerID], to: [BrokerID])
        /// Complete, or cancelled: then the replicas are those from before.
        case reassignmentEnded(partition: TopicPartition, replicas: [BrokerID], wasCancelled: Bool)
        /// A follower threw away records that its new leader does not have; none of them was ever committed.
        case logTruncated(partition: TopicPartition, broker: BrokerID, from: Offset, to: Offset)
        /// A replica's bytes are not what was written: bit rot. The offsets are the first and the last that are lost there.
        case logDamaged(partition: TopicPartition, broker: BrokerID, from: Offset, to: Offset, outcome: DamageOutcome)
        /// Somebody did this to a broker of a cluster of our own, on purpose.
        case chaos(broker: BrokerID, action: ChaosAction)
        case disk(broker: BrokerID, message: String)
        /// How a group stands turned into something else; words as the console has them, such as "ok" and "stalled".
        case lagVerdict(group: String, from: String, to: String, isTrouble: Bool, lag: Int64)
        /// Somebody at this console did this; `isDone` where the cluster then was as planned.
        case ownAction(title: String, outcome: String, isDone: Bool)
        /// An access rule, in words such as "allow READ on topic orders from *".
        case accessChanged(principal: String, rule: String, isAdded: Bool)
        /// A limit of an entity such as `user alice`; nil values mean "no limit".
        case quotaChanged(entity: String, key: String, from: String?, to: String?)
        /// A way to log in by SCRAM.
        case userChanged(user: String, mechanism: String, isAdded: Bool)
        /// Remembered from an earlier run, in the words it was written down in.
        case recorded(what: String, object: String, detail: String)
        /// A pass of compaction over one replica's log ended; the bytes are those of the segments it went through.
        case compacted(partition: TopicPartition, broker: BrokerID, bytesBefore: Int64, bytesAfter: Int64)
    }
}

/// What became of rot in a replica's log.
public enum DamageOutcome: Equatable, Sendable {
    case found
    /// Another replica's bytes took its place.
    case mended(from: BrokerID)
    /// No other replica that can be reached has these records in good order.
    case withoutRemedy
}

/// An epoch before and after a change.
public struct EpochChange: Equatable, Sendable, CustomStringConvertible {
    public var from: Int32
    public var to: Int32
    public init(_ from: Int32, _ to: Int32) { (self.from, self.to) = (from, to) }
    public init(leaderEpochs from: LeaderEpoch, _ to: LeaderEpoch) { self.init(from.rawValue, to.rawValue) }
    /// "4 → 5"; only the later one where the earlier is not known.
    public var description: String { from < 0 ? "\(to)" : "\(from) → \(to)" }
}

/// A step in the life of a consumer group, with who caused it and why.
public struct RebalanceEvent: Equatable, Sendable {
    public enum Step: String, Equatable, Sendable {
        /// The group left Stable (or Empty): members must rejoin.
        case started
        /// All who rejoined have a generation.
        case completed
        /// The leader's assignment was stored; the group is Stable.
        case assigned
        case memberJoined
        case memberLeft
        /// The last member is gone.
        case emptied
    }

    /// Why; the causes for which Kafka's own coordinator rebalances.
    public enum Reason: String, Equatable, Sendable {
        case memberJoined = "new member joined"
        case staticMemberReplaced = "static member replaced"
        case leaderRejoined = "leader re-joined"
        case subscriptionChanged = "subscription changed"
        case sessionExpired = "session expired"
        case rebalanceTimedOut = "missed the rebalance"
        case syncTimedOut = "did not sync in time"
        case memberLeft = "left"
        case removedByAdmin = "removed by an administrator"
        case storeFailed = "assignment could not be stored"
        case groupFull = "group over its size limit"
        case coordinatorLoaded = "coordinator loaded"
        /// Topics that the group subscribes to appeared, vanished, or have other partitions.
        case topicsChanged = "topics changed"
        /// The first member of the newer protocol came, or the last one went.
        case protocolChanged = "protocol changed"
        case unknown = "unknown"
    }

    public var group: String
    public var generation: Int32
    public var step: Step
    public var reason: Reason
    public var memberID: String
    public var groupInstanceID: String?
    public var clientID: String
    public var clientHost: String
    /// What the client itself gave as its reason (JoinGroup v8+, LeaveGroup v5+); untrusted text.
    public var clientReason: String?
    /// Members in the group after this step.
    public var members: Int
    /// `generation` is the epoch of a group of the newer protocol (KIP-848).
    public var isEpoch: Bool

    public init(
        group: String, generation: Int32, step: Step, reason: Reason, memberID: String = "", groupInstanceID: String? = nil,
        clientID: String = "", clientHost: String = "", clientReason: String? = nil, members: Int = 0,
        isEpoch: Bool = false
    ) {
        self.group = group
        self.generation = generation
        self.step = step
        self.reason = reason
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.clientID = clientID
        self.clientHost = clientHost
        self.clientReason = clientReason
        self.members = members
        self.isEpoch = isEpoch
    }
}
