import Primitives
import Records
import Testing

@testable import Storage

@Suite struct ProducerTests {
    private func send(
        _ fixture: LogFixture, _ sequence: Int32, _ count: Int = 1, producer: Int64 = 1, epoch: Int16 = 0, at milliseconds: Int64 = 0
    ) throws -> AppendResult {
        let values = (0..<count).map { "\(sequence) + \($0)" }
        return try fixture.append(batch(values, at: milliseconds, producer: producer, epoch: epoch, sequence: sequence), at: milliseconds)
    }

    private func code(_ body: () throws -> AppendResult) -> Int16 {
        do {
            _ = try body()
            return 0
        } catch { return (error as? LogError)?.kafkaCode ?? -99 }
    }

    @Test func theLastFiveBatchesAreRecognisedWhenTheyComeAgain() throws {
        let fixture = try LogFixture()
        for index in 0..<7 { #expect(try send(fixture, Int32(index * 2), 2).isDuplicate == false) }
        for index in 2..<7 {
            let again = try send(fixture, Int32(index * 2), 2)
            #expect(again.isDuplicate && again.baseOffset == Offset(Int64(index * 2)) && again.lastOffset == Offset(Int64(index * 2 + 1)))
        }
        #expect(fixture.log.logEndOffset == 14)
        // Older than that, or of another length, is out of order.
        #expect(code { try send(fixture, 2, 2) } == 45)
        #expect(code { try send(fixture, 12, 1) } == 45)
        #expect(code { try send(fixture, 15) } == 45)
        #expect(code { try send(fixture, 14) } == 0)
    }

    /// A snapshot holds the newest batch only: what was under way before it is found in the log, also behind a roll and a crash.
    @Test(arguments: [false, true]) func whatWasUnderWayIsRecognisedAfterARestart(isClean: Bool) throws {
        var config = LogConfig()
        config.segmentBytesMax = 300
        let fixture = try LogFixture(config: config)
        for index in 0..<7 { _ = try send(fixture, Int32(index * 2), 2) }
        _ = try send(fixture, 500, producer: 2)
        try fixture.log.flush()
        #expect(fixture.log.segments.count > 1)
        if isClean { try fixture.log.close() }
        let again = try fixture.reopened(.init(isClean: isClean, recoveryPoint: 15))
        #expect(again.log.producers[0].batches.count < 5)
        for index in 4..<7 {
            let retry = try send(again, Int32(index * 2), 2)
            #expect(retry.isDuplicate && retry.baseOffset == Offset(Int64(index * 2)) && retry.lastOffset == Offset(Int64(index * 2 + 1)))
        }
        // Of another length, of another producer, of the next epoch, beyond the end: nothing of that is in the log.
        #expect(code { try send(again, 10, 1) } == 45)
        #expect(code { try send(again, 10, 2, producer: 2) } == 45)
        #expect(code { try send(again, 10, 2, epoch: 1) } == 45)
        #expect(code { try send(again, 15) } == 45)
        #expect(again.log.logEndOffset == 15)
        #expect(code { try send(again, 14) } == 0)
    }

    @Test func anUnknownProducerMayBeginAnywhere() throws {
        let fixture = try LogFixture()
        #expect(code { try send(fixture, 1000) } == 0)
        #expect(code { try send(fixture, 1001) } == 0)
    }

    @Test func epochsNeverFallAndBeginAtZero() throws {
        let fixture = try LogFixture()
        #expect(code { try send(fixture, 5, epoch: 3) } == 0)
        #expect(code { try send(fixture, 6, epoch: 2) } == 47)
        #expect(code { try send(fixture, 6, epoch: 4) } == 45)
        #expect(code { try send(fixture, 0, epoch: 4) } == 0)
        #expect(code { try send(fixture, 6, epoch: 3) } == 47)
        #expect(code { try send(fixture, 1, epoch: 4) } == 0)
    }

    @Test func sequencesWrap() throws {
        let fixture = try LogFixture()
        #expect(code { try send(fixture, Int32.max - 1, 2) } == 0)
        #expect(code { try send(fixture, 1) } == 45)
        #expect(code { try send(fixture, 0) } == 0)
        let other = try LogFixture()
        // Within one batch: the last but one of all numbers, the last, zero, one.
        #expect(code { try send(other, Int32.max - 1, 4) } == 0)
        #expect(other.log.producers[0].lastSequence == 1)
        #expect(try send(other, Int32.max - 1, 4).isDuplicate)
        #expect(code { try send(other, 2) } == 0)
    }

    @Test func silentProducersAreForgotten() throws {
        var config = LogConfig()
        config.producerExpirationMilliseconds = 1000
        let fixture = try LogFixture(config: config)
        _ = try send(fixture, 0, producer: 1)
        _ = try send(fixture, 0, producer: 2, at: 900)
        try fixture.log.maintain(highWatermark: 2, now: at(1000))
        #expect(fixture.log.producers.map(\.producerID) == [2])
        #expect(code { try send(fixture, 70, producer: 1, at: 1000) } == 0)
    }

    @Test func openTransactionsHoldTheStableOffset() throws {
        let fixture = try LogFixture()
        let log = fixture.log
        try fixture.append(batch(["plain"]))
        try fixture.append(batch(["a0"], producer: 1, epoch: 0, sequence: 0, transactional: true))
        try fixture.append(batch(["b0"], producer: 2, epoch: 0, sequence: 0, transactional: true))
        #expect(log.lastStableOffset(highWatermark: 3) == 1)
        #expect(log.lastStableOffset(highWatermark: 1) == 1)
        #expect(log.lastStableOffset(highWatermark: 0) == 0)
        try fixture.append(marker(1, 0, commit: true), origin: .coordinator)
        #expect(log.firstUnstableOffset == 2)
        // The marker at 3 is not replicated while the high watermark is 3, so transaction 1 still counts.
        #expect(log.lastStableOffset(highWatermark: 3) == 1)
        #expect(log.lastStableOffset(highWatermark: 4) == 2)
        try fixture.append(marker(2, 0, commit: false), origin: .coordinator)
        #expect(log.lastStableOffset(highWatermark: 5) == 5)
        let aborted = AbortedTransaction(producerID: 2, firstOffset: 2, lastOffset: 4, lastStableOffset: 5)
        #expect(try log.abortedTransactions(from: 0, below: 5) == [aborted])
        #expect(try log.abortedTransactions(from: 5, below: 5) == [])
        #expect(try log.abortedTransactions(from: 0, below: 2) == [])
    }

    @Test func insideATransactionNothingPlainIsTaken() throws {
        let fixture = try LogFixture()
        try fixture.append(batch(["t"], producer: 1, epoch: 0, sequence: 0, transactional: true))
        #expect(code { try send(fixture, 1) } == 48)
        #expect(code { try fixture.append(marker(1, -1, commit: true), origin: .coordinator) } == 47)
        try fixture.append(marker(1, 0, commit: true, coordinatorEpoch: 5), origin: .coordinator)
        #expect(code { try fixture.append(marker(1, 0, commit: true, coordinatorEpoch: 4), origin: .coordinator) } == 52)
        #expect(code { try send(fixture, 1) } == 0)
    }

    @Test func clientsMayNotWriteMarkers() throws {
        let fixture = try LogFixture()
        #expect(code { try fixture.append(marker(1, 0, commit: true)) } == 87)
    }

    @Test func transactionsOfManySegmentsAreFound() throws {
        var config = LogConfig()
        config.segmentBytesMax = 400
        let fixture = try LogFixture(config: config)
        var expected: [AbortedTransaction] = []
        for index in 0..<20 {
            let first = fixture.log.logEndOffset
            try fixture.append(batch(["x"], producer: 1, epoch: 0, sequence: Int32(index), transactional: true))
            let isAbort = index % 3 == 0
            let end = try fixture.append(marker(1, 0, commit: !isAbort), origin: .coordinator).lastOffset
            guard isAbort else { continue }
            expected.append(AbortedTransaction(producerID: 1, firstOffset: first, lastOffset: end, lastStableOffset: end + 1))
        }
        #expect(fixture.log.segmentCount > 5)
        #expect(try fixture.log.abortedTransactions(from: 0, below: 40) == expected)
        #expect(try fixture.log.abortedTransactions(from: 7, below: 25) == expected.filter { $0.lastOffset >= 7 && $0.firstOffset < 25 })
        try fixture.log.close()
        let again = try LogFixture(fixture.disk, .init(isClean: true), config: config)
        #expect(try again.log.abortedTransactions(from: 0, below: 40) == expected)
    }
}
