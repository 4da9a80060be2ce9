import Primitives
import TestSupport
import Testing

@testable import Replication

/// The high watermark moved, or did not. `#expect` itself takes no mutating call.
private func moves(_ moved: Bool, at: SourceLocation = #_sourceLocation) { #expect(moved, sourceLocation: at) }
private func still(_ moved: Bool, at: SourceLocation = #_sourceLocation) { #expect(!moved, sourceLocation: at) }

@Suite struct LeaderStateTests {
    private func leader(
        _ replicas: [BrokerID], inSync: [BrokerID]? = nil, minimum: Int = 1, end: Offset = 0, mark: Offset = 0
    ) -> LeaderState {
        LeaderState(
            brokerID: 1, leaderEpoch: 5, partitionEpoch: 0, replicas: replicas, inSyncReplicas: inSync ?? replicas,
            inSyncReplicasMin: minimum, logEndOffset: end, highWatermark: mark)
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant.zero.adding(milliseconds: milliseconds) }

    @Test func aloneTheLogEndIsCommittedAtOnce() {
        var state = leader([1], end: 7, mark: 3)
        #expect(state.highWatermark == 7, "what was not yet marked when it took up the leadership is committed too")
        moves(state.appended(through: 9))
        #expect(state.highWatermark == 9)
        still(state.appended(through: 9))
    }

    @Test func theSlowestInSyncReplicaDecides() {
        var state = leader([1, 2, 3])
        still(state.appended(through: 10))
        still(state.fetched(by: 2, from: 10, at: at(1)))
        moves(state.fetched(by: 3, from: 4, at: at(2)))
        #expect(state.highWatermark == 4)
        moves(state.fetched(by: 3, from: 10, at: at(3)))
        #expect(state.highWatermark == 10)
    }

    @Test func aReplicaThatIsNotInSyncHoldsNothingUp() {
        var state = leader([1, 2, 3], inSync: [1, 2])
        state.appended(through: 10)
        moves(state.fetched(by: 2, from: 8, at: at(1)))
        #expect(state.highWatermark == 8)
        still(state.fetched(by: 3, from: 2, at: at(2)))
        still(state.fetched(by: 9, from: 10, at: at(2)))
    }

    @Test func itNeverMovesBack() {
        var state = leader([1, 2])
        state.appended(through: 10)
        _ = state.fetched(by: 2, from: 10, at: at(1))
        still(state.fetched(by: 2, from: 3, at: at(2)))
        #expect(state.highWatermark == 10)
        still(state.changed(replicas: [1, 2, 3], inSyncReplicas: [1, 2, 3], partitionEpoch: 1))
        #expect(state.highWatermark == 10)
    }

    @Test func aClaimBeyondTheLogIsIgnored() {
        var state = leader([1, 2])
        state.appended(through: 10)
        still(state.fetched(by: 2, from: 11, at: at(1)))
        #expect(state.progress(of: 2)?.logEndOffset == Offset.none)
    }

    @Test func itStandsStillWithTooFewInSync() {
        var state = leader([1, 2, 3], inSync: [1], minimum: 2)
        #expect(state.isUnderMinISR)
        still(state.appended(through: 10))
        #expect(state.highWatermark == 0)
        _ = state.fetched(by: 2, from: 10, at: at(1))
        moves(state.changed(replicas: [1, 2, 3], inSyncReplicas: [1, 2], partitionEpoch: 1))
        #expect(state.highWatermark == 10)
    }

    @Test func theMinimumIsNeverMoreThanThereAreReplicas() {
        let state = leader([1], minimum: 2, end: 3)
        #expect(!state.isUnderMinISR && state.highWatermark == 3)
    }

    @Test func anOlderChangeIsIgnored() {
        var state = leader([1, 2])
        _ = state.changed(replicas: [1, 2], inSyncReplicas: [1], partitionEpoch: 4)
        _ = state.changed(replicas: [1, 2], inSyncReplicas: [1, 2], partitionEpoch: 3)
        #expect(state.inSyncReplicas == [1] && state.partitionEpoch == 4)
    }

    @Test func caughtUpMeansTheLeadersEndThenOrAtTheFetchBefore() {
        var state = leader([1, 2])
        state.appended(through: 10)
        _ = state.fetched(by: 2, from: 4, at: at(100))
        #expect(state.progress(of: 2)?.lastCaughtUpTime == .zero)
        state.appended(through: 20)
        _ = state.fetched(by: 2, from: 10, at: at(200))
        #expect(state.progress(of: 2)?.lastCaughtUpTime == at(100), "it had all there was when it asked before")
        _ = state.fetched(by: 2, from: 20, at: at(300))
        #expect(state.progress(of: 2)?.lastCaughtUpTime == at(300))
    }

    @Test func aTrimmedLogTakesTheMarkAlong() {
        var state = leader([1, 2])
        state.appended(through: 10)
        state.started(at: 6)
        #expect(state.highWatermark == 6)
    }

    /// Over many random histories: the mark is monotone, below the leader's end, and below every in-sync replica's end.
    @Test(arguments: seeds(50)) func theMarkIsSafeInEveryHistory(seed: UInt64) {
        var random = PRNG(seed: seed)
        var state = leader([1, 2, 3], minimum: random.below(3) + 1)
        var ends: [BrokerID: Offset] = [2: .none, 3: .none]
        var epoch: Int32 = 0
        var before = state.highWatermark
        for step in 0..<400 {
            switch random.below(4) {
            case 0: state.appended(through: state.logEndOffset + Int64(random.below(5)))
            case 1:
                let follower: BrokerID = random.oneIn(2) ? 2 : 3
                let from = Offset(Int64(random.below(Int(state.logEndOffset.rawValue) + 1)))
                ends[follower] = from
                _ = state.fetched(by: follower, from: from, at: at(Int64(step)))
            case 2:
                let followers: [BrokerID] = ([2, 3] as [BrokerID]).filter { ends[$0]! >= state.highWatermark && random.oneIn(2) }
                epoch += 1
                _ = state.changed(replicas: [1, 2, 3], inSyncReplicas: [1] + followers, partitionEpoch: epoch)
            default: _ = state.minimumChanged(random.below(3) + 1)
            }
            let mark = state.highWatermark
            #expect(mark >= before && mark <= state.logEndOffset)
            if mark > before {
                #expect(!state.isUnderMinISR)
                for replica in state.inSyncReplicas where replica != 1 { #expect(ends[replica]! >= mark) }
            }
            before = mark
        }
    }
}
