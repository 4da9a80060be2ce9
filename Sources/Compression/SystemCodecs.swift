import Primitives
import Records

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

    init(limit: Int, expected: Int) {
        self.limit = max(0, limit)
        storage = ByteStorage(capacity: min(max(expected, 1024), self.limit + 1))
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

    consuming func finish() -> Bytes { Bytes(storage: storage, lower: 0, upper: count) }
}
