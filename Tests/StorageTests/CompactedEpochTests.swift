import Primitives
import Records
import Testing

@testable import Storage

/// Where leader epochs began in a log of which compaction has taken the beginnings. Found by the simulator: a leader that was killed and
/// had compacted the first records of its epoch took what was left of it for its beginning. A follower that came back with records of
/// the epoch before, which nobody had committed, was told that they agree, and kept them.
@Suite struct CompactedEpochTests {
    /// Several epochs, of which compaction leaves the last record of one key, and what is in the active segment.
    private func compacted() throws -> LogFixture {
        let fixture = try LogFixture(config: LogFixture.compacted(300))
        for (epoch, rounds) in [(0, 6), (2, 5), (3, 4), (5, 7)] as [(Int32, Int)] {
            for round in 0..<rounds { try fixture.append(keyed([("k", "\(epoch).\(round)")]), epoch: LeaderEpoch(epoch)) }
        }
        try fixture.roll()
        try fixture.append(keyed([("k", "last")]), epoch: 5)
        try fixture.clean()
        #expect(try fixture.batches().map(\.header.baseOffset) == [21, 22])
        return fixture
    }

    private func epochs(_ fixture: LogFixture) -> [String] { fixture.log.leaderEpochs.map { "\($0.epoch) from \($0.startOffset)" } }

    /// Nobody may be told that an epoch reaches further than it did.
    private func expectNoneReachesFurther(_ found: LogFixture, than truth: LogFixture) throws {
        for epoch in 0..<6 as Range<Int32> {
            let (is_, was) = (found.log.endOffset(forEpoch: LeaderEpoch(epoch)), truth.log.endOffset(forEpoch: LeaderEpoch(epoch)))
            let (end, known) = (try #require(is_), try #require(was))
            #expect(end.endOffset <= known.endOffset, "epoch \(epoch)")
        }
        #expect(found.log.endOffset(forEpoch: 5)?.endOffset == 23 && found.log.latestLeaderEpoch == 5)
    }

    @Test(arguments: [0, 8, 22, 23] as [Offset]) func anUncleanStopForgetsNone(recoveryPoint: Offset) throws {
        let fixture = try compacted()
        let before = epochs(fixture)
        #expect(before == ["0 from 0", "2 from 6", "3 from 11", "5 from 15"])
        let again = try fixture.reopened(.init(recoveryPoint: recoveryPoint), disk: fixture.disk.copy())
        #expect(epochs(again) == before)
    }

    @Test func withoutItsFileTheEarliestOffsetCounts() throws {
        let fixture = try compacted()
        let disk = fixture.disk.copy()
        try disk.remove(fixture.path(LogFileName.leaderEpochs))
        for opening in [PartitionLog.Opening(), .init(isClean: true)] {
            try expectNoneReachesFurther(fixture.reopened(opening, disk: disk.copy()), than: fixture)
        }
    }

    @Test func aFollowerOfACompactedLogTellsNobodyTooMuch() throws {
        let leader = try compacted()
        let follower = try LogFixture(config: leader.config)
        let slice = try leader.log.read(from: 0, maxBytes: 1 << 20, below: 23, minOneBatch: true)
        try follower.append(slice.bytes(), origin: .replication)
        while follower.log.logEndOffset < 23 {
            let more = try leader.log.read(from: follower.log.logEndOffset, maxBytes: 1 << 20, below: 23, minOneBatch: true)
            try follower.append(more.bytes(), origin: .replication)
        }
        try expectNoneReachesFurther(follower, than: leader)
    }

    /// The file may be of a history that a crash has undone; where there is a batch, the batch is believed.
    @Test func theFileIsBelievedOnlyWhereThereIsNoBatch() throws {
        let fixture = try LogFixture()
        for index in 0..<6 { try fixture.append(batch(["\(index)"]), epoch: LeaderEpoch(Int32(index / 2))) }
        let before = epochs(fixture)
        for told in ["0\n2\n0 0\n7 1\n", "0\n3\n0 0\n1 1\n2 3\n", "0\n2\n0 0\n3 4\n"] {
            let disk = fixture.disk.copy()
            try disk.put(fixture.path(LogFileName.leaderEpochs), Array(told.utf8))
            #expect(epochs(try LogFixture(disk)) == before)
        }
    }
}
