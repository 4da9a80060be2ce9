import Broker
import Controller
import Primitives
import Storage
import Testing
import Wire

/// Administration over time: what waits, what is told, what survives.
@Suite struct AdminStoryTests {
    @Test func aTopicIsThereWhenTheAnswerComes() throws {
        var admin = try AdminBroker()
        admin.holdsSyncs = true
        let (connection, early) = try admin.send(creation("orders", partitions: 3), version: 7)
        #expect(early == nil)
        #expect(admin.broker.image.topic("orders") == nil)
        admin.releaseSyncs()
        let answer = try #require(try admin.answer(connection, CreateTopicsRequest.self, 7))
        #expect(answer.topics[0].errorCode == .none)
        #expect(admin.broker.image.topic("orders")?.id == answer.topics[0].topicID)
        #expect(admin.broker.image.partition(TopicPartition("orders", 2))?.leader == 1)
        #expect(admin.events.contains(.topicCreated(topic: "orders", partitions: 3, replicationFactor: 1)))
    }

    @Test func twoCreationsOfOneNameBeforeTheFirstIsCommitted() throws {
        var admin = try AdminBroker()
        admin.holdsSyncs = true
        let (first, _) = try admin.send(creation("orders"), version: 7)
        let (second, early) = try admin.send(creation("orders"), version: 7)
        #expect(early == nil, "what was decided first may never be committed, and then the second was right to ask")
        admin.releaseSyncs()
        #expect(try admin.answer(first, CreateTopicsRequest.self, 7)?.topics[0].errorCode == ErrorCode.none)
        #expect(try admin.answer(second, CreateTopicsRequest.self, 7)?.topics[0].errorCode == .topicAlreadyExists)
    }

    @Test func aSlowDiskTimesTheRequestOut() throws {
        var admin = try AdminBroker()
        admin.holdsSyncs = true
        var request = creation("orders")
        request.timeoutMs = 500
        let (connection, _) = try admin.send(request, version: 7)
        admin.wait(499)
        #expect(try admin.answer(connection, CreateTopicsRequest.self, 7) == nil)
        admin.wait(1)
        let answer = try #require(try admin.answer(connection, CreateTopicsRequest.self, 7))
        #expect(answer.topics[0].errorCode == .requestTimedOut)
        // It comes into being all the same, and nothing is answered twice.
        admin.releaseSyncs()
        #expect(admin.broker.image.topic("orders") != nil)
        #expect(try admin.answer(connection, CreateTopicsRequest.self, 7) == answer)
    }

    @Test func validateOnlyChangesNothing() throws {
        var admin = try AdminBroker()
        var request = creation("orders")
        request.validateOnly = true
        #expect(try admin.ask(request, version: 7)?.topics[0].errorCode == ErrorCode.none)
        #expect(admin.broker.image.topic("orders") == nil)
    }

