import Primitives

/// `.txnindex`: the aborted transactions whose markers lie in a segment, 34 bytes each: i16 version 0, producer id, first offset, last
/// offset, last stable offset. Made when the first one is added. Ascending by last offset.
package enum TransactionIndex {
    package static let entrySize = 34

    package static func encode(_ entry: AbortedTransaction) -> Bytes {
        var writer = ByteWriter(capacity: entrySize)
        writer.integer(Int16(0))
        writer.integer(entry.producerID)
        writer.integer(entry.firstOffset.rawValue)
        writer.integer(entry.lastOffset.rawValue)
        writer.integer(entry.lastStableOffset.rawValue)
        return writer.finish()
    }

    /// The whole entries of a file; stops at a version it does not know.
    package static func decode(_ bytes: Bytes) -> [AbortedTransaction] {
        var out: [AbortedTransaction] = []
        var at = 0
        while bytes.count - at >= entrySize {
            let version: Int16 = bytes.load(at)
            guard version == 0 else { break }
            out.append(
                AbortedTransaction(
                    producerID: bytes.load(at + 2), firstOffset: Offset(bytes.load(at + 10)), lastOffset: Offset(bytes.load(at + 18)),
                    lastStableOffset: Offset(bytes.load(at + 26))))
            at += entrySize
        }
        return out
    }
}
