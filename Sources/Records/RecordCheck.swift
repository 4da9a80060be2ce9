/// Walks encoded records as `RecordShape.parse` does and accepts exactly what it accepts, but keeps only what validation looks at. Every
/// record that a broker takes in goes through here, so it is written for speed: no optionals, no result in memory, one load for each of
/// the short numbers that records are full of.
struct RecordCheck {
    /// Where the next record begins.
    private(set) var position = 0
    private(set) var timestampDelta: Int64 = 0
    private(set) var offsetDelta: Int64 = 0
    private(set) var hasKey = false

    /// What `number` returns where there is none. As a length, a count or an offset it is out of range, and no client counts
    /// milliseconds in it.
    private static let malformed = Int64.min

    /// Moves past the next record; false where it is cut off or inconsistent.
    @inline(__always)
    mutating func next(_ base: UnsafeRawPointer, _ limit: Int) -> Bool { nextShort(base, limit) || nextAny(base, limit) }

    /// Most records: numbers of up to two bytes, no headers. One load holds all that stands before the key. False, with nothing moved, for
    /// any other, good or bad.
    @inline(__always)
    private mutating func nextShort(_ base: UnsafeRawPointer, _ limit: Int) -> Bool {
        guard limit &- position >= 16 else { return false }
        var head = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        var at = position
        let length = RecordCheck.short(&head, &at)
        let end = at &+ Int(length >> 1)
        head >>= 8
        at &+= 1
        let time = RecordCheck.short(&head, &at)
        let offset = RecordCheck.short(&head, &at)
        // One byte of the eight is left at the least.
        let keyLength = head & 0xff
        at &+= 1
        // Long numbers, and lengths below 0 but a key's of -1. A record that ends here can be left to the other way too.
        guard length | time | offset < RecordCheck.notShort, length & 1 == 0, keyLength < 0x80, end <= limit else { return false }
        let hasKey = keyLength != 1
        guard keyLength & 1 == 0 || !hasKey else { return false }
        if hasKey { at &+= Int(keyLength >> 1) }
        guard at &+ 2 <= end else { return false }
        var tail = UInt64(UInt16(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt16.self)))
        let valueLength = RecordCheck.short(&tail, &at)
        guard valueLength < RecordCheck.notShort, valueLength & 1 == 0 || valueLength == 1 else { return false }
        if valueLength != 1 { at &+= Int(valueLength >> 1) }
        guard at &+ 1 == end, base.load(fromByteOffset: at, as: UInt8.self) == 0 else { return false }
        timestampDelta = Int64(bitPattern: (time >> 1) ^ (0 &- (time & 1)))
        offsetDelta = Int64(bitPattern: (offset >> 1) ^ (0 &- (offset & 1)))
        self.hasKey = hasKey
        position = end
        return true
    }

    private static let notShort: UInt64 = 1 << 32

    /// The number of one or two bytes at the low end of `head`, as encoded, and moves past it; `notShort` and more where it is longer.
    @inline(__always)
    private static func short(_ head: inout UInt64, _ at: inout Int) -> UInt64 {
        let first = head & 0xff
        if first < 0x80 {
            head >>= 8
            at &+= 1
            return first
        }
        let value = (head & 0x7f) | (head >> 1 & 0x3f80)
        let isLong = head & 0x8000
        head >>= 16
        at &+= 2
        return value | isLong << 17
    }

    @inline(never)
    private mutating func nextAny(_ base: UnsafeRawPointer, _ limit: Int) -> Bool {
        var at = position
        let length = RecordCheck.number(base, &at, limit)
        guard length > 0, length <= Int64(limit &- at) else { return false }
        let end = at &+ Int(length)
        at &+= 1
        let time = RecordCheck.number(base, &at, end)
        let offset = RecordCheck.number(base, &at, end)
        guard time != RecordCheck.malformed, offset != RecordCheck.malformed else { return false }
        let keyLength = RecordCheck.number(base, &at, end)
        guard keyLength >= -1, keyLength <= Int64(end &- at) else { return false }
        at &+= max(0, Int(keyLength))
        let valueLength = RecordCheck.number(base, &at, end)
        guard valueLength >= -1, valueLength <= Int64(end &- at) else { return false }
        at &+= max(0, Int(valueLength))
        let headers = RecordCheck.number(base, &at, end)
        guard headers >= 0, headers <= Int64(end &- at) else { return false }
        if headers > 0 { guard RecordShape.skipHeaders(base, &at, end, headers) else { return false } }
        guard at == end else { return false }
        (timestampDelta, offsetDelta, hasKey) = (time, offset, keyLength >= 0)
        position = end
        return true
    }

    @inline(__always)
    private static func number(_ base: UnsafeRawPointer, _ at: inout Int, _ limit: Int) -> Int64 {
        guard at < limit else { return malformed }
        let first = UInt64(base.load(fromByteOffset: at, as: UInt8.self))
        if first < 0x80 {
            at &+= 1
            return Int64(bitPattern: (first >> 1) ^ (0 &- (first & 1)))
        }
        if at &+ 1 < limit {
            let second = UInt64(base.load(fromByteOffset: at &+ 1, as: UInt8.self))
            if second < 0x80 {
                at &+= 2
                let value = (first & 0x7f) | (second << 7)
                return Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
            }
        }
        return readLongVarint(base, &at, limit) ?? malformed
    }
}
