import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// A snapshot on its way from the leader.
struct ComingSnapshot {
    let id: SnapshotID
    let leader: BrokerID
    let epoch: LeaderEpoch
    var parts: [Bytes] = []
    var position: Int64 = 0
}

/// FetchSnapshot (59), versions 0 to 1, from both sides: pieces of a snapshot's file, one after the other. The leader sends them from the
/// file; the follower gathers them in memory and writes the file when it has it whole.
extension Broker {
    private static let snapshotPieceBytes: Int32 = 1 << 20
    /// More than any cluster's metadata.
    private static let snapshotBytesMax: Int64 = 1 << 30

    // MARK: - The leader's side

    mutating func handleFetchSnapshot(_ context: RequestContext, _ request: FetchSnapshotRequest) {
        var response = FetchSnapshotResponse()
        guard isOurCluster(request.clusterID), request.topics.count == 1, request.topics[0].name == TopicNames.metadata,
            request.topics[0].partitions.count == 1, let metadata
        else {
            response.errorCode = isOurCluster(request.clusterID) ? .invalidRequest : .inconsistentClusterID
            return respond(context, response)
        }
        let asked = request.topics[0].partitions[0]
        runQuorum(.snapshotAsked(by: BrokerID(request.replicaID), epoch: LeaderEpoch(asked.currentLeaderEpoch)))
        var row = FetchSnapshotResponse.Partition()
        (row.snapshotID.endOffset, row.snapshotID.epoch) = (asked.snapshotID.endOffset, asked.snapshotID.epoch)
        row.currentLeader.leaderID = (metadata.quorum.leaderID ?? .none).rawValue
        row.currentLeader.leaderEpoch = metadata.quorum.leaderEpoch.rawValue
        row.position = asked.position
        row.unalignedRecords = .bytes(.empty)
        var slices: [LogSlice] = []
        do throws(APIFailure) {
            let slice = try piece(asked, maxBytes: request.maxBytes, size: &row.size)
            if !slice.isEmpty {
                row.unalignedRecords = .external(length: slice.length)
                slices = [slice]
            }
        } catch {
            row.errorCode = error.code
        }
        var topic = FetchSnapshotResponse.Topic()
        (topic.name, topic.partitions) = (TopicNames.metadata, [row])
        response.topics = [topic]
        respond(context, response, slices: slices)
    }

    private func piece(_ asked: FetchSnapshotRequest.Partition, maxBytes: Int32, size: inout Int64) throws(APIFailure) -> LogSlice {
        guard let metadata, metadata.quorum.isLeader else { throw APIFailure(.notLeaderOrFollower) }
        if asked.currentLeaderEpoch < metadata.quorum.leaderEpoch.rawValue { throw APIFailure(.fencedLeaderEpoch) }
        if asked.currentLeaderEpoch > metadata.quorum.leaderEpoch.rawValue { throw APIFailure(.unknownLeaderEpoch) }
        let id = SnapshotID(endOffset: Offset(asked.snapshotID.endOffset), epoch: LeaderEpoch(asked.snapshotID.epoch))
        guard metadata.snapshots.held.contains(id),
            let file = try? disk.open(metadata.log.directory + "/" + SnapshotFile.name(id), create: false)
        else { throw APIFailure(.snapshotNotFound) }
        size = Int64(file.size)
        guard asked.position >= 0, asked.position < size else { throw APIFailure(.positionOutOfRange) }
        let length = min(Int(size - asked.position), Int(max(1, min(maxBytes, Broker.snapshotPieceBytes))))
        return LogSlice(file: file, position: Int(asked.position), length: length, baseOffset: id.endOffset)
    }

    // MARK: - The follower's side

    mutating func beginSnapshotFetch(_ id: SnapshotID, _ leader: BrokerID) {
        note("the metadata log is too far behind: fetching the snapshot up to \(id.endOffset) from node \(leader)")
        let epoch = metadata?.quorum.leaderEpoch ?? .none
        metadata?.snapshots.coming = ComingSnapshot(id: id, leader: leader, epoch: epoch)
        fetchSnapshotPiece()
    }

    private mutating func fetchSnapshotPiece() {
        guard let coming = metadata?.snapshots.coming else { return }
        guard let address = voterAddress(coming.leader) else { return snapshotFetchFailed(coming.id) }
        var partition = FetchSnapshotRequest.Partition()
        (partition.snapshotID.endOffset, partition.snapshotID.epoch) = (coming.id.endOffset.rawValue, coming.id.epoch.rawValue)
        (partition.currentLeaderEpoch, partition.position) = (coming.epoch.rawValue, coming.position)
        partition.replicaDirectoryID = directory?.meta.directoryID ?? .zero
        var topic = FetchSnapshotRequest.Topic()
        (topic.name, topic.partitions) = (TopicNames.metadata, [partition])
        var request = FetchSnapshotRequest()
        (request.clusterID, request.replicaID, request.maxBytes) = (image.clusterID, brokerID.rawValue, Broker.snapshotPieceBytes)
        request.topics = [topic]
        let timeout = config.integer("controller.quorum.request.timeout.ms")
        let (id, position) = (coming.id, coming.position)
        ask(request, version: 1, to: address, lane: .metadata, timeoutMs: timeout) { broker, result in
            broker.snapshotPieceAnswered(id, position, result)
        }
    }

    private mutating func snapshotPieceAnswered(
        _ id: SnapshotID, _ position: Int64, _ result: Result<FetchSnapshotResponse, PeerFailure>
    ) {
        // The machine may have turned to another leader or snapshot meanwhile.
        guard let coming = metadata?.snapshots.coming, coming.id == id, coming.position == position else { return }
        guard case .success(let response) = result, !response.errorCode.isError, let row = response.topics.first?.partitions.first,
            !row.errorCode.isError, row.position == position, let bytes = row.unalignedRecords.inMemory, !bytes.isEmpty,
            row.size <= Broker.snapshotBytesMax, position + Int64(bytes.count) <= row.size
        else { return snapshotFetchFailed(id) }
        metadata?.snapshots.coming?.parts.append(bytes)
        metadata?.snapshots.coming?.position += Int64(bytes.count)
        runQuorum(.snapshotPieceCame)
        guard position + Int64(bytes.count) == row.size else { return fetchSnapshotPiece() }
        snapshotFetched(id)
    }

    private mutating func snapshotFetched(_ id: SnapshotID) {
        guard let parts = metadata?.snapshots.coming?.parts, let log = metadata?.log else { return }
        metadata?.snapshots.coming = nil
        do {
            var whole = ByteWriter()
            for part in parts { whole.bytes(part) }
            // Read before it is relied on.
            _ = try SnapshotFile.decode(whole.finish(), codecs)
            try writeSnapshot(parts, id, log)
            runQuorum(.snapshotCame(id))
        } catch {
            note("the snapshot that was fetched is of no use: \((error as? BatchError)?.message ?? "\(error)")")
            runQuorum(.snapshotFailed(id))
        }
    }

    private mutating func snapshotFetchFailed(_ id: SnapshotID) {
        metadata?.snapshots.coming = nil
        runQuorum(.snapshotFailed(id))
    }
}
