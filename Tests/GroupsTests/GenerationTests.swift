import Groups
import Primitives
import Testing
import Wire

/// SyncGroup, Heartbeat and LeaveGroup, in every state.
@Suite struct GenerationTests {
    @Test func theAssignmentIsToldOnceItIsInTheLog() {
        var story = Story()
        let (a, first) = story.enter()
        _ = story.sync("g", a, generation: 1, assignments: [(a, "all")])
        let (b, _) = story.enter(client: "b")
        _ = story.join("g", a)
        let follower = story.sync("g", b, generation: 2)
        #expect(story.synced(follower) == nil, "it waits for the leader")

        story.holdsAppends = true
        let leader = story.sync("g", a, generation: 2, assignments: [(a, "mine"), (b, "yours"), ("stranger", "x")])
        #expect(story.synced(leader) == nil && story.synced(follower) == nil, "they wait for the log")
        #expect(story.state() == .completingRebalance)
        story.completeAppends()
        #expect(story.synced(leader)?.assignment == Bytes("mine"))
        #expect(story.synced(follower)?.assignment == Bytes("yours"))
        #expect(story.synced(follower)?.protocolType == "consumer")
        #expect(story.synced(follower)?.protocolName == "range")
        #expect(story.state() == .stable)
        #expect(story.events.last?.step == .assigned)
        #expect(story.joined(first)?.generationID == 1)
    }

    @Test func whomTheLeaderLeavesOutGetsAnEmptyAssignment() {
        var story = Story()
        let (id, token) = story.enter()
        let leader = story.sync("g", id, generation: story.joined(token)?.generationID ?? 0)
        #expect(story.synced(leader)?.errorCode == ErrorCode.none)
        #expect(story.synced(leader)?.assignment == Bytes.empty)
    }

    @Test func syncingAgainWhenStableTellsTheAssignment() {
        var story = Story()
        let (id, generation) = story.stableGroup()
        #expect(story.synced(story.sync("g", id, generation: generation))?.assignment == Bytes("all"))
    }

