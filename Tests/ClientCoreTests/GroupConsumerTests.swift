import ClientCore
import Primitives
import Records
import Testing
import Wire

/// Stories of a member of a group: joining, reading, committing, rebalances, losing its place, failovers.
@Suite struct GroupConsumerTests {
    typealias Story = MachineStory<GroupConsumerMachine>

    private func story(_ change: (inout GroupConsumerOptions) -> Void = { _ in }) -> Story {
        var options = GroupConsumerOptions(group: "g", topics: ["log"])
        options.offsetReset = .earliest
        change(&options)
        var story = Story(GroupConsumerMachine(options, codecs: .uncompressed))
        story.start()
        return story
    }

    /// A member of generation 1 that owns both partitions of the topic, led by brokers 1 and 2, and fetches from offset 0.
    private func reading(_ change: (inout GroupConsumerOptions) -> Void = { _ in }) -> Story {
        var story = story(change)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        story.answer(joined(1))
        story.answer(synced([0, 1]))
        story.answer(offsets([0: 0, 1: 0]))
        return story
    }

    private func joined(_ generation: Int32, leader: String = "other", code: ErrorCode = .none) -> JoinGroupResponse {
        var answer = JoinGroupResponse()
        (answer.errorCode, answer.generationID, answer.leader, answer.memberID) = (code, generation, leader, "me")
        answer.protocolName = "range"
        return answer
    }

    private func synced(_ partitions: [Int32], code: ErrorCode = .none) -> SyncGroupResponse {
        var assignment = ConsumerProtocolAssignment()
        var part = ConsumerProtocolAssignment.TopicPartitions()
        (part.topic, part.partitions) = ("log", partitions)
        assignment.assignedPartitions = partitions.isEmpty ? [] : [part]
        var answer = SyncGroupResponse()
        (answer.errorCode, answer.assignment) = (code, assignment.encoded())
        return answer
    }

    private func offsets(_ committed: [Int32: Int64]) -> OffsetFetchResponse {
        var topic = OffsetFetchResponse.Topic()
        topic.name = "log"
        topic.partitions = committed.keys.sorted().map { index in
            var row = OffsetFetchResponse.Partition()
            (row.partitionIndex, row.committedOffset) = (index, committed[index]!)
            return row
        }
        var answer = OffsetFetchResponse()
        answer.topics = [topic]
        return answer
    }

    private func heartbeat(_ code: ErrorCode) -> HeartbeatResponse {
        var answer = HeartbeatResponse()
        answer.errorCode = code
        return answer
    }

    private func committed(_ story: Story, _ code: ErrorCode = .none) -> OffsetCommitResponse {
        var answer = OffsetCommitResponse()
        answer.topics = (story.request(OffsetCommitRequest.self)?.message.topics ?? []).map { asked in
            var topic = OffsetCommitResponse.Topic()
            topic.name = asked.name
            topic.partitions = asked.partitions.map { row in
                var outcome = OffsetCommitResponse.Partition()
                (outcome.partitionIndex, outcome.errorCode) = (row.partitionIndex, code)
                return outcome
            }
            return topic
        }
        return answer
    }

    private func commitOffsets(_ story: Story) -> [Int64]? {
        story.request(OffsetCommitRequest.self)?.message.topics.flatMap { $0.partitions.map(\.committedOffset) }
    }

    /// `count` records of a partition from `base` on.
    private func fetched(_ partition: Int32, _ base: Int64, _ count: Int, epoch: Int32 = 3, code: ErrorCode = .none) -> FetchResponse {
        var row = FetchResponse.Partition()
        (row.partitionIndex, row.errorCode, row.highWatermark) = (partition, code, base + Int64(count))
        if count > 0 {
            var builder = BatchBuilder(codec: .none)
            for index in 0..<count {
                builder.append(timestamp: Timestamp(milliseconds: 1), key: nil, value: Bytes("\(base + Int64(index))"), headers: [])
            }
            let bytes = try! builder.build(.uncompressed)
            bytes.patch(0, base)
            bytes.patch(12, epoch)
            row.records = .bytes(bytes)
        }
        var topic = FetchResponse.Topic()
        (topic.topic, topic.partitions) = ("log", [row])
        var answer = FetchResponse()
        answer.topics = [topic]
        return answer
    }

    private func values(_ story: Story) -> [String] {
        story.outputs.flatMap { output in
            if case .records(_, let records) = output { records.map { $0.value?.string ?? "" } } else { [String]() }
        }
    }

    private let both = [TopicPartition("log", 0), TopicPartition("log", 1)]

    // MARK: Joining

