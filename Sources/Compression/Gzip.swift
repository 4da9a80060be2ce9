import CZlib
import Primitives
import Records

/// One gzip member, as `java.util.zip` writes it; several in a row are read too.
enum Gzip {
    /// Level 0 to 9; -1 is zlib's default.
    static func compress(_ bytes: Bytes, level: Int = -1) throws(BatchError) -> Bytes {
        var stream = z_stream()
        guard kastellan_deflate_init_gzip(&stream, Int32(max(-1, min(level, 9)))) == Z_OK else { throw .undecodable(.gzip, "no memory") }
        defer { deflateEnd(&stream) }
        let storage = ByteStorage(capacity: Int(deflateBound(&stream, uLong(bytes.count))))
        feed(&stream, bytes)
        stream.next_out = storage.base.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = uInt(storage.capacity)
        guard deflate(&stream, Z_FINISH) == Z_STREAM_END else { throw .undecodable(.gzip, "cannot compress") }
        return withExtendedLifetime(bytes) { Bytes(storage: storage, lower: 0, upper: Int(stream.total_out)) }
    }

    static func decompress(_ bytes: Bytes, limit: Int) throws(BatchError) -> Bytes {
        var stream = z_stream()
        guard kastellan_inflate_init_gzip(&stream) == Z_OK else { throw .undecodable(.gzip, "no memory") }
        defer { inflateEnd(&stream) }
        feed(&stream, bytes)
        var output = BoundedOutput(limit: limit, expected: bytes.count * 4)
        while true {
            let room = output.room()
            stream.next_out = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = uInt(clamping: room.count)
            let offered = Int(stream.avail_out)
            let status = inflate(&stream, Z_NO_FLUSH)
            try output.advance(offered - Int(stream.avail_out))
            if status == Z_STREAM_END {
                if stream.avail_in == 0 { break }
                guard inflateReset(&stream) == Z_OK else { throw .undecodable(.gzip, "bad member") }
            } else if status != Z_OK {
                throw .undecodable(.gzip, status == Z_BUF_ERROR ? "ends early" : "not gzip")
            }
        }
        withExtendedLifetime(bytes) {}
        return output.finish()
    }

    private static func feed(_ stream: inout z_stream, _ bytes: Bytes) {
        stream.next_in = UnsafeMutablePointer(mutating: bytes.pointer.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = uInt(clamping: bytes.count)
    }
}
