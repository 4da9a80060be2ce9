import Controller
import Primitives
import Records
import Storage
import Testing
import Wire

@testable import Broker

@Suite struct MetadataStoryTests {
    @Test func aNewBrokerDescribesItself() throws {
        let story = try BrokerStory()
        let answer = try story.metadata([])
        #expect(answer.brokers.map(\.nodeID) == [1] && answer.controllerID == 1)
        #expect(answer.brokers[0].host == "localhost" && answer.brokers[0].port == 9092)
        #expect(answer.clusterID?.utf8.count == 22)
        #expect(answer.topics.isEmpty, "an empty list asks for none")
        #expect(story.events == [.brokerUp(broker: 1, address: "localhost:9092")])
    }

    @Test func askingForATopicMakesItWhereBothSidesAllowIt() throws {
        let story = try BrokerStory([("num.partitions", "3")])
        #expect(try story.metadata(["a"], create: false).topics[0].errorCode == .unknownTopicOrPartition)
        let topic = try story.metadata(["a"]).topics[0]
        #expect(topic.errorCode == .none && topic.partitions.count == 3)
        #expect(topic.partitions.allSatisfy { $0.leaderID == 1 && $0.isrNodes == [1] && $0.offlineReplicas.isEmpty })
        #expect(story.events.contains(.topicCreated(topic: "a", partitions: 3, replicationFactor: 1)))
        #expect(try story.metadata(nil).topics.map(\.name) == ["a"])
        let closed = try BrokerStory([("auto.create.topics.enable", "false")])
        #expect(try closed.metadata(["a"]).topics[0].errorCode == .unknownTopicOrPartition)
        // Before version 4 a client could not say no.
        var old = MetadataRequest()
        old.topics = [MetadataRequest.Topic()]
        old.topics?[0].name = "b"
        old.allowAutoTopicCreation = false
        #expect(try story.ask(old, version: 3)?.topics[0].errorCode == ErrorCode.none)
    }

    @Test func badNamesAndUnknownIdentifiers() throws {
        let story = try BrokerStory()
        for name in ["", "..", "a/b", "ä", String(repeating: "x", count: 250)] {
            #expect(try story.metadata([name]).topics[0].errorCode == .invalidTopicException, "\(name)")
        }
        var byID = MetadataRequest()
        byID.topics = [MetadataRequest.Topic()]
        byID.topics?[0].topicID = UUID(high: 3, low: 4)
        let answer = try #require(try story.ask(byID, version: 12))
        #expect(answer.topics[0].errorCode == .unknownTopicID)
        try story.makeTopic("orders")
        byID.topics?[0].topicID = try story.metadata(["orders"], version: 12).topics[0].topicID
        #expect(try story.ask(byID, version: 12)?.topics[0].name == "orders")
    }

    @Test func versionZeroTakesAnEmptyListForAllTopics() throws {
        let story = try BrokerStory()
        try story.makeTopic("a")
        var all = MetadataRequest()
        all.topics = []
        #expect(try story.ask(all, version: 0)?.topics.count == 1)
        #expect(try story.ask(all, version: 1)?.topics.count == 0)
    }

    @Test func theAnswerWaitsForTheMetadataLogToBeDurable() throws {
        let story = try BrokerStory()
        story.syncsAtOnce = false
        var request = MetadataRequest()
        request.topics = [MetadataRequest.Topic()]
        request.topics?[0].name = "orders"
        #expect(try story.ask(request, version: 9) == nil)
        #expect(story.broker.image.topic("orders") == nil, "what is not committed is not served")
        // A second client that asks meanwhile makes no second topic.
        #expect(try story.ask(request, version: 9, on: 2) == nil)
        story.finishSyncs()
        let second = try #require(try story.answer(to: MetadataRequest.self, version: 9, on: 2))
        #expect(second.topics[0].errorCode == .none && second.topics[0].partitions.count == 1)
        let answer = try #require(try story.answer(to: MetadataRequest.self, version: 9))
        #expect(answer.topics[0].errorCode == .none && answer.topics[0].partitions.count == 1)
    }

