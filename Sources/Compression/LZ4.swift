import CLZ4
import Primitives
import Records

/// LZ4 frames of independent blocks of 64 KiB, the only kind the Java client reads.
enum LZ4 {
    /// Kafka's default level, 9, is the fast compressor; any other of 1 to 17 the slow one that makes less of it.
    static func compress(_ bytes: Bytes, level: Int = 9) throws(BatchError) -> Bytes {
        var preferences = LZ4F_preferences_t()
        if level != 9 { preferences.compressionLevel = Int32(max(3, min(level, 12))) }
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        let storage = ByteStorage(capacity: LZ4F_compressFrameBound(bytes.count, &preferences))
        let size = bytes.withUnsafeBytes { source in
            LZ4F_compressFrame(storage.base, storage.capacity, source.baseAddress, source.count, &preferences)
        }
        guard LZ4F_isError(size) == 0 else { throw .undecodable(.lz4, "cannot compress") }
        return Bytes(storage: storage, lower: 0, upper: size)
    }

    static func decompress(_ bytes: Bytes, limit: Int) throws(BatchError) -> Bytes {
        var context: OpaquePointer? = nil
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else {
            throw .undecodable(.lz4, "no memory")
        }
        defer { LZ4F_freeDecompressionContext(context) }
        var output = BoundedOutput(limit: limit, expected: bytes.count * 4)
        var at = 0
        var pending = 1
        while at < bytes.count || pending != 0 {
            let room = output.room()
            var produced = room.count
            var consumed = bytes.count - at
            pending = LZ4F_decompress(context, room.baseAddress!, &produced, bytes.pointer + at, &consumed, nil)
            guard LZ4F_isError(pending) == 0 else { throw .undecodable(.lz4, String(cString: LZ4F_getErrorName(pending))) }
            try output.advance(produced)
            at += consumed
            if produced == 0 && consumed == 0 { throw .undecodable(.lz4, "ends early") }
        }
        withExtendedLifetime(bytes) {}
        return output.finish()
    }
}
