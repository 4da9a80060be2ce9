import Primitives
import Records

/// One segment: a run of batches in a `.log` file with the indexes over it. The last segment of a log is the active one, to which
/// batches are appended; the others only shrink (truncation) or go (retention).
///
/// Owner: its `PartitionLog`. Files are opened when they are first needed. The indexes are in memory while `isLoaded`.
final class Segment {
    let baseOffset: Offset
    let directory: String
    let disk: any Disk
    /// Bytes of whole batches. The file may be longer after a failed write, never shorter.
    private(set) var size: Int
    private(set) var offsets = OffsetIndex()
    private(set) var times = TimeIndex()
    /// The indexes are in memory and complete.
    private(set) var isLoaded = false
    /// The largest timestamp of all batches and the last offset of the batch that has it; nil until known.
    private var newest: (timestamp: Timestamp, offset: Offset)?
    /// The largest timestamp of the first batch: segments roll by its age. nil until known, `.none` where it has no timestamp.
    private var first: Timestamp?
    /// Counted since the last index entry.
    private var bytesSinceEntry = 0
    /// Bytes written since the last sync.
    private(set) var unsyncedBytes = 0
    /// How far its bytes are on their way to the disk.
    var marks: WriteBackMarks
    private var opened: (any DiskFile)?
    /// Whoever bounds the number of open files; nil where nobody does.
    private let openFiles: OpenFiles?
    private var isInRing = false
    private var wasUsed = false
    /// Behind the names of its files while it is the output of a compaction that has not replaced anything yet.
    private var suffix = ""
    /// The transactions whose abort markers lie here; nil until read.
    private var aborted: [AbortedTransaction]?
    private var flushedAborted = 0
    /// Changes of the file of aborted transactions, and how many of them are durable. Other indexes show what they lack; that one does not.
    private(set) var abortedChanges = 0
    private var abortedChangesSynced = 0
    /// What is known to be rotten here, ascending.
    var damage: [DamagedRange] = []
    /// The sums, producers and aborted transactions were made without what is rotten, and have to be made again when that is mended.
    var isFoldedInPart = false

    init(
        _ disk: any Disk, _ directory: String, _ baseOffset: Offset, size: Int, opened: (any DiskFile)? = nil, openFiles: OpenFiles? = nil
    ) {
        self.opened = opened
        self.openFiles = openFiles
        self.disk = disk
        self.directory = directory
        self.baseOffset = baseOffset
        self.size = size
        marks = WriteBackMarks(begun: size, seen: size)
        if opened != nil { enterRing() }
    }

    /// A new, empty segment. Whatever a crash may have left under its name goes. The index files come with their first entries.
    static func create(
        _ disk: any Disk, _ directory: String, _ baseOffset: Offset, suffix: String = "", openFiles: OpenFiles? = nil
    ) throws(LogError) -> Segment {
        let segment = Segment(disk, directory, baseOffset, size: 0, openFiles: openFiles)
        segment.suffix = suffix
        segment.opened = try onDisk { () throws(DiskError) in
            let file = try disk.open(segment.path(.log), create: true)
            if file.size > 0 { try file.truncate(to: 0) }
            for kind in [SegmentFile.offsetIndex, .timeIndex, .transactionIndex] { try disk.removeIfThere(segment.path(kind)) }
            return file
        }
        segment.enterRing()
        segment.isLoaded = true
        segment.newest = (.none, baseOffset)
        segment.aborted = []
        return segment
    }

    func named(_ suffix: String) { self.suffix = suffix }
    func path(_ kind: SegmentFile) -> String { directory + "/" + kind.name(baseOffset) + suffix }

    func file() throws(LogError) -> any DiskFile {
        wasUsed = true
        if let opened { return opened }
        let file = try onDisk { () throws(DiskError) in try disk.open(path(.log), create: false) }
        opened = file
        enterRing()
        return file
    }

    /// Lets the file go; readers that hold it are not disturbed.
    func letGo() { opened = nil }

    // What `OpenFiles` asks.
    var hasOpenFile: Bool { opened != nil }
    func leaveRing() { isInRing = false }
    /// Whether the file was used since the last time.
    func takeUse() -> Bool {
        defer { wasUsed = false }
        return wasUsed
    }
    private func enterRing() {
        guard let openFiles, !isInRing else { return }
        isInRing = true
        openFiles.enter(self)
    }

    var isEmpty: Bool { size == 0 }

    // MARK: Appending

