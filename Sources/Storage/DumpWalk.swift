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

/// Pairs of numbers found in files, for the reports at the end. Files in the order in which they were read; Kafka's tool lists them in
/// that of a hash map.
struct DumpReport {
    private(set) var files: [(name: String, pairs: [(key: Int64, value: Int64)])] = []
    private let descending: Bool

    init(descending: Bool) { self.descending = descending }

    /// One value per key: a later one takes the place of an earlier.
    mutating func add(_ file: String, _ key: Int64, _ value: Int64) {
        let index = files.firstIndex { $0.name == file } ?? files.count
        if index == files.count { files.append((file, [])) }
        let place = files[index].pairs.firstIndex { descending ? $0.key <= key : $0.key >= key } ?? files[index].pairs.count
        if place < files[index].pairs.count, files[index].pairs[place].key == key {
            files[index].pairs[place].value = value
        } else {
            files[index].pairs.insert((key, value), at: place)
        }
    }

    func lines(_ title: String, _ text: (Int64, Int64) -> String) -> [String] {
        files.flatMap { file in [title + file.name] + file.pairs.map { text($0.key, $0.value) } }
    }
}