    @Test func memberJoinsAndReadsFromTheGroupsOffsets() throws {
        var story = story()
        #expect(story.sentKeys == [.joinGroup, .metadata])
        story.answer(joined(0, code: .memberIDRequired))
        #expect(story.request(JoinGroupRequest.self)?.message.memberID == "me")
        story.answer(joined(1))
        #expect(story.request(SyncGroupRequest.self)?.message.assignments.isEmpty == true)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        story.answer(synced([0, 1]))
        story.answer(offsets([0: 5, 1: -1]))
        let membership = GroupMembership(memberID: "me", generationID: 1, isLeader: false, assignor: .range)
        #expect(story.outputs == [.joined(membership), .assigned(both), .positioned(both[0], 5, wasReset: false)])
        #expect(story.request(FetchRequest.self)?.target == .broker(1))
        #expect(story.request(ListOffsetsRequest.self)?.target == .broker(2))
    }

    @Test func leaderSharesOut() throws {
        var story = story()
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        var answer = joined(1, leader: "me")
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["log"]
        answer.members = ["me", "you"].map { id in
            var member = JoinGroupResponse.Member()
            (member.memberID, member.metadata) = (id, subscription.encoded())
            return member
        }
        story.answer(answer)
        #expect(story.sentKeys == [.metadata])
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        let sync = try #require(story.request(SyncGroupRequest.self)).message
        let shares = try sync.assignments.map { try ConsumerProtocolAssignment.decode($0.assignment).assignedPartitions.map(\.partitions) }
        #expect(sync.assignments.map(\.memberID) == ["me", "you"])
        #expect(shares == [[[0]], [[1]]])
    }

    @Test func refusalForGoodEndsTheMembership() {
        var story = story()
        story.answer(joined(0, code: .inconsistentGroupProtocol))
        #expect(story.isFinished)
        #expect(story.outputs == [.failed(nil, .kafka(.inconsistentGroupProtocol, message: nil))])
    }

    // MARK: Reading and committing

    @Test func onlyWhatWasTakenIsCommitted() {
        var story = reading()
        story.answer(fetched(0, 0, 3))
        story.answer(fetched(1, 0, 2))
        #expect(values(story) == ["0", "1", "2", "0", "1"])
        story.receive(.taken(delivery: 0))
        story.advance(5_000)
        #expect(commitOffsets(story) == [3])
        story.answer(committed(story))
        #expect(story.outputs.last == .committed(number: nil, [CommittedPosition(both[0], 3, leaderEpoch: 3)]))
        story.receive(.taken(delivery: 1))
        story.receive(.commit(number: 7, nil))
        #expect(commitOffsets(story) == [2])
        story.answer(committed(story))
        #expect(story.outputs.last == .committed(number: 7, [CommittedPosition(both[1], 2, leaderEpoch: 3)]))
    }

    @Test func commitsGoOneByOneAndInOrder() {
        var story = reading { $0.isAutoCommit = false }
        story.receive(.commit(number: 1, [CommittedPosition(both[0], 1)]))
        story.receive(.commit(number: 2, [CommittedPosition(both[0], 2)]))
        #expect(story.sentKeys.filter { $0 == .offsetCommit }.count == 1)
        story.fail(.offsetCommit, .disconnected("reset"))
        story.advance(100)
        #expect(commitOffsets(story) == [1])
        story.answer(committed(story))
        #expect(commitOffsets(story) == [2])
    }

    @Test func commitOfWhatIsNotOwnedIsRefused() {
        var story = reading()
        story.receive(.commit(number: 1, [CommittedPosition(TopicPartition("log", 9), 1)]))
        #expect(story.outputs.last == .commitFailed(number: 1, .kafka(.rebalanceInProgress, message: "a partition is not owned")))
    }

    @Test func nothingIsFetchedWhileTooMuchIsNotTaken() {
        var story = reading { $0.bufferedBytesMax = 1 }
        story.answer(fetched(0, 0, 1))
        story.answer(fetched(1, 0, 0))
        #expect(!story.sentKeys.contains(.fetch))
        story.receive(.taken(delivery: 0))
        #expect(story.sentKeys.filter { $0 == .fetch }.count == 2)
    }

    // MARK: Rebalances

    @Test func eagerMemberGivesUpWhatWasDealtWithAndRejoins() {
        var story = reading()
        story.answer(fetched(0, 0, 3))
        story.advance(3_000)
        story.answer(heartbeat(.rebalanceInProgress))
        // What was handed out is not dealt with yet.
        #expect(story.request(JoinGroupRequest.self) == nil)
        story.receive(.taken(delivery: 0))
        #expect(commitOffsets(story) == [3])
        #expect(story.request(JoinGroupRequest.self) == nil)
        story.answer(committed(story))
        #expect(story.outputs.last == .revoked(both))
        #expect(story.request(JoinGroupRequest.self)?.message.memberID == "me")
        // An answer to what was asked before is dropped.
        story.answer(fetched(1, 0, 1))
        #expect(values(story) == ["0", "1", "2"])
    }

