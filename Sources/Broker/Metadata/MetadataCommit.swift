import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// Changing the cluster's metadata: appending what the controller decided, and what follows when it is committed.
extension Broker {
    /// Whether this node's controller is the one that decides.
    package var isActiveController: Bool { metadata?.quorum.isLeader ?? false }

    /// Appends the records to the metadata log. `done` is told once they are committed and applied to `image` here, or why not; until
    /// then the request stays parked. Without records it is told at once. Decide on `controller.image` right before, not earlier.
    package mutating func commitMetadata(_ records: [MetadataRecord], then done: @escaping MetadataCompletion) {
        guard isActiveController else { return done(&self, .notController) }
        guard !records.isEmpty else { return done(&self, .none) }
        let base: Offset
        do throws(LogError) {
            base = try appendMetadata(records.map { (nil, $0.encode()) }, isControl: false)
        } catch {
            note("cannot write the metadata log: \(error.message)")
            emit(.disk(broker: brokerID, message: error.message))
            return done(&self, .kafkaStorageError)
        }
        var offset = base
        for record in records {
            controller.apply(record, at: offset)
            offset = offset + 1
        }
        metadata?.proposals.append(MetadataLog.Proposal(baseOffset: base, records: records, done: done))
        runQuorum(.proposed(count: records.count))
    }

    private mutating func appendMetadata(_ values: [(key: Bytes?, value: Bytes)], isControl: Bool) throws(LogError) -> Offset {
        guard let metadata else { throw .closed }
        let epoch = metadata.quorum.leaderEpoch
        let batch = MetadataLog.batch(values, epoch: epoch, now: now, isControl: isControl)
        return try metadata.log.append(batch, leaderEpoch: epoch, now: now, origin: .coordinator).baseOffset
    }

    mutating func runQuorum(_ event: QuorumEvent) {
        guard let effects = metadata?.quorum.handle(event, now: now) else { return }
        for effect in effects { run(effect) }
    }

    private mutating func run(_ effect: QuorumEffect) {
        switch effect {
        case .writeState(let state): writeQuorumState(state)
        case .appendLeaderChange(let offset, let epoch, let change): openEpoch(at: offset, epoch, change)
        // The records went to the log before they were proposed, so that a full disk refuses them before the quorum counts them.
        case .append(let offset, _, let count):
            precondition(metadata?.log.logEndOffset == offset + Int64(count), "the quorum and its log agree on offsets")
        case .sync: syncMetadata()
        case .commit(let through): committed(through)
        case .becameLeader, .becameFollower: break
        // With one voter there is nobody to talk to.
        case .send, .sendAfterSync: break
        }
    }

    private mutating func writeQuorumState(_ state: QuorumState) {
        guard let log = metadata?.log else { return }
        do throws(DiskError) {
            try disk.replace(MetadataLog.statePath(log), with: Bytes(state.text))
        } catch {
            return startFailed(.unreadable("cannot write quorum-state: \(LogError.disk(error).message)"))
        }
        runQuorum(.stateWritten(state))
    }

    private mutating func openEpoch(at offset: Offset, _ epoch: LeaderEpoch, _ change: LeaderChange) {
        do throws(LogError) {
            try metadata?.log.beginLeaderEpoch(epoch)
            let base = try appendMetadata([(LeaderChange.key, change.value)], isControl: true)
            precondition(base == offset, "the quorum and its log agree on offsets")
        } catch {
            startFailed(.unreadable("cannot write the metadata log: \(error.message)"))
        }
    }

    /// Elections happen only at the start, where a failure is told to who started the broker.
    private mutating func startFailed(_ error: BrokerStartError) {
        if startError == nil { startError = error }
    }

    private mutating func syncMetadata() {
        guard let metadata, !metadata.isSyncing, let job = metadata.log.syncJob() else { return }
        self.metadata?.isSyncing = true
        guard metadata.isStarting else { return effects.append(.sync(syncs.begin(.metadata, job), job)) }
        do throws(DiskError) {
            try job.run()
            metadataSynced(job, nil)
        } catch {
            metadataSynced(job, error)
        }
    }

    mutating func metadataSynced(_ job: PartitionLog.SyncJob, _ error: DiskError?) {
        metadata?.isSyncing = false
        if let error { return metadataSyncFailed(error) }
        metadata?.log.synced(job)
        runQuorum(.synced(through: job.through))
        if let log = metadata?.log, log.syncedOffset < log.logEndOffset { syncMetadata() }
    }

    /// What waited is told that it failed. It may still be committed, by a later sync: as after any error of the disk, whoever asked has
    /// to look.
    private mutating func metadataSyncFailed(_ error: DiskError) {
        let message = LogError.disk(error).message
        startFailed(.unreadable("cannot sync the metadata log: \(message)"))
        note("cannot sync the metadata log: \(message)")
        emit(.disk(broker: brokerID, message: message))
        guard let waiting = metadata?.proposals else { return }
        let told: MetadataCompletion = { _, _ in }
        metadata?.proposals = waiting.map { MetadataLog.Proposal(baseOffset: $0.baseOffset, records: $0.records, done: told) }
        for proposal in waiting { proposal.done(&self, .kafkaStorageError) }
    }

    /// Applies what is committed, then tells who waited for it.
    private mutating func committed(_ through: Offset) {
        guard let proposals = metadata?.proposals else { return }
        let ready = proposals.prefix { $0.endOffset <= through }
        metadata?.proposals.removeFirst(ready.count)
        var delta = metadata?.isStarting == true ? metadata?.startDelta ?? ClusterImageDelta() : ClusterImageDelta()
        for proposal in ready {
            var offset = proposal.baseOffset
            for record in proposal.records {
                image.apply(record, at: offset, into: &delta)
                offset = offset + 1
            }
        }
        if metadata?.isStarting == true { metadata?.startDelta = delta } else { applied(delta) }
        for proposal in ready { proposal.done(&self, .none) }
    }
}