    /// Whether one more batch of `bytes` ending at `lastOffset` still belongs here (Kafka's LogSegment.shouldRoll).
    func mustRoll(_ bytes: Int, lastOffset: Offset, maxTimestamp: Timestamp, config: LogConfig, now: Timestamp) throws(LogError) -> Bool {
        if size == 0 { return lastOffset - baseOffset > Int64(Int32.max) }
        if size + bytes > config.segmentBytesMax { return true }
        if offsets.entries.count >= config.indexBytesMax / OffsetIndex.entrySize { return true }
        if times.entries.count >= config.indexBytesMax / TimeIndex.entrySize - 1 { return true }
        if lastOffset - baseOffset > Int64(Int32.max) || size + bytes > Int(Int32.max) { return true }
        let begun = try firstTimestamp()
        guard begun.milliseconds >= 0 else { return false }
        let reached = maxTimestamp.milliseconds >= 0 ? maxTimestamp : now
        return reached.milliseconds &- begun.milliseconds > config.rollMilliseconds(jitterShare: jitterShare)
    }

    /// From 0 up to 1: another for each segment of each partition, and always the same for this one. (FNV-1a over its name.)
    private(set) lazy var jitterShare: Double = {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(directory)/\(baseOffset)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Double((hash ^ hash >> 29) >> 11 & 0xf_ffff) / Double(0x10_0000)
    }()

    /// Makes the file as long as the segment may become. What lies beyond `size` is nothing; a roll and a stop cut it off, and recovery
    /// takes the zeros for what they are.
    func preallocate(_ bytes: Int) throws(LogError) {
        let file = try file()
        guard file.size < bytes else { return }
        try onDisk { () throws(DiskError) in try file.truncate(to: bytes) }
    }

    /// Cuts off what `preallocate` made, and gives back the room that was set aside.
    func trim() throws(LogError) {
        let file = try file()
        if file.size > size {
            try onDisk { () throws(DiskError) in try file.truncate(to: size) }
        } else {
            giveRoomBack(file)
        }
        marks.cut(to: size)
        marks.hasRoom = false
    }

    /// Gives back the room that was set aside behind the end of its file. (Where the file itself was made longer, it stays so.)
    func giveRoomBack(_ file: any DiskFile) {
        guard marks.hasRoom else { return }
        // Nothing depends on it.
        if file.size == size { try? file.truncate(to: size) }
        marks.reserved = 0
        marks.hasRoom = false
    }

    /// Writes whole batches with one call and enters them into the indexes. On failure the file is cut back and nothing has changed.
    func append(_ batches: [RecordBatch], config: LogConfig) throws(LogError) {
        try write { (file, start) throws(DiskError) in
            if batches.count == 1 { return try file.write(batches[0].bytes, at: start) }
            try file.write(batches.map(\.bytes), at: start)
        }
        for index in batches.indices { enter(batches[index].header, interval: config.indexIntervalBytes) }
    }

    /// The same with neighbouring batches joined in `parts`.
    func append(_ parts: [Bytes], _ headers: [BatchHeader], config: LogConfig) throws(LogError) {
        try write { (file, start) throws(DiskError) in try file.write(parts, at: start) }
        for header in headers { enter(header, interval: config.indexIntervalBytes) }
    }

    private func write(_ body: (any DiskFile, Int) throws(DiskError) -> Void) throws(LogError) {
        let file = try file()
        let start = size
        do throws(DiskError) { try body(file, start) } catch {
            // What was written of it must not be mistaken for a batch later; where even this fails, recovery will cut it.
            try? file.truncate(to: start)
            marks.cut(to: start)
            throw .disk(error)
        }
    }

    /// Takes a batch that lies at the end of the file into the indexes and sums.
    func enter(_ header: BatchHeader, interval: Int) {
        note(header)
        if bytesSinceEntry > interval {
            offsets.append(relative(header.lastOffset), Int32(size))
            enterTime()
            bytesSinceEntry = 0
        }
        bytesSinceEntry += header.sizeInBytes
        size += header.sizeInBytes
        unsyncedBytes += header.sizeInBytes
    }

    private func note(_ header: BatchHeader) {
        if size == 0 { first = header.maxTimestamp }
        // What compaction emptied has a timestamp for its producer's sake, and no record that bears it.
        guard header.recordCount > 0 else { return }
        if let newest, newest.timestamp >= header.maxTimestamp { return }
        newest = (header.maxTimestamp, header.lastOffset)
    }

    private func enterTime() {
        guard let newest else { return }
        times.appendIfNewer(newest.timestamp.milliseconds, relative(newest.offset))
    }

    private func relative(_ offset: Offset) -> Int32 {
        let difference = offset - baseOffset
        precondition(difference >= 0 && difference <= Int64(Int32.max), "a segment's offsets lie within 31 bits of its base")
        return Int32(difference)
    }

    // MARK: Indexes

