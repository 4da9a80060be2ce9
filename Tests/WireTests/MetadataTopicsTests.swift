import Primitives
import Testing

@testable import Wire

/// A Metadata answer read topic by topic says what the same answer says read as a whole.
@Suite struct MetadataTopicsTests {
    private func sample(topics: Int) -> MetadataResponse {
        var answer = MetadataResponse()
        var broker = MetadataResponse.Broker()
        (broker.nodeID, broker.host, broker.port, broker.rack) = (7, "kafka-7", 9092, "a")
        (answer.brokers, answer.clusterID, answer.controllerID) = ([broker], "c1", 7)
        answer.topics = (0..<topics).map { index in
            var topic = MetadataResponse.Topic()
            (topic.name, topic.topicID, topic.isInternal) = ("topic-\(index)", UUID(high: 1, low: UInt64(index)), index % 3 == 0)
            if index == 4 { topic.errorCode = .topicAuthorizationFailed }
            topic.partitions = (0..<(index % 5)).map { number in
                var partition = MetadataResponse.Partition()
                (partition.partitionIndex, partition.leaderID, partition.leaderEpoch) = (Int32(number), 7, 300)
                (partition.replicaNodes, partition.isrNodes, partition.offlineReplicas) = ([7, 8, 9], [7, 8], number == 2 ? [9] : [])
                return partition
            }
            return topic
        }
        return answer
    }

    private func frame(_ answer: MetadataResponse, _ version: Int16) -> Bytes {
        encodeResponse(answer, version: version, correlationID: 5).bytes.dropFirst(4)
    }

    /// The whole answer, from its parts.
    private func joined(_ frame: Bytes, _ version: Int16) throws -> MetadataResponse {
        let parts = try MetadataTopics(frame, version: version)
        var whole = parts.head
        for index in parts.digests.indices { whole.topics.append(try parts.topic(at: index)) }
        return whole
    }

    @Test(arguments: Int16(1)...13)
    func saysWhatTheWholeAnswerSays(version: Int16) throws {
        for count in [0, 1, 200] {
            let frame = frame(sample(topics: count), version)
            #expect(try joined(frame, version) == decodeResponse(frame, to: MetadataRequest.self, version: version).response)
        }
    }

    /// What a topic says is its checksum; where it stands in the answer, who is asked and who controls is not.
    @Test func digestsTellWhatChanged() throws {
        var answer = sample(topics: 30)
        let before = try MetadataTopics(frame(answer, 12), version: 12).digests
        #expect(Set(before).count == 30)
        answer.controllerID = 9
        answer.topics.swapAt(3, 9)
        let moved = try MetadataTopics(frame(answer, 12), version: 12).digests
        #expect(moved.sorted() == before.sorted() && moved[3] == before[9])
        for change in 0..<5 {
            var other = answer
            switch change {
            case 0: other.topics[8].partitions[0].leaderID = 8
            case 1: other.topics[8].partitions[2].isrNodes = [7]
            case 2: other.topics[8].partitions.removeLast()
            case 3: other.topics[8].topicID = UUID(high: 2, low: 8)
            default: other.topics[8].partitions[1].leaderEpoch = 301
            }
            let after = try MetadataTopics(frame(other, 12), version: 12).digests
            #expect(after.indices.filter { after[$0] != moved[$0] } == [8])
        }
    }

    /// Bytes that end too early, or are anything else: an error, or an answer that can be read to its end.
    @Test(arguments: Int16(1)...13)
    func damagedBytesDoNotTrap(version: Int16) {
        let good = frame(sample(topics: 6), version).array
        for length in 0..<good.count {
            #expect(throws: WireError.self) { try MetadataTopics(Bytes(Array(good[..<length])), version: version) }
        }
        var random = PRNG(seed: UInt64(version))
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            _ = try? joined(Bytes(bytes), version)
        }
    }
}
