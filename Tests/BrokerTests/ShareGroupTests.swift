import Controller
import Groups
import Primitives
import RecordedKafka
import Testing
import Wire

@testable import Broker

/// Share groups at a whole broker, which is their group coordinator, their share coordinator and their partitions' leader.
@Suite struct ShareGroupTests {
    /// Kafka's own, which the development defaults shorten.
    static let settings = [
        ("group.share.assignment.interval.ms", "1000"), ("group.share.min.heartbeat.interval.ms", "5000"),
        ("group.share.heartbeat.interval.ms", "5000"),
    ]

    private func story(_ settings: [(String, String)] = []) throws -> BrokerStory {
        let story = try BrokerStory([("num.partitions", "2")] + settings)
        try story.makeTopic("sem")
        var coordinator = FindCoordinatorRequest()
        coordinator.key = "g"
        _ = try story.ask(coordinator, version: 0)
        return story
    }

    private func beat(_ story: BrokerStory, _ epoch: Int32, topics: [String]? = nil) throws -> ShareGroupHeartbeatResponse {
        var request = ShareGroupHeartbeatRequest()
        (request.groupID, request.memberID, request.memberEpoch, request.subscribedTopicNames) = ("g", "m", epoch, topics)
        let answer = try #require(try story.ask(request, version: 1))
        story.advance(milliseconds: 100)
        return answer
    }

    private func offsets(_ story: BrokerStory, _ topics: [String]? = nil) throws -> DescribeShareGroupOffsetsResponse.Group {
        var request = DescribeShareGroupOffsetsRequest()
        var group = DescribeShareGroupOffsetsRequest.Group()
        group.groupID = "g"
        group.topics = topics.map { names in
            names.map { name in
                var topic = DescribeShareGroupOffsetsRequest.Topic()
                (topic.topicName, topic.partitions) = (name, [0])
                return topic
            }
        }
        request.groups = [group]
        return try #require(try story.ask(request, version: 1)?.groups.first)
    }

    private func alter(_ story: BrokerStory, _ offset: Int64) throws -> AlterShareGroupOffsetsResponse {
        var request = AlterShareGroupOffsetsRequest()
        request.groupID = "g"
        var topic = AlterShareGroupOffsetsRequest.Topic()
        topic.topicName = "sem"
        var partition = AlterShareGroupOffsetsRequest.Partition()
        partition.startOffset = offset
        topic.partitions = [partition]
        request.topics = [topic]
        return try #require(try story.ask(request, version: 0))
    }

    /// What was put to Apache Kafka 4.3.1, in its order, put to this broker.
    @Test func heartbeatsAndDescriptionsAreAsRecorded() throws {
        let story = try story(Self.settings)
        var request = FindCoordinatorRequest()
        request.key = "sem-s228003"
        _ = try story.ask(request, version: 0)
        var checked = 0
        for row in RecordedBehaviour.all() where row.api == "ShareGroupHeartbeat" {
            let answer = try #require(try story.ask(try row.request(ShareGroupHeartbeatRequest.self), version: row.version))
            #expect(differences(answer, row) == [], "\(row)")
            checked += 1
        }
        #expect(checked == 6)
        var commit = OffsetCommitRequest()
        commit.groupID = "sem-g295343"
        commit.topics = [OffsetCommitRequest.Topic()]
        commit.topics[0].name = "sem"
        commit.topics[0].partitions = [OffsetCommitRequest.Partition()]
        _ = try story.ask(commit, version: 8)
        let row = try #require(RecordedBehaviour.all().first { $0.name == "ShareGroupDescribe of a classic group" })
        let answer = try #require(try story.ask(try row.request(ShareGroupDescribeRequest.self), version: row.version))
        #expect(differences(answer, row) == [])
    }

    @Test func aMemberIsGivenPartitionsWhenTheirStateIsMade() throws {
        let story = try story()
        let joined = try beat(story, 0, topics: ["sem"])
        #expect(joined.memberEpoch == 2 && joined.assignment?.topicPartitions.isEmpty == true)
        for _ in 0..<30 { story.advance(milliseconds: 100) }
        let assigned = try beat(story, 2)
        #expect(assigned.memberEpoch == 3 && assigned.assignment?.topicPartitions.first?.partitions == [0, 1])
        #expect(story.broker.replicas.find("__share_group_state", 0) != nil, "the state has a topic of its own")
        var describe = ShareGroupDescribeRequest()
        describe.groupIDs = ["g"]
        let group = try #require(try story.ask(describe, version: 1)?.groups.first)
        #expect(group.groupState == "Stable" && group.members.first?.assignment.topicPartitions.first?.topicName == "sem")
        var list = ListGroupsRequest()
        list.typesFilter = ["share"]
        let listed = try story.ask(list, version: 5)?.groups ?? []
        #expect(listed.map(\.groupID) == ["g"] && listed.map(\.groupType) == ["share"] && listed.map(\.protocolType) == ["share"])
        // To the older API it is no group that it knows.
        var classic = DescribeGroupsRequest()
        classic.groups = ["g"]
        #expect(try story.ask(classic, version: 6)?.groups.first?.errorMessage == "Group g is not a classic group.")
        let told = try offsets(story)
        #expect(told.topics.first?.partitions.map(\.startOffset) == [-1, -1], "nothing is read yet, and that is no error")
    }

