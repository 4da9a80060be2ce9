import Controller
import Groups
import Primitives
import Storage
import Testing
import Wire

@testable import Broker

/// The group APIs through a whole broker: the offsets topic, its log, restarts, and the answers' shapes by version.
@Suite struct GroupStoryTests {
    /// A broker with the topic "orders" and the offsets topic.
    private func makeStory(_ settings: [(String, String)] = [], disk: MemoryDisk = MemoryDisk()) throws -> BrokerStory {
        let story = try BrokerStory(settings, disk: disk)
        try story.makeTopic("orders")
        _ = try find(story, "g", version: 0)
        return story
    }

    private func find(_ story: BrokerStory, _ key: String, type: Int8 = 0, version: Int16) throws -> FindCoordinatorResponse {
        var request = FindCoordinatorRequest()
        request.key = key
        request.keyType = type
        request.coordinatorKeys = [key]
        return try #require(try story.ask(request, version: version))
    }

    private func joinRequest(_ group: String, _ member: String = "", instance: String? = nil) -> JoinGroupRequest {
        var request = JoinGroupRequest()
        request.groupID = group
        request.memberID = member
        request.groupInstanceID = instance
        request.sessionTimeoutMs = 10_000
        request.rebalanceTimeoutMs = 60_000
        request.protocolType = "consumer"
        var entry = JoinGroupRequest.GroupProtocol()
        entry.name = "range"
        entry.metadata = Bytes([0, 0, 0, 0, 0, 1, 0, 6] + Array("orders".utf8) + [255, 255, 255, 255])
        request.protocols = [entry]
        return request
    }

    private func syncRequest(_ group: String, _ member: String, _ generation: Int32, _ assignment: String) -> SyncGroupRequest {
        var entry = SyncGroupRequest.Assignment()
        entry.memberID = member
        entry.assignment = Bytes(assignment)
        var request = SyncGroupRequest()
        request.groupID = group
        request.memberID = member
        request.generationID = generation
        request.assignments = [entry]
        return request
    }

    /// A stable group of one; its member's id.
    private func join(_ story: BrokerStory, _ group: String) throws -> String {
        let joined = try #require(try story.ask(joinRequest(group), version: 3))
        #expect(joined.errorCode == .none && joined.generationID == 1)
        let synced = try #require(try story.ask(syncRequest(group, joined.memberID, 1, "all"), version: 3))
        #expect(synced.assignment == Bytes("all"))
        return joined.memberID
    }

    private func commitRequest(
        _ group: String, _ member: String = "", _ generation: Int32 = -1, offset: Int64, partition: Int32 = 0, metadata: String = ""
    ) -> OffsetCommitRequest {
        var part = OffsetCommitRequest.Partition()
        part.partitionIndex = partition
        part.committedOffset = offset
        part.committedMetadata = metadata
        var topic = OffsetCommitRequest.Topic()
        topic.name = "orders"
        topic.partitions = [part]
        var request = OffsetCommitRequest()
        request.groupID = group
        request.memberID = member
        request.generationIDOrMemberEpoch = generation
        request.topics = [topic]
        return request
    }

    private func commit(
        _ story: BrokerStory, _ group: String, _ member: String = "", _ generation: Int32 = -1, offset: Int64, partition: Int32 = 0
    ) throws -> ErrorCode? {
        let request = commitRequest(group, member, generation, offset: offset, partition: partition)
        return try story.ask(request, version: 8)?.topics[0].partitions[0].errorCode
    }

    private func fetch(_ story: BrokerStory, _ group: String) throws -> OffsetFetchResponse.Group {
        var topic = OffsetFetchRequest.GroupTopic()
        topic.name = "orders"
        topic.partitionIndexes = [0]
        var entry = OffsetFetchRequest.Group()
        entry.groupID = group
        entry.topics = [topic]
        var request = OffsetFetchRequest()
        request.groups = [entry]
        return try #require(try story.ask(request, version: 8)?.groups.first)
    }

    private func offset(_ story: BrokerStory, _ group: String) throws -> Int64? {
        try fetch(story, group).topics.first?.partitions.first?.committedOffset
    }

    // MARK: finding the coordinator

    @Test func theFirstQuestionForACoordinatorMakesTheOffsetsTopic() throws {
        let story = try BrokerStory()
        #expect(try find(story, "g", version: 0).errorCode == .coordinatorNotAvailable)
        #expect(story.events.contains(.topicCreated(topic: "__consumer_offsets", partitions: 50, replicationFactor: 1)))
        let found = try find(story, "g", version: 3)
        #expect(found.errorCode == .none && found.errorMessage == "NONE")
        #expect(found.nodeID == 1 && found.host == "localhost" && found.port == 9092)
        let batch = try find(story, "g", version: 4)
        #expect(batch.coordinators.map(\.key) == ["g"])
        #expect(batch.coordinators[0].nodeID == 1 && batch.coordinators[0].errorMessage == "")
    }

