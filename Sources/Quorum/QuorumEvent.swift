import Primitives

/// What happens to a node of the quorum.
package enum QuorumEvent: Equatable, Sendable {
    /// The log is open and `quorum-state` read: begin.
    case started
    /// `nextDeadline` may have passed.
    case ticked
    /// So many records were appended as one batch at the log's end, in the leader's epoch. Only at a leader.
    case proposed(count: Int)
    /// The local log is durable up to, not including, this offset.
    case synced(through: Offset)
    /// What an effect `appendFetched` asked for was appended, as far as it says; empty where the disk refused.
    case appended([EpochRun])
    /// A peer asks. `from` is who it says it is; nil where it is nobody, as a tool that fetches the log.
    case requested(QuorumRequest, from: BrokerID?, ticket: QuorumTicket)
    /// A peer answers a request of this node's.
    case answered(QuorumAnswer, to: QuorumRequest, from: BrokerID)
    case failed(QuorumRequest, to: BrokerID, QuorumFailure)
    /// A snapshot was made here of what is committed, and the log now begins at `logStart`.
    case snapshotMade(SnapshotID, logStart: Offset)
    /// The leader gave a piece of the snapshot that is being fetched.
    case snapshotPieceCame
    /// The snapshot that `fetchSnapshot` asked for is here whole.
    case snapshotCame(SnapshotID)
    case snapshotFailed(SnapshotID)
    /// A replica fetches a piece of a snapshot from this leader: it lives.
    case snapshotAsked(by: BrokerID, epoch: LeaderEpoch)
    /// This node stops, or cannot lead: another should.
    case resigned
}

/// What a node of the quorum wants done, in this order. Nothing behind a `writeState` may be done before that is durable: a vote given
/// and forgotten could elect two leaders in one epoch.
package enum QuorumEffect: Equatable, Sendable {
    /// Write `quorum-state` and make it durable.
    case writeState(QuorumState)
    /// Append the control batch that opens this leader's epoch. It takes one offset.
    case appendLeaderChange(at: Offset, epoch: LeaderEpoch, LeaderChange)
    /// Append the records of the fetch's answer that is being handled, then tell `appended`.
    case appendFetched
    /// Cut the log so that it ends here.
    case truncate(to: Offset)
    /// Make the log durable up to, not including, this offset, then tell `synced`.
    case sync(through: Offset)
    /// Everything below this offset is committed: apply it, answer those who waited for it.
    case commit(through: Offset)
    /// This node leads. It may decide once `commit` has passed `epochStart`: only then has it applied all there is.
    case becameLeader(epoch: LeaderEpoch, epochStart: Offset)
    /// This node leads no longer: what was proposed and not committed may yet be, or never.
    case resigned(epoch: LeaderEpoch)
    /// The epoch, or who leads it, is another.
    case leaderChanged(epoch: LeaderEpoch, leader: BrokerID?)
    case request(QuorumRequest, to: BrokerID)
    case respond(QuorumAnswer, to: QuorumTicket)
    /// Answer a fetch with the records from this offset on, as many as fit.
    case respondRecords(QuorumAnswer, from: Offset, to: QuorumTicket)
    /// Fetch this snapshot from the leader, then tell `snapshotCame` or `snapshotFailed`.
    case fetchSnapshot(SnapshotID, from: BrokerID)
    /// The snapshot that came is what this node holds from now on; its log begins anew behind it.
    case installSnapshot(SnapshotID)
    /// A peer contradicts what is committed. Nothing was done; a person should know.
    case contradicted(String)
}
