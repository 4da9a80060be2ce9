import Primitives
import Records
import Testing

@testable import Storage

@Suite struct RecoveryTests {
    /// A log of several segments with every kind of batch; its last segment's path, and the boundaries of the batches in it.
    private func written(_ config: LogConfig) throws -> (fixture: LogFixture, path: String, ends: [(position: Int, next: Offset)]) {
        let fixture = try LogFixture(config: config)
        for index in 0..<6 { try fixture.append(batch(["plain \(index)"], at: Int64(index)), epoch: 1) }
        for index in 0..<6 { try fixture.append(batch(["idem \(index)"], producer: 7, epoch: 0, sequence: Int32(index)), epoch: 2) }
        try fixture.append(batch(["t0", "t1"], producer: 9, epoch: 0, sequence: 0, transactional: true), epoch: 2)
        try fixture.append(marker(9, 0, commit: false), epoch: 2, origin: .coordinator)
        try fixture.append(batch(["t2"], producer: 9, epoch: 0, sequence: 2, transactional: true, codec: .gzip), epoch: 3)
        try fixture.append(batch(["last one"], producer: 7, epoch: 0, sequence: 6), epoch: 3)
        let segment = fixture.log.active
        var scan = HeaderScan(try segment.file(), from: 0, to: segment.size)
        var ends: [(position: Int, next: Offset)] = [(0, segment.baseOffset)]
        while let place = try scan.next() { ends.append((place.position + place.header.sizeInBytes, place.header.nextOffset)) }
        return (fixture, segment.path(.log), ends)
    }

    /// What a log that never crashed knows when it ends at `end`: the truth that recovery has to reach.
    private func state(_ log: PartitionLog) throws -> [String] {
        // Of a producer's batches a snapshot keeps only the last, as Kafka's does.
        let producers = log.producers.map { state in
            "\(state.producerID) \(state.producerEpoch) \(state.batches.last!) \(state.coordinatorEpoch) \(state.lastTimestamp)"
        }
        let aborted = try log.abortedTransactions(from: 0, below: log.logEndOffset).map { "\($0)" }
        return producers + aborted + ["\(log.leaderEpochs)", "\(String(describing: log.firstUnstableOffset))"]
    }

    @Test func aTailCutAtEveryByteIsRecovered() throws {
        var config = LogConfig()
        config.segmentBytesMax = 700
        config.indexIntervalBytes = 100
        let (fixture, path, ends) = try written(config)
        let whole = try fixture.records()
        let size = fixture.log.active.size
        #expect(fixture.log.segmentCount > 1 && ends.count > 3)
        for cut in 0...size {
            let disk = fixture.disk.copy()
            disk.cut(path, at: cut)
            let survived = ends.last { $0.position <= cut }!
            let again = try LogFixture(disk, config: config)
            #expect(again.log.logEndOffset == survived.next, "cut at \(cut)")
            #expect(try again.records() == whole.filter { $0.offset < survived.next }, "cut at \(cut)")
            #expect(disk.contents.first { $0.path == path }!.bytes.count == survived.position)
            // It goes on as if nothing had been.
            let result = try again.append(batch(["after"]), epoch: 4)
            #expect(result.baseOffset == survived.next)
            try again.log.close()
            let third = try LogFixture(disk, .init(isClean: true), config: config)
            #expect(try third.values().last == "after")
        }
    }

    @Test func stateAfterACrashIsTheStateBeforeIt() throws {
        var config = LogConfig()
        config.segmentBytesMax = 700
        config.indexIntervalBytes = 100
        let (fixture, _, _) = try written(config)
        let before = try state(fixture.log)
        for point in [0, 5, 10, 14] as [Int64] {
            let disk = fixture.disk.copy()
            let again = try LogFixture(disk, .init(recoveryPoint: Offset(point)), config: config)
            #expect(try state(again.log) == before, "recovery point \(point)")
            // The same once more after a clean stop, and after another crash.
            try again.log.close()
            #expect(try state(LogFixture(disk.copy(), .init(isClean: true), config: config).log) == before)
            #expect(try state(LogFixture(disk, config: config).log) == before)
        }
    }

