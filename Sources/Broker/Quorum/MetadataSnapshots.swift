import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// Snapshots of the metadata: which are here, and the one that is being fetched.
struct MetadataSnapshots {
    /// Those on disk, oldest first.
    var held: [SnapshotID] = []
    /// The log's bytes when the last one was made.
    var bytesAtLast: Int64 = 0
    /// When the next one is made, if anything was committed by then.
    var nextAt: Instant = .distantFuture
    /// The one that comes from the leader, with what of it is here.
    var coming: (id: SnapshotID, leader: BrokerID, bytes: [Bytes], size: Int64)?
}

extension Broker {
    func loadSnapshots(_ log: PartitionLog) throws(BrokerStartError) -> [SnapshotID] { [] }

    mutating func snapshotIfDue() {}

    mutating func beginSnapshotFetch(_ id: SnapshotID, _ leader: BrokerID) { runQuorum(.snapshotFailed(id)) }

    mutating func installSnapshot(_ id: SnapshotID) -> Bool { true }

    mutating func handleFetchSnapshot(_ context: RequestContext, _ request: FetchSnapshotRequest) {
        var response = FetchSnapshotResponse()
        response.errorCode = .snapshotNotFound
        respond(context, response)
    }
}
