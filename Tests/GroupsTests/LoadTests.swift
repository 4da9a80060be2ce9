import Foundation
import Groups
import Primitives
import Records
import Testing
import Wire

/// Taking over a partition, and giving it up.
@Suite struct LoadTests {
    /// Another coordinator that has read the story's log.
    private func reloaded(_ story: Story, _ config: GroupConfig = Story.config) throws -> Story {
        var next = Story(config, partitionCount: 1)
        next.now = story.now
        _ = next.coordinator.unload(0, now: next.now)
        next.coordinator.beginLoad(0)
        for entry in story.log {
            var batch = BatchBuilder()
            for record in entry.records { batch.append(timestamp: story.now.wall, key: record.key, value: record.value) }
            try next.coordinator.load(0, batches: batch.buildUncompressed(), codecs: Codecs.uncompressed)
        }
        next.take(next.coordinator.finishLoad(0, now: next.now).effects)
        return next
    }

    @Test func aStableGroupLivesOnInItsGeneration() throws {
        var story = Story(partitionCount: 1)
        let (ids, generation) = story.stableGroup(of: ["a", "b"])
        _ = story.commit("g", ids[0], generation: generation, offset: 7, metadata: "m")
        var next = try reloaded(story)
        #expect(next.coordinator.describe("g") == story.coordinator.describe("g"))
        let place = TopicPartition("t", 0)
        #expect(next.coordinator.committedOffset("g", place) == story.coordinator.committedOffset("g", place))
        #expect(next.heartbeat("g", ids[1], generation: generation) == .none)
        #expect(next.synced(next.sync("g", ids[1], generation: generation))?.assignment == Bytes("to \(ids[1])"))
        #expect(next.commit("g", ids[0], generation: generation, offset: 8) == ErrorCode.none)
        #expect(next.joined(next.join("g", ids[1]))?.leader == ids[0], "the same leader, and no rebalance")
        #expect(next.state() == .stable)
    }

    @Test func membersGetAFreshSession() throws {
        var story = Story(partitionCount: 1)
        let (id, _) = story.stableGroup(session: 10_000)
        story.pass(milliseconds: 9_000)
        var next = try reloaded(story)
        next.pass(milliseconds: 9_999)
        #expect(next.members() == [id])
        next.pass(milliseconds: 1)
        #expect(next.members() == [])
        #expect(next.events.first?.reason == .sessionExpired)
    }

    @Test func emptyAndDeletedGroupsAreAsTheyWere() throws {
        var story = Story(partitionCount: 1)
        let (id, _) = story.stableGroup()
        _ = story.leave([(id, nil)])
        _ = story.commit("gone", offset: 1)
        var request = DeleteGroupsRequest()
        request.groupsNames = ["gone"]
        _ = story.send(.deleteGroups(request), version: 2)
        let next = try reloaded(story)
        #expect(next.coordinator.list().map(\.groupID) == ["g"])
        #expect(next.state() == .empty)
        #expect(next.coordinator.describe("g") == story.coordinator.describe("g"))
        #expect(next.coordinator.committedOffsets("gone").isEmpty)
    }

    @Test func aStaticMemberIsKnownAfterALoad() throws {
        var story = Story(partitionCount: 1)
        let id = story.joined(story.join(instance: "i"))?.memberID ?? ""
        _ = story.sync("g", id, generation: 1, instance: "i", assignments: [(id, "all")])
        var next = try reloaded(story)
        #expect(next.heartbeat("g", "other", generation: 1, instance: "i") == .fencedInstanceID)
        let token = next.join(instance: "i")
        #expect(next.joined(token)?.generationID == 1)
        #expect(next.joined(token)?.skipAssignment == true)
    }

    @Test func theRetentionOfAnEmptyGroupGoesOn() throws {
        var story = Story(partitionCount: 1)
        let (id, generation) = story.stableGroup()
        _ = story.commit("g", id, generation: generation, offset: 1)
        _ = story.leave([(id, nil)])
        story.pass(milliseconds: 6 * 86_400_000)
        var next = try reloaded(story)
        #expect(next.offset() == 1)
        next.pass(milliseconds: 86_400_000 + 600_000)
        #expect(next.offset() == nil)
    }

    @Test func aGroupOverALoweredLimitRebalances() throws {
        var story = Story(partitionCount: 1)
        let (ids, _) = story.stableGroup(of: ["a", "b", "c"])
        var config = Story.config
        config.groupSizeMax = 2
        var next = try reloaded(story, config)
        #expect(next.state() == .preparingRebalance)
        #expect(next.events.first?.reason == .groupFull)
        let tokens = ids.map { next.join("g", $0) }
        #expect(next.joined(tokens[2])?.errorCode == .groupMaxSizeReached)
        #expect(next.joined(tokens[0])?.members.count == 2)
    }