    @Test func everyFlippedByteOfTheLastBatchIsNoticed() throws {
        var config = LogConfig()
        config.segmentBytesMax = 700
        let (fixture, path, ends) = try written(config)
        let (start, end) = (ends[ends.count - 2], ends[ends.count - 1])
        // Base offset and leader epoch lie outside the checksum; a base offset may be anything not below the last.
        for position in start.position..<end.position where !(0..<8 ~= position - start.position || 12..<16 ~= position - start.position) {
            let disk = fixture.disk.copy()
            disk.damage(path, at: position)
            let again = try LogFixture(disk, config: config)
            #expect(again.log.logEndOffset == start.next, "byte \(position - start.position)")
        }
    }

    @Test func damageInAnEarlierSegmentDropsAllThatFollows() throws {
        var config = LogConfig()
        config.segmentBytesMax = 300
        let (fixture, _, _) = try written(config)
        let victim = fixture.log.segments[1]
        #expect(fixture.log.segmentCount > 3)
        fixture.disk.damage(victim.path(.log), at: 70)
        let again = try LogFixture(fixture.disk, config: config)
        #expect(again.log.logEndOffset == victim.baseOffset)
        #expect(again.log.segmentCount == 2)
        #expect(again.files().filter { $0.hasSuffix(".log") }.count == 2)
        // Behind the recovery point nothing is walked: the damage would be the disk's, not a crash's.
        #expect(try again.append(batch(["on"])).baseOffset == victim.baseOffset)
    }

    @Test func indexesAreRebuiltWhateverBecameOfThem() throws {
        var config = LogConfig()
        config.indexIntervalBytes = 100
        config.segmentBytesMax = 700
        let (fixture, _, _) = try written(config)
        try fixture.log.close()
        let whole = try LogFixture(fixture.disk.copy(), .init(isClean: true), config: config).values()
        let names = fixture.files().filter { $0.hasSuffix("index") }
        #expect(names.count >= 5)
        for name in names {
            for treatment in 0..<4 {
                let disk = fixture.disk.copy()
                let path = fixture.path(name)
                switch treatment {
                case 0: try disk.remove(path)
                case 1: disk.cut(path, at: 5)
                case 2: try disk.put(path, [UInt8](repeating: 0xff, count: 48))
                default: try disk.put(path, [UInt8](repeating: 0, count: 4800))
                }
                for clean in [true, false] where clean || !name.hasSuffix(".txnindex") {
                    let again = try LogFixture(disk.copy(), .init(isClean: clean), config: config)
                    #expect(try again.values() == whole, "\(name) \(treatment) \(clean)")
                    #expect(try again.log.offset(forTimestamp: at(3).wall)?.offset == 3, "\(name) \(treatment) \(clean)")
                }
            }
        }
    }

    @Test func aTornSnapshotFallsBackToAnOlderOne() throws {
        var config = LogConfig()
        config.segmentBytesMax = 300
        let (fixture, _, _) = try written(config)
        let before = try state(fixture.log)
        try fixture.log.close()
        let snapshots = fixture.files().filter { $0.hasSuffix(".snapshot") }
        #expect(snapshots.count > 2)
        fixture.disk.cut(fixture.path(snapshots.last!), at: 30)
        fixture.disk.damage(fixture.path(snapshots[snapshots.count - 2]), at: 12)
        #expect(try state(LogFixture(fixture.disk.copy(), .init(isClean: true), config: config).log) == before)
        for name in snapshots { try fixture.disk.remove(fixture.path(name)) }
        #expect(try state(LogFixture(fixture.disk, .init(isClean: true), config: config).log) == before)
    }

    /// The file of leader epochs is not synced by itself: lost, torn or old, the batches tell.
    @Test func leaderEpochsAreFoundAgain() throws {
        var config = LogConfig()
        config.segmentBytesMax = 300
        let (fixture, _, _) = try written(config)
        let before = fixture.log.leaderEpochs.map { "\($0)" }
        #expect(before.count == 3)
        try fixture.log.close()
        let path = fixture.path(LogFileName.leaderEpochs)
        for contents in [nil, "", "0\n3\n1 0\n2", "0\n1\n1 0\n"] as [String?] {
            for opening in [PartitionLog.Opening(isClean: true), .init(), .init(recoveryPoint: 4)] {
                // A stale file beside a clean stop cannot be: the stop has written it.
                guard contents?.hasSuffix("1 0\n") != true || !opening.isClean else { continue }
                let disk = fixture.disk.copy()
                if let contents { try disk.put(path, Array(contents.utf8)) } else { try disk.remove(path) }
                let again = try LogFixture(disk, opening, config: config)
                #expect(again.log.leaderEpochs.map { "\($0)" } == before)
            }
        }
    }

