import Foundation
import Primitives
import Records
import Testing
import TestSupport
import Wire

@testable import Groups

@Suite struct ShareGroupTests {
    private static let t = FakeCluster([("t", 3), ("u", 2)])

    /// The order in which Kafka 4.3.1 wrote a group's records: member, epoch, target, its epoch, current assignment, state.
    @Test func aGroupBeginsAsInKafka() throws {
        var story = Story.ofShares(Self.t)
        story.holdsShareWork = true
        let first = story.shareBeat("a", epoch: 0, topics: ["t"])
        #expect(first.errorCode == .none && first.memberEpoch == 2 && first.heartbeatIntervalMs == 5000)
        #expect(first.assignment?.topicPartitions.isEmpty == true, "nothing is assigned before its state is made")
        let kinds = try story.log.map { try $0.records.map { Int16(try #require($0.key.array.prefix(2).last)) } }
        #expect(kinds == [[10, 11, 13, 12, 14, 15]])
        guard case .initialize(let starts)? = story.shareWork.first?.work else { return #expect(Bool(false), "state is asked for") }
        #expect(starts.map(\.partition.partition) == [0, 1, 2] && starts.allSatisfy { $0.stateEpoch == 2 && $0.startOffset == -1 })
        story.completeShareWork()
        #expect(story.log.count == 2 && story.log[1].records.count == 1, "initialized, in a record of its own")
        let second = story.shareBeat("a", epoch: 2)
        #expect(second.memberEpoch == 3 && second.assignment?.topicPartitions.first?.partitions == [0, 1, 2])
        let third = story.shareBeat("a", epoch: 3)
        #expect(third.memberEpoch == 3 && third.assignment == nil)
        #expect(story.shareDescription()?.groupState == "Stable" && story.shareDescription()?.assignorName == "simple")
    }

    @Test func whatAHeartbeatIsRefusedWith() {
        var story = Story.ofShares(Self.t) { $0.shareGroupSizeMax = 1 }
        #expect(story.shareBeat("a", epoch: 3).errorMessage == "Share group g not found.")
        #expect(story.shareBeat("a", epoch: -1).errorMessage == "Group g not found.")
        #expect(story.shareBeat("a", epoch: 0).errorMessage == "SubscribedTopicNames must be set in first request.")
        #expect(story.shareBeat("a", epoch: 0, topics: ["t"], rack: "").errorMessage == "RackId can't be empty.")
        #expect(story.shareBeat("a", epoch: -3).errorMessage == "MemberEpoch is invalid.")
        #expect(story.shareBeat("a", epoch: 0, group: "", topics: ["t"]).errorMessage == "GroupId can't be empty.")
        story.shareBeat("a", epoch: 0, topics: ["t"])
        #expect(story.shareBeat("b", epoch: 1).errorCode == .unknownMemberID)
        let full = story.shareBeat("b", epoch: 0, topics: ["t"])
        #expect(full.errorMessage == "The share group has reached its maximum capacity of 1 members.")
        let fenced = story.shareBeat("a", epoch: 9)
        #expect(
            fenced.errorMessage == "The share group member has a greater member epoch (9) than the one known by the group coordinator (2). "
                + "The member must abandon all its partitions and rejoin.")
        #expect(story.shareBeat("a", epoch: 2).memberEpoch == 3)
        let again = story.shareBeat("a", epoch: 2)
        #expect(again.errorCode == .none && again.assignment != nil, "it did not hear the last answer")
        #expect(story.shareBeat("a", epoch: 1).errorCode == .fencedMemberEpoch)
        #expect(story.shareBeat("a", epoch: 0, topics: ["t"]).memberEpoch == 3, "one that begins anew")
    }

    @Test func membersSharePartitionsAndHaveEquallyMany() {
        var story = Story.ofShares(Self.t)
        var members = (0..<5).map { FakeMember(id: "m\($0)") }
        for _ in 0..<3 { for index in members.indices { #expect(story.shareLive(&members[index]) == .none) } }
        #expect(members.map(\.owned.count).sorted() == [1, 1, 1, 1, 2], "three partitions, two readers each, five members")
        var readers: [PartitionID: Int] = [:]
        for partition in members.flatMap(\.owned) { readers[partition, default: 0] += 1 }
        #expect(readers.count == 3 && readers.values.allSatisfy { $0 == 2 })
    }

    @Test func whoHasAPartitionKeepsItWhereThatIsFair() {
        let id = Primitives.UUID(high: 1, low: 1)
        func member(_ name: String, _ current: [Int32]) -> AssignmentTask.Member {
            AssignmentTask.Member(memberID: name, topics: [id], current: current.map { PartitionID(id, $0) })
        }
        func assign(_ members: [AssignmentTask.Member], _ count: Int32) -> [[Int32]] {
            SimpleAssignment.compute(members, [id: Array(0..<count)]).values.map { $0.map(\.partition) }
        }
        #expect(assign([member("a", [0, 1, 2, 3]), member("b", [])], 4) == [[0, 1], [2, 3]])
        #expect(assign([member("a", [1, 3]), member("b", [0, 2]), member("c", [])], 4) == [[1, 3], [0], [2]])
        #expect(assign([member("a", [0]), member("b", [0]), member("c", [0])], 1) == [[0], [0], [0]])
        #expect(assign([member("a", [5])], 2) == [[0, 1]], "what is gone is not kept")
        #expect(assign([member("a", [])], 0) == [[]])
    }

    /// Any subscriptions and any earlier assignment: each partition that somebody reads has a reader, nobody reads what he did not ask for,
    /// and who is content stays so.
    @Test(arguments: seeds(60))
    func eachPartitionHasAReader(_ seed: UInt64) {
        var random = PRNG(seed: seed)
        let topics = (0..<1 + random.below(4)).map { Primitives.UUID(high: 9, low: UInt64($0)) }
        var partitions: [Primitives.UUID: [Int32]] = [:]
        for topic in topics { partitions[topic] = (0..<Int32(random.below(7))).filter { _ in !random.oneIn(5) } }
        var members = (0..<1 + random.below(8)).map { index in
            AssignmentTask.Member(memberID: "m\(index)", topics: topics.filter { _ in !random.oneIn(3) }, current: [])
        }
        for _ in 0..<4 {
            let target = SimpleAssignment.compute(members, partitions)
            for (index, member) in members.enumerated() {
                let own = target[member.memberID] ?? []
                #expect(own == Set(own).sorted() && own.allSatisfy { member.topics.contains($0.topicID) })
                members[index].current = own
            }
            let read = Set(target.values.flatMap { $0 })
            for topic in topics where members.contains(where: { $0.topics.contains(topic) }) {
                for partition in partitions[topic] ?? [] {
                    #expect(read.contains(PartitionID(topic, partition)), "\(partition) of \(topic)")
                }
            }
            #expect(SimpleAssignment.compute(members, partitions) == target, "nothing moves without need")
            if random.oneIn(2) { members.remove(at: random.below(members.count)) }
            if members.isEmpty || random.oneIn(2) {
                members.append(AssignmentTask.Member(memberID: "n\(random.below(1000))", topics: topics, current: []))
                members.sort { $0.memberID < $1.memberID }
            }
        }
    }

    @Test func leavingAndSilenceGiveWhatWasReadToOthers() throws {
        var story = Story.ofShares(Self.t)
        var (a, b, c) = (FakeMember(id: "a"), FakeMember(id: "b"), FakeMember(id: "c"))
        for _ in 0..<3 { story.shareLive(&a); story.shareLive(&b); story.shareLive(&c) }
        #expect(a.owned.count == 1 && b.owned.count == 1 && c.owned.count == 1)
        let before = story.log.count
        #expect(story.shareBeat("c", epoch: -1).memberEpoch == -1)
        let kinds = try story.log[before].records.map { Int16(try #require($0.key.array.prefix(2).last)) }
        #expect(kinds == [14, 13, 10, 11] && story.log[before].records.prefix(3).allSatisfy { $0.value == nil })
        story.shareLive(&a)
        story.shareLive(&b)
        #expect(Set(a.owned + b.owned).count == 3)
        story.pass(milliseconds: 30_000)
        story.shareLive(&a)
        story.pass(milliseconds: 20_000)
        #expect(story.shareGroup()?.members.keys == ["a"], "b was silent for too long")
        story.shareLive(&a)
        #expect(a.owned.count == 3)
        #expect(story.shareBeat("a", epoch: -1).errorCode == .none)
        #expect(story.shareDescription()?.groupState == "Empty" && story.shareGroup()?.metadataHash == 0)
    }

    @Test func partitionsThatComeAreInitializedAndThenRead() {
        var cluster = FakeCluster([("t", 1)])
        var story = Story.ofShares(cluster)
        var a = FakeMember(id: "a")
        story.shareLive(&a, topics: ["t", "later"])
        story.shareLive(&a)
        #expect(a.numbers == [0])
        cluster.put("t", 3)
        cluster.put("later", 2)
        story.see(cluster)
        story.shareLive(&a)
        story.shareLive(&a)
        #expect(a.owned.count == 5 && story.shareWorkDone.count == 2)
        // A topic made anew under its name is another: the old one's state goes, the new one's is made.
        cluster.remove("later")
        story.see(cluster)
        story.take(story.coordinator.topicDeleted("later", now: story.now))
        guard case .delete(let gone)? = story.shareWorkDone.last else { return #expect(Bool(false), "its state is deleted") }
        #expect(gone.count == 2)
        story.shareLive(&a)
        #expect(a.owned.count == 3)
    }

    @Test func aCoordinatorThatCannotBeAskedIsAskedAgain() {
        var story = Story.ofShares(Self.t)
        story.holdsShareWork = true
        var a = FakeMember(id: "a")
        story.shareLive(&a)
        #expect(story.shareWork.count == 1)
        story.shareLive(&a)
        #expect(story.shareWork.count == 1, "it is on its way")
        story.completeShareWork(.coordinatorNotAvailable)
        story.shareLive(&a)
        #expect(story.shareWork.count == 1, "again, with the next heartbeat")
        story.pass(milliseconds: 31_000)
        story.shareLive(&a)
        #expect(story.shareWork.count == 2, "nobody answered")
        story.completeShareWork()
        story.shareLive(&a)
        #expect(a.owned.count == 3)
    }

    @Test func groupsOfOtherProtocolsStandInTheWay() {
        var story = Story.ofShares(Self.t)
        #expect(story.commit("c", offset: 5) == ErrorCode.none)
        #expect(story.shareBeat("a", epoch: 0, group: "c", topics: ["t"]).errorMessage == "Group c is not a share group.")
        #expect(story.alterShareOffsets([("t", 0, 1)], group: "c")?.errorMessage == "Group c is not a share group.")
        story.shareBeat("a", epoch: 0, topics: ["t"])
        #expect(story.beat("m", epoch: 0, topics: ["t"], owned: [], rebalance: 1000).errorMessage == "Group g is not a consumer group.")
        let join = story.join("g")
        #expect(story.joined(join)?.errorCode == .inconsistentGroupProtocol)
        #expect(story.heartbeat("g", "a", generation: 1) == .unknownMemberID)
        #expect(story.commit("g", offset: 5) == .groupIDNotFound)
        #expect(story.coordinator.type(of: "g") == .share)
        let listing = story.coordinator.list(types: ["share"])
        #expect(listing.map(\.groupID) == ["g"] && listing.map(\.protocolType) == ["share"] && listing.map(\.state) == ["Stable"])
    }

    @Test func offsetsOfAGroupWithoutMembersCanBeSetAndForgotten() {
        var story = Story.ofShares(Self.t)
        let made = story.alterShareOffsets([("t", 0, 7), ("t", 9, 1), ("none", 0, 1)])
        #expect(made?.responses.map { $0.partitions[0].errorCode } == [ErrorCode.none, .unknownTopicOrPartition, .unknownTopicOrPartition])
        #expect(story.shareDescription()?.groupState == "Empty", "the group is made")
        guard case .initialize(let starts)? = story.shareWorkDone.last else { return #expect(Bool(false), "state is asked for") }
        #expect(starts.map(\.startOffset) == [7] && starts.map(\.stateEpoch) == [1])
        _ = story.alterShareOffsets([("t", 0, 0)])
        guard case .initialize(let again)? = story.shareWorkDone.last else { return #expect(Bool(false), "state is asked for") }
        #expect(again.map(\.stateEpoch) == [2], "in a new epoch, which fences who holds the old state")
        #expect(story.coordinator.sharePartitions("g").map(\.partition.partition) == [0])
        let gone = story.deleteShareOffsets(["t", "u", "none"])
        #expect(gone?.responses.map(\.errorCode) == [ErrorCode.none, .unknownTopicOrPartition, .unknownTopicOrPartition])
        #expect(gone?.responses[1].errorMessage == "There is no offset information to delete.")
        #expect(story.coordinator.sharePartitions("g").isEmpty)
        #expect(story.deleteShareOffsets(["t"], group: "nobody")?.errorMessage == "Group nobody not found.")
        story.shareBeat("a", epoch: 0, topics: ["t"])
        #expect(story.alterShareOffsets([("t", 0, 0)])?.errorCode == .nonEmptyGroup)
        #expect(story.deleteShareOffsets(["t"])?.errorMessage == "The group is not empty.")
    }

    @Test func aGroupIsDeletedWithItsState() {
        var story = Story.ofShares(Self.t)
        story.shareBeat("a", epoch: 0, topics: ["t"])
        let early = story.deleteGroupToken()
        #expect(story.deleted(early) == .nonEmptyGroup)
        story.shareBeat("a", epoch: -1)
        story.holdsShareWork = true
        let refused = story.deleteGroupToken()
        #expect(story.deleted(refused) == nil, "what share coordinators hold goes first")
        #expect(story.shareBeat("b", epoch: 0, topics: ["t"]).errorCode == .coordinatorNotAvailable)
        story.completeShareWork(.coordinatorNotAvailable)
        #expect(story.deleted(refused) == .coordinatorNotAvailable)
        let token = story.deleteGroupToken()
        story.completeShareWork()
        #expect(story.deleted(token) == ErrorCode.none)
        #expect(story.coordinator.type(of: "g") == nil)
        #expect(story.log.last?.records.last?.value == nil)
        #expect(story.commit("g", offset: 1) == ErrorCode.none, "the name is free for any protocol")
    }

    @Test func aSuccessorKnowsTheGroup() throws {
        var story = Story.ofShares(Self.t)
        var (a, b) = (FakeMember(id: "a"), FakeMember(id: "b"))
        for _ in 0..<3 { story.shareLive(&a, topics: ["t", "u"]); story.shareLive(&b) }
        var next = try successor(of: story, Self.t)
        #expect(next.shareDescription() == story.shareDescription())
        #expect(next.shareGroup()?.state.initialized == story.shareGroup()?.state.initialized)
        #expect(next.shareLive(&a) == .none && next.shareLive(&b) == .none)
        next.pass(milliseconds: 45_000)
        #expect(next.shareGroup()?.members.isEmpty == true, "sessions began with the load")
        let token = next.deleteGroupToken()
        #expect(next.deleted(token) == ErrorCode.none)
        next.keepLog(of: story)
        #expect(try successor(of: next, Self.t).coordinator.type(of: "g") == nil)
    }

    /// Records that could not be written are written with the next change; who waits hears of it, and no share coordinator is asked.
    @Test func whatTheLogDidNotTakeIsWrittenLater() throws {
        var story = Story.ofShares(Self.t)
        story.holdsAppends = true
        var request = ShareGroupHeartbeatRequest()
        (request.groupID, request.memberID, request.subscribedTopicNames) = ("g", "a", ["t"])
        let token = story.send(.shareHeartbeat(request), version: 1)
        story.completeAppends(.notEnoughReplicas)
        guard case .shareHeartbeat(let failed)? = story.answers[token] else { return #expect(Bool(false), "answered") }
        #expect(failed.errorCode == .coordinatorNotAvailable && story.shareWorkDone.isEmpty)
        story.holdsAppends = false
        story.shareBeat("a", epoch: 0, topics: ["t"])
        #expect(story.shareWorkDone.count == 1)
        story.shareBeat("a", epoch: story.shareGroup()?.members["a"]?.memberEpoch ?? 0)
        let next = try successor(of: story, Self.t)
        #expect(next.shareDescription() == story.shareDescription())
    }

    @Test func aCoordinatorThatIsDeposedLeavesNobodyWaiting() {
        var story = Story.ofShares(Self.t)
        _ = story.alterShareOffsets([("t", 0, 7)])
        story.holdsShareWork = true
        var request = AlterShareGroupOffsetsRequest()
        request.groupID = "g"
        request.topics = [AlterShareGroupOffsetsRequest.Topic()]
        request.topics[0].topicName = "t"
        request.topics[0].partitions = [AlterShareGroupOffsetsRequest.Partition()]
        let token = story.send(.alterShareOffsets(request), version: 0)
        #expect(story.answers[token] == nil)
        story.take(story.coordinator.unload(0, now: story.now))
        guard case .alterShareOffsets(let response)? = story.answers[token] else { return #expect(Bool(false), "answered") }
        #expect(response.errorCode == .notCoordinator)
    }

    @Test func aGroupsOwnSettingsHold() {
        var cluster = Self.t
        cluster.settings["g share.session.timeout.ms"] = "50000"
        cluster.settings["g share.heartbeat.interval.ms"] = "6000"
        var story = Story.ofShares(cluster)
        #expect(story.shareBeat("a", epoch: 0, topics: ["t"]).heartbeatIntervalMs == 6000)
        story.pass(milliseconds: 49_000)
        #expect(story.shareGroup()?.members.count == 1)
        story.pass(milliseconds: 2_000)
        #expect(story.shareGroup()?.members.isEmpty == true)
    }

    /// The partition of `__consumer_offsets` in which Apache Kafka 4.3.1 had a share group: read, and each record that is not a tombstone
    /// is, written again by us, the same bytes. So are the records that it wrote in between, as the group was then.
    @Test func whatKafkaWroteIsReadAndWrittenTheSame() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/groups/offsets-43.log")
        let bytes = Bytes(Array(try Data(contentsOf: file)))
        var group = ShareGroup("g-share")
        var checked = 0
        for batch in try BatchWalk.all(in: bytes) where !batch.header.isControl {
            for record in try batch.records(Codecs.uncompressed) {
                guard let key = record.key, let parsed = try? GroupRecordKey.decode(key), parsed.shareGroupID == "g-share" else { continue }
                group.restore(parsed, record.value)
                // A member's tombstones come before that of what it is.
                guard record.value != nil else { continue }
                let written = try #require(group.record(under: key))
                #expect(written.key == key && written.value == record.value, "\(parsed)")
                checked += 1
            }
        }
        #expect(checked == 12)
        #expect(group.groupEpoch == 4 && group.members.isEmpty && group.state.allInitialized.count == 1)
    }
}
