import Groups
import Primitives
import Testing
import Wire

/// Commits, deletion and expiry.
@Suite struct OffsetTests {
    @Test func aCommitIsVisibleOnceItIsInTheLog() {
        var story = Story()
        let (id, generation) = story.stableGroup()
        story.holdsAppends = true
        let token = story.send(.commit(story.commitRequest("g", id, generation: generation, offset: 7)), version: 8)
        #expect(story.committed(token) == nil)
        #expect(story.offset() == nil)
        story.completeAppends()
        #expect(story.committed(token) == ErrorCode.none)
        #expect(story.offset() == 7)
    }

    @Test func aCommitThatCannotBeStoredIsNotMade() {
        var story = Story()
        story.holdsAppends = true
        let token = story.send(.commit(story.commitRequest("g", "", generation: -1, offset: 7)), version: 8)
        story.completeAppends(.kafkaStorageError)
        #expect(story.committed(token) == .notCoordinator)
        #expect(story.offset() == nil)
        #expect(story.state() == nil, "nor the group that was made for it")
        let large = story.send(.commit(story.commitRequest("g", "", generation: -1, offset: 7)), version: 8)
        story.completeAppends(.messageTooLarge)
        #expect(story.committed(large) == .invalidCommitOffsetSize)
    }

    @Test func commitsByState() {
        var story = Story()
        // No such group: without a generation it is a simple consumer's, with one it is a mistake.
        #expect(story.commit("none", "m", generation: 5, offset: 1) == .illegalGeneration)
        #expect(story.commit("simple", offset: 1) == ErrorCode.none)
        #expect(story.state("simple") == .empty)

        let (id, token) = story.enter()
        let generation = story.joined(token)?.generationID ?? 0
        #expect(story.commit("g", id, generation: generation, offset: 1) == .rebalanceInProgress, "CompletingRebalance")
        _ = story.sync("g", id, generation: generation)
        #expect(story.commit("g", id, generation: generation, offset: 2) == ErrorCode.none, "Stable")
        #expect(story.commit("g", id, generation: generation + 1, offset: 9) == .illegalGeneration)
        #expect(story.commit("g", "nope", generation: generation, offset: 9) == .unknownMemberID)
        #expect(story.commit("g", offset: 9) == .unknownMemberID, "from outside, while there are members")
        _ = story.enter(client: "b")
        #expect(story.commit("g", id, generation: generation, offset: 3) == ErrorCode.none, "PreparingRebalance, of the current generation")
        for member in story.members() { _ = story.leave([(member, nil)]) }
        #expect(story.state() == .empty)
        #expect(story.commit("g", id, generation: generation, offset: 9) == .unknownMemberID)
        #expect(story.commit("g", offset: 4) == ErrorCode.none, "Empty")
        #expect(story.offset() == 4)
    }

    @Test func partitionsThatDoNotExistAreRefusedOneByOne() {
        var story = Story()
        var request = story.commitRequest("g", "", generation: -1, offset: 1)
        request.topics[0].partitions.append(request.topics[0].partitions[0])
        request.topics[0].partitions[1].partitionIndex = 9
        let token = story.send(.commit(request), version: 8, refused: [[.none, .unknownTopicOrPartition]])
        guard case .commit(let response) = story.answer(token) else {
            Issue.record("no answer")
            return
        }
        #expect(response.topics[0].partitions.map(\.errorCode) == [.none, .unknownTopicOrPartition])
        #expect(story.offset() == 1)
        #expect(story.offset("g", "t", 9) == nil)
    }

    @Test func metadataIsBounded() {
        var story = Story()
        #expect(story.commit(offset: 1, metadata: String(repeating: "x", count: 4096)) == ErrorCode.none)
        #expect(story.commit(offset: 2, metadata: String(repeating: "x", count: 4097)) == .offsetMetadataTooLarge)
        #expect(story.commit(offset: 3, metadata: nil) == ErrorCode.none)
        #expect(story.coordinator.committedOffset("g", TopicPartition("t", 0))?.metadata == "")
    }

    @Test func committedPartitionsAreBounded() {
        var config = Story.config
        config.offsetsPerGroupMax = 2
        var story = Story(config)
        #expect(story.commit(offset: 1, partition: 0) == ErrorCode.none)
        #expect(story.commit(offset: 1, partition: 1) == ErrorCode.none)
        #expect(story.commit(offset: 1, partition: 2) == .invalidCommitOffsetSize)
        #expect(story.commit(offset: 2, partition: 1) == ErrorCode.none, "one more for a known partition takes no room")
    }