    @Test func settingsReachTheLogsAndSurviveARestart() throws {
        var admin = try AdminBroker()
        try admin.createTopic("orders", partitions: 2, configs: [("retention.ms", "5000")])
        try alter(&admin, .topic("orders"), [("segment.bytes", "2000000"), ("flush.messages", "1")])
        try alter(&admin, .brokerDefaults, [("log.retention.bytes", "77777")])
        #expect(
            admin.events.contains(.configChanged(resource: "topic orders", key: "segment.bytes", from: nil, to: "2000000")))
        for again in [false, true] {
            if again { admin = try admin.restarted() }
            #expect(try value(&admin, .topic("orders"), "segment.bytes") == "2000000")
            #expect(try value(&admin, .topic("orders"), "retention.ms") == "5000")
            #expect(try value(&admin, .topic("orders"), "retention.bytes") == "77777")
            let settings = TopicConfig(overrides: admin.broker.image.topicConfig("orders"), broker: admin.broker.config)
            #expect(settings.segmentBytes == 2_000_000 && settings.flushMessages == 1 && settings.retentionBytes == 77_777)
        }
    }

    @Test func everythingSurvivesARestart() throws {
        var admin = try AdminBroker()
        try admin.createTopic("kept", partitions: 2)
        try admin.createTopic("gone")
        try admin.produce("kept", partition: 1, records: 10)
        var deletion = DeleteTopicsRequest()
        deletion.topics = [DeleteTopicsRequest.Topic()]
        deletion.topics[0].name = "gone"
        #expect(try admin.ask(deletion, version: 6)?.responses[0].errorCode == ErrorCode.none)
        #expect(admin.events.contains(.topicDeleted(topic: "gone")))
        var growth = CreatePartitionsRequest()
        growth.topics = [CreatePartitionsRequest.Topic()]
        (growth.topics[0].name, growth.topics[0].count) = ("kept", 5)
        #expect(try admin.ask(growth, version: 3)?.results[0].errorCode == ErrorCode.none)
        #expect(admin.events.contains(.partitionsAdded(topic: "kept", from: 2, to: 5)))
        let before = admin.broker.image
        let restarted = try admin.restarted()
        #expect(restarted.broker.image.topics.keys == ["kept"])
        #expect(restarted.broker.image.topic("kept")?.id == before.topic("kept")?.id)
        for (index, partition) in try #require(before.topic("kept")).partitions {
            let now = try #require(restarted.broker.image.partition(TopicPartition("kept", index)))
            #expect(now.leader == 1 && now.replicas == partition.replicas && now.directories == partition.directories)
            // A leader that was away leads in a new epoch; alone, it was never without the leadership.
            #expect(now.leaderEpoch.rawValue == partition.leaderEpoch.rawValue + 1)
        }
        #expect(restarted.broker.controller.image == restarted.broker.image)
        #expect(restarted.broker.image.configs == before.configs)
        #expect(restarted.broker.image.clusterID == before.clusterID)
        #expect(restarted.broker.image.brokers[BrokerID(1)]?.brokerEpoch ?? 0 > before.brokers[1]?.brokerEpoch ?? 0)
    }

    @Test func deletedRecordsStayDeleted() throws {
        var admin = try AdminBroker()
        try admin.createTopic("orders")
        try admin.produce("orders", records: 10)
        var partition = DeleteRecordsRequest.Partition()
        partition.offset = 4
        var topic = DeleteRecordsRequest.Topic()
        (topic.name, topic.partitions) = ("orders", [partition])
        var request = DeleteRecordsRequest()
        request.topics = [topic]
        #expect(try admin.ask(request, version: 2)?.topics[0].partitions[0].lowWatermark == 4)
        // Without a clean stop in between.
        var restarted = try admin.restarted()
        request.topics[0].partitions[0].offset = 0
        #expect(try restarted.ask(request, version: 2)?.topics[0].partitions[0].lowWatermark == 4)
    }

    @Test func aFullDiskRefusesAndLaterAccepts() throws {
        let disk = MemoryDisk()
        var admin = try AdminBroker(disk: disk)
        disk.capacity = disk.used + 10
        #expect(try admin.createTopic("orders") == .kafkaStorageError)
        #expect(admin.broker.image.topic("orders") == nil)
        disk.capacity = .max
        #expect(try admin.createTopic("orders") == ErrorCode.none)
    }

    @Test func topicPartitionsComeInPages() throws {
        var admin = try AdminBroker()
        for name in ["a", "b", "c"] { try admin.createTopic(name, partitions: 3) }
        var request = DescribeTopicPartitionsRequest()
        request.responsePartitionLimit = 4
        var seen: [String] = []
        var pages = 0
        repeat {
            let answer = try #require(try admin.ask(request, version: 0))
            for topic in answer.topics { seen += topic.partitions.map { "\(topic.name ?? "")-\($0.partitionIndex)" } }
            #expect(answer.topics.reduce(0) { $0 + $1.partitions.count } <= 4)
            request.cursor = answer.nextCursor.map { next in
                var cursor = DescribeTopicPartitionsRequest.Cursor()
                (cursor.topicName, cursor.partitionIndex) = (next.topicName, next.partitionIndex)
                return cursor
            }
            pages += 1
        } while request.cursor != nil && pages < 10
        #expect(seen == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2", "c-0", "c-1", "c-2"])
        #expect(pages == 3)
    }

    @Test func theQuorumIsThisNode() throws {
        var admin = try AdminBroker()
        var request = DescribeQuorumRequest()
        request.topics = [DescribeQuorumRequest.Topic()]
        request.topics[0].topicName = "__cluster_metadata"
        request.topics[0].partitions = [DescribeQuorumRequest.Partition()]
        let partition = try #require(try admin.ask(request, version: 2)?.topics.first?.partitions.first)
        #expect(partition.leaderID == 1 && partition.leaderEpoch == 1)
        #expect(partition.currentVoters.map(\.logEndOffset) == [partition.highWatermark])
    }

    // MARK: requests

    private func creation(_ name: String, partitions: Int32 = 1) -> CreateTopicsRequest {
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = (name, partitions, 1)
        var request = CreateTopicsRequest()
        request.topics = [topic]
        return request
    }

    private func alter(_ admin: inout AdminBroker, _ target: ConfigResource, _ settings: [(String, String)]) throws {
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName) = (target.type.rawValue, target.name)
        resource.configs = settings.map { key, value in
            var config = IncrementalAlterConfigsRequest.Config()
            (config.name, config.value) = (key, value)
            return config
        }
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        #expect(try admin.ask(request, version: 1)?.responses[0].errorCode == ErrorCode.none)
    }

    private func value(_ admin: inout AdminBroker, _ target: ConfigResource, _ key: String) throws -> String? {
        var resource = DescribeConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName) = (target.type.rawValue, target.name)
        resource.configurationKeys = [key]
        var request = DescribeConfigsRequest()
        request.resources = [resource]
        return try admin.ask(request, version: 4)?.results[0].configs.first?.value
    }
}
