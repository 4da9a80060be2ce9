import Primitives

/// Builds one record batch of magic 2. A plain value: copy it, keep it in an accumulator, build it when it is full.
///
/// Offsets count from `baseOffset`, timestamps are deltas to the first record's.
package struct BatchBuilder: Sendable {
    package var baseOffset: Offset
    package var partitionLeaderEpoch: LeaderEpoch
    package var codec: Codec
    package var timestampType: TimestampType
    package var producerID: Int64
    package var producerEpoch: Int16
    package var baseSequence: Int32
    package var isTransactional: Bool
    package var isControl: Bool

    package private(set) var count: Int32 = 0
    package private(set) var lastOffsetDelta: Int32 = -1
    package private(set) var maxTimestamp = Timestamp.none
    private var baseTimestamp = Timestamp.none
    /// The records, up to `end`. Copies of the builder, and what was built without a copy, share it; whoever appends then moves.
    private var storage: ByteStorage?
    private var end = 0

    package init(
        baseOffset: Offset = 0, codec: Codec = .none, timestampType: TimestampType = .createTime, producerID: Int64 = -1,
        producerEpoch: Int16 = -1, baseSequence: Int32 = -1, isTransactional: Bool = false, isControl: Bool = false,
        leaderEpoch: LeaderEpoch = .none
    ) {
        self.baseOffset = baseOffset
        self.codec = codec
        self.timestampType = timestampType
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.baseSequence = baseSequence
        self.isTransactional = isTransactional
        self.isControl = isControl
        partitionLeaderEpoch = leaderEpoch
    }

    /// Bytes of the batch if it were built now, before compression. Accumulators compare it with `batch.size`.
    package var sizeInBytes: Int { BatchHeader.size + end }
    package var isEmpty: Bool { count == 0 }

    /// Appends a record at the next offset.
    package mutating func append(timestamp: Timestamp, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []) {
        append(timestamp: timestamp, key: key, value: value, headers: headers, offsetDelta: lastOffsetDelta + 1)
    }

    /// Appends a record at a given distance from the base offset: for copies with gaps, as compaction leaves them. Ascending.
    package mutating func append(timestamp: Timestamp, key: Bytes?, value: Bytes?, headers: [RecordHeader], offsetDelta: Int32) {
        precondition(offsetDelta > lastOffsetDelta, "offsets within a batch ascend")
        if count == 0 { baseTimestamp = timestamp }
        maxTimestamp = max(maxTimestamp, timestamp)
        let timestampDelta = timestamp.milliseconds &- baseTimestamp.milliseconds
        var length = 1 + varintSize(timestampDelta) + varintSize(Int64(offsetDelta)) + fieldSize(key) + fieldSize(value)
        length += varintSize(Int64(headers.count))
        for header in headers { length += fieldSize(header.key) + fieldSize(header.value) }
        var cursor = room(for: length + varintSize(Int64(length)))
        cursor.put(Int64(length))
        cursor.put(byte: 0)
        cursor.put(timestampDelta)
        cursor.put(Int64(offsetDelta))
        cursor.put(key)
        cursor.put(value)
        cursor.put(Int64(headers.count))
        for header in headers {
            cursor.put(header.key)
            cursor.put(header.value)
        }
        count += 1
        lastOffsetDelta = offsetDelta
    }

    package mutating func append(_ record: Record) {
        append(timestamp: record.timestamp, key: record.key, value: record.value, headers: record.headers)
    }

    /// Appends the records of another builder, with the times and distances of this one. They have no gaps there.
    package mutating func append(_ other: BatchBuilder) {
        other.forEachRecord { shape, base in
            let timestamp = Timestamp(milliseconds: other.baseTimestamp.milliseconds &+ shape.timestampDelta)
            if count == 0 { baseTimestamp = timestamp }
            maxTimestamp = max(maxTimestamp, timestamp)
            let timestampDelta = timestamp.milliseconds &- baseTimestamp.milliseconds
            // From the key's length on nothing changes.
            let same = shape.keyAt - varintSize(Int64(shape.keyLength))
            let length = 1 + varintSize(timestampDelta) + varintSize(Int64(lastOffsetDelta + 1)) + shape.end - same
            var cursor = room(for: length + varintSize(Int64(length)))
            cursor.put(Int64(length))
            cursor.put(byte: 0)
            cursor.put(timestampDelta)
            cursor.put(Int64(lastOffsetDelta + 1))
            cursor.put(UnsafeRawBufferPointer(start: base + same, count: shape.end - same))
            count += 1
            lastOffsetDelta += 1
        }
    }

    /// The records so far, as slices of the builder's memory.
    package var records: [Record] {
        guard let storage else { return [] }
        let bytes = Bytes(storage: storage, lower: 0, upper: end)
        var out: [Record] = []
        out.reserveCapacity(Int(count))
        forEachRecord { shape, _ in
            let timestamp = Timestamp(milliseconds: baseTimestamp.milliseconds &+ shape.timestampDelta)
            out.append(shape.record(of: bytes, baseOffset: baseOffset, timestamp: timestamp))
        }
        return out
    }

    private func forEachRecord(_ body: (RecordShape, UnsafeRawPointer) -> Void) {
        guard let storage else { return }
        var at = 0
        while let shape = RecordShape.parse(storage.base, at: at, limit: end) {
            body(shape, storage.base)
            at = shape.end
        }
    }

    /// Makes sure that so many bytes of records need no other memory.
    package mutating func reserve(_ bytes: Int) {
        if !isKnownUniquelyReferenced(&storage) || storage.unsafelyUnwrapped.capacity < bytes { move(to: max(end, bytes)) }
    }

    /// Where so many more bytes go, which the caller writes now.
    private mutating func room(for bytes: Int) -> Cursor {
        if !isKnownUniquelyReferenced(&storage) || storage.unsafelyUnwrapped.capacity - end < bytes {
            move(to: max(end + bytes, storage == nil ? 256 : 2 * end))
        }
        defer { end += bytes }
        return Cursor(at: storage.unsafelyUnwrapped.base + end)
    }

    private mutating func move(to capacity: Int) {
        let other = ByteStorage(capacity: capacity)
        if let storage { other.base.copyMemory(from: storage.base, byteCount: end) }
        storage = other
    }

    /// The batch, compressed as `codec` says, with its checksum.
    package func build(_ codecs: Codecs, level: Int? = nil) throws(BatchError) -> Bytes {
        if codec == .none { return buildUncompressed() }
        return assemble(try codecs.compress(codec, payload, level: level), codec)
    }

    /// The same in two parts, header and records; without compression the records are not copied.
    package func buildParts(_ codecs: Codecs) throws(BatchError) -> (header: Bytes, records: Bytes) {
        let records = codec == .none ? payload : try codecs.compress(codec, payload, level: nil)
        return (seal(Bytes(storage: ByteStorage(capacity: BatchHeader.size), lower: 0, upper: BatchHeader.size), records, codec), records)
    }

    /// The batch as it is without compression, whatever `codec` says.
    package func buildUncompressed() -> Bytes { assemble(payload, .none) }

    private var payload: Bytes { storage.map { Bytes(storage: $0, lower: 0, upper: end) } ?? .empty }

    private func assemble(_ payload: Bytes, _ codec: Codec) -> Bytes {
        let storage = ByteStorage(capacity: BatchHeader.size + payload.count)
        (storage.base + BatchHeader.size).copyMemory(from: payload.pointer, byteCount: payload.count)
        let whole = Bytes(storage: storage, lower: 0, upper: BatchHeader.size + payload.count)
        _ = seal(whole.prefix(BatchHeader.size), payload, codec)
        return whole
    }

    /// Writes the header that goes in front of the records.
    private func seal(_ batch: Bytes, _ records: Bytes, _ codec: Codec) -> Bytes {
        var attributes = Int16(codec.rawValue)
        if timestampType == .logAppendTime { attributes |= BatchHeader.timestampTypeBit }
        if isTransactional { attributes |= BatchHeader.transactionalBit }
        if isControl { attributes |= BatchHeader.controlBit }
        batch.patch(0, baseOffset.rawValue)
        batch.patch(8, Int32(BatchHeader.size + records.count - BatchHeader.prefixSize))
        batch.patch(12, partitionLeaderEpoch.rawValue)
        batch.patch(16, Int8(2))
        batch.patch(21, attributes)
        batch.patch(23, max(0, lastOffsetDelta))
        batch.patch(27, baseTimestamp.milliseconds)
        batch.patch(35, maxTimestamp.milliseconds)
        batch.patch(43, producerID)
        batch.patch(51, producerEpoch)
        batch.patch(53, baseSequence)
        batch.patch(57, count)
        batch.patch(17, CRC32C.checksum(batch.dropFirst(BatchField.attributes), records))
        return batch
    }
}

/// Writes where it stands and moves on. Whoever made it has made sure of the room.
private struct Cursor {
    var at: UnsafeMutableRawPointer

    @inline(__always) mutating func put(byte: UInt8) {
        at.storeBytes(of: byte, as: UInt8.self)
        at += 1
    }

    /// A zigzag varint.
    @inline(__always) mutating func put(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            put(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(byte: UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always) mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        at.copyMemory(from: base, byteCount: bytes.count)
        at += bytes.count
    }

    @inline(__always) mutating func put(_ field: Bytes?) {
        guard let field else { return put(-1) }
        put(Int64(field.count))
        field.withUnsafeBytes { put($0) }
    }
}

/// Bytes that a zigzag varint takes.
func varintSize(_ value: Int64) -> Int {
    let zigzag = UInt64(bitPattern: (value << 1) ^ (value >> 63))
    return max(1, (64 - zigzag.leadingZeroBitCount + 6) / 7)
}

private func fieldSize(_ field: Bytes?) -> Int {
    guard let field else { return 1 }
    return varintSize(Int64(field.count)) + field.count
}
