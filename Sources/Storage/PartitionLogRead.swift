import Primitives
import Records

extension PartitionLog {
    /// Whole batches from the one that holds `from`, below `below` (high watermark, last stable offset or log end), up to `maxBytes`;
    /// with `minOneBatch` at least one batch, however large. Empty at and above `below`. Throws `.offsetOutOfRange`.
    ///
    /// A slice lies in one segment. It ends at a batch boundary, so no client has to fetch the rest of a batch twice.
    package func read(from: Offset, maxBytes: Int, below: Offset, minOneBatch: Bool) throws(LogError) -> LogSlice {
        try ensureOpen()
        guard from >= logStartOffset, from <= logEndOffset else {
            throw .offsetOutOfRange(requested: from, logStart: logStartOffset, logEnd: logEndOffset)
        }
        let limit = min(below, logEndOffset)
        guard from < limit else { return .empty(at: from) }
        var index = segmentIndex(holding: from)
        while index < segments.count {
            let segment = segments[index]
            let start = try locate(from, in: segment)
            // Known before, or found on the way there.
            if let range = segment.damage.first(where: { $0.contains(from) }) { throw .rotten(range) }
            if let start {
                let isLast = index + 1 == segments.count
                let reachesEnd = isLast ? limit >= logEndOffset : limit >= segments[index + 1].baseOffset
                let end = reachesEnd ? segment.size : try locate(limit, in: segment)?.position ?? segment.size
                return try slice(segment, start, end: end, maxBytes: maxBytes, minOneBatch: minOneBatch, asked: from)
            }
            // Compaction may have left nothing at or behind this offset here.
            index += 1
        }
        return .empty(at: from)
    }

    private func slice(
        _ segment: Segment, _ start: RecentBatches.Entry, end: Int, maxBytes: Int, minOneBatch: Bool, asked: Offset
    ) throws(LogError) -> LogSlice {
        guard start.position < end else { return .empty(at: asked) }
        // What is known to be rotten is given to nobody.
        let end = segment.damage.first { $0.start >= start.position }.map { min(end, $0.start) } ?? end
        var stop = end
        if end - start.position > maxBytes {
            stop = min(end, try segment.boundary(from: start.position, notBeyond: start.position + max(0, maxBytes)))
            if stop <= start.position { stop = minOneBatch ? start.position + start.size : start.position }
        }
        guard stop > start.position else { return .empty(at: asked) }
        touch(segment)
        return LogSlice(
            file: try segment.file(), position: start.position, length: stop - start.position, baseOffset: start.baseOffset)
    }

    /// The batch of `segment` that holds `offset`, or the first behind it.
    private func locate(_ offset: Offset, in segment: Segment) throws(LogError) -> RecentBatches.Entry? {
        if segment === active, let entry = recent.find(offset) { return entry }
        touch(segment)
        let place: Segment.Place?
        do { place = try find(offset, in: segment) } catch .damaged {
            // An old segment's index may be garbage after a crash; the batches themselves are the truth.
            try rebuildIndexes(of: segment)
            place = try find(offset, in: segment)
        }
        guard let place else { return nil }
        return RecentBatches.Entry(
            baseOffset: place.header.baseOffset, lastOffset: place.header.lastOffset, position: place.position,
            size: place.header.sizeInBytes)
    }

    /// `Segment.find`, held against where the segment's offsets end: a base offset is under no checksum.
    private func find(_ offset: Offset, in segment: Segment) throws(LogError) -> Segment.Place? {
        guard let place = try segment.find(offset) else { return nil }
        guard place.header.nextOffset <= offsetBehind(segment) else { throw segment.outOfPlace(place) }
        return place
    }

    /// The first record at or after `timestamp` (ListOffsets), nil where there is none. The caller holds it against the high watermark.
    package func offset(forTimestamp timestamp: Timestamp) throws(LogError) -> TimestampOffset? {
        try ensureOpen()
        for segment in segments[segmentIndex(holding: logStartOffset)...] where !segment.isEmpty {
            guard try segment.newestTimestamp().timestamp >= timestamp else { continue }
            touch(segment)
            if let found = try segment.find(timestamp: timestamp, notBelow: logStartOffset, codecs: codecs) { return found }
        }
        return nil
    }

    /// The record with the largest timestamp (ListOffsets -3), nil in an empty log.
    package func offsetOfMaxTimestamp() throws(LogError) -> TimestampOffset? {
        try ensureOpen()
        var best: (segment: Segment, timestamp: Timestamp)?
        for segment in segments[segmentIndex(holding: logStartOffset)...] where !segment.isEmpty {
            let newest = try segment.newestTimestamp().timestamp
            if newest > best?.timestamp ?? .none { best = (segment, newest) }
        }
        guard let best else { return nil }
        touch(best.segment)
        return try best.segment.newestRecord(codecs: codecs)
    }

    /// The batches from `from` up to `below` as bytes, for the broker's own reading (loading a coordinator's state). At most `maxBytes`
    /// at a time, at least one batch; empty at the end.
    package func readBatches(from: Offset, below: Offset, maxBytes: Int = 1 << 20) throws(LogError) -> [RecordBatch] {
        let slice = try read(from: from, maxBytes: maxBytes, below: below, minOneBatch: true)
        let bytes = try slice.bytes()
        do { return try BatchWalk.all(in: bytes) } catch { throw .batch(error) }
    }
}
