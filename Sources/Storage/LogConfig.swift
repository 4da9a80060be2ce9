import Primitives
import Records

/// The settings of one partition's log, resolved: topic config over broker config over default. The broker maps Kafka's keys to them.
package struct LogConfig: Equatable, Sendable {
    /// `segment.bytes`: a batch that would make the active segment larger than this rolls it.
    package var segmentBytesMax = 1 << 30
    /// `segment.ms`: the active segment rolls when its first batch is older than this.
    package var segmentMilliseconds: Int64 = 7 * 24 * 3_600_000
    /// `segment.jitter.ms`: the most that is taken off `segmentMilliseconds`, so that segments do not all roll at once. How much of it
    /// is the segment's own (`Segment.jitterShare`).
    package var segmentJitterMilliseconds: Int64 = 0
    /// `segment.index.bytes`: a full index rolls the segment.
    package var indexBytesMax = 10 << 20
    /// `index.interval.bytes`: bytes of log between two index entries.
    package var indexIntervalBytes = 4096
    /// `retention.ms`; -1 keeps for ever.
    package var retentionMilliseconds: Int64 = 7 * 24 * 3_600_000
    /// `retention.bytes`; -1 sets no limit.
    package var retentionBytes: Int64 = -1
    /// `file.delete.delay.ms`: between marking a file `.deleted` and unlinking it.
    package var fileDeleteDelayMilliseconds: Int64 = 60_000
    /// `cleanup.policy`.
    package var isCompacted = false
    package var isDeleting = true
    /// `min.cleanable.dirty.ratio`: the new share of a log that makes compaction worth while.
    package var cleanableRatioMin = 0.5
    /// `min.compaction.lag.ms`: the least age of what is compacted.
    package var compactionLagMinMilliseconds: Int64 = 0
    /// `max.compaction.lag.ms`: the longest that a record waits for compaction.
    package var compactionLagMaxMilliseconds = Int64.max
    /// `delete.retention.ms`: how long tombstones and markers stay after a pass has seen them.
    package var deleteRetentionMilliseconds: Int64 = 86_400_000
    /// `max.message.bytes`: of one batch, header and all.
    package var batchBytesMax = 1_048_588
    /// `message.timestamp.type`.
    package var timestampType = TimestampType.createTime
    /// `message.timestamp.before.max.ms`.
    package var timestampBeforeMaxMilliseconds = Int64.max
    /// `message.timestamp.after.max.ms`.
    package var timestampAfterMaxMilliseconds: Int64 = 3_600_000
    /// `compression.type`; nil is `producer`: keep what comes.
    package var compression: Codec? = nil
    /// `compression.gzip.level` and so on, of that codec; nil is its default.
    package var compressionLevel: Int? = nil
    /// `preallocate`: a segment's file is made in its full size at once.
    package var preallocates = false
    /// A log that has grown by so much since the last look is handed to the disk as it grows.
    package var writeBackBytesMin = 1 << 20
    /// `producer.id.expiration.ms`.
    package var producerExpirationMilliseconds: Int64 = 86_400_000
    /// `flush.messages`: sync after so many records; `flush.ms`: sync after so long. The broker's thread asks `PartitionLog.syncDue`.
    package var flushRecordsMax = Int64.max
    package var flushMilliseconds = Int64.max

    package init() {}

    /// The age at which a segment rolls, its part of the jitter taken off. A compacted log rolls in time for `max.compaction.lag.ms`,
    /// since the active segment is never compacted.
    func rollMilliseconds(jitterShare: Double) -> Int64 {
        let due = isCompacted ? min(segmentMilliseconds, compactionLagMaxMilliseconds) : segmentMilliseconds
        guard segmentJitterMilliseconds > 0 else { return due }
        return due - Int64(jitterShare * Double(min(due, segmentJitterMilliseconds)))
    }
}
