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
}
