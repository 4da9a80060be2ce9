import Primitives
import Records

/// Writes one segment in place of several: under `.cleaned` names, its indexes with it. Owner: the worker that compacts.
struct CleanerOutput {
    let segment: Segment
    private let config: LogConfig
    private let gatherBytes: Int
    private var parts: [Bytes] = []
    private var headers: [BatchHeader] = []
    private var gathered = 0
    private(set) var bytesWritten = 0

    init(_ disk: any Disk, _ directory: String, _ base: Offset, config: LogConfig, gatherBytes: Int) throws(LogError) {
        segment = try Segment.create(disk, directory, base, suffix: SegmentFile.cleanedSuffix)
        self.config = config
        self.gatherBytes = gatherBytes
    }

    mutating func append(_ batch: RecordBatch) throws(LogError) {
        headers.append(batch.header)
        gathered += batch.bytes.count
        // Batches that stay as they are lie one behind the other in the piece that was read.
        if let last = parts.last, last.storage === batch.bytes.storage, last.upper == batch.bytes.lower {
            parts[parts.count - 1] = Bytes(storage: last.storage, lower: last.lower, upper: batch.bytes.upper)
        } else {
            parts.append(batch.bytes)
        }
        if gathered >= gatherBytes { try flush() }
    }

    mutating func flush() throws(LogError) {
        guard !parts.isEmpty else { return }
        guard segment.size + gathered <= Int(Int32.max) else { throw .damaged("\(segment.path(.log)) grew beyond what its index can tell") }
        try segment.append(parts, headers, config: config)
        bytesWritten += gathered
        (parts, headers, gathered) = ([], [], 0)
    }

    /// The last bytes, the indexes, and all of it on the disk. Each of the old files must be replaced by a new one, so that a crash cannot
    /// leave one of each kind: an empty index is written too.
    mutating func finish() throws(LogError) {
        try flush()
        try segment.finishCleaned()
    }
}
