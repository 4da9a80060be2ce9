import Primitives

/// A whole record batch of magic 2: its header and a slice of all its bytes.
package struct RecordBatch: Sendable {
    package let header: BatchHeader
    /// The batch from base offset to last record, `header.sizeInBytes` of them.
    package let bytes: Bytes

    /// What one batch may inflate to unless the caller says otherwise: as much as a request may hold.
    package static let inflatedBytesMax = 100 * 1024 * 1024

    package init(header: BatchHeader, bytes: Bytes) {
        self.header = header
        self.bytes = bytes
    }

    /// Whether the stored checksum is that of the bytes from the attributes on.
    package var isChecksumValid: Bool {
        CRC32C.checksum(bytes.dropFirst(BatchField.attributes)) == header.crc
    }

    /// The encoded records, inflated where they are compressed.
    package func payload(_ codecs: Codecs, limit: Int = RecordBatch.inflatedBytesMax) throws(BatchError) -> Bytes {
        guard let codec = header.codec else { throw .undecodable(nil, "attributes name no codec") }
        return try codecs.decompress(codec, bytes.dropFirst(BatchHeader.size), limit: limit)
    }

    /// Calls `body` with the shape of each record; the shapes' positions count within the payload that is also passed. Checks that the
    /// payload holds exactly the number of records the header names.
    package func forEachRecord(
        _ codecs: Codecs, limit: Int = RecordBatch.inflatedBytesMax, _ body: (RecordShape, Bytes) throws(BatchError) -> Void
    ) throws(BatchError) {
        let payload = try payload(codecs, limit: limit)
        let base = payload.pointer
        var at = 0
        for index in 0..<max(0, header.recordCount) {
            guard let shape = RecordShape.parse(base, at: at, limit: payload.count) else {
                throw .invalid("record \(index) of \(header.recordCount) is malformed")
            }
            try body(shape, payload)
            at = shape.end
        }
        guard at == payload.count else { throw .invalid("more bytes than the \(header.recordCount) records declared") }
    }

    /// All records, each with slices of the (inflated) batch. Control batches too: see `ControlRecord`.
    package func records(_ codecs: Codecs, limit: Int = RecordBatch.inflatedBytesMax) throws(BatchError) -> [Record] {
        var out: [Record] = []
        out.reserveCapacity(min(1000, max(0, Int(header.recordCount))))
        try forEachRecord(codecs, limit: limit) { (shape, payload) throws(BatchError) in
            out.append(shape.record(of: payload, baseOffset: header.baseOffset, timestamp: timestamp(of: shape)))
        }
        return out
    }

    /// A record's own timestamp; where the broker stamped the batch, that stamp.
    package func timestamp(of shape: RecordShape) -> Timestamp { header.timestamp(of: shape) }
}

extension BatchHeader {
    /// A record's own timestamp; where the broker stamped the batch, that stamp.
    package func timestamp(of shape: RecordShape) -> Timestamp {
        timestampType == .logAppendTime ? maxTimestamp : Timestamp(milliseconds: baseTimestamp.milliseconds &+ shape.timestampDelta)
    }
}

/// Batches back to back, as in a segment or in a fetch response. Stops without a word at a batch whose end is missing, which is how a
/// fetch response may end; says `.corrupt` at what cannot be a batch.
package struct BatchWalk {
    package let bytes: Bytes
    /// Where the next batch begins; after the last one, where the incomplete rest begins.
    package private(set) var position: Int

    package init(_ bytes: Bytes, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    package mutating func next() throws(BatchError) -> RecordBatch? {
        guard let header = try BatchHeader.parse(bytes, at: position) else { return nil }
        guard header.sizeInBytes <= bytes.count - position else { return nil }
        guard header.magic == 2 else { throw .corrupt("Invalid magic found in record: \(header.magic)") }
        let batch = RecordBatch(header: header, bytes: bytes.slice(position, position + header.sizeInBytes))
        position += header.sizeInBytes
        return batch
    }

    /// All whole batches.
    package static func all(in bytes: Bytes) throws(BatchError) -> [RecordBatch] {
        var walk = BatchWalk(bytes)
        var out: [RecordBatch] = []
        while let batch = try walk.next() { out.append(batch) }
        return out
    }
}
