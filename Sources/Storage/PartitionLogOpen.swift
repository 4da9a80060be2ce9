import Primitives
import Records

extension PartitionLog {
    /// What the log directory's checkpoints and marker say when a log is opened.
    package struct Opening: Sendable {
        /// All was synced and the indexes trimmed when the broker last stopped: nothing is scanned.
        package var isClean: Bool
        /// Up to here the log was synced; without a clean stop it is scanned from here on.
        package var recoveryPoint: Offset
        package var logStartOffset: Offset
        /// Up to here the log was compacted.
        package var cleanedOffset: Offset
        package init(isClean: Bool = false, recoveryPoint: Offset = 0, logStartOffset: Offset = 0, cleanedOffset: Offset = 0) {
            self.cleanedOffset = cleanedOffset
            self.isClean = isClean
            self.recoveryPoint = recoveryPoint
            self.logStartOffset = logStartOffset
        }
    }

    /// Opens the log in `directory`, creating it where there is none, and recovers it where the last stop was not clean.
    package static func open(
        _ partition: TopicPartition, directory: String, disk: any Disk, config: LogConfig, codecs: Codecs, opening: Opening, now: Now
    ) throws(LogError) -> PartitionLog {
        try open(
            partition, directory: directory, disk: disk, config: config, codecs: codecs, opening: opening, shared: nil, now: now)
    }

    /// The same, as one of a data directory's logs.
    static func open(
        _ partition: TopicPartition, directory: String, disk: any Disk, config: LogConfig, codecs: Codecs, opening: Opening,
        shared: LogsShared?, now: Now
    ) throws(LogError) -> PartitionLog {
        let log = PartitionLog(
            partition, directory: directory, disk: disk, config: config, codecs: codecs, shared: shared)
        try onDisk { () throws(DiskError) in if !disk.isDirectory(directory) { try disk.makeDirectory(directory) } }
        try log.load(opening, now)
        return log
    }

    func load(_ opening: Opening, _ now: Now) throws(LogError) {
        let snapshots = try loadSegments(startingAt: opening.logStartOffset)
        try loadSmallFiles()
        var isRecovered = false
        if opening.isClean { isRecovered = try resumeClean() }
        if isRecovered {
            try loadProducers(snapshots, upTo: logEndOffset, now)
            syncedOffset = logEndOffset
        } else {
            try recover(from: segmentIndex(holding: opening.recoveryPoint), keeping: opening.recoveryPoint, snapshots, now)
            syncedOffset = min(opening.recoveryPoint, logEndOffset)
        }
        logStartOffset = max(opening.logStartOffset, segments[0].baseOffset)
        if logStartOffset > logEndOffset { try restart(at: logStartOffset) }
        // More than there is was compacted before the log was cut: what came since is not known to be.
        cleanedOffset = opening.cleanedOffset > logEndOffset ? 0 : opening.cleanedOffset
        try removeStraySnapshots(snapshots)
        let cut = epochs.truncate(to: logEndOffset)
        if epochs.dropBefore(logStartOffset) || cut { isEpochFileStale = true }
    }

    /// Finishes or undoes what a crash interrupted, and lists the segments. Returns the offsets of the producer snapshots, ascending.
    private func loadSegments(startingAt start: Offset) throws(LogError) -> [Offset] {
        var bases: [Offset] = []
        var snapshots: [Offset] = []
        var others: [(offset: Offset, file: SegmentFile)] = []
        var swapped: [Offset] = []
        for name in try tidiedNames(&swapped) {
            guard let (offset, file) = SegmentFile.parse(name) else { continue }
            switch file {
            case .log: bases.append(offset)
            case .producerSnapshot: snapshots.append(offset)
            default: others.append((offset, file))
            }
        }
        try onDisk { () throws(DiskError) in
            for (offset, file) in others where !bases.contains(offset) { try disk.remove(directory + "/" + file.name(offset)) }
            for base in bases {
                let file = try disk.open(directory + "/" + SegmentFile.log.name(base), create: false)
                let isActive = base == bases.last
                segments.append(Segment(disk, directory, base, size: file.size, opened: isActive ? file : nil, openFiles: openFiles))
            }
        }
        if segments.isEmpty {
            segments = [try Segment.create(disk, directory, start, openFiles: openFiles)]
            if config.preallocates { try? active.preallocate(config.segmentBytesMax) }
        }
        for segment in segments where swapped.contains(segment.baseOffset) { try rebuildIndexes(of: segment) }
        return snapshots
    }

    private func tidiedNames(_ swapped: inout [Offset]) throws(LogError) -> [String] {
        swapped = try SwapRecovery.run(disk, directory)
        return try onDisk { () throws(DiskError) in
            var names: [String] = []
            for name in try disk.list(directory) {
                let isLeftOver = [SegmentFile.deletedSuffix, SegmentFile.cleanedSuffix, ".tmp"].contains { name.hasSuffix($0) }
                if isLeftOver { try disk.remove(directory + "/" + name) } else { names.append(name) }
            }
            return names.sorted()
        }
    }

