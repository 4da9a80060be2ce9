import Compression
import Primitives
import Records
import Testing

@testable import Storage

/// Settings of a topic that change how its log is written.
@Suite struct LogSettingsTests {
    @Test func aPreallocatedSegmentHasItsSizeAtOnceAndIsCutWhenItIsDone() throws {
        var config = LogConfig()
        config.preallocates = true
        config.segmentBytesMax = 4096
        let fixture = try LogFixture(config: config)
        func size(_ base: Offset) throws -> Int { try fixture.disk.open(fixture.path(SegmentFile.log.name(base)), create: false).size }
        #expect(try size(0) == 4096)
        try fixture.append(batch(["a"]))
        try fixture.append(batch(["b"]))
        #expect(try fixture.values() == ["a", "b"])
        #expect(fixture.log.size < 200)
        try fixture.log.roll(now: at(0))
        #expect(try size(0) == Int(fixture.log.size))
        #expect(try size(2) == 4096)
        try fixture.append(batch(["c"]))
        // A crash leaves the tail of zeros, which is no record.
        let crashed = try LogFixture(fixture.disk.copy(), config: config)
        #expect(try crashed.values() == ["a", "b", "c"])
        #expect(crashed.log.logEndOffset == 3)
        try crashed.append(batch(["d"]))
        try fixture.log.close()
        #expect(try size(2) < 100)
        let clean = try LogFixture(fixture.disk, .init(isClean: true, recoveryPoint: 3), config: config)
        #expect(try clean.values() == ["a", "b", "c"])
    }

    @Test func jitterIsTheSegmentsOwnAndNeverMoreThanItMayBe() throws {
        var config = LogConfig()
        config.segmentMilliseconds = 1000
        config.segmentJitterMilliseconds = 400
        let fixture = try LogFixture()
        let shares = (0..<200).map { Segment(fixture.disk, "/data/t-\($0)", 0, size: 0).jitterShare }
        #expect(shares.allSatisfy { (0..<1).contains($0) })
        #expect(Set(shares).count > 190)
        #expect(shares.filter { $0 < 0.5 }.count > 60 && shares.filter { $0 >= 0.5 }.count > 60)
        let ages = shares.map { config.rollMilliseconds(jitterShare: $0) }
        #expect(ages.allSatisfy { (601...1000).contains($0) })
        config.segmentJitterMilliseconds = 5000
        #expect(config.rollMilliseconds(jitterShare: 0.99) >= 0)
    }

    @Test func recordsWithoutTimestampsAreAsOldAsTheirFile() throws {
        var config = LogConfig()
        config.retentionMilliseconds = 1000
        let fixture = try LogFixture(config: config)
        var builder = BatchBuilder()
        builder.append(timestamp: .none, key: nil, value: Bytes("x"))
        try fixture.append(builder.buildUncompressed())
        try fixture.log.roll(now: at(0))
        try fixture.append(batch(["y"], at: 9000), at: 9000)
        try fixture.log.maintain(highWatermark: 2, now: at(9000))
        #expect(fixture.log.logStartOffset == 0, "nobody knows how old they are")
        fixture.disk.modifiedAt[fixture.path(SegmentFile.log.name(0))] = at(8500).wall
        try fixture.log.maintain(highWatermark: 2, now: at(9000))
        #expect(fixture.log.logStartOffset == 0)
        try fixture.log.maintain(highWatermark: 2, now: at(9501))
        #expect(fixture.log.logStartOffset == 1)
    }

    @Test(arguments: [Codec.gzip, .lz4, .zstd]) func levelsDecideHowSmallItBecomes(_ codec: Codec) throws {
        let text = (0..<2000).map { "record number \($0 * 7919 % 1000) of many" }
        func size(_ level: Int) throws -> Int {
            var config = LogConfig()
            config.compression = codec
            config.compressionLevel = level
            let fixture = try LogFixture(config: config)
            try fixture.append(batch(text))
            #expect(try fixture.values() == text)
            #expect(try fixture.batches().first?.header.codec == codec)
            return Int(fixture.log.size)
        }
        let (fast, small) = codec == .gzip ? (1, 9) : codec == .lz4 ? (9, 12) : (-5, 19)
        #expect(try size(small) < size(fast))
    }

    /// A batch that a real broker stamped: as its producer sent it, it becomes the same bytes here.
    @Test func logAppendTimeIsKafkasToTheByte() throws {
        let disk = try Recording.disk("clean/misc")
        let names = try disk.list("/data").filter { disk.exists("/data/\($0)/00000000000000000000.log") }
        var stamped = 0
        for name in names {
            let log = try disk.readAll("/data/\(name)/00000000000000000000.log")
            for kafkas in try BatchWalk.all(in: log) where kafkas.header.timestampType == .logAppendTime {
                let sent = Bytes(kafkas.bytes.array)
                var largest = Int64.min
                try kafkas.forEachRecord(.system) { (shape, _) throws(BatchError) in
                    largest = max(largest, kafkas.header.baseTimestamp.milliseconds + shape.timestampDelta)
                }
                sent.patch(BatchField.baseOffset, Int64(0))
                sent.patch(BatchField.attributes, kafkas.header.attributes & ~BatchHeader.timestampTypeBit)
                sent.patch(BatchField.maxTimestamp, largest)
                sent.patch(BatchField.crc, CRC32C.checksum(sent.dropFirst(BatchField.attributes)))
                var rules = BatchRules()
                rules.timestampType = .logAppendTime
                let ours = try BatchValidation.prepare(
                    BatchValidation.single(sent, rules), rules, now: kafkas.header.maxTimestamp, codecs: .system)
                #expect(ours.bytes.dropFirst(8) == kafkas.bytes.dropFirst(8), "\(name) at \(kafkas.header.baseOffset)")
                stamped += 1
            }
        }
        #expect(stamped > 0)
    }
}
