import Compression
import Primitives
import Records
import Testing

@testable import Storage

/// Reads the data directories that Apache Kafka wrote (Tests/Fixtures/disk).
@Suite struct KafkaDirectoryTests {
    /// Soon after the oldest timestamp in the recordings, so that no producer has expired.
    private static let then = Now(instant: .zero, wall: 1_700_000_001_000)

    private func open(_ archive: String, _ name: String, clean: Bool = true, recoveryPoint: Offset = 0, start: Offset = 0) throws
        -> (log: PartitionLog, disk: MemoryDisk)
    {
        let disk = try Recording.disk(archive)
        let log = try PartitionLog.open(
            TopicPartition("x", 0), directory: "/data/" + name, disk: disk, config: LogConfig(), codecs: .system,
            opening: .init(isClean: clean, recoveryPoint: recoveryPoint, logStartOffset: start), now: KafkaDirectoryTests.then)
        return (log, disk)
    }

    private func records(_ log: PartitionLog) throws -> [Record] {
        var out: [Record] = []
        var next = log.logStartOffset
        while true {
            let batches = try log.readBatches(from: next, below: log.logEndOffset)
            guard let last = batches.last else { return out }
            for batch in batches {
                #expect(batch.isChecksumValid)
                if !batch.header.isControl { out += try batch.records(.system).filter { $0.offset >= next } }
            }
            next = last.header.nextOffset
        }
    }

    @Test func everyCodecGivesTheSameRecords() throws {
        let (log, _) = try open("clean/codecs", "codecs-0")
        #expect((log.logStartOffset, log.logEndOffset) == (0, 56))
        let all = try records(log)
        #expect(all.count == 56)
        for codec in 1..<5 {
            for index in 0..<9 {
                let (plain, packed) = (all[index], all[codec * 9 + index])
                #expect(plain.key == packed.key && plain.headers == packed.headers && plain.timestamp == packed.timestamp)
            }
        }
        #expect(all[0].headers.map { $0.key.lossyString } == ["h1", "n", "e", "h1"])
        #expect(all[0].headers[1].value == nil && all[0].headers[2].value == Bytes())
        #expect(all[7].value?.string == "значение ☃" && all[6].key == nil && all[6].value == nil)
        #expect(log.producers.map(\.producerID) == [4])
        #expect(log.topicID != nil && log.leaderEpochs.map(\.epoch) == [0, 2])
    }

    @Test func transactionsAreAsKafkaSawThem() throws {
        for clean in [true, false] {
            let (log, _) = try open("clean/txn", "txn-0", clean: clean)
            #expect(log.logEndOffset == 24)
            #expect(log.firstUnstableOffset == 22)
            #expect(log.lastStableOffset(highWatermark: 24) == 22)
            let aborted = try log.abortedTransactions(from: 0, below: 24)
            #expect(aborted.map(\.firstOffset) == [4, 12, 18] && aborted.map(\.lastStableOffset) == [8, 16, 20])
            #expect(log.producers.map(\.producerID) == [1, 3, 5])
            #expect(log.producers[0].lastSequence == 13 && log.producers[0].coordinatorEpoch == 0)
        }
    }

    /// Recovery of the killed directories comes to what Kafka's own recovery came to, and rebuilds its index files byte for byte.
    @Test(arguments: [("segments", "segments-0", 306), ("txn", "txn-0", 3), ("codecs", "codecs-0", 48), ("compacted", "compacted-0", 30)])
    func killedDirectoriesAreRecovered(archive: String, name: String, recoveryPoint: Int) throws {
        for point in [Int64(recoveryPoint), 0] {
            let (log, disk) = try open("killed/" + archive, name, clean: false, recoveryPoint: Offset(point))
            let all = try records(log)
            try log.close()
            let kafka = try Recording.disk("clean/" + archive)
            let files = disk.contents.map(\.path)
            #expect(!files.contains { $0.hasPrefix("/data/\(name)/") && $0.hasSuffix(".deleted") })
            let (later, _) = try open("clean/" + archive, name)
            #expect(try records(later).prefix(all.count).map(\.offset) == all.map(\.offset))
            // Segments that got no further record after the recovery have the same indexes in both.
            for (path, bytes) in disk.contents where path.hasPrefix("/data/\(name)/") && path.hasSuffix("index") {
                let logFile = String(path[..<path.lastIndex(of: ".")!]) + ".log"
                guard let same = kafka.contents.first(where: { $0.path == logFile }) else { continue }
                guard same.bytes == disk.contents.first(where: { $0.path == logFile })?.bytes else { continue }
                let isSame = bytes == kafka.contents.first { $0.path == path }?.bytes
                #expect(isSame, "\(path)")
            }
        }
    }

