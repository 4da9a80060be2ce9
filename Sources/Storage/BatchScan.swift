import Primitives
import Records

/// Walks the batch headers of a segment's file, reading it in pieces: a piece is as large as a sparse index leaves between two entries,
/// so most look-ups take one read.
struct HeaderScan {
    private let file: any DiskFile
    private let end: Int
    private let pieceSize: Int
    private var piece = Bytes.empty
    private var pieceStart = 0
    private(set) var position: Int

    init(_ file: any DiskFile, from position: Int, to end: Int, pieceSize: Int = 8192) {
        self.file = file
        self.position = position
        self.end = end
        self.pieceSize = pieceSize
    }

    /// The next batch's header and where it begins; nil at the end.
    mutating func next() throws(LogError) -> (header: BatchHeader, position: Int)? {
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
}

/// Reads whole batches one after the other and checks everything about them: for recovery, which keeps what is good and cuts the rest.
struct RecoveryScan {
    /// No batch is larger than a request can be, so a length beyond this is damage and not worth reading.
    static let batchBytesMax = 128 << 20
    private let pieceSize: Int
    private let file: any DiskFile
    private let end: Int
    private var piece = Bytes.empty
    private var pieceStart = 0
    /// The end of what was good so far.
    private(set) var position = 0
    /// Batches must follow each other: the least base offset the next one may have.
    private var nextOffset: Offset
    /// The greatest offset that fits the indexes.
    private let offsetMax: Offset

    init(_ file: any DiskFile, size: Int, baseOffset: Offset, pieceSize: Int = 1 << 20) {
        self.pieceSize = pieceSize
        self.file = file
        end = size
        nextOffset = baseOffset
        offsetMax = baseOffset + Int64(Int32.max)
    }

    /// The next good batch and where it begins; nil at the end or at the first bad byte, where `position` then stands.
    mutating func next() throws(LogError) -> (batch: RecordBatch, position: Int)? {
        guard try load(BatchHeader.size) else { return nil }
        guard let header = try? BatchHeader.parse(piece, at: position - pieceStart), header.magic == 2 else { return nil }
        guard header.sizeInBytes <= RecoveryScan.batchBytesMax, header.baseOffset >= nextOffset else { return nil }
        // Base offsets are under no checksum, so one that is out of reach of the indexes is damage too.
        guard header.lastOffset >= header.baseOffset, header.lastOffset <= offsetMax, position < Int(Int32.max) else { return nil }
        guard try load(header.sizeInBytes) else { return nil }
        let from = position - pieceStart
        let batch = RecordBatch(header: header, bytes: piece.slice(from, from + header.sizeInBytes))
        guard batch.isChecksumValid else { return nil }
        let found = (batch, position)
        nextOffset = header.nextOffset
        position += header.sizeInBytes
        return found
    }

    /// Sees that `count` bytes from `position` are in the piece; false where the file has not so many.
    private mutating func load(_ count: Int) throws(LogError) -> Bool {
        guard end - position >= count else { return false }
        if position >= pieceStart && position + count <= pieceStart + piece.count { return true }
        let start = position
        let wanted = min(max(count, pieceSize), end - start)
        piece = try onDisk { () throws(DiskError) in try file.read(at: start, count: wanted) }
        pieceStart = start
        return piece.count >= count
    }
}