    @Test func otherTypesHaveNoCoordinatorHere() throws {
        let story = try makeStory()
        for type: Int8 in [2, 9] {
            let found = try find(story, "x", type: type, version: 6)
            #expect(found.coordinators[0].errorCode == .invalidRequest && found.coordinators[0].nodeID == -1)
        }
        #expect(try find(story, "x", type: 9, version: 3).port == -1)
    }

    // MARK: a group's life

    @Test func aGroupAndItsOffsetsSurviveARestart() throws {
        let story = try makeStory()
        let member = try join(story, "g")
        #expect(try commit(story, "g", member, 1, offset: 7) == ErrorCode.none)
        #expect(try commit(story, "simple", offset: 3) == ErrorCode.none)
        let steps: [RebalanceEvent.Step] = story.events.compactMap { if case .rebalance(let event) = $0 { event.step } else { nil } }
        #expect(steps == [.memberJoined, .started, .completed, .assigned])

        for clean in [true, false] {
            let disk = story.disk.copy()
            if clean { story.stop() }
            let again = try BrokerStory(disk: clean ? story.disk : disk)
            #expect(try offset(again, "g") == 7)
            #expect(try offset(again, "simple") == 3)
            var heartbeat = HeartbeatRequest()
            heartbeat.groupID = "g"
            heartbeat.memberID = member
            heartbeat.generationID = 1
            #expect(try again.ask(heartbeat, version: 3)?.errorCode == ErrorCode.none)
            var describe = DescribeGroupsRequest()
            describe.groups = ["g"]
            let group = try #require(try again.ask(describe, version: 5)?.groups.first)
            #expect(group.groupState == "Stable" && group.protocolData == "range")
            #expect(group.members.first?.clientHost == "/10.0.0.1" && group.members.first?.clientID == "story")
            #expect(again.lines.contains { $0.hasPrefix("loaded __consumer_offsets-") })
        }
    }

    @Test func aSecondMemberIsAnsweredWhenTheFirstRejoins() throws {
        let story = try makeStory()
        let first = try join(story, "g")
        #expect(try story.ask(joinRequest("g"), version: 3, on: 2) == nil)
        let again = try #require(try story.ask(joinRequest("g", first), version: 3))
        #expect(again.generationID == 2 && again.members.count == 2)
        #expect(try story.answer(to: JoinGroupRequest.self, version: 3, on: 2)?.generationID == 2)
    }

    @Test func aClosedConnectionGetsNoAnswerAndTheGroupGoesOn() throws {
        let story = try makeStory()
        let first = try join(story, "g")
        _ = try story.ask(joinRequest("g"), version: 3, on: 2)
        story.handle(.connectionClosed(ConnectionID(rawValue: 2)))
        #expect(try story.ask(joinRequest("g", first), version: 3)?.generationID == 2)
        #expect(story.rawAnswer(on: 2) == nil)
    }

    @Test func sessionsEndByTheBrokersClock() throws {
        let story = try makeStory()
        _ = try join(story, "g")
        story.advance(milliseconds: 9_999)
        story.advance(milliseconds: 1)
        var list = ListGroupsRequest()
        list.statesFilter = ["empty"]
        #expect(try story.ask(list, version: 5)?.groups.map(\.groupID) == ["g"])
        list.statesFilter = ["Stable"]
        #expect(try story.ask(list, version: 5)?.groups.isEmpty == true)
        list.statesFilter = []
        list.typesFilter = ["Classic"]
        let group = try #require(try story.ask(list, version: 5)?.groups.first)
        #expect(group.groupState == "Empty" && group.groupType == "classic" && group.protocolType == "consumer")
    }

    @Test func deletedTopicsTakeTheirOffsetsWithThem() throws {
        let story = try makeStory()
        #expect(try commit(story, "simple", offset: 3) == ErrorCode.none)
        var request = DeleteTopicsRequest()
        request.topicNames = ["orders"]
        request.timeoutMs = 1000
        _ = try story.ask(request, version: 5)
        #expect(try offset(story, "simple") == -1)
        #expect(try commit(story, "simple", offset: 3) == .unknownTopicOrPartition)
    }

    // MARK: trouble

    @Test func aFullDiskRefusesCommitsForAWhile() throws {
        let story = try makeStory()
        #expect(try commit(story, "g", offset: 1) == ErrorCode.none)
        story.disk.capacity = story.disk.used
        #expect(try commit(story, "g", offset: 2) == .notCoordinator)
        #expect(try offset(story, "g") == 1)
        story.disk.capacity = .max
        #expect(try commit(story, "g", offset: 3) == ErrorCode.none)
        #expect(try offset(story, "g") == 3)
    }

