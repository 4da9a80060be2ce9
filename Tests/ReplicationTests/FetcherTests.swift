import Primitives
import Testing

@testable import Replication

@Suite struct FetcherTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant.zero.adding(milliseconds: milliseconds) }
    private func key(_ partition: Int32) -> FetchKey { FetchKey(topicID: UUID(high: 1, low: 1), partition: partition) }

    /// Where the partitions' logs end.
    private final class Ends { var ends: [FetchKey: Int64] = [:] }

    private func next(
        _ fetcher: inout ReplicaFetcher, _ ends: Ends, at now: Instant
    ) -> (number: UInt64, request: ReplicaFetcher.Request)? {
        fetcher.next(now: now, waitMaxMs: 500) { key, epoch in
            ends.ends[key].map { FetchPosition(leaderEpoch: epoch, fetchOffset: Offset($0), lastFetchedEpoch: 0, logStartOffset: 0) }
        }
    }

    private func asked(
        _ fetcher: inout ReplicaFetcher, _ ends: Ends, at now: Instant
    ) throws -> (number: UInt64, request: ReplicaFetcher.Request) {
        let found = next(&fetcher, ends, at: now)
        return try #require(found)
    }

    private func isExceeded(_ throttle: inout ReplicationThrottle, _ milliseconds: Int64) -> Bool {
        throttle.isExceeded(now: at(milliseconds))
    }

    private func two() throws -> (ReplicaFetcher, Ends, UInt64) {
        var fetcher = ReplicaFetcher(leader: 2)
        let ends = Ends()
        for partition in 0..<Int32(2) {
            ends.ends[key(partition)] = 0
            _ = fetcher.add(key(partition), leaderEpoch: 3)
        }
        let (number, request) = try asked(&fetcher, ends, at: at(0))
        #expect(request.session.sessionEpoch == 0 && request.session.partitions.count == 2 && request.maxWaitMs == 500)
        return (fetcher, ends, number)
    }

    private func answer(_ fetcher: inout ReplicaFetcher, _ number: UInt64, session: Int32 = 9) {
        let isOver = fetcher.finished(number)
        #expect(isOver)
        fetcher.answered()
        fetcher.session.answered(sessionID: session)
    }

    @Test func aSessionNamesOnlyWhatChanged() throws {
        var (fetcher, ends, number) = try two()
        let isIdle = next(&fetcher, ends, at: at(0)) == nil
        #expect(isIdle, "one request at a time")
        answer(&fetcher, number)
        ends.ends[key(1)] = 5
        fetcher.advanced(key(1), isCaughtUp: true)
        fetcher.advanced(key(0), isCaughtUp: true)
        let (second, request) = try asked(&fetcher, ends, at: at(1))
        #expect(request.session.sessionID == 9 && request.session.sessionEpoch == 1)
        #expect(request.session.partitions.map(\.key) == [key(1)], "the other one's position is what it was")
        answer(&fetcher, second)
        fetcher.remove(key(1))
        let (_, third) = try asked(&fetcher, ends, at: at(2))
        #expect(third.session.forgotten == [key(1)] && third.session.partitions.isEmpty && third.session.sessionEpoch == 2)
    }

    @Test func afterAFailureTheNextRequestIsWholeAndNotAtOnce() throws {
        var (fetcher, ends, number) = try two()
        let isOver = fetcher.finished(number)
        #expect(isOver)
        fetcher.failed(backoffMsMax: 1000, now: at(0))
        let isIdle = next(&fetcher, ends, at: at(4)) == nil
        #expect(isIdle && fetcher.nextDeadline == at(5))
        let (again, request) = try asked(&fetcher, ends, at: at(5))
        #expect(request.session.sessionEpoch == 0 && request.session.partitions.count == 2)
        let isOverToo = fetcher.finished(again)
        #expect(isOverToo)
        fetcher.failed(backoffMsMax: 1000, now: at(5))
        #expect(fetcher.nextDeadline == at(15), "the pauses double")
        let isOverAgain = fetcher.finished(number)
        #expect(!isOverAgain, "what was given up is told apart")
    }

    @Test func aSessionTheLeaderDroppedIsAskedForAnew() throws {
        var (fetcher, ends, number) = try two()
        answer(&fetcher, number, session: 0)
        let (second, request) = try asked(&fetcher, ends, at: at(1))
        #expect(request.session.sessionEpoch == 0 && request.session.sessionID == 0)
        answer(&fetcher, second, session: 4)
        let (third, _) = try asked(&fetcher, ends, at: at(2))
        let isOver = fetcher.finished(third)
        #expect(isOver)
        fetcher.session.lost()
        let (_, last) = try asked(&fetcher, ends, at: at(3))
        #expect(last.session.sessionID == 4 && last.session.sessionEpoch == 0, "the old session is closed by name")
    }

    @Test func aDelayedPartitionIsLeftOutAndComesBack() throws {
        var (fetcher, ends, number) = try two()
        answer(&fetcher, number)
        fetcher.delay(key(0), backoffMsMax: 1000, now: at(0))
        let (second, request) = try asked(&fetcher, ends, at: at(1))
        #expect(request.session.forgotten == [key(0)] && request.maxWaitMs <= 5, "the leader must not hold it for longer than that")
        answer(&fetcher, second)
        let (_, third) = try asked(&fetcher, ends, at: at(6))
        #expect(third.session.partitions.map(\.key) == [key(0)] && third.maxWaitMs == 500)
    }

    @Test func whatWaitsForTheDiskHoldsTheNextRequest() throws {
        var (fetcher, ends, number) = try two()
        answer(&fetcher, number)
        fetcher.awaitDisk(key(0))
        let isIdle = next(&fetcher, ends, at: at(1)) == nil
        #expect(isIdle && fetcher.nextDeadline == .distantFuture)
        fetcher.diskDone(key(0))
        let isAsking = next(&fetcher, ends, at: at(1)) != nil
        #expect(isAsking)
    }

    @Test func aPartitionWithoutAPositionIsNotAskedForOverAndOver() throws {
        var (fetcher, ends, number) = try two()
        answer(&fetcher, number)
        ends.ends = [:]
        fetcher.advanced(key(0), isCaughtUp: true)
        fetcher.advanced(key(1), isCaughtUp: true)
        let isIdle = next(&fetcher, ends, at: at(1)) == nil
        #expect(isIdle)
        #expect(fetcher.nextDeadline == at(1001))
    }

    @Test func aNewEpochBeginsWithoutTheOldOnesDelays() throws {
        var (fetcher, ends, number) = try two()
        answer(&fetcher, number)
        fetcher.delay(key(0), backoffMsMax: 1000, now: at(0))
        let (isNew, isNewAgain) = (fetcher.add(key(0), leaderEpoch: 4), fetcher.add(key(0), leaderEpoch: 4))
        #expect(isNew && !isNewAgain)
        let (_, request) = try asked(&fetcher, ends, at: at(1))
        #expect(request.session.partitions.first?.position.leaderEpoch == 4)
    }

    @Test func aThrottleLetsTheRateThroughAndPaysItsDebt() {
        var throttle = ReplicationThrottle()
        var exceeded = [isExceeded(&throttle, 0)]
        throttle.setRate(1000, now: at(0))
        throttle.record(3000, now: at(0))
        exceeded.append(isExceeded(&throttle, 1900))
        #expect(throttle.nextFree(now: at(1900)) <= at(2010))
        exceeded.append(isExceeded(&throttle, 2010))
        var passed = 0
        for step in 0..<10_000 where !throttle.isExceeded(now: at(3000 + Int64(step))) {
            throttle.record(50, now: at(3000 + Int64(step)))
            passed += 50
        }
        #expect((9_500...12_000).contains(passed), "\(passed) bytes in ten seconds")
        throttle.setRate(0, now: at(20_000))
        throttle.record(1, now: at(20_000))
        exceeded.append(isExceeded(&throttle, 99_000))
        #expect(throttle.nextFree(now: at(99_000)) == .distantFuture)
        throttle.setRate(.max, now: at(99_000))
        exceeded.append(isExceeded(&throttle, 99_000))
        #expect(exceeded == [false, true, false, true, false])
    }

    @Test func throttledReplicasAreNamedInPairsOrAllAtOnce() {
        let some = ThrottledReplicas(leaders: ["0:1", "2:3"], followers: ["*"])
        #expect(some.leaders.contains(0, 1) && some.leaders.contains(2, 3) && !some.leaders.contains(0, 3))
        #expect(some.followers.contains(7, 7) && !some.isEmpty)
        #expect(ThrottledReplicas(leaders: [], followers: []).isEmpty)
    }
}
