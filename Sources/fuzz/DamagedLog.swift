import Compression
import Primitives
import Records
import Storage

/// A partition's directory with whatever in it: opened as after a clean stop or not, read, written to, opened again. Input: one byte of
/// choices, then per file a kind, a 16-bit length and the contents.
func openDamagedLog(_ input: Bytes) {
    guard let choices = input.isEmpty ? nil : input[0] else { return }
    let disk = MemoryDisk()
    let directory = "data/t-0"
    try? disk.makeDirectory("data")
    try? disk.makeDirectory(directory)
    putFiles(input.dropFirst(1), directory, disk)
    var config = LogConfig()
    config.segmentBytesMax = 4096
    config.indexIntervalBytes = 64
    let now = Now(instant: Instant(nanoseconds: 1), wall: Timestamp(milliseconds: 1_700_000_000_000))
    for isClean in [choices & 1 == 1, choices & 2 == 2] {
        let opening = PartitionLog.Opening(
            isClean: isClean, recoveryPoint: Offset(choices & 4 == 4 ? 3 : 0), logStartOffset: Offset(choices & 8 == 8 ? 2 : 0))
        let opened = try? PartitionLog.open(
            TopicPartition("t", 0), directory: directory, disk: disk, config: config, codecs: .system, opening: opening, now: now)
        guard let log = opened else { return }
        use(log, now)
        try? log.close()
    }
}

/// Length by length, the files of two segments and of the partition.
private func putFiles(_ input: Bytes, _ directory: String, _ disk: MemoryDisk) {
    let names = [
        "00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex", "00000000000000000000.txnindex",
        "00000000000000000004.log", "00000000000000000004.index", "00000000000000000004.timeindex", "00000000000000000004.snapshot",
        "leader-epoch-checkpoint", "partition.metadata", "00000000000000000009.snapshot", "00000000000000000002.log.swap",
    ]
    var at = 0
    while input.count - at >= 3 {
        let name = names[Int(input[at]) % names.count]
        let length = Int(input.load(at + 1, as: UInt16.self))
        let end = min(input.count, at + 3 + length)
        let contents = Bytes(input.slice(at + 3, end).array)
        if name.hasSuffix(".log") { repairChecksums(contents) }
        if name.hasSuffix(".snapshot"), contents.count > 6 { contents.patch(2, CRC32C.checksum(contents.dropFirst(6))) }
        try? disk.put(directory + "/" + name, contents.array)
        at = end
    }
}

/// Puts the checksum of every batch right: chance would never hit it.
private func repairChecksums(_ bytes: Bytes) {
    var at = 0
    while let header = try? BatchHeader.parse(bytes, at: at), header.sizeInBytes > BatchHeader.size,
        header.sizeInBytes <= bytes.count - at
    {
        let end = at + header.sizeInBytes
        bytes.patch(at + BatchField.crc, CRC32C.checksum(bytes.slice(at + BatchField.attributes, end)))
        at = end
    }
}

private func use(_ log: PartitionLog, _ now: Now) {
    for offset: Int64 in [0, 1, 3, 4, 7, 1_000_000, .max] {
        _ = try? log.read(from: Offset(offset), maxBytes: 4096, below: log.logEndOffset, minOneBatch: true).bytes()
    }
    for time: Int64 in [0, 1_700_000_000_000, .max] { _ = try? log.offset(forTimestamp: Timestamp(milliseconds: time)) }
    _ = try? log.offsetOfMaxTimestamp()
    _ = try? log.abortedTransactions(from: log.logStartOffset, below: log.logEndOffset)
    _ = log.endOffset(forEpoch: 0)
    var batch = BatchBuilder()
    batch.append(timestamp: now.wall, key: nil, value: Bytes("value"))
    _ = try? log.append(batch.buildUncompressed(), leaderEpoch: 1, now: now, origin: .client(produceVersion: 9))
    try? log.maintain(highWatermark: log.logEndOffset, now: now)
    try? log.deleteRecords(before: log.logEndOffset, now: now)
}
