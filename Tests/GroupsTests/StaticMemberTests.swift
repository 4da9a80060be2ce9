import Groups
import Primitives
import Testing
import Wire

/// Members with a group instance id (KIP-345, KIP-814).
@Suite struct StaticMemberTests {
    /// A stable group of one static member "i".
    private func stable(_ story: inout Story) -> (id: String, generation: Int32) {
        let token = story.join(instance: "i")
        let id = story.joined(token)?.memberID ?? ""
        let generation = story.joined(token)?.generationID ?? 0
        _ = story.sync("g", id, generation: generation, instance: "i", assignments: [(id, "all")])
        return (id, generation)
    }

    @Test func aStaticMemberJoinsAtOnceUnderItsInstanceId() {
        var story = Story()
        let token = story.join(instance: "i", client: "client")
        #expect(story.joined(token)?.errorCode == ErrorCode.none)
        #expect(story.joined(token)?.memberID.hasPrefix("i-") == true)
        #expect(story.joined(token)?.members.first?.groupInstanceID == "i")
    }

    @Test func aRestartedProcessTakesOverWithoutARebalance() {
        var story = Story()
        let (old, generation) = stable(&story)
        story.events = []
        story.holdsAppends = true
        let token = story.join(instance: "i")
        #expect(story.joined(token) == nil, "it waits for the record")
        story.completeAppends()
        story.holdsAppends = false
        let response = story.joined(token)
        #expect(response?.generationID == generation)
        #expect(response?.skipAssignment == true)
        #expect(response?.leader == response?.memberID)
        #expect(response?.members.count == 1)
        #expect(story.state() == .stable)
        #expect(story.events.map(\.reason) == [.staticMemberReplaced])
        let new = response?.memberID ?? ""
        #expect(new != old)
        #expect(story.synced(story.sync("g", new, generation: generation, instance: "i"))?.assignment == Bytes("all"))
        #expect(story.heartbeat("g", new, generation: generation, instance: "i") == .none)
        #expect(story.heartbeat("g", old, generation: generation, instance: "i") == .fencedInstanceID)
        #expect(story.joined(story.join("g", old, instance: "i"))?.errorCode == .fencedInstanceID)
        #expect(story.synced(story.sync("g", old, generation: generation, instance: "i"))?.errorCode == .fencedInstanceID)
        #expect(story.leave([(old, "i")]) == [.fencedInstanceID])
    }

    @Test func beforeVersionNineTheLeaderIsToldItsOldIdSoThatItDoesNotAssign() {
        var story = Story()
        let (old, _) = stable(&story)
        let token = story.join(instance: "i", version: 8)
        #expect(story.joined(token)?.leader == old)
        #expect(story.joined(token)?.members == [])
        #expect(story.joined(token)?.skipAssignment == false)
    }

    @Test func aReplacementThatCannotBeStoredIsTakenBack() {
        var story = Story()
        let (old, generation) = stable(&story)
        story.holdsAppends = true
        let token = story.join(instance: "i")
        story.completeAppends(.notLeaderOrFollower)
        #expect(story.joined(token)?.errorCode == .notCoordinator)
        story.holdsAppends = false
        #expect(story.heartbeat("g", old, generation: generation, instance: "i") == .none)
        #expect(story.members() == [old])
    }

    @Test func aReplacementWithAnotherProtocolRebalances() {
        var story = Story()
        let (_, generation) = stable(&story)
        let token = story.join(instance: "i", protocols: ["sticky", "range"])
        #expect(story.joined(token)?.protocolName == "sticky")
        #expect(story.joined(token)?.generationID == generation + 1)
        #expect(story.joined(token)?.skipAssignment == false)
    }

    @Test func aReplacementWhileTheGroupSyncsRebalances() {
        var story = Story()
        let first = story.join(instance: "i")
        let old = story.joined(first)?.memberID ?? ""
        #expect(story.state() == .completingRebalance)
        let token = story.join(instance: "i")
        #expect(story.joined(token)?.generationID == 2)
        #expect(story.heartbeat("g", old, generation: 1, instance: "i") == .fencedInstanceID)
    }