    private func loadSmallFiles() throws(LogError) {
        if let known = try text(LogFileName.leaderEpochs).flatMap(LeaderEpochs.read) { epochs = known } else { try rebuildEpochs() }
        topicID = try text(LogFileName.partitionMetadata).flatMap(PartitionMetadata.read)
    }

    /// The leader epochs as the batches tell them, where their file is gone or torn.
    private func rebuildEpochs() throws(LogError) {
        var walk = EpochWalk(from: segments[0].baseOffset)
        for segment in segments where !segment.isEmpty {
            var scan = HeaderScan(try segment.file(), from: 0, to: segment.size)
            // What is damaged here is recovery's to find.
            while let place = try? scan.next() {
                if walk.meet(place.header, &epochs) { isEpochFileStale = true }
            }
            if segment !== active { segment.letGo() }
        }
    }

    private func text(_ name: String) throws(LogError) -> String? {
        do { return try disk.readAll(directory + "/" + name).string } catch .notFound { return nil } catch { throw .disk(error) }
    }

    /// After a clean stop only the tail behind the last index entry is walked. false where the files do not bear that out.
    private func resumeClean() throws(LogError) -> Bool {
        guard try active.loadIndexes() else { return false }
        do { logEndOffset = try active.resume() } catch .damaged { return false }
        return true
    }

    // MARK: Recovery

    /// Walks the segments from `index` on, checks every batch, cuts at the first bad byte and drops what lies behind it, and rebuilds
    /// indexes, producers, aborted transactions and leader epochs on the way. What is bad below `durable` was good when it was synced: it
    /// is rot and no torn write, and stays to be mended.
    func recover(from index: Int, keeping durable: Offset, _ snapshots: [Offset], _ now: Now) throws(LogError) {
        try loadProducers(snapshots, upTo: segments[index].baseOffset, now)
        logEndOffset = segments[index].baseOffset
        // The batches tell their epochs themselves. The file may be newer than they are: of a log that was cut, and whose old end came
        // back with the crash. Believed, it would call records a later leader's that were an earlier one's. It is believed only of what
        // compaction has left no batch of.
        var walk = EpochWalk(told: epochs, from: logEndOffset)
        if epochs.truncate(to: logEndOffset) { isEpochFileStale = true }
        var place = index
        while place < segments.count {
            let next = place + 1 < segments.count ? segments[place + 1].baseOffset : nil
            let isWhole = try recover(segments[place], keeping: durable, next: next, &walk)
            if !isWhole {
                for lost in segments[(place + 1)...] { try remove(lost) }
                segments.removeLast(segments.count - place - 1)
            }
            place += 1
        }
        if walk.skip(to: logEndOffset, &epochs) { isEpochFileStale = true }
        for segment in segments.dropLast() where segment.isLoaded && segment.isFlushed { segment.unload() }
    }

    /// One segment, its state folded in. false where something had to be cut.
    private func recover(_ segment: Segment, keeping durable: Offset, next: Offset?, _ walk: inout EpochWalk) throws(LogError) -> Bool {
        // An offset that had a batch once stays used, also where the segment before this one ends below it.
        logEndOffset = max(logEndOffset, segment.baseOffset)
        let file = try segment.file()
        let size = segment.size
        var scan = RecoveryScan(file, size: size, baseOffset: segment.baseOffset)
        segment.resetForRecovery()
        try onDisk { () throws(DiskError) in try disk.removeIfThere(segment.path(.transactionIndex)) }
        while true {
            if let (batch, _) = try scan.next() {
                try recovered(batch, in: segment, &walk)
            } else if let range = try rot(&scan, segment, size, durable, next) {
                segment.keep(range)
                logEndOffset = range.nextOffset
                // An epoch that began in what cannot be read is known from the file alone.
                if walk.skip(to: range.nextOffset, &epochs) { isEpochFileStale = true }
            } else {
                break
            }
        }
        let isWhole = segment.size == size
        if !isWhole {
            try onDisk { () throws(DiskError) in try file.truncate(to: segment.size) }
            segment.marks.cut(to: segment.size)
        }
        // Set aside before the crash.
        if segment === active { segment.marks.hasRoom = true }
        // A full disk must not keep a log from being opened and read: what cannot be written now stays in memory, and a later recovery
        // comes to the same.
        try? segment.flushIndexes(final: true)
        if segment !== active { segment.letGo() }
        return isWhole
    }

    private func recovered(_ batch: RecordBatch, in segment: Segment, _ walk: inout EpochWalk) throws(LogError) {
        segment.enter(batch.header, interval: config.indexIntervalBytes)
        if batch.header.hasProducerID { try fold(batch, into: segment) }
        if walk.meet(batch.header, &epochs) { isEpochFileStale = true }
        logEndOffset = batch.header.nextOffset
    }

