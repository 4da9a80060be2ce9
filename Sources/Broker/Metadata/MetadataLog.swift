import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// What is told once some metadata records are committed and applied here, or could not be written.
package typealias MetadataCompletion = @Sendable (inout Broker, ErrorCode) -> Void

/// This node's part in the metadata quorum: the log `__cluster_metadata-0`, the quorum's machine, and what is in the log and not
/// committed yet. Owner: the broker's thread.
///
/// At the leader a change runs so: the controller decides on its own image; its records are appended here and applied to that image at
/// once, so that the next decision sees them; when the quorum says they are committed they are applied to the broker's image, from which
/// everything else follows; then the parked response is sent. A follower appends what it fetches and applies it when it hears that it is
/// committed. Whoever becomes leader makes its controller of the committed image and of what waits here.
final class MetadataLog {
    /// Records in the log that are not committed here, with the offset of the first, and who waits for them.
    struct Pending {
        let baseOffset: Offset
        let records: [MetadataRecord]
        var done: MetadataCompletion?
        var endOffset: Offset { baseOffset + Int64(records.count) }
    }

    let log: PartitionLog
    var quorum: QuorumMachine

    /// When its quorum next wants the time. What waits for the disk holds everything up, the machine's own times too.
    var nextDeadline: Instant {
        if hasFailed { return .distantFuture }
        return todo.isEmpty ? min(quorum.nextDeadline, retryAt, snapshots.nextAt) : retryAt
    }
    var pending: [Pending] = []
    /// All below was applied to the broker's image.
    var appliedEnd: Offset = .zero
    /// This node leads the quorum, has applied all that was decided before, and has not been deposed.
    var isActive = false

    /// Who led the quorum last, as far as this node heard, and who before.
    struct KnownLeader: Equatable {
        let id: BrokerID
        let epoch: LeaderEpoch
    }
    var knownLeader: KnownLeader?
    var leaderBefore: KnownLeader?

    /// What `quorum-state` says: behind the machine's own state while the disk refuses, and then nobody is told of the difference.
    var writtenState: QuorumState
    /// Effects of the quorum's machine that are not done yet, in order. They wait where the disk refuses what must come first.
    var todo: [QuorumEffect] = []
    var isWorking = false
    /// A sync has failed: nothing here counts any more, until the node starts again.
    var hasFailed = false
    /// When the disk is tried again.
    var retryAt: Instant = .distantFuture
    /// While `start` runs the disk is waited for.
    var waitsForDisk = true
    /// A sync is under way; what is appended meanwhile waits for the next. One that began before the log was cut tells nothing.
    var isSyncing = false
    var syncGeneration = 0

    /// Requests of peers that are not answered yet.
    var asked = QuorumRequests()
    /// The records of the answer that is being handled.
    var fetched: [RecordBatch] = []
    /// The fetch that is under way, to be given up when another leader is asked.
    var fetchID: PeerRequestID?
    var snapshots = MetadataSnapshots()

    /// While the broker starts, what has changed is gathered: a partition is taken up once, as it is in the end.
    var startDelta = ClusterImageDelta()
    /// Alone, a node that starts has nobody who could decide otherwise: all that its log holds, and all that its controller decides, is
    /// committed as it stands, or the start fails. The changes are then gathered as the controller applies them, and the broker's image is
    /// the controller's: nothing is gone through twice.
    var isForeseen = false

    init(log: PartitionLog, quorum: QuorumMachine) {
        self.log = log
        self.quorum = quorum
        writtenState = quorum.state
    }

    static let partition = TopicPartition(TopicNames.metadata, 0)
    static func statePath(_ log: PartitionLog) -> String { log.directory + "/quorum-state" }

    static func logConfig(_ config: BrokerConfig) -> LogConfig {
        var settings = LogConfig()
        settings.segmentBytesMax = config.metadataLogSegmentBytes
        settings.retentionMilliseconds = -1
        settings.retentionBytes = -1
        settings.isDeleting = false
        settings.batchBytesMax = .max
        settings.timestampBeforeMaxMilliseconds = .max
        settings.timestampAfterMaxMilliseconds = .max
        return settings
    }

    /// One batch with these values, as the controller writes it.
    static func batch(_ values: [(key: Bytes?, value: Bytes)], epoch: LeaderEpoch, now: Now, isControl: Bool) -> Bytes {
        var builder = BatchBuilder(isControl: isControl, leaderEpoch: epoch)
        for (key, value) in values { builder.append(timestamp: now.wall, key: key, value: value) }
        return builder.buildUncompressed()
    }

    /// The metadata in a batch; nothing in a control batch. Throws where the batch is unreadable.
    static func records(_ batch: RecordBatch, _ codecs: Codecs) throws -> [MetadataRecord] {
        guard !batch.header.isControl else { return [] }
        return try batch.records(codecs).map { record in
            guard let value = record.value else { throw WireError.unexpectedNull }
            return try MetadataRecord.decode(value)
        }
    }

    /// Puts what a batch says with what is not committed yet.
    func expect(_ records: [MetadataRecord], at offset: Offset, done: MetadataCompletion? = nil) {
        guard !records.isEmpty else { return }
        pending.append(Pending(baseOffset: offset, records: records, done: done))
    }

    /// Reads the whole log into `pending`.
    func load(_ codecs: Codecs) throws(BrokerStartError) {
        var next = max(log.logStartOffset, quorum.highWatermark)
        while next < log.logEndOffset {
            do {
                let batches = try log.readBatches(from: next, below: log.logEndOffset)
                guard !batches.isEmpty else { return }
                for batch in batches {
                    expect(try MetadataLog.records(batch, codecs), at: batch.header.baseOffset)
                    next = batch.header.nextOffset
                }
            } catch {
                throw .damaged("the metadata log cannot be read at offset \(next): \(error)")
            }
        }
    }
}

extension QuorumLog {
    /// The log as its machine sees it. `startEpoch` is that of the snapshot the log begins behind.
    init(_ log: PartitionLog, startEpoch: LeaderEpoch) {
        self.init(
            startOffset: log.logStartOffset, startEpoch: startEpoch, endOffset: log.logEndOffset, syncedOffset: log.syncedOffset,
            epochs: log.leaderEpochs.map { EpochStart(epoch: $0.epoch, startOffset: max($0.startOffset, log.logStartOffset)) })
    }
}

/// Why a broker did not start, in words for the person who started it.
package enum BrokerStartError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The data directory cannot be read or written.
    case unreadable(String)
    /// It belongs to another node, cluster or program.
    case foreign(String)
    /// Its contents contradict themselves.
    case damaged(String)

    package var description: String {
        switch self {
        case .unreadable(let text), .foreign(let text), .damaged(let text): text
        }
    }
}