    @Test func memberThatDoesNotTakeIsNotWaitedForForever() {
        var story = reading { $0.rebalanceTimeoutMs = 10_000 }
        story.answer(fetched(0, 0, 3))
        story.advance(3_000)
        story.answer(heartbeat(.rebalanceInProgress))
        story.advance(6_000)
        #expect(story.outputs.last == .revoked(both))
        #expect(story.request(JoinGroupRequest.self) != nil)
    }

    @Test func cooperativeMemberKeepsReadingAndGivesUpOnlyWhatMoves() {
        // A coordinator that chose a protocol which this member did not offer is not followed.
        #expect(reading { $0.assignors = [.cooperativeSticky] }.isFinished)
        var story = story { $0.assignors = [.cooperativeSticky] }
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        var first = joined(1)
        first.protocolName = "cooperative-sticky"
        story.answer(first)
        story.answer(synced([0, 1]))
        story.answer(offsets([0: 0, 1: 0]))
        story.advance(3_000)
        story.answer(heartbeat(.rebalanceInProgress))
        #expect(story.request(JoinGroupRequest.self) != nil)
        story.answer(fetched(0, 0, 1))
        #expect(values(story) == ["0"])
        first.generationID = 2
        story.answer(first)
        story.receive(.taken(delivery: 0))
        story.answer(synced([0]))
        #expect(commitOffsets(story) == [1])
        story.answer(committed(story))
        #expect(story.outputs.last == .revoked([both[1]]))
        // It rejoins, so that the partition can be given to another.
        #expect(story.request(JoinGroupRequest.self) != nil)
        #expect(story.machine.ownedPartitions == [both[0]])
    }

    @Test func memberThatTheGroupForgotLosesItsPartitionsAndJoinsAnew() {
        var story = reading()
        story.advance(3_000)
        story.answer(heartbeat(.unknownMemberID))
        #expect(story.outputs.last == .lost(both))
        #expect(story.request(JoinGroupRequest.self)?.message.memberID == "")
    }

    @Test func commitOfAnOldGenerationLosesThePartitions() {
        var story = reading()
        story.receive(.commit(number: 1, [CommittedPosition(both[0], 1)]))
        story.answer(committed(story, .illegalGeneration))
        #expect(story.outputs.contains(.commitFailed(number: 1, .kafka(.illegalGeneration, message: nil))))
        #expect(story.outputs.last == .lost(both))
    }

    @Test func closingCommitsAndLeaves() {
        var story = reading()
        story.answer(fetched(0, 0, 3))
        story.receive(.taken(delivery: 0))
        story.receive(.close)
        #expect(commitOffsets(story) == [3])
        story.answer(committed(story))
        #expect(story.request(LeaveGroupRequest.self)?.message.members.map(\.memberID) == ["me"])
        story.answer(LeaveGroupResponse())
        #expect(story.isFinished)
    }

    @Test func closingWhileTheGroupGathersLeavesAndMakesNoMember() {
        var story = reading()
        story.advance(3_000)
        story.answer(heartbeat(.rebalanceInProgress))
        #expect(story.request(JoinGroupRequest.self) != nil)
        story.receive(.close)
        #expect(story.request(LeaveGroupRequest.self) != nil)
        story.answer(joined(2))
        #expect(story.request(SyncGroupRequest.self) == nil)
        story.answer(LeaveGroupResponse())
        #expect(story.isFinished)
    }