    /// What is bad where the scan stands, if it was durable before it went bad, and it can be told where it ends.
    private func rot(
        _ scan: inout RecoveryScan, _ segment: Segment, _ size: Int, _ durable: Offset, _ next: Offset?
    ) throws(LogError) -> DamagedRange? {
        guard segment.size < size, scan.nextOffset < durable else { return nil }
        if let range = try scan.resynchronise() { return range }
        // Nothing good follows. All of it belongs here where another segment does; else what was durable does, and what was written behind
        // it is not whole.
        return DamagedRange(
            segment: segment.baseOffset, start: segment.size, end: size, firstOffset: scan.nextOffset, nextOffset: next ?? durable)
    }

    /// The indexes of one segment anew, from its batches; what is rotten in it is found on the way.
    func rebuildIndexes(of segment: Segment) throws(LogError) {
        let size = segment.size
        // While a log is opened its end is not known yet.
        let behind = offsetBehind(segment)
        let below = behind > segment.baseOffset ? behind : nil
        var scan = RecoveryScan(try segment.file(), size: size, baseOffset: segment.baseOffset, below: below)
        let aborted = try segment.abortedTransactions()
        let isFoldedInPart = segment.isFoldedInPart
        segment.resetForRecovery()
        for transaction in aborted { try segment.addAborted(transaction) }
        while segment.size < size {
            if let (batch, _) = try scan.next() {
                segment.enter(batch.header, interval: config.indexIntervalBytes)
            } else {
                segment.keep(try scan.resynchronise() ?? tail(of: segment, from: segment.size, to: size, scan.nextOffset))
            }
        }
        segment.isFoldedInPart = isFoldedInPart
        try? segment.flushIndexes(final: true)
        if segment !== active && segment.isFlushed { segment.unload() }
    }

    private func remove(_ segment: Segment) throws(LogError) {
        segment.letGo()
        try onDisk { () throws(DiskError) in
            for kind in SegmentFile.allCases { try disk.removeIfThere(segment.path(kind)) }
        }
    }

    // MARK: Producers

    /// The producers as of `offset`: the newest good snapshot not behind it, and the batches from there on.
    func loadProducers(_ snapshots: [Offset], upTo offset: Offset, _ now: Now) throws(LogError) {
        var next = segments[0].baseOffset
        producerTable = ProducerTable()
        for snapshot in snapshots.reversed() where snapshot <= offset {
            let path = directory + "/" + SegmentFile.producerSnapshot.name(snapshot)
            let bytes = try onDisk { () throws(DiskError) in try disk.readAll(path) }
            guard let states = ProducerSnapshot.decode(bytes) else { continue }
            producerTable = ProducerTable(states, now: now.wall, expiration: config.producerExpirationMilliseconds)
            next = max(next, snapshot)
            break
        }
        guard next < offset else { return }
        for segment in segments[segmentIndex(holding: next)...] where segment.baseOffset < offset && !segment.isEmpty {
            try replay(segment, from: next, to: offset)
        }
    }

    private func replay(_ segment: Segment, from: Offset, to: Offset) throws(LogError) {
        let before = producerTable
        do { try foldProducers(segment, from: from, to: to) } catch .damaged {
            // What is rotten there is found on the way, and stepped over.
            try rebuildIndexes(of: segment)
            producerTable = before
            try foldProducers(segment, from: from, to: to)
        }
        if segment.damage.contains(where: { $0.nextOffset > from && $0.firstOffset < to }) { segment.isFoldedInPart = true }
        if segment !== active { segment.letGo() }
    }

    private func foldProducers(_ segment: Segment, from: Offset, to: Offset) throws(LogError) {
        guard let start = try segment.find(from) else { return }
        var scan = HeaderScan(try segment.file(), from: start.position, to: segment.size, damage: segment.damage)
        while let place = try scan.next() {
            if place.header.baseOffset >= to { return }
            guard place.header.hasProducerID else { continue }
            guard place.header.isControl else {
                producerTable.apply(place.header)
                continue
            }
            guard try scan.isSound(place) else { throw segment.outOfPlace(place) }
            // The segment's own index of aborted transactions is good: only the producers are wanted.
            try fold(try segment.batch(at: place), into: nil)
        }
    }

    /// Snapshots that stand for no segment go, but for the newest, which the last stop wrote.
    private func removeStraySnapshots(_ snapshots: [Offset]) throws(LogError) {
        let newest = snapshots.last { $0 <= logEndOffset }
        for snapshot in snapshots where snapshot != newest && !segments.contains(where: { $0.baseOffset == snapshot }) {
            try onDisk { () throws(DiskError) in
                try disk.removeIfThere(directory + "/" + SegmentFile.producerSnapshot.name(snapshot))
            }
        }
    }
}

/// `partition.metadata`: which topic a directory belongs to, beyond its name.
package enum PartitionMetadata {
    package static func text(_ topicID: UUID) -> String { "version: 0\ntopic_id: \(topicID)" }

    package static func read(_ text: String) -> UUID? {
        let lines = text.split(separator: "\n")
        guard lines.first == "version: 0", let line = lines.first(where: { $0.hasPrefix("topic_id: ") }) else { return nil }
        return UUID(String(line.dropFirst("topic_id: ".count)))
    }
}
