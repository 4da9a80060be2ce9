import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// Changing the cluster's metadata: appending what the controller decided, and what follows when it is committed.
extension Broker {
    /// Whether this node's controller is the one that decides.
    package var isActiveController: Bool { metadata?.isActive == true && metadata?.quorum.isLeader == true }

    /// Appends the records to the metadata log. `done` is told once they are committed and applied to `image` here, or why not; until
    /// then the request stays parked. Decide on `controller.image` right before, not earlier.
    package mutating func commitMetadata(_ records: [MetadataRecord], then done: @escaping MetadataCompletion) {
        guard isActiveController else { return done(&self, .notController) }
        guard !records.isEmpty else { return whenPendingIsCommitted(done) }
        let base: Offset
        do throws(LogError) {
            base = try appendMetadata(records.map { (nil, $0.encode()) }, isControl: false)
        } catch {
            note("cannot write the metadata log: \(error.message)")
            emit(.disk(broker: brokerID, message: error.message))
            // Where there are others, one whose disk takes what it is given should lead: nothing could change any more, not even who is in
            // sync.
            if config.voterIDs.count > 1 { runQuorum(.resigned) }
            return done(&self, .kafkaStorageError)
        }
        applyDecided(records, at: base)
        metadata?.expect(records, at: base, done: done)
        // The records went to the log before they are proposed, so that a full disk refuses them before the quorum counts them.
        runQuorum(.proposed(count: records.count))
    }

    /// Makes the controller's image what it is with records that are in the log.
    private mutating func applyDecided(_ records: [MetadataRecord], at base: Offset) {
        let isForeseen = metadata?.isForeseen == true
        // One for all: what each record changed by itself nobody asks.
        var delta = ClusterImageDelta()
        if isForeseen {
            delta = metadata?.startDelta ?? delta
            metadata?.startDelta = ClusterImageDelta()
        }
        var offset = base
        for record in records {
            controller.apply(record, at: offset, into: &delta)
            offset = offset + 1
        }
        if isForeseen { metadata?.startDelta = delta }
    }

    /// A decision without records rests on what was decided before, which may not be committed and may never be: who was told "you are too
    /// late" by a controller that is then deposed would wait for news that nobody ever commits.
    private mutating func whenPendingIsCommitted(_ done: @escaping MetadataCompletion) {
        guard let last = metadata?.pending.indices.last else { return done(&self, .none) }
        let earlier = metadata?.pending[last].done
        metadata?.pending[last].done = { broker, error in
            earlier?(&broker, error)
            done(&broker, error)
        }
    }

    mutating func appendMetadata(_ values: [(key: Bytes?, value: Bytes)], isControl: Bool) throws(LogError) -> Offset {
        guard let metadata else { throw .closed }
        let epoch = metadata.quorum.leaderEpoch
        let batch = MetadataLog.batch(values, epoch: epoch, now: now, isControl: isControl)
        return try metadata.log.append(batch, leaderEpoch: epoch, now: now, origin: .coordinator).baseOffset
    }

    // MARK: Durability

    mutating func syncMetadata() {
        guard let metadata, !metadata.isSyncing, let job = metadata.log.syncJob() else { return }
        self.metadata?.isSyncing = true
        let generation = metadata.syncGeneration
        guard metadata.waitsForDisk else {
            return effects.append(.sync(syncs.begin(.metadata(generation: generation), job), job))
        }
        do throws(DiskError) {
            try job.run()
            metadataSynced(job, generation, nil)
        } catch {
            metadataSynced(job, generation, error)
        }
    }

    mutating func metadataSynced(_ job: PartitionLog.SyncJob, _ generation: Int, _ error: DiskError?) {
        metadata?.isSyncing = false
        if let error { return metadataSyncFailed(error) }
        // What was cut and written anew meanwhile is not what this sync made durable.
        if generation == metadata?.syncGeneration {
            metadata?.log.synced(job)
            runQuorum(.synced(through: job.through))
        }
        if let log = metadata?.log, log.syncedOffset < log.logEndOffset { syncMetadata() }
    }

