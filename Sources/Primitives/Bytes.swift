// This target is `public` where all others are `package`: the optimiser (Swift 6.3.1) neither inlines nor specialises `package` code across
// modules, and a generic `load` that runs unspecialised costs 30 times what the load does. Only targets of this public can see it anyway.

/// Reference-counted memory that byte slices share. Freed with its last slice.
///
/// Whoever fills it is its only owner until it hands out a `Bytes`; from then on the contents are constant, with one exception:
/// the broker patches the base offset and leader epoch of a produced batch before anybody else can see it (`Bytes.patch`).
public final class ByteStorage: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let capacity: Int

    public init(capacity: Int) {
        self.capacity = capacity
        // For 16 the runtime would ask for aligned memory, which costs more than what malloc gives, and that is as well aligned.
        base = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 1), alignment: 8)
    }

    deinit { base.deallocate() }
}

/// A slice of shared, immutable bytes: 24 bytes by value, no copy when cut. The currency of payloads from socket to file and back.
public struct Bytes: Sendable {
    public let storage: ByteStorage
    public let lower: Int
    public let upper: Int

    @inlinable public init(storage: ByteStorage, lower: Int, upper: Int) {
        precondition(0 <= lower && lower <= upper && upper <= storage.capacity, "slice outside its storage")
        self.storage = storage
        self.lower = lower
        self.upper = upper
    }

    public static let empty = Bytes(storage: ByteStorage(capacity: 0), lower: 0, upper: 0)

    public init() { self = Bytes.empty }

    public init(_ buffer: UnsafeRawBufferPointer) {
        let storage = ByteStorage(capacity: buffer.count)
        if let source = buffer.baseAddress { storage.base.copyMemory(from: source, byteCount: buffer.count) }
        self.init(storage: storage, lower: 0, upper: buffer.count)
    }

    public init(_ array: [UInt8]) { self = array.withUnsafeBytes { Bytes($0) } }
    public init(_ text: String) {
        var text = text
        self = text.withUTF8 { Bytes(UnsafeRawBufferPointer($0)) }
    }

    /// `count` bytes that `fill` writes; it returns how many of them it used.
    public init(capacity: Int, fill: (UnsafeMutableRawBufferPointer) -> Int) {
        let storage = ByteStorage(capacity: capacity)
        let used = fill(UnsafeMutableRawBufferPointer(start: storage.base, count: capacity))
        self.init(storage: storage, lower: 0, upper: used)
    }

    @inlinable public var count: Int { upper - lower }
    @inlinable public var isEmpty: Bool { upper == lower }
    @inlinable public var pointer: UnsafeRawPointer { UnsafeRawPointer(storage.base + lower) }

    @inlinable public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result = try body(UnsafeRawBufferPointer(start: storage.base + lower, count: upper - lower))
        _ = storage  // The slice keeps its storage alive for as long as `body` reads it.
        return result
    }

    /// The bytes from `from` up to `to`, counted from the start of this slice.
    @inlinable public func slice(_ from: Int, _ to: Int) -> Bytes {
        precondition(0 <= from && from <= to && to <= count, "slice outside its bytes")
        return Bytes(storage: storage, lower: lower + from, upper: lower + to)
    }

    @inlinable public func prefix(_ length: Int) -> Bytes { slice(0, min(length, count)) }
    @inlinable public func dropFirst(_ length: Int) -> Bytes { slice(min(length, count), count) }

    @inlinable public subscript(index: Int) -> UInt8 {
        precondition(0 <= index && index < count, "index outside its bytes")
        return pointer.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The big-endian integer at `offset`. The caller has checked that it lies inside.
    @inlinable public func load<I: FixedWidthInteger>(_ offset: Int, as: I.Type = I.self) -> I {
        precondition(offset >= 0 && offset + MemoryLayout<I>.size <= count, "load outside its bytes")
        return I(bigEndian: pointer.loadUnaligned(fromByteOffset: offset, as: I.self))
    }

    /// Overwrites a big-endian integer in place. Only for the sole holder of these bytes, before anyone else has seen them.
    @inlinable public func patch<I: FixedWidthInteger>(_ offset: Int, _ value: I) {
        precondition(offset >= 0 && offset + MemoryLayout<I>.size <= count, "patch outside its bytes")
        storage.base.storeBytes(of: value.bigEndian, toByteOffset: lower + offset, as: I.self)
    }

    public var array: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    /// The bytes as text, ill-formed UTF-8 replaced by U+FFFD. Not safe for a terminal: escape it first.
    public var lossyString: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

    /// The bytes as text, or nil where they are not well-formed UTF-8.
    public var string: String? { withUnsafeBytes { String(validating: $0, as: UTF8.self) } }
}

extension Bytes: Equatable, Hashable {
    public static func == (a: Bytes, b: Bytes) -> Bool {
        guard a.count == b.count else { return false }
        return a.withUnsafeBytes { x in b.withUnsafeBytes { y in x.elementsEqual(y) } }
    }
    public func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }
}

extension Bytes: CustomStringConvertible {
    public var description: String { "\(count) bytes" }

    /// Lower-case hexadecimal, two digits a byte.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return withUnsafeBytes { source in
            String(unsafeUninitializedCapacity: source.count * 2) { out in
                for (i, byte) in source.enumerated() {
                    out[2 * i] = digits[Int(byte >> 4)]
                    out[2 * i + 1] = digits[Int(byte & 15)]
                }
                return source.count * 2
            }
        }
    }

    /// The bytes that `hex` spells, or nil where it is not pairs of hexadecimal digits.
    public init?(hex: String) {
        var out: [UInt8] = []
        out.reserveCapacity(hex.utf8.count / 2)
        var high: UInt8? = nil
        for digit in hex.utf8 {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            case 0x41...0x46: value = digit - 0x41 + 10
            default: return nil
            }
            if let first = high {
                out.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        guard high == nil else { return nil }
        self = Bytes(out)
    }
}
