import CChecksum

/// The Castagnoli checksum that record batches, producer snapshots and metadata snapshots carry.
public enum CRC32C {
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return crc }
        return kastellan_crc32c(crc, base, bytes.count)
    }
    public static func checksum(_ bytes: Bytes) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }
    /// Of the one and the other behind it.
    public static func checksum(_ bytes: Bytes, _ more: Bytes) -> UInt32 {
        more.withUnsafeBytes { checksum($0, continuing: checksum(bytes)) }
    }
}
