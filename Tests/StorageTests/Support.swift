import Compression
import Primitives
import Reactor
import Records

@testable import Storage

/// A point in time for tests: `milliseconds` on both clocks, the wall clock counted from a round date.
func at(_ milliseconds: Int64) -> Now {
    Now(instant: Instant(nanoseconds: milliseconds * 1_000_000), wall: Timestamp(milliseconds: 1_700_000_000_000 + milliseconds))
}

/// A batch as a client sends it: `values` with keys "k", timestamps at the tests' clock.
func batch(
    _ values: [String], at milliseconds: Int64 = 0, producer: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1,
    transactional: Bool = false, codec: Codec = .none
) throws -> Bytes {
    var builder = BatchBuilder(
        codec: codec, producerID: producer, producerEpoch: epoch, baseSequence: sequence, isTransactional: transactional)
    for value in values { builder.append(timestamp: at(milliseconds).wall, key: Bytes("k"), value: Bytes(value)) }
    return try builder.build(Codecs.system)
}

func marker(_ producer: Int64, _ epoch: Int16, commit: Bool, at milliseconds: Int64 = 0, coordinatorEpoch: Int32 = 0) -> Bytes {
    EndTransactionMarker(isCommit: commit, coordinatorEpoch: coordinatorEpoch)
        .batch(producerID: producer, producerEpoch: epoch, timestamp: at(milliseconds).wall)
}

/// A partition's log on a disk, with the calls tests make most.
final class LogFixture {
    let disk: MemoryDisk
    var log: PartitionLog
    let config: LogConfig
    static let directory = "/data/t-0"

    init(
        _ disk: MemoryDisk = MemoryDisk(), _ opening: PartitionLog.Opening = .init(), now: Now = at(0), config: LogConfig = LogConfig()
    ) throws {
        self.disk = disk
        self.config = config
        log = try PartitionLog.open(
            TopicPartition("t", 0), directory: LogFixture.directory, disk: disk, config: config, codecs: .system, opening: opening,
            now: now)
    }

    @discardableResult
    func append(_ bytes: Bytes, epoch: LeaderEpoch = 0, at milliseconds: Int64 = 0, origin: AppendOrigin = .client(produceVersion: 9))
        throws -> AppendResult
    {
        try log.append(bytes, leaderEpoch: epoch, now: at(milliseconds), origin: origin)
    }

    /// The values of all records from `offset` up to the log end, control records left out, read slice by slice.
    func values(from offset: Offset = 0, maxBytes: Int = 1 << 20, below: Offset? = nil) throws -> [String] {
        try records(from: offset, maxBytes: maxBytes, below: below).map { $0.value?.lossyString ?? "null" }
    }

    func records(from offset: Offset = 0, maxBytes: Int = 1 << 20, below: Offset? = nil) throws -> [Record] {
        var next = max(offset, log.logStartOffset)
        var out: [Record] = []
        while true {
            let slice = try log.read(from: next, maxBytes: maxBytes, below: below ?? log.logEndOffset, minOneBatch: true)
            if slice.isEmpty { return out }
            for batch in try BatchWalk.all(in: slice.bytes()) {
                let records = try batch.records(.system).filter { $0.offset >= next }
                if !batch.header.isControl { out += records }
                next = batch.header.nextOffset
            }
        }
    }

    func files() -> [String] { (try? disk.list(LogFixture.directory)) ?? [] }
    func path(_ name: String) -> String { LogFixture.directory + "/" + name }
}

/// The recordings under Tests/Fixtures/disk.
enum Recording {
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(2)
        return parts.joined(separator: "/") + "/Fixtures/disk"
    }()

    /// An archive's files, unpacked into a disk in memory under `/data`.
    static func disk(_ archive: String) throws -> MemoryDisk {
        let packed = try PosixDisk().readAll("\(root)/\(archive).tar.gz")
        let tar = try Codecs.system.decompress(.gzip, packed, limit: 64 << 20)
        let disk = MemoryDisk()
        try disk.makeDirectory("/data")
        try Tar.unpack(tar) { (name, bytes) in try disk.put("/data/" + name, bytes) }
        return disk
    }

    static func text(_ name: String) throws -> String { try PosixDisk().readAll("\(root)/\(name)").lossyString }
}

/// As much of tar as the archives use: ustar members, and GNU's sparse ones, of which only the first 64 KiB are kept.
enum Tar {
    static func unpack(_ tar: Bytes, _ file: (String, [UInt8]) throws -> Void) throws {
        var at = 0
        while at + 512 <= tar.count, tar[at] != 0 {
            let header = tar.slice(at, at + 512)
            let stored = octal(header, 124, 12)
            let data = tar.slice(at + 512, at + 512 + stored)
            let name = text(header, 0, 100)
            switch header[156] {
            case UInt8(ascii: "0"): try file(name, data.array)
            case UInt8(ascii: "S"): try file(name, sparse(header, data))
            default: break
            }
            at += 512 + (stored + 511) / 512 * 512
        }
    }

    private static func sparse(_ header: Bytes, _ data: Bytes) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: min(octal(header, 483, 12), 65_532))
        var taken = 0
        for entry in 0..<4 {
            let (place, length) = (octal(header, 386 + entry * 24, 12), octal(header, 398 + entry * 24, 12))
            guard length > 0 else { continue }
            for index in 0..<length where place + index < out.count { out[place + index] = data[taken + index] }
            taken += length
        }
        return out
    }

    private static func text(_ bytes: Bytes, _ from: Int, _ count: Int) -> String {
        String(decoding: bytes.slice(from, from + count).array.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func octal(_ bytes: Bytes, _ from: Int, _ count: Int) -> Int {
        Int(text(bytes, from, count).filter { $0.isNumber }, radix: 8) ?? 0
    }
}
