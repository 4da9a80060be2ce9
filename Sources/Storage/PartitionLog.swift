import Primitives
import Records

/// One partition's log on disk: segments with their indexes, leader epochs, producers and aborted transactions.
///
/// Owner: the broker's thread, alone. Only `LogSlice.file` and `SyncJob` may be used by others.
///
/// Invariants:
/// 1. `segments` is never empty and ascends by base offset; the last one is active, all writes go there.
/// 2. `logStartOffset` ≤ every readable offset < `logEndOffset`; `syncedOffset` ≤ `logEndOffset`.
/// 3. The producers and leader epochs are what folding all batches below `logEndOffset` gives.
/// 4. A call that throws has changed nothing that a reader could see.
package final class PartitionLog {
    package let partition: TopicPartition
    package let directory: String
    package var config: LogConfig
    /// nil where `partition.metadata` is missing.
    package internal(set) var topicID: UUID?
    package internal(set) var logStartOffset: Offset = 0
    package internal(set) var logEndOffset: Offset = 0
    /// Everything below is durable.
    package internal(set) var syncedOffset: Offset = 0
    /// Everything below has been compacted (`cleaner-offset-checkpoint`).
    package internal(set) var cleanedOffset: Offset = 0

    let disk: any Disk
    let codecs: Codecs
    let shared: LogsShared?
    var openFiles: OpenFiles? { shared?.openFiles }
    /// Known to be empty; nothing of it has been looked at on the disk (`establish`).
    var isDeferred = false
    var segments: [Segment] = []
    var epochs = LeaderEpochs()
    /// `leader-epoch-checkpoint` lacks something of `epochs`.
    var isEpochFileStale = false
    /// That file was written since the last sync.
    var isEpochFileUnsynced = false
    var producerTable = ProducerTable()
    /// The newest batches of the active segment, so that reads at the tail need no index and no disk.
    var recent = RecentBatches()
    /// Files that have been renamed to `.deleted`, with the time when they may go.
    var doomed: [(path: String, due: Instant)] = [] {
        didSet { if let shared, let next = nextRemoval { shared.nextRemoval = min(shared.nextRemoval, next) } }
    }
    var isClosed = false
    /// The log grows fast, and somebody looks after its way to the disk (`writeBackJob`).
    package var isHandingOver = false
    /// Segments that were done while it did, and may have room behind their end yet.
    var rolled: [Segment] = []
    /// When the oldest unsynced byte was written.
    var unsyncedSince: Instant?
    var unsyncedRecords: Int64 = 0
    /// How often the log was cut.
    var cuts = 0
    /// Inactive segments keep no file open but for the one read last.
    var lastRead: Segment?

    init(
        _ partition: TopicPartition, directory: String, disk: any Disk, config: LogConfig, codecs: Codecs, shared: LogsShared? = nil
    ) {
        self.shared = shared
        self.partition = partition
        self.directory = directory
        self.disk = disk
        self.config = config
        self.codecs = codecs
    }

    var active: Segment { segments[segments.count - 1] }

    /// Bytes of all segments.
    package var size: Int64 { segments.reduce(0) { $0 + Int64($1.size) } }
    package var segmentCount: Int { segments.count }
    /// The base offset of the segment that is written.
    package var activeBaseOffset: Offset { active.baseOffset }

    // MARK: Transactions and producers

    /// The start of the oldest open transaction, nil without one.
    package var firstUnstableOffset: Offset? { producerTable.firstOpenOffset }

    /// What read_committed may read: the first offset of the oldest transaction open or not yet replicated, else the high watermark.
    package func lastStableOffset(highWatermark: Offset) -> Offset {
        producerTable.replicated(highWatermark: highWatermark)
        return max(logStartOffset, producerTable.lastStableOffset(highWatermark: highWatermark))
    }

    /// Whether the producer's transaction is open here, begun in this epoch: what it appends needs no other leave.
    package func hasOpenTransaction(producerID: Int64, producerEpoch: Int16) -> Bool { producerTable.isOpen(producerID, producerEpoch) }

    /// The producers with state here, by id (DescribeProducers).
    package var producers: [ProducerState] { producerTable.all }

    /// Aborted transactions that touch offsets from `from` up to `below`, for read_committed fetches.
    package func abortedTransactions(from: Offset, below: Offset) throws(LogError) -> [AbortedTransaction] {
        var out: [AbortedTransaction] = []
        for segment in segments[segmentIndex(holding: from)...] {
            for transaction in try segment.abortedTransactions() where transaction.lastOffset >= from {
                if transaction.firstOffset < below { out.append(transaction) }
                // Everything aborted later began at or behind this stable offset.
                if transaction.lastStableOffset >= below { return out }
            }
        }
        return out
    }

    // MARK: Leader epochs

    /// The leader epochs with their start offsets, ascending.
    package var leaderEpochs: [(epoch: LeaderEpoch, startOffset: Offset)] {
        epochs.entries.map { (epoch: $0.epoch, startOffset: $0.startOffset) }
    }
    package var latestLeaderEpoch: LeaderEpoch? { epochs.latest }

    /// Records that `epoch` begins at the log end. Called by a new leader before its first append; it is in the file before that append,
    /// and never where none follows, so that starting with many partitions writes nothing.
    package func beginLeaderEpoch(_ epoch: LeaderEpoch) throws(LogError) {
        try ensureOpen()
        assignEpoch(epoch, at: logEndOffset)
    }

    func assignEpoch(_ epoch: LeaderEpoch, at offset: Offset) {
        if epochs.assign(epoch, at: offset) { isEpochFileStale = true }
    }

    /// Brings `leader-epoch-checkpoint` up to date. It becomes durable with the batches that follow it (`SyncJob`); lost or torn, it is
    /// rebuilt from the batches.
    func writeEpochs() throws(LogError) {
        guard isEpochFileStale else { return }
        let path = directory + "/" + LogFileName.leaderEpochs
        try onDisk { () throws(DiskError) in try disk.replaceUnsynced(path, with: Bytes(epochs.text)) }
        isEpochFileUnsynced = true
        isEpochFileStale = false
    }

    /// OffsetForLeaderEpoch: the largest epoch not above `epoch`, and where it ends; nil where none is known.
    package func endOffset(forEpoch epoch: LeaderEpoch) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        epochs.end(of: epoch, logEnd: logEndOffset)
    }
    /// The epoch that wrote `offset`.
    package func leaderEpoch(at offset: Offset) -> LeaderEpoch? { epochs.epoch(at: offset) }

    // MARK: Segments

    /// The index of the last segment that begins at or before `offset`; 0 below all of them.
    func segmentIndex(holding offset: Offset) -> Int {
        if active.baseOffset <= offset { return segments.count - 1 }
        return max(0, partitionPoint(segments.count) { segments[$0].baseOffset <= offset } - 1)
    }

    /// Lets the file of the inactive segment go that was read before this one.
    func touch(_ segment: Segment) {
        guard segment !== active else { return }
        if let lastRead, lastRead !== segment, lastRead !== active { lastRead.letGo() }
        lastRead = segment
    }

    func ensureOpen() throws(LogError) { if isClosed { throw .closed } }
}

/// A ring of the newest batches of the active segment: offset to place without the disk.
struct RecentBatches {
    struct Entry {
        var baseOffset: Offset
        var lastOffset: Offset
        var position: Int
        var size: Int
    }

    private var ring = Ring<Entry>(capacity: 64)

    mutating func append(_ header: BatchHeader, position: Int) {
        ring.append(
            Entry(baseOffset: header.baseOffset, lastOffset: header.lastOffset, position: position, size: header.sizeInBytes))
    }

    mutating func removeAll() { ring.removeAll() }

    /// The batch that holds `offset`, or the first behind it; nil where the ring does not reach back that far.
    func find(_ offset: Offset) -> Entry? {
        guard let oldest = ring.first, oldest.baseOffset <= offset else { return nil }
        let index = partitionPoint(ring.count) { ring[$0].lastOffset < offset }
        return index < ring.count ? ring[index] : nil
    }
}
