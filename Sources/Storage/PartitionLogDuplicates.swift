import Primitives
import Records

/// Recognising a batch that comes again when the table of producers no longer has it. A snapshot holds each producer's newest batch only
/// (Kafka's format), so that after a restart a client with several batches under way would be told that those before the newest are out of
/// order: it cannot know that they are in the log. They are looked for there.
extension PartitionLog {
    /// How far back a segment is looked through: more than what clients have under way.
    static let duplicateSearchBytes = 16 << 20

    /// The batch in the log that `header` repeats, where the table knows the producer by fewer batches than it keeps.
    func written(_ header: BatchHeader) throws(LogError) -> ProducerBatch? {
        guard let oldest = producerTable.oldestKnown(header), oldest.baseOffset > logStartOffset else { return nil }
        let index = segmentIndex(holding: oldest.baseOffset)
        // Where a segment was begun a snapshot was taken, so what is missing mostly lies in the one before.
        for place in [index, index - 1] where segments.indices.contains(place) {
            touch(segments[place])
            if let found = try segments[place].written(header, before: oldest.baseOffset) { return found }
        }
        return nil
    }
}

extension Segment {
    fileprivate func written(_ header: BatchHeader, before offset: Offset) throws(LogError) -> ProducerBatch? {
        let end = try find(offset)?.position ?? size
        let start = try boundary(from: 0, notBeyond: max(0, end - PartitionLog.duplicateSearchBytes))
        var scan = HeaderScan(try file(), from: min(start, end), to: end, damage: damage)
        while let (found, _) = try scan.next() {
            guard found.producerID == header.producerID, found.producerEpoch == header.producerEpoch, !found.isControl else { continue }
            guard found.baseSequence == header.baseSequence, found.lastOffsetDelta == header.lastOffsetDelta else { continue }
            return ProducerBatch(
                lastSequence: found.lastSequence, lastOffset: found.lastOffset, offsetDelta: found.lastOffsetDelta,
                timestamp: found.maxTimestamp)
        }
        return nil
    }
}
