import Primitives
import Records

package enum LogDirectoryError: Error, Equatable, Sendable {
    /// Cannot be read or written, with the system's words.
    case unreadable(String)
    /// Belongs to another node, or holds something that is not ours.
    case foreign(String)
    /// Written by something this program does not understand.
    case damaged(String)

    package var message: String {
        switch self {
        case .unreadable(let text), .foreign(let text), .damaged(let text): text
        }
    }
}

// Opening and closing a data directory, and its own files.
extension LogDirectory {
    /// Opens a directory, formats it where it is empty. `clusterID` and `directoryID` are used when it is formatted; afterwards the
    /// directory's own hold. Throws `.foreign` where it belongs to another node.
    package static func open(
        _ path: String, disk: any Disk, nodeID: BrokerID, clusterID: String, directoryID: UUID, codecs: Codecs, defaults: LogConfig
    ) throws(LogDirectoryError) -> LogDirectory {
        do {
            if !disk.isDirectory(path) { try disk.makeDirectory(path) }
            let names = try disk.list(path)
            let fresh = MetaProperties(clusterID: clusterID, nodeID: nodeID, directoryID: directoryID)
            let meta = try meta(path, disk, names, orFormat: fresh)
            let marker = path + "/" + LogFileName.cleanShutdown
            let cleanEpoch = disk.exists(marker) ? CleanShutdownFile.brokerEpoch(try disk.readAll(marker).lossyString) : nil
            let directory = LogDirectory(path: path, disk: disk, meta: meta, codecs: codecs, defaults: defaults, cleanEpoch: cleanEpoch)
            try directory.load(names)
            // From here on a crash is a crash.
            try disk.removeIfThere(marker)
            return directory
        } catch let error as LogDirectoryError { throw error } catch let error as DiskError {
            throw .unreadable(LogError.disk(error).message)
        } catch { throw .unreadable("\(error)") }
    }

    private static func meta(_ path: String, _ disk: any Disk, _ names: [String], orFormat fresh: MetaProperties) throws -> MetaProperties {
        let file = path + "/" + LogFileName.metaProperties
        guard names.contains(LogFileName.metaProperties) else {
            let strangers = names.filter { !$0.hasPrefix(".") && $0 != "lost+found" }
            guard strangers.isEmpty else {
                throw LogDirectoryError.foreign("\(path) is not empty and has no \(LogFileName.metaProperties): is it a data directory?")
            }
            try disk.replace(file, with: Bytes(fresh.text))
            return fresh
        }
        guard let meta = MetaProperties.read(try disk.readAll(file).lossyString) else {
            throw LogDirectoryError.damaged("\(file) is not of version 1, or lacks a key")
        }
        guard meta.nodeID == fresh.nodeID else {
            throw LogDirectoryError.foreign("\(path) belongs to node \(meta.nodeID), and this is node \(fresh.nodeID)")
        }
        return meta
    }

    private func load(_ names: [String]) throws(DiskError) {
        recoveryPoints = try checkpoint(LogFileName.recoveryPoints)
        logStarts = try checkpoint(LogFileName.logStartOffsets)
        highWatermarks = try checkpoint(LogFileName.highWatermarks)
        cleanedOffsets = try checkpoint(LogFileName.cleanerOffsets)
        var found: [TopicPartition] = []
        for name in names {
            let place = path + "/" + name
            if name.hasSuffix(LogFileName.deletedDirectorySuffix), disk.isDirectory(place) {
                doomed.append((place, .zero))
            } else if var partition = LogDirectory.partition(named: name), recoveryPoints[partition] != nil || disk.isDirectory(place) {
                if let last = found.last, last.topic == partition.topic { partition.topic = last.topic }
                found.append(partition)
            }
        }
        logs = OrderedMap(found.map { ($0, nil) })
    }

