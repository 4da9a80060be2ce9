import Primitives
import Records

/// Records of one fetched batch, from some position on, that were checked and are made one by one as they are asked for: who takes them
/// may be another thread than the one that fetched, and none of them costs anything before.
package struct ReadBatch: Equatable, Sendable {
    package let partition: TopicPartition
    package let header: BatchHeader
    /// The encoded records, inflated where they were compressed.
    package let payload: Bytes
    private var at = 0
    /// Those that are left.
    package private(set) var count = 0
    /// What they count against the reader's buffer (`ReadRecord.size`, and not less).
    package private(set) var bytes = 0

    /// Those of `batch` at or behind `position`. Walks over all of it, and throws where it cannot be read to its end.
    init(_ batch: RecordBatch, from position: Offset, _ partition: TopicPartition, _ codecs: Codecs) throws(BatchError) {
        var payload = Bytes.empty
        var (at, count, bytes) = (0, 0, 0)
        try batch.forEachRecord(codecs) { (shape, whole) throws(BatchError) in
            if at == 0 && count == 0 { payload = whole }
            if count == 0 && batch.header.baseOffset + Int64(shape.offsetDelta) < position {
                at = shape.end
            } else {
                count += 1
                bytes += ReadRecord.overhead + max(0, shape.keyLength) + max(0, shape.valueLength) + shape.end - shape.headersAt
            }
        }
        (self.partition, header, self.payload) = (partition, batch.header, payload)
        (self.at, self.count, self.bytes) = (at, count, bytes)
    }

    /// Where in the payload the next record lies, which is not among them any more.
    package mutating func popFirst() -> RecordShape? {
        // It was walked over before: nothing of it is malformed.
        guard count > 0, let shape = RecordShape.parse(payload.pointer, at: at, limit: payload.count) else {
            count = 0
            return nil
        }
        at = shape.end
        count -= 1
        return shape
    }

    package func timestamp(of shape: RecordShape) -> Timestamp { header.timestamp(of: shape) }
}

/// What a fetch brought, in the order of each partition.
package struct ReadRecords: Equatable, Sendable {
    package var batches: [ReadBatch] = []

    package init() {}

    package var count: Int { batches.reduce(0) { $0 + $1.count } }
    package var bytes: Int { batches.reduce(0) { $0 + $1.bytes } }
    package var isEmpty: Bool { batches.isEmpty }

    mutating func append(_ batch: ReadBatch) { if batch.count > 0 { batches.append(batch) } }
}

extension ReadRecords: Sequence {
    package struct Iterator: IteratorProtocol {
        fileprivate var batches: ArraySlice<ReadBatch>

        package mutating func next() -> ReadRecord? {
            while let first = batches.indices.first {
                if let shape = batches[first].popFirst() { return ReadRecord(shape, of: batches[first]) }
                batches.removeFirst()
            }
            return nil
        }
    }

    package func makeIterator() -> Iterator { Iterator(batches: batches[...]) }
}

extension ReadRecord {
    fileprivate init(_ shape: RecordShape, of batch: ReadBatch) {
        let record = shape.record(of: batch.payload, baseOffset: batch.header.baseOffset, timestamp: batch.timestamp(of: shape))
        self.init(
            partition: batch.partition, offset: record.offset, timestamp: record.timestamp, timestampType: batch.header.timestampType,
            leaderEpoch: batch.header.partitionLeaderEpoch, key: record.key, value: record.value, headers: record.headers)
    }
}
