import Primitives

/// Writes a message. It never fails: what a peer could make too long (strings) is cut, everything else is ours.
package struct WireEncoder: ~Copyable, WireCoder {
    package static var reads: Bool { false }
    package let version: Int16
    package var isFlexible: Bool
    private var storage: ByteStorage
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var position = 0
    private var splices: [Splice] = []
    /// Pieces of payloads from this size on are not copied into the frame.
    private let sharedBytesMin: Int
    private var shared: [Bytes] = []
    /// Inside a tagged field a null structure is 0, elsewhere -1.
    private var inTag = false

    package init(version: Int16, isFlexible: Bool, capacity: Int = 256, sharedBytesMin: Int = .max) {
        self.sharedBytesMin = sharedBytesMin
        self.version = version
        self.isFlexible = isFlexible
        storage = ByteStorage(capacity: capacity)
        base = storage.base
        self.capacity = capacity
    }

    /// What was written, without a copy.
    package consuming func finish() -> Bytes { Bytes(storage: storage, lower: 0, upper: position) }

    /// What was written, with its first four bytes set to the size of the rest.
    package consuming func finishFrame() -> Frame {
        let size = splices.reduce(position - 4) { $0 + $1.length }
        precondition(position >= 4 && size <= Int(Int32.max), "a frame begins with its size")
        base.storeBytes(of: Int32(size).bigEndian, as: Int32.self)
        return Frame(bytes: Bytes(storage: storage, lower: 0, upper: position), splices: splices, shared: shared)
    }

    @inline(__always) private mutating func ensure(_ more: Int) {
        if position &+ more > capacity { grow(more) }
    }

    @inline(never) private mutating func grow(_ more: Int) {
        let bigger = ByteStorage(capacity: max(capacity * 2, position + more))
        bigger.base.copyMemory(from: base, byteCount: position)
        storage = bigger
        base = bigger.base
        capacity = bigger.capacity
    }

    package mutating func name(_ name: StaticString) {}

    package mutating func put<I: FixedWidthInteger>(_ value: I) {
        ensure(MemoryLayout<I>.size)
        base.storeBytes(of: value.bigEndian, toByteOffset: position, as: I.self)
        position &+= MemoryLayout<I>.size
    }

    /// Bytes as they are, without a length.
    package mutating func put(raw bytes: Bytes) { bytes.withUnsafeBytes { raw($0) } }

    package mutating func unsignedVarint(_ value: Int) {
        var rest = UInt(bitPattern: value)
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func raw(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress else { return }
        ensure(source.count)
        (base + position).copyMemory(from: start, byteCount: source.count)
        position &+= source.count
    }

    // MARK: Fields

    package mutating func integer<I: FixedWidthInteger>(_ value: inout I) { put(value) }
    package mutating func bool(_ value: inout Bool) { put(value ? 1 as UInt8 : 0) }
    package mutating func double(_ value: inout Double) { put(value.bitPattern) }
    package mutating func errorCode(_ value: inout ErrorCode) { put(value.rawValue) }
    package mutating func uuid(_ value: inout UUID) {
        put(value.high)
        put(value.low)
    }

    package mutating func string(_ value: inout String) { text(value) }
    package mutating func nullableString(_ value: inout String?) {
        if let value { text(value) } else if isFlexible { put(0 as UInt8) } else { put(-1 as Int16) }
    }

    private mutating func text(_ value: String) {
        let full = value.utf8.count
        let count = full <= WireLimits.stringBytesMax ? full : value.wholeCharacters(within: WireLimits.stringBytesMax)
        if isFlexible { unsignedVarint(count + 1) } else { put(Int16(count)) }
        ensure(count)
        let target = base + position
        let copied: Void? = value.utf8.withContiguousStorageIfAvailable { source in
            if let start = source.baseAddress { target.copyMemory(from: start, byteCount: count) }
        }
        if copied == nil {
            for (index, byte) in value.utf8.prefix(count).enumerated() { target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self) }
        }
        position &+= count
    }

    package mutating func bytes(_ value: inout Bytes) {
        byteLength(value.count)
        value.withUnsafeBytes { raw($0) }
    }

    package mutating func nullableBytes(_ value: inout Bytes?) {
        guard let value else { return byteLength(nil) }
        byteLength(value.count)
        value.withUnsafeBytes { raw($0) }
    }

    package mutating func payload(_ value: inout Payload) {
        switch value {
        case .null:
            byteLength(nil)
        case .bytes(let bytes):
            byteLength(bytes.count)
            payload(piece: bytes)
        case .joined(let bytes, let more):
            byteLength(bytes.count + more.count)
            payload(piece: bytes)
            payload(piece: more)
        case .external(let length):
            byteLength(length)
            if length > 0 { splices.append(Splice(offset: position, length: length)) }
        }
    }

    private mutating func payload(piece: Bytes) {
        guard piece.count >= sharedBytesMin else { return piece.withUnsafeBytes { raw($0) } }
        splices.append(Splice(offset: position, length: piece.count))
        shared.append(piece)
    }

    /// The length before bytes, and the count before an array: int32 or compact, nil as null.
    private mutating func byteLength(_ count: Int?) {
        if isFlexible { unsignedVarint(count.map { $0 + 1 } ?? 0) } else { put(Int32(count ?? -1)) }
    }

    package mutating func array<T: WireElement>(_ value: inout [T]) { elements(value) }

    package mutating func nullableArray<T: WireElement>(_ value: inout [T]?) {
        if let value { elements(value) } else { byteLength(nil) }
    }

    /// Walks the elements in place: a loop over `value[i]` as `inout` would copy an array that someone else holds too.
    /// No operation of this coder writes through its `inout` parameter, so the shared elements stay as they are.
    private mutating func elements<T: WireElement>(_ value: [T]) {
        byteLength(value.count)
        value.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            let first = UnsafeMutablePointer(mutating: start)
            for index in 0..<buffer.count { infallibly { (coder: inout WireEncoder) throws(WireError) in try first[index].code(&coder) } }
        }
    }

    package mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }

    package mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        put(value == nil ? (inTag ? 0 : -1) as Int8 : 1)
        if var present = value { try present.visit(&self) }
    }

    /// Runs a description, which can throw in general, on this coder, which cannot.
    package mutating func infallibly(_ body: (inout WireEncoder) throws(WireError) -> Void) {
        do { try body(&self) } catch { preconditionFailure("an encoder does not fail: \(error)") }
    }

    // MARK: Tagged fields

    package mutating func beginTags() -> TagMark {
        let mark = TagMark(start: position, count: 0)
        if isFlexible { put(0 as UInt8) }
        return mark
    }

    /// The size before the value takes one byte unless the value has 128 bytes or more; then the value moves up.
    package mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        guard isFlexible, value != `default` else { return }
        mark.count += 1
        unsignedVarint(Int(number))
        let sizeAt = position
        put(0 as UInt8)
        let outer = inTag
        inTag = true
        try value.code(&self)
        inTag = outer
        let size = position - sizeAt - 1
        guard size >= 0x80 else { return base.storeBytes(of: UInt8(size), toByteOffset: sizeAt, as: UInt8.self) }
        let extra = (Int.bitWidth - size.leadingZeroBitCount - 1) / 7
        ensure(extra)
        (base + sizeAt + 1 + extra).copyMemory(from: base + sizeAt + 1, byteCount: size)
        position = sizeAt
        unsignedVarint(size)
        position += size
    }

    package mutating func endTags(_ mark: TagMark) {
        guard isFlexible else { return }
        precondition(mark.count < 0x80, "the count of tags has one byte")
        base.storeBytes(of: UInt8(mark.count), toByteOffset: mark.start, as: UInt8.self)
    }
}

extension String {
    /// The most bytes, at most `limit`, that the text can be cut to without splitting a character's encoding.
    func wholeCharacters(within limit: Int) -> Int {
        var index = utf8.index(utf8.startIndex, offsetBy: limit)
        while index > utf8.startIndex && utf8[index] & 0xc0 == 0x80 { index = utf8.index(before: index) }
        return utf8.distance(from: utf8.startIndex, to: index)
    }
}
