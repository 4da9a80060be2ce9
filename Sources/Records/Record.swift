import Primitives

/// A header of a record: a name that may repeat, and a value that may be null.
package struct RecordHeader: Hashable, Sendable {
    package var key: Bytes
    package var value: Bytes?

    package init(key: Bytes, value: Bytes?) {
        self.key = key
        self.value = value
    }

    package init(_ key: String, _ value: Bytes?) { self.init(key: Bytes(key), value: value) }
}

/// One record, its bytes slices of the batch (or of what the batch inflated to).
package struct Record: Hashable, Sendable {
    package var offset: Offset
    package var timestamp: Timestamp
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [RecordHeader]

    package init(offset: Offset = 0, timestamp: Timestamp = .none, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// Where the parts of one encoded record lie, without a copy or a reference count: what a walk over a batch yields.
///
/// ```
/// length varint | attributes i8 | timestampDelta varlong | offsetDelta varint | keyLength varint (-1 null) key | valueLength value
/// | headerCount varint | (keyLength key valueLength value)*
/// ```
package struct RecordShape: Sendable {
    package var timestampDelta: Int64
    package var offsetDelta: Int32
    package var keyAt: Int
    /// -1 where the key is null.
    package var keyLength: Int
    package var valueAt: Int
    /// -1 where the value is null.
    package var valueLength: Int
    package var headersAt: Int
    package var headerCount: Int
    /// Where the next record begins.
    package var end: Int

    /// The record at `start`, or nil where the bytes up to `limit` do not hold one that is whole and consistent.
    @inlinable package static func parse(_ base: UnsafeRawPointer, at start: Int, limit: Int) -> RecordShape? {
        var at = start
        guard let length = readVarint(base, &at, limit), length >= 0, length <= limit - at else { return nil }
        let end = at + Int(length)
        guard at < end else { return nil }
        at += 1
        guard let timestampDelta = readVarint(base, &at, end), let offsetDelta = readVarint(base, &at, end),
            let narrowDelta = Int32(exactly: offsetDelta)
        else { return nil }
        guard let keyLength = readVarint(base, &at, end), keyLength <= end - at, keyLength >= -1 else { return nil }
        let keyAt = at
        at += max(0, Int(keyLength))
        guard let valueLength = readVarint(base, &at, end), valueLength <= end - at, valueLength >= -1 else { return nil }
        let valueAt = at
        at += max(0, Int(valueLength))
        guard let headerCount = readVarint(base, &at, end), headerCount >= 0, headerCount <= end - at else { return nil }
        let headersAt = at
        if headerCount > 0 { guard skipHeaders(base, &at, end, headerCount) else { return nil } }
        guard at == end else { return nil }
        return RecordShape(
            timestampDelta: timestampDelta, offsetDelta: narrowDelta, keyAt: keyAt, keyLength: Int(keyLength), valueAt: valueAt,
            valueLength: Int(valueLength), headersAt: headersAt, headerCount: Int(headerCount), end: end)
    }

    @usableFromInline init(
        timestampDelta: Int64, offsetDelta: Int32, keyAt: Int, keyLength: Int, valueAt: Int, valueLength: Int, headersAt: Int,
        headerCount: Int, end: Int
    ) {
        self.timestampDelta = timestampDelta
        self.offsetDelta = offsetDelta
        self.keyAt = keyAt
        self.keyLength = keyLength
        self.valueAt = valueAt
        self.valueLength = valueLength
        self.headersAt = headersAt
        self.headerCount = headerCount
        self.end = end
    }

    @usableFromInline static func skipHeaders(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int, _ count: Int64) -> Bool {
        for _ in 0..<count {
            guard let key = readVarint(base, &at, end), key >= 0, key <= end - at else { return false }
            at += Int(key)
            guard let value = readVarint(base, &at, end), value >= -1, value <= end - at else { return false }
            at += max(0, Int(value))
        }
        return true
    }

    /// The record itself, with slices of `bytes`, in which this shape was found.
    package func record(of bytes: Bytes, baseOffset: Offset, timestamp: Timestamp) -> Record {
        Record(
            offset: baseOffset + Int64(offsetDelta), timestamp: timestamp,
            key: keyLength < 0 ? nil : bytes.slice(keyAt, keyAt + keyLength),
            value: valueLength < 0 ? nil : bytes.slice(valueAt, valueAt + valueLength), headers: headers(of: bytes))
    }

    /// The record's headers, as slices of `bytes`. `parse` has walked them once, so nothing here can fail.
    package func headers(of bytes: Bytes) -> [RecordHeader] {
        guard headerCount > 0 else { return [] }
        var out: [RecordHeader] = []
        var at = headersAt
        let base = bytes.pointer
        for _ in 0..<headerCount {
            guard let keyLength = readVarint(base, &at, end) else { return out }
            let key = bytes.slice(at, at + Int(keyLength))
            at += Int(keyLength)
            guard let valueLength = readVarint(base, &at, end) else { return out }
            let value = valueLength < 0 ? nil : bytes.slice(at, at + Int(valueLength))
            at += max(0, Int(valueLength))
            out.append(RecordHeader(key: key, value: value))
        }
        return out
    }
}

/// A zigzag varint at `at`, which moves past it; nil where it is cut off by `limit` or longer than 64 bits.
@inlinable @inline(__always)
func readVarint(_ base: UnsafeRawPointer, _ at: inout Int, _ limit: Int) -> Int64? {
    guard at < limit else { return nil }
    let first = base.load(fromByteOffset: at, as: UInt8.self)
    if first < 0x80 {
        at += 1
        return Int64(first >> 1) ^ -Int64(first & 1)
    }
    return readLongVarint(base, &at, limit)
}

@usableFromInline
func readLongVarint(_ base: UnsafeRawPointer, _ at: inout Int, _ limit: Int) -> Int64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < limit, shift <= 63 {
        let byte = base.load(fromByteOffset: at, as: UInt8.self)
        at += 1
        if shift == 63 && byte > 1 { return nil }
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        shift += 7
    }
    return nil
}
