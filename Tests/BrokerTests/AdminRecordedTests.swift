import Controller
import Primitives
import RecordedKafka
import Testing
import Wire

/// What this broker says of itself against what Apache Kafka answered to the same requests.
@Suite struct AdminRecordedTests {
    static func broker() throws -> AdminBroker {
        var broker = try AdminBroker([
            ("num.partitions", "3"), ("default.replication.factor", "1"), ("min.insync.replicas", "2"), ("log.retention.hours", "168"),
            ("log.segment.bytes", "1073741824"), ("unclean.leader.election.enable", "false"),
        ])
        for name in ["sem", "sem-p1", "sem-f", "sem-txn"] { try broker.createTopic(name) }
        try broker.createTopic("sem-compact", configs: [("cleanup.policy", "compact")])
        var request = IncrementalAlterConfigsRequest()
        var resource = IncrementalAlterConfigsRequest.Resource()
        resource.resourceType = 4
        var config = IncrementalAlterConfigsRequest.Config()
        (config.name, config.value) = ("min.insync.replicas", "2")
        resource.configs = [config]
        request.resources = [resource]
        #expect(try broker.ask(request, version: 1)?.responses.first?.errorCode == ErrorCode.none)
        return broker
    }

    @Test func describeConfigs() throws {
        var broker = try AdminRecordedTests.broker()
        var checked = 0
        for behaviour in RecordedBehaviour.of("DescribeConfigs") {
            let request: DescribeConfigsRequest = try behaviour.request()
            // Groups have no settings of their own here yet; the root logger cannot be changed.
            if request.resources.contains(where: { $0.resourceType == 32 || $0.resourceType == 8 }) { continue }
            try expectSame(try broker.ask(request, version: behaviour.version), behaviour)
            checked += 1
        }
        #expect(checked == 8)
    }

    @Test func describeTopicPartitions() throws {
        var broker = try AdminRecordedTests.broker()
        for behaviour in RecordedBehaviour.of("DescribeTopicPartitions") {
            let answer = try broker.ask(try behaviour.request(DescribeTopicPartitionsRequest.self), version: behaviour.version)
            // The recording has three replicas.
            try expectSame(answer, behaviour, ignoring: ["LeaderId", "LeaderEpoch", "ReplicaNodes", "IsrNodes"])
        }
    }

    @Test func describeClusterAndQuorum() throws {
        var broker = try AdminRecordedTests.broker()
        for behaviour in RecordedBehaviour.of("DescribeCluster") where !behaviour.name.hasSuffix("asked of a controller") {
            let answer = try broker.ask(try behaviour.request(DescribeClusterRequest.self), version: behaviour.version)
            try expectSame(answer, behaviour, ignoring: ["Brokers", "ControllerId", "ClusterId"])
        }
        for behaviour in RecordedBehaviour.of("DescribeQuorum") {
            let answer = try broker.ask(try behaviour.request(DescribeQuorumRequest.self), version: behaviour.version)
            try expectSame(
                answer, behaviour, ignoring: ["LeaderEpoch", "HighWatermark", "CurrentVoters", "Nodes"])
        }
    }

    @Test func deleteRecordsAndProducers() throws {
        var broker = try AdminRecordedTests.broker()
        try broker.produce("sem", records: 35)
        for behaviour in RecordedBehaviour.of("DeleteRecords") {
            // Those need a follower.
            if behaviour.name.contains("follower") { continue }
            let answer = try broker.ask(try behaviour.request(DeleteRecordsRequest.self), version: behaviour.version)
            try expectSame(answer, behaviour)
        }
        #expect(broker.events.contains(.recordsDeleted(partition: TopicPartition("sem", 0), before: 3)))
        #expect(broker.events.contains(.recordsDeleted(partition: TopicPartition("sem", 0), before: 35)))
        for behaviour in RecordedBehaviour.of("DescribeProducers") {
            let answer = try broker.ask(try behaviour.request(DescribeProducersRequest.self), version: behaviour.version)
            try expectSame(answer, behaviour, ignoring: ["ActiveProducers"])
        }
        for behaviour in RecordedBehaviour.of("DescribeLogDirs") {
            let answer = try #require(try broker.ask(try behaviour.request(DescribeLogDirsRequest.self), version: behaviour.version))
            try expectSame(answer, behaviour, ignoring: ["LogDir", "PartitionSize", "TotalBytes", "UsableBytes"])
            #expect(answer.results[0].logDir == "/data")
            #expect(answer.results[0].topics[0].partitions[0].partitionSize > 0)
        }
    }

    private func expectSame<M: WireMessage>(_ ours: M?, _ behaviour: RecordedBehaviour, ignoring: [String] = []) throws {
        let ours = try #require(ours, "\(behaviour): no answer")
        let found = differences(ours, behaviour).filter { line in !ignoring.contains { line.contains(".\($0)") } }
        #expect(found.isEmpty, "\(behaviour): \(found.joined(separator: "; "))")
    }
}
