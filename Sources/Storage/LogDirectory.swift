import Primitives
import Records

/// A broker's data directory (`log.dirs`): which partitions are here, the checkpoints, `meta.properties`, the clean-shutdown marker.
///
/// Owner: the broker's thread. Logs are opened when they are first asked for, so that idle partitions cost a name and no more. The lock
/// on the directory is the shell's (`PosixDisk.lock` on `lockPath`), taken before this is opened.
package final class LogDirectory {
    package let path: String
    package let disk: any Disk
    package let meta: MetaProperties
    /// The last stop was clean: `.kafka_cleanshutdown` was there.
    package let wasCleanShutdown: Bool
    /// The broker epoch of the last clean stop, -1 without one. Goes into the broker's registration.
    package let previousBrokerEpoch: Int64
    /// The settings of logs opened without any of their own.
    package var defaults: LogConfig

    let codecs: Codecs
    let shared: LogsShared
    /// Every partition found on disk or made since; the value is its log once it is open.
    var logs: OrderedMap<TopicPartition, PartitionLog?> = OrderedMap()
    var recoveryPoints: OrderedMap<TopicPartition, Offset> = OrderedMap()
    var logStarts: OrderedMap<TopicPartition, Offset> = OrderedMap()
    var highWatermarks: OrderedMap<TopicPartition, Offset> = OrderedMap()
    /// Up to where each log is compacted.
    var cleanedOffsets: OrderedMap<TopicPartition, Offset> = OrderedMap()
    var isClosing = false
    /// Directories renamed to `…-delete`, with the time when they may go.
    var doomed: [(path: String, due: Instant)] = []

    init(
        path: String, disk: any Disk, meta: MetaProperties, codecs: Codecs, defaults: LogConfig, cleanEpoch: Int64?
    ) {
        self.path = path
        self.disk = disk
        self.meta = meta
        self.codecs = codecs
        shared = LogsShared(openFiles: OpenFiles(max: disk.openFilesMax))
        self.defaults = defaults
        wasCleanShutdown = cleanEpoch != nil
        previousBrokerEpoch = cleanEpoch ?? -1
    }

    /// Partitions found on disk when it was opened, and made since; sorted.
    package var partitions: [TopicPartition] { logs.keys }
    package var openLogs: [PartitionLog] { logs.values.compactMap { $0 } }
    package static func lockPath(_ directory: String) -> String { directory + "/" + LogFileName.lock }

    func directory(_ partition: TopicPartition) -> String { "\(path)/\(partition.topic)-\(partition.partition)" }

    // MARK: Logs

    /// The log of a partition, opened (and after a crash recovered) on first use; nil where there is none.
    package func log(_ partition: TopicPartition, config: LogConfig? = nil, now: Now) throws(LogError) -> PartitionLog? {
        guard let known = logs[partition] else { return nil }
        if let log = known { return log }
        let opening = PartitionLog.Opening(
            isClean: wasCleanShutdown, recoveryPoint: recoveryPoints[partition] ?? 0, logStartOffset: logStarts[partition] ?? 0,
            cleanedOffset: cleanedOffsets[partition] ?? 0)
        let log = try PartitionLog.open(
            partition, directory: directory(partition), disk: disk, config: config ?? defaults, codecs: codecs, opening: opening,
            shared: shared, now: now)
        logs[partition] = .some(log)
        return log
    }

    /// The log of a partition, where it is known without a look at the disk that nothing is in it: the last stop was clean, and the
    /// checkpoint says that the log ends at 0. Whether its directory is this topic's is found out with the first write.
    package func emptyLog(_ partition: TopicPartition, topicID: UUID, config: LogConfig) -> PartitionLog? {
        guard wasCleanShutdown, let place = logs.index(of: partition), logs[place].value == nil, recoveryPoints[partition] == .zero else {
            return nil
        }
        let log = deferred(partition, topicID, config)
        logs.update(at: place) { $0 = log }
        return log
    }

    private func deferred(_ partition: TopicPartition, _ topicID: UUID, _ config: LogConfig) -> PartitionLog {
        PartitionLog.deferred(
            partition, directory: directory(partition), disk: disk, config: config, codecs: codecs, topicID: topicID, shared: shared)
    }

    /// The log of a partition, made where there is none.
    package func makeLog(_ partition: TopicPartition, topicID: UUID, config: LogConfig, now: Now) throws(LogError) -> PartitionLog {
        if let log = try log(partition, config: config, now: now) {
            log.config = config
            if log.topicID == nil { try log.writeMetadata(topicID) }
            return log
        }
        let log: PartitionLog
        let path = directory(partition)
        if disk.isDirectory(path) {
            // Left by an attempt that failed.
            log = try PartitionLog.open(
                partition, directory: path, disk: disk, config: config, codecs: codecs, opening: .init(isClean: true), shared: shared,
                now: now)
        } else {
            try onDisk { () throws(DiskError) in try disk.makeDirectory(path) }
            log = deferred(partition, topicID, config)
        }
        try log.writeMetadata(topicID)
        logs[partition] = .some(log)
        return log
    }

    /// The checkpointed high watermark, 0 without one.
    package func highWatermark(_ partition: TopicPartition) -> Offset { highWatermarks[partition] ?? 0 }

    /// Renames the partition's directory to `…-delete`; it goes wholly when `file.delete.delay.ms` has passed.
    package func delete(_ partition: TopicPartition, now: Now) throws(LogError) {
        guard let known = logs[partition] else { return }
        let log = known
        let unique = log?.topicID ?? UUID(high: UInt64(bitPattern: now.wall.milliseconds), low: UInt64(bitPattern: now.instant.nanoseconds))
        let hex = unique.dashed.filter { $0 != "-" }
        let name = "\(partition.topic)-\(partition.partition).\(hex)\(LogFileName.deletedDirectorySuffix)"
        let target = path + "/" + name
        log?.abandon()
        try onDisk { () throws(DiskError) in
            if disk.exists(target) { try disk.removeTree(target) }
            try disk.rename(directory(partition), to: target)
        }
        logs[partition] = nil
        for map in [\LogDirectory.recoveryPoints, \.logStarts, \.highWatermarks, \.cleanedOffsets] { self[keyPath: map][partition] = nil }
        let delay = log?.config.fileDeleteDelayMilliseconds ?? defaults.fileDeleteDelayMilliseconds
        doomed.append((target, now.instant.adding(milliseconds: delay)))
    }

    /// Retention of every open log, delayed deletions. `highWatermark` answers for each partition. Returns what went wrong, per path or
    /// partition; the rest has been done all the same.
    @discardableResult
    package func maintain(now: Now, highWatermark: (TopicPartition) -> Offset) -> [String] {
        var problems: [String] = []
        shared.nextRemoval = .distantFuture
        for log in openLogs {
            do { try log.maintain(highWatermark: highWatermark(log.partition), now: now) } catch {
                problems.append("\(log.partition): \(error.message)")
            }
            if let due = log.nextRemoval { shared.nextRemoval = min(shared.nextRemoval, due) }
        }
        var kept: [(path: String, due: Instant)] = []
        for directory in doomed {
            guard directory.due <= now.instant else {
                kept.append(directory)
                continue
            }
            do { try disk.removeTree(directory.path) } catch .notFound {} catch {
                problems.append("\(directory.path): \(LogError.disk(error).message)")
                kept.append(directory)
            }
        }
        doomed = kept
        return problems
    }

    /// When `maintain` has something to delete next; nil with nothing pending.
    package var nextDeletion: Instant? {
        var next: Instant?
        for directory in doomed { next = min(next ?? directory.due, directory.due) }
        if shared.nextRemoval < .distantFuture { next = min(next ?? shared.nextRemoval, shared.nextRemoval) }
        return next
    }
}
