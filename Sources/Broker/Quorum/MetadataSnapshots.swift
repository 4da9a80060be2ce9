import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// Snapshots of the metadata: which are here, and when the next is due.
struct MetadataSnapshots {
    /// Those on disk, oldest first.
    var held: [SnapshotID] = []
    /// The log's end when the last one was made, and its bytes.
    var bytesAtLast: Int64 = 0
    /// When the next one is made, if anything was committed by then.
    var nextAt: Instant = .distantFuture
    /// The one that comes from the leader, with what of it is here.
    var coming: ComingSnapshot?

    /// This one and the one before: a follower that is a little behind finds what it lacks in the log.
    static let heldMax = 2
}

/// Making snapshots of what is committed, and removing what of the log they tell (KIP-630). Each node does so for itself. Written on the
/// broker's thread: seldom, and in a few milliseconds for the metadata of thousands of partitions.
extension Broker {
    /// The snapshots beside a log that is being opened, oldest first. A log that ends before the newest begins anew behind it; one that
    /// begins in the middle begins with a snapshot.
    func loadSnapshots(_ log: PartitionLog) throws(BrokerStartError) -> [SnapshotID] {
        do {
            let names = try disk.list(log.directory)
            for name in names where name.hasSuffix(SnapshotFile.partSuffix) { try disk.remove(log.directory + "/" + name) }
            let held = names.compactMap { SnapshotFile.parse($0) }.sorted()
            if let newest = held.last, newest.endOffset > log.logEndOffset { try log.restart(at: newest.endOffset) }
            guard log.logStartOffset > .zero else { return held }
            guard let first = held.first(where: { $0.endOffset >= log.logStartOffset }) else {
                throw BrokerStartError.damaged("the metadata log begins at \(log.logStartOffset), and no snapshot tells what was before")
            }
            try log.deleteRecords(before: first.endOffset, now: now)
            return held.filter { $0 >= first }
        } catch let error as BrokerStartError {
            throw error
        } catch {
            throw .unreadable("cannot read the snapshots of the metadata log: \((error as? LogError)?.message ?? "\(error)")")
        }
    }

    /// Makes the image what the newest snapshot says.
    mutating func restoreNewestSnapshot() throws(BrokerStartError) {
        guard let metadata, let newest = metadata.snapshots.held.last else { return }
        let path = metadata.log.directory + "/" + SnapshotFile.name(newest)
        do {
            var delta = metadata.startDelta
            let bytes = try disk.readAll(path)
            image = try .restored(clusterID: image.clusterID, endOffset: newest.endOffset, before: image, into: &delta) { take in
                try SnapshotFile.decode(bytes, codecs, take: take)
            }
            self.metadata?.startDelta = delta
        } catch {
            throw .damaged("\(path) cannot be read: \(error)")
        }
    }

    /// After a commit, and when the time is up: makes a snapshot if enough was committed since the last.
    mutating func snapshotIfDue() {
        guard let metadata, !isStarting else { return }
        let end = metadata.appliedEnd
        let isNews = end > metadata.snapshots.held.last?.endOffset ?? .zero
        guard isNews else {
            // A snapshot of the leader's has come meanwhile, which tells everything.
            self.metadata?.snapshots.nextAt = .distantFuture
            return
        }
        if metadata.snapshots.nextAt == .distantFuture {
            self.metadata?.snapshots.nextAt = now.instant.adding(milliseconds: config.metadataSnapshotIntervalMs)
        }
        let grown = metadata.log.size - metadata.snapshots.bytesAtLast
        guard grown >= config.metadataSnapshotBytes || metadata.snapshots.nextAt <= now.instant else { return }
        self.metadata?.snapshots.nextAt = .distantFuture
        makeSnapshot(SnapshotID(endOffset: end, epoch: metadata.quorum.log.epoch(before: end)))
    }

    /// Each start of a node with many partitions writes much, and may be followed by nothing for long. The next one shall not have all of
    /// it to read; but whoever waited for this one comes first.
    mutating func snapshotSoonIfGrown() {
        guard let metadata, metadata.appliedEnd > metadata.snapshots.held.last?.endOffset ?? .zero,
            metadata.log.size - metadata.snapshots.bytesAtLast >= config.metadataSnapshotBytes
        else { return }
        self.metadata?.snapshots.nextAt = min(metadata.snapshots.nextAt, now.instant.adding(milliseconds: 500))
    }

    private mutating func makeSnapshot(_ id: SnapshotID) {
        guard let log = metadata?.log else { return }
        self.metadata?.snapshots.bytesAtLast = log.size
        do {
            try writeSnapshot(SnapshotFile.encode(image.snapshotRecords(), id, now: now), id, log)
            try dropBefore(id, log)
            metadata?.snapshots.bytesAtLast = log.size
        } catch {
            // The log still has everything; the next time is soon enough.
            note("cannot make a snapshot of the metadata: \((error as? LogError)?.message ?? "\(error)")")
        }
    }

    func writeSnapshot(_ parts: [Bytes], _ id: SnapshotID, _ log: PartitionLog) throws(DiskError) {
        let path = log.directory + "/" + SnapshotFile.name(id)
        let part = path + ".part"
        let file = try disk.open(part, create: true)
        try file.truncate(to: 0)
        try file.write(parts, at: 0)
        try file.sync()
        try disk.rename(part, to: path)
        try disk.syncDirectory(log.directory)
    }

    /// Forgets the oldest snapshots, and of the log what the oldest that stays tells.
    private mutating func dropBefore(_ id: SnapshotID, _ log: PartitionLog) throws {
        var held = (metadata?.snapshots.held ?? []).filter { $0 != id } + [id]
        let gone = held.prefix(max(0, held.count - MetadataSnapshots.heldMax))
        held.removeFirst(gone.count)
        metadata?.snapshots.held = held
        // Only where there is one before it is the log's beginning given up.
        let start = held.count == MetadataSnapshots.heldMax ? max(log.logStartOffset, held[0].endOffset) : log.logStartOffset
        try log.deleteRecords(before: start, now: now)
        runQuorum(.snapshotMade(id, logStart: start))
        for old in gone { try? disk.remove(log.directory + "/" + SnapshotFile.name(old)) }
    }

    /// What came from the leader takes the place of the log and of the image. False where the disk refused.
    mutating func installSnapshot(_ id: SnapshotID) -> Bool {
        guard let metadata else { return true }
        let log = metadata.log
        do {
            let bytes = try disk.readAll(log.directory + "/" + SnapshotFile.name(id))
            let records = try SnapshotFile.decode(bytes, codecs)
            try log.restart(at: id.endOffset)
            self.metadata?.syncGeneration += 1
            self.metadata?.pending = []
            for old in metadata.snapshots.held where old != id { try? disk.remove(log.directory + "/" + SnapshotFile.name(old)) }
            self.metadata?.snapshots.held = [id]
            var delta = isStarting ? metadata.startDelta : ClusterImageDelta()
            image = .restored(records, clusterID: image.clusterID, endOffset: id.endOffset, before: image, into: &delta)
            self.metadata?.appliedEnd = id.endOffset
            if isStarting { self.metadata?.startDelta = delta } else { applied(delta) }
            return true
        } catch {
            metadataRefused("cannot install a snapshot of the metadata: \((error as? LogError)?.message ?? "\(error)")")
            return false
        }
    }
}