    /// Reads the indexes into memory. false where they are missing or damaged, and have to be rebuilt.
    func loadIndexes() throws(LogError) -> Bool {
        if isLoaded { return true }
        guard let offsetBytes = try readIfThere(.offsetIndex), let timeBytes = try readIfThere(.timeIndex) else {
            isLoaded = size == 0
            return isLoaded
        }
        guard let offsets = OffsetIndex.read(offsetBytes), let times = TimeIndex.read(timeBytes) else { return false }
        if let last = offsets.last, Int(last.position) >= size { return false }
        // They grow together, so one that is empty beside the other has been lost. (Without timestamps that costs a walk.)
        if offsets.last != nil && times.last == nil { return false }
        self.offsets = offsets
        self.times = times
        isLoaded = true
        return true
    }

    func readIfThere(_ kind: SegmentFile) throws(LogError) -> Bytes? {
        let path = path(kind)
        do { return try disk.readAll(path) } catch .notFound { return nil } catch { throw .disk(error) }
    }

    /// Empties indexes and sums; `enter` then fills them while the file is walked.
    func resetForRecovery() {
        offsets = OffsetIndex()
        times = TimeIndex()
        isLoaded = true
        (size, bytesSinceEntry, unsyncedBytes) = (0, 0, 0)
        (newest, first) = ((.none, baseOffset), nil)
        (aborted, flushedAborted) = ([], 0)
        (damage, isFoldedInPart) = ([], false)
    }

    /// Recovery has found these bytes rotten and keeps them: a part of the segment, though nobody knows what they said.
    func keep(_ range: DamagedRange) {
        damage.append(range)
        isFoldedInPart = true
        (size, bytesSinceEntry) = (range.end, bytesSinceEntry + range.length)
    }

    /// Writes good bytes in place of bad ones. The file keeps its size.
    func overwrite(_ bytes: Bytes, at position: Int) throws(LogError) {
        let file = try file()
        try onDisk { () throws(DiskError) in try file.write([bytes], at: position) }
        unsyncedBytes += bytes.count
    }

    /// After a clean stop: the sums that appending goes on from, without a walk over the whole file. Returns the offset behind the last
    /// batch, which alone is held against its checksum: where it says that the log ends, the next record is written.
    func resume() throws(LogError) -> Offset {
        let last = offsets.last
        let start = last.map { Int($0.position) } ?? 0
        if let time = times.last {
            newest = (Timestamp(milliseconds: time.timestamp), baseOffset + Int64(time.relativeOffset))
        } else {
            newest = (.none, baseOffset)
        }
        var end = last.map { baseOffset + Int64($0.relativeOffset) + 1 } ?? baseOffset
        var scan = HeaderScan(try file(), from: start, to: size, damage: damage)
        var final: Place?
        while let place = try scan.next() {
            let (header, position) = place
            let isIndexed = last != nil && position == start
            let relative = header.lastOffset - baseOffset
            guard isIndexed ? header.nextOffset == end : header.baseOffset >= end, 0...Int64(Int32.max) ~= relative else {
                throw outOfPlace(place)
            }
            (end, final) = (header.nextOffset, place)
            if let known = newest, known.timestamp < header.maxTimestamp { newest = (header.maxTimestamp, header.lastOffset) }
        }
        if let final, try !scan.isSound(final) { throw outOfPlace(final) }
        bytesSinceEntry = size - start
        return end
    }

    /// Brings the files of the indexes up to date. With `final` the last timestamp is entered and the files are cut to their entries,
    /// as when a segment is rolled or the log closed.
    func flushIndexes(final: Bool) throws(LogError) {
        guard isLoaded else { return }
        if final { enterTime() }
        try onDisk { () throws(DiskError) in
            try flush(.offsetIndex, offsets.unflushed, offsets.entries.count * OffsetIndex.entrySize, final)
            try flush(.timeIndex, times.unflushed, times.entries.count * TimeIndex.entrySize, final)
        }
        offsets.markFlushed()
        times.markFlushed()
        try flushAborted()
    }

    private func flushAborted() throws(LogError) {
        guard let aborted, flushedAborted < aborted.count else { return }
        let fresh = aborted[flushedAborted...].map(TransactionIndex.encode)
        let position = flushedAborted * TransactionIndex.entrySize
        try onDisk { () throws(DiskError) in try disk.open(path(.transactionIndex), create: true).write(fresh, at: position) }
        flushedAborted = aborted.count
        abortedChanges += 1
    }

    /// The aborted transactions whose markers are in this segment, ascending. Read once, then remembered: they are few.
    func abortedTransactions() throws(LogError) -> [AbortedTransaction] {
        if let aborted { return aborted }
        let found = try readIfThere(.transactionIndex).map(TransactionIndex.decode) ?? []
        (aborted, flushedAborted) = (found, found.count)
        return found
    }

    /// Remembers an aborted transaction; written with the indexes.
    func addAborted(_ transaction: AbortedTransaction) throws(LogError) {
        var known = try abortedTransactions()
        known.append(transaction)
        aborted = known
    }

