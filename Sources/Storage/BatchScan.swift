import Primitives
import Records

/// Walks the batch headers of a segment's file, reading it in pieces: a piece is as large as a sparse index leaves between two entries,
/// so most look-ups take one read.
struct HeaderScan {
    private let file: any DiskFile
    private let end: Int
    private let pieceSize: Int
    /// Known to be rotten, ascending: stepped over.
    private let damage: [DamagedRange]
    private var piece = Bytes.empty
    private var pieceStart = 0
    private(set) var position: Int

    init(_ file: any DiskFile, from position: Int, to end: Int, pieceSize: Int = 8192, damage: [DamagedRange] = []) {
        self.file = file
        self.position = position
        self.end = end
        self.pieceSize = pieceSize
        self.damage = damage
    }

    /// The next batch's header and where it begins; nil at the end.
    mutating func next() throws(LogError) -> (header: BatchHeader, position: Int)? {
        for range in damage where range.start <= position && position < range.end { position = range.end }
        guard end - position >= BatchHeader.size else { return nil }
        if position < pieceStart || position + BatchHeader.size > pieceStart + piece.count {
            let start = position
            let wanted = min(pieceSize, end - start)
            piece = try onDisk { () throws(DiskError) in try file.read(at: start, count: wanted) }
            pieceStart = start
        }
        let header: BatchHeader?
        do { header = try BatchHeader.parse(piece, at: position - pieceStart) } catch {
            throw .damaged("\(file.path) at \(position): \(error.message)")
        }
        guard let header, header.magic == 2 else { throw .damaged("\(file.path) at \(position): no batch of magic 2") }
        guard header.sizeInBytes <= end - position else { throw .damaged("\(file.path) at \(position): batch beyond the end") }
        let found = (header, position)
        position += header.sizeInBytes
        return found
    }

    /// Whether a batch that was found has the checksum that it should.
    func isSound(_ place: Segment.Place) throws(LogError) -> Bool {
        let (from, count) = (place.position - pieceStart, place.header.sizeInBytes)
        var bytes = piece
        if from >= 0 && from + count <= piece.count {
            bytes = piece.slice(from, from + count)
        } else {
            bytes = try onDisk { () throws(DiskError) in try file.read(at: place.position, count: count) }
        }
        return bytes.count == count && RecordBatch(header: place.header, bytes: bytes).isChecksumValid
    }
}

/// Reads whole batches one after the other and checks everything about them: for recovery, which keeps what is good, and for whoever looks
/// for rot.
///
/// A batch's base offset and leader epoch lie outside its checksum. A batch that leaves a gap, or begins an epoch, is believed only where
/// the next one does not contradict it.
struct RecoveryScan {
    /// No batch is larger than a request can be, so a length beyond this is damage and not worth reading.
    static let batchBytesMax = 128 << 20
    /// Read at a time, unless less is wanted.
    static let pieceBytes = 1 << 20
    private let pieceSize: Int
    private let file: any DiskFile
    private let end: Int
    private let baseOffset: Offset
    private var piece = Bytes.empty
    private var pieceStart = 0
    /// The end of what was good so far.
    private(set) var position = 0
    /// Batches must follow each other: the least base offset the next one may have.
    private(set) var nextOffset: Offset
    private var lastEpoch = LeaderEpoch.none
    /// The greatest offset that fits the indexes, and lies before the next segment.
    private let offsetMax: Offset
    /// The epochs that wrote these offsets, where they are known.
    private let epochs: LeaderEpochs?

    /// `below`: where the next segment begins, or the log ends.
    init(
        _ file: any DiskFile, size: Int, baseOffset: Offset, below: Offset? = nil, epochs: LeaderEpochs? = nil,
        pieceSize: Int = RecoveryScan.pieceBytes
    ) {
        self.pieceSize = pieceSize
        self.file = file
        self.baseOffset = baseOffset
        self.epochs = epochs
        end = size
        nextOffset = baseOffset
        let fits = baseOffset + Int64(Int32.max)
        offsetMax = below.map { min(fits, $0 + -1) } ?? fits
    }

    /// Goes on at a batch boundary that is known from before.
    mutating func go(to position: Int, nextOffset: Offset) { (self.position, self.nextOffset) = (position, nextOffset) }

