import Primitives
import Testing
import Wire

@testable import Groups

/// Groups of KIP-848: the way from one target to the next, and who is refused.
@Suite struct ConsumerGroupTests {
    @Test func theFirstMemberGetsEverythingAtOnce() {
        var story = Story(cluster: FakeCluster())
        var a = FakeMember(id: "a")
        let response = story.enroll(&a)
        #expect(response.errorCode == .none && response.memberID == "a" && response.memberEpoch == 2)
        #expect(response.heartbeatIntervalMs == 5_000)
        #expect(a.numbers == [0, 1, 2])
        #expect(story.group()?.state == .stable)
        #expect(story.beat("a", epoch: 2).assignment == nil, "nothing new")
    }

    /// Revoke, wait for the release, assign: at no moment do two members have a partition.
    @Test func aSecondMemberWaitsUntilTheFirstHasLetGo() {
        var story = Story(cluster: FakeCluster([("t", 4)]))
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a)
        story.enroll(&b)
        #expect(b.epoch == 3 && b.owned.isEmpty, "what it is to get is still the other's")
        #expect(story.group()?.state == .reconciling)
        let told = story.beat("a", epoch: a.epoch, owned: a.owned)
        #expect(told.memberEpoch == 2 && told.assignment?.partitions.count == 2, "to be revoked, in the old epoch")
        story.live(&b)
        #expect(b.owned.isEmpty)
        a.owned = told.assignment?.partitions ?? []
        story.live(&a)
        #expect(a.epoch == 3 && a.owned.count == 2)
        story.live(&b)
        #expect(b.owned.count == 2 && Set(a.owned).isDisjoint(with: b.owned))
        #expect(story.group()?.state == .stable)
    }

    @Test func aHeartbeatThatDoesNotSayWhatItOwnsReleasesNothing() {
        var story = Story(cluster: FakeCluster([("t", 2)]))
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a)
        story.enroll(&b)
        _ = story.beat("a", epoch: 2, owned: a.owned)
        #expect(story.beat("a", epoch: 2).memberEpoch == 2)
        story.live(&b)
        #expect(b.owned.isEmpty)
    }

    @Test func aMemberThatDoesNotGiveBackInTimeIsOut() {
        var story = Story(cluster: FakeCluster([("t", 2)]))
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a, rebalance: 10_000)
        story.enroll(&b)
        _ = story.beat("a", epoch: 2, owned: a.owned)
        for _ in 0..<3 {
            story.pass(milliseconds: 4_000)
            _ = story.beat("a", epoch: 2, owned: a.owned)
            story.live(&b)
        }
        #expect(story.beat("a", epoch: 2).errorCode == .unknownMemberID)
        #expect(b.numbers == [0, 1])
        #expect(story.events.contains { $0.step == .memberLeft && $0.reason == .rebalanceTimedOut && $0.memberID == "a" })
    }

    @Test func aSilentMemberIsOutAfterItsSession() {
        var story = Story(cluster: FakeCluster())
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a)
        story.enroll(&b)
        for _ in 0..<3 {
            story.pass(milliseconds: 16_000)
            story.live(&b)
        }
        #expect(story.group()?.members.keys == ["b"])
        #expect(b.numbers == [0, 1, 2])
        #expect(story.events.contains { $0.step == .memberLeft && $0.reason == .sessionExpired && $0.memberID == "a" })
    }

    @Test func membersThatStartTogetherShareATarget() {
        var story = Story(cluster: FakeCluster(), assignmentInterval: 1_000)
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a)
        #expect(story.enroll(&b).memberEpoch == 2, "the target of now, in which it has nothing")
        #expect(story.group()?.state == .assigning)
        story.pass(milliseconds: 1_000)
        story.live(&a)
        #expect(story.group()?.assignmentEpoch == 3)
    }

    @Test func epochsFence() {
        var story = Story(cluster: FakeCluster([("t", 2)]))
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a)
        #expect(story.beat("a", epoch: 3).errorCode == .fencedMemberEpoch)
        #expect(story.beat("a", epoch: 1).errorCode == .fencedMemberEpoch)
        #expect(story.beat("x", epoch: 2).errorCode == .unknownMemberID)
        #expect(story.beat("a", epoch: 2, group: "other").errorCode == .groupIDNotFound)
        // The answer that took it to epoch 3 was lost: the epoch before is good if it has nothing beyond what it was given.
        story.enroll(&b)
        let told = story.beat("a", epoch: 2, owned: a.owned)
        let rest = told.assignment?.partitions ?? []
        #expect(story.beat("a", epoch: 2, owned: rest).memberEpoch == 3)
        #expect(story.beat("a", epoch: 2, owned: rest).memberEpoch == 3)
        #expect(story.beat("a", epoch: 2, owned: a.owned).errorCode == .fencedMemberEpoch)
        // Who was fenced begins anew, with nothing, under its old id.
        #expect(story.enroll(&a).errorCode == .none)
        #expect(a.epoch == 3 && a.owned.count == 1)
    }

    @Test func aStaticMemberKeepsItsPlace() {
        var story = Story(cluster: FakeCluster())
        var a = FakeMember(id: "a")
        story.enroll(&a, instance: "i")
        var early = FakeMember(id: "b")
        #expect(story.enroll(&early, instance: "i").errorCode == .unreleasedInstanceID)
        #expect(story.beat("a", epoch: -2, instance: "i").memberEpoch == -2)
        #expect(story.group()?.groupEpoch == 2, "nobody else notices")
        var b = FakeMember(id: "b")
        #expect(story.enroll(&b, instance: "i").errorCode == .none)
        #expect(b.numbers == [0, 1, 2] && b.epoch == 2 && story.group()?.members.keys == ["b"])
        #expect(story.beat("a", epoch: 2, instance: "i").errorCode == .fencedInstanceID)
        #expect(story.beat("b", epoch: -2, instance: "i").errorCode == .none)
        story.pass(milliseconds: 45_000)
        #expect(story.group()?.members.isEmpty == true, "it did not come back within its session")
        #expect(story.group()?.groupEpoch == 3)
    }

    @Test func aRegexFollowsTheTopics() {
        var cluster = FakeCluster([("topic-1", 1), ("topic-2", 1), ("other", 1)])
        var story = Story(cluster: cluster)
        var a = FakeMember(id: "a")
        story.enroll(&a, topics: nil, regex: "^topic.*")
        #expect(a.owned.count == 2)
        cluster.put("topic-3", 2)
        story.see(cluster)
        story.live(&a)
        #expect(a.owned.count == 4 && a.epoch == 3)
        cluster.remove("topic-1")
        story.see(cluster)
        story.live(&a)
        story.live(&a)
        #expect(a.owned.count == 3)
        #expect(story.events.contains { $0.step == .started && $0.reason == .topicsChanged && $0.isEpoch })
        let before = story.group()?.groupEpoch
        cluster.put("unrelated", 1)
        story.see(cluster)
        story.live(&a)
        #expect(story.group()?.groupEpoch == before, "a topic of others is no reason")
    }

    @Test func addedPartitionsAreAssigned() {
        var cluster = FakeCluster()
        var story = Story(cluster: cluster)
        var a = FakeMember(id: "a")
        story.enroll(&a)
        cluster.put("t", 5)
        story.see(cluster)
        story.live(&a)
        #expect(a.numbers == [0, 1, 2, 3, 4])
    }

    @Test func theAssignorIsTheMostAskedFor() {
        var story = Story(cluster: FakeCluster([("t", 4)]))
        var a = FakeMember(id: "a")
        story.enroll(&a, assignor: "range")
        #expect(story.description()?.assignorName == "range")
        #expect(story.beat("b", epoch: 0, topics: ["t"], assignor: "nope", owned: [], rebalance: 1).errorCode == .unsupportedAssignor)
    }

    @Test func theGroupHasALimit() {
        var story = Story(cluster: FakeCluster()) { $0.consumerGroupSizeMax = 1 }
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a)
        #expect(story.enroll(&b).errorCode == .groupMaxSizeReached)
    }

    @Test func aGroupsOwnSettingsHoldForIt() {
        var cluster = FakeCluster()
        cluster.settings["g consumer.heartbeat.interval.ms"] = "7000"
        cluster.settings["g consumer.session.timeout.ms"] = "50000"
        var story = Story(cluster: cluster)
        var a = FakeMember(id: "a")
        #expect(story.enroll(&a).heartbeatIntervalMs == 7_000)
        story.pass(milliseconds: 49_999)
        #expect(story.group()?.members.count == 1)
        story.pass(milliseconds: 1)
        #expect(story.group()?.members.count == 0)
    }

    @Test func commitsAndFetchesCarryTheEpoch() {
        var story = Story(cluster: FakeCluster([("t", 2)]))
        var a = FakeMember(id: "a")
        var b = FakeMember(id: "b")
        story.enroll(&a)
        func commit(_ member: String, _ epoch: Int32, _ partition: Int32, version: Int16 = 9) -> ErrorCode? {
            story.committed(
                story.send(.commit(story.commitRequest("g", member, generation: epoch, offset: 5, partition: partition)), version: version))
        }
        #expect(commit("a", 2, 0) == ErrorCode.none)
        #expect(commit("a", 3, 0) == .staleMemberEpoch)
        #expect(commit("a", 2, 0, version: 8) == .unsupportedVersion)
        #expect(commit("x", 2, 0) == .unknownMemberID)
        #expect(commit("", -1, 0) == .unknownMemberID, "an administrator must wait until nobody is there")
        story.enroll(&b)
        story.live(&a)
        story.live(&a)
        #expect(a.epoch == 3)
        let kept = a.numbers[0]
        #expect(commit("a", 2, kept) == ErrorCode.none, "what it had then and has now is its own")
        #expect(commit("a", 2, 1 - kept) == .staleMemberEpoch)
        #expect(story.coordinator.fetchRefusal("g", memberID: "a", memberEpoch: 3) == nil)
        #expect(story.coordinator.fetchRefusal("g", memberID: "a", memberEpoch: 2) == .staleMemberEpoch)
        #expect(story.coordinator.fetchRefusal("g", memberID: "x", memberEpoch: 3) == .unknownMemberID)
        #expect(story.coordinator.fetchRefusal("g", memberID: nil, memberEpoch: -1) == nil)
    }

    @Test func anEmptyGroupIsDeletedWithAllItsRecords() throws {
        var story = Story(cluster: FakeCluster())
        var a = FakeMember(id: "a")
        story.enroll(&a, topics: nil, regex: "t")
        var request = DeleteGroupsRequest()
        request.groupsNames = ["g"]
        guard case .deleteGroups(let refused) = story.answers[story.send(.deleteGroups(request), version: 2)] else { return }
        #expect(refused.results.first?.errorCode == .nonEmptyGroup)
        #expect(story.beat("a", epoch: -1).errorCode == .none)
        guard case .deleteGroups(let done) = story.answers[story.send(.deleteGroups(request), version: 2)] else { return }
        #expect(done.results.first?.errorCode == ErrorCode.none)
        var last: [Bytes: Bool] = [:]
        for entry in story.log { for record in entry.records { last[record.key] = record.value == nil } }
        #expect(last.values.allSatisfy { $0 }, "nothing but tombstones is left of it")
    }

    @Test func anAnswerWaitsForItsRecordsAndForThoseBefore() {
        var story = Story(cluster: FakeCluster())
        story.holdsAppends = true
        let join = story.beatToken("a", epoch: 0, topics: ["t"], owned: [], rebalance: 1_000)
        let again = story.beatToken("a", epoch: 0, topics: ["t"], owned: [], rebalance: 1_000)
        #expect(story.beaten(join) == nil && story.beaten(again) == nil)
        story.completeAppends()
        #expect(story.beaten(join)?.memberEpoch == 2 && story.beaten(again)?.memberEpoch == 2)
    }

    /// The log did not take a change: the client comes again, and the next change brings the log what it lacks.
    @Test func whatCouldNotBeWrittenIsWrittenWithTheNextChange() throws {
        var story = Story(cluster: FakeCluster())
        story.holdsAppends = true
        let join = story.beatToken("a", epoch: 0, topics: ["t"], owned: [], rebalance: 1_000)
        story.completeAppends(.notEnoughReplicas)
        #expect(story.beaten(join)?.errorCode == .coordinatorNotAvailable)
        let again = story.beatToken("a", epoch: 0, topics: ["t"], owned: [], rebalance: 1_000)
        story.completeAppends()
        #expect(story.beaten(again)?.assignment?.partitions.count == 3)
        let next = try successor(of: story, FakeCluster())
        #expect(next.description() == story.description())
    }
}
