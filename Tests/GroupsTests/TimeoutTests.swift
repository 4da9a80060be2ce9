import Groups
import Primitives
import Testing
import Wire

/// Every timeout at its limit: one millisecond before, and at it.
@Suite struct TimeoutTests {
    @Test func aSessionEndsAtItsTimeout() {
        var story = Story()
        let (id, generation) = story.stableGroup(session: 10_000)
        story.pass(milliseconds: 9_999)
        #expect(story.heartbeat("g", id, generation: generation) == .none)
        story.pass(milliseconds: 9_999)
        #expect(story.state() == .stable)
        story.events = []
        story.pass(milliseconds: 1)
        #expect(story.state() == .empty)
        #expect(story.events.map(\.step) == [.memberLeft, .started, .emptied])
        #expect(story.events[0].reason == .sessionExpired && story.events[0].memberID == id)
        #expect(story.heartbeat("g", id, generation: generation) == .unknownMemberID)
    }

    @Test func aCommitKeepsTheSessionAlive() {
        var story = Story()
        let (id, generation) = story.stableGroup(session: 10_000)
        story.pass(milliseconds: 9_999)
        #expect(story.commit("g", id, generation: generation, offset: 1) == ErrorCode.none)
        story.pass(milliseconds: 9_999)
        #expect(story.state() == .stable)
    }

    @Test func aMemberThatWaitsForTheOthersDoesNotExpire() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"], session: 6_000, rebalance: 60_000)
        let waiting = story.join("g", ids[0], topics: ["t", "u"], session: 6_000)
        // The other one heartbeats, but takes long to rejoin.
        for _ in 0..<10 {
            story.pass(milliseconds: 5_000)
            #expect(story.heartbeat("g", ids[1], generation: 2) == .rebalanceInProgress)
        }
        #expect(story.joined(waiting) == nil)
        _ = story.join("g", ids[1], topics: ["t", "u"], session: 6_000)
        #expect(story.joined(waiting)?.errorCode == ErrorCode.none)
        #expect(story.joined(waiting)?.members.count == 2)
    }

    @Test func theJoinPhaseEndsAtTheLongestRebalanceTimeout() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"], session: 1_000_000, rebalance: 30_000)
        let token = story.join("g", ids[0], session: 1_000_000, rebalance: 5_000)
        story.pass(milliseconds: 29_999)
        #expect(story.joined(token) == nil)
        story.pass(milliseconds: 1)
        #expect(story.joined(token)?.members.map(\.memberID) == [ids[0]])
    }

    @Test func whoDoesNotSyncIsRemovedAfterTheRebalanceTimeout() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"], session: 1_000_000, rebalance: 30_000)
        _ = story.join("g", ids[1], topics: ["u"], session: 1_000_000, rebalance: 30_000)
        let generation = story.joined(story.join("g", ids[0], session: 1_000_000, rebalance: 30_000))?.generationID ?? 0
        let leader = story.sync("g", ids[0], generation: generation, assignments: [(ids[0], "x")])
        #expect(story.synced(leader)?.errorCode == ErrorCode.none)
        story.events = []
        story.pass(milliseconds: 29_999)
        #expect(story.state() == .stable)
        story.pass(milliseconds: 1)
        #expect(story.state() == .preparingRebalance)
        #expect(story.events.first?.reason == .syncTimedOut && story.events.first?.memberID == ids[1])
        #expect(story.members() == [ids[0]])
    }

    @Test func aLeaderThatDoesNotSyncIsRemovedAndTheWaitingRejoin() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"], session: 1_000_000, rebalance: 30_000)
        _ = story.join("g", ids[0], session: 1_000_000, rebalance: 30_000)
        let generation = story.joined(story.join("g", ids[1], session: 1_000_000, rebalance: 30_000))?.generationID ?? 0
        let parked = story.sync("g", ids[1], generation: generation)
        story.pass(milliseconds: 30_000)
        #expect(story.synced(parked)?.errorCode == .rebalanceInProgress)
        #expect(story.members() == [ids[1]])
    }

    @Test func anIdThatIsNotUsedLapses() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a"], session: 1_000_000)
        let pending = story.joined(story.join(client: "b", session: 7_000))?.memberID ?? ""
        let token = story.join("g", ids[0], session: 1_000_000)
        story.pass(milliseconds: 6_999)
        #expect(story.joined(token) == nil)
        story.pass(milliseconds: 1)
        #expect(story.joined(token)?.errorCode == ErrorCode.none)
        #expect(story.joined(story.join("g", pending))?.errorCode == .unknownMemberID)
    }

    @Test func aGroupOfUnusedIdsOnlyIsForgotten() {
        var story = Story()
        _ = story.join(session: 6_000)
        #expect(story.state() == .empty)
        story.pass(milliseconds: 6_000)
        #expect(story.state() == nil)
        #expect(story.log.isEmpty, "it was never written down")
    }

    @Test func aNewcomerWhoseFirstJoinWaitsTooLongIsTakenForGone() {
        var story = Story()
        let (ids, generation) = story.stableGroup(of: ["a"], session: 1_000_000, rebalance: 1_000_000)
        let (newcomer, token) = story.enter(client: "b", session: 6_000, rebalance: 1_000_000)
        story.pass(milliseconds: 299_999)
        #expect(story.joined(token) == nil)
        story.pass(milliseconds: 1)
        #expect(story.joined(token)?.errorCode == .unknownMemberID)
        #expect(!story.members().contains(newcomer))
        #expect(story.heartbeat("g", ids[0], generation: generation) == .rebalanceInProgress)
    }

    @Test func thereIsAlwaysADeadlineWhileThereAreMembers() {
        var story = Story()
        let (id, generation) = story.stableGroup(session: 10_000)
        for _ in 0..<100 {
            story.pass(milliseconds: 3_000)
            #expect(story.heartbeat("g", id, generation: generation) == .none)
            #expect(story.coordinator.nextDeadline <= story.now.instant.adding(milliseconds: 10_000))
        }
    }
}
