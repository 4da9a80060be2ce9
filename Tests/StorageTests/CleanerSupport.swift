import Compression
import Primitives
import Records

@testable import Storage

/// A batch of keyed records; a nil value is a tombstone.
func keyed(
    _ records: [(String, String?)], at milliseconds: Int64 = 0, producer: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1,
    transactional: Bool = false, codec: Codec = .none
) throws -> Bytes {
    var builder = BatchBuilder(
        codec: codec, producerID: producer, producerEpoch: epoch, baseSequence: sequence, isTransactional: transactional)
    for (key, value) in records { builder.append(timestamp: at(milliseconds).wall, key: Bytes(key), value: value.map { Bytes($0) }) }
    return try builder.build(Codecs.system)
}

extension LogFixture {
    static func compacted(_ segmentBytes: Int = 400, _ change: (inout LogConfig) -> Void = { _ in }) -> LogConfig {
        var config = LogConfig()
        config.isCompacted = true
        config.isDeleting = false
        config.segmentBytesMax = segmentBytes
        config.indexIntervalBytes = 64
        config.deleteRetentionMilliseconds = 1000
        change(&config)
        return config
    }

    /// A whole pass. Returns up to where the log is compacted then, nil where there was nothing to do.
    @discardableResult
    func clean(
        at milliseconds: Int64 = 0, highWatermark: Offset? = nil, limits: CleanerLimits = CleanerLimits(),
        between: (CleaningOutcome) throws -> Void = { _ in }
    ) throws -> Offset? {
        let now = at(milliseconds)
        let range = try log.cleanable(highWatermark: highWatermark ?? log.logEndOffset, now: now.wall)
        guard let range else { return nil }
        let run = try log.beginCleaning(range, limits: limits, seed: 7, now: now.wall)
        while true {
            let outcome = run.step { _ in true }
            try between(outcome)
            switch outcome {
            case .mapped: continue
            case .cleaned(let group): guard try log.adopt(group, of: run, now: now) else { return nil }
            case .finished(let offset):
                log.finishCleaning(run, through: offset)
                return offset
            case .cancelled: return nil
            case .failed(let error): throw error
            }
        }
    }

    /// What reading the whole log leaves of each key: the latest value, tombstones taken for absence.
    func latest() throws -> [String: String] {
        var out: [String: String] = [:]
        for record in try records() { out[record.key!.lossyString] = record.value?.lossyString }
        return out
    }

    func batches() throws -> [RecordBatch] {
        var out: [RecordBatch] = []
        var next = log.logStartOffset
        while true {
            let more = try log.readBatches(from: next, below: log.logEndOffset)
            guard let last = more.last else { return out }
            out += more
            next = last.header.nextOffset
        }
    }

    func roll(at milliseconds: Int64 = 0) throws { try log.roll(now: at(milliseconds)) }

    /// The same disk opened anew.
    func reopened(_ opening: PartitionLog.Opening = .init(), disk: MemoryDisk? = nil) throws -> LogFixture {
        try LogFixture(disk ?? self.disk, opening, config: config)
    }
}
