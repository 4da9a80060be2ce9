import Compression
import Primitives
import Records
import Testing

@testable import Storage

@Suite struct CleanerTests {
    /// `rounds` of updates of `keys` keys, a batch per round and three keys.
    private func filled(
        _ config: LogConfig = LogFixture.compacted(), rounds: Int = 8, keys: Int = 9, codec: Codec = .none
    ) throws -> LogFixture {
        let fixture = try LogFixture(config: config)
        for round in 0..<rounds {
            for first in stride(from: 0, to: keys, by: 3) {
                let records = (first..<min(keys, first + 3)).map { ("k\($0)", "round \(round) of k\($0)" as String?) }
                try fixture.append(keyed(records, codec: codec))
            }
        }
        return fixture
    }

    @Test func theLatestValueOfEveryKeyStays() throws {
        let fixture = try filled()
        let before = try fixture.latest()
        let size = fixture.log.size
        let end = fixture.log.logEndOffset
        let through = try fixture.clean()
        #expect(through == fixture.log.activeBaseOffset)
        #expect(try fixture.latest() == before)
        #expect(fixture.log.size < size / 2)
        #expect(fixture.log.logEndOffset == end)
        #expect(fixture.log.logStartOffset == 0)
        let records = try fixture.records(below: fixture.log.activeBaseOffset)
        #expect(Set(records.map(\.key)).count == records.count, "every key once below the active segment")
        #expect(!fixture.files().contains { $0.hasSuffix(".cleaned") || $0.hasSuffix(".swap") })
        // A second pass finds nothing, a reopened log is the same.
        #expect(try fixture.clean() == nil)
        let reopened = try fixture.reopened()
        #expect(try reopened.latest() == before)
        #expect(reopened.log.logEndOffset == end)
    }

    @Test(arguments: Codec.allCases) func offsetsStayWhereTheyAre(_ codec: Codec) throws {
        let fixture = try filled(codec: codec)
        let before = try fixture.records()
        try fixture.clean()
        for record in try fixture.records() {
            let original = before.first { $0.offset == record.offset }
            #expect(original == record)
        }
        for batch in try fixture.batches() {
            #expect(batch.isChecksumValid)
            #expect(batch.header.codec == codec || batch.header.recordCount == 0)
        }
    }

    @Test func batchesKeepBaseOffsetLastOffsetAndSequence() throws {
        let fixture = try LogFixture(config: LogFixture.compacted())
        try fixture.append(keyed([("a", "1"), ("b", "1"), ("c", "1")], producer: 5, epoch: 0, sequence: 0))
        try fixture.append(keyed([("a", "2"), ("c", "2")], producer: 5, epoch: 0, sequence: 3))
        try fixture.append(keyed([("a", "3"), ("c", "3")], producer: 6, epoch: 0, sequence: 0))
        try fixture.roll()
        try fixture.clean()
        let headers = try fixture.batches().map(\.header)
        // The first keeps b; the second has lost all and stays for producer 5's sequence; the third is whole.
        #expect(headers.map(\.baseOffset) == [0, 3, 5])
        #expect(headers.map(\.lastOffset) == [2, 4, 6])
        #expect(headers.map(\.recordCount) == [1, 0, 2])
        #expect(headers.map(\.baseSequence) == [0, 3, 0])
        #expect(headers[1].maxTimestamp == at(0).wall)
        // Sequences go on from there, also after a recovery from the batches alone.
        let reopened = try fixture.reopened()
        #expect(reopened.log.producers.map(\.lastSequence) == [4, 1])
        try reopened.append(keyed([("d", "1")], producer: 5, epoch: 0, sequence: 5))
    }

    @Test func theLastBatchOfAPassStaysEmpty() throws {
        let fixture = try LogFixture(config: LogFixture.compacted())
        try fixture.append(keyed([("a", "1")]))
        try fixture.append(batch(["no key"]))
        // A record without a key, as from before the topic was compacted.
        var builder = BatchBuilder()
        builder.append(timestamp: at(0).wall, key: nil, value: Bytes("no key"))
        try fixture.append(builder.buildUncompressed(), origin: .coordinator)
        try fixture.roll()
        try fixture.clean()
        let headers = try fixture.batches().map(\.header)
        #expect(headers.last?.lastOffset == 2)
        #expect(headers.last?.recordCount == 0)
    }

