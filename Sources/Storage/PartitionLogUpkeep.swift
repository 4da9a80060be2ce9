import Primitives
import Records

// What happens to a log besides appending and reading: sync, retention, truncation, closing.
extension PartitionLog {
    /// Files to sync so that all up to `through` is durable. Run it on a worker, then call `synced`.
    package struct SyncJob: Sendable {
        package var files: [any DiskFile]
        package var through: Offset
        /// Bytes by segment that were unsynced when the job was made, and the changes of its aborted transactions.
        var bytes: [(baseOffset: Offset, count: Int, abortedChanges: Int)]
        var records: Int64
        /// How often the log had been cut when the job was made.
        var cuts: Int

        package func run() throws(DiskError) { for file in files { try file.sync() } }
    }

    /// nil where nothing is unsynced.
    package func syncJob() -> SyncJob? {
        guard !isClosed, syncedOffset < logEndOffset || segments.contains(where: \.isUnsynced) else { return nil }
        var job = SyncJob(files: [], through: logEndOffset, bytes: [], records: unsyncedRecords, cuts: cuts)
        for segment in segments where segment.isUnsynced {
            // An index that cannot be written now lacks entries after a crash, which costs a longer walk and nothing else.
            try? segment.flushIndexes(final: false)
            guard let files = try? segment.filesToSync() else { return nil }
            job.files += files
            job.bytes.append((segment.baseOffset, segment.unsyncedBytes, segment.abortedChanges))
        }
        if isEpochFileUnsynced {
            guard let file = try? disk.open(directory + "/" + LogFileName.leaderEpochs, create: false) else { return nil }
            job.files.append(file)
            isEpochFileUnsynced = false
        }
        unsyncedSince = nil
        return job
    }

    /// The job is done. What was cut and written anew meanwhile is not what it made durable.
    package func synced(_ job: SyncJob) {
        guard job.cuts == cuts else { return }
        syncedOffset = max(syncedOffset, min(job.through, logEndOffset))
        unsyncedRecords = max(0, unsyncedRecords - job.records)
        for (baseOffset, count, changes) in job.bytes {
            segments.first { $0.baseOffset == baseOffset }?.markSynced(count, abortedChanges: changes)
        }
    }

    /// Whether `flush.messages` or `flush.ms` ask for a sync now.
    package func syncDue(now: Now) -> Bool {
        guard !isClosed, unsyncedRecords > 0 else { return false }
        if unsyncedRecords >= config.flushRecordsMax { return true }
        guard config.flushMilliseconds < Int64.max, let unsyncedSince else { return false }
        return unsyncedSince.adding(milliseconds: config.flushMilliseconds) <= now.instant
    }

    /// Syncs here and now.
    package func flush() throws(LogError) {
        try ensureOpen()
        guard let job = syncJob() else { return }
        try onDisk { () throws(DiskError) in try job.run() }
        synced(job)
    }

    /// Syncs, trims indexes, writes the producer snapshot, lets the files go. Further use throws `.closed`. It is closed even where it
    /// throws; the next opening then has to recover it.
    package func close() throws(LogError) {
        guard !isClosed else { return }
        defer {
            for segment in segments { segment.letGo() }
            isClosed = true
        }
        if isDeferred { return }
        try? removeDoomed(before: .distantFuture)
        // An epoch without a record need not be remembered.
        if let last = epochs.entries.last, last.startOffset < logEndOffset { try writeEpochs() }
        trimRolled()
        try active.trim()
        // Before the sync: after a clean stop the aborted transactions are believed as they are found.
        try active.flushIndexes(final: true)
        try flush()
        if logEndOffset > logStartOffset || !producerTable.isEmpty { try writeSnapshot(at: logEndOffset) }
    }

    /// Lets everything go without writing anything: its directory is about to be removed, or the disk has failed.
    package func abandon() {
        for segment in segments { segment.letGo() }
        isClosed = true
    }

    // MARK: Retention

    /// Removes what retention no longer keeps, expires producers, unlinks files whose delay has passed. A file that cannot be removed is
    /// tried again next time.
    package func maintain(highWatermark: Offset, now: Now) throws(LogError) {
        try ensureOpen()
        producerTable.expire(now: now.wall, expiration: config.producerExpirationMilliseconds)
        producerTable.replicated(highWatermark: highWatermark)
        try retain(highWatermark, now)
        try removeDoomed(before: now.instant)
    }

    /// When the next file may be unlinked.
    package var nextRemoval: Instant? { doomed.isEmpty ? nil : doomed.map(\.due).min() }

