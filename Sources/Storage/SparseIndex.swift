import Primitives

/// `.index`: for a batch every few kilobytes, the offset of its last record, relative to the segment's base, and where the batch begins.
/// 8 bytes each: i32 relative offset, i32 position; both ascend.
///
/// Entries of the segment being written are in memory, written to the file in runs (`flush`): a crash loses at most what recovery
/// rebuilds. The entries of a segment that is no longer written stay in the file and are probed there, so old segments cost no memory.
struct OffsetIndex {
    struct Entry: Equatable {
        var relativeOffset: Int32
        var position: Int32
    }

    static let entrySize = 8
    private(set) var entries: [Entry] = []
    private(set) var flushed = 0

    var last: Entry? { entries.last }

    mutating func append(_ relativeOffset: Int32, _ position: Int32) {
        precondition(last.map { $0.relativeOffset < relativeOffset } ?? true, "offset index entries ascend")
        entries.append(Entry(relativeOffset: relativeOffset, position: position))
    }

    /// The last entry at or below `relativeOffset`.
    func floor(_ relativeOffset: Int64) -> Entry? {
        let index = partitionPoint(entries.count) { Int64(entries[$0].relativeOffset) <= relativeOffset }
        return index == 0 ? nil : entries[index - 1]
    }

    /// The last entry whose batch begins at or before `position`.
    func floor(position: Int) -> Entry? {
        let index = partitionPoint(entries.count) { Int(entries[$0].position) <= position }
        return index == 0 ? nil : entries[index - 1]
    }

    /// Drops entries of offsets at or behind `relativeOffset`.
    mutating func truncate(_ relativeOffset: Int64) {
        let kept = partitionPoint(entries.count) { Int64(entries[$0].relativeOffset) < relativeOffset }
        entries.removeLast(entries.count - kept)
        flushed = min(flushed, kept)
    }

    /// What the file lacks, and where it goes.
    var unflushed: (position: Int, bytes: Bytes)? {
        guard flushed < entries.count else { return nil }
        var writer = ByteWriter(capacity: (entries.count - flushed) * OffsetIndex.entrySize)
        for entry in entries[flushed...] {
            writer.integer(entry.relativeOffset)
            writer.integer(entry.position)
        }
        return (flushed * OffsetIndex.entrySize, writer.finish())
    }

    mutating func markFlushed() { flushed = entries.count }

    /// The entries in a file's bytes. A zero entry behind the first is the padding of a preallocated file; anything that does not ascend
    /// makes the file worthless: nil.
    static func read(_ bytes: Bytes) -> OffsetIndex? {
        guard bytes.count % entrySize == 0 else { return nil }
        var out = OffsetIndex()
        for at in stride(from: 0, to: bytes.count, by: entrySize) {
            let entry = Entry(relativeOffset: bytes.load(at), position: bytes.load(at + 4))
            if entry.relativeOffset == 0 && entry.position == 0 && (at > 0 || bytes.count > entrySize) { break }
            guard entry.relativeOffset >= 0, entry.position >= 0 else { return nil }
            if let last = out.last, last.relativeOffset >= entry.relativeOffset || last.position >= entry.position { return nil }
            out.entries.append(entry)
        }
        out.flushed = out.entries.count
        return out
    }
}

/// `.timeindex`: the largest timestamp so far, and the last offset of the batch that holds it. 12 bytes each: i64 timestamp, i32
/// relative offset. Timestamps strictly ascend.
struct TimeIndex {
    struct Entry: Equatable {
        var timestamp: Int64
        var relativeOffset: Int32
    }

    static let entrySize = 12
    private(set) var entries: [Entry] = []
    private(set) var flushed = 0

    var last: Entry? { entries.last }

    /// Adds an entry unless its timestamp is no news.
    mutating func appendIfNewer(_ timestamp: Int64, _ relativeOffset: Int32) {
        guard timestamp >= 0 else { return }
        if let last { guard timestamp > last.timestamp, relativeOffset >= last.relativeOffset else { return } }
        entries.append(Entry(timestamp: timestamp, relativeOffset: relativeOffset))
    }

    /// The last entry at or before `timestamp`.
    func floor(_ timestamp: Int64) -> Entry? {
        let index = partitionPoint(entries.count) { entries[$0].timestamp <= timestamp }
        return index == 0 ? nil : entries[index - 1]
    }

    mutating func truncate(_ relativeOffset: Int64) {
        let kept = partitionPoint(entries.count) { Int64(entries[$0].relativeOffset) < relativeOffset }
        entries.removeLast(entries.count - kept)
        flushed = min(flushed, kept)
    }

    var unflushed: (position: Int, bytes: Bytes)? {
        guard flushed < entries.count else { return nil }
        var writer = ByteWriter(capacity: (entries.count - flushed) * TimeIndex.entrySize)
        for entry in entries[flushed...] {
            writer.integer(entry.timestamp)
            writer.integer(entry.relativeOffset)
        }
        return (flushed * TimeIndex.entrySize, writer.finish())
    }

    mutating func markFlushed() { flushed = entries.count }

    static func read(_ bytes: Bytes) -> TimeIndex? {
        guard bytes.count % entrySize == 0 else { return nil }
        var out = TimeIndex()
        for at in stride(from: 0, to: bytes.count, by: entrySize) {
            let entry = Entry(timestamp: bytes.load(at), relativeOffset: bytes.load(at + 8))
            if entry.timestamp == 0 && entry.relativeOffset == 0 && (at > 0 || bytes.count > entrySize) { break }
            guard entry.relativeOffset >= 0 else { return nil }
            if let last = out.last, last.timestamp >= entry.timestamp || last.relativeOffset > entry.relativeOffset { return nil }
            out.entries.append(entry)
        }
        out.flushed = out.entries.count
        return out
    }
}

/// How many of `count` elements, in order, satisfy `isBelow`, which holds for a prefix of them.
func partitionPoint<E: Error>(_ count: Int, _ isBelow: (Int) throws(E) -> Bool) throws(E) -> Int {
    var low = 0
    var high = count
    while low < high {
        let middle = (low + high) / 2
        if try isBelow(middle) { low = middle + 1 } else { high = middle }
    }
    return low
}
