import Primitives
import Records

/// The bounds of compaction, the same for all logs of a broker.
package struct CleanerLimits: Equatable, Sendable {
    /// `log.cleaner.dedupe.buffer.size`, of one pass.
    package var mapBytesMax = 128 << 20
    /// `log.cleaner.io.buffer.load.factor`.
    package var mapLoadFactor = 0.9
    /// `log.cleaner.io.buffer.size`: read, and gathered before a write, at a time. One batch may be larger.
    package var pieceBytes = 512 << 10

    package init() {}
}

/// What one step of a pass came to.
package enum CleaningOutcome: Sendable {
    /// The newest offset of each key is known.
    case mapped
    /// One segment is written, to take the place of some: `PartitionLog.adopt`.
    case cleaned(CleanedGroup)
    /// Nothing is left to do. Everything below is compacted.
    case finished(through: Offset)
    /// `pace` said to stop.
    case cancelled
    case failed(LogError)
}

/// A segment written by compaction and the segments it replaces. Handed from the worker to the log's owner with the outcome.
package struct CleanedGroup: @unchecked Sendable {
    let segment: Segment
    let sources: [CleanerSource]
    package var bytesBefore: Int { sources.reduce(0) { $0 + $1.size } }
    package var bytesAfter: Int { segment.size }
}

/// One segment as it is compacted: no longer written, so it may be read beside everything else.
struct CleanerSource: Sendable {
    let baseOffset: Offset
    /// The next segment's base offset.
    let endOffset: Offset
    let size: Int
}

