import Primitives

/// Reads a message from bytes of unknown origin. Every length and count is checked against what is left before anything is
/// allocated by it; byte fields are slices of the frame, not copies.
package struct WireDecoder: ~Copyable, WireCoder {
    package static var reads: Bool { true }
    package let version: Int16
    package let isFlexible: Bool
    private let source: Bytes
    private let base: UnsafeRawPointer
    private var position = 0
    /// Reading stops here: the end of the bytes, or of the tagged field being read.
    private var end: Int
    private var elementsLeft = WireLimits.messageElementsMax

    package init(_ source: Bytes, version: Int16, isFlexible: Bool) {
        self.source = source
        base = source.pointer
        end = source.count
        self.version = version
        self.isFlexible = isFlexible
    }

    package var consumed: Int { position }
    package var remaining: Int { end &- position }

    @inline(__always) private func need(_ count: Int) throws(WireError) {
        if count > end &- position { throw .truncated }
    }

    package mutating func name(_ name: StaticString) {}

    package mutating func take<I: FixedWidthInteger>(_: I.Type = I.self) throws(WireError) -> I {
        try need(MemoryLayout<I>.size)
        let value = base.loadUnaligned(fromByteOffset: position, as: I.self)
        position &+= MemoryLayout<I>.size
        return I(bigEndian: value)
    }

    /// An unsigned varint of at most 32 bits.
    package mutating func unsignedVarint() throws(WireError) -> UInt32 {
        var value: UInt32 = 0
        var shift: UInt32 = 0
        while true {
            let byte: UInt8 = try take()
            if shift == 28 && byte > 0x0f { throw .badVarint }
            value |= UInt32(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }

    // MARK: Fields

    package mutating func integer<I: FixedWidthInteger>(_ value: inout I) throws(WireError) { value = try take() }
    package mutating func bool(_ value: inout Bool) throws(WireError) { value = try take(UInt8.self) != 0 }
    package mutating func double(_ value: inout Double) throws(WireError) { value = Double(bitPattern: try take()) }
    package mutating func errorCode(_ value: inout ErrorCode) throws(WireError) { value = ErrorCode(rawValue: try take()) }
    package mutating func uuid(_ value: inout UUID) throws(WireError) {
        try need(16)
        value = UUID(high: try take(), low: try take())
    }

    package mutating func string(_ value: inout String) throws(WireError) {
        guard let count = try stringLength() else { throw .unexpectedNull }
        value = text(count)
    }

    package mutating func nullableString(_ value: inout String?) throws(WireError) {
        value = try stringLength().map { text($0) }
    }

    /// `count` bytes as text; ill-formed UTF-8 becomes U+FFFD, as in Kafka.
    private mutating func text(_ count: Int) -> String {
        let buffer = UnsafeRawBufferPointer(start: base + position, count: count)
        position &+= count
        return String(decoding: buffer, as: UTF8.self)
    }

    private mutating func stringLength() throws(WireError) -> Int? {
        let count = isFlexible ? Int(try unsignedVarint()) - 1 : Int(try take(Int16.self))
        if count < 0 { return count == -1 ? nil : try failLength() }
        guard count <= WireLimits.stringBytesMax else { throw .badLength }
        try need(count)
        return count
    }

    private func failLength() throws(WireError) -> Int? { throw .badLength }

    /// The length before bytes, or the count before an array. Nil is null.
    private mutating func length() throws(WireError) -> Int? {
        let count = isFlexible ? Int(try unsignedVarint()) - 1 : Int(try take(Int32.self))
        if count < 0 { return count == -1 ? nil : try failLength() }
        return count
    }

    private mutating func slice(_ count: Int) throws(WireError) -> Bytes {
        try need(count)
        let slice = source.slice(position, position + count)
        position &+= count
        return slice
    }

    package mutating func bytes(_ value: inout Bytes) throws(WireError) {
        guard let count = try length() else { throw .unexpectedNull }
        value = try slice(count)
    }

    package mutating func nullableBytes(_ value: inout Bytes?) throws(WireError) {
        if let count = try length() { value = try slice(count) } else { value = nil }
    }

    package mutating func payload(_ value: inout Payload) throws(WireError) {
        if let count = try length() { value = .bytes(try slice(count)) } else { value = .null }
    }

    package mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        guard let count = try length() else { throw .unexpectedNull }
        try elements(&value, count)
    }

    package mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        guard let count = try length() else { return value = nil }
        var plain: [T] = []
        try elements(&plain, count)
        value = plain
    }

    /// No element takes less than a byte, so a count above the bytes left is a lie told before it can cost anything.
    private mutating func elements<T: WireElement>(_ value: inout [T], _ count: Int) throws(WireError) {
        guard count <= WireLimits.arrayElementsMax, count <= elementsLeft else { throw .tooManyElements }
        try need(count)
        elementsLeft &-= count
        value.removeAll()
        value.reserveCapacity(min(count, WireLimits.arrayReserveMax))
        for _ in 0..<count {
            var element = T()
            try element.code(&self)
            value.append(element)
        }
    }

    package mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }

    package mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        // Null is -1, inside a tagged field 0; Kafka writes 1 before a structure.
        guard try take(Int8.self) > 0 else { return value = nil }
        var present = T()
        try present.visit(&self)
        value = present
    }

    // MARK: Tagged fields

    package mutating func beginTags() throws(WireError) -> TagMark {
        guard isFlexible else { return TagMark(start: position, count: 0) }
        let count = Int(try unsignedVarint())
        guard count <= WireLimits.taggedFieldsMax else { throw .tooManyTags }
        try need(2 * count)
        return TagMark(start: position, count: count)
    }

    /// Looks for the tag from the start of the section, so the order of arrival does not matter. Of a repeated tag the first counts.
    package mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        guard mark.count > 0 else { return }
        position = mark.start
        for _ in 0..<mark.count {
            let (found, fieldEnd) = try nextTag()
            if found == number {
                let outer = end
                end = fieldEnd
                try value.code(&self)
                end = outer
                return
            }
            position = fieldEnd
        }
    }

    package mutating func endTags(_ mark: TagMark) throws(WireError) {
        guard mark.count > 0 else { return }
        position = mark.start
        for _ in 0..<mark.count { position = try nextTag().end }
    }

    /// The number of the tagged field at the cursor and where it ends; the cursor stands at its value then.
    private mutating func nextTag() throws(WireError) -> (number: UInt32, end: Int) {
        let number = try unsignedVarint()
        let size = Int(try unsignedVarint())
        try need(size)
        return (number, position + size)
    }
}
