import Primitives
import Records
import Testing

@testable import Storage

@Suite struct CleanerTransactionTests {
    private func fixture() throws -> LogFixture { try LogFixture(config: LogFixture.compacted(1 << 20)) }

    private func transaction(_ log: LogFixture, _ records: [(String, String?)], _ sequence: Int32, commit: Bool, at: Int64 = 0) throws {
        try log.append(keyed(records, at: at, producer: 1, epoch: 0, sequence: sequence, transactional: true), at: at)
        try log.append(marker(1, 0, commit: commit, at: at), at: at, origin: .coordinator)
    }

    private func aborted(_ log: LogFixture) throws -> [Offset] {
        try log.log.abortedTransactions(from: log.log.logStartOffset, below: log.log.logEndOffset).map(\.firstOffset)
    }

    @Test func abortedDataGoesAndCountsForNothing() throws {
        let log = try fixture()
        try transaction(log, [("a", "1"), ("b", "1")], 0, commit: true)  // 0, 1, marker 2
        try transaction(log, [("a", "2"), ("c", "2")], 2, commit: false)  // 3, 4, marker 5
        try transaction(log, [("d", "3")], 4, commit: true)  // 6, marker 7
        try log.roll()
        #expect(try log.clean() == 8)
        #expect(try log.latest() == ["a": "1", "b": "1", "d": "3"])
        // The marker stays, and readers are still told, because a reader may have read the data before and wait for its end.
        #expect(try log.batches().map(\.header.baseOffset) == [0, 2, 5, 6, 7])
        #expect(try aborted(log) == [3])
        #expect(try aborted(log.reopened(.init(isClean: true, recoveryPoint: 8))) == [3])
    }

    @Test func markersGoWhenTheirDataIsGoneAndTheirTimeHasCome() throws {
        let log = try fixture()
        try transaction(log, [("a", "1")], 0, commit: true)  // 0, marker 1
        try transaction(log, [("b", "1")], 1, commit: false)  // 2, marker 3
        try transaction(log, [("a", "2")], 2, commit: true)  // 4, marker 5
        try log.append(keyed([("e", "1")]))  // 6: the end of the first pass, which keeps its last batch.
        try log.roll()
        try log.clean(at: 0)
        // The first transaction's data went in this pass: its marker is judged with the next.
        #expect(try log.batches().map(\.header.baseOffset) == [1, 3, 4, 5, 6])
        #expect(try log.batches().allSatisfy { !$0.header.hasDeleteHorizon })
        try log.append(keyed([("f", "1")], at: 10), at: 10)
        try log.roll(at: 10)
        try log.clean(at: 10)
        let stamped = try log.batches().filter { $0.header.hasDeleteHorizon }.map(\.header)
        #expect(stamped.map(\.baseOffset) == [1, 3])
        #expect(stamped.map(\.baseTimestamp) == [at(1010).wall, at(1010).wall])
        #expect(try aborted(log) == [])
        try log.append(keyed([("g", "1")], at: 20), at: 20)
        try log.roll(at: 20)
        try log.clean(at: 1009)
        #expect(try log.batches().map(\.header.baseOffset).prefix(2) == [1, 3])
        try log.append(keyed([("h", "1")], at: 30), at: 30)
        try log.roll(at: 30)
        try log.clean(at: 1010)
        #expect(try log.batches().map(\.header.baseOffset).prefix(2) == [4, 5])
        // No transaction is taken for open because its data or its marker is gone.
        let reopened = try log.reopened()
        #expect(reopened.log.firstUnstableOffset == nil)
        #expect(reopened.log.producers.map(\.lastSequence) == [2])
    }

    @Test func anAbortReachesBeyondWhatIsCleaned() throws {
        let log = try fixture()
        try log.append(keyed([("a", "old")]))
        try log.append(keyed([("a", "new"), ("b", "x")], producer: 1, epoch: 0, sequence: 0, transactional: true))  // 1, 2
        try log.roll()
        try log.append(keyed([("c", "1")]))  // 3
        try log.append(marker(1, 0, commit: false), origin: .coordinator)  // 4, in the active segment
        #expect(try log.clean() == 3)
        #expect(try log.latest() == ["a": "old", "c": "1"])
        // The batch stays empty: it is its producer's last.
        #expect(try log.batches().map(\.header.recordCount) == [1, 0, 1, 1])
        #expect(try aborted(log) == [1])
    }

    @Test func aProducersOldAbortIsNotHeldAgainstItsNextTransaction() throws {
        let log = try fixture()
        try transaction(log, [("a", "1")], 0, commit: false)  // 0, 1
        try log.append(keyed([("z", "1")]))  // 2
        try log.roll()
        try log.clean()
        try transaction(log, [("a", "2")], 1, commit: true)  // 3, 4
        try transaction(log, [("a", "3")], 2, commit: true)  // 5, 6
        try log.roll()
        try log.clean()
        #expect(try log.latest() == ["a": "3", "z": "1"])
    }

    @Test func theMarkerThatIsAllThatTellsAnEpochStays() throws {
        let log = try fixture()
        try log.append(marker(9, 3, commit: false), origin: .coordinator)  // 0: nothing was written in it.
        try log.append(keyed([("a", "1")]))
        try log.roll()
        try log.clean(at: 0)
        for time in [2000, 4000] as [Int64] {
            try log.append(keyed([("a", "\(time)")], at: time), at: time)
            try log.roll(at: time)
            try log.clean(at: time)
        }
        #expect(try log.batches().first?.header.baseOffset == 0)
        #expect(try log.reopened().log.producers.first?.producerEpoch == 3)
    }
}