    @Test func tombstonesGetAHorizonAndGoAfterIt() throws {
        let fixture = try LogFixture(config: LogFixture.compacted())
        try fixture.append(keyed([("a", "1"), ("b", "1")]), at: 0)
        try fixture.append(keyed([("a", nil), ("c", "1")], at: 10), at: 10)
        try fixture.roll()
        try fixture.clean(at: 100)
        let stamped = try #require(try fixture.batches().last?.header)
        #expect(stamped.hasDeleteHorizon)
        #expect(stamped.baseTimestamp == at(1100).wall)
        #expect(stamped.maxTimestamp == at(10).wall)
        // Timestamps count from the horizon now, and are the same.
        #expect(try fixture.records().map(\.timestamp) == [at(0).wall, at(10).wall, at(10).wall])
        #expect(try fixture.values() == ["1", "null", "1"])
        // Not yet.
        try fixture.append(keyed([("d", "1")], at: 200), at: 200)
        try fixture.roll(at: 200)
        try fixture.clean(at: 1000)
        #expect(try fixture.values() == ["1", "null", "1", "1"])
        #expect(try fixture.batches()[1].header.baseTimestamp == at(1100).wall, "the horizon is set once")
        try fixture.append(keyed([("e", "1")], at: 300), at: 300)
        try fixture.roll(at: 300)
        try fixture.clean(at: 1100)
        #expect(try fixture.values() == ["1", "1", "1", "1"])
    }

    @Test func whatIsNotStableIsLeftAlone() throws {
        let fixture = try filled()
        let base = fixture.log.segments[2].baseOffset
        #expect(try fixture.clean(highWatermark: base + 1) == base)
        let open = try LogFixture(config: LogFixture.compacted(150))
        for index in 0..<6 { try open.append(keyed([("k", "\(index)")])) }
        try open.append(keyed([("k", "open")], producer: 1, epoch: 0, sequence: 0, transactional: true))
        for index in 0..<6 { try open.append(keyed([("k", "\(index)")])) }
        let through = try #require(try open.clean())
        #expect(through <= 6)
        #expect(try open.records(from: through).count == Int(open.log.logEndOffset - through))
    }

    @Test func theLagsHoldBackAndPush() throws {
        let config = LogFixture.compacted(150) { $0.compactionLagMinMilliseconds = 1000 }
        let fixture = try LogFixture(config: config)
        for index in 0..<8 { try fixture.append(keyed([("k", "\(index)")], at: Int64(index * 100)), at: Int64(index * 100)) }
        #expect(try fixture.log.cleanable(highWatermark: 8, now: at(500).wall) == nil)
        let some = try #require(try fixture.log.cleanable(highWatermark: 8, now: at(1250).wall))
        #expect(some.uncleanableOffset == fixture.log.segments[1].baseOffset)
        fixture.log.config.compactionLagMinMilliseconds = 0
        fixture.log.config.compactionLagMaxMilliseconds = 2000
        #expect(try fixture.log.cleanable(highWatermark: 8, now: at(2000).wall)?.isOverdue == false)
        #expect(try fixture.log.cleanable(highWatermark: 8, now: at(2001).wall)?.isOverdue == true)
        // A compacted log rolls in time for it.
        fixture.log.config.segmentBytesMax = 1 << 20
        try fixture.append(keyed([("k", "9")], at: 900), at: 900)
        let count = fixture.log.segmentCount
        try fixture.append(keyed([("k", "10")], at: 3100), at: 3100)
        #expect(fixture.log.segmentCount == count + 1)
    }

    @Test func theDirtyRatioCountsWhatIsNew() throws {
        let fixture = try filled()
        let all = try #require(try fixture.log.cleanable(highWatermark: fixture.log.logEndOffset, now: at(0).wall))
        #expect(all.ratio == 1)
        let third = fixture.log.segments[2].baseOffset
        fixture.log.cleanedOffset = third
        let some = try #require(try fixture.log.cleanable(highWatermark: fixture.log.logEndOffset, now: at(0).wall))
        #expect(some.cleanBytes == Int64(fixture.log.segments[0].size + fixture.log.segments[1].size))
        #expect(some.ratio < 1 && some.ratio > 0.5)
    }

    @Test func aFullMapDoesAsMuchAsFits() throws {
        let fixture = try filled(rounds: 6)
        let before = try fixture.latest()
        var limits = CleanerLimits()
        limits.mapBytesMax = CleanerMap.slotSize * 6
        var through: Offset?
        var passes = 0
        while let more = try fixture.clean(limits: limits), passes < 50 {
            #expect(more > through ?? -1)
            through = more
            passes += 1
            #expect(try fixture.latest() == before)
        }
        #expect(passes > 1)
        #expect(through == fixture.log.activeBaseOffset)
    }