    @Test func anEpochWithoutRecordsWritesNothing() throws {
        let fixture = try LogFixture()
        try fixture.append(batch(["a"]), epoch: 1)
        let before = fixture.disk.operations
        try fixture.log.beginLeaderEpoch(7)
        #expect(fixture.disk.operations == before && fixture.log.latestLeaderEpoch == 7)
        #expect(fixture.log.endOffset(forEpoch: 7)?.endOffset == 1)
        try fixture.append(batch(["b"]), epoch: 7)
        #expect(try LogFixture(fixture.disk.copy()).log.leaderEpochs.map(\.startOffset) == [0, 1])
        // What follows a new epoch is durable together with it.
        try fixture.log.flush()
        fixture.disk.crash()
        #expect(try LogFixture(fixture.disk, .init(recoveryPoint: 2)).log.leaderEpochs.map(\.epoch) == [1, 7])
    }

    @Test func aPowerCutKeepsWhatWasSynced() throws {
        let fixture = try LogFixture()
        for index in 0..<10 { try fixture.append(batch(["\(index)"])) }
        try fixture.log.flush()
        #expect(fixture.log.syncedOffset == 10)
        for index in 10..<15 { try fixture.append(batch(["\(index)"])) }
        let unsynced = (try batch(["10"])).count * 5
        for kept in 0...unsynced {
            let disk = fixture.disk.copy()
            disk.crash { (path, count) in path.hasSuffix(".log") ? kept : count }
            let again = try LogFixture(disk)
            #expect(again.log.logEndOffset.rawValue == 10 + Int64(kept / (unsynced / 5)))
        }
    }

    /// Found by the simulator's bank: what was aborted was read. A segment that is not recovered is believed in what it says was aborted,
    /// so that has to be durable where the recovery point has passed it, and after a clean stop.
    @Test func aPowerCutKeepsWhatWasAborted() throws {
        var config = LogConfig()
        config.segmentBytesMax = 400
        let fixture = try LogFixture(config: config)
        for round in 0..<6 as Range<Int32> {
            try fixture.append(batch(["gone \(round)"], producer: 1, epoch: 0, sequence: round, transactional: true))
            try fixture.append(marker(1, 0, commit: false), origin: .coordinator)
        }
        let end = fixture.log.logEndOffset
        let aborted = try fixture.log.abortedTransactions(from: 0, below: end)
        #expect(aborted.count == 6)
        #expect(fixture.files().filter { $0.hasSuffix(".log") }.count > 2)
        try fixture.log.flush()
        let killed = fixture.disk.copy()
        killed.crash()
        #expect(try LogFixture(killed, .init(recoveryPoint: end), config: config).log.abortedTransactions(from: 0, below: end) == aborted)
        try fixture.log.close()
        fixture.disk.crash()
        #expect(try LogFixture(fixture.disk, .init(isClean: true), config: config).log.abortedTransactions(from: 0, below: end) == aborted)
    }

    @Test func leftOversOfACrashAreTidied() throws {
        let fixture = try LogFixture()
        try fixture.append(batch(["a"]))
        for name in ["00000000000000000000.log.cleaned", "00000000000000000007.timeindex.deleted", "leader-epoch-checkpoint.tmp"] {
            try fixture.disk.put(fixture.path(name), [1, 2, 3])
        }
        try fixture.disk.put(fixture.path("00000000000000000005.index"), [1, 2, 3])
        let log = fixture.disk.contents.first { $0.path.hasSuffix(".log") }!.bytes
        try fixture.disk.put(fixture.path("00000000000000000000.log.swap"), log)
        let again = try LogFixture(fixture.disk)
        #expect(try again.values() == ["a"])
        #expect(
            again.files() == [
                "00000000000000000000.index", "00000000000000000000.log", "00000000000000000000.timeindex", "leader-epoch-checkpoint",
            ])
    }

    /// Found by `make fuzz`: the log end fell behind the base of the segment that is written to.
    @Test func anEmptySegmentBehindAGapKeepsItsOffsets() throws {
        let fixture = try LogFixture()
        try fixture.append(batch(["a"]))
        try fixture.log.close()
        try fixture.disk.put(fixture.path("00000000000000000004.log"), [])
        let again = try LogFixture(fixture.disk)
        #expect(again.log.logEndOffset == 4)
        #expect(try again.append(batch(["b"])).baseOffset == 4)
        try again.log.close()
        #expect(try LogFixture(fixture.disk).values() == ["a", "b"])
    }
}