    /// Whatever bytes a directory holds, opening it ends in a log or in an error, and a log that opened takes another record.
    @Test(arguments: [("txn", "txn-0"), ("codecs", "codecs-0"), ("compacted", "compacted-0"), ("segments", "segments-0")])
    func damagedDirectoriesNeverTrap(archive: String, name: String) throws {
        let source = try Recording.disk("clean/" + archive)
        let files = source.contents.filter { $0.path.hasPrefix("/data/\(name)/") && !$0.bytes.isEmpty && $0.bytes.count < 500_000 }
        var generator = PRNG(seed: 23)
        var opened = 0
        for round in 0..<120 {
            let disk = source.copy()
            for _ in 0...(generator.next() % 3) {
                let (path, bytes) = files[Int(generator.next() % UInt64(files.count))]
                // Mostly where headers are.
                let place = Int(generator.next() % UInt64(round % 2 == 0 ? bytes.count : min(bytes.count, 61)))
                disk.damage(path, at: place, xor: UInt8(truncatingIfNeeded: generator.next() | 1))
            }
            let log = try? PartitionLog.open(
                TopicPartition("x", 0), directory: "/data/" + name, disk: disk, config: LogConfig(), codecs: .system,
                opening: .init(isClean: round % 4 < 2, recoveryPoint: Offset(Int64(round % 60))), now: KafkaDirectoryTests.then)
            guard let log else { continue }
            var builder = BatchBuilder()
            builder.append(timestamp: KafkaDirectoryTests.then.wall, key: nil, value: nil)
            _ = try? log.append(
                builder.buildUncompressed(), leaderEpoch: 3, now: KafkaDirectoryTests.then, origin: .client(produceVersion: 9))
            var next = log.logStartOffset
            while let batches = try? log.readBatches(from: next, below: log.logEndOffset), let last = batches.last,
                last.header.nextOffset > next
            {
                next = last.header.nextOffset
            }
            _ = try? log.offset(forTimestamp: 1_700_000_000_005)
            _ = try? log.offsetOfMaxTimestamp()
            _ = try? log.abortedTransactions(from: 0, below: log.logEndOffset)
            try? log.close()
            opened += 1
        }
        #expect(opened > 80)
    }

    /// Index files anew from the batches alone are what Kafka wrote while it appended.
    @Test func rebuiltIndexesAreKafkasOwn() throws {
        let (log, disk) = try open("clean/segments", "segments-0")
        let before = disk.contents.filter { $0.path.hasSuffix("index") }
        #expect(before.count == 8)
        for segment in log.segments { try log.rebuildIndexes(of: segment) }
        let after = disk.contents.filter { $0.path.hasSuffix("index") }
        for (old, new) in zip(before, after) { #expect(old.path == new.path && old.bytes == new.bytes, "\(old.path)") }
        #expect(try records(log).map(\.offset.rawValue) == Array(0..<350))
    }

    @Test func trimmedAndEmptiedLogsKeepTheirStart() throws {
        let (trimmed, _) = try open("clean/misc", "trimmed-0", start: 4)
        #expect(try records(trimmed).map(\.offset) == [4, 5, 6, 7, 8, 9])
        let (empty, _) = try open("clean/misc", "multi-1")
        #expect((empty.logStartOffset, empty.logEndOffset) == (5, 5))
        let (stamped, _) = try open("clean/misc", "appendtime-0")
        #expect(try records(stamped).count == 4)
    }

    @Test func compactedLogsHaveGaps() throws {
        let (log, _) = try open("clean/compacted", "compacted-0")
        let all = try records(log)
        #expect(all.count < 31 && log.logEndOffset == 31)
        for offset in 0..<31 as Range<Int64> {
            let expected = all.first { $0.offset.rawValue >= offset }!.offset
            let batches = try log.readBatches(from: Offset(offset), below: 31, maxBytes: 1)
            #expect(batches[0].header.lastOffset >= expected)
        }
    }

    @Test func smallFilesAreUnderstoodAndWrittenAlike() throws {
        let disk = try Recording.disk("clean/root-files")
        func text(_ name: String) throws -> String {
            String(decoding: disk.contents.first { $0.path.hasSuffix("/" + name) }!.bytes, as: UTF8.self)
        }
        let meta = try #require(MetaProperties.read(try text("meta.properties")))
        #expect(meta.nodeID == 1 && meta.clusterID == "4L6g3nShT-eMCtK--X86sw" && meta.directoryID.text == "P1lsTm5NtYSaRwJdaMSLUQ")
        #expect(MetaProperties.read(meta.text) == meta)
        #expect(CleanShutdownFile.brokerEpoch(try text(".kafka_cleanshutdown")) == 480)
        #expect(try CleanShutdownFile.text(brokerEpoch: 480) == text(".kafka_cleanshutdown"))
        let points = try #require(Checkpoint.offsets(try text("recovery-point-offset-checkpoint")))
        #expect(points.count == 121)
        #expect(try Checkpoint.text(points.map { ($0.partition, $0.offset) }) == text("recovery-point-offset-checkpoint"))
        let partition = try Recording.disk("clean/txn")
        for (path, bytes) in partition.contents {
            let text = String(decoding: bytes, as: UTF8.self)
            if path.hasSuffix("partition.metadata") { #expect(PartitionMetadata.text(PartitionMetadata.read(text)!) == text) }
            if path.hasSuffix("leader-epoch-checkpoint") { #expect(LeaderEpochs.read(text)!.text == text) }
            if path.hasSuffix(".snapshot") { #expect(ProducerSnapshot.encode(ProducerSnapshot.decode(Bytes(bytes))!) == Bytes(bytes)) }
        }
    }
}
