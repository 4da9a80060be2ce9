import Compression
import Primitives
import Records
import Testing

@testable import Storage

/// Kafka's own compaction, done again: the recording holds the segments it was made from (marked for removal) beside what became of them.
@Suite struct KafkaCompactionTests {
    /// With the moment at which Kafka cleaned the log, which the delete horizon tells, and the topic's delete.retention.ms.
    @Test(arguments: [("compacted-0", 1_795_336_714_782 as Int64, 86_400_000 as Int64), ("compacted-late-0", 1_795_250_314_686, 0)])
    func theSegmentIsByteForByteKafkas(_ directory: String, _ horizon: Int64, _ deleteRetention: Int64) throws {
        let disk = try Recording.disk("killed/compacted")
        let root = "/data/\(directory)/"
        var kafkas: [String: Bytes] = [:]
        for name in try disk.list("/data/\(directory)") where name.hasSuffix(".deleted") {
            let plain = String(name.dropLast(".deleted".count))
            if disk.exists(root + plain) { kafkas[plain] = try disk.readAll(root + plain) }
            try disk.rename(root + name, to: root + plain)
        }
        var config = LogConfig()
        config.isCompacted = true
        config.deleteRetentionMilliseconds = deleteRetention
        let log = try PartitionLog.open(
            TopicPartition("t", 0), directory: "/data/\(directory)", disk: disk, config: config, codecs: .system,
            opening: .init(recoveryPoint: 0), now: at(0))
        #expect(log.segments.map(\.baseOffset) == [0, 8, 19, 30])
        let now = Timestamp(milliseconds: horizon - deleteRetention)
        let range = try #require(try log.cleanable(highWatermark: log.logEndOffset, now: now))
        let run = try log.beginCleaning(range, limits: CleanerLimits(), seed: 1, now: now)
        var through: Offset?
        while through == nil {
            switch run.step({ _ in true }) {
            case .cleaned(let group): #expect(try log.adopt(group, of: run, now: at(0)))
            case .finished(let offset): through = offset
            case .failed(let error): throw error
            case .mapped, .cancelled: continue
            }
        }
        #expect(through == 30)
        for kind in [SegmentFile.log, .offsetIndex, .timeIndex] {
            let name = kind.name(0)
            #expect(try disk.readAll(root + name) == kafkas[name], "\(name)")
        }
        #expect(try disk.list("/data/\(directory)").contains(SegmentFile.producerSnapshot.name(30)))
    }
}
