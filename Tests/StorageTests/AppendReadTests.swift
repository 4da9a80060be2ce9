import Primitives
import Records
import Testing

@testable import Storage

@Suite struct AppendReadTests {
    @Test func offsetsAndEpochAreAssignedAndTheChecksumHolds() throws {
        let fixture = try LogFixture()
        let one = try fixture.append(batch(["a", "b"]), epoch: 3)
        let two = try fixture.append(batch(["c"]), epoch: 3)
        #expect((one.baseOffset, one.lastOffset, two.baseOffset, two.lastOffset) == (0, 1, 2, 2))
        #expect(one.logAppendTime == .none)
        #expect(fixture.log.logEndOffset == 3)
        let slice = try fixture.log.read(from: 0, maxBytes: 1000, below: 3, minOneBatch: true)
        let batches = try BatchWalk.all(in: slice.bytes())
        #expect(batches.map(\.header.baseOffset) == [0, 2])
        #expect(batches.map(\.header.partitionLeaderEpoch) == [3, 3])
        #expect(batches.allSatisfy { $0.isChecksumValid })
        #expect(fixture.log.leaderEpochs.map(\.epoch) == [3])
        #expect(try fixture.values() == ["a", "b", "c"])
    }

    @Test func readsEndAtBatchBoundariesAndAtTheLimit() throws {
        let fixture = try LogFixture()
        for index in 0..<20 { try fixture.append(batch(["value \(index)", "more \(index)"])) }
        let size = try batch(["value 0", "more 0"]).count
        #expect(try fixture.log.read(from: 0, maxBytes: size * 2 + 5, below: 40, minOneBatch: true).length == size * 2)
        #expect(try fixture.log.read(from: 0, maxBytes: 10, below: 40, minOneBatch: true).length == size)
        #expect(try fixture.log.read(from: 0, maxBytes: 10, below: 40, minOneBatch: false).isEmpty)
        #expect(try fixture.log.read(from: 1, maxBytes: 1 << 20, below: 6, minOneBatch: true).length == size * 3)
        #expect(try fixture.log.read(from: 3, maxBytes: 1 << 20, below: 40, minOneBatch: true).baseOffset == 2)
        // A limit in the middle of a batch excludes the batch.
        #expect(try fixture.log.read(from: 0, maxBytes: 1 << 20, below: 5, minOneBatch: true).length == size * 2)
        #expect(try fixture.log.read(from: 40, maxBytes: 100, below: 40, minOneBatch: true).isEmpty)
        #expect(throws: LogError.offsetOutOfRange(requested: 41, logStart: 0, logEnd: 40)) {
            try fixture.log.read(from: 41, maxBytes: 100, below: 41, minOneBatch: true)
        }
    }

    @Test func everyOffsetIsFoundThroughTheSparseIndex() throws {
        var config = LogConfig()
        config.segmentBytesMax = 20_000
        config.indexIntervalBytes = 500
        let fixture = try LogFixture(config: config)
        for index in 0..<400 { try fixture.append(batch((0...(index % 3)).map { "value \(index).\($0)" })) }
        #expect(fixture.log.segmentCount > 1)
        let all = try fixture.records()
        #expect(all.map(\.offset.rawValue) == Array(0..<Int64(all.count)))
        for reopened in [false, true] {
            if reopened {
                try fixture.log.close()
                fixture.log = try LogFixture(fixture.disk, .init(isClean: true), config: config).log
            }
            for offset in stride(from: Int64(0), to: Int64(all.count), by: 7) {
                let slice = try fixture.log.read(from: Offset(offset), maxBytes: 1, below: fixture.log.logEndOffset, minOneBatch: true)
                let found = try BatchWalk.all(in: slice.bytes())
                #expect(found.count == 1)
                #expect(found[0].header.baseOffset.rawValue <= offset && offset <= found[0].header.lastOffset.rawValue)
            }
            #expect(try fixture.values(maxBytes: 3000) == all.map { $0.value!.lossyString })
        }
    }

    @Test func timestampsAreFound() throws {
        var config = LogConfig()
        config.segmentBytesMax = 5000
        config.indexIntervalBytes = 200
        let fixture = try LogFixture(config: config)
        for index in 0..<200 { try fixture.append(batch(["a \(index)", "b \(index)"], at: Int64(index * 10))) }
        for index in 0..<200 {
            let found = try fixture.log.offset(forTimestamp: at(Int64(index * 10 - 5)).wall)
            #expect(found == TimestampOffset(offset: Offset(Int64(index * 2)), timestamp: at(Int64(index * 10)).wall, leaderEpoch: 0))
        }
        #expect(try fixture.log.offset(forTimestamp: at(1990).wall)?.offset == 398)
        #expect(try fixture.log.offset(forTimestamp: at(1991).wall) == nil)
        #expect(try fixture.log.offset(forTimestamp: 0)?.offset == 0)
        #expect(try fixture.log.offsetOfMaxTimestamp()?.offset == 398)
        try fixture.log.deleteRecords(before: 101, now: at(0))
        #expect(try fixture.log.offset(forTimestamp: 0)?.offset == 101)
    }

    @Test func timestampsOutOfOrderAreFound() throws {
        let fixture = try LogFixture()
        for time in [50, 10, 90, 20, 90] as [Int64] { try fixture.append(batch(["\(time)"], at: time)) }
        #expect(try fixture.log.offset(forTimestamp: at(15).wall)?.offset == 0)
        #expect(try fixture.log.offset(forTimestamp: at(51).wall)?.offset == 2)
        #expect(try fixture.log.offset(forTimestamp: at(90).wall)?.offset == 2)
        #expect(try fixture.log.offsetOfMaxTimestamp()?.offset == 2)
    }

    @Test func logAppendTimeStampsTheBatch() throws {
        var config = LogConfig()
        config.timestampType = .logAppendTime
        let fixture = try LogFixture(config: config)
        let result = try fixture.append(batch(["a", "b"], at: -5_000_000), at: 77)
        #expect(result.logAppendTime == at(77).wall)
        #expect(try fixture.records().map(\.timestamp) == [at(77).wall, at(77).wall])
        let slice = try fixture.log.read(from: 0, maxBytes: 1000, below: 2, minOneBatch: true)
        #expect(try BatchWalk.all(in: slice.bytes()).allSatisfy { $0.isChecksumValid && $0.header.timestampType == .logAppendTime })
    }

    @Test func compressedBatchesAreKeptOrRecompressed() throws {
        var config = LogConfig()
        let kept = try LogFixture(config: config)
        for codec in Codec.allCases { try kept.append(batch(["same", "same", "same"], codec: codec)) }
        let slice = try kept.log.read(from: 0, maxBytes: 10_000, below: kept.log.logEndOffset, minOneBatch: true)
        #expect(try BatchWalk.all(in: slice.bytes()).map(\.header.codec) == [Codec.none, .gzip, .snappy, .lz4, .zstd])
        config.compression = .zstd
        let packed = try LogFixture(config: config)
        for codec in Codec.allCases { try packed.append(batch(["same", "same", "same"], codec: codec)) }
        let again = try packed.log.read(from: 0, maxBytes: 10_000, below: packed.log.logEndOffset, minOneBatch: true)
        #expect(try BatchWalk.all(in: again.bytes()).allSatisfy { $0.header.codec == .zstd && $0.isChecksumValid })
        #expect(try packed.values() == kept.values())
    }

    @Test func aFollowerAppendsWhatItFetched() throws {
        let leader = try LogFixture()
        for index in 0..<10 { try leader.append(batch(["a\(index)", "b\(index)"]), epoch: LeaderEpoch(Int32(index / 4))) }
        let slice = try leader.log.read(from: 0, maxBytes: 1 << 20, below: 20, minOneBatch: true)
        let follower = try LogFixture()
        try follower.append(try slice.bytes(), origin: .replication)
        #expect(try follower.values() == leader.values())
        #expect(follower.log.leaderEpochs.map(\.startOffset) == leader.log.leaderEpochs.map(\.startOffset))
        #expect(throws: LogError.outOfPlace(expected: 20, found: 0)) { try follower.append(try slice.bytes(), origin: .replication) }
        #expect(follower.log.endOffset(forEpoch: 0)?.endOffset == 8)
        #expect(follower.log.endOffset(forEpoch: 2)?.endOffset == 20)
        #expect(follower.log.endOffset(forEpoch: 3) == nil)
    }
}
