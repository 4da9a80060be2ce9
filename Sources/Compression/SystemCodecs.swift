import Primitives
import Records
import Synchronization

extension Codecs {
    /// The codecs of zlib, snappy, lz4 and zstd, safe on any thread.
    package static let system = Codecs(
        compress: { (codec, bytes) throws(BatchError) in
            switch codec {
            case .none: bytes
            case .gzip: try Gzip.compress(bytes)
            case .snappy: Snappy.compress(bytes)
            case .lz4: try LZ4.compress(bytes)
            case .zstd: try Zstd.compress(bytes)
            }
        },
        compressAtLevel: { (codec, bytes, level) throws(BatchError) in
            switch codec {
            case .none: bytes
            case .gzip: try Gzip.compress(bytes, level: level)
            case .snappy: Snappy.compress(bytes)
            case .lz4: try LZ4.compress(bytes, level: level)
            case .zstd: try Zstd.compress(bytes, level: level)
            }
        },
        decompress: { (codec, bytes, limit) throws(BatchError) in
            switch codec {
            case .none: bytes
            case .gzip: try Gzip.decompress(bytes, limit: limit)
            case .snappy: try Snappy.decompress(bytes, limit: limit)
            case .lz4: try LZ4.decompress(bytes, limit: limit)
            case .zstd: try Zstd.decompress(bytes, limit: limit)
            }
        })
}

/// The output of a decompressor: grows by doubling as bytes really come, never past its limit, so that no claim in the input decides
/// how much memory is taken.
struct BoundedOutput: ~Copyable {
    private var storage: ByteStorage
    private(set) var count = 0
    private let limit: Int

    /// What came out last: mostly as much comes next, and need not be copied as it grows.
    private static let latest = Atomic<Int>(0)
    /// No more is taken on that ground, which is less than what the allocator gets from the system afresh each time.
    private static let likelyMax = 1_040_000

    init(limit: Int, expected: Int) {
        self.limit = max(0, limit)
        let latest = BoundedOutput.latest.load(ordering: .relaxed)
        let likely = min(latest + latest / 8, BoundedOutput.likelyMax)
        storage = ByteStorage(capacity: min(max(expected, likely, 1024), self.limit + 1))
    }

    /// Room for what comes next: at least one byte, one of them beyond the limit, so that passing it is noticed.
    mutating func room() -> UnsafeMutableRawBufferPointer {
        if count == storage.capacity {
            let bigger = ByteStorage(capacity: min(limit + 1, max(storage.capacity * 2, 1024)))
            bigger.base.copyMemory(from: storage.base, byteCount: count)
            storage = bigger
        }
        return UnsafeMutableRawBufferPointer(start: storage.base + count, count: storage.capacity - count)
    }

    /// Takes `more` bytes that have been written into the room.
    mutating func advance(_ more: Int) throws(BatchError) {
        count += more
        if count > limit { throw .inflatesTooFar(limit: limit) }
    }

    consuming func finish() -> Bytes {
        BoundedOutput.latest.store(count, ordering: .relaxed)
        // Whoever keeps it shall not keep the room for more.
        if storage.capacity > 4 * count + 4096 { return Bytes(UnsafeRawBufferPointer(start: storage.base, count: count)) }
        return Bytes(storage: storage, lower: 0, upper: count)
    }
}
