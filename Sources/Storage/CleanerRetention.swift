import Primitives
import Records

/// What of a batch survives compaction, and why. Kafka's rules, which KIP-98 (producers, markers) and KIP-534 (delete horizon) explain:
///
/// - a record stays where no newer one has its key; records behind what the map covers stay;
/// - a tombstone that stays gets a horizon with its batch, `delete.retention.ms` ahead, and goes in the first pass after it;
/// - records of aborted transactions go; a marker gets its horizon when no data of its transaction is left;
/// - the last batch of a producer stays, empty if need be, because its sequence is there, and so does the last batch of the pass.
struct CleanerRetention {
    /// The newest of what a producer has written.
    struct LastRecord {
        /// nil where it has written markers only.
        var dataOffset: Offset?
        var epoch: Int16
    }

    let map: CleanerMap
    let now: Timestamp
    let deleteRetentionMs: Int64
    /// The pass covers the log up to here.
    let endOffset: Offset
    let producers: [Int64: LastRecord]
    let codecs: Codecs

    /// The batch as it stays; nil where it goes.
    func kept(_ batch: RecordBatch, isAborted: Bool) throws(BatchError) -> RecordBatch? {
        let header = batch.header
        let mustStay = isLastOfProducer(header) || header.nextOffset == endOffset
        if isAborted { return mustStay ? batch.emptied() : nil }
        if header.recordCount == 0 { return mustStay ? batch : nil }
        let horizonPassed = header.hasDeleteHorizon && now >= header.baseTimestamp
        var tombstones = false
        let selection = try batch.select(codecs) { (shape, payload) in
            let offset = header.baseOffset + Int64(shape.offsetDelta)
            let stays = offset > map.latestOffset || isLatest(shape, payload, offset, horizonPassed: horizonPassed)
            if stays && shape.valueLength < 0 { tombstones = true }
            return stays
        }
        if selection.count == 0 { return mustStay ? batch.emptied() : nil }
        let horizon = tombstones && !header.hasDeleteHorizon ? newHorizon : nil
        if selection.count == header.recordCount && horizon == nil { return batch }
        return try batch.with(selection, deleteHorizon: horizon, codecs)
    }

    private func isLatest(_ shape: RecordShape, _ payload: UnsafeRawPointer, _ offset: Offset, horizonPassed: Bool) -> Bool {
        // A record without a key never belongs here: from before the topic was compacted.
        guard shape.keyLength >= 0 else { return false }
        if let latest = map.latest(payload + shape.keyAt, shape.keyLength), offset < latest { return false }
        return shape.valueLength >= 0 || !horizonPassed
    }

    /// A transaction's marker. `isEmpty`: nothing of its transaction is left before it.
    func kept(marker batch: RecordBatch, isEmpty: Bool) throws(BatchError) -> RecordBatch? {
        let header = batch.header
        guard isEmpty, header.recordCount > 0 else { return batch }
        if header.hasDeleteHorizon, now >= header.baseTimestamp {
            // A marker that is the last of its producer tells the epoch, which fences the producer's past.
            if isLastOfProducer(header) { return batch }
            return header.nextOffset == endOffset ? batch.emptied() : nil
        }
        guard !header.hasDeleteHorizon else { return batch }
        let all = try batch.select(codecs) { (_, _) in true }
        return try batch.with(all, deleteHorizon: newHorizon, codecs)
    }

    /// An empty marker of an earlier pass, kept only as the end of that pass.
    func kept(emptyControl batch: RecordBatch) -> RecordBatch? {
        isLastOfProducer(batch.header) || batch.header.nextOffset == endOffset ? batch : nil
    }

    private var newHorizon: Timestamp {
        let (sum, overflow) = now.milliseconds.addingReportingOverflow(deleteRetentionMs)
        return Timestamp(milliseconds: overflow ? .max : sum)
    }

    private func isLastOfProducer(_ header: BatchHeader) -> Bool {
        guard header.hasProducerID, let last = producers[header.producerID] else { return false }
        if let offset = last.dataOffset { return header.lastOffset == offset && !header.isControl }
        return header.isControl && header.producerEpoch == last.epoch
    }
}
