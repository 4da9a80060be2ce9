import Primitives
import Records
import Testing

@testable import Storage

@Suite struct UpkeepTests {
    private func filled(_ config: LogConfig, _ count: Int = 12) throws -> LogFixture {
        let fixture = try LogFixture(config: config)
        for index in 0..<count { try fixture.append(batch(["v\(index)"], at: Int64(index * 100)), at: Int64(index * 100)) }
        return fixture
    }

    /// A config whose segments hold three of `filled`'s batches.
    private func three() throws -> LogConfig {
        var config = LogConfig()
        config.segmentBytesMax = try batch(["v0"]).count * 3 + 3
        return config
    }

    @Test func segmentsRollBySize() throws {
        let fixture = try filled(three())
        #expect(fixture.log.segments.map(\.baseOffset) == [0, 3, 6, 9])
        #expect(fixture.files().filter { $0.hasSuffix(".snapshot") } == [3, 6, 9].map { SegmentFile.producerSnapshot.name(Offset($0)) })
    }

    @Test func segmentsRollByTime() throws {
        var config = LogConfig()
        config.segmentMilliseconds = 250
        let fixture = try filled(config)
        #expect(fixture.log.segments.map(\.baseOffset) == [0, 3, 6, 9])
    }

    @Test func segmentsRollWhenAnIndexIsFull() throws {
        var config = LogConfig()
        config.indexIntervalBytes = 1
        config.indexBytesMax = 8 * 4
        let fixture = try filled(config)
        #expect(fixture.log.segmentCount > 1)
        #expect(fixture.log.segments.dropLast().allSatisfy { $0.size > 0 })
        #expect(try fixture.values().count == 12)
    }

    @Test func segmentsRollWhenRelativeOffsetsRunOut() throws {
        let fixture = try LogFixture()
        var far = BatchBuilder(baseOffset: Offset(Int64(Int32.max) + 10))
        far.append(timestamp: at(0).wall, key: nil, value: Bytes("far"))
        try fixture.append(batch(["near"]))
        try fixture.append(far.buildUncompressed(), origin: .replication)
        #expect(fixture.log.segments.map(\.baseOffset.rawValue) == [0, Int64(Int32.max) + 10])
        #expect(try fixture.values() == ["near", "far"])
        #expect(try fixture.values(from: 5) == ["far"])
        // The same in one fetch.
        let follower = try LogFixture()
        far.baseOffset = Offset(Int64(Int32.max) + 10)
        let both = Bytes(try batch(["near"]).array + far.buildUncompressed().array)
        #expect(try follower.append(both, origin: .replication).lastOffset.rawValue == Int64(Int32.max) + 10)
        #expect(follower.log.segmentCount == 2)
    }

