import Primitives
import Records

// A segment as the output of compaction: written under other names, then put in the place of others.
//
// The names tell a crash how far it came. `.cleaned`: being written, worth nothing. `.swap`: whole and durable. The log's own file is
// renamed last to `.swap` and last from it, so that `….log.swap` means: all of it is there, put it in place.
extension Segment {
    /// What compaction writes anew. A producer snapshot stays that of the segment replaced.
    static let cleanedKinds: [SegmentFile] = [.offsetIndex, .timeIndex, .transactionIndex, .log]

    /// Writes the indexes and makes all files durable.
    func finishCleaned() throws(LogError) {
        for kind in Segment.cleanedKinds { _ = try onDisk { () throws(DiskError) in try disk.open(path(kind), create: true) } }
        try flushIndexes(final: true)
        for kind in Segment.cleanedKinds {
            try onDisk { () throws(DiskError) in try disk.open(path(kind), create: false).sync() }
        }
        markSynced(unsyncedBytes, abortedChanges: abortedChanges)
        unload()
        letGo()
    }

    /// `.cleaned` → `.swap`.
    func promise() throws(LogError) { try moveAll(to: SegmentFile.swapSuffix) }

    /// `.swap` → the names of the segment that it replaces.
    func takePlace() throws(LogError) {
        try moveAll(to: "")
        if try abortedTransactions().isEmpty { try onDisk { () throws(DiskError) in try disk.removeIfThere(path(.transactionIndex)) } }
    }

    private func moveAll(to suffix: String) throws(LogError) {
        letGo()
        for kind in Segment.cleanedKinds {
            let target = directory + "/" + kind.name(baseOffset) + suffix
            try onDisk { () throws(DiskError) in try disk.rename(path(kind), to: target) }
        }
        named(suffix)
    }

    /// Removes what was written, as far as it is there.
    func discard() {
        letGo()
        for kind in Segment.cleanedKinds {
            for suffix in [SegmentFile.cleanedSuffix, SegmentFile.swapSuffix] {
                try? disk.remove(directory + "/" + kind.name(baseOffset) + suffix)
            }
        }
    }
}

/// What a crash left of compactions, put right when a log is opened.
enum SwapRecovery {
    /// Throws away what was not finished, and finishes what was. Returns the base offsets of the segments that were put in place: their
    /// offset and time indexes may still be those of the old ones.
    static func run(_ disk: any Disk, _ directory: String) throws(LogError) -> [Offset] {
        let names = try onDisk { () throws(DiskError) in try disk.list(directory) }
        let swaps = names.filter { $0.hasSuffix(SegmentFile.swapSuffix) }
        guard !swaps.isEmpty else { return [] }
        let plain = swaps.map { String($0.dropLast(SegmentFile.swapSuffix.count)) }
        let promised = plain.compactMap { SegmentFile.parse($0) }.filter { $0.file == .log }.map(\.offset)
        for (swap, name) in zip(swaps, plain) {
            guard let (offset, _) = SegmentFile.parse(name), promised.contains(offset) else {
                try onDisk { () throws(DiskError) in try disk.remove(directory + "/" + swap) }
                continue
            }
        }
        for base in promised { try finish(base, disk, directory, names) }
        return promised
    }

    private static func finish(_ base: Offset, _ disk: any Disk, _ directory: String, _ names: [String]) throws(LogError) {
        let end = try nextOffset(base, disk, directory)
        try onDisk { () throws(DiskError) in
            // What it was made from, but for its namesake, which is replaced by renaming.
            for name in names {
                guard let (offset, _) = SegmentFile.parse(name), offset > base, offset < end else { continue }
                try disk.removeIfThere(directory + "/" + name)
            }
            for kind in Segment.cleanedKinds {
                let target = directory + "/" + kind.name(base)
                let swap = target + SegmentFile.swapSuffix
                if disk.exists(swap) { try disk.rename(swap, to: target) }
            }
        }
    }

    /// Behind the last good batch of a swap file; its base where it has none. A rotten one must not have segments removed that it was never
    /// made from.
    private static func nextOffset(_ base: Offset, _ disk: any Disk, _ directory: String) throws(LogError) -> Offset {
        let path = directory + "/" + SegmentFile.log.name(base) + SegmentFile.swapSuffix
        let file = try onDisk { () throws(DiskError) in try disk.open(path, create: false) }
        var end = base
        var scan = RecoveryScan(file, size: file.size, baseOffset: base)
        while scan.position < file.size {
            if let (batch, _) = try scan.next() { end = batch.header.nextOffset } else if try scan.resynchronise() == nil { break }
        }
        return end
    }
}