    @Test func everythingIsThereAfterAPowerCut() throws {
        let story = try BrokerStory([("num.partitions", "2")])
        try story.makeTopic("orders")
        let id = try story.metadata(["orders"], version: 12).topics[0].topicID
        let clusterID = try story.metadata([]).clusterID
        try story.produce("orders", ["a", "b"])
        let epoch = story.broker.image.partition(TopicPartition("orders", 0))?.leaderEpoch ?? .none
        // Not a clean stop; what was written stays, as after kill -9.
        let again = try BrokerStory(disk: story.disk)
        let topic = try again.metadata(["orders"], version: 12).topics[0]
        #expect(topic.topicID == id && topic.partitions.count == 2)
        #expect(try again.metadata([]).clusterID == clusterID)
        #expect(topic.partitions[0].leaderEpoch > epoch.rawValue)
        #expect(again.broker.brokerEpoch > story.broker.brokerEpoch)
        let answer = try #require(try again.ask(BrokerStory.fetch("orders", from: 0), version: 11))
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]) == ["a", "b"])
        #expect(try again.produce("orders", ["c"])?.baseOffset == 2)
    }

    @Test func aCleanStopLeavesItsMarkerAndTheNextStartTakesIt() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a"])
        story.stop()
        #expect(story.disk.exists("data/.kafka_cleanshutdown"))
        let again = try BrokerStory(disk: story.disk)
        #expect(!story.disk.exists("data/.kafka_cleanshutdown"))
        #expect(try again.produce("orders", ["b"])?.baseOffset == 1)
    }

    @Test(arguments: [true, false]) func aCrashBeforeTheDirectoryOfADeletedTopicIsGone(isMadeAgain: Bool) throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["old"])
        let files = story.disk.contents.filter { $0.path.hasPrefix("data/orders-0/") }
        story.delete("orders")
        if isMadeAgain { try story.makeTopic("orders") }
        // Puts back what the deletion had taken, as if the crash had come first.
        if story.disk.exists("data/orders-0") { try story.disk.removeTree("data/orders-0") }
        try story.disk.makeDirectory("data/orders-0")
        for (path, bytes) in files { try story.disk.put(path, bytes) }
        let again = try BrokerStory(disk: story.disk)
        if !isMadeAgain {
            #expect(!story.disk.exists("data/orders-0"))
            try again.makeTopic("orders")
        }
        #expect(try again.produce("orders", ["new"])?.baseOffset == 0)
    }

    @Test func aDirectoryNobodyKnowsIsLeftAlone() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        let files = story.disk.contents.filter { $0.path.hasPrefix("data/orders-0/") }
        story.stop()
        try story.disk.makeDirectory("data/foreign-3")
        for (path, bytes) in files where !path.hasSuffix("metadata") {
            try story.disk.put(path.replacing("orders-0", with: "foreign-3"), bytes)
        }
        let again = try BrokerStory(disk: story.disk)
        #expect(again.lines.contains { $0.contains("foreign-3") })
        #expect(story.disk.exists("data/foreign-3"))
    }

    @Test func aDirectoryOfAnotherNodeIsRefused() throws {
        let story = try BrokerStory()
        story.stop()
        let config = try BrokerConfig([("node.id", "2"), ("listeners", "PLAINTEXT://localhost:9092"), ("log.dirs", "data")])
        var other = Broker(config: config, disk: story.disk, codecs: BrokerStory.plainCodecs, seed: 1, now: story.now)
        do throws(BrokerStartError) {
            _ = try other.start(now: story.now)
            Issue.record("it started")
        } catch {
            guard case .foreign(let text) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(text.contains("1") && text.contains("2"))
        }
    }

    @Test func aDamagedQuorumStateIsSaid() throws {
        let story = try BrokerStory()
        story.stop()
        try story.disk.put("data/__cluster_metadata-0/quorum-state", Array("nonsense".utf8))
        #expect(throws: BrokerStartError.self) { try BrokerStory(disk: story.disk) }
    }

    @Test func aTopicsSettingsReachItsLog() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        var record = ConfigRecord()
        record.resourceType = ConfigResourceType.topic.rawValue
        record.resourceName = "orders"
        record.name = "max.message.bytes"
        record.value = "200"
        story.change { [record] in $0.commitMetadata([.config(record)]) { _, _ in } }
        #expect(try story.produce("orders", [String(repeating: "x", count: 300)])?.errorCode == .messageTooLarge)
        #expect(story.events.contains(.configChanged(resource: "topic orders", key: "max.message.bytes", from: nil, to: "200")))
    }
}

@Suite struct LeadershipStoryTests {
    private func lead(_ story: BrokerStory, _ leader: Int32) throws {
        var record = PartitionChangeRecord()
        record.topicID = try #require(story.broker.image.topic("orders")).id
        record.partitionID = 0
        record.leader = leader
        story.change { [record] in $0.commitMetadata([.partitionChange(record)]) { _, _ in } }
    }

    @Test func whoWaitsHearsThatTheLeadershipIsGone() throws {
        let story = try BrokerStory([("log.flush.interval.messages", "1")])
        try story.makeTopic("orders")
        story.syncsAtOnce = false
        try story.send(BrokerStory.fetch("orders", from: 0, wait: 5000), version: 11, on: 2)
        try lead(story, -1)
        #expect(try story.produce("orders", ["a"], on: 3) == nil, "until the change is committed it leads")
        story.syncsAtOnce = true
        story.finishSyncs()
        let fetched = try #require(try story.answer(to: FetchRequest.self, version: 11, on: 2))
        #expect(fetched.topics[0].partitions[0].errorCode == .notLeaderOrFollower)
        let produced = try #require(try story.answer(to: ProduceRequest.self, version: 9, on: 3))
        #expect(produced.topics[0].partitions[0].errorCode == .notLeaderOrFollower)
        #expect(try story.metadata(["orders"]).topics[0].partitions[0].errorCode == .leaderNotAvailable)
        #expect(try story.produce("orders", ["b"])?.errorCode == .notLeaderOrFollower)
        let told = story.events.contains {
            if case .leaderChanged(_, let from, let to, _, _) = $0 { from == 1 && to == nil } else { false }
        }
        #expect(told)
    }

    @Test func aLeaderThatComesBackHasANewerEpochAndAllItsRecords() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a"])
        let before = try #require(story.broker.image.partition(TopicPartition("orders", 0))).leaderEpoch
        try lead(story, -1)
        try lead(story, 1)
        let after = try #require(story.broker.image.partition(TopicPartition("orders", 0))).leaderEpoch
        #expect(after > before)
        #expect(try story.produce("orders", ["b"])?.baseOffset == 1)
        let answer = try #require(try story.ask(BrokerStory.fetch("orders", from: 0, epoch: after.rawValue), version: 11))
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]) == ["a", "b"])
    }
}
