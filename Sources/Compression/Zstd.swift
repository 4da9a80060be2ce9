import CZstd
import Primitives
import Records
import Synchronization

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
        guard let context = ZstdContexts.shared.take() else { throw .undecodable(.zstd, "no memory") }
        defer { ZstdContexts.shared.put(context) }
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLogMax(limit))
        var output = BoundedOutput(limit: limit, expected: max(bytes.count * 4, claimed(bytes)))
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

    /// What a frame says that it holds, where that is little enough to be believed; else 0. With room for all of it the library inflates in
    /// one go, straight into that room; else it keeps a window of its own and copies.
    private static func claimed(_ bytes: Bytes) -> Int {
        let size = ZSTD_getFrameContentSize(bytes.pointer, bytes.count)
        return size <= UInt64(believedMax) ? Int(size) : 0
    }

    private static let believedMax = 4 << 20

    /// A frame's window is allocated on its word, so it is held to the limit, but for 8 MiB, which all ordinary levels may ask for.
    private static func windowLogMax(_ limit: Int) -> Int32 {
        Int32(min(27, max(23, Int.bitWidth - max(1, limit).leadingZeroBitCount)))
    }
}

/// Contexts between two uses. A new one is 160 KB to be zeroed, and a window of some megabytes of memory that the system has to hand out
/// afresh, for a batch of a few kilobytes: clients write frames that do not say how much they hold, and such are inflated by way of it.
private final class ZstdContexts: Sendable {
    static let shared = ZstdContexts()
    /// One for each thread that is at it, about.
    private static let keptMax = 8
    /// One with a larger window than ordinary levels ask for is not kept.
    private static let sizeMax = 12 << 20

    private struct Kept: @unchecked Sendable {
        var contexts: [OpaquePointer] = []
    }
    private let kept = Mutex(Kept())

    func take() -> OpaquePointer? { kept.withLock { $0.contexts.popLast() } ?? ZSTD_createDCtx() }

    func put(_ context: OpaquePointer) {
        let isFit = ZSTD_sizeof_DCtx(context) <= ZstdContexts.sizeMax
            && ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)) == 0
        let isKept = kept.withLock { kept in
            guard isFit, kept.contexts.count < ZstdContexts.keptMax else { return false }
            kept.contexts.append(context)
            return true
        }
        if !isKept { ZSTD_freeDCtx(context) }
    }
}
