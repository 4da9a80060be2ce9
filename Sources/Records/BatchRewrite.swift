import Primitives

/// Which records of a batch stay, as runs of their encoded bytes: what compaction decides, and what a smaller batch is made from.
package struct RecordSelection: Sendable {
    /// The encoded records of the batch, inflated.
    package let payload: Bytes
    /// Where the records lie that stay, neighbours joined.
    private(set) var runs: [Range<Int>] = []
    package private(set) var count: Int32 = 0
    /// The largest timestamp of those that stay.
    package private(set) var maxTimestamp = Timestamp.none

    init(payload: Bytes) { self.payload = payload }

    mutating func keep(_ place: Range<Int>, _ timestamp: Timestamp) {
        if let last = runs.last, last.upperBound == place.lowerBound {
            runs[runs.count - 1] = last.lowerBound..<place.upperBound
        } else {
            runs.append(place)
        }
        count += 1
        maxTimestamp = max(maxTimestamp, timestamp)
    }

    var byteCount: Int { runs.reduce(0) { $0 + $1.count } }
}

// Smaller copies of batches. A batch keeps its base offset, last offset, sequences and leader epoch whatever goes from inside it, so that
// offsets stay where they are and producers' sequences continue (KIP-98).
extension RecordBatch {
    /// The records for which `keep` is true. Throws where the payload is not what the header says.
    package func select(
        _ codecs: Codecs, limit: Int = RecordBatch.inflatedBytesMax, keep: (RecordShape, UnsafeRawPointer) -> Bool
    ) throws(BatchError) -> RecordSelection {
        let payload = try payload(codecs, limit: limit)
        defer { withExtendedLifetime(payload) {} }
        let base = payload.pointer
        var selection = RecordSelection(payload: payload)
        var at = 0
        for index in 0..<max(0, header.recordCount) {
            guard let shape = RecordShape.parse(base, at: at, limit: payload.count) else {
                throw .invalid("record \(index) of \(header.recordCount) is malformed")
            }
            if keep(shape, base) { selection.keep(at..<shape.end, timestamp(of: shape)) }
            at = shape.end
        }
        guard at == payload.count else { throw .invalid("more bytes than the \(header.recordCount) records declared") }
        return selection
    }

    /// This batch with the selected records alone, compressed as it was. `deleteHorizon` stamps it (KIP-534): the base timestamp then is
    /// the horizon, from which the records' deltas count. nil leaves the stamp as it is, also where there is one already.
    package func with(_ selection: RecordSelection, deleteHorizon: Timestamp?, _ codecs: Codecs) throws(BatchError) -> RecordBatch {
        let records = deleteHorizon.map { encoded(selection, from: $0) } ?? joined(selection)
        let codec = header.codec ?? .none
        let body = try codecs.compress(codec, records)
        let whole = BatchHeader.size + body.count
        let original = self.bytes
        let bytes = Bytes(capacity: whole) { out in
            out.baseAddress!.copyMemory(from: original.pointer, byteCount: BatchHeader.size)
            (out.baseAddress! + BatchHeader.size).copyMemory(from: body.pointer, byteCount: body.count)
            return whole
        }
        bytes.patch(BatchField.length, Int32(whole - BatchHeader.prefixSize))
        if let deleteHorizon {
            bytes.patch(BatchField.attributes, header.attributes | BatchHeader.deleteHorizonBit)
            bytes.patch(BatchField.baseTimestamp, deleteHorizon.milliseconds)
        }
        if header.timestampType == .createTime { bytes.patch(BatchField.maxTimestamp, selection.maxTimestamp.milliseconds) }
        bytes.patch(BatchField.count, selection.count)
        return RecordBatch.sealed(bytes)
    }

    /// This batch without any record: what is left of one that must stay for its producer's sequence or for the end of the log.
    package func emptied() -> RecordBatch {
        let bytes = Bytes(UnsafeRawBufferPointer(start: self.bytes.pointer, count: BatchHeader.size))
        bytes.patch(BatchField.length, Int32(BatchHeader.size - BatchHeader.prefixSize))
        bytes.patch(BatchField.attributes, header.attributes & ~(BatchHeader.codecMask | BatchHeader.deleteHorizonBit))
        bytes.patch(BatchField.baseTimestamp, Timestamp.none.milliseconds)
        bytes.patch(BatchField.count, Int32(0))
        return RecordBatch.sealed(bytes)
    }

    private static func sealed(_ bytes: Bytes) -> RecordBatch {
        bytes.patch(BatchField.crc, CRC32C.checksum(bytes.dropFirst(BatchField.attributes)))
        guard let header = try? BatchHeader.parse(bytes) else { preconditionFailure("a batch that was parsed once has a header") }
        return RecordBatch(header: header, bytes: bytes)
    }

    /// The selected records byte for byte.
    private func joined(_ selection: RecordSelection) -> Bytes {
        let from = selection.payload
        return Bytes(capacity: selection.byteCount) { out in
            var at = 0
            for run in selection.runs {
                (out.baseAddress! + at).copyMemory(from: from.pointer + run.lowerBound, byteCount: run.count)
                at += run.count
            }
            return at
        }
    }

    /// The selected records with their timestamps counted from another base.
    private func encoded(_ selection: RecordSelection, from base: Timestamp) -> Bytes {
        let payload = selection.payload
        defer { withExtendedLifetime(payload) {} }
        let shift = header.baseTimestamp.milliseconds &- base.milliseconds
        var writer = ByteWriter(capacity: selection.byteCount + 9 * Int(selection.count))
        for run in selection.runs {
            var at = run.lowerBound
            while at < run.upperBound {
                // length | attributes | timestampDelta | the rest, which stays as it is.
                guard let length = readVarint(payload.pointer, &at, run.upperBound) else { break }
                let end = at + Int(length)
                let attributes = payload[at]
                at += 1
                guard let delta = readVarint(payload.pointer, &at, end) else { break }
                let moved = delta &+ shift
                writer.varint(Int64(1 + varintSize(moved) + end - at))
                writer.integer(attributes)
                writer.varint(moved)
                writer.bytes(payload.slice(at, end))
                at = end
            }
        }
        return writer.finish()
    }
}