    @Test func oldSegmentsGoByTimeAndTheirFilesLater() throws {
        var config = try three()
        config.retentionMilliseconds = 500
        config.fileDeleteDelayMilliseconds = 60
        let fixture = try filled(config)
        try fixture.log.maintain(highWatermark: 12, now: at(1001))
        #expect(fixture.log.logStartOffset == 6)
        #expect(fixture.log.segments.map(\.baseOffset) == [6, 9])
        #expect(fixture.files().contains("00000000000000000003.log.deleted"))
        #expect(throws: LogError.offsetOutOfRange(requested: 5, logStart: 6, logEnd: 12)) {
            try fixture.log.read(from: 5, maxBytes: 10, below: 12, minOneBatch: true)
        }
        #expect(fixture.log.leaderEpochs.map(\.startOffset) == [6])
        try fixture.log.maintain(highWatermark: 12, now: at(1060))
        #expect(fixture.files().contains("00000000000000000003.log.deleted"))
        try fixture.log.maintain(highWatermark: 12, now: at(1061))
        #expect(!fixture.files().contains { $0.hasSuffix(".deleted") })
        // All of it, the active one too.
        try fixture.log.maintain(highWatermark: 12, now: at(5000))
        #expect((fixture.log.logStartOffset, fixture.log.logEndOffset) == (12, 12))
        #expect(try fixture.append(batch(["next"], at: 5000), at: 5000).baseOffset == 12)
        #expect(try fixture.values() == ["next"])
    }

    @Test func nothingAboveTheHighWatermarkGoes() throws {
        var config = try three()
        config.retentionMilliseconds = 0
        let fixture = try filled(config)
        try fixture.log.maintain(highWatermark: 5, now: at(99_999))
        #expect(fixture.log.logStartOffset == 3)
    }

    @Test func oldSegmentsGoBySize() throws {
        var config = try three()
        let segment = try batch(["v0"]).count * 3
        config.retentionBytes = Int64(segment * 2 + 10)
        let fixture = try filled(config)
        try fixture.log.maintain(highWatermark: 12, now: at(0))
        // Kafka's rule: a segment goes while what remains still is at least the limit.
        #expect(fixture.log.logStartOffset == 3)
        #expect(fixture.log.size >= config.retentionBytes)
    }

    @Test func aReaderKeepsItsDeletedSegment() throws {
        var config = try three()
        config.fileDeleteDelayMilliseconds = 0
        let fixture = try filled(config)
        let slice = try fixture.log.read(from: 0, maxBytes: 1 << 20, below: 12, minOneBatch: true)
        try fixture.log.deleteRecords(before: 7, now: at(0))
        try fixture.log.maintain(highWatermark: 12, now: at(1))
        #expect(!fixture.files().contains { $0.hasPrefix("00000000000000000000") })
        #expect(try BatchWalk.all(in: slice.bytes()).count == 3)
    }

    @Test func deletedRecordsStayDeletedAfterARestart() throws {
        let fixture = try filled(three())
        try fixture.log.deleteRecords(before: 7, now: at(0))
        #expect(try fixture.values() == ["v7", "v8", "v9", "v10", "v11"])
        #expect(throws: LogError.self) { try fixture.log.deleteRecords(before: 13, now: at(0)) }
        try fixture.log.deleteRecords(before: 2, now: at(0))
        #expect(fixture.log.logStartOffset == 7)
        try fixture.log.close()
        let again = try LogFixture(fixture.disk, .init(isClean: true, logStartOffset: 7), config: fixture.config)
        #expect(try again.values() == ["v7", "v8", "v9", "v10", "v11"])
    }

    @Test func aDivergedTailIsCut() throws {
        for end in 0...12 as ClosedRange<Int64> {
            let fixture = try filled(three())
            try fixture.append(batch(["p"], producer: 4, epoch: 0, sequence: 0), epoch: 1)
            try fixture.log.truncate(to: Offset(end), now: at(0))
            #expect(fixture.log.logEndOffset.rawValue == end)
            #expect(fixture.log.producers.isEmpty)
            #expect(fixture.log.leaderEpochs.map(\.epoch) == (end == 0 ? [] : [0]))
            #expect(try fixture.append(batch(["new"], at: 2000), epoch: 2).baseOffset.rawValue == end)
            let expected = (0..<end).map { "v\($0)" } + ["new"]
            #expect(try fixture.values() == expected)
            #expect(try LogFixture(fixture.disk.copy(), config: fixture.config).values() == expected)
            #expect(try fixture.log.offset(forTimestamp: at(1500).wall)?.offset.rawValue == end)
        }
    }

    @Test func aFollowerFarBehindStartsAgain() throws {
        let fixture = try filled(three())
        try fixture.log.restart(at: 100)
        #expect((fixture.log.logStartOffset, fixture.log.logEndOffset) == (100, 100))
        #expect(try fixture.append(batch(["x"]), epoch: 1).baseOffset == 100)
        #expect(try LogFixture(fixture.disk, config: fixture.config).values() == ["x"])
    }

    @Test func aFullDiskRefusesAndRecovers() throws {
        let fixture = try filled(LogConfig(), 3)
        let room = try batch(["v0"]).count
        for free in 0..<room {
            fixture.disk.capacity = fixture.disk.used + free
            #expect(throws: LogError.self) { try fixture.append(batch(["full"])) }
            #expect(fixture.log.logEndOffset == 3)
            #expect(try fixture.values() == ["v0", "v1", "v2"])
            // A crash in this very moment leaves a log that is as good.
            #expect(try LogFixture(fixture.disk.copy()).values() == ["v0", "v1", "v2"])
        }
        fixture.disk.capacity = .max
        #expect(try fixture.append(batch(["room"])).baseOffset == 3)
        #expect(try fixture.values() == ["v0", "v1", "v2", "room"])
    }

    @Test func aDiskThatFailsAnywhereLosesNothingAcknowledged() throws {
        var config = try three()
        config.indexIntervalBytes = 50
        for fault in 0..<120 {
            let disk = MemoryDisk()
            let fixture = try LogFixture(disk, config: config)
            disk.failsAfter = fault
            var acknowledged: [String] = []
            for index in 0..<14 {
                if (try? fixture.append(batch(["v\(index)"], producer: 1, epoch: 0, sequence: Int32(acknowledged.count)))) != nil {
                    acknowledged.append("v\(index)")
                }
                if index == 9 { disk.failsAfter = nil }
            }
            #expect(try fixture.values() == acknowledged, "fault after \(fault)")
            #expect(try LogFixture(disk, config: config).values() == acknowledged, "fault after \(fault)")
        }
    }

    @Test func syncIsAskedForByRecordsAndByTime() throws {
        var config = LogConfig()
        config.flushRecordsMax = 3
        config.flushMilliseconds = 50
        let fixture = try LogFixture(config: config)
        try fixture.append(batch(["a", "b"]), at: 10)
        #expect(!fixture.log.syncDue(now: at(59)) && fixture.log.syncDue(now: at(60)))
        try fixture.append(batch(["c"]), at: 11)
        #expect(fixture.log.syncDue(now: at(12)))
        let job = try #require(fixture.log.syncJob())
        try fixture.append(batch(["d"]), at: 13)
        try job.run()
        fixture.log.synced(job)
        #expect(fixture.log.syncedOffset == 3)
        #expect(!fixture.log.syncDue(now: at(14)))
        #expect(fixture.log.syncJob() != nil)
        try fixture.log.flush()
        #expect(fixture.log.syncedOffset == 4 && fixture.log.syncJob() == nil)
    }
}

