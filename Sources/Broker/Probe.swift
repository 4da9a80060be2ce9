import Primitives
import Quorum
import Replication
import Storage

/// What a simulation looks at after each event. Nothing here changes anything, and nothing of the engine uses it.
extension Broker {
    /// Every partition this broker holds.
    package var heldReplicas: [Replica] { replicas.all }
    /// The same number as before: the same replicas. This and the next change nothing: who only reads a value that an object holds is
    /// given a copy of all of it, and after every event that is dear.
    package var heldReplicaChanges: Int { mutating get { replicas.changes } }
    /// What is worth a look of the quorum, without a copy of its machine; nil before `start`.
    package var quorumGlance: QuorumGlance? {
        mutating get {
            guard metadata != nil else { return nil }
            return QuorumGlance(
                isLeader: metadata!.quorum.isLeader, isEstablished: metadata!.quorum.isLeaderEstablished,
                leaderEpoch: metadata!.quorum.leaderEpoch, highWatermark: metadata!.quorum.highWatermark,
                writtenEpoch: metadata!.writtenState.leaderEpoch, votedID: metadata!.writtenState.votedID,
                logStartOffset: metadata!.log.logStartOffset, logEndOffset: metadata!.log.logEndOffset)
        }
    }
    /// The metadata log and the quorum's machine; nil before `start`.
    package var metadataLog: PartitionLog? { metadata?.log }
    package var quorum: QuorumMachine? { metadata?.quorum }
    /// What this node has written down of the quorum.
    package var quorumState: QuorumState? { metadata?.writtenState }

    /// Who wants to be woken now or is overdue, by name.
    package var overdue: String {
        mutating get {
            let all: [(String, Instant)] = [
                ("parked", parked.nextDeadline), ("timers", timers.next), ("deletions", directory?.nextDeletion ?? .distantFuture),
                ("peers", peers.nextDeadline), ("controller channel", channel.nextDeadline), ("life", life.nextAt),
                ("patience", life.patienceEnds), ("replication", replicationDeadline), ("admin", adminDeadline), ("groups", groupsDeadline),
                ("transactions", transactionsDeadline), ("shares", shareCoordinatorDeadline), ("locks", shareLeadingDeadline),
                ("quorum", quorumDeadline), ("duties", duties.nextDeadline), ("awaited", awaited.nextDeadline),
            ]
            return all.filter { $0.1 <= now.instant }.map(\.0).joined(separator: ", ")
        }
    }
}

/// Where a node stands in the quorum of the metadata log.
package struct QuorumGlance: Equatable, Sendable {
    package let isLeader: Bool
    /// It has committed a record of its own epoch.
    package let isEstablished: Bool
    package let leaderEpoch: LeaderEpoch
    package let highWatermark: Offset
    /// As this node has written it down.
    package let writtenEpoch: LeaderEpoch
    package let votedID: BrokerID?
    package let logStartOffset: Offset
    package let logEndOffset: Offset
}
