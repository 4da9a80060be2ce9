import Primitives

/// `.snapshot`: the state of all producers up to the offset in the file's name.
///
/// ```
/// i16 version = 1 | u32 crc32c of what follows | i32 count
/// (producerID i64 | epoch i16 | lastSequence i32 | lastOffset i64 | offsetDelta i32 | timestamp i64 | coordinatorEpoch i32
///  | currentTransactionFirstOffset i64)*
/// ```
package enum ProducerSnapshot {
    package static let headerSize = 10
    package static let entrySize = 46

    package static func encode(_ states: [ProducerState]) -> Bytes {
        var writer = ByteWriter(capacity: headerSize + states.count * entrySize)
        writer.integer(Int16(1))
        writer.integer(UInt32(0))
        writer.integer(Int32(states.count))
        for state in states {
            writer.integer(state.producerID)
            writer.integer(state.producerEpoch)
            writer.integer(state.lastSequence)
            writer.integer(state.lastOffset.rawValue)
            writer.integer(state.batches.last?.offsetDelta ?? 0)
            writer.integer(state.lastTimestamp.milliseconds)
            writer.integer(state.coordinatorEpoch)
            writer.integer(state.transactionFirstOffset?.rawValue ?? -1)
        }
        writer.patch(2, writer.withWritten(from: 6) { CRC32C.checksum($0) })
        return writer.finish()
    }

    /// nil where the file is torn, of another version, or its checksum is wrong.
    package static func decode(_ bytes: Bytes) -> [ProducerState]? {
        guard bytes.count >= headerSize, bytes.load(0, as: Int16.self) == 1 else { return nil }
        guard bytes.load(2, as: UInt32.self) == CRC32C.checksum(bytes.dropFirst(6)) else { return nil }
        let count: Int32 = bytes.load(6)
        guard count >= 0, (bytes.count - headerSize) / entrySize >= Int(count) else { return nil }
        return (0..<Int(count)).map { entry(bytes, headerSize + $0 * entrySize) }
    }

    private static func entry(_ bytes: Bytes, _ at: Int) -> ProducerState {
        let lastSequence: Int32 = bytes.load(at + 10)
        let lastOffset = Offset(bytes.load(at + 14))
        let timestamp = Timestamp(milliseconds: bytes.load(at + 26))
        let transactionStart: Int64 = bytes.load(at + 38)
        let batch = ProducerBatch(
            lastSequence: lastSequence, lastOffset: lastOffset, offsetDelta: bytes.load(at + 22), timestamp: timestamp)
        return ProducerState(
            producerID: bytes.load(at), producerEpoch: bytes.load(at + 8), batches: lastOffset.rawValue >= 0 ? [batch] : [],
            coordinatorEpoch: bytes.load(at + 34), lastTimestamp: timestamp,
            transactionFirstOffset: transactionStart >= 0 ? Offset(transactionStart) : nil)
    }
}
