import Primitives

/// What a node is in the quorum of the metadata log. Kafka's words (KIP-595, KIP-996).
package enum QuorumRole: Equatable, Sendable {
    /// No leader known; perhaps a vote given in this epoch. An observer looks for the leader, a voter waits a while.
    case unattached
    /// Asks whether it would be elected. Changes nothing, here or elsewhere.
    case prospective
    /// Asks for votes, its own given.
    case candidate
    /// Leads since the offset of its leader-change record.
    case leader(epochStart: Offset)
    case follower(of: BrokerID)
    /// Led this epoch, and does no longer.
    case resigned
}

/// What a replica of the log is known to hold, as its fetches say.
package struct ReplicaProgress: Equatable, Sendable {
    /// Below this its log is the leader's, and durable where it is a voter's.
    package var logEndOffset: Offset = .none
    /// What it was last told, or said, to be committed.
    package var highWatermark: Offset = .none
    /// When it last fetched; of a new leader, when it began to lead.
    package var lastFetch: Instant?
    /// When it last had all that the leader had.
    package var lastCaughtUp: Instant?
    /// The leader's log end when it last fetched.
    var leaderEndAtFetch: Offset = .none

    package init(lastFetch: Instant? = nil) { self.lastFetch = lastFetch }
}

/// A fetch that waits for something to tell.
struct WaitingFetch: Equatable, Sendable {
    var replica: BrokerID?
    var fetch: QuorumFetch
    var ticket: QuorumTicket
    var deadline: Instant
}

/// What only a leader has.
struct Leading: Equatable, Sendable {
    var epochStart: Offset
    /// Every voter but this one.
    var voters: OrderedMap<BrokerID, ReplicaProgress> = OrderedMap()
    var observers: OrderedMap<BrokerID, ReplicaProgress> = OrderedMap()
    var waiting: [WaitingFetch] = []
    /// When it next makes itself known to voters that do not fetch.
    var announceAt: Instant
}

/// What only a follower has.
struct Following: Equatable, Sendable {
    var leader: BrokerID
    /// The leader answered since it was last doubted: who asks for a vote is refused.
    var hearsLeader = false
    var isFetching = false
    /// When the next fetch goes out, if none is under way.
    var fetchAt: Instant
    /// When it gives the leader up.
    var givesUpAt: Instant
    /// The snapshot being fetched.
    var snapshot: SnapshotID?
    /// What the answer that is being appended says is committed.
    var toldHighWatermark: Offset = .zero
}

/// What only a candidate has, before or in its election.
struct Ballot: Equatable, Sendable {
    var isPreVote: Bool
    var granted: [BrokerID]
    var refused: [BrokerID] = []
    /// When it tries again.
    var triesAgainAt: Instant
}
