import Client
import ClientCore
import Primitives
import Records
import Testing
import Wire

/// The client against a real broker over loopback.
@Suite struct LiveClientTests {
    private func createTopic(_ broker: LiveBroker, _ name: String, partitions: Int32) throws {
        var request = CreateTopicsRequest()
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = 1
        request.topics = [topic]
        let answer = try broker.client.send(request, to: .controller)
        #expect(answer.topics.map(\.errorCode) == [.none])
    }

    private func readAll(_ broker: LiveBroker, _ options: ReaderOptions) throws -> [ReadRecord] {
        let reader = TopicReader(broker.client, options)
        var records: [ReadRecord] = []
        while true {
            switch reader.next(timeoutMs: 10_000) {
            case .output(.records(let more, _, _)): records += more
            case .output(.failed(_, let error)): throw error
            case .output: continue
            case .finished: return records
            case .nothingYet: throw TestProblem.noAnswer
            }
        }
    }

    @Test func metadataNamesTheBroker() throws {
        let broker = try LiveBroker()
        let answer = try broker.client.send(MetadataRequest())
        #expect(answer.brokers.map(\.nodeID) == [1])
        #expect(answer.brokers.first?.port == Int32(broker.port))
        #expect(answer.clusterID?.utf8.count == 22)
    }

    @Test(arguments: [Codec.none, .gzip, .snappy, .lz4, .zstd]) func producedMessagesComeBack(codec: Codec) throws {
        let broker = try LiveBroker()
        try createTopic(broker, "orders", partitions: 3)
        var options = ProducerOptions()
        options.codec = codec
        let producer = SimpleProducer(broker.client, options)
        for index in 0..<500 {
            let record = ProducerRecord(
                topic: "orders", key: Bytes("key-\(index % 7)"), value: Bytes("value \(index) of some length, so that it compresses"),
                headers: [RecordHeader("n", Bytes("\(index)"))])
            #expect(producer.send(record))
        }
        #expect(producer.flush(timeoutMs: 20_000))
        let records = try readAll(broker, ReaderOptions(topics: ["orders"], start: .earliest, stop: .atEnd))
        #expect(records.count == 500)
        for index in 0..<7 {
            let key = Bytes("key-\(index)")
            let mine = records.filter { $0.key == key }
            #expect(Set(mine.map(\.partition)) == [TopicPartition("orders", keyedPartition(key, of: 3))])
            let numbers = mine.compactMap { $0.headers.first?.value?.string }.compactMap { Int($0) }
            #expect(numbers == Array(stride(from: index, to: 500, by: 7)))
        }
    }

    @Test func readingStartsWhereItIsTold() throws {
        let broker = try LiveBroker()
        try createTopic(broker, "log", partitions: 1)
        let producer = SimpleProducer(broker.client)
        for index in 0..<20 {
            let time = Timestamp(milliseconds: 1_700_000_000_000 + Int64(index) * 1000)
            _ = try producer.sendAndWait(ProducerRecord(topic: "log", value: Bytes("\(index)"), timestamp: time))
        }
        func values(_ start: ReadStart) throws -> [String] {
            try readAll(broker, ReaderOptions(topics: ["log"], start: start, stop: .atEnd)).compactMap { $0.value?.string }
        }
        #expect(try values(.earliest).count == 20)
        #expect(try values(.latest) == [])
        #expect(try values(.last(3)) == ["17", "18", "19"])
        #expect(try values(.offset(18)) == ["18", "19"])
        #expect(try values(.offset(999)) == [])
        #expect(try values(.timestamp(Timestamp(milliseconds: 1_700_000_015_500))) == ["16", "17", "18", "19"])
        #expect(try values(.last(1000)).count == 20)
    }

    @Test func tailSeesWhatIsWrittenLater() throws {
        let broker = try LiveBroker()
        try createTopic(broker, "live", partitions: 2)
        let reader = TopicReader(broker.client, ReaderOptions(topics: ["live"], start: .latest))
        guard case .output(.started(let positions)) = reader.next(timeoutMs: 10_000) else { throw TestProblem.noAnswer }
        #expect(positions.map(\.partition) == [TopicPartition("live", 0), TopicPartition("live", 1)])
        _ = try SimpleProducer(broker.client).sendAndWait(ProducerRecord(topic: "live", partition: 1, value: Bytes("hello")))
        var seen: [ReadRecord] = []
        while seen.isEmpty {
            switch reader.next(timeoutMs: 10_000) {
            case .output(.records(let records, _, _)): seen += records
            case .output: continue
            case .finished, .nothingYet: throw TestProblem.noAnswer
            }
        }
        #expect(seen.map { $0.value?.string } == ["hello"])
        #expect(seen.first?.partition == TopicPartition("live", 1))
    }

    @Test func unknownTopicIsAClearError() throws {
        let broker = try LiveBroker()
        #expect(throws: ClientError.kafka(.unknownTopicOrPartition, message: "nope")) {
            _ = try readAll(broker, ReaderOptions(topics: ["nope"], start: .earliest, stop: .atEnd))
        }
    }

    @Test func refusedConnectionIsToldAtOnce() throws {
        let broker = try LiveBroker()
        broker.stopBroker()
        let client = ClusterClient(bootstrap: [ServerAddress(host: "127.0.0.1", port: Int32(broker.port))])
        do {
            _ = try client.send(MetadataRequest(), timeoutMs: 5_000)
            Issue.record("a stopped broker answered")
        } catch {
            guard case .unreachable(let reason) = error else { throw error }
            #expect(reason.contains("127.0.0.1:\(broker.port)"))
            #expect(reason.contains("refused"))
        }
    }

    @Test func clientGoesOnAfterTheBrokerRestarts() throws {
        let broker = try LiveBroker()
        try createTopic(broker, "kept", partitions: 1)
        let producer = SimpleProducer(broker.client)
        _ = try producer.sendAndWait(ProducerRecord(topic: "kept", value: Bytes("before")))
        broker.stopBroker()
        try broker.startBroker()
        let delivery = try producer.sendAndWait(ProducerRecord(topic: "kept", value: Bytes("after")))
        #expect(delivery.offset == 1)
        let records = try readAll(broker, ReaderOptions(topics: ["kept"], start: .earliest, stop: .atEnd))
        #expect(records.compactMap { $0.value?.string } == ["before", "after"])
    }
}