extension UpkeepTests {
    @Test func aSyncThatBeganBeforeACutMakesNothingDurable() throws {
        let fixture = try LogFixture()
        for value in ["a", "b", "c"] { try fixture.append(batch([value])) }
        let job = try #require(fixture.log.syncJob())
        try fixture.log.truncate(to: 1, now: at(0))
        for value in ["x", "y"] { try fixture.append(batch([value]), epoch: 1) }
        try job.run()
        fixture.log.synced(job)
        #expect(fixture.log.syncedOffset <= 1, "the job knew nothing of what came after the cut")
        let again = try #require(fixture.log.syncJob())
        try again.run()
        fixture.log.synced(again)
        #expect(fixture.log.syncedOffset == 3)
    }

    @Test func aCutKeepsBatchesWhole() throws {
        let fixture = try LogFixture()
        try fixture.append(batch(["a"]))
        try fixture.append(batch(["b", "c", "d"]))
        try fixture.log.truncate(to: 3, now: at(0))
        #expect(fixture.log.logEndOffset == 1)
        #expect(try fixture.values() == ["a"])
    }

    /// The log was cut and its epochs' file says so, but the power failed before the cut was durable: the old end is back.
    @Test func aRecoveryBelievesBatchesAndNotTheFileOfEpochs() throws {
        let fixture = try LogFixture()
        try fixture.append(batch(["a"]), epoch: 4)
        try fixture.append(batch(["b"]), epoch: 5)
        try fixture.log.flush()
        try fixture.disk.replace(fixture.path("leader-epoch-checkpoint"), with: Bytes("0\n2\n4 0\n9 1\n"))
        let again = try LogFixture(fixture.disk)
        #expect(again.log.leaderEpochs.map(\.epoch) == [4, 5])
        #expect(again.log.leaderEpochs.map(\.startOffset) == [0, 1])
    }
}