    /// `topic-7`; nil for anything else, such as `…-delete`, `…-future` and `…-stray`.
    static func partition(named name: String) -> TopicPartition? {
        guard let dash = name.lastIndex(of: "-"), dash != name.startIndex else { return nil }
        let digits = name[name.index(after: dash)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = Int32(digits) else { return nil }
        guard String(index) == digits else { return nil }
        return TopicPartition(String(name[..<dash]), index)
    }

    /// A torn checkpoint counts as none: recovery then walks whole logs, which is slow and safe.
    private func checkpoint(_ name: String) throws(DiskError) -> OrderedMap<TopicPartition, Offset> {
        do {
            let lines = try disk.readAll(path + "/" + name).string.flatMap(Checkpoint.offsets) ?? []
            return OrderedMap(lines.map { ($0.partition, $0.offset) })
        } catch .notFound { return OrderedMap() } catch { throw error }
    }

    // MARK: Writing

    package func writeHighWatermarks(_ values: [(TopicPartition, Offset)]) throws(LogError) {
        for (partition, offset) in values where logs[partition] != nil { highWatermarks[partition] = offset }
        try write(LogFileName.highWatermarks, highWatermarks)
    }

    /// recovery-point-offset-checkpoint and log-start-offset-checkpoint.
    package func writeCheckpoints() throws(LogError) {
        for log in openLogs {
            recoveryPoints[log.partition] = log.syncedOffset
            // Kafka lists only logs whose start the first segment's name does not tell already.
            logStarts[log.partition] = log.logStartOffset > log.segments[0].baseOffset ? log.logStartOffset : nil
        }
        try write(LogFileName.recoveryPoints, recoveryPoints)
        try write(LogFileName.logStartOffsets, logStarts)
        try writeCleanedOffsets()
    }

    /// cleaner-offset-checkpoint: how far each log is compacted. Older than the truth it costs a pass, no more.
    package func writeCleanedOffsets() throws(LogError) {
        let before = cleanedOffsets
        for log in openLogs { cleanedOffsets[log.partition] = log.cleanedOffset > 0 ? log.cleanedOffset : nil }
        guard cleanedOffsets != before else { return }
        try write(LogFileName.cleanerOffsets, cleanedOffsets)
    }

    /// In the middle of work without a sync, for which the broker's thread would have to wait: all three may be older than the truth, and
    /// torn they count as none.
    private func write(_ name: String, _ values: OrderedMap<TopicPartition, Offset>) throws(LogError) {
        let text = Checkpoint.text(values.map { ($0.key, $0.value) })
        let file = path + "/" + name
        try onDisk { () throws(DiskError) in
            if isClosing { try disk.replace(file, with: Bytes(text)) } else { try disk.replaceUnsynced(file, with: Bytes(text)) }
        }
    }

    /// Closes every log, writes all checkpoints and the clean-shutdown marker. Where anything fails, the marker is left out, so that the
    /// next start recovers, and the first failure is thrown when all else has been done.
    package func close(highWatermarks: [(TopicPartition, Offset)], brokerEpoch: Int64) throws(LogError) {
        var failure: LogError?
        isClosing = true
        // A log that was never opened since a crash has not been recovered.
        var isWhole = wasCleanShutdown || logs.values.allSatisfy { $0 != nil }
        // All at once to the disk first, so that the syncs that follow find little left to do.
        for log in openLogs { log.syncJob()?.files.forEach { $0.beginWriteBack(0..<$0.size) } }
        for log in openLogs {
            do { try log.close() } catch {
                isWhole = false
                failure = failure ?? error
            }
        }
        try writeCheckpoints()
        try writeHighWatermarks(highWatermarks)
        if isWhole {
            let text = CleanShutdownFile.text(brokerEpoch: brokerEpoch)
            try onDisk { () throws(DiskError) in try disk.replace(path + "/" + LogFileName.cleanShutdown, with: Bytes(text)) }
        }
        if let failure { throw failure }
    }
}
