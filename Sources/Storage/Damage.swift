import Primitives
import Records

/// Bytes of a segment that are not what was written there, and the offsets that are lost with them: from the end of a good batch to the
/// beginning of the next.
package struct DamagedRange: Error, Equatable, Sendable {
    /// The base offset of the segment.
    package var segment: Offset
    package var start: Int
    package var end: Int
    package var firstOffset: Offset
    package var nextOffset: Offset

    package init(segment: Offset, start: Int, end: Int, firstOffset: Offset, nextOffset: Offset) {
        (self.segment, self.start, self.end) = (segment, start, end)
        (self.firstOffset, self.nextOffset) = (firstOffset, nextOffset)
    }

    package var length: Int { end - start }
    package var lastOffset: Offset { nextOffset + -1 }
    package func contains(_ offset: Offset) -> Bool { firstOffset <= offset && offset < nextOffset }
}

/// Where a scrub goes on. It holds while the log is not cut and the segment is there.
package struct ScrubPlace: Equatable, Sendable {
    var segment: Offset
    var position: Int
    var nextOffset: Offset
    var cuts: Int
}

// Bit rot: finding it before somebody reads it, and putting another replica's bytes in its place.
//
// The replicas of a partition hold the same batches, byte for byte, so what is rotten in one is overwritten with what another has: the log
// keeps its length, its indexes and its place among the in-sync replicas. Nothing is cut, which would take back what was acknowledged.
extension PartitionLog {
    /// All that is known to be rotten and can still be read.
    package var damage: [DamagedRange] { segments.flatMap(\.damage).filter { $0.nextOffset > logStartOffset } }

    /// Checks every batch from `place` on (nil: the beginning), up to about `bytesMax` and at least one. Tells where to go on, nil at the
    /// end, how much was read, and whether rot was found that was not known: then the whole segment was looked at.
    package func scrub(
        from place: ScrubPlace?, bytesMax: Int
    ) throws(LogError) -> (next: ScrubPlace?, bytes: Int, hasFound: Bool) {
        try ensureOpen()
        guard !isDeferred, let (index, start) = resume(place) else { return (nil, 0, false) }
        let segment = segments[index]
        // A little more than is wanted, for the batch that crosses the end.
        var scan = try self.scan(segment, pieceSize: min(RecoveryScan.pieceBytes, bytesMax + bytesMax / 4))
        scan.go(to: start.position, nextOffset: start.nextOffset)
        touch(segment)
        var isBad = false
        while scan.position < segment.size, scan.position - start.position < bytesMax {
            if try scan.next() == nil {
                isBad = true
                break
            }
        }
        let read = scan.position - start.position
        if isBad { return (self.place(behind: index), read, try inspect(segment)) }
        if scan.position < segment.size {
            return (ScrubPlace(segment: segment.baseOffset, position: scan.position, nextOffset: scan.nextOffset, cuts: cuts), read, false)
        }
        return (self.place(behind: index), read, false)
    }

    private func resume(_ place: ScrubPlace?) -> (index: Int, place: ScrubPlace)? {
        let wanted = place?.segment ?? .zero
        guard let index = segments.firstIndex(where: { $0.baseOffset >= wanted }) else { return nil }
        let segment = segments[index]
        let begin = ScrubPlace(segment: segment.baseOffset, position: 0, nextOffset: segment.baseOffset, cuts: cuts)
        guard var place, place.segment == segment.baseOffset, place.cuts == cuts, place.position <= segment.size else {
            return (index, begin)
        }
        for range in segment.damage where range.start == place.position {
            (place.position, place.nextOffset) = (range.end, range.nextOffset)
        }
        return (index, place)
    }

    private func place(behind index: Int) -> ScrubPlace? {
        guard index + 1 < segments.count else { return nil }
        let base = segments[index + 1].baseOffset
        return ScrubPlace(segment: base, position: 0, nextOffset: base, cuts: cuts)
    }

    /// Checks the segment that holds `offset`. Whether rot was found that was not known.
    package func inspect(at offset: Offset) throws(LogError) -> Bool {
        try ensureOpen()
        if isDeferred { return false }
        return try inspect(segments[segmentIndex(holding: offset)])
    }

    /// The bytes of a slice, every batch of them good; where one is not, its segment is looked at. Throws `.rotten`.
    @discardableResult
    package func verified(_ slice: LogSlice) throws(LogError) -> Bytes {
        let bytes = try slice.bytes()
        do {
            for batch in try BatchWalk.all(in: bytes) where !batch.isChecksumValid { throw BatchError.corrupt("checksum") }
        } catch {
            _ = try inspect(at: slice.baseOffset)
            if let range = damage.first(where: { $0.nextOffset > slice.baseOffset }) { throw .rotten(range) }
        }
        return bytes
    }

    func inspect(_ segment: Segment) throws(LogError) -> Bool {
        let known = segment.damage
        var found: [DamagedRange] = []
        var scan = try scan(segment)
        touch(segment)
        while scan.position < segment.size {
            if try scan.next() != nil { continue }
            let position = scan.position
            guard let range = try scan.resynchronise() else {
                found.append(tail(of: segment, from: position, to: segment.size, scan.nextOffset))
                break
            }
            found.append(range)
        }
        segment.damage = found
        return found.contains { !known.contains($0) }
    }

