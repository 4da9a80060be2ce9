import Controller
import Groups
import Primitives
import Records
import Replication
import Storage
import Wire

/// What the handlers of the share coordinator keep between requests.
final class ShareCoordinatorRuntime {
    /// One of the requests 83 to 87, of whose share partitions some are not answered yet.
    struct Batch {
        /// Nil where its connection has closed.
        var context: RequestContext?
        var answers: [[ShareAnswer?]]
        var missing: Int
        var respond: @Sendable (inout Broker, RequestContext, [[ShareAnswer]]) -> Void
    }

    /// Made with the first request or partition, when the number of partitions is known.
    var coordinator: ShareCoordinator?
    private var batches = OrderedMap<UInt64, Batch>()
    private var tickets: [ShareTicket: (batch: UInt64, topic: Int, partition: Int)] = [:]
    private var lastBatch: UInt64 = 0
    private var lastTicket: UInt64 = 0
    /// Partitions whose log is being read, with the offset to go on from.
    var loading = OrderedMap<Int32, Offset>()
    /// The same of those where what comes next is rotten and has to be mended first.
    var awaitingMending = OrderedMap<Int32, Offset>()
    /// Where the records on their way stand in the log.
    var offsets: [UInt64: Offset] = [:]

    func begin(_ batch: Batch) -> UInt64 {
        lastBatch += 1
        batches[lastBatch] = batch
        return lastBatch
    }

    func ticket(_ batch: UInt64, _ topic: Int, _ partition: Int) -> ShareTicket {
        lastTicket += 1
        tickets[ShareTicket(lastTicket)] = (batch, topic, partition)
        return ShareTicket(lastTicket)
    }

    /// Notes one answer. The batch, where it was the last one missing.
    func settle(_ ticket: ShareTicket, _ answer: ShareAnswer) -> Batch? {
        guard let place = tickets.removeValue(forKey: ticket) else { return nil }
        let isDone = batches.update(place.batch) { batch in
            batch.answers[place.topic][place.partition] = answer
            batch.missing -= 1
            return batch.missing == 0
        }
        return isDone == true ? batches.remove(place.batch) : nil
    }

    /// The connection is gone: what was asked on it is done all the same, and its answer has nowhere to go.
    func forget(_ connection: ConnectionID) {
        for id in batches.keys where batches[id]?.context?.connection == connection { batches.update(id) { $0.context = nil } }
    }
}

/// Runs the share coordinator: questions in, effects out, appends to its topic between them.
extension Broker {
    /// The finalized level of `share.version`; 0 in a cluster that has no share groups.
    var shareLevel: Int16 { image.features[Controller.shareFeature] ?? 0 }

    var shareCoordinator: ShareCoordinator {
        mutating get {
            if let made = shares.coordinator { return made }
            let partitions = image.topic(shareStateTopic).map { Int32($0.partitions.count) } ?? config.shareStatePartitions
            let made = ShareCoordinator(config: ShareCoordinatorConfig(config), partitionCount: max(1, partitions))
            shares.coordinator = made
            return made
        }
    }

    /// One change of the coordinator in place, and what follows from it.
    mutating func coordinateShares(_ change: (inout ShareCoordinator) -> [ShareCoordinatorEffect]) {
        _ = shareCoordinator
        guard let effects = shares.coordinator.change(change) else { return }
        for effect in effects { run(effect) }
    }

    private mutating func run(_ effect: ShareCoordinatorEffect) {
        switch effect {
        case .answer(let ticket, let answer): settle(ticket, answer)
        case .append(let partition, let key, let value, let token): appendShareState(partition, key, value, token)
        case .prune(let partition, let before): pruneShareState(partition, before)
        }
    }

    private mutating func settle(_ ticket: ShareTicket, _ answer: ShareAnswer) {
        guard let batch = shares.settle(ticket, answer), let context = batch.context else { return }
        batch.respond(&self, context, batch.answers.map { $0.compactMap { $0 } })
    }

    /// The outcome of a record is waited for however long it takes: what is answered next must not be at odds with it.
    private mutating func appendShareState(_ partition: Int32, _ key: Bytes, _ value: Bytes?, _ token: AppendToken) {
        var batch = BatchBuilder()
        batch.append(timestamp: now.wall, key: key, value: value)
        let owner = InternalAppendOwner.shares(token.rawValue)
        do throws(LogError) {
            let place = TopicPartition(shareStateTopic, partition)
            shares.offsets[token.rawValue] = replicas.find(place.topic, place.partition)?.log.logEndOffset
            try appendInternal(batch.buildUncompressed(), to: place, owner: owner, until: .distantFuture)
        } catch {
            completions.append((owner, internalAppendFailure(error)))
        }
    }

    /// An `appendInternal` for `.shares(token)` is committed, or failed. A record below the high watermark stays, whoever has left the
    /// in-sync replicas since.
    mutating func shareAppendCompleted(_ token: UInt64, _ error: ErrorCode) {
        let now = now
        let error = error == .notEnoughReplicasAfterAppend ? ErrorCode.none : error
        let offset = shares.offsets.removeValue(forKey: token) ?? .zero
        coordinateShares { $0.appendCompleted(AppendToken(token), offset: offset, error: error, now: now) }
    }