    @Test func whileLoadingAllIsRefusedForAWhile() {
        var story = Story(partitionCount: 1)
        _ = story.commit(offset: 1)
        _ = story.coordinator.unload(0, now: story.now)
        #expect(story.joined(story.join())?.errorCode == .notCoordinator)
        #expect(story.commit(offset: 1) == .notCoordinator)
        #expect(story.heartbeat("g", "m", generation: 1) == .notCoordinator)
        story.coordinator.beginLoad(0)
        #expect(story.joined(story.join())?.errorCode == .coordinatorLoadInProgress)
        #expect(story.commit(offset: 1) == .coordinatorLoadInProgress)
        #expect(story.leave([("m", nil)]) == [.coordinatorLoadInProgress])
        #expect(story.synced(story.sync("g", "m", generation: 1))?.errorCode == .coordinatorLoadInProgress)
        #expect(story.coordinator.unavailability(of: "g") == .coordinatorLoadInProgress)
        #expect(story.coordinator.isLoading)
    }

    @Test func unloadingAnswersAllThatWaits() {
        var story = Story(partitionCount: 1)
        let (ids, _) = story.stableGroup(of: ["a", "b"])
        let parkedJoin = story.join("g", ids[0])
        let (other, token) = story.enter("h")
        story.holdsAppends = true
        let parkedSync = story.sync("h", other, generation: story.joined(token)?.generationID ?? 0)
        let parkedCommit = story.send(.commit(story.commitRequest("s", "", generation: -1, offset: 1)), version: 8)
        var request = DeleteGroupsRequest()
        request.groupsNames = ["e"]
        story.holdsAppends = false
        _ = story.commit("e", offset: 1)
        story.holdsAppends = true
        let parkedDelete = story.send(.deleteGroups(request), version: 2)
        story.take(story.coordinator.unload(0, now: story.now))
        #expect(story.joined(parkedJoin)?.errorCode == .notCoordinator)
        #expect(story.synced(parkedSync)?.errorCode != nil)
        #expect(story.committed(parkedCommit) != nil)
        #expect(story.answer(parkedDelete) != nil)
        #expect(story.coordinator.list().isEmpty)
        // The log's word comes late, and changes nothing.
        story.completeAppends()
        #expect(story.coordinator.list().isEmpty)
    }

    // MARK: what Kafka wrote

    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/groups")

    private func kafkas() throws -> (story: Story, summary: GroupCoordinator.LoadSummary) {
        var story = Story()
        var total = GroupCoordinator.LoadSummary()
        for partition: Int32 in [6, 14, 15, 19, 24, 30, 34, 37, 42, 43, 45, 46, 49] {
            let bytes = Bytes([UInt8](try Data(contentsOf: LoadTests.fixtures.appendingPathComponent("offsets-\(partition).log"))))
            _ = story.coordinator.unload(partition, now: story.now)
            story.coordinator.beginLoad(partition)
            try story.coordinator.load(partition, batches: bytes, codecs: Codecs.uncompressed)
            let (summary, effects) = story.coordinator.finishLoad(partition, now: story.now)
            total.groups += summary.groups
            total.offsets += summary.offsets
            total.skipped += summary.skipped
            story.take(effects)
        }
        return (story, total)
    }