    @Test func resettingTheOffsetsOfAConsumerGroupIsAnEvent() {
        var story = Story()
        let (id, generation) = story.stableGroup()
        _ = story.commit("g", id, generation: generation, offset: 9)
        _ = story.leave([(id, nil)])
        #expect(story.commit("g", offset: 9) == ErrorCode.none)
        #expect(story.notices == [], "it stays where it was")
        #expect(story.commit("g", offset: 0) == ErrorCode.none)
        #expect(story.notices == [.offsetsReset(group: "g", partitions: 1)])
        #expect(story.commit("simple", offset: 5) == ErrorCode.none)
        #expect(story.notices.count == 1, "a simple consumer that commits is no reset")
    }

    // MARK: deletion

    private func deleteOffsets(_ story: inout Story, _ group: String, _ topic: String, _ partition: Int32) -> (ErrorCode, ErrorCode?)? {
        var entry = OffsetDeleteRequest.Partition()
        entry.partitionIndex = partition
        var place = OffsetDeleteRequest.Topic()
        place.name = topic
        place.partitions = [entry]
        var request = OffsetDeleteRequest()
        request.groupID = group
        request.topics = [place]
        guard case .deleteOffsets(let response) = story.answer(story.send(.deleteOffsets(request), version: 0)) else { return nil }
        return (response.errorCode, response.topics.first?.partitions.first?.errorCode)
    }

    @Test func offsetsOfTopicsNobodySubscribesToCanBeDeleted() {
        var story = Story()
        #expect(deleteOffsets(&story, "none", "t", 0)?.0 == .groupIDNotFound)
        let (id, generation) = story.stableGroup()
        _ = story.commit("g", id, generation: generation, offset: 1)
        _ = story.commit("g", id, generation: generation, offset: 1, topic: "other")
        #expect(deleteOffsets(&story, "g", "t", 0)?.1 == .groupSubscribedToTopic)
        #expect(deleteOffsets(&story, "g", "other", 0)?.1 == ErrorCode.none)
        #expect(deleteOffsets(&story, "g", "other", 5)?.1 == ErrorCode.none)
        #expect(story.offset() == 1)
        #expect(story.offset("g", "other") == nil)
        _ = story.leave([(id, nil)])
        #expect(deleteOffsets(&story, "g", "t", 0)?.1 == ErrorCode.none)
        #expect(story.offset() == nil)
    }

    @Test func offsetsOfAnActiveGroupOfAnotherTypeStay() {
        var story = Story()
        let id = story.joined(story.join(type: "connect", version: 3))?.memberID ?? ""
        _ = story.sync("g", id, generation: 1, type: nil, name: nil, version: 3)
        #expect(deleteOffsets(&story, "g", "t", 0)?.0 == .nonEmptyGroup)
    }

    private func delete(_ story: inout Story, _ groups: [String]) -> [ErrorCode]? {
        var request = DeleteGroupsRequest()
        request.groupsNames = groups
        guard case .deleteGroups(let response) = story.answer(story.send(.deleteGroups(request), version: 2)) else { return nil }
        #expect(response.results.map(\.groupID) == groups)
        return response.results.map(\.errorCode)
    }

    @Test func onlyGroupsWithoutMembersCanBeDeleted() {
        var story = Story()
        let (id, generation) = story.stableGroup()
        _ = story.commit("g", id, generation: generation, offset: 1)
        _ = story.commit("simple", offset: 1)
        #expect(delete(&story, ["g", "", "none", "simple"]) == [.nonEmptyGroup, .groupIDNotFound, .groupIDNotFound, .none])
        #expect(story.state("simple") == nil && story.offset("simple") == nil)
        _ = story.leave([(id, nil)])
        #expect(delete(&story, ["g", "g"]) == [.none, .groupIDNotFound])
        #expect(story.state() == nil && story.offset() == nil)
        #expect(story.notices.contains(.groupDeleted(group: "g")))
    }

    @Test func aGroupThatIsBeingDeletedIsDead() {
        var story = Story()
        _ = story.commit(offset: 1)
        story.holdsAppends = true
        var request = DeleteGroupsRequest()
        request.groupsNames = ["g"]
        let token = story.send(.deleteGroups(request), version: 2)
        #expect(story.answer(token) == nil)
        #expect(story.state() == nil)
        #expect(story.joined(story.join())?.errorCode == .coordinatorNotAvailable)
        #expect(story.commit(offset: 2) == .coordinatorNotAvailable)
        #expect(story.heartbeat("g", "m", generation: 1) == .coordinatorNotAvailable)
        #expect(story.synced(story.sync("g", "m", generation: 1))?.errorCode == .coordinatorNotAvailable)
        #expect(story.leave([("m", nil)]) == [.coordinatorNotAvailable])
        story.completeAppends()
        #expect(story.answer(token) != nil)
        story.holdsAppends = false
        #expect(story.commit(offset: 2) == ErrorCode.none)
    }

