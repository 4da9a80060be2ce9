import Primitives
import Records

/// One partition's log on disk: segments with their indexes, leader epochs, producers and aborted transactions.
///
/// Owner: the broker's thread, alone. Only `LogSlice.file` and `SyncJob` may be used by others.
package final class PartitionLog {
    package let partition: TopicPartition
    package var config: LogConfig

    private init(partition: TopicPartition, config: LogConfig) {
        self.partition = partition
        self.config = config
    }

    /// What the log directory's checkpoints and marker say when a log is opened.
    package struct Opening: Sendable {
        /// All was synced and the indexes trimmed when the broker last stopped: nothing is scanned.
        package var isClean: Bool
        /// Up to here the log was synced; without a clean stop it is scanned from here on.
        package var recoveryPoint: Offset
        package var logStartOffset: Offset
        package init(isClean: Bool = false, recoveryPoint: Offset = 0, logStartOffset: Offset = 0) {
            self.isClean = isClean
            self.recoveryPoint = recoveryPoint
            self.logStartOffset = logStartOffset
        }
    }

    /// Opens the log in `directory`, creating it where there is none, and recovers it where the last stop was not clean.
    package static func open(
        _ partition: TopicPartition, directory: String, disk: any Disk, config: LogConfig, codecs: Codecs, opening: Opening, now: Now
    ) throws(LogError) -> PartitionLog { throw .closed }

    /// nil where `partition.metadata` is missing.
    package var topicID: UUID? { nil }
    package var directory: String { "" }
    package var logStartOffset: Offset { 0 }
    package var logEndOffset: Offset { 0 }
    /// Bytes of all segments.
    package var size: Int64 { 0 }
    /// Everything below is durable.
    package var syncedOffset: Offset { 0 }
    /// The start of the oldest open transaction, nil without one.
    package var firstUnstableOffset: Offset? { nil }
    /// What read_committed may read: the first offset of the oldest transaction open or not yet replicated, else the high watermark.
    package func lastStableOffset(highWatermark: Offset) -> Offset { highWatermark }

    /// Appends the batches of a produce request, a coordinator or a fetch. `batches` must not be shared: they are patched in place.
    package func append(_ batches: Bytes, leaderEpoch: LeaderEpoch, now: Now, origin: AppendOrigin) throws(LogError) -> AppendResult {
        throw .closed
    }

    /// Whole batches from the one that holds `from`, below `below` (high watermark, last stable offset or log end), up to `maxBytes`;
    /// with `minOneBatch` at least one batch, however large. Empty at and above `below`. Throws `.offsetOutOfRange`.
    package func read(from: Offset, maxBytes: Int, below: Offset, minOneBatch: Bool) throws(LogError) -> LogSlice { throw .closed }

    /// The first record at or after `timestamp` (ListOffsets), nil where there is none.
    package func offset(forTimestamp timestamp: Timestamp) throws(LogError) -> TimestampOffset? { nil }
    /// The record with the largest timestamp (ListOffsets -3), nil in an empty log.
    package func offsetOfMaxTimestamp() throws(LogError) -> TimestampOffset? { nil }

    /// The leader epochs with their start offsets, ascending.
    package var leaderEpochs: [(epoch: LeaderEpoch, startOffset: Offset)] { [] }
    package var latestLeaderEpoch: LeaderEpoch? { nil }
    /// Records that `epoch` begins at the log end. Called by a new leader before its first append.
    package func beginLeaderEpoch(_ epoch: LeaderEpoch) throws(LogError) {}
    /// OffsetForLeaderEpoch: the largest epoch not above `epoch`, and where it ends; nil where none is known.
    package func endOffset(forEpoch epoch: LeaderEpoch) -> (epoch: LeaderEpoch, endOffset: Offset)? { nil }
    /// The epoch that wrote `offset`.
    package func leaderEpoch(at offset: Offset) -> LeaderEpoch? { nil }

    /// The producers with state here, by id (DescribeProducers).
    package var producers: [ProducerState] { [] }
    /// Aborted transactions that touch offsets from `from` up to `below`, for read_committed fetches.
    package func abortedTransactions(from: Offset, below: Offset) throws(LogError) -> [AbortedTransaction] { [] }

    /// Moves the log start forward (DeleteRecords) and removes segments that lie wholly below. The caller has checked the high watermark.
    package func deleteRecords(before: Offset, now: Now) throws(LogError) {}
    /// Removes what retention no longer keeps, expires producers, unlinks files whose delay has passed.
    package func maintain(highWatermark: Offset, now: Now) throws(LogError) {}
    /// Cuts the log so that it ends at `offset` (a follower that diverged).
    package func truncate(to offset: Offset) throws(LogError) {}
    /// Empties the log and starts again at `offset` (a follower whose leader no longer has what it lacks).
    package func restart(at offset: Offset) throws(LogError) {}
    /// Begins a new segment at the log end.
    package func roll(now: Now) throws(LogError) {}

    /// Files to sync so that all up to `through` is durable. Run it on a worker, then call `synced`.
    package struct SyncJob: Sendable {
        package var files: [any DiskFile]
        package var through: Offset
        package func run() throws(DiskError) { for file in files { try file.sync() } }
    }
    /// nil where nothing is unsynced.
    package func syncJob() -> SyncJob? { nil }
    package func synced(_ job: SyncJob) {}
    /// Whether `flush.messages` or `flush.ms` ask for a sync now.
    package func syncDue(now: Now) -> Bool { false }
    /// Syncs here and now.
    package func flush() throws(LogError) {}
    /// Syncs, trims indexes, writes the producer snapshot, lets the files go. Further use throws `.closed`.
    package func close() throws(LogError) {}
}
