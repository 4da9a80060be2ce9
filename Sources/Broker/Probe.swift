import Primitives
import Quorum
import Replication
import Storage

/// What a simulation looks at after each event. Nothing here changes anything, and nothing of the engine uses it.
extension Broker {
    /// Every partition this broker holds.
    package var heldReplicas: [Replica] { replicas.all }
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