    @Test func aSyncOfTheSameMemberTakesThePlaceOfItsParkedOne() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"])
        _ = story.join("g", ids[0])
        let generation = story.joined(story.join("g", ids[1]))?.generationID ?? 0
        let first = story.sync("g", ids[1], generation: generation)
        let second = story.sync("g", ids[1], generation: generation)
        #expect(story.synced(first)?.errorCode == .rebalanceInProgress)
        #expect(story.synced(second) == nil)
    }

    @Test func aSyncThatDoesNotFitIsRefused() {
        var story = Story()
        let (id, token) = story.enter()
        let generation = story.joined(token)?.generationID ?? 0
        #expect(story.synced(story.sync("", id, generation: generation))?.errorCode == .invalidGroupID)
        #expect(story.synced(story.sync("nobody", id, generation: generation))?.errorCode == .unknownMemberID)
        #expect(story.synced(story.sync("g", "nope", generation: generation))?.errorCode == .unknownMemberID)
        #expect(story.synced(story.sync("g", id, generation: generation + 1))?.errorCode == .illegalGeneration)
        #expect(story.synced(story.sync("g", id, generation: generation, type: "connect"))?.errorCode == .inconsistentGroupProtocol)
        #expect(story.synced(story.sync("g", id, generation: generation, name: "sticky"))?.errorCode == .inconsistentGroupProtocol)
        // Before v5 neither is sent, nor compared.
        #expect(story.synced(story.sync("g", id, generation: generation, type: nil, name: nil, version: 3))?.errorCode == ErrorCode.none)
        let (_, _) = story.enter(client: "b")
        #expect(story.synced(story.sync("g", id, generation: generation))?.errorCode == .rebalanceInProgress)
    }

    @Test func anAssignmentThatCannotBeStoredCausesARebalance() {
        var story = Story()
        let (id, token) = story.enter()
        story.holdsAppends = true
        let leader = story.sync("g", id, generation: story.joined(token)?.generationID ?? 0, assignments: [(id, "all")])
        story.events = []
        story.completeAppends(.notEnoughReplicas)
        #expect(story.synced(leader)?.errorCode == .coordinatorNotAvailable)
        #expect(story.state() == .preparingRebalance)
        #expect(story.events.first?.reason == .storeFailed)
        story.holdsAppends = false
        #expect(story.joined(story.join("g", id))?.generationID == 2)
    }

    @Test func anAssignmentOfAGenerationThatHasPassedIsForgotten() {
        var story = Story()
        let (id, token) = story.enter()
        story.holdsAppends = true
        let generation = story.joined(token)?.generationID ?? 0
        let leader = story.sync("g", id, generation: generation, assignments: [(id, "all")])
        let (_, newcomer) = story.enter(client: "b")
        #expect(story.synced(leader)?.errorCode == .rebalanceInProgress)
        story.completeAppends()
        #expect(story.state() == .preparingRebalance)
        let again = story.join("g", id)
        #expect(story.joined(again)?.generationID == generation + 1)
        #expect(story.joined(newcomer)?.generationID == generation + 1)
    }

    @Test func heartbeatsByState() {
        var story = Story()
        #expect(story.heartbeat("", "m", generation: 0) == .invalidGroupID)
        #expect(story.heartbeat("nobody", "m", generation: 0) == .unknownMemberID)
        let pending = story.joined(story.join())?.memberID ?? ""
        #expect(story.heartbeat("g", pending, generation: -1) == .unknownMemberID)
        let token = story.join("g", pending)
        let generation = story.joined(token)?.generationID ?? 0
        #expect(story.heartbeat("g", pending, generation: generation) == .none, "CompletingRebalance")
        _ = story.sync("g", pending, generation: generation)
        #expect(story.heartbeat("g", pending, generation: generation) == .none, "Stable")
        #expect(story.heartbeat("g", pending, generation: generation + 1) == .illegalGeneration)
        #expect(story.heartbeat("g", "nope", generation: generation) == .unknownMemberID)
        #expect(story.heartbeat("g", pending, generation: generation, instance: "st") == .unknownMemberID)
        _ = story.enter(client: "b")
        #expect(story.heartbeat("g", pending, generation: generation) == .rebalanceInProgress)
        _ = story.leave([(story.members()[0], nil), (story.members()[1], nil)])
        #expect(story.state() == .empty)
        #expect(story.heartbeat("g", pending, generation: generation) == .unknownMemberID, "Empty")
    }

    @Test func theLastToLeaveEmptiesTheGroup() {
        var story = Story()
        let (id, generation) = story.stableGroup()
        story.events = []
        let logged = story.log.count
        #expect(story.leave([(id, nil)], reason: "shutting down") == [.none])
        #expect(story.state() == .empty)
        #expect(story.events.map(\.step) == [.memberLeft, .started, .emptied])
        #expect(story.events[0].clientReason == "shutting down" && story.events[0].reason == .memberLeft)
        #expect(story.log.count == logged + 1, "the empty group is written down")
        #expect(story.coordinator.describe("g")?.generationID == generation + 1)
        #expect(story.coordinator.describe("g")?.protocolType == "consumer")
    }

    @Test func severalLeaveWithOneRebalance() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b", "c"])
        story.events = []
        #expect(story.leave([(ids[1], nil), ("nope", nil), (ids[2], nil), ("", "no-instance")]) == [
            .none, .unknownMemberID, .none, .unknownMemberID,
        ])
        #expect(story.events.filter { $0.step == .started }.count == 1)
        #expect(story.joined(story.join("g", ids[0]))?.members.count == 1)
    }

    @Test func aLeaverEndsAJoinPhaseThatWaitedForIt() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"])
        let token = story.join("g", ids[0])
        #expect(story.joined(token) == nil)
        #expect(story.leave([(ids[1], nil)]) == [.none])
        #expect(story.joined(token)?.errorCode == ErrorCode.none)
    }

    @Test func anIdThatWasHandedOutCanBeGivenBack() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a"])
        let pending = story.joined(story.join(client: "b"))?.memberID ?? ""
        let token = story.join("g", ids[0])
        #expect(story.joined(token) == nil, "the join phase waits for the id that was handed out")
        #expect(story.leave([(pending, nil)]) == [.none])
        #expect(story.joined(token)?.errorCode == ErrorCode.none)
        #expect(story.leave([(pending, nil)]) == [.unknownMemberID])
    }

    @Test func leavingBeforeVersionThree() {
        var story = Story()
        let (id, _) = story.stableGroup()
        func request(_ group: String, _ member: String) -> GroupRequest {
            var request = LeaveGroupRequest()
            request.groupID = group
            request.memberID = member
            return .leave(request)
        }
        func error(_ response: GroupResponse?) -> ErrorCode? {
            if case .leave(let response) = response { response.errorCode } else { nil }
        }
        #expect(error(story.answer(story.send(request("g", "nope"), version: 2))) == .unknownMemberID)
        #expect(error(story.answer(story.send(request("", id), version: 2))) == .invalidGroupID)
        #expect(error(story.answer(story.send(request("nobody", id), version: 2))) == .unknownMemberID)
        #expect(error(story.answer(story.send(request("g", id), version: 2))) == ErrorCode.none)
        #expect(story.state() == .empty)
    }

    @Test func whoIsRemovedWhileItWaitsIsToldSo() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"])
        let parked = story.join("g", ids[1], topics: ["t", "u"])
        #expect(story.leave([(ids[1], nil)]) == [.none])
        #expect(story.joined(parked)?.errorCode == .unknownMemberID)
    }

    @Test func anotherLeaderIsElectedWhenTheLeaderDoesNotRejoin() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"], rebalance: 3000)
        let token = story.join("g", ids[1], topics: ["t", "u"], session: 10_000, rebalance: 3000)
        story.pass(milliseconds: 3000)
        #expect(story.joined(token)?.leader == ids[1])
        #expect(story.joined(token)?.members.count == 1)
        #expect(story.events.contains { $0.step == .memberLeft && $0.reason == .rebalanceTimedOut && $0.memberID == ids[0] })
    }
}