    @Test func aDeletionThatCannotBeStoredLeavesTheGroup() {
        var story = Story()
        _ = story.commit(offset: 1)
        story.holdsAppends = true
        var request = DeleteGroupsRequest()
        request.groupsNames = ["g"]
        let token = story.send(.deleteGroups(request), version: 2)
        story.completeAppends(.notEnoughReplicas)
        guard case .deleteGroups(let response) = story.answer(token) else {
            Issue.record("no answer")
            return
        }
        #expect(response.results.map(\.errorCode) == [.coordinatorNotAvailable])
        #expect(story.offset() == 1)
    }

    @Test func aDeletionCoversCommitsThatAreStillOnTheirWay() {
        var story = Story()
        _ = story.commit(offset: 1)
        story.holdsAppends = true
        _ = story.send(.commit(story.commitRequest("g", "", generation: -1, offset: 7, partition: 3)), version: 8)
        var request = DeleteGroupsRequest()
        request.groupsNames = ["g"]
        _ = story.send(.deleteGroups(request), version: 2)
        story.completeAppends()
        #expect(story.log.last?.records.count == 3, "both partitions and the group")
        #expect(story.coordinator.committedOffsets("g").isEmpty)
    }

    @Test func aDeletedTopicTakesItsOffsetsWithIt() {
        var story = Story()
        _ = story.commit(offset: 1)
        _ = story.commit(offset: 1, topic: "other")
        story.take(story.coordinator.topicDeleted("t", now: story.now))
        #expect(story.offset() == nil)
        #expect(story.offset("g", "other") == 1)
    }

    // MARK: expiry

    private static let day: Int64 = 86_400_000

    @Test func offsetsOfAnEmptyGroupExpireAWeekAfterTheLastMemberLeft() {
        var story = Story()
        let (id, generation) = story.stableGroup(session: 1_800_000)
        _ = story.commit("g", id, generation: generation, offset: 1)
        story.pass(milliseconds: 1_700_000)
        _ = story.leave([(id, nil)])
        story.pass(milliseconds: 7 * OffsetTests.day - 600_000)
        #expect(story.offset() == 1)
        story.pass(milliseconds: 1_200_000)
        #expect(story.state() == nil && story.offset() == nil)
        #expect(story.notices == [.groupDeleted(group: "g")])
    }

    @Test func offsetsOfASimpleConsumerExpireAWeekAfterTheirCommit() {
        var story = Story()
        _ = story.commit("simple", offset: 1, partition: 0)
        story.pass(milliseconds: 3 * OffsetTests.day)
        _ = story.commit("simple", offset: 1, partition: 1)
        story.pass(milliseconds: 4 * OffsetTests.day + 600_000)
        #expect(story.offset("simple", "t", 0) == nil)
        #expect(story.offset("simple", "t", 1) == 1)
    }

    @Test func offsetsOfTopicsAMemberNoLongerReadsExpire() {
        var story = Story()
        let (id, generation) = story.stableGroup(session: 1_800_000)
        _ = story.commit("g", id, generation: generation, offset: 1)
        _ = story.commit("g", id, generation: generation, offset: 1, topic: "other")
        for _ in 0..<600 {
            story.pass(milliseconds: 1_100_000)
            _ = story.heartbeat("g", id, generation: generation)
        }
        #expect(story.offset() == 1, "it is subscribed to")
        #expect(story.offset("g", "other") == nil)
        #expect(story.state() == .stable)
    }

    @Test func aCommitMayNameItsOwnRetention() {
        var story = Story()
        let request = story.commitRequest("simple", "", generation: -1, offset: 1, retention: 3_600_000)
        #expect(story.committed(story.send(.commit(request), version: 4)) == ErrorCode.none)
        story.pass(milliseconds: 3_000_000)
        #expect(story.offset("simple") == 1)
        story.pass(milliseconds: 1_200_000)
        #expect(story.offset("simple") == nil)
        let forever = story.commitRequest("long", "", generation: -1, offset: 1, retention: .max)
        #expect(story.committed(story.send(.commit(forever), version: 4)) == ErrorCode.none)
    }

    @Test func anEmptyGroupWithoutOffsetsGoesWithTheNextCheck() {
        var story = Story()
        let (id, _) = story.stableGroup()
        _ = story.leave([(id, nil)])
        #expect(story.state() == .empty)
        story.pass(milliseconds: 600_000)
        #expect(story.state() == nil)
    }

    @Test func aCommitUnderWayIsNotExpired() {
        var story = Story()
        _ = story.commit("simple", offset: 1)
        story.pass(milliseconds: 7 * OffsetTests.day - 300_000)
        story.holdsAppends = true
        _ = story.send(.commit(story.commitRequest("simple", "", generation: -1, offset: 2)), version: 8)
        story.take(story.coordinator.tick(Now(instant: story.now.instant.adding(milliseconds: 900_000), wall: story.now.wall)))
        #expect(story.held.count == 1)
        story.completeAppends()
        #expect(story.offset("simple") == 2)
    }
}
