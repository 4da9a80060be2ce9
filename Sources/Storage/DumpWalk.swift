import Primitives
import Records

/// The whole batches of a file between two positions, whatever their checksums say: what a dump shows.
struct DumpWalk {
    private let file: any DiskFile
    private let end: Int
    private var position: Int

    init(_ disk: any Disk, _ path: String, from start: Int, to limit: Int) throws(LogError) {
        file = try onDisk { () throws(DiskError) in try disk.open(path, create: false) }
        end = min(file.size, limit)
        position = start
    }

    /// Bytes behind the last whole batch.
    var trailing: Int { end - position }

    mutating func next() throws(LogError) -> (batch: RecordBatch, position: Int)? {
        let start = position
        guard start >= 0, end - start >= BatchHeader.size else { return nil }
        let head = try onDisk { () throws(DiskError) in try file.read(at: start, count: BatchHeader.size) }
        let parsed: BatchHeader?
        do { parsed = try BatchHeader.parse(head) } catch { throw .damaged("\(file.path) at position \(start): \(error.message)") }
        guard let header = parsed, header.sizeInBytes <= end - start else { return nil }
        guard header.magic == 2 else { throw .damaged("\(file.path) at position \(start): magic \(header.magic) is not supported") }
        let bytes = try onDisk { () throws(DiskError) in try file.read(at: start, count: header.sizeInBytes) }
        guard bytes.count == header.sizeInBytes else { return nil }
        position += header.sizeInBytes
        return (RecordBatch(header: header, bytes: bytes), start)
    }
}

/// Pairs of numbers found in files, listed in the order of Java's HashMap of file names, since that is the order in which Kafka's tool
/// lists them.
struct DumpReport {
    private var found: OrderedMap<String, OrderedMap<Int64, Int64>> = OrderedMap()
    private var arrival: [String] = []
    private let descending: Bool

    init(descending: Bool) { self.descending = descending }

    mutating func add(_ file: String, _ key: Int64, _ value: Int64) {
        if found[file] == nil { arrival.append(file) }
        found[file, default: OrderedMap()][key] = value
    }

    var files: [(name: String, pairs: [(key: Int64, value: Int64)])] {
        var buckets = 16
        while arrival.count > buckets * 3 / 4 { buckets *= 2 }
        // Within a bucket entries keep the order in which they came.
        let ordered = arrival.enumerated().sorted { (bucket($0.1, buckets), $0.0) < (bucket($1.1, buckets), $1.0) }
        return ordered.map { (_, name) in
            let pairs = found[name, default: OrderedMap()].map { (key: $0.key, value: $0.value) }
            return (name, descending ? pairs.reversed() : pairs)
        }
    }

    func lines(_ title: String, _ text: (Int64, Int64) -> String) -> [String] {
        files.flatMap { file in [title + file.name] + file.pairs.map { text($0.key, $0.value) } }
    }

    private func bucket(_ name: String, _ count: Int) -> Int {
        let hash = UInt32(bitPattern: javaHash(name))
        return Int((hash ^ (hash >> 16)) & UInt32(count - 1))
    }
}
