import Primitives

/// A run of whole batches in a segment's file, for `sendfile` or for reading. It stays readable after the segment is deleted, as long
/// as somebody holds `file`.
package struct LogSlice: Sendable {
    /// nil in an empty slice.
    package var file: (any DiskFile)?
    package var position: Int
    package var length: Int
    /// The base offset of the first batch, which may lie below the offset asked for; that offset where the slice is empty.
    package var baseOffset: Offset

    package init(file: (any DiskFile)?, position: Int, length: Int, baseOffset: Offset) {
        self.file = file
        self.position = position
        self.length = length
        self.baseOffset = baseOffset
    }

    package static func empty(at offset: Offset) -> LogSlice { LogSlice(file: nil, position: 0, length: 0, baseOffset: offset) }
    package var isEmpty: Bool { length == 0 }

    /// The bytes themselves, for callers without `sendfile`.
    package func bytes() throws(LogError) -> Bytes {
        guard let file, length > 0 else { return .empty }
        let bytes = try onDisk { () throws(DiskError) in try file.read(at: position, count: length) }
        guard bytes.count == length else { throw .damaged("\(file.path) is shorter than its index says") }
        return bytes
    }
}

/// What an append did.
package struct AppendResult: Equatable, Sendable {
    /// Of the first batch. For a duplicate: where the original lies.
    package var baseOffset: Offset
    package var lastOffset: Offset
    /// `.none` with CreateTime topics.
    package var logAppendTime: Timestamp
    package var logStartOffset: Offset
    /// The batch had been appended before (same producer, epoch and sequences); nothing was written.
    package var isDuplicate: Bool
    /// Bytes written.
    package var bytes: Int
    package var recordCount: Int64
    /// The append began a new segment.
    package var rolled: Bool
}

/// Who appends. It decides what is checked and who assigns offsets.
package enum AppendOrigin: Equatable, Sendable {
    /// A produce request of this version: one batch per partition, all of kafka.md §2.11–13 checked, offsets assigned here.
    case client(produceVersion: Int16)
    /// A coordinator on this broker (offsets, groups, transaction markers): control batches allowed, offsets assigned here.
    case coordinator
    /// Markers of a transaction of this level of `transaction.version`: with 2 its epoch is newer than all that it ends (KIP-1228).
    case marker(transactionVersion: Int8)
    /// A follower's fetch: offsets and epochs are already in the batches, which must continue at the log end.
    case replication
    /// The same without a look at the checksums: a deliberate defect's (`Mutations.trustFetchedBatches`).
    case unchecked
}

/// What the log knows at one timestamp or at its largest: the answer of ListOffsets.
package struct TimestampOffset: Equatable, Sendable {
    package var offset: Offset
    package var timestamp: Timestamp
    package var leaderEpoch: LeaderEpoch

    package init(offset: Offset, timestamp: Timestamp, leaderEpoch: LeaderEpoch) {
        self.offset = offset
        self.timestamp = timestamp
        self.leaderEpoch = leaderEpoch
    }
}

/// An aborted transaction that a read_committed fetch has to hear of.
package struct AbortedTransaction: Equatable, Hashable, Sendable {
    package var producerID: Int64
    package var firstOffset: Offset
    /// The marker's offset.
    package var lastOffset: Offset
    /// The last stable offset once this transaction had ended.
    package var lastStableOffset: Offset
}
