import Primitives
import Testing

@testable import Replication

@Suite struct InSyncTests {
    private let eligible: OrderedMap<BrokerID, Int64> = {
        var map = OrderedMap<BrokerID, Int64>()
        for (id, epoch) in [(1, 11), (2, 12), (3, 13)] as [(Int32, Int64)] { map[BrokerID(id)] = epoch }
        return map
    }()

    private func leader(inSync: [BrokerID] = [1, 2, 3], minimum: Int = 1, end: Offset = 0, mark: Offset = 0, mutations: Mutations = [])
        -> LeaderState
    {
        LeaderState(
            brokerID: 1, leaderEpoch: 5, partitionEpoch: 7, replicas: [1, 2, 3], inSyncReplicas: inSync, inSyncReplicasMin: minimum,
            logEndOffset: end, highWatermark: mark, lagMaxMs: 100, eligible: eligible, mutations: mutations, now: at(1000))
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant.zero.adding(milliseconds: milliseconds) }
    private func moves(_ moved: Bool, at: SourceLocation = #_sourceLocation) { #expect(moved, sourceLocation: at) }
    private func still(_ moved: Bool, at: SourceLocation = #_sourceLocation) { #expect(!moved, sourceLocation: at) }

    @Test func aFollowerThatHasWhatIsCommittedIsProposed() throws {
        var state = leader(inSync: [1, 2])
        state.appended(through: 10, now: at(1000))
        _ = state.fetched(by: 2, from: 10, brokerEpoch: 12, at: at(1001))
        #expect(state.highWatermark == 10)
        _ = state.fetched(by: 3, from: 9, brokerEpoch: 13, at: at(1002))
        let first = state.expansion(by: 3)
        #expect(first == nil, "it lacks what is committed")
        _ = state.fetched(by: 3, from: 10, brokerEpoch: 13, at: at(1003))
        let proposed = state.expansion(by: 3)
        let change = try #require(proposed)
        #expect(change.inSyncReplicas == [1, 2, 3] && change.partitionEpoch == 7 && change.members[2].brokerEpoch == 13)
        let second = state.expansion(by: 3)
        #expect(second == nil, "one change is under way at a time")
        #expect(state.inSyncReplicas == [1, 2] && state.maximalInSyncReplicas == [1, 2, 3])
    }

    @Test func theEndOfEarlierEpochsIsNeededToo() {
        // The leader begins at 10 with a high watermark of 4: a follower at 6 lacks records that may be committed.
        var state = leader(inSync: [1, 2], end: 10, mark: 4)
        _ = state.fetched(by: 3, from: 6, brokerEpoch: 13, at: at(1001))
        let first = state.expansion(by: 3)
        #expect(first == nil)
        _ = state.fetched(by: 3, from: 10, brokerEpoch: 13, at: at(1002))
        let second = state.expansion(by: 3)
        #expect(second != nil)
    }

    @Test func anEarlierLifeOfABrokerIsNotProposed() {
        var state = leader(inSync: [1, 2])
        _ = state.fetched(by: 3, from: 0, brokerEpoch: 9, at: at(1001))
        let first = state.expansion(by: 3)
        #expect(first == nil)
        var fewer = eligible
        fewer[BrokerID(3)] = nil
        _ = state.eligibilityChanged(fewer, now: at(1002))
        _ = state.fetched(by: 3, from: 0, brokerEpoch: 13, at: at(1003))
        let second = state.expansion(by: 3)
        #expect(second == nil, "nor a fenced one")
    }

    @Test func whoMayBeInSyncIsWaitedForUntilThatIsKnown() throws {
        var state = leader(inSync: [1, 2])
        _ = state.fetched(by: 2, from: 0, brokerEpoch: 12, at: at(1000))
        _ = state.fetched(by: 3, from: 0, brokerEpoch: 13, at: at(1000))
        let proposed = state.expansion(by: 3)
        let change = try #require(proposed)
        state.appended(through: 10, now: at(5000))
        still(state.fetched(by: 2, from: 10, brokerEpoch: 12, at: at(5001)))
        still(state.concluded(change, .unknown, now: at(5002)))
        still(state.concluded(change, .overtaken, now: at(5002)))
        #expect(state.repeated(change) == change)
        moves(state.concluded(change, .refused, now: at(5003)))
        #expect(state.highWatermark == 10 && state.maximalInSyncReplicas == [1, 2] && state.repeated(change) == nil)
    }

    @Test func aReplicaAboutToJoinIsWaitedFor() {
        var state = leader(inSync: [1, 2])
        _ = state.fetched(by: 2, from: 0, brokerEpoch: 12, at: at(1000))
        _ = state.fetched(by: 3, from: 0, brokerEpoch: 13, at: at(1000))
        state.appended(through: 10, now: at(1050))
        still(state.fetched(by: 2, from: 10, brokerEpoch: 12, at: at(1060)))
        moves(state.eligibilityChanged(eligible, now: at(1101)))
        #expect(state.highWatermark == 10, "but no longer than it may lag")
    }

    @Test func theControllersAnswerHolds() throws {
        var state = leader(inSync: [1, 2])
        _ = state.fetched(by: 3, from: 0, brokerEpoch: 13, at: at(1000))
        let proposed = state.expansion(by: 3)
        let change = try #require(proposed)
        _ = state.concluded(change, .decided(leaderEpoch: 5, partitionEpoch: 8, inSyncReplicas: [1, 2, 3]), now: at(1001))
        #expect(state.inSyncReplicas == [1, 2, 3] && state.partitionEpoch == 8 && !state.hasPendingChange)
        _ = state.concluded(change, .decided(leaderEpoch: 5, partitionEpoch: 9, inSyncReplicas: [1]), now: at(1002))
        #expect(state.inSyncReplicas == [1, 2, 3], "an answer counts once")
    }

    @Test func theMetadataLogOvertakesAPendingChange() throws {
        var state = leader(inSync: [1, 2, 3])
        state.appended(through: 5, now: at(1200))
        let proposed = state.shrinking(now: at(1201))
        let change = try #require(proposed)
        #expect(change.inSyncReplicas == [1])
        _ = state.changed(replicas: [1, 2, 3], inSyncReplicas: [1, 2], partitionEpoch: 8, now: at(1202))
        #expect(!state.hasPendingChange && state.inSyncReplicas == [1, 2])
        _ = state.concluded(change, .refused, now: at(1203))
        #expect(state.inSyncReplicas == [1, 2])
    }

    @Test func whoFallsBehindIsToGo() throws {
        var state = leader(minimum: 2)
        _ = state.fetched(by: 2, from: 0, brokerEpoch: 12, at: at(1000))
        _ = state.fetched(by: 3, from: 0, brokerEpoch: 13, at: at(1000))
        let idle = state.shrinking(now: at(9000))
        #expect(idle == nil, "with nothing to fetch nobody is behind")
        _ = state.fetched(by: 2, from: 0, brokerEpoch: 12, at: at(9000))
        _ = state.fetched(by: 3, from: 0, brokerEpoch: 13, at: at(9000))
        state.appended(through: 10, now: at(9010))
        _ = state.fetched(by: 2, from: 10, brokerEpoch: 12, at: at(9050))
        let early = state.shrinking(now: at(9100))
        #expect(early == nil)
        let proposed = state.shrinking(now: at(9101))
        let change = try #require(proposed)
        #expect(change.inSyncReplicas == [1, 2])
        #expect(state.highWatermark == 0, "it is in sync until the controller has said otherwise")
        moves(state.concluded(change, .decided(leaderEpoch: 5, partitionEpoch: 8, inSyncReplicas: [1, 2]), now: at(9102)))
        #expect(state.highWatermark == 10)
    }

    @Test func whoNeverFetchedHasItsTimeFromTheElectionOn() {
        var state = leader()
        let (early, late) = (state.shrinking(now: at(1100)), state.shrinking(now: at(1101)))
        #expect(early == nil && late?.inSyncReplicas == [1])
    }

    /// A broker stops: the same records take it out of the in-sync replicas and out of those that may be in sync.
    @Test func whatTheMetadataSaysHoldsAllAtOnce() {
        var state = leader(inSync: [1, 2], minimum: 2)
        state.appended(through: 10, now: at(1000))
        _ = state.fetched(by: 2, from: 10, brokerEpoch: 12, at: at(1001))
        #expect(state.highWatermark == 10)
        _ = state.fetched(by: 3, from: 10, brokerEpoch: 13, at: at(1002))
        state.appended(through: 12, now: at(1003))
        _ = state.fetched(by: 2, from: 12, brokerEpoch: 12, at: at(1004))
        #expect(state.highWatermark == 10, "the third is about to join")
        var fewer = eligible
        fewer[BrokerID(2)] = nil
        fewer[BrokerID(3)] = nil
        still(
            state.changed(
                Leadership(
                    brokerID: 1, leaderEpoch: 5, partitionEpoch: 8, replicas: [1, 2, 3], inSyncReplicas: [1], inSyncReplicasMin: 2,
                    eligible: fewer), now: at(1005)))
        #expect(state.isUnderMinISR && state.highWatermark == 10, "nothing is committed with too few in sync, not even on the way there")
    }

    /// Where another may have led in between, it may have had a follower cut what it had acknowledged.
    @Test func leadingOnInTheNextEpochKeepsWhatFollowersAcknowledged() {
        var old = leader()
        old.appended(through: 10, now: at(1000))
        _ = old.fetched(by: 2, from: 8, brokerEpoch: 12, at: at(1001))
        _ = old.fetched(by: 3, from: 10, brokerEpoch: 13, at: at(1001))
        for (epoch, mark) in [(6, 10), (7, 8)] as [(Int32, Offset)] {
            var new = LeaderState(
                brokerID: 1, leaderEpoch: LeaderEpoch(epoch), partitionEpoch: 8, replicas: [1, 2, 3], inSyncReplicas: [1, 3],
                inSyncReplicasMin: 1, logEndOffset: 10, highWatermark: old.highWatermark, now: at(2000))
            #expect(new.highWatermark == 8)
            new.keepProgress(of: old, now: at(2000))
            #expect(new.highWatermark == mark && new.epochStartOffset == 10)
        }
    }

    @Test func onlyWhatIsDurableCountsWhereTheTopicWantsIt() {
        var state = leader(inSync: [1, 2])
        state.appended(through: 10, durableOnly: true, now: at(1000))
        still(state.fetched(by: 2, from: 10, brokerEpoch: 12, at: at(1001)))
        #expect(state.progress(of: 2)?.logEndOffset == 10, "a follower may be ahead of the leader's disk")
        moves(state.synced(through: 6))
        #expect(state.highWatermark == 6)
    }

    @Test func deliberateDefectsShow() {
        var alone = leader(mutations: .highWatermarkFromLeaderAlone)
        moves(alone.appended(through: 10, now: at(1000)))
        var early = leader(inSync: [1, 2], mutations: .expandISREarly)
        early.appended(through: 10, now: at(1000))
        _ = early.fetched(by: 2, from: 10, brokerEpoch: 12, at: at(1001))
        _ = early.fetched(by: 3, from: 0, brokerEpoch: 13, at: at(1001))
        let first = early.expansion(by: 3)
        #expect(first != nil)
    }
}
