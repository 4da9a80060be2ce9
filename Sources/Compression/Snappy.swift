import CSnappy
import Primitives
import Records

/// Snappy in both shapes that clients send: the Java library's blocks behind a magic word ("xerial": Java, kafka-python, aiokafka), and
/// one raw block (librdkafka). Written in the first.
///
/// ```
/// 82 S N A P P Y 00 | version i32 = 1 | compatible i32 = 1 | (length i32 | raw block)*
/// ```
enum Snappy {
    private static let magic: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
    private static let blockSize = 32 * 1024
    /// No snappy element yields more than 64 bytes for its 3, so a block that claims more than this many times its size lies.
    private static let expansionMax = 22

    static func compress(_ bytes: Bytes) -> Bytes {
        var writer = ByteWriter(capacity: 64 + snappy_max_compressed_length(bytes.count))
        magic.withUnsafeBytes { writer.bytes($0) }
        writer.integer(Int32(1))
        writer.integer(Int32(1))
        var at = 0
        repeat {
            let block = rawCompress(bytes.slice(at, min(at + blockSize, bytes.count)))
            writer.integer(Int32(block.count))
            block.withUnsafeBytes { writer.bytes($0) }
            at += blockSize
        } while at < bytes.count
        return writer.finish()
    }

    static func decompress(_ bytes: Bytes, limit: Int) throws(BatchError) -> Bytes {
        guard bytes.count >= 16, bytes.prefix(8) == Bytes(magic) else { return try rawDecompress(bytes, limit: limit) }
        var blocks: [Bytes] = []
        var total = 0
        var at = 16
        while at < bytes.count {
            guard bytes.count - at >= 4 else { throw .undecodable(.snappy, "ends early") }
            let length: Int32 = bytes.load(at)
            at += 4
            guard length >= 0, Int(length) <= bytes.count - at else { throw .undecodable(.snappy, "bad block length") }
            let block: Bytes
            do {
                block = try rawDecompress(bytes.slice(at, at + Int(length)), limit: limit - total)
            } catch .inflatesTooFar { throw .inflatesTooFar(limit: limit) }
            at += Int(length)
            total += block.count
            blocks.append(block)
        }
        if blocks.count == 1 { return blocks[0] }
        var writer = ByteWriter(capacity: total)
        for block in blocks { block.withUnsafeBytes { writer.bytes($0) } }
        return writer.finish()
    }

    private static func rawCompress(_ bytes: Bytes) -> Bytes {
        Bytes(capacity: snappy_max_compressed_length(bytes.count)) { room in
            var size = room.count
            let target = room.baseAddress!.assumingMemoryBound(to: CChar.self)
            let status = snappy_compress(bytes.pointer.assumingMemoryBound(to: CChar.self), bytes.count, target, &size)
            precondition(status == SNAPPY_OK, "the room is as large as snappy asked for")
            return size
        }
    }

    private static func rawDecompress(_ bytes: Bytes, limit: Int) throws(BatchError) -> Bytes {
        var size = 0
        let source = bytes.pointer.assumingMemoryBound(to: CChar.self)
        guard snappy_uncompressed_length(source, bytes.count, &size) == SNAPPY_OK else { throw .undecodable(.snappy, "not snappy") }
        guard size <= bytes.count * expansionMax else { throw .undecodable(.snappy, "claims an impossible size") }
        guard size <= limit else { throw .inflatesTooFar(limit: limit) }
        let storage = ByteStorage(capacity: size)
        let target = storage.base.assumingMemoryBound(to: CChar.self)
        guard snappy_uncompress(source, bytes.count, target, &size) == SNAPPY_OK else { throw .undecodable(.snappy, "not snappy") }
        return withExtendedLifetime(bytes) { Bytes(storage: storage, lower: 0, upper: size) }
    }
}
