import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// A snapshot of the metadata as a file in the log's directory, in Kafka's form (KIP-630): batches whose offsets count from 0 and whose
/// epoch is the snapshot's, the first with the control record SnapshotHeader, the last with SnapshotFooter. Named after the offset where
/// it ends and the epoch of the record before.
enum SnapshotFile {
    static let suffix = ".checkpoint"
    /// Being written or fetched; means nothing after a crash.
    static let partSuffix = ".checkpoint.part"
    /// Records in one batch, as Kafka's writer makes them at most.
    private static let recordsPerBatch = 1000

    static func name(_ id: SnapshotID) -> String { padded(id.endOffset.rawValue, 20) + "-" + padded(id.epoch.rawValue, 10) + suffix }

    /// The snapshot that a file name spells, nil for other files.
    static func parse(_ name: String) -> SnapshotID? {
        guard name.hasSuffix(suffix), name.utf8.count == 31 + suffix.utf8.count else { return nil }
        let parts = name.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 20, let end = Int64(parts[0]), let epoch = Int32(parts[1]), end >= 0, epoch >= 0
        else { return nil }
        return SnapshotID(endOffset: Offset(end), epoch: LeaderEpoch(epoch))
    }

    static func encode(_ records: [MetadataRecord], _ id: SnapshotID, now: Now) -> [Bytes] {
        var header = SnapshotHeaderRecord()
        header.lastContainedLogTimestamp = now.wall.milliseconds
        var next: Offset = 0
        func batch(_ values: [(key: Bytes?, value: Bytes)], isControl: Bool) -> Bytes {
            var builder = BatchBuilder(baseOffset: next, isControl: isControl, leaderEpoch: id.epoch)
            for (key, value) in values { builder.append(timestamp: now.wall, key: key, value: value) }
            next = next + Int64(values.count)
            return builder.buildUncompressed()
        }
        func control(_ record: ControlRecord) -> Bytes { batch([(record.key, record.value)], isControl: true) }
        var parts = [control(.snapshotHeader(header))]
        var rest = records[...]
        while !rest.isEmpty {
            parts.append(batch(rest.prefix(recordsPerBatch).map { (nil, $0.encode()) }, isControl: false))
            rest = rest.dropFirst(recordsPerBatch)
        }
        parts.append(control(.snapshotFooter(SnapshotFooterRecord())))
        return parts
    }

    /// The metadata in a snapshot. Throws where it is torn or damaged: one without its footer is not whole.
    static func decode(_ bytes: Bytes, _ codecs: Codecs) throws -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        try decode(bytes, codecs) { records.append($0) }
        return records
    }

    /// The same, a record at a time; what was taken is worth nothing where it throws.
    static func decode(_ bytes: Bytes, _ codecs: Codecs, take: (MetadataRecord) -> Void) throws {
        var isWhole = false
        for batch in try BatchWalk.all(in: bytes) {
            guard batch.isChecksumValid, !isWhole else { throw BatchError.corrupt("the snapshot is damaged") }
            if batch.header.isControl {
                for record in try batch.records(codecs) {
                    if ControlRecordType.parse(key: record.key) == .snapshotFooter { isWhole = true }
                }
            } else {
                for record in try MetadataLog.records(batch, codecs) { take(record) }
            }
        }
        guard isWhole else { throw BatchError.corrupt("the snapshot has no footer") }
    }
}