    private func retain(_ highWatermark: Offset, _ now: Now) throws(LogError) {
        var gone = belowLogStart()
        if config.isDeleting {
            gone = max(gone, try pastRetentionTime(highWatermark, now))
            gone = max(gone, beyondRetentionSize(highWatermark))
        }
        guard gone > 0 else { return }
        if gone == segments.count { try roll(now: now) }
        guard gone < segments.count else { return }
        try drop(gone, now)
    }

    /// How many segments from the oldest on lie wholly below the log start.
    private func belowLogStart() -> Int {
        segments.indices.dropLast().prefix { segments[$0 + 1].baseOffset <= logStartOffset }.count
    }

    private func pastRetentionTime(_ highWatermark: Offset, _ now: Now) throws(LogError) -> Int {
        guard config.retentionMilliseconds >= 0 else { return 0 }
        var count = 0
        while count < segments.count, isWritten(count), end(of: count) <= highWatermark {
            // Compaction may have left nothing of it.
            guard !segments[count].isEmpty else {
                count += 1
                continue
            }
            let segment = segments[count]
            guard isPast(try segment.newestTimestamp().timestamp, segment, now) else { break }
            guard isPast(try provenNewestTimestamp(of: segment), segment, now) else { break }
            count += 1
        }
        return count
    }

    private func isPast(_ newest: Timestamp, _ segment: Segment, _ now: Now) -> Bool {
        var newest = newest
        // Records without a timestamp are as old as their file, as in Kafka.
        if newest.milliseconds < 0 { newest = disk.modified(segment.path(.log)) ?? .none }
        return newest.milliseconds >= 0 && now.wall.milliseconds &- newest.milliseconds > config.retentionMilliseconds
    }

    /// The newest timestamp, held against the batch that is said to have it: an index has no checksum, and what a rotten byte of it calls
    /// old would be removed, with a leader's on all replicas.
    private func provenNewestTimestamp(of segment: Segment) throws(LogError) -> Timestamp {
        let told = try segment.newestTimestamp()
        do throws(LogError) {
            if let place = try segment.find(told.offset), place.header.maxTimestamp == told.timestamp { return told.timestamp }
        } catch {
            guard case .damaged = error else { throw error }
        }
        try rebuildIndexes(of: segment)
        return try segment.newestTimestamp().timestamp
    }

    private func beyondRetentionSize(_ highWatermark: Offset) -> Int {
        guard config.retentionBytes >= 0 else { return 0 }
        var surplus = size - config.retentionBytes
        var count = 0
        while count < segments.count, isWritten(count), end(of: count) <= highWatermark {
            guard surplus - Int64(segments[count].size) >= 0 else { break }
            surplus -= Int64(segments[count].size)
            count += 1
        }
        return count
    }

    /// Whether the segment was ever written: all but an active one that is empty.
    private func isWritten(_ index: Int) -> Bool { index + 1 < segments.count || !segments[index].isEmpty }

    private func end(of index: Int) -> Offset { index + 1 < segments.count ? segments[index + 1].baseOffset : logEndOffset }

    /// Marks the oldest `count` segments deleted and moves the log start behind them.
    private func drop(_ count: Int, _ now: Now) throws(LogError) {
        let due = now.instant.adding(milliseconds: config.fileDeleteDelayMilliseconds)
        for _ in 0..<count {
            let segment = segments[0]
            let marked = try segment.markDeleted()
            segments.removeFirst()
            doomed += marked.map { (path: $0, due: due) }
            if lastRead === segment { lastRead = nil }
        }
        logStartOffset = max(logStartOffset, segments[0].baseOffset)
        try trimEpochs()
    }

    private func trimEpochs() throws(LogError) {
        if epochs.dropBefore(logStartOffset) { isEpochFileStale = true }
        try writeEpochs()
    }

    private func removeDoomed(before instant: Instant) throws(LogError) {
        guard !doomed.isEmpty else { return }
        var kept: [(path: String, due: Instant)] = []
        for file in doomed {
            guard file.due <= instant else {
                kept.append(file)
                continue
            }
            do { try disk.remove(file.path) } catch .notFound {} catch { kept.append(file) }
        }
        doomed = kept
    }

    /// Moves the log start forward (DeleteRecords) and removes segments that lie wholly below. The caller has checked the high watermark.
    package func deleteRecords(before offset: Offset, now: Now) throws(LogError) {
        try ensureOpen()
        guard offset <= logEndOffset else {
            throw .offsetOutOfRange(requested: offset, logStart: logStartOffset, logEnd: logEndOffset)
        }
        guard offset > logStartOffset else { return }
        logStartOffset = offset
        try trimEpochs()
        let gone = belowLogStart()
        if gone > 0 { try drop(gone, now) }
    }