    /// Whether all that a look-up of `offset` goes along is what was written, but for rot that is known: from the index's entry before it
    /// up to the batch that holds it.
    func isSound(_ segment: Segment, upTo offset: Offset) throws(LogError) -> Bool {
        let start: Int
        do { start = try segment.floorPosition(offset + -1) } catch .damaged { return false }
        var scan = try scan(segment, pieceSize: 64 << 10)
        scan.go(to: start, nextOffset: segment.baseOffset)
        while scan.position < segment.size {
            if let range = segment.damage.first(where: { $0.start <= scan.position && scan.position < $0.end }) {
                if range.nextOffset > offset { return true }
                scan.go(to: range.end, nextOffset: range.nextOffset)
                continue
            }
            guard let (batch, position) = try scan.next() else { return false }
            guard batch.header.lastOffset < offset else { return position > start || start == 0 }
        }
        return true
    }

    /// A walk that knows where the segment's offsets end, and which epochs wrote them.
    private func scan(_ segment: Segment, pieceSize: Int = RecoveryScan.pieceBytes) throws(LogError) -> RecoveryScan {
        RecoveryScan(
            try segment.file(), size: segment.size, baseOffset: segment.baseOffset, below: offsetBehind(segment),
            epochs: logStartOffset <= segment.baseOffset ? epochs : nil, pieceSize: pieceSize)
    }

    func offsetBehind(_ segment: Segment) -> Offset {
        let index = segmentIndex(holding: segment.baseOffset)
        return index + 1 < segments.count ? segments[index + 1].baseOffset : logEndOffset
    }

    /// What is rotten up to the end of a segment.
    func tail(of segment: Segment, from position: Int, to size: Int, _ first: Offset) -> DamagedRange {
        let next = offsetBehind(segment)
        return DamagedRange(segment: segment.baseOffset, start: position, end: size, firstOffset: first, nextOffset: max(first, next))
    }

    // MARK: Mending

    package enum Mending: Equatable, Sendable {
        /// Nothing of the range is rotten any more.
        case done
        /// What is left of it.
        case more(DamagedRange)
        /// These are not the bytes that stood here.
        case unfit(String)
    }

    /// Puts the batches that another replica has in the place of what is rotten. They are trusted no further than their checksums: they
    /// must be of the epochs that wrote these offsets and take exactly their place. Not durable before the next sync.
    package func mend(_ damaged: DamagedRange, with bytes: Bytes, now: Now) throws(LogError) -> Mending {
        try ensureOpen()
        guard let segment = segments.first(where: { $0.baseOffset == damaged.segment }), segment.damage.contains(damaged) else {
            return .done
        }
        var range = damaged
        let batches: [RecordBatch]
        do { batches = try BatchWalk.all(in: bytes) } catch { return .unfit(error.message) }
        for batch in batches where batch.header.baseOffset >= range.firstOffset && batch.header.nextOffset <= range.nextOffset {
            let (offset, size) = (batch.header.baseOffset, batch.header.sizeInBytes)
            guard batch.isChecksumValid else { return .unfit("the checksum of the batch at \(offset) is wrong there too") }
            guard size <= range.length else {
                return .unfit("the batch at \(offset) has \(size) bytes, and only \(range.length) are missing")
            }
            guard isOfItsEpoch(batch, segment, range) else {
                return .unfit("the batch at \(offset) is of leader epoch \(batch.header.partitionLeaderEpoch)")
            }
            try segment.overwrite(batch.bytes, at: range.start)
            (range.start, range.firstOffset) = (range.start + size, batch.header.nextOffset)
        }
        segment.damage.removeAll { $0 == damaged }
        guard range.length > 0 else {
            try mended(segment, now)
            return .done
        }
        segment.damage.append(range)
        segment.damage.sort { $0.start < $1.start }
        if range.firstOffset >= range.nextOffset { return .unfit("\(range.length) bytes are left over") }
        return range == damaged ? .unfit("nothing of it was sent") : .more(range)
    }

    /// After a recovery that could not read it, an epoch's beginning may not be known to the offset.
    private func isOfItsEpoch(_ batch: RecordBatch, _ segment: Segment, _ range: DamagedRange) -> Bool {
        let epoch = batch.header.partitionLeaderEpoch
        guard let known = leaderEpoch(at: batch.header.baseOffset) else { return true }
        return epoch == known || segment.isFoldedInPart && epoch > known && epoch <= leaderEpoch(at: range.nextOffset) ?? known
    }

    /// What was worked out without the rotten batches is worked out again.
    private func mended(_ segment: Segment, _ now: Now) throws(LogError) {
        guard segment.damage.isEmpty, segment.isFoldedInPart else { return }
        try recover(from: segmentIndex(holding: segment.baseOffset), keeping: logEndOffset, snapshotOffsets(), now)
    }
}