    @Test func kafkasOwnOffsetsAreReadAsItsDumpShowsThem() throws {
        let (story, summary) = try kafkas()
        #expect(summary.offsets == 13)
        #expect(summary.skipped == 0, "all that Kafka writes is understood")
        let single = [
            "g-848": 48, "g-848-alive": 50, "g-848-regex": 48, "g-848-static": 48, "g-alive": 50, "g-coop": 48, "g-java": 50, "g-range": 48,
            "g-static": 48,
        ]
        for (group, offset) in single { #expect(story.offset(group, "codecs") == Int64(offset), "\(group)") }
        #expect(story.coordinator.committedOffset("g-coop", TopicPartition("codecs", 0))?.leaderEpoch == 0)
        for partition: Int32 in 0..<3 {
            let committed = story.coordinator.committedOffset("g-man", TopicPartition("multi", partition))
            #expect(committed?.offset == Offset(Int64(partition) + 1))
            #expect(committed?.metadata == "meta \(partition)\0")
        }
        #expect(story.coordinator.committedOffsets("g-deleted").isEmpty)
        #expect(story.coordinator.describe("g-deleted") == nil)
    }

    @Test func transactionalCommitsCountWithTheirMarker() throws {
        let (story, _) = try kafkas()
        let committed = story.coordinator.committedOffset("g-txn", TopicPartition("codecs", 0))
        #expect(committed?.offset == 7, "the second, to 9, was aborted")
        #expect(committed?.metadata == "m\0")
        #expect(!story.coordinator.hasUnstableOffset("g-txn", TopicPartition("codecs", 0)))
    }

    @Test func anOpenTransactionHoldsItsOffsetsBack() throws {
        var story = Story(partitionCount: 1)
        _ = story.coordinator.unload(0, now: story.now)
        story.coordinator.beginLoad(0)
        var source = Story(partitionCount: 1)
        _ = source.commit(offset: 5)
        var batch = BatchBuilder(producerID: 9, producerEpoch: 0, baseSequence: 0, isTransactional: true)
        for record in source.log[0].records { batch.append(timestamp: 0, key: record.key, value: record.value) }
        try story.coordinator.load(0, batches: batch.buildUncompressed(), codecs: Codecs.uncompressed)
        _ = story.coordinator.finishLoad(0, now: story.now)
        #expect(story.offset() == nil)
        #expect(story.coordinator.hasUnstableOffset("g", TopicPartition("t", 0)))
        #expect(story.state() == .empty, "the group is kept for it")
    }

    @Test func kafkasLiveGroupsLiveOn() throws {
        var (story, _) = try kafkas()
        #expect(story.state("g-alive") == .stable)
        let member = story.coordinator.describe("g-alive")?.members.first
        #expect(member?.clientID == "rdkafka" && member?.clientHost == "/127.0.0.1")
        #expect(story.coordinator.describe("g-alive")?.protocolName == "range")
        #expect(story.heartbeat("g-alive", member?.memberID ?? "", generation: 1) == .none)
        #expect(story.coordinator.describe("g-static")?.members.first?.groupInstanceID == "inst-1")
        #expect(story.coordinator.describe("g-coop")?.generationID == 2)
        #expect(story.state("g-coop") == .empty)
        story.pass(milliseconds: 45_000)
        #expect(story.state("g-alive") == .empty)
    }

    @Test func aRecordThatCannotBeReadIsPassedOver() throws {
        var story = Story(partitionCount: 1)
        _ = story.coordinator.unload(0, now: story.now)
        story.coordinator.beginLoad(0)
        var batch = BatchBuilder()
        batch.append(timestamp: 0, key: nil, value: nil)
        batch.append(timestamp: 0, key: Bytes([0]), value: nil)
        batch.append(timestamp: 0, key: Bytes([0, 1, 0]), value: Bytes([1]))
        batch.append(timestamp: 0, key: Bytes([0, 99]), value: nil)
        batch.append(timestamp: 0, key: Bytes([0, 2, 0, 1, 0x67]), value: Bytes([0, 77]))
        batch.append(timestamp: 0, key: Bytes([0, 2, 0, 1, 0x67]), value: Bytes([]))
        try story.coordinator.load(0, batches: batch.buildUncompressed(), codecs: Codecs.uncompressed)
        let (summary, _) = story.coordinator.finishLoad(0, now: story.now)
        #expect(summary.skipped == 6)
        #expect(summary.groups == 0)
    }

    /// Records damaged at random are passed over or taken as they are; what they make of a group cannot stop the coordinator.
    @Test(arguments: [14, 34, 45, 49] as [Int32])
    func damagedRecordsDoNotStopUs(partition: Int32) throws {
        let original = [UInt8](try Data(contentsOf: LoadTests.fixtures.appendingPathComponent("offsets-\(partition).log")))
        var random = PRNG(seed: UInt64(partition))
        for _ in 0..<300 {
            var bytes = original
            for _ in 0..<(1 + random.below(4)) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            var story = Story()
            _ = story.coordinator.unload(partition, now: story.now)
            story.coordinator.beginLoad(partition)
            try? story.coordinator.load(partition, batches: Bytes(bytes), codecs: .uncompressed)
            story.take(story.coordinator.finishLoad(partition, now: story.now).effects)
            for group in story.coordinator.list().map(\.groupID) {
                _ = story.join(group, version: 3)
                _ = story.commit(group, offset: 1)
            }
            story.pass(milliseconds: 1_000_000)
        }
    }
}
