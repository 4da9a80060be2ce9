import Primitives

/// What nodes of a quorum ask each other; the owner translates to and from the wire (Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch).
package enum QuorumRequest: Equatable, Sendable {
    /// Asks for a vote in `epoch`; of a pre-vote, whether one would be given in the epoch after it (KIP-996).
    case vote(epoch: LeaderEpoch, candidate: BrokerID, log: LogEnd, isPreVote: Bool)
    /// The new leader announces itself.
    case beginEpoch(epoch: LeaderEpoch, leader: BrokerID)
    /// The leader steps down; whose log is longest should stand first.
    case endEpoch(epoch: LeaderEpoch, leader: BrokerID, successors: [BrokerID])
    case fetch(QuorumFetch)

    var epoch: LeaderEpoch {
        switch self {
        case .vote(let epoch, _, _, _), .beginEpoch(let epoch, _), .endEpoch(let epoch, _, _): epoch
        case .fetch(let fetch): fetch.epoch
        }
    }
}

/// A replica asks for what follows its log: by that a voter says that all before is durable there.
package struct QuorumFetch: Equatable, Sendable {
    package var epoch: LeaderEpoch
    package var log: LogEnd
    /// What the replica knows to be committed: a leader that knows more tells at once (KIP-1166).
    package var highWatermark: Offset
    /// How long the leader may keep the request if there is nothing to tell.
    package var waitMs: Int64

    package init(epoch: LeaderEpoch, log: LogEnd, highWatermark: Offset, waitMs: Int64) {
        self.epoch = epoch
        self.log = log
        self.highWatermark = highWatermark
        self.waitMs = waitMs
    }
}

/// Why a peer did not do what it was asked. Each has its code in Kafka.
package enum QuorumRefusal: Equatable, Sendable {
    /// The request is of an epoch that is over.
    case fencedEpoch
    /// The request is of an epoch not known here yet.
    case unknownEpoch
    case notLeader
    /// The sender is no voter, or another is meant.
    case inconsistentVoters
    /// The node's disk refuses, or it is stopping.
    case unavailable
}

/// What a node answers, with the epoch it is in and the leader it knows.
package struct QuorumAnswer: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        case vote(isGranted: Bool)
        case acknowledged
        case refused(QuorumRefusal)
        case fetch(QuorumFetched)
    }

    package var epoch: LeaderEpoch
    package var leader: BrokerID?
    package var content: Content

    package init(epoch: LeaderEpoch, leader: BrokerID?, _ content: Content) {
        self.epoch = epoch
        self.leader = leader
        self.content = content
    }
}

/// Records of one epoch that follow each other.
package struct EpochRun: Equatable, Sendable {
    package var epoch: LeaderEpoch
    package var count: Int64

    package init(epoch: LeaderEpoch, count: Int64) {
        self.epoch = epoch
        self.count = count
    }
}

/// What a leader says to a fetch it does not refuse.
package enum QuorumFetched: Equatable, Sendable {
    /// What follows the replica's log, perhaps nothing. On the leader's side the owner adds the records, as many as it likes; on the
    /// replica's side `runs` says what came.
    case records(runs: [EpochRun], highWatermark: Offset)
    /// The replica's log parts from the leader's: the leader's epoch not above the replica's last, and where that ends.
    case diverging(LogEnd)
    /// What the replica lacks is no longer in the log.
    case snapshot(SnapshotID)
}

/// Names a request of a peer until it is answered.
package struct QuorumTicket: Hashable, Sendable {
    package var number: UInt64
    package init(number: UInt64) { self.number = number }
}

/// Why no answer came.
package enum QuorumFailure: Equatable, Sendable {
    /// The peer's machine answers that nobody listens, or the connection broke: a process that died leaves this trace.
    case broken
    /// Nothing was heard.
    case timedOut
}