    /// The files have all that is in memory.
    var isFlushed: Bool { offsets.unflushed == nil && times.unflushed == nil && flushedAborted == aborted?.count ?? 0 }

    private func flush(
        _ kind: SegmentFile, _ news: (position: Int, bytes: Bytes)?, _ total: Int, _ final: Bool
    ) throws(DiskError) {
        guard news != nil || final else { return }
        // An empty segment needs no indexes, but one that a crash left longer is cut.
        if size == 0 && !disk.exists(path(kind)) { return }
        let file = try disk.open(path(kind), create: true)
        if let news { try file.write([news.bytes], at: news.position) }
        if final && file.size > total { try file.truncate(to: total) }
    }

    /// Lets the indexes go from memory: the segment is no longer written.
    func unload() {
        offsets = OffsetIndex()
        times = TimeIndex()
        isLoaded = false
    }

    /// The files that hold unsynced bytes. Index entries are written first, so that a synced segment has them.
    func filesToSync() throws(LogError) -> [any DiskFile] {
        var files = unsyncedBytes > 0 ? [try file()] : []
        if abortedChangesSynced < abortedChanges {
            files.append(try onDisk { () throws(DiskError) in try disk.open(path(.transactionIndex), create: true) })
        }
        return files
    }

    var isUnsynced: Bool { unsyncedBytes > 0 || abortedChangesSynced < abortedChanges }

    /// So many bytes, and the aborted transactions up to so many changes, are durable.
    func markSynced(_ bytes: Int, abortedChanges changes: Int) {
        unsyncedBytes = max(0, unsyncedBytes - bytes)
        abortedChangesSynced = max(abortedChangesSynced, changes)
    }

    // MARK: Times

    /// The largest timestamp here; `.none` where no batch has one.
    func newestTimestamp() throws(LogError) -> (timestamp: Timestamp, offset: Offset) {
        if let newest { return newest }
        var found = (timestamp: Timestamp.none, offset: baseOffset)
        if let last = try lastTimeEntry() {
            found = (Timestamp(milliseconds: last.timestamp), baseOffset + Int64(last.relativeOffset))
        } else {
            // No entry at all: the index is gone, or no batch has a timestamp. The batches know.
            var scan = HeaderScan(try file(), from: 0, to: size, damage: damage)
            while let (header, _) = try scan.next() {
                guard header.maxTimestamp > found.timestamp else { continue }
                found = (header.maxTimestamp, header.lastOffset)
            }
        }
        newest = found
        return found
    }

    private func lastTimeEntry() throws(LogError) -> TimeIndex.Entry? {
        if isLoaded { return times.last }
        guard let bytes = try readIfThere(.timeIndex) else { return nil }
        return TimeIndex.read(bytes)?.last
    }

    func firstTimestamp() throws(LogError) -> Timestamp {
        if let first { return first }
        var scan = HeaderScan(try file(), from: 0, to: size, damage: damage)
        // What is rotten there is a scrub's to find, and must not keep anybody from appending.
        let found = (try? scan.next())?.header.maxTimestamp ?? .none
        first = found
        return found
    }

    // MARK: Truncation

    /// Cuts everything from the batch at `position` on, which held `offset`. false where the indexes do not fit what is left, and have to
    /// be rebuilt.
    func truncate(position: Int, offset: Offset) throws(LogError) -> Bool {
        let file = try file()
        try onDisk { () throws(DiskError) in try file.truncate(to: position) }
        size = position
        marks.cut(to: size)
        offsets.truncate(offset - baseOffset)
        times.truncate(offset - baseOffset)
        aborted = try abortedTransactions().filter { $0.lastOffset < offset }
        flushedAborted = 0
        if position == 0 { first = nil }
        damage.removeAll { $0.end > position }
        unsyncedBytes = max(unsyncedBytes, 1)
        // The sums first: what they held may be of a batch that is gone, and must not enter the time index.
        var isIndexed = true
        do { _ = try resume() } catch .damaged { isIndexed = false }
        if isIndexed { try flushIndexes(final: true) }
        try onDisk { () throws(DiskError) in
            let path = path(.transactionIndex)
            if disk.exists(path) { try disk.open(path, create: false).truncate(to: flushedAborted * TransactionIndex.entrySize) }
        }
        abortedChanges += 1
        return isIndexed
    }

    /// Renames all files to `.deleted` and returns their new names. `kinds`: all but the snapshot where another segment takes this one's
    /// place and needs it.
    func markDeleted(_ kinds: [SegmentFile] = SegmentFile.allCases) throws(LogError) -> [String] {
        letGo()
        var marked: [String] = []
        for kind in kinds {
            let from = path(kind)
            let to = from + SegmentFile.deletedSuffix
            do {
                try disk.rename(from, to: to)
                marked.append(to)
            } catch .notFound { continue } catch { throw .disk(error) }
        }
        return marked
    }
}
