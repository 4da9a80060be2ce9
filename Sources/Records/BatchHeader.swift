import Primitives

/// Where the timestamps of a batch come from.
package enum TimestampType: UInt8, Sendable {
    case createTime = 0
    case logAppendTime = 1

    package var name: String { self == .createTime ? "CreateTime" : "LogAppendTime" }
}

/// The 61 bytes that begin a record batch (magic 2), parsed. All that the broker looks at on the hot path.
///
/// ```
/// 0 baseOffset i64 | 8 length i32 (from 12 on) | 12 leaderEpoch i32 | 16 magic i8 | 17 crc u32 (of 21 to the end) | 21 attributes i16
/// 23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64 | 43 producerID i64 | 51 producerEpoch i16 | 53 baseSequence i32
/// 57 count i32 | 61 records
/// ```
package struct BatchHeader: Equatable, Sendable {
    package var baseOffset: Offset
    /// Bytes after the length field, as on disk. Checked by `parse` to be at least what the header takes.
    package var batchLength: Int32
    package var partitionLeaderEpoch: LeaderEpoch
    package var magic: Int8
    package var crc: UInt32
    package var attributes: Int16
    package var lastOffsetDelta: Int32
    /// With `hasDeleteHorizon` this holds the horizon, and the records' deltas still count from it.
    package var baseTimestamp: Timestamp
    package var maxTimestamp: Timestamp
    package var producerID: Int64
    package var producerEpoch: Int16
    package var baseSequence: Int32
    package var recordCount: Int32

    package static let size = 61
    /// The bytes before the length field counts.
    package static let prefixSize = 12
    /// The least a batch of any magic can claim after its length field (Kafka: 14 bytes of a version 0 record).
    static let lengthMin: Int32 = 14

    package static let codecMask: Int16 = 0x07
    package static let timestampTypeBit: Int16 = 0x08
    package static let transactionalBit: Int16 = 0x10
    package static let controlBit: Int16 = 0x20
    package static let deleteHorizonBit: Int16 = 0x40

    /// Bytes of the whole batch, header and all.
    package var sizeInBytes: Int { Int(batchLength) + BatchHeader.prefixSize }
    package var lastOffset: Offset { baseOffset + Int64(lastOffsetDelta) }
    package var nextOffset: Offset { lastOffset + 1 }
    /// nil where the attributes name a codec that does not exist.
    package var codec: Codec? { Codec(rawValue: UInt8(attributes & BatchHeader.codecMask)) }
    package var timestampType: TimestampType { attributes & BatchHeader.timestampTypeBit == 0 ? .createTime : .logAppendTime }
    package var isTransactional: Bool { attributes & BatchHeader.transactionalBit != 0 }
    package var isControl: Bool { attributes & BatchHeader.controlBit != 0 }
    package var hasDeleteHorizon: Bool { attributes & BatchHeader.deleteHorizonBit != 0 }
    package var hasProducerID: Bool { producerID >= 0 }
    /// The sequence of the last record; wraps from the greatest Int32 to 0.
    package var lastSequence: Int32 { BatchHeader.sequence(baseSequence, advancedBy: lastOffsetDelta) }

    /// Sequence arithmetic: they count from 0 to the greatest Int32 and begin again at 0. -1, no sequence, stays.
    package static func sequence(_ sequence: Int32, advancedBy count: Int32) -> Int32 {
        if sequence < 0 { return -1 }
        let sum = Int64(sequence) + Int64(count)
        return sum > Int64(Int32.max) ? Int32(truncatingIfNeeded: sum - Int64(Int32.max) - 1) : Int32(truncatingIfNeeded: sum)
    }

    /// The header at `position`, or nil where fewer than 61 bytes follow. Nothing is checked beyond that the length is not impossible;
    /// older magics have other fields in other places, so look at `magic` first.
    package static func parse(_ bytes: Bytes, at position: Int = 0) throws(BatchError) -> BatchHeader? {
        guard position >= 0, bytes.count - position >= size else { return nil }
        let header = BatchHeader(unchecked: bytes, at: position)
        let least = header.magic == 2 ? Int32(size - prefixSize) : lengthMin
        guard header.batchLength >= least else { throw .corrupt("batch length \(header.batchLength) is less than a header takes") }
        guard header.magic != 2 || header.lastOffsetDelta >= 0 else { throw .corrupt("last offset delta is negative") }
        return header
    }

    private init(unchecked bytes: Bytes, at position: Int) {
        baseOffset = Offset(bytes.load(position))
        batchLength = bytes.load(position + 8)
        partitionLeaderEpoch = LeaderEpoch(bytes.load(position + 12))
        magic = bytes.load(position + 16)
        crc = bytes.load(position + 17)
        attributes = bytes.load(position + 21)
        lastOffsetDelta = bytes.load(position + 23)
        baseTimestamp = Timestamp(milliseconds: bytes.load(position + 27))
        maxTimestamp = Timestamp(milliseconds: bytes.load(position + 35))
        producerID = bytes.load(position + 43)
        producerEpoch = bytes.load(position + 51)
        baseSequence = bytes.load(position + 53)
        recordCount = bytes.load(position + 57)
    }
}

/// Where the fields lie that are patched in place.
package enum BatchField {
    package static let baseOffset = 0
    package static let length = 8
    package static let leaderEpoch = 12
    package static let magic = 16
    package static let crc = 17
    package static let attributes = 21
    package static let baseTimestamp = 27
    package static let maxTimestamp = 35
    package static let count = 57
}
