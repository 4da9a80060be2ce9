import Client
import ClientCore
import Compression
import DevCluster
import Glibc
import Primitives
import Reactor
import Records
import Testing
import Wire

@testable import Commands

/// A real cluster of three brokers in this process, and what others do to it while a story is told: producers, consumers, failing disks.
final class StoryWorld {
    let cluster: DevCluster
    let client: ClusterClient
    let directory: String
    /// Another cluster, of one broker, under the name of its context.
    private(set) var contexts: [String: DevCluster] = [:]
    private var members: [String: GroupMember] = [:]
    private let producer: SimpleProducer

    /// What the brokers tell of themselves, as the console of `kastellan dev` hears it; nil where it has to find out by asking.
    let events: ClusterEventMailbox?

    init(brokers: Int = 3, isSecure: Bool = false, tellsEvents: Bool = false, _ overrides: [(String, String)] = []) throws {
        var options = DevCluster.Options()
        (options.brokers, options.port, options.isSecure, options.overrides) = (brokers, 0, isSecure, overrides)
        let events = tellsEvents ? ClusterEventMailbox() : nil
        self.events = events
        cluster = try DevCluster(options, onEvent: { events?.post($0) })
        try cluster.start()
        directory = cluster.directory + "/console"
        mkdir(directory, 0o700)
        client = ClusterClient(bootstrap: cluster.bootstrap, clientID: "story", security: try cluster.clientSecurity())
        producer = SimpleProducer(client)
    }

    func close() {
        for member in members.values { member.stop() }
        client.stop()
        for other in contexts.values { other.stop() }
        cluster.stop()
    }

    // MARK: What is there

    /// With a list of brokers for each partition, or three replicas of so many.
    func makeTopic(_ name: String, partitions: Int32 = 1, on replicas: [[Int32]] = [], configs: [(String, String)] = []) throws {
        try StoryWorld.makeTopic(name, client, partitions, replicas, configs)
    }

    static func makeTopic(
        _ name: String, _ client: ClusterClient, _ partitions: Int32, _ replicas: [[Int32]] = [], _ configs: [(String, String)] = []
    ) throws {
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = (name, partitions, -1)
        if !replicas.isEmpty { topic.numPartitions = -1 }
        for (index, brokers) in replicas.enumerated() {
            var assignment = CreateTopicsRequest.Assignment()
            (assignment.partitionIndex, assignment.brokerIDs) = (Int32(index), brokers)
            topic.assignments.append(assignment)
        }
        for (key, value) in configs {
            var config = CreateTopicsRequest.Config()
            (config.name, config.value) = (key, value)
            topic.configs.append(config)
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        #expect(try client.send(request, to: .controller).topics.map(\.errorCode) == [.none])
    }

    func otherCluster(_ name: String) throws -> ClusterClient {
        var options = DevCluster.Options()
        (options.brokers, options.port) = (1, 0)
        let other = try DevCluster(options)
        try other.start()
        contexts[name] = other
        return ClusterClient(bootstrap: other.bootstrap, clientID: "story")
    }

    /// Writes and waits until all is acknowledged.
    func write(
        _ topic: String, partition: Int32? = nil, _ values: [String], key: (Int) -> String? = { _ in nil }, headers: [RecordHeader] = []
    ) {
        post(topic, partition: partition, values, key: key, headers: headers)
        #expect(producer.flush())
    }

    /// Writes without waiting.
    func post(
        _ topic: String, partition: Int32? = nil, _ values: [String], key: (Int) -> String? = { _ in nil }, headers: [RecordHeader] = []
    ) {
        for (index, value) in values.enumerated() {
            producer.send(
                ProducerRecord(
                    topic: topic, partition: partition, key: key(index).map { Bytes($0) }, value: Bytes(value), headers: headers))
        }
    }

    func commit(_ group: String, _ topic: String, _ offsets: [Int64]) throws {
        var request = OffsetCommitRequest()
        request.groupID = group
        var row = OffsetCommitRequest.Topic()
        row.name = topic
        for (index, offset) in offsets.enumerated() {
            var partition = OffsetCommitRequest.Partition()
            (partition.partitionIndex, partition.committedOffset) = (Int32(index), offset)
            row.partitions.append(partition)
        }
        request.topics = [row]
        let call = ClientRequest(request, to: .coordinator(group: group), versions: 0...9)
        let answer = try client.call(call).of(OffsetCommitResponse.self)
        #expect(answer.topics.flatMap(\.partitions).allSatisfy { $0.errorCode == .none })
    }

    func startMember(_ group: String, _ topic: String) {
        let member = GroupMember(
            GroupMember.Options(group: group, clientID: "\(group)-1", topics: [topic]), bootstrap: cluster.bootstrap)
        member.start()
        members[group] = member
    }

    /// The partition's leader, and who is in sync, as the cluster says now.
    func partition(_ topic: String, _ index: Int32 = 0, _ client: ClusterClient? = nil) throws -> MetadataResponse.Partition {
        var wanted = MetadataRequest.Topic()
        wanted.name = topic
        var request = MetadataRequest()
        request.topics = [wanted]
        let answer = try (client ?? self.client).send(request)
        return try #require(answer.topics.first?.partitions.first { $0.partitionIndex == index })
    }

    // MARK: A transaction that nobody will end

    /// A transaction is committed, and a batch of it comes late: the partition opens it anew, and no coordinator knows (KAFKA-14402).
    func leaveTransactionHanging(_ id: String, _ topic: String) throws {
        var begin = InitProducerIDRequest()
        (begin.transactionalID, begin.transactionTimeoutMs) = (id, 60_000)
        let known = try client.send(begin, to: .transactionCoordinator(id: id))
        #expect(known.errorCode == .none)
        var batch = BatchBuilder(
            producerID: known.producerID, producerEpoch: known.producerEpoch, baseSequence: 0, isTransactional: true)
        for index in 0..<2 { batch.append(timestamp: SystemClock.wall(), key: nil, value: Bytes("late \(index)")) }
        var request = ProduceRequest()
        (request.transactionalID, request.acks, request.timeoutMs) = (id, -1, 10_000)
        var partition = ProduceRequest.Partition()
        partition.records = .bytes(batch.buildUncompressed())
        var row = ProduceRequest.Topic()
        (row.name, row.partitions) = (topic, [partition])
        request.topics = [row]
        let call = ClientRequest(request, to: .leader(TopicPartition(topic, 0)), versions: 9...9)
        let answer = try client.call(call).of(ProduceResponse.self)
        #expect(answer.topics.flatMap(\.partitions).map(\.errorCode) == [.none])
    }
}