    /// What waited is told that it failed. It may still be committed: as after any error of the disk, whoever asked has to look. What the
    /// system could not write it may have dropped, and a later sync would succeed without it. Among others this node therefore hands over
    /// and keeps still until it starts again; alone it goes on, as it has nobody to leave the work to.
    private mutating func metadataSyncFailed(_ error: DiskError) {
        let message = LogError.disk(error).message
        startFailed(.unreadable("cannot sync the metadata log: \(message)"))
        note("cannot sync the metadata log: \(message)")
        emit(.disk(broker: brokerID, message: message))
        failPending(.kafkaStorageError)
        guard config.voterIDs.count > 1 else {
            metadata?.retryAt = now.instant.adding(milliseconds: Broker.metadataRetryMs)
            return
        }
        runQuorum(.resigned)
        metadata?.hasFailed = true
        directoryFailed(error)
    }

    /// How long after an error of its disk the metadata log tries again.
    static let metadataRetryMs: Int64 = 200

    /// Tells who waits that what they wait for is not known to be committed. It stays in the log, and may be.
    mutating func failPending(_ code: ErrorCode) {
        guard let metadata else { return }
        let waiting = metadata.pending.compactMap(\.done)
        for index in metadata.pending.indices { self.metadata?.pending[index].done = nil }
        for done in waiting { done(&self, code) }
    }

    // MARK: What is committed

    /// Applies what is committed, then tells who waited for it.
    mutating func committed(_ through: Offset) {
        guard let pending = metadata?.pending else { return }
        let ready = pending.prefix { $0.endOffset <= through }
        metadata?.pending.removeFirst(ready.count)
        metadata?.appliedEnd = through
        if isStarting { for one in ready { for record in one.records { noteHistory(record) } } }
        if metadata?.isForeseen == true {
            image = controller.image
        } else {
            var delta = isStarting ? metadata?.startDelta ?? ClusterImageDelta() : ClusterImageDelta()
            for one in ready {
                var offset = one.baseOffset
                for record in one.records {
                    image.apply(record, at: offset, into: &delta)
                    offset = offset + 1
                }
            }
            if isStarting { metadata?.startDelta = delta } else { applied(delta) }
        }
        for one in ready { one.done?(&self, .none) }
        establish()
        snapshotIfDue()
    }

    /// This node leads and has applied all that was decided before it: from now on its controller decides.
    private mutating func establish() {
        guard let metadata, !metadata.isActive, metadata.quorum.isLeaderEstablished else { return }
        self.metadata?.isActive = true
        if controller.image.features.isEmpty { commitMetadata(bootstrapRecords()) { _, _ in } }
        if config.voterIDs.count > 1 {
            let epochs = EpochChange(leaderEpochs: metadata.leaderBefore?.epoch ?? .none, metadata.quorum.leaderEpoch)
            emit(.controllerChanged(from: metadata.leaderBefore?.id, to: brokerID, epochs: epochs))
        }
        becameActiveController()
    }

    /// What begins a new cluster: the records in `bootstrap.checkpoint`, where the directory was formatted with features or credentials,
    /// else this build's own.
    private mutating func bootstrapRecords() -> [MetadataRecord] {
        let path = config.metadataLogDirectory + "/bootstrap.checkpoint"
        guard disk.exists(path) else { return Controller.bootstrapRecords() }
        do {
            let records = try SnapshotFile.decode(try disk.readAll(path), codecs)
            return records.isEmpty ? Controller.bootstrapRecords() : Controller.bootstrapRecords(records)
        } catch {
            note("\(path) cannot be read, and is not used: \(error)")
            return Controller.bootstrapRecords()
        }
    }

    /// The new leader's controller: what is committed, and what this log holds beyond it and will be committed with the leader's first
    /// record.
    mutating func prepareController() {
        controller = Controller(image: image)
        guard let pending = metadata?.pending else { return }
        // An aborted transaction takes back what changes tell.
        let isPlain = pending.allSatisfy { one in
            one.records.allSatisfy { if case .abortTransaction = $0 { false } else { true } }
        }
        metadata?.isForeseen = isStarting && isPlain && config.voterIDs == [brokerID]
        for one in pending { applyDecided(one.records, at: one.baseOffset) }
    }

    mutating func deposed() {
        let wasActive = metadata?.isActive == true
        metadata?.isForeseen = false
        metadata?.isActive = false
        failPending(.notController)
        if wasActive { resignedActiveController() }
    }
}