/// One pass of compaction over one log, in steps, for a worker: first the map of the newest offset of each key in the dirty part, then
/// segment by segment what is left of the log from its start. Between the steps the log's owner puts each new segment in place.
///
/// Owner: whoever makes the next step; the log's owner between two of them, never both. Memory: the map, two pieces and one batch.
package final class CleaningRun: @unchecked Sendable {
    package let partition: TopicPartition
    /// Where this pass began to look for newer records.
    package let firstDirtyOffset: Offset
    let directory: String
    /// How often the log had been cut when this began.
    let cuts: Int
    private let disk: any Disk
    private let codecs: Codecs
    private let config: LogConfig
    private let limits: CleanerLimits
    private let sources: [CleanerSource]
    var startOffset: Offset { sources.first?.baseOffset ?? firstDirtyOffset }
    private let uncleanableOffset: Offset
    private let aborted: [AbortedTransaction]
    private let producers: [Int64: CleanerRetention.LastRecord]
    private let secret: KeyHash.Secret
    private let now: Timestamp
    private var stage = Stage.mapping
    /// Up to where the log is compacted when the pass is over.
    private var through = Offset.zero
    private var transactions: CleanerTransactions
    /// Bytes read and written, whole records kept.
    package private(set) var bytesRead = 0
    package private(set) var bytesWritten = 0

    private enum Stage {
        case mapping
        case cleaning(CleanerRetention, groups: [[CleanerSource]])
        case finished
    }

    init(
        _ log: PartitionLog, sources: [CleanerSource], aborted: [AbortedTransaction], dirty: Range<Offset>, limits: CleanerLimits,
        seed: UInt64, now: Timestamp
    ) {
        (partition, directory, disk, codecs, config) = (log.partition, log.directory, log.disk, log.codecs, log.config)
        (self.sources, self.aborted, self.limits, self.now) = (sources, aborted, limits, now)
        (firstDirtyOffset, uncleanableOffset, cuts) = (dirty.lowerBound, dirty.upperBound, log.cuts)
        var producers: [Int64: CleanerRetention.LastRecord] = [:]
        for state in log.producers {
            let offset = state.lastOffset == .none ? nil : state.lastOffset
            producers[state.producerID] = CleanerRetention.LastRecord(dataOffset: offset, epoch: state.producerEpoch)
        }
        self.producers = producers
        var random = PRNG(seed: seed)
        secret = KeyHash.Secret(k0: random.next(), k1: random.next())
        transactions = CleanerTransactions(aborted)
    }

    /// The next step. `pace` is told of bytes read or written; it may take its time, and false from it ends the pass.
    package func step(_ pace: (Int) -> Bool) -> CleaningOutcome {
        do throws(Stopped) {
            switch stage {
            case .mapping:
                try makeMap(pace)
                return .mapped
            case .cleaning(let retention, let groups):
                guard let group = groups.first else {
                    stage = .finished
                    return .finished(through: through)
                }
                let segment = try clean(group, retention, pace)
                stage = .cleaning(retention, groups: Array(groups.dropFirst()))
                return .cleaned(CleanedGroup(segment: segment, sources: group))
            case .finished: return .finished(through: through)
            }
        } catch {
            switch error {
            case .cancelled: return .cancelled
            case .failed(let reason): return .failed(reason)
            }
        }
    }

    /// Why a step ended early.
    private enum Stopped: Error {
        case cancelled
        case failed(LogError)
    }

    // MARK: The map

    private func makeMap(_ pace: (Int) -> Bool) throws(Stopped) {
        let dirty = sources.filter { $0.size > 0 && $0.endOffset > firstDirtyOffset }
        let map = CleanerMap(
            keysMax: try countRecords(dirty, pace), bytesMax: limits.mapBytesMax, loadFactor: limits.mapLoadFactor, secret: secret)
        // What was over before the dirty part began must not be held against its producer's later batches.
        let begin = dirty.first?.baseOffset ?? firstDirtyOffset
        var markers = CleanerTransactions(aborted.filter { $0.lastOffset >= begin })
        var fits = true
        for source in dirty where fits { fits = try enter(source, into: map, &markers, pace) }
        let seen = max(firstDirtyOffset, map.latestOffset + 1)
        through = fits ? uncleanableOffset : seen
        // The last batch stays, where a log has gaps too: who reads must be able to come to its end.
        let retention = CleanerRetention(
            map: map, now: now, deleteRetentionMs: config.deleteRetentionMilliseconds, endOffset: seen, producers: producers,
            codecs: codecs)
        stage = .cleaning(retention, groups: CleanerGroups.make(sources.filter { $0.baseOffset < through }, config))
    }

    /// An upper bound of the keys there can be, by the headers alone.
    private func countRecords(_ dirty: [CleanerSource], _ pace: (Int) -> Bool) throws(Stopped) -> Int {
        var count = 0
        for source in dirty {
            let file = try stopping { () throws(LogError) in try self.file(source) }
            var scan = HeaderScan(file, from: 0, to: source.size, pieceSize: 64 << 10)
            func next() throws(Stopped) -> BatchHeader? {
                do { return try scan.next()?.header } catch { throw .failed(error) }
            }
            while let header = try next() {
                if header.lastOffset >= firstDirtyOffset, !header.isControl { count += Int(header.recordCount) }
                guard pace(BatchHeader.size) else { throw .cancelled }
            }
        }
        return count
    }

    /// False where the map is full: the pass covers what came before.
    private func enter(
        _ source: CleanerSource, into map: CleanerMap, _ markers: inout CleanerTransactions, _ pace: (Int) -> Bool
    ) throws(Stopped) -> Bool {
        var fits = true
        try forEachBatch(source, pace) { (batch) throws(Stopped) in
            let header = batch.header
            if header.isControl {
                if let marker = try marker(batch) { _ = markers.ended(header, isCommit: marker.isCommit) }
            } else if !markers.isAborted(header), header.lastOffset >= firstDirtyOffset {
                try inBatch { () throws(BatchError) in
                    _ = try batch.select(codecs) { (shape, payload) in
                        let offset = header.baseOffset + Int64(shape.offsetDelta)
                        guard fits, offset >= firstDirtyOffset, shape.keyLength >= 0 else { return false }
                        fits = map.put(payload + shape.keyAt, shape.keyLength, offset)
                        return false
                    }
                }
            }
            if fits, header.lastOffset >= firstDirtyOffset { map.seen(header.lastOffset) }
            return fits
        }
        return fits
    }

    // MARK: The segments

    private func clean(_ group: [CleanerSource], _ retention: CleanerRetention, _ pace: (Int) -> Bool) throws(Stopped) -> Segment {
        var output = try stopping { () throws(LogError) in
            try CleanerOutput(disk, directory, group[0].baseOffset, config: config, gatherBytes: limits.pieceBytes)
        }
        do throws(Stopped) {
            for source in group {
                try forEachBatch(source, pace) { (batch) throws(Stopped) in
                    let kept = try inBatch { () throws(BatchError) in try judge(batch, retention, output.segment) }
                    guard let kept else { return true }
                    let before = output.bytesWritten
                    try stopping { () throws(LogError) in try output.append(kept) }
                    guard pace(output.bytesWritten - before) else { throw .cancelled }
                    return true
                }
            }
            try stopping { () throws(LogError) in try output.finish() }
            bytesWritten += output.bytesWritten
        } catch {
            output.segment.discard()
            throw error
        }
        return output.segment
    }

    private func judge(_ batch: RecordBatch, _ retention: CleanerRetention, _ segment: Segment) throws(BatchError) -> RecordBatch? {
        guard batch.header.isControl else {
            return try retention.kept(batch, isAborted: transactions.isAborted(batch.header))
        }
        guard batch.header.hasProducerID else { return batch }
        guard let marker = try batch.records(codecs).first.flatMap({ EndTransactionMarker($0) }) else {
            return batch.header.recordCount == 0 ? retention.kept(emptyControl: batch) : batch
        }
        let (isEmpty, stillAborted) = transactions.ended(batch.header, isCommit: marker.isCommit)
        if let stillAborted { try? segment.addAborted(stillAborted) }
        return try retention.kept(marker: batch, isEmpty: isEmpty)
    }

    // MARK: Reading

    private func file(_ source: CleanerSource) throws(LogError) -> any DiskFile {
        let path = directory + "/" + SegmentFile.log.name(source.baseOffset)
        return try onDisk { () throws(DiskError) in try disk.open(path, create: false) }
    }

    private func marker(_ batch: RecordBatch) throws(Stopped) -> EndTransactionMarker? {
        guard batch.header.hasProducerID else { return nil }
        return try inBatch { () throws(BatchError) in try batch.records(codecs).first.flatMap { EndTransactionMarker($0) } }
    }

    private func inBatch<R>(_ body: () throws(BatchError) -> R) throws(Stopped) -> R {
        do { return try body() } catch { throw .failed(.batch(error)) }
    }

    private func stopping<R>(_ body: () throws(LogError) -> R) throws(Stopped) -> R {
        do { return try body() } catch { throw .failed(error) }
    }

    /// Every batch of a segment until `body` returns false, its checksum verified: compaction must not give damage a good checksum.
    private func forEachBatch(
        _ source: CleanerSource, _ pace: (Int) -> Bool, _ body: (RecordBatch) throws(Stopped) -> Bool
    ) throws(Stopped) {
        let file = try stopping { () throws(LogError) in try self.file(source) }
        var scan = RecoveryScan(file, size: source.size, baseOffset: source.baseOffset, pieceSize: limits.pieceBytes)
        func next() throws(Stopped) -> RecordBatch? {
            do { return try scan.next()?.batch } catch { throw .failed(error) }
        }
        while let batch = try next() {
            bytesRead += batch.bytes.count
            guard pace(batch.bytes.count) else { throw .cancelled }
            guard try body(batch) else { return }
        }
        guard scan.position == source.size else {
            throw .failed(.damaged("\(file.path) at \(scan.position): no whole batch with a good checksum"))
        }
    }
}

/// Which segments become one: small ones are joined up to the size of a full one.
enum CleanerGroups {
    static func make(_ sources: [CleanerSource], _ config: LogConfig) -> [[CleanerSource]] {
        // As many entries as the indexes of one segment may hold, at one per interval.
        let entriesMax = max(1, config.indexBytesMax / TimeIndex.entrySize - 1)
        let indexed = Int64(entriesMax) * Int64(max(1, config.indexIntervalBytes))
        let bytesMax = min(Int64(config.segmentBytesMax), indexed)
        var groups: [[CleanerSource]] = []
        var bytes: Int64 = 0
        for source in sources {
            let base = groups.last?.first?.baseOffset ?? source.baseOffset
            let fits = bytes + Int64(source.size) <= bytesMax && source.endOffset - base <= Int64(Int32.max)
            if !groups.isEmpty && fits {
                groups[groups.count - 1].append(source)
                bytes += Int64(source.size)
            } else {
                groups.append([source])
                bytes = Int64(source.size)
            }
        }
        return groups
    }
}
