import CZstd
import Primitives
import Records

/// zstd frames, with or without a known content size.
enum Zstd {
    /// Kafka's default level.
    private static let level = 3

    /// Level -131072 to 22.
    static func compress(_ bytes: Bytes, level: Int = Zstd.level) throws(BatchError) -> Bytes {
        let storage = ByteStorage(capacity: ZSTD_compressBound(bytes.count))
        let size = bytes.withUnsafeBytes { ZSTD_compress(storage.base, storage.capacity, $0.baseAddress, $0.count, Int32(clamping: level)) }
        guard ZSTD_isError(size) == 0 else { throw .undecodable(.zstd, "cannot compress") }
        return Bytes(storage: storage, lower: 0, upper: size)
    }

    static func decompress(_ bytes: Bytes, limit: Int) throws(BatchError) -> Bytes {
        guard let context = ZSTD_createDCtx() else { throw .undecodable(.zstd, "no memory") }
        defer { ZSTD_freeDCtx(context) }
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLogMax(limit))
        var output = BoundedOutput(limit: limit, expected: bytes.count * 4)
        var input = ZSTD_inBuffer(src: bytes.pointer, size: bytes.count, pos: 0)
        var pending = 1
        while input.pos < input.size || pending != 0 {
            let room = output.room()
            var target = ZSTD_outBuffer(dst: room.baseAddress!, size: room.count, pos: 0)
            let before = input.pos
            pending = ZSTD_decompressStream(context, &target, &input)
            guard ZSTD_isError(pending) == 0 else { throw .undecodable(.zstd, String(cString: ZSTD_getErrorName(pending))) }
            try output.advance(target.pos)
            if target.pos == 0 && input.pos == before { throw .undecodable(.zstd, "ends early") }
        }
        withExtendedLifetime(bytes) {}
        return output.finish()
    }

    /// A frame's window is allocated on its word, so it is held to the limit, but for 8 MiB, which all ordinary levels may ask for.
    private static func windowLogMax(_ limit: Int) -> Int32 {
        Int32(min(27, max(23, Int.bitWidth - max(1, limit).leadingZeroBitCount)))
    }
}