    // MARK: Truncation

    /// Cuts the log so that it ends at `offset` (a follower that diverged), or where the batch begins that holds it: no batch is cut in
    /// two.
    package func truncate(to offset: Offset, now: Now) throws(LogError) {
        try ensureOpen()
        guard offset < logEndOffset else {
            // An epoch that was begun here and got no record is not the leader's.
            if epochs.truncate(to: logEndOffset) { isEpochFileStale = true }
            return
        }
        guard offset >= segments[0].baseOffset else { return try restart(at: offset) }
        let index = segmentIndex(holding: offset)
        let cut = try place(toCut: offset, in: segments[index])
        for segment in segments[(index + 1)...].reversed() {
            try removeNow(segment)
            segments.removeLast()
        }
        recent.removeAll()
        if try !active.loadIndexes() { try rebuildIndexes(of: active) }
        cuts += 1
        let isIndexed = try cut.map { (cut) throws(LogError) in try active.truncate(position: cut.position, offset: cut.offset) } ?? true
        let end = cut.map { min(offset, $0.offset) } ?? offset
        logEndOffset = end
        if !isIndexed { try rebuildIndexes(of: active) }
        if !active.damage.isEmpty { active.isFoldedInPart = true }
        logStartOffset = min(logStartOffset, end)
        syncedOffset = min(syncedOffset, end)
        cleanedOffset = min(cleanedOffset, end)
        if epochs.truncate(to: end) { isEpochFileStale = true }
        try writeEpochs()
        try reloadProducers(now)
    }

    /// Where the batch begins that holds `offset`, or the first behind it; nil where the segment has none. Rot that holds `offset` is cut
    /// whole; other rot stays to be mended, and nobody need have known of it.
    ///
    /// No header is believed here: a count of offsets that rotted makes a batch seem to reach over those behind it, and what was
    /// committed of them would be cut with it.
    private func place(toCut offset: Offset, in segment: Segment) throws(LogError) -> (position: Int, offset: Offset)? {
        if try !isSound(segment, upTo: offset) {
            try rebuildIndexes(of: segment)
            _ = try inspect(segment)
        }
        if let range = segment.damage.first(where: { $0.contains(offset) }) { return (range.start, range.firstOffset) }
        return try segment.find(offset).map { ($0.position, $0.header.baseOffset) }
    }

    /// Empties the log and starts again at `offset` (a follower whose leader no longer has what it lacks).
    package func restart(at offset: Offset) throws(LogError) {
        cuts += 1
        if isDeferred, let topicID { try writeMetadata(topicID) }
        isDeferred = false
        for segment in segments.reversed() { try removeNow(segment) }
        for snapshot in try snapshotOffsets() { try removeSnapshot(snapshot) }
        segments = [try Segment.create(disk, directory, offset, openFiles: openFiles)]
        recent.removeAll()
        producerTable = ProducerTable()
        (logStartOffset, logEndOffset, syncedOffset) = (offset, offset, offset)
        cleanedOffset = min(cleanedOffset, offset)
        if epochs.truncate(to: .zero) { isEpochFileStale = true }
        try writeEpochs()
    }

    private func removeNow(_ segment: Segment) throws(LogError) {
        let marked = try segment.markDeleted()
        doomed += marked.map { (path: $0, due: .zero) }
        try removeDoomed(before: .zero)
    }

    /// Forgets what every producer has sent. A deliberate defect's (`Mutations.dropProducerState`).
    package func forgetProducers() { producerTable = ProducerTable() }

    private func reloadProducers(_ now: Now) throws(LogError) {
        let snapshots = try snapshotOffsets()
        for snapshot in snapshots where snapshot > logEndOffset { try removeSnapshot(snapshot) }
        try loadProducers(snapshots.filter { $0 <= logEndOffset }, upTo: logEndOffset, now)
    }

    func snapshotOffsets() throws(LogError) -> [Offset] {
        let names = try onDisk { () throws(DiskError) in try disk.list(directory) }
        return names.compactMap { SegmentFile.parse($0) }.filter { $0.file == .producerSnapshot }.map(\.offset)
    }

    private func removeSnapshot(_ offset: Offset) throws(LogError) {
        let path = directory + "/" + SegmentFile.producerSnapshot.name(offset)
        try onDisk { () throws(DiskError) in try disk.removeIfThere(path) }
    }
}
