import Primitives

/// The names of a segment's files: its base offset in twenty digits and a suffix.
package enum SegmentFile: String, CaseIterable, Sendable {
    case log = ".log"
    case offsetIndex = ".index"
    case timeIndex = ".timeindex"
    case transactionIndex = ".txnindex"
    /// Producer state up to, not including, the offset in its name.
    case producerSnapshot = ".snapshot"

    package func name(_ offset: Offset) -> String { padded(offset.rawValue, 20) + rawValue }

    /// Marked for removal.
    static let deletedSuffix = ".deleted"
    /// Half-written output of compaction: thrown away.
    static let cleanedSuffix = ".cleaned"
    /// Whole output of compaction, about to replace what it was made from: put in place.
    static let swapSuffix = ".swap"

    /// The offset and kind that a file name spells, nil for other files.
    package static func parse(_ name: String) -> (offset: Offset, file: SegmentFile)? {
        guard let dot = name.firstIndex(of: "."), name.utf8.distance(from: name.startIndex, to: dot) == 20 else { return nil }
        guard let file = SegmentFile(rawValue: String(name[dot...])), let offset = Int64(name[..<dot]), offset >= 0 else { return nil }
        return (Offset(offset), file)
    }
}

/// The names of a partition's and a data directory's other files.
package enum LogFileName {
    package static let leaderEpochs = "leader-epoch-checkpoint"
    package static let partitionMetadata = "partition.metadata"
    package static let metaProperties = "meta.properties"
    package static let recoveryPoints = "recovery-point-offset-checkpoint"
    package static let highWatermarks = "replication-offset-checkpoint"
    package static let logStartOffsets = "log-start-offset-checkpoint"
    package static let cleanerOffsets = "cleaner-offset-checkpoint"
    package static let cleanShutdown = ".kafka_cleanshutdown"
    package static let lock = ".lock"
    package static let deletedDirectorySuffix = "-delete"
}

extension Disk {
    /// Replaces a small file as `replace` does, but leaves it to a later sync to make it durable. A power cut may leave the old contents
    /// or none: only for what can be found out again.
    func replaceUnsynced(_ path: String, with contents: Bytes) throws(DiskError) {
        let temporary = path + ".tmp"
        let file = try open(temporary, create: true)
        if file.size > 0 { try file.truncate(to: 0) }
        try file.write([contents], at: 0)
        try rename(temporary, to: path)
    }

    /// Removes a file that may not be there.
    func removeIfThere(_ path: String) throws(DiskError) {
        do { try remove(path) } catch .notFound {} catch { throw error }
    }
}