    private mutating func pruneShareState(_ partition: Int32, _ before: Offset) {
        guard let replica = replicas.find(shareStateTopic, partition), replica.isLeader, replica.log.config.isDeleting else { return }
        let target = min(before, replica.highWatermark)
        guard target > replica.log.logStartOffset else { return }
        do throws(LogError) {
            try replica.log.deleteRecords(before: target, now: now)
            try directory?.writeCheckpoints()
        } catch {
            storageFailed(error, replica)
            return note("cannot prune \(replica.partition): \(error.message)")
        }
        replica.logStartMoved()
        advanced(replica)
    }
}

/// Where the broker calls the share coordinator: leadership of its topic's partitions, time.
extension Broker {
    /// When the coordinator is due next.
    var shareCoordinatorDeadline: Instant {
        shares.loading.isEmpty ? shares.coordinator?.nextDeadline ?? .distantFuture : .zero
    }

    mutating func shareCoordinatorTick() {
        if let (partition, offset) = shares.loading.first.map({ ($0.key, $0.value) }) { loadShareState(partition, from: offset) }
        let (now, image) = (now, image)
        if shares.coordinator != nil { coordinateShares { $0.tick(now) { image.topicName($0) != nil } } }
    }

    /// This broker now leads this partition of `__share_group_state`. What fits in one read is loaded at once.
    mutating func shareCoordinatorBecameLeader(_ partition: Int32) {
        guard let replica = replicas.find(shareStateTopic, partition) else { return }
        // Made before the topic was known, it may count other partitions than the topic turned out to have.
        let count = image.topic(shareStateTopic)?.partitions.count
        if let made = shares.coordinator, made.isIdle, made.partitionCount != count.map(Int32.init) { shares.coordinator = nil }
        coordinateShares { coordinator in
            coordinator.beginLoad(partition)
            return []
        }
        loadShareState(partition, from: replica.log.logStartOffset)
    }

    mutating func shareCoordinatorResigned(_ partition: Int32) {
        shares.loading.remove(partition)
        shares.awaitingMending.remove(partition)
        coordinateShares { $0.unload(partition) }
    }

    /// Reads on in a partition's log; finishes the load at its end. All that is in the log counts: as the leader we commit it, or lose the
    /// leadership and forget it.
    private mutating func loadShareState(_ partition: Int32, from offset: Offset) {
        guard let replica = replicas.find(shareStateTopic, partition), replica.isLeader else {
            shares.loading.remove(partition)
            return
        }
        do throws(LogError) {
            let next = try loadShareStatePart(of: replica, partition, from: offset)
            if next < replica.log.logEndOffset { return shares.loading[partition] = next }
        } catch {
            // To go on without what cannot be read would be to deliver again what was accepted. So the partition goes on answering that it
            // is loading, until another broker leads it.
            note("cannot load \(replica.partition) from offset \(offset): \(error.message)")
            shares.loading.remove(partition)
            if case .rotten = error {
                shares.awaitingMending[partition] = offset
                noticeRot(replica)
            }
            return
        }
        shares.loading.remove(partition)
        let now = now
        _ = shareCoordinator
        guard let loaded = shares.coordinator?.finishLoad(partition, now: now), loaded.states > 0 || loaded.skipped > 0 else { return }
        note("loaded \(shareStateTopic)-\(partition): \(loaded.states) share partitions, \(loaded.skipped) records skipped")
    }

    /// Feeds one read to the coordinator. Returns the offset after it.
    private mutating func loadShareStatePart(of replica: Replica, _ partition: Int32, from offset: Offset) throws(LogError) -> Offset {
        let end = replica.log.logEndOffset
        guard offset < end else { return end }
        let slice = try replica.log.read(from: offset, maxBytes: Broker.groupLoadBytesMax, below: end, minOneBatch: true)
        let bytes = try replica.log.verified(slice)
        var next = offset
        do throws(BatchError) {
            for batch in try BatchWalk.all(in: bytes) { next = max(next, batch.header.nextOffset) }
            _ = shareCoordinator
            try shares.coordinator?.load(partition, batches: bytes, codecs: codecs)
        } catch {
            throw .batch(error)
        }
        // A read that yields nothing at all would be asked for for ever.
        return next == offset ? end : next
    }

    /// The rot that kept a partition from being loaded is mended.
    mutating func resumeLoadingShareState(_ partition: TopicPartition) {
        guard partition.topic == shareStateTopic, let offset = shares.awaitingMending.remove(partition.partition) else { return }
        shares.loading[partition.partition] = offset
    }
}

extension Optional where Wrapped == ShareCoordinator {
    /// Changes the coordinator where it stands, without a copy.
    fileprivate mutating func change(
        _ change: (inout ShareCoordinator) -> [ShareCoordinatorEffect]
    ) -> [ShareCoordinatorEffect]? {
        guard self != nil else { return nil }
        return change(&self!)
    }
}

extension ShareCoordinatorConfig {
    init(_ config: BrokerConfig) {
        self.init()
        updatesPerSnapshot = config.shareUpdatesPerSnapshot
    }
}