    @Test func addedPartitionsAreSharedOutAndFewerAreNotBelieved() {
        var story = story()
        let two = SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2])
        story.answer(two)
        var answer = joined(1, leader: "me")
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["log"]
        var member = JoinGroupResponse.Member()
        (member.memberID, member.metadata) = ("me", subscription.encoded())
        answer.members = [member]
        story.answer(answer)
        story.answer(two)
        story.answer(synced([0, 1]))
        story.answer(offsets([0: 0, 1: 0]))
        story.advance(10_000)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1]))
        #expect(story.machine.isStable)
        story.advance(10_000)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2, 1]))
        #expect(story.request(JoinGroupRequest.self) != nil)
    }

    // MARK: Failovers

    private func metadata(_ leaders: [Int32], epoch: Int32) -> MetadataResponse {
        var answer = SessionStory.metadata(brokers: 2, topic: "log", leaders: leaders)
        for index in answer.topics[0].partitions.indices { answer.topics[0].partitions[index].leaderEpoch = epoch }
        return answer
    }

    private func epochEnd(_ epoch: Int32, _ end: Int64) -> OffsetForLeaderEpochResponse {
        var row = OffsetForLeaderEpochResponse.Partition()
        (row.partition, row.leaderEpoch, row.endOffset) = (0, epoch, end)
        var topic = OffsetForLeaderEpochResponse.Topic()
        (topic.topic, topic.partitions) = ("log", [row])
        var answer = OffsetForLeaderEpochResponse()
        answer.topics = [topic]
        return answer
    }

    /// KIP-320: the new leader has less of the old epoch than was read, so reading goes on where the logs part.
    @Test(arguments: [(end: Int64(3), goesOn: Int64(3)), (end: 2, goesOn: 2), (end: 9, goesOn: 3)])
    func newLeaderIsFoundAndAskedWhetherTheLogWasCut(end: Int64, goesOn: Int64) throws {
        var story = story()
        story.answer(metadata([1, 2], epoch: 3))
        story.answer(joined(1))
        story.answer(synced([0]))
        story.answer(offsets([0: 0]))
        #expect(story.request(FetchRequest.self)?.message.topics[0].partitions[0].currentLeaderEpoch == 3)
        story.answer(fetched(0, 0, 3, epoch: 3))
        story.fail(.fetch, .disconnected("reset"))
        story.advance(100)
        story.answer(metadata([2, 2], epoch: 4))
        #expect(story.request(FetchRequest.self) == nil)
        let asked = try #require(story.request(OffsetForLeaderEpochRequest.self))
        #expect(asked.target == .broker(2))
        #expect(asked.message.topics[0].partitions[0].leaderEpoch == 3)
        story.answer(epochEnd(3, end))
        let fetch = try #require(story.request(FetchRequest.self))
        #expect(fetch.message.topics[0].partitions[0].fetchOffset == goesOn)
        #expect(story.outputs.contains(.positioned(both[0], Offset(goesOn), wasReset: true)) == (goesOn < 3))
    }

    /// What was read was written after whatever this broker tells: whom it names is deposed, and may not have it.
    @Test func leaderOfAnOlderEpochThanWhatWasReadIsNotAsked() throws {
        var story = story()
        story.answer(metadata([1, 2], epoch: 3))
        story.answer(joined(1))
        story.answer(synced([0]))
        story.answer(offsets([0: 0]))
        story.answer(fetched(0, 0, 3, epoch: 5))
        story.fail(.fetch, .disconnected("reset"))
        story.advance(100)
        story.answer(metadata([2, 2], epoch: 4))
        #expect(story.request(OffsetForLeaderEpochRequest.self) == nil && story.request(FetchRequest.self)?.target != .broker(2))
        story.advance(1_000)
        story.answer(metadata([2, 2], epoch: 5))
        #expect(story.request(OffsetForLeaderEpochRequest.self)?.target == .broker(2))
    }

    @Test func laggingBrokerIsNotBelieved() {
        var metadata = ClusterMetadata()
        var answer = SessionStory.metadata(brokers: 2, topic: "log", leaders: [2])
        answer.topics[0].partitions[0].leaderEpoch = 4
        metadata.fold(answer, now: story().now)
        answer.topics[0].partitions[0].leaderEpoch = 3
        answer.topics[0].partitions[0].leaderID = 1
        metadata.fold(answer, now: story().now)
        #expect(metadata.leader(both[0]) == 2)
        metadata.distrust("log")
        #expect(metadata.leader(both[0]) == nil)
        metadata.fold(answer, now: story().now)
        #expect(metadata.leader(both[0]) == nil)
        answer.topics[0].partitions[0].leaderEpoch = 5
        metadata.fold(answer, now: story().now)
        #expect(metadata.leader(both[0]) == 1)
    }

    @Test func offsetThatTheLogDoesNotHaveIsReset() {
        var story = reading()
        story.answer(fetched(0, 0, 0, code: .offsetOutOfRange))
        #expect(story.request(ListOffsetsRequest.self)?.target == .broker(1))
        var bound = ListOffsetsResponse()
        var topic = ListOffsetsResponse.Topic()
        var row = ListOffsetsResponse.Partition()
        row.offset = 40
        (topic.name, topic.partitions) = ("log", [row])
        bound.topics = [topic]
        story.answer(bound)
        #expect(story.outputs.last == .positioned(both[0], 40, wasReset: true))
    }

    @Test func deadlinesNeverStandStill() {
        var story = reading()
        for _ in 0..<50 {
            let next = story.machine.nextDeadline
            #expect(next > story.now.instant)
            guard next != .distantFuture else { break }
            story.now.instant = next
            story.perform(story.machine.tick(now: story.now))
            if story.sentKeys.contains(.heartbeat) { story.answer(heartbeat(.none)) }
            if story.sentKeys.contains(.metadata) { story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, -1])) }
        }
    }
}
