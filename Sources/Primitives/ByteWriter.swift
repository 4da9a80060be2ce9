/// A growing buffer of big-endian values. `finish()` hands its memory over as `Bytes` without a copy.
public struct ByteWriter: ~Copyable, Sendable {
    @usableFromInline var storage: ByteStorage
    public private(set) var count = 0

    public init(capacity: Int = 256) { storage = ByteStorage(capacity: capacity) }

    @inlinable public mutating func reserve(_ more: Int) {
        if count + more > storage.capacity { grow(more) }
    }

    @inline(never) @usableFromInline mutating func grow(_ more: Int) {
        let bigger = ByteStorage(capacity: max(storage.capacity * 2, count + more))
        bigger.base.copyMemory(from: storage.base, byteCount: count)
        storage = bigger
    }

    @inlinable public mutating func integer<I: FixedWidthInteger>(_ value: I) {
        reserve(MemoryLayout<I>.size)
        storage.base.storeBytes(of: value.bigEndian, toByteOffset: count, as: I.self)
        advance(MemoryLayout<I>.size)
    }

    @usableFromInline mutating func advance(_ by: Int) { count += by }

    public mutating func bytes(_ source: UnsafeRawBufferPointer) {
        reserve(source.count)
        if let base = source.baseAddress { (storage.base + count).copyMemory(from: base, byteCount: source.count) }
        count += source.count
    }

    public mutating func bytes(_ source: Bytes) { source.withUnsafeBytes { bytes($0) } }
    public mutating func bytes(_ source: [UInt8]) { source.withUnsafeBytes { bytes($0) } }
    public mutating func text(_ source: String) {
        var source = source
        source.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    /// An unsigned varint: seven bits a byte, least significant first, the top bit set on all but the last.
    public mutating func unsignedVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            integer(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        integer(UInt8(truncatingIfNeeded: rest))
    }

    /// A zigzag varint, as inside records.
    public mutating func varint(_ value: Int64) { unsignedVarint(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

    /// Overwrites what was written earlier at `offset`.
    public mutating func patch<I: FixedWidthInteger>(_ offset: Int, _ value: I) {
        precondition(offset >= 0 && offset + MemoryLayout<I>.size <= count, "patch outside what was written")
        storage.base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: I.self)
    }

    public func withWritten<R>(from: Int = 0, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        body(UnsafeRawBufferPointer(start: storage.base + from, count: count - from))
    }

    public consuming func finish() -> Bytes { Bytes(storage: storage, lower: 0, upper: count) }
}