    /// The next good batch and where it begins; nil at the end or at the first bad byte, where `position` then stands.
    mutating func next() throws(LogError) -> (batch: RecordBatch, position: Int)? {
        guard let batch = try good(at: position, notBelow: nextOffset), isOfItsEpoch(batch) else { return nil }
        // What is known elsewhere of its epoch needs no other witness: the next batch's may be the rotten one.
        let isEpochKnown = epochs?.epoch(at: batch.header.baseOffset) != nil
        let isUnexpected = batch.header.baseOffset > nextOffset || batch.header.partitionLeaderEpoch > lastEpoch && !isEpochKnown
        if isUnexpected, let after = try good(at: position + batch.header.sizeInBytes, notBelow: baseOffset) {
            guard after.header.baseOffset >= batch.header.nextOffset,
                isEpochKnown || after.header.partitionLeaderEpoch >= batch.header.partitionLeaderEpoch
            else { return nil }
        }
        let found = (batch, position)
        (nextOffset, lastEpoch) = (batch.header.nextOffset, batch.header.partitionLeaderEpoch)
        position += batch.header.sizeInBytes
        return found
    }

    /// Where `next` found nothing: looks for the next good batch and goes on there. Returns what lies between; nil where nothing good
    /// follows.
    mutating func resynchronise() throws(LogError) -> DamagedRange? {
        let (start, first) = (position, nextOffset)
        var place = start + 1
        // Mostly the batch's body is rotten, and its length still tells where the next one begins.
        if let header = try header(at: start) {
            let behind = start + header.sizeInBytes
            if behind < end, try good(at: behind, notBelow: first) != nil { place = behind }
        }
        while end - place >= BatchHeader.size {
            if try mayBegin(at: place), let batch = try good(at: place, notBelow: first), isOfItsEpoch(batch) {
                (position, nextOffset) = (place, batch.header.baseOffset)
                lastEpoch = batch.header.partitionLeaderEpoch
                return DamagedRange(
                    segment: baseOffset, start: start, end: place, firstOffset: first, nextOffset: batch.header.baseOffset)
            }
            place += 1
        }
        return nil
    }

    /// The header at a place that is not good, where its length at least may be right.
    mutating func header(at place: Int) throws(LogError) -> BatchHeader? {
        guard try load(place, BatchHeader.size), let header = try? BatchHeader.parse(piece, at: place - pieceStart) else { return nil }
        return header.sizeInBytes <= min(RecoveryScan.batchBytesMax, end - place) ? header : nil
    }

    private func isOfItsEpoch(_ batch: RecordBatch) -> Bool {
        if let known = epochs?.epoch(at: batch.header.baseOffset), known != batch.header.partitionLeaderEpoch { return false }
        return batch.header.partitionLeaderEpoch >= lastEpoch
    }

    private mutating func mayBegin(at place: Int) throws(LogError) -> Bool {
        try load(place, BatchHeader.size) && piece[place - pieceStart + BatchField.magic] == 2
    }

    private mutating func good(at place: Int, notBelow least: Offset) throws(LogError) -> RecordBatch? {
        guard try load(place, BatchHeader.size) else { return nil }
        guard let header = try? BatchHeader.parse(piece, at: place - pieceStart), header.magic == 2 else { return nil }
        guard header.sizeInBytes <= RecoveryScan.batchBytesMax, header.baseOffset >= least else { return nil }
        // Base offsets are under no checksum, so one that is out of reach of the indexes is damage too.
        guard header.lastOffset >= header.baseOffset, header.lastOffset <= offsetMax, place < Int(Int32.max) else { return nil }
        guard try load(place, header.sizeInBytes) else { return nil }
        let from = place - pieceStart
        let batch = RecordBatch(header: header, bytes: piece.slice(from, from + header.sizeInBytes))
        return batch.isChecksumValid ? batch : nil
    }

    /// Sees that `count` bytes from `place` are in the piece; false where the file has not so many.
    private mutating func load(_ place: Int, _ count: Int) throws(LogError) -> Bool {
        guard end - place >= count else { return false }
        if place >= pieceStart && place + count <= pieceStart + piece.count { return true }
        let wanted = min(max(count, pieceSize), end - place)
        piece = try onDisk { () throws(DiskError) in try file.read(at: place, count: wanted) }
        pieceStart = place
        return piece.count >= count
    }
}
