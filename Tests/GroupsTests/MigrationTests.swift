import Primitives
import Testing
import Wire

@testable import Groups

/// Groups that change over between the protocols while their members go on.
@Suite struct MigrationTests {
    private let cluster = FakeCluster([("t", 4)])

    private func assignment(_ partitions: [Int32]) -> Bytes {
        var assignment = ConsumerProtocolAssignment()
        var entry = ConsumerProtocolAssignment.TopicPartitions()
        (entry.topic, entry.partitions) = ("t", partitions)
        assignment.assignedPartitions = [entry]
        return assignment.encoded(version: 0)
    }

    /// A classic group of one, with all four partitions.
    private func classic(_ story: inout Story) -> (id: String, generation: Int32) {
        let (id, token) = story.enter()
        let generation = story.joined(token)?.generationID ?? -1
        var request = SyncGroupRequest()
        (request.groupID, request.memberID, request.generationID) = ("g", id, generation)
        (request.protocolType, request.protocolName) = ("consumer", "range")
        var entry = SyncGroupRequest.Assignment()
        (entry.memberID, entry.assignment) = (id, assignment([0, 1, 2, 3]))
        request.assignments = [entry]
        story.send(.sync(request), version: 5)
        return (id, generation)
    }

    private func numbers(_ bytes: Bytes?) -> [Int32] {
        (bytes.flatMap { try? ConsumerProtocolAssignment.decode($0) })?.assignedPartitions.flatMap(\.partitions) ?? []
    }

    @Test func aClassicMemberGoesOnInAConsumerGroupAndBack() throws {
        var story = Story(cluster: cluster)
        let (old, generation) = classic(&story)
        _ = story.commit("g", old, generation: generation, offset: 9)
        var b = FakeMember(id: "b")
        let response = story.enroll(&b)
        #expect(response.errorCode == .none && b.epoch == generation + 1 && b.owned.isEmpty)
        #expect(story.coordinator.type(of: "g") == .consumer)
        #expect(story.coordinator.committedOffset("g", TopicPartition("t", 0))?.offset == 9)
        #expect(story.description()?.members.map(\.memberType).sorted() == [0, 1])
        // The classic member hears of the new target, joins with nothing (it is eager), and fetches what it keeps.
        #expect(story.heartbeat("g", old, generation: generation) == .rebalanceInProgress)
        let rejoin = story.joined(story.join("g", old))
        #expect(rejoin?.errorCode == ErrorCode.none && rejoin?.generationID == generation + 1 && rejoin?.leader == "")
        let synced = story.synced(story.sync("g", old, generation: generation + 1))
        #expect(numbers(synced?.assignment).count == 2)
        #expect(story.heartbeat("g", old, generation: generation + 1) == .none)
        story.live(&b)
        #expect(b.owned.count == 2 && story.group()?.state == .stable)
        #expect(story.commit("g", old, generation: generation + 1, offset: 10) == ErrorCode.none)
        var next = try successor(of: story, cluster)
        #expect(next.description() == story.description())
        // The last member of the newer protocol goes: the group is a classic one again, and rebalances.
        #expect(story.beat("b", epoch: -1).errorCode == .none)
        #expect(story.coordinator.type(of: "g") == .classic)
        #expect(story.heartbeat("g", old, generation: generation + 2) == .rebalanceInProgress)
        let back = story.joined(story.join("g", old))
        #expect(back?.errorCode == ErrorCode.none && back?.leader == old && back?.generationID == generation + 3)
        #expect(story.coordinator.committedOffset("g", TopicPartition("t", 0))?.offset == 10)
        story.coordinator.checkInvariants()
        next = try successor(of: story, cluster)
        #expect(next.coordinator.type(of: "g") == .classic)
    }

    @Test func aClassicMemberMayJoinAConsumerGroup() {
        var story = Story(cluster: cluster)
        var a = FakeMember(id: "a")
        story.enroll(&a)
        let (id, token) = story.enter()
        #expect(story.joined(token)?.generationID == 3)
        #expect(numbers(story.synced(story.sync("g", id, generation: 3))?.assignment) == [])
        story.live(&a)
        story.live(&a)
        #expect(story.heartbeat("g", id, generation: 3) == .rebalanceInProgress, "what it waited for is free")
        let again = story.joined(story.join("g", id))
        #expect(numbers(story.synced(story.sync("g", id, generation: again?.generationID ?? 0))?.assignment).count == 2)
        #expect(story.leave([(id, nil)]) == [.none])
        story.live(&a)
        #expect(a.owned.count == 4)
    }

    @Test func thePolicyMayForbidIt() {
        var story = Story(cluster: cluster) { $0.migration = .disabled }
        _ = classic(&story)
        var b = FakeMember(id: "b")
        #expect(story.enroll(&b).errorCode == .groupIDNotFound)
    }

    @Test func emptyGroupsChangeOverWithoutMore() {
        var story = Story(cluster: cluster) { $0.migration = .disabled }
        #expect(story.commit(offset: 3) == ErrorCode.none)
        var a = FakeMember(id: "a")
        #expect(story.enroll(&a).errorCode == .none)
        #expect(story.beat("a", epoch: -1).errorCode == .none)
        let (_, token) = story.enter()
        #expect(story.joined(token)?.errorCode == ErrorCode.none && story.coordinator.type(of: "g") == .classic)
        #expect(story.coordinator.committedOffset("g", TopicPartition("t", 0))?.offset == 3)
    }
}
