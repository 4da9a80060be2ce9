import Broker
import Controller
import Primitives
import Records
import Wire

// What tests and scenarios ask of a cluster all the time, by way of one broker, or of whoever leads.
extension World {
    /// Any broker that runs and is ready; the first by number.
    package var anyBroker: BrokerID? { nodes.values.first { $0.isReady && !$0.isPaused && $0.config.isBroker }?.id }

    /// What a broker (any that is ready, where none is named) tells about topics.
    package func metadata(_ topics: [String], from broker: BrokerID? = nil) throws -> MetadataResponse {
        guard let asked = broker ?? anyBroker else { throw NoAnswer(api: "Metadata", broker: .none) }
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = topics.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        return try ask(request, of: asked)
    }

    /// The name of a topic as any broker that runs knows it.
    func topicName(_ id: UUID) -> String? {
        for node in nodes.values {
            if let topic = node.broker?.image.topics.values.first(where: { $0.id == id }) { return topic.name }
        }
        return nil
    }

    /// The leader of a partition as a broker tells it; nil where there is none.
    package func leader(_ topic: String, _ partition: Int32 = 0, from broker: BrokerID? = nil) throws -> BrokerID? {
        let answer = try metadata([topic], from: broker)
        guard let found = answer.topics.first?.partitions.first(where: { $0.partitionIndex == partition }) else { return nil }
        return found.leaderID >= 0 ? BrokerID(found.leaderID) : nil
    }

    /// Makes a topic and steps until every ready broker knows a leader for each of its partitions.
    package func makeTopic(
        _ name: String, partitions: Int32 = 1, replicas: Int16 = -1, configs: [(String, String)] = []
    ) throws {
        guard let broker = anyBroker else { throw NoAnswer(api: "CreateTopics", broker: .none) }
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = replicas
        topic.configs = configs.map { key, value in
            var config = CreateTopicsRequest.Config()
            config.name = key
            config.value = value
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.timeoutMs = 10_000
        let answer = try ask(request, of: broker)
        guard let made = answer.topics.first, made.errorCode == .none else {
            throw KafkaRefusal(api: "CreateTopics", code: answer.topics.first?.errorCode ?? .unknownServerError)
        }
        let ready = nodes.values.filter { $0.isReady && !$0.isPaused && $0.config.isBroker }.map(\.id)
        for broker in ready {
            for _ in 0..<100 {
                let told = try metadata([name], from: broker).topics.first
                if told?.errorCode == ErrorCode.none, told?.partitions.allSatisfy({ $0.leaderID >= 0 }) == true { break }
                run(milliseconds: 20)
            }
        }
    }

    /// Appends records at the partition's leader with acks=all and gives the first one's offset. Tries again, for ten seconds, where the
    /// leader moves meanwhile.
    @discardableResult
    package func produce(_ topic: String, _ values: [String], partition: Int32 = 0, acks: Int16 = -1) throws -> Int64 {
        var last = ErrorCode.leaderNotAvailable
        for _ in 0..<50 {
            if let leader = try leader(topic, partition), node(leader).isReady {
                let request = World.produceRequest(topic, values, partition: partition, acks: acks, at: now)
                let pending = send(request, to: leader, version: 9)
                try run("an answer to Produce") { _ in pending.isDone }
                let answer = pending.response?.topics.first?.partitions.first
                if let answer, answer.errorCode == .none { return answer.baseOffset }
                last = answer?.errorCode ?? last
                if answer != nil && !last.isRetriable { break }
            }
            run(milliseconds: 200)
        }
        throw KafkaRefusal(api: "Produce", code: last)
    }

    static func produceRequest(
        _ topic: String, _ values: [String], partition: Int32, acks: Int16, at now: Instant, producer: (id: Int64, sequence: Int32)? = nil
    ) -> ProduceRequest {
        var builder = producer.map { BatchBuilder(producerID: $0.id, producerEpoch: 0, baseSequence: $0.sequence) } ?? BatchBuilder()
        let time = Timestamp(milliseconds: World.wallStart + now.nanoseconds / 1_000_000)
        for value in values { builder.append(timestamp: time, key: nil, value: Bytes(value)) }
        var part = ProduceRequest.Partition()
        part.index = partition
        part.records = .bytes(builder.buildUncompressed())
        var entry = ProduceRequest.Topic()
        entry.name = topic
        entry.partitions = [part]
        var request = ProduceRequest()
        request.acks = acks
        request.timeoutMs = 10_000
        request.topics = [entry]
        return request
    }

    /// Everything a partition shows to a consumer from an offset on, read from its leader.
    package func read(_ topic: String, partition: Int32 = 0, from start: Int64 = 0, broker: BrokerID? = nil) throws -> [String] {
        var values: [String] = []
        var offset = start
        var damaged = 0
        while true {
            let part = try fetch(topic, partition, from: offset, broker)
            guard let bytes = part.records.inMemory, !bytes.isEmpty else { return values }
            var walk = BatchWalk(bytes)
            while let batch = try walk.next() {
                // As a consumer does that checks: what is damaged is asked for again.
                guard batch.isChecksumValid, batch.header.nextOffset > Offset(offset) else {
                    damaged += 1
                    guard damaged < 50 else { throw KafkaRefusal(api: "Fetch", code: .corruptMessage) }
                    run(milliseconds: 200)
                    break
                }
                if !batch.header.isControl {
                    for record in try batch.records(.uncompressed) where record.offset >= Offset(offset) {
                        values.append(record.value?.lossyString ?? "null")
                    }
                }
                offset = (batch.header.lastOffset + 1).rawValue
            }
        }
    }

    /// One fetch from the leader, or the broker that is named. Tries again, for ten seconds, where the leader moves meanwhile.
    private func fetch(_ topic: String, _ partition: Int32, from offset: Int64, _ broker: BrokerID?) throws -> FetchResponse.Partition {
        var last = ErrorCode.leaderNotAvailable
        for _ in 0..<50 {
            if let source = try broker ?? leader(topic, partition), node(source).isReady {
                let answer = try ask(World.fetchRequest(topic, partition, from: offset), of: source, version: 12)
                if let part = answer.topics.first?.partitions.first, part.errorCode == .none { return part }
                last = answer.topics.first?.partitions.first?.errorCode ?? answer.errorCode
                if !last.isRetriable { break }
            }
            run(milliseconds: 200)
        }
        throw KafkaRefusal(api: "Fetch", code: last)
    }

    static func fetchRequest(_ topic: String, _ partition: Int32, from offset: Int64) -> FetchRequest {
        var part = FetchRequest.Partition()
        part.partition = partition
        part.fetchOffset = offset
        part.partitionMaxBytes = 1 << 20
        var entry = FetchRequest.Topic()
        entry.topic = topic
        entry.partitions = [part]
        var request = FetchRequest()
        request.maxWaitMs = 0
        request.topics = [entry]
        return request
    }
}

/// A broker's refusal.
package struct KafkaRefusal: Error, Equatable, CustomStringConvertible {
    package var api: String
    package var code: ErrorCode
    package var description: String { "\(api): \(code.name)" }
}
