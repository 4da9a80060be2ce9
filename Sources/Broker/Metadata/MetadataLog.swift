import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// What is told once some metadata records are committed and applied here, or could not be written.
package typealias MetadataCompletion = @Sendable (inout Broker, ErrorCode) -> Void

/// This node's part in the metadata quorum: the log `__cluster_metadata-0`, the quorum's machine and the controller.
///
/// A change runs so: the controller decides on its own image; its records are appended here and applied to that image at once, so that the
/// next decision sees them; when the quorum says they are committed they are applied to the broker's image, from which everything else
/// follows; then the parked response is sent. Owner: the broker's thread.
struct MetadataLog {
    /// Records appended and not yet committed, with the offset of the first, and who waits for them.
    struct Proposal {
        let baseOffset: Offset
        let records: [MetadataRecord]
        let done: MetadataCompletion
        var endOffset: Offset { baseOffset + Int64(records.count) }
    }

    let log: PartitionLog
    var quorum: QuorumMachine
    var proposals: [Proposal] = []
    /// A sync is under way; what is appended meanwhile waits for the next.
    var isSyncing = false
    /// While the broker starts, the disk is waited for, and what has changed is gathered: a partition is taken up once, as it is in the
    /// end.
    var isStarting = true
    var startDelta = ClusterImageDelta()

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

    /// Every data record of the log in order, with its offset.
    static func replay(_ log: PartitionLog, _ codecs: Codecs, _ body: (Offset, MetadataRecord) -> Void) throws(BrokerStartError) {
        var next = log.logStartOffset
        while next < log.logEndOffset {
            let records: [Record]
            do {
                let slice = try log.read(from: next, maxBytes: 1 << 20, below: log.logEndOffset, minOneBatch: true)
                var walk = BatchWalk(try slice.bytes())
                var found: [Record] = []
                while let batch = try walk.next() {
                    next = batch.header.nextOffset
                    if !batch.header.isControl { found += try batch.records(codecs) }
                }
                if slice.isEmpty { return }
                records = found
            } catch {
                throw .damaged("the metadata log cannot be read at offset \(next): \(error)")
            }
            for record in records {
                guard let value = record.value else { continue }
                do throws(WireError) {
                    body(record.offset, try MetadataRecord.decode(value))
                } catch {
                    throw .damaged("the metadata log has an unreadable record at offset \(record.offset): \(error)")
                }
            }
        }
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
