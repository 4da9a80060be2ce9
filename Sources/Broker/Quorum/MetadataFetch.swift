import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// Fetches of the metadata log: what makes a quorum's followers follow (KIP-595), from both sides. Version 18 goes out, so that the leader
/// knows what this node knows to be committed (KIP-1166); versions 12 to 18 are answered. The records go from file to socket, as any.
extension Broker {
    /// How much one fetch of the metadata log may bring.
    private static let metadataFetchBytes: Int32 = 8 << 20

    // MARK: - The leader's side

    /// Whether a fetch is one of the metadata log by a node of the cluster, which has a road of its own.
    func isMetadataFetch(_ context: RequestContext, _ request: FetchRequest) -> Bool {
        // The rarest first: every follower's fetch is asked.
        guard request.topics.count == 1, request.topics[0].topicID == .metadataTopic || request.topics[0].topic == TopicNames.metadata
        else { return false }
        return config.isController(context.listener) || !config.hasControllerListeners
    }

    mutating func handleMetadataFetch(_ context: RequestContext, _ request: FetchRequest) {
        guard isAllowed(.clusterAction, context) else {
            var response = FetchResponse()
            response.errorCode = .clusterAuthorizationFailed
            return respond(context, response)
        }
        guard isOurCluster(request.clusterID), context.version >= 12, request.topics[0].partitions.count == 1,
            request.topics[0].partitions[0].partition == 0
        else {
            var response = FetchResponse()
            response.errorCode = isOurCluster(request.clusterID) ? .invalidRequest : .inconsistentClusterID
            return respond(context, response)
        }
        let asked = request.topics[0].partitions[0]
        let replica = request.replicaState.replicaID >= 0 ? request.replicaState.replicaID : request.replicaID
        let fetch = QuorumFetch(
            epoch: LeaderEpoch(asked.currentLeaderEpoch),
            log: LogEnd(lastEpoch: LeaderEpoch(asked.lastFetchedEpoch), offset: Offset(asked.fetchOffset)),
            highWatermark: Offset(asked.highWatermark), waitMs: Int64(request.maxWaitMs))
        hear(.fetch(fetch), context, .fetch(request), from: replica >= 0 ? BrokerID(replica) : nil)
    }

    mutating func answerMetadataFetch(_ context: RequestContext, _ request: FetchRequest, _ answer: QuorumAnswer, from: Offset?) {
        guard let metadata else { return }
        var partition = FetchResponse.Partition()
        partition.currentLeader.leaderID = (answer.leader ?? .none).rawValue
        partition.currentLeader.leaderEpoch = answer.epoch.rawValue
        partition.logStartOffset = metadata.log.logStartOffset.rawValue
        partition.highWatermark = metadata.quorum.highWatermark.rawValue
        partition.lastStableOffset = partition.highWatermark
        partition.errorCode = answer.refusalCode
        partition.records = .bytes(.empty)
        partition.abortedTransactions = []
        var slices: [LogSlice] = []
        switch answer.content {
        case .fetch(.diverging(let end)):
            (partition.divergingEpoch.epoch, partition.divergingEpoch.endOffset) = (end.lastEpoch.rawValue, end.offset.rawValue)
        case .fetch(.snapshot(let id)):
            (partition.snapshotID.epoch, partition.snapshotID.endOffset) = (id.epoch.rawValue, id.endOffset.rawValue)
        default: break
        }
        if let from {
            do throws(LogError) {
                let slice = try metadata.log.read(
                    from: from, maxBytes: Int(max(0, request.maxBytes)), below: metadata.log.logEndOffset, minOneBatch: true)
                if !slice.isEmpty {
                    partition.records = .external(length: slice.length)
                    slices = [slice]
                }
            } catch {
                partition.errorCode = ErrorCode(rawValue: error.kafkaCode)
            }
        }
        respond(context, FetchResponse(metadata: partition), slices: slices)
    }

    // MARK: - The follower's side

    mutating func askMetadataFetch(_ fetch: QuorumFetch, _ address: PeerAddress, timeoutMs: Int64) {
        // A request to a leader that was given up: its connection may hang for long.
        if let before = metadata?.fetchID, peers.finish(before) != nil { effects.append(.abandon(before)) }
        var partition = FetchRequest.Partition()
        partition.currentLeaderEpoch = fetch.epoch.rawValue
        partition.fetchOffset = fetch.log.offset.rawValue
        partition.lastFetchedEpoch = fetch.log.lastEpoch.rawValue
        partition.highWatermark = fetch.highWatermark.rawValue
        partition.logStartOffset = metadata?.log.logStartOffset.rawValue ?? -1
        partition.partitionMaxBytes = Broker.metadataFetchBytes
        partition.replicaDirectoryID = directory?.meta.directoryID ?? .zero
        var topic = FetchRequest.Topic()
        (topic.topicID, topic.partitions) = (.metadataTopic, [partition])
        var request = FetchRequest()
        request.clusterID = image.clusterID
        request.replicaState.replicaID = brokerID.rawValue
        request.replicaState.replicaEpoch = brokerEpoch
        request.maxWaitMs = Int32(clamping: fetch.waitMs)
        request.maxBytes = Broker.metadataFetchBytes
        request.topics = [topic]
        let peer = address.node
        let id = ask(request, version: 18, to: address, lane: .metadata, timeoutMs: timeoutMs + fetch.waitMs) { broker, result in
            broker.metadata?.fetchID = nil
            broker.heardController(peer, result.map { _ in () })
            broker.metadataFetchAnswered(fetch, peer, result)
        }
        metadata?.fetchID = id
    }

