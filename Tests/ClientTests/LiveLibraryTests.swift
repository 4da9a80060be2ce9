import Client
import Primitives
import Synchronization
import Testing

/// The public library against a real broker on loopback.
@Suite(.timeLimit(.minutes(2))) struct LiveLibraryTests {
    private func configuration(_ broker: LiveBroker, _ more: [String: String] = [:]) throws -> ClientConfiguration {
        let properties = [
            "bootstrap.servers": "127.0.0.1:\(broker.port)", "group.id": "g", "auto.offset.reset": "earliest", "linger.ms": "0",
        ]
        return try ClientConfiguration(properties: properties.merging(more) { $1 })
    }

    /// Properties of a consumer are none of a producer's business, and the other way round: one file serves both.
    private func setUp(_ topics: [String: Int32], _ more: [String: String] = [:]) async throws -> (LiveBroker, ClientConfiguration) {
        let broker = try LiveBroker()
        let configuration = try configuration(broker, more)
        let admin = try Admin(configuration)
        let refused = try await admin.createTopics(topics.map { TopicPlan($0.key, partitions: $0.value, replicas: 1) })
        #expect(refused.isEmpty)
        admin.close()
        return (broker, configuration)
    }

    private func read(_ consumer: Consumer, _ count: Int) async throws -> [ConsumerRecord] {
        var records: [ConsumerRecord] = []
        while records.count < count { records += try await consumer.poll(timeout: .seconds(1)) }
        return records
    }

    @Test func recordsGoThereAndBack() async throws {
        let (broker, configuration) = try await setUp(["there": 3])
        let producer = try Producer(configuration)
        let first = try await producer.send(
            OutgoingRecord(
                topic: "there", partition: 1, key: Bytes("k"), value: Bytes("v0"), headers: [Header("h", "1")], timestamp: 5_000))
        #expect(first.topic == "there" && first.partition == 1 && first.offset == 0 && first.timestamp == 5_000)
        let outcomes = Mutex<[Int64]>([])
        for index in 1...50 {
            try producer.post(OutgoingRecord(topic: "there", partition: 1, value: Bytes("v\(index)"))) { outcome in
                if case .success(let place) = outcome { outcomes.withLock { $0.append(place.offset ?? -1) } }
            }
        }
        await producer.flush()
        #expect(outcomes.withLock { $0 } == Array(1...50))

        let consumer = try Consumer(configuration)
        try consumer.subscribe(["there"])
        let records = try await read(consumer, 51)
        #expect(records.map(\.offset) == Array(0...50))
        #expect(records[0].headers == [Header("h", "1")] && records[0].timestamp == 5_000 && records[0].key?.string == "k")
        #expect(consumer.position(TopicPartition("there", 1)) == 51)
        #expect(consumer.assignment.count == 3)
        try await consumer.commit()
        let committed = try await consumer.committed([TopicPartition("there", 1)])
        #expect(committed[TopicPartition("there", 1)]?.offset == 51)
        let ends = try await consumer.endOffsets([TopicPartition("there", 1), TopicPartition("there", 0)])
        #expect(ends == [TopicPartition("there", 1): 51, TopicPartition("there", 0): 0])
        await consumer.close()
        await producer.close()
        _ = broker
    }

    /// Also where it has to wait for room again and again.
    @Test(arguments: ["33554432", "700"]) func whatOneTaskEnqueuesIsWrittenInItsOrder(buffer: String) async throws {
        let (broker, configuration) = try await setUp(["ordered": 1], ["buffer.memory": buffer, "batch.size": "200"])
        let producer = try Producer(configuration)
        var sent: [PendingRecord] = []
        for index in 0..<200 { sent.append(try await producer.enqueue(OutgoingRecord(topic: "ordered", value: Bytes("\(index)")))) }
        for (index, record) in sent.enumerated() { #expect(try await record.metadata.offset == Int64(index)) }
        #expect(try await sent[7].metadata.offset == 7)
        await producer.close()
        let late = try await producer.enqueue(OutgoingRecord(topic: "ordered", value: Bytes("late")))
        await #expect(throws: KafkaError.self) { try await late.metadata }
        _ = broker
    }

    @Test func seekPauseAndTimesMoveReading() async throws {
        let (broker, configuration) = try await setUp(["moved": 2], ["max.poll.records": "3"])
        let producer = try Producer(configuration)
        for index in 0..<10 {
            try producer.post(OutgoingRecord(topic: "moved", partition: 0, value: Bytes("\(index)"), timestamp: Int64(1_000 * (index + 1))))
        }
        await producer.flush()
        let (zero, one) = (TopicPartition("moved", 0), TopicPartition("moved", 1))
        let consumer = try Consumer(configuration)
        try consumer.assign([zero, one])
        #expect(try await read(consumer, 3).map(\.offset) == [0, 1, 2])
        try consumer.seek(zero, to: 8)
        #expect(try await read(consumer, 2).map(\.offset) == [8, 9])
        let found = try await consumer.offsets(forTimes: [zero: 4_500, one: 0])
        #expect(found[zero]?.offset == 4 && found[one] == nil)
        try consumer.seekToBeginning([zero])
        consumer.pause([zero])
        #expect(try await consumer.poll(timeout: .milliseconds(100)).isEmpty)
        consumer.resume([zero])
        #expect(try await read(consumer, 1).first?.offset == 0)
        #expect(throws: KafkaError.self) { try consumer.seek(TopicPartition("moved", 7), to: 0) }
        await consumer.close()
        await producer.close()
        _ = broker
    }

    @Test func patternFindsTopicsAndWakeupEndsTheWait() async throws {
        let (broker, configuration) = try await setUp(["log.a": 1, "log.b": 1, "other": 1])
        let producer = try Producer(configuration)
        for topic in ["log.a", "log.b", "other"] { try await producer.send(OutgoingRecord(topic: topic, value: Bytes(topic))) }
        let heard = Mutex<[TopicPartition]>([])
        let consumer = try Consumer(configuration)
        try consumer.subscribe(matching: "log\\..*", listener: RebalanceListener(onAssigned: { parts in heard.withLock { $0 += parts } }))
        #expect(try await read(consumer, 2).map(\.topic).sorted() == ["log.a", "log.b"])
        #expect(heard.withLock { $0.sorted() } == [TopicPartition("log.a", 0), TopicPartition("log.b", 0)])
        let waiting = Task { try await consumer.poll(timeout: .seconds(60)) }
        consumer.wakeup()
        await #expect(throws: KafkaError.self) { _ = try await waiting.value }
        await consumer.close()
        await producer.close()
        _ = broker
    }

    /// Two members share, one leaves, and what it committed is not read again.
    @Test func membersShareAndHandOver() async throws {
        let (broker, configuration) = try await setUp(["shared": 2], ["partition.assignment.strategy": "cooperative-sticky"])
        let producer = try Producer(configuration)
        for index in 0..<4 {
            try await producer.send(OutgoingRecord(topic: "shared", partition: Int32(index % 2), value: Bytes("\(index)")))
        }
        let first = try Consumer(configuration)
        try first.subscribe(["shared"])
        let seen = try await read(first, 4).compactMap { $0.value?.string }.sorted()
        #expect(seen == ["0", "1", "2", "3"])
        await first.close()
        for index in 4..<6 {
            try await producer.send(OutgoingRecord(topic: "shared", partition: Int32(index % 2), value: Bytes("\(index)")))
        }
        let second = try Consumer(configuration)
        try second.subscribe(["shared"])
        #expect(try await read(second, 2).compactMap { $0.value?.string }.sorted() == ["4", "5"])
        await second.close()
        await producer.close()
        _ = broker
    }

    struct Unlucky: Error {}

    /// A record that always fails is tried ten times, buried, and what follows goes on; another fails twice and succeeds.
    @Test func failingRecordsAreTriedAndBuried() async throws {
        let (broker, configuration) = try await setUp(["work": 1, "dead": 1], ["enable.auto.commit": "false"])
        let producer = try Producer(configuration)
        for value in ["good", "bad", "shaky", "last"] {
            try await producer.send(OutgoingRecord(topic: "work", key: "k", value: value, headers: [Header("own", "1")]))
        }
        let consumer = try Consumer(configuration)
        try consumer.subscribe(["work"])
        let tries = Mutex<[String: Int]>([:])
        var policy = ProcessingPolicy()
        policy.deadLetterTopic = "dead"
        try await consumer.process(policy, deadLetters: producer) { record in
            let value = record.value?.string ?? ""
            let attempt = tries.withLock { tries in
                tries[value, default: 0] += 1
                return tries[value] ?? 0
            }
            if value == "bad" || value == "shaky" && attempt < 3 { throw Unlucky() }
            if value == "last" { consumer.wakeup() }
        }
        #expect(tries.withLock { $0 } == ["good": 1, "bad": 10, "shaky": 3, "last": 1])
        let offset = try await consumer.committed([TopicPartition("work", 0)])[TopicPartition("work", 0)]?.offset
        #expect(offset == 4)
        await consumer.close()

        let reader = try Consumer(configuration)
        try reader.assign([TopicPartition("dead", 0)])
        let dead = try await read(reader, 1)[0]
        let headers = Dictionary(uniqueKeysWithValues: dead.headers.map { ($0.key, $0.value?.string ?? "") })
        #expect(dead.value?.string == "bad" && dead.key?.string == "k" && headers["own"] == "1")
        #expect(headers["dead-letter.topic"] == "work" && headers["dead-letter.partition"] == "0" && headers["dead-letter.offset"] == "1")
        #expect(headers["dead-letter.attempts"] == "10" && headers["dead-letter.error"] == "Unlucky()")
        await reader.close()
        await producer.close()
        _ = broker
    }

    /// Without a dead-letter topic processing ends, and the failed record is the next to be read.
    @Test func withoutABurialPlaceProcessingEndsBeforeTheRecord() async throws {
        let (broker, configuration) = try await setUp(["work": 1])
        let producer = try Producer(configuration)
        for value in ["good", "bad", "last"] { try await producer.send(OutgoingRecord(topic: "work", key: nil, value: value)) }
        let consumer = try Consumer(configuration)
        try consumer.subscribe(["work"])
        var policy = ProcessingPolicy()
        policy.onError = { _, _, _ in .stop }
        await #expect(throws: Unlucky.self) {
            try await consumer.process(policy) { record in if record.value?.string == "bad" { throw Unlucky() } }
        }
        await consumer.close()
        let next = try Consumer(configuration)
        try next.subscribe(["work"])
        #expect(try await read(next, 1).first?.offset == 1)
        await next.close()
        await producer.close()
        _ = broker
    }

    @Test func adminSeesAndChanges() async throws {
        let (broker, configuration) = try await setUp(["things": 2])
        let admin = try Admin(configuration)
        let cluster = try await admin.describeCluster()
        #expect(cluster.brokers.map(\.id) == [1])
        #expect(try await admin.listTopics() == ["things"])
        #expect(try await admin.describeTopics(["things"])[0].partitions.map(\.leader) == [1, 1])
        #expect(try await admin.createPartitions(["things": 3]).isEmpty)
        #expect(try await admin.createTopics([TopicPlan("things", partitions: 1, replicas: 1)])["things"]?.name == "TOPIC_ALREADY_EXISTS")
        try await admin.alterConfigs(.topic("things"), ["retention.ms": .set("1000")])
        let retention = try await admin.describeConfigs(.topic("things")).first { $0.name == "retention.ms" }
        #expect(retention?.value == "1000" && retention?.source == .topic)
        let place = TopicPartition("things", 0)
        #expect(try await admin.alterOffsets(ofGroup: "g", [place: OffsetAndMetadata(3, metadata: "m")]).isEmpty)
        #expect(try await admin.listOffsets(ofGroup: "g") == [place: OffsetAndMetadata(3, metadata: "m")])
        #expect(try await admin.listGroups().map(\.group) == ["g"])
        try await admin.deleteGroup("g")
        #expect(try await admin.listOffsets([place: -1])[place]?.offset == 0)
        #expect(try await admin.describeLogDirs(broker: 1).first?.partitionBytes[place] == 0)
        #expect(try await admin.deleteTopics(["things"]).isEmpty)
        admin.close()
        _ = broker
    }
}