    @Test func aReplacementDuringTheJoinPhaseFencesTheParkedJoin() {
        var story = Story()
        let (_, _) = stable(&story)
        let (_, newcomer) = story.enter(client: "b")
        #expect(story.state() == .preparingRebalance)
        let staticID = story.members().first { $0.hasPrefix("i-") } ?? ""
        // The newcomer waits for the static member, whose process joins twice.
        let first = story.join("g", staticID, instance: "i")
        #expect(story.joined(newcomer)?.errorCode == ErrorCode.none && story.joined(first)?.errorCode == ErrorCode.none)
        let (_, third) = story.enter(client: "c")
        let parked = story.join("g", staticID, instance: "i")
        #expect(story.joined(parked) == nil && story.joined(third) == nil)
        let again = story.join(instance: "i")
        #expect(story.joined(parked)?.errorCode == .fencedInstanceID)
        #expect(story.joined(again) == nil)
    }

    @Test func aStaticMemberThatDoesNotRejoinStaysUntilItsSessionEnds() {
        var story = Story()
        let (old, _) = stable(&story)
        story.pass(milliseconds: 9_000)
        let (newcomer, token) = story.enter(client: "b", session: 1_000_000, rebalance: 500)
        // The rebalance timeout is the static member's 60 s, so that its session (10 s) ends first.
        story.pass(milliseconds: 1_000)
        #expect(story.joined(token)?.members.map(\.memberID) == [newcomer])
        #expect(!story.members().contains(old))
    }

    @Test func aStaticMemberSurvivesARebalanceItMissed() {
        var story = Story()
        let token = story.join(instance: "i", session: 600_000, rebalance: 2_000)
        let id = story.joined(token)?.memberID ?? ""
        _ = story.sync("g", id, generation: 1, instance: "i", assignments: [(id, "all")])
        let (newcomer, second) = story.enter(client: "b", session: 600_000, rebalance: 2_000)
        story.pass(milliseconds: 2_000)
        #expect(Set(story.joined(second)?.members.map(\.memberID) ?? []) == [id, newcomer])
        #expect(story.joined(second)?.leader == newcomer, "the leader is one who rejoined")
    }

    @Test func whenNoStaticMemberRejoinsTheJoinPhaseGoesOn() {
        var story = Story()
        let token = story.join(instance: "i", session: 600_000, rebalance: 2_000)
        let id = story.joined(token)?.memberID ?? ""
        _ = story.sync("g", id, generation: 1, instance: "i", assignments: [(id, "all")])
        let (dynamic, _) = story.enter(client: "b", session: 600_000, rebalance: 2_000)
        #expect(story.leave([(dynamic, nil)]) == [.none])
        #expect(story.state() == .preparingRebalance)
        story.pass(milliseconds: 20_000)
        #expect(story.state() == .preparingRebalance)
        #expect(story.members() == [id])
        #expect(story.joined(story.join("g", id, instance: "i"))?.generationID == 2)
    }

    @Test func anAdministratorRemovesAStaticMemberByInstanceId() {
        var story = Story()
        let (id, _) = stable(&story)
        story.events = []
        #expect(story.leave([("", "other"), ("", "i")]) == [.unknownMemberID, .none])
        #expect(story.state() == .empty)
        #expect(story.events.first?.reason == .removedByAdmin)
        #expect(story.events.first?.memberID == id && story.events.first?.groupInstanceID == "i")
    }

    @Test func aStaticMemberSpeaksForItselfWithoutItsInstanceIdToo() {
        var story = Story()
        let (id, generation) = stable(&story)
        #expect(story.heartbeat("g", id, generation: generation) == .none)
        #expect(story.commit("g", id, generation: generation, offset: 3) == ErrorCode.none)
        #expect(story.heartbeat("g", id, generation: generation, instance: "other") == .unknownMemberID)
    }
}