    private mutating func metadataFetchAnswered(_ fetch: QuorumFetch, _ peer: BrokerID, _ result: Result<FetchResponse, PeerFailure>) {
        let request = QuorumRequest.fetch(fetch)
        guard case .success(let response) = result else { return quorumAnswered(request, peer, result.map { _ in nil }) }
        guard !response.errorCode.isError, let partition = response.topics.first?.partitions.first else {
            return quorumFailed(request, peer, .timedOut)
        }
        var batches: [RecordBatch] = []
        if !partition.errorCode.isError, let bytes = partition.records.inMemory, !bytes.isEmpty {
            guard let read = readable(bytes, from: fetch.log.offset) else { return quorumFailed(request, peer, .timedOut) }
            batches = read
        }
        metadata?.fetched = batches
        quorumAnswered(request, peer, .success(QuorumAnswer(partition, asked: fetch, batches)))
        metadata?.fetched = []
    }

    /// The batches of an answer, if they are whole, and begin where this log ends.
    private mutating func readable(_ bytes: Bytes, from: Offset) -> [RecordBatch]? {
        do throws(BatchError) {
            let batches = try BatchWalk.all(in: bytes)
            var next = from
            for batch in batches {
                guard batch.header.baseOffset == next, batch.isChecksumValid else { throw .corrupt("batches do not follow each other") }
                next = batch.header.nextOffset
            }
            return batches
        } catch {
            note("the leader of the metadata quorum sent what cannot be read: \(error.message)")
            return nil
        }
    }

    /// Appends what was fetched, and remembers what it says until it is committed.
    mutating func appendFetchedMetadata() {
        guard let batches = metadata?.fetched, !batches.isEmpty, let log = metadata?.log else { return runQuorum(.appended([])) }
        do {
            let records = try batches.map { try MetadataLog.records($0, codecs) }
            for batch in batches {
                _ = try log.append(batch.bytes, leaderEpoch: batch.header.partitionLeaderEpoch, now: now, origin: .replication)
            }
            for (batch, records) in zip(batches, records) { metadata?.expect(records, at: batch.header.baseOffset) }
            runQuorum(.appended(EpochRun.runs(batches)))
        } catch {
            // What was written before the disk refused is cut again by the next attempt's place; here the log is as the machine knows it.
            if let end = metadata?.quorum.log.endOffset { try? log.truncate(to: end, now: now) }
            metadataRefused("cannot append to the metadata log: \((error as? LogError)?.message ?? "\(error)")")
            runQuorum(.appended([]))
        }
    }
}

extension EpochRun {
    static func runs(_ batches: [RecordBatch]) -> [EpochRun] {
        var runs: [EpochRun] = []
        for batch in batches {
            let count = batch.header.nextOffset - batch.header.baseOffset
            if runs.last?.epoch == batch.header.partitionLeaderEpoch {
                runs[runs.count - 1].count += count
            } else {
                runs.append(EpochRun(epoch: batch.header.partitionLeaderEpoch, count: count))
            }
        }
        return runs
    }
}

extension FetchResponse {
    /// The answer about the metadata log's one partition.
    init(metadata partition: Partition) {
        self.init()
        var topic = Topic()
        (topic.topic, topic.topicID, topic.partitions) = (TopicNames.metadata, .metadataTopic, [partition])
        topics = [topic]
    }
}

extension QuorumAnswer {
    /// A success that names no leader is of the epoch that was asked for.
    init(_ partition: FetchResponse.Partition, asked: QuorumFetch, _ batches: [RecordBatch]) {
        let leader = partition.currentLeader.leaderID >= 0 ? BrokerID(partition.currentLeader.leaderID) : nil
        let epoch = partition.currentLeader.leaderEpoch >= 0 ? LeaderEpoch(partition.currentLeader.leaderEpoch) : asked.epoch
        let content: Content
        if partition.errorCode.isError {
            content = .refused(QuorumRefusal(partition.errorCode))
        } else if partition.divergingEpoch.epoch >= 0, partition.divergingEpoch.endOffset >= 0 {
            let end = LogEnd(lastEpoch: LeaderEpoch(partition.divergingEpoch.epoch), offset: Offset(partition.divergingEpoch.endOffset))
            content = .fetch(.diverging(end))
        } else if partition.snapshotID.endOffset >= 0, partition.snapshotID.epoch >= 0 {
            let id = SnapshotID(endOffset: Offset(partition.snapshotID.endOffset), epoch: LeaderEpoch(partition.snapshotID.epoch))
            content = .fetch(.snapshot(id))
        } else {
            content = .fetch(.records(runs: EpochRun.runs(batches), highWatermark: Offset(partition.highWatermark)))
        }
        self.init(epoch: epoch, leader: leader, content)
    }
}
