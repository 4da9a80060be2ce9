import Primitives

/// What a produce request's records are held against.
package struct BatchRules: Sendable {
    package var batchBytesMax = 1_048_588
    package var timestampType = TimestampType.createTime
    package var timestampBeforeMaxMilliseconds = Int64.max
    package var timestampAfterMaxMilliseconds: Int64 = 3_600_000
    /// `cleanup.policy` has compact: every record needs a key.
    package var needsKeys = false
    /// Of the request; zstd needs 7.
    package var produceVersion: Int16 = 9
    /// The codec the log keeps; nil keeps the producer's.
    package var compression: Codec? = nil
    /// That codec's level; nil is its default.
    package var compressionLevel: Int? = nil
    /// What a batch may inflate to.
    package var inflatedBytesMax = RecordBatch.inflatedBytesMax
    /// For the words of errors only.
    package var partition = TopicPartition("", 0)

    package init() {}
}

/// The checks that Kafka's ProduceRequest, UnifiedLog and LogValidator make of a client's batch, in their order, since the first one
/// that fails decides the answer.
package enum BatchValidation {
    /// The one batch of a produce request, its structure and checksum checked. Bytes behind it that are no whole batch are dropped, as
    /// Kafka does.
    package static func single(_ bytes: Bytes, _ rules: BatchRules) throws(BatchError) -> RecordBatch {
        guard bytes.count >= BatchHeader.prefixSize + 5 else { throw .invalid("the request holds no record batch") }
        let length: Int32 = bytes.load(BatchField.length)
        guard length >= BatchHeader.lengthMin else { throw .corrupt("batch length \(length) is less than a header takes") }
        guard Int(length) <= bytes.count - BatchHeader.prefixSize else { throw .invalid("the request holds no whole record batch") }
        let magic: Int8 = bytes.load(16)
        guard magic >= 0, magic <= 2 else { throw .corrupt("Invalid magic found in record: \(magic)") }
        guard magic == 2 else { throw .invalid("Produce requests may only hold record batches of magic 2") }
        var walk = BatchWalk(bytes)
        guard let batch = try walk.next() else { throw .invalid("the request holds no whole record batch") }
        if batch.header.codec == .zstd && rules.produceVersion < 7 { throw .unsupportedCompression }
        guard try walk.next() == nil else { throw .invalid("Produce requests may hold one record batch per partition") }
        let size = batch.header.sizeInBytes
        guard size <= rules.batchBytesMax else { throw .tooLarge(size: size, limit: rules.batchBytesMax) }
        guard batch.isChecksumValid else { throw .corrupt("the checksum of the record batch is wrong") }
        return batch
    }

    /// A client's batch made ready to be appended: its records checked, stamped with the log's time where the topic wants that, and
    /// recompressed where the topic names another codec. The base offset and leader epoch are the log's to patch. `batch` must not be
    /// shared: it is patched in place.
    package static func prepare(
        _ batch: RecordBatch, _ rules: BatchRules, now: Timestamp, codecs: Codecs
    ) throws(BatchError) -> RecordBatch {
        try checkHeader(batch.header)
        guard let codec = batch.header.codec else { throw .undecodable(nil, "attributes name no codec") }
        let maxTimestamp = try checkRecords(batch, rules, now: now, codecs: codecs)
        if let wanted = rules.compression, wanted != codec {
            return try recompress(batch, wanted, rules, now: now, codecs: codecs)
        }
        return stamp(batch, rules, now: now, maxTimestamp: maxTimestamp)
    }

    private static func checkHeader(_ header: BatchHeader) throws(BatchError) {
        guard header.baseOffset == 0 else {
            throw .invalid("The baseOffset of the record batch in the append should be 0, but it is \(header.baseOffset)")
        }
        let count = Int64(header.lastOffsetDelta) + 1
        guard header.recordCount > 0, count == Int64(header.recordCount) else {
            throw .invalid("Inconsistency between the last offset delta \(header.lastOffsetDelta) and the count \(header.recordCount)")
        }
        if header.isControl { throw .invalid("Clients are not allowed to write control records") }
        if header.hasDeleteHorizon { throw .invalid("Clients are not allowed to set the delete horizon") }
        if header.hasProducerID && header.baseSequence < 0 { throw .invalid("Invalid sequence number \(header.baseSequence)") }
        if header.isTransactional && !header.hasProducerID { throw .invalid("A transactional batch needs a producer id") }
    }

    /// Walks the records and returns the largest timestamp. One pass of plain arithmetic over the bytes, no record is made. Only where some
    /// record is at fault a second one finds out which.
    private static func checkRecords(
        _ batch: RecordBatch, _ rules: BatchRules, now: Timestamp, codecs: Codecs
    ) throws(BatchError) -> Timestamp {
        let payload = try batch.payload(codecs, limit: rules.inflatedBytesMax)
        let count = Int64(batch.header.recordCount)
        var walk = RecordWalk(begun: batch.header.baseTimestamp.milliseconds)
        defer { withExtendedLifetime(payload) {} }
        try walk.take(payload.pointer, payload.count, count)
        guard walk.position == payload.count else { throw .invalid("more bytes than the \(count) records declared") }
        let window = Window(rules, now: now)
        if rules.needsKeys && !walk.areAllKeyed || !window.holds(walk.least) || !window.holds(walk.greatest) {
            try faults(payload, batch.header, rules, window).report()
        }
        return Timestamp(milliseconds: walk.greatest)
    }

    /// Which records of a batch that is whole are at fault.
    private static func faults(_ payload: Bytes, _ header: BatchHeader, _ rules: BatchRules, _ window: Window) -> Faults {
        var faults = Faults()
        var walk = RecordCheck()
        for index in 0..<header.recordCount where walk.next(payload.pointer, payload.count) {
            if rules.needsKeys && !walk.hasKey { faults.lacksKey(index, rules.partition) }
            let timestamp = header.baseTimestamp.milliseconds &+ walk.timestampDelta
            if !window.holds(timestamp) { faults.outOfRange(index, timestamp, window) }
        }
        withExtendedLifetime(payload) {}
        return faults
    }

    /// Sets what the log decides about timestamps. The checksum covers them, so it is computed anew where anything changes.
    private static func stamp(_ batch: RecordBatch, _ rules: BatchRules, now: Timestamp, maxTimestamp: Timestamp) -> RecordBatch {
        var attributes = batch.header.attributes & ~BatchHeader.timestampTypeBit
        if rules.timestampType == .logAppendTime { attributes |= BatchHeader.timestampTypeBit }
        let stamped = rules.timestampType == .logAppendTime ? now : maxTimestamp
        if attributes == batch.header.attributes && stamped == batch.header.maxTimestamp { return batch }
        batch.bytes.patch(BatchField.attributes, attributes)
        batch.bytes.patch(BatchField.maxTimestamp, stamped.milliseconds)
        let crc = CRC32C.checksum(batch.bytes.dropFirst(BatchField.attributes))
        batch.bytes.patch(BatchField.crc, crc)
        var header = batch.header
        header.attributes = attributes
        header.maxTimestamp = stamped
        header.crc = crc
        return RecordBatch(header: header, bytes: batch.bytes)
    }

    private static func recompress(
        _ batch: RecordBatch, _ codec: Codec, _ rules: BatchRules, now: Timestamp, codecs: Codecs
    ) throws(BatchError) -> RecordBatch {
        let header = batch.header
        var builder = BatchBuilder(
            codec: codec, producerID: header.producerID, producerEpoch: header.producerEpoch, baseSequence: header.baseSequence,
            isTransactional: header.isTransactional)
        try batch.forEachRecord(codecs, limit: rules.inflatedBytesMax) { (shape, payload) throws(BatchError) in
            builder.append(shape.record(of: payload, baseOffset: 0, timestamp: batch.timestamp(of: shape)))
        }
        let bytes = try builder.build(codecs, level: rules.compressionLevel)
        guard bytes.count <= rules.batchBytesMax else { throw .tooLarge(size: bytes.count, limit: rules.batchBytesMax) }
        guard let rebuilt = try BatchHeader.parse(bytes) else { throw .corrupt("the batch rebuilt has no header") }
        return stamp(RecordBatch(header: rebuilt, bytes: bytes), rules, now: now, maxTimestamp: rebuilt.maxTimestamp)
    }

    /// The timestamps a topic accepts. All of them where the log stamps its own.
    struct Window {
        let least: Int64
        let greatest: Int64

        init(_ rules: BatchRules, now: Timestamp) {
            guard rules.timestampType == .createTime else {
                (least, greatest) = (.min, .max)
                return
            }
            let (low, underflow) = now.milliseconds.subtractingReportingOverflow(rules.timestampBeforeMaxMilliseconds)
            let (high, overflow) = now.milliseconds.addingReportingOverflow(rules.timestampAfterMaxMilliseconds)
            (least, greatest) = (underflow ? .min : low, overflow ? .max : high)
        }

        /// -1, no timestamp, is always taken.
        @inline(__always) func holds(_ timestamp: Int64) -> Bool { (least <= timestamp && timestamp <= greatest) || timestamp == -1 }
    }

    /// Single records at fault, collected so that the producer hears of all of them, up to a bound.
    struct Faults {
        private var keys: [RecordError] = []
        private var timestamps: [RecordError] = []
        private static let listedMax = 1000

        mutating func lacksKey(_ index: Int32, _ partition: TopicPartition) {
            guard keys.count < Faults.listedMax else { return }
            let text = "Compacted topic cannot accept message without key in topic partition \(partition)"
            keys.append(RecordError(index: index, message: text))
        }

        mutating func outOfRange(_ index: Int32, _ timestamp: Int64, _ window: Window) {
            guard timestamps.count < Faults.listedMax else { return }
            let range = "[\(window.least), \(window.greatest)]"
            let text = "Timestamp \(timestamp) of message with offset \(index) is out of range. The timestamp should be within \(range)"
            timestamps.append(RecordError(index: index, message: text))
        }

        func report() throws(BatchError) {
            if !keys.isEmpty { throw .invalidRecords(keys, Faults.summary(keys)) }
            if !timestamps.isEmpty { throw .timestampOutOfRange(timestamps) }
        }

        /// Kafka's words, which clients show to people.
        private static func summary(_ errors: [RecordError]) -> String {
            let shown = errors.prefix(3).map { "RecordError(batchIndex=\($0.index), message='\($0.message)')" }.joined(separator: ", ")
            return "One or more records have been rejected due to \(errors.count) record errors in total, "
                + "and only showing the first three errors at most: [\(shown)]"
        }
    }
}
