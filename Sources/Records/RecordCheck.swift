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
    mutating func next(_ base: UnsafeRawPointer, _ limit: Int) -> Bool {
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
