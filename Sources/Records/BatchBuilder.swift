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
    private var records: [UInt8] = []

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
    package var sizeInBytes: Int { BatchHeader.size + records.count }
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
        putVarint(Int64(length))
        records.append(0)
        putVarint(timestampDelta)
        putVarint(Int64(offsetDelta))
        putField(key)
        putField(value)
        putVarint(Int64(headers.count))
        for header in headers {
            putField(header.key)
            putField(header.value)
        }
        count += 1
        lastOffsetDelta = offsetDelta
    }

    package mutating func append(_ record: Record) {
        append(timestamp: record.timestamp, key: record.key, value: record.value, headers: record.headers)
    }

    /// The batch, compressed as `codec` says, with its checksum.
    package func build(_ codecs: Codecs, level: Int? = nil) throws(BatchError) -> Bytes {
        if codec == .none { return buildUncompressed() }
        return assemble(try codecs.compress(codec, Bytes(records), level: level), codec)
    }

    /// The batch as it is without compression, whatever `codec` says.
    package func buildUncompressed() -> Bytes {
        let storage = ByteStorage(capacity: BatchHeader.size + records.count)
        records.withUnsafeBytes { source in
            if let from = source.baseAddress { (storage.base + BatchHeader.size).copyMemory(from: from, byteCount: source.count) }
        }
        return seal(Bytes(storage: storage, lower: 0, upper: storage.capacity), .none)
    }

    private func assemble(_ payload: Bytes, _ codec: Codec) -> Bytes {
        let storage = ByteStorage(capacity: BatchHeader.size + payload.count)
        (storage.base + BatchHeader.size).copyMemory(from: payload.pointer, byteCount: payload.count)
        return seal(Bytes(storage: storage, lower: 0, upper: BatchHeader.size + payload.count), codec)
    }

    /// Writes the header in front of the records that are already in place.
    private func seal(_ batch: Bytes, _ codec: Codec) -> Bytes {
        var attributes = Int16(codec.rawValue)
        if timestampType == .logAppendTime { attributes |= BatchHeader.timestampTypeBit }
        if isTransactional { attributes |= BatchHeader.transactionalBit }
        if isControl { attributes |= BatchHeader.controlBit }
        batch.patch(0, baseOffset.rawValue)
        batch.patch(8, Int32(batch.count - BatchHeader.prefixSize))
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
        batch.patch(17, CRC32C.checksum(batch.dropFirst(BatchField.attributes)))
        return batch
    }

    private mutating func putVarint(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            records.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        records.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func putField(_ field: Bytes?) {
        guard let field else { return putVarint(-1) }
        putVarint(Int64(field.count))
        field.withUnsafeBytes { records.append(contentsOf: $0) }
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
