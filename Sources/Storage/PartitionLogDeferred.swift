import Primitives
import Records

/// A log that is known to be empty, of which nothing has been looked at or made on the disk yet: it takes up a name and this object. Its
/// files are opened, or made, before the first write; nothing that reads needs them, because there is nothing to read.
///
/// Of a directory just made that is so; and after a clean stop the checkpoint of recovery points says it of every log that ends at 0.
extension PartitionLog {
    static func deferred(
        _ partition: TopicPartition, directory: String, disk: any Disk, config: LogConfig, codecs: Codecs, topicID: UUID, shared: LogsShared
    ) -> PartitionLog {
        let log = PartitionLog(partition, directory: directory, disk: disk, config: config, codecs: codecs, shared: shared)
        log.isDeferred = true
        log.topicID = topicID
        log.segments = [Segment.awaited(disk, directory, openFiles: shared.openFiles)]
        return log
    }

    /// Opens what was put off. On failure nothing has changed, and the next write tries again.
    func establish(_ now: Now) throws(LogError) {
        guard isDeferred else { return }
        let (expected, placeholder, begun) = (topicID, segments, epochs)
        segments = []
        do {
            try onDisk { () throws(DiskError) in if !disk.isDirectory(directory) { try disk.makeDirectory(directory) } }
            try load(Opening(isClean: true), now)
        } catch {
            (topicID, segments, epochs) = (expected, placeholder, begun)
            throw error
        }
        isDeferred = false
        try confirm(expected)
        for entry in begun.entries { assignEpoch(entry.epoch, at: max(entry.startOffset, logEndOffset)) }
    }

    /// The directory is a topic's of the same name that was deleted while this broker was down, if its file says so: whatever is in it
    /// must not be given to this one.
    private func confirm(_ expected: UUID?) throws(LogError) {
        guard let expected, topicID != expected else { return }
        if topicID != nil { try restart(at: .zero) }
        try writeMetadata(expected)
    }

    /// `partition.metadata`.
    func writeMetadata(_ id: UUID) throws(LogError) {
        try onDisk { () throws(DiskError) in
            let file = try disk.open(directory + "/" + LogFileName.partitionMetadata, create: true)
            if file.size > 0 { try file.truncate(to: 0) }
            try file.write([Bytes(PartitionMetadata.text(id))], at: 0)
        }
        topicID = id
    }
}

extension Segment {
    /// The first segment of a log of which nothing is on the disk yet.
    static func awaited(_ disk: any Disk, _ directory: String, openFiles: OpenFiles?) -> Segment {
        let segment = Segment(disk, directory, .zero, size: 0, openFiles: openFiles)
        segment.resetForRecovery()
        return segment
    }
}

/// What the logs of a data directory have in common. Owner: the broker's thread, as the logs.
final class LogsShared {
    let openFiles: OpenFiles
    /// When the first of the files may go that any log has renamed to `.deleted`; perhaps earlier, never later.
    var nextRemoval = Instant.distantFuture

    init(openFiles: OpenFiles) { self.openFiles = openFiles }
}
