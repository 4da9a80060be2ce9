import Primitives
import Records

/// A broker's data directory (`log.dirs`): which partitions are here, the checkpoints, `meta.properties`, the clean-shutdown marker.
///
/// Owner: the broker's thread.
package final class LogDirectory {
    package let path: String
    package let disk: any Disk
    package private(set) var meta: MetaProperties
    /// The last stop was clean: `.kafka_cleanshutdown` was there.
    package let wasCleanShutdown: Bool

    private init(path: String, disk: any Disk, meta: MetaProperties, wasCleanShutdown: Bool) {
        self.path = path
        self.disk = disk
        self.meta = meta
        self.wasCleanShutdown = wasCleanShutdown
    }

    /// Opens a directory, formats it where it is empty. `clusterID` and `directoryID` are used when it is formatted; afterwards the
    /// directory's own hold. Throws `.foreign` where it belongs to another node.
    package static func open(
        _ path: String, disk: any Disk, nodeID: BrokerID, clusterID: String, directoryID: UUID, codecs: Codecs, defaults: LogConfig
    ) throws(LogDirectoryError) -> LogDirectory { throw .unreadable("") }

    /// Partitions found on disk when it was opened, and made since; sorted.
    package var partitions: [TopicPartition] { [] }
    /// The log of a partition, opened on first use; nil where there is none.
    package func log(_ partition: TopicPartition, now: Now) throws(LogError) -> PartitionLog? { nil }
    /// The log of a partition, made where there is none.
    package func makeLog(_ partition: TopicPartition, topicID: UUID, config: LogConfig, now: Now) throws(LogError) -> PartitionLog {
        throw .closed
    }
    /// The checkpointed high watermark, 0 without one.
    package func highWatermark(_ partition: TopicPartition) -> Offset { 0 }
    /// Renames the partition's directory to `…-delete`; it goes wholly when `file.delete.delay.ms` has passed.
    package func delete(_ partition: TopicPartition, now: Now) throws(LogError) {}
    /// Retention of every open log, delayed deletions. `highWatermarks` answers for each partition.
    package func maintain(now: Now, highWatermark: (TopicPartition) -> Offset) {}
    /// When `maintain` has something to delete next; nil with nothing pending.
    package var nextDeletion: Instant? { nil }
    package func writeHighWatermarks(_ values: [(TopicPartition, Offset)]) throws(LogError) {}
    /// recovery-point-offset-checkpoint and log-start-offset-checkpoint.
    package func writeCheckpoints() throws(LogError) {}
    /// Closes every log, writes all checkpoints and the clean-shutdown marker.
    package func close(highWatermarks: [(TopicPartition, Offset)], brokerEpoch: Int64) throws(LogError) {}
}

package enum LogDirectoryError: Error, Equatable, Sendable {
    /// Cannot be read or written, with the system's words.
    case unreadable(String)
    /// Belongs to another node or cluster.
    case foreign(String)
    /// Written by something this program does not understand.
    case damaged(String)
}

/// `meta.properties`, version 1.
package struct MetaProperties: Equatable, Sendable {
    package var clusterID: String
    package var nodeID: BrokerID
    package var directoryID: UUID
}