    @Test func offsetsAreSetToldAndForgotten() throws {
        let story = try story()
        for _ in 0..<3 { _ = try story.produce("sem", ["a", "b"]) }
        let nobody = try offsets(story, ["sem", "none"])
        #expect(nobody.errorCode == .none && nobody.topics.map { $0.partitions[0].startOffset } == [-1, -1])
        var request = AlterShareGroupOffsetsRequest()
        request.groupID = "g"
        // The first request has the state's topic made: its answer comes when that is there.
        let connection: UInt64 = 77
        var topic = AlterShareGroupOffsetsRequest.Topic()
        topic.topicName = "sem"
        topic.partitions = [AlterShareGroupOffsetsRequest.Partition()]
        topic.partitions[0].startOffset = 2
        request.topics = [topic]
        try story.send(request, version: 0, on: connection)
        for _ in 0..<30 { story.advance(milliseconds: 100) }
        let answer = try #require(story.rawAnswer(on: connection))
        let (_, altered) = try decodeResponse(answer, to: AlterShareGroupOffsetsRequest.self, version: 0)
        #expect(altered.errorCode == .none && altered.responses.first?.partitions.first?.errorCode == ErrorCode.none)
        let told = try offsets(story)
        #expect(told.topics.first?.partitions.first?.startOffset == 2 && told.topics.first?.partitions.first?.lag == 4)
        #expect(try alter(story, 5).errorCode == .none)
        #expect(try offsets(story).topics.first?.partitions.first?.lag == 1)
        var forget = DeleteShareGroupOffsetsRequest()
        forget.groupID = "g"
        forget.topics = [DeleteShareGroupOffsetsRequest.Topic()]
        forget.topics[0].topicName = "sem"
        #expect(try story.ask(forget, version: 0)?.responses.map(\.errorCode) == [ErrorCode.none])
        #expect(try offsets(story).topics.isEmpty)
        #expect(try offsets(story, ["sem"]).topics.first?.partitions.first?.startOffset == -1)
        var delete = DeleteGroupsRequest()
        delete.groupsNames = ["g"]
        #expect(try story.ask(delete, version: 2)?.results.map(\.errorCode) == [ErrorCode.none])
        #expect(try story.ask(delete, version: 2)?.results.map(\.errorCode) == [.groupIDNotFound])
    }

    @Test func aGroupsOwnSettingsAreChecked() throws {
        let story = try story(Self.settings)
        func set(_ key: String, _ value: String) throws -> (ErrorCode, String?) {
            var request = IncrementalAlterConfigsRequest()
            var resource = IncrementalAlterConfigsRequest.Resource()
            (resource.resourceType, resource.resourceName) = (32, "g")
            var config = IncrementalAlterConfigsRequest.Config()
            (config.name, config.value) = (key, value)
            resource.configs = [config]
            request.resources = [resource]
            let answer = try #require(try story.ask(request, version: 1)?.responses.first)
            return (answer.errorCode, answer.errorMessage)
        }
        for (key, value) in [
            ("share.session.timeout.ms", "50000"), ("share.heartbeat.interval.ms", "6000"), ("share.record.lock.duration.ms", "45000"),
            ("share.delivery.count.limit", "7"), ("share.partition.max.record.locks", "1000"), ("share.isolation.level", "read_committed"),
            ("share.renew.acknowledge.enable", "false"), ("share.assignment.interval.ms", "500"), ("share.auto.offset.reset", "earliest"),
            ("share.auto.offset.reset", "by_duration:PT1H"),
        ] {
            #expect(try set(key, value).0 == ErrorCode.none, "\(key)=\(value)")
        }
        #expect(
            try set("share.session.timeout.ms", "1000").1
                == "share.session.timeout.ms must be greater than or equal to group.share.min.session.timeout.ms")
        for (key, value) in [
            ("share.delivery.count.limit", "11"), ("share.record.lock.duration.ms", "1"), ("share.isolation.level", "none"),
            ("share.auto.offset.reset", "by_duration:1h"), ("share.auto.offset.reset", "by_duration:-PT1H"),
            ("share.auto.offset.reset", "none"), ("share.nothing", "1"),
        ] {
            #expect(try set(key, value).0 == .invalidConfig, "\(key)=\(value)")
        }
        #expect(try beat(story, 0, topics: ["sem"]).heartbeatIntervalMs == 6000)
    }
}
