/// What a decoder says when bytes from outside are not what they claim to be. Never a trap.
public enum ByteError: Error, Equatable, Sendable {
    /// The bytes end before the value does.
    case truncated
    /// A varint longer than its type.
    case badVarint
    /// Text that is not UTF-8, or a length that cannot be.
    case invalid
}

/// A cursor over bytes from outside. Each read checks what is left; nothing is allocated by a length before it is checked.
public struct ByteReader: Sendable {
    public let bytes: Bytes
    public private(set) var position: Int

    public init(_ bytes: Bytes, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    public var remaining: Int { bytes.count - position }
    public var isAtEnd: Bool { position >= bytes.count }

    public mutating func integer<I: FixedWidthInteger>(_: I.Type = I.self) throws(ByteError) -> I {
        guard remaining >= MemoryLayout<I>.size else { throw .truncated }
        let value: I = bytes.load(position)
        position += MemoryLayout<I>.size
        return value
    }

    public mutating func unsignedVarint() throws(ByteError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte: UInt8 = try integer()
            if shift == 63 && byte > 1 { throw .badVarint }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
            if shift > 63 { throw .badVarint }
        }
    }

    public mutating func varint() throws(ByteError) -> Int64 {
        let raw = try unsignedVarint()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// A zigzag varint that must fit 32 bits.
    public mutating func varint32() throws(ByteError) -> Int32 {
        guard let value = Int32(exactly: try varint()) else { throw .badVarint }
        return value
    }

    public mutating func slice(_ count: Int) throws(ByteError) -> Bytes {
        guard count >= 0, count <= remaining else { throw .truncated }
        let slice = bytes.slice(position, position + count)
        position += count
        return slice
    }

    public mutating func skip(_ count: Int) throws(ByteError) {
        guard count >= 0, count <= remaining else { throw .truncated }
        position += count
    }
}