    @Test func smallSegmentsAreJoined() throws {
        let fixture = try filled()
        let segments = fixture.log.segmentCount
        try fixture.clean()
        try fixture.append(keyed([("k0", "new")]))
        try fixture.roll()
        try fixture.clean()
        #expect(fixture.log.segmentCount < segments)
        #expect(fixture.log.segments.allSatisfy { $0.size <= fixture.config.segmentBytesMax })
        #expect(fixture.log.segments.map(\.baseOffset) == fixture.log.segments.map(\.baseOffset).sorted())
    }

    @Test func readersKeepWhatTheyHold() throws {
        let fixture = try filled()
        let slice = try fixture.log.read(from: 0, maxBytes: 300, below: fixture.log.logEndOffset, minOneBatch: true)
        let bytes = try slice.bytes()
        try fixture.clean()
        try fixture.log.maintain(highWatermark: fixture.log.logEndOffset, now: at(100_000))
        #expect(try slice.bytes() == bytes)
        #expect(!fixture.files().contains { $0.hasSuffix(".deleted") })
        // Where there is nothing any more, the next batch is read.
        #expect(try fixture.log.read(from: 1, maxBytes: 300, below: fixture.log.logEndOffset, minOneBatch: true).baseOffset > 1)
    }

    @Test func retentionGoesOnBesideCompaction() throws {
        let config = LogFixture.compacted { (config) in
            config.isDeleting = true
            config.retentionMilliseconds = 1000
        }
        let fixture = try filled(config)
        try fixture.clean()
        try fixture.append(keyed([("k0", "new")], at: 5000), at: 5000)
        try fixture.log.maintain(highWatermark: fixture.log.logEndOffset, now: at(5500))
        #expect(fixture.log.logStartOffset > 0)
        #expect(fixture.log.segmentCount == 1)
        #expect(try fixture.latest()["k0"] == "new")
    }

    @Test func aLogThatChangesInTheMiddleThrowsThePassAway() throws {
        for change in 0..<3 {
            let fixture = try filled()
            let now = at(0)
            let range = try #require(try fixture.log.cleanable(highWatermark: fixture.log.logEndOffset, now: now.wall))
            let run = try fixture.log.beginCleaning(range, limits: CleanerLimits(), seed: 1, now: now.wall)
            _ = run.step { _ in true }
            guard case .cleaned(let group) = run.step({ _ in true }) else {
                Issue.record("no segment")
                return
            }
            switch change {
            case 0: try fixture.log.truncate(to: fixture.log.logEndOffset + -1, now: now)
            case 1: try fixture.log.deleteRecords(before: fixture.log.segments[2].baseOffset, now: now)
            default: try fixture.log.close()
            }
            #expect(try !fixture.log.adopt(group, of: run, now: now))
            #expect(!fixture.files().contains { $0.hasSuffix(".cleaned") })
        }
    }

    @Test func aPassCanBeStopped() throws {
        let fixture = try filled()
        let range = try #require(try fixture.log.cleanable(highWatermark: fixture.log.logEndOffset, now: at(0).wall))
        let run = try fixture.log.beginCleaning(range, limits: CleanerLimits(), seed: 1, now: at(0).wall)
        _ = run.step { _ in true }
        var left = 200
        let outcome = run.step { bytes in
            left -= bytes
            return left > 0
        }
        guard case .cancelled = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(!fixture.files().contains { $0.hasSuffix(".cleaned") })
    }

    @Test func damageIsNotGivenAGoodChecksum() throws {
        let fixture = try filled()
        fixture.disk.damage(fixture.path(SegmentFile.log.name(0)), at: 100)
        #expect(throws: LogError.self) { try fixture.clean() }
        #expect(!fixture.files().contains { $0.hasSuffix(".cleaned") })
    }

    @Test func theHashIsSipHash() {
        // The first two of the reference implementation's vectors: key 00…0f, no input and the input 00.
        let secret = KeyHash.Secret(k0: 0x0706_0504_0302_0100, k1: 0x0f0e_0d0c_0b0a_0908)
        let empty = KeyHash(Bytes.empty.pointer, count: 0, secret: secret)
        #expect(empty == KeyHash(low: 0xe6a8_25ba_047f_81a3, high: 0x9302_55c7_1472_f66d))
        let zero = Bytes([0])
        let one = KeyHash(zero.pointer, count: 1, secret: secret)
        #expect(one == KeyHash(low: 0x44af_996b_d8c1_87da, high: 0x45fc_229b_1159_7634))
    }
}

extension KeyHash {
    init(low: UInt64, high: UInt64) {
        self.init(Bytes.empty.pointer, count: 0, secret: Secret(k0: 0, k1: 0))
        (self.low, self.high) = (low, high)
    }
}