    @Test func aLargePartitionIsLoadedInSlices() throws {
        let story = try makeStory()
        let filler = String(repeating: "x", count: 4000)
        for index in 0..<600 {
            let answer = try story.ask(commitRequest("g", offset: Int64(index), metadata: filler), version: 8)
            #expect(answer?.topics[0].partitions[0].errorCode == ErrorCode.none)
        }
        story.stop()
        let again = try BrokerStory(disk: story.disk)
        #expect(try fetch(again, "g").errorCode == .coordinatorLoadInProgress)
        #expect(try again.ask(ListGroupsRequest(), version: 4)?.errorCode == .coordinatorLoadInProgress)
        #expect(try again.ask(joinRequest("g"), version: 3)?.errorCode == .coordinatorLoadInProgress)
        for _ in 0..<10 { again.advance(milliseconds: 0) }
        #expect(try offset(again, "g") == 599)
    }

    @Test func withoutTheTopicNobodyIsTheCoordinator() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        #expect(try commit(story, "g", offset: 1) == .notCoordinator)
        #expect(try fetch(story, "g").errorCode == .notCoordinator)
        var describe = DescribeGroupsRequest()
        describe.groups = ["g"]
        let group = try #require(try story.ask(describe, version: 5)?.groups.first)
        #expect(group.errorCode == .notCoordinator && group.groupState == "")
        #expect(try story.ask(ListGroupsRequest(), version: 4)?.groups.isEmpty == true)
    }

    @Test func aTopicOfOtherPartitionsDecidesWhereGroupsLive() throws {
        let story = try BrokerStory([("offsets.topic.num.partitions", "3")])
        try story.makeTopic("orders")
        _ = try find(story, "g", version: 0)
        #expect(try commit(story, "g", offset: 1) == ErrorCode.none)
        story.stop()
        let again = try BrokerStory(disk: story.disk)
        #expect(try offset(again, "g") == 1)
    }

    // MARK: OffsetFetch by version

    @Test func offsetFetchInAllItsShapes() throws {
        let story = try makeStory()
        _ = try story.ask(commitRequest("g", offset: 5, metadata: "m"), version: 8)
        var topic = OffsetFetchRequest.Topic()
        topic.name = "orders"
        topic.partitionIndexes = [0, 7]
        var request = OffsetFetchRequest()
        request.groupID = "g"
        request.topics = [topic]
        for version: Int16 in 1...7 {
            let answer = try #require(try story.ask(request, version: version))
            #expect(answer.errorCode == .none)
            #expect(answer.topics[0].partitions.map(\.committedOffset) == [5, -1])
            #expect(answer.topics[0].partitions.map(\.metadata) == ["m", ""])
            #expect(answer.topics[0].partitions.map(\.errorCode) == [.none, .none])
        }
        request.topics = nil
        for version: Int16 in 2...7 {
            let answer = try #require(try story.ask(request, version: version))
            #expect(answer.topics.map(\.name) == ["orders"] && answer.topics[0].partitions.map(\.partitionIndex) == [0])
        }
        var known = OffsetFetchRequest.Group()
        known.groupID = "g"
        var unknown = known
        unknown.groupID = "nobody"
        request = OffsetFetchRequest()
        request.groups = [known, unknown]
        for version: Int16 in 8...9 {
            let answer = try #require(try story.ask(request, version: version))
            #expect(answer.groups.map(\.errorCode) == [.none, .none])
            #expect(answer.groups[0].topics[0].partitions[0].committedOffset == 5)
            #expect(answer.groups[1].topics.isEmpty)
        }
    }

    @Test func anErrorOfTheGroupStandsWhereTheVersionHasRoomForIt() throws {
        let story = try BrokerStory()
        var topic = OffsetFetchRequest.Topic()
        topic.name = "orders"
        topic.partitionIndexes = [0]
        var request = OffsetFetchRequest()
        request.groupID = "g"
        request.topics = [topic]
        #expect(try story.ask(request, version: 1)?.topics[0].partitions[0].errorCode == .notCoordinator)
        let answer = try #require(try story.ask(request, version: 7))
        #expect(answer.errorCode == .notCoordinator && answer.topics.isEmpty)
    }

    @Test func describingAnUnknownGroupByVersion() throws {
        let story = try makeStory()
        var request = DescribeGroupsRequest()
        request.groups = ["nobody"]
        request.includeAuthorizedOperations = true
        let five = try #require(try story.ask(request, version: 5)?.groups.first)
        #expect(five.groupState == "Dead" && five.errorCode == .none && five.authorizedOperations == 3400)
        let six = try #require(try story.ask(request, version: 6)?.groups.first)
        #expect(six.groupState == "Dead" && six.errorCode == .groupIDNotFound && six.errorMessage == "Group nobody not found.")
    }
}
