import ClientCore
import Primitives
import Records
import Testing
import Wire

/// Stories of the producer: batches, partitions, retries without duplicates.
@Suite struct ProducerTests {
    typealias Story = MachineStory<ProducerMachine>

    private func story(_ change: (inout ProducerOptions) -> Void = { _ in }, leaders: [Int32] = [1, 1, 1]) -> Story {
        var options = ProducerOptions()
        change(&options)
        var story = Story(ProducerMachine(options, codecs: .uncompressed))
        story.start()
        story.receive(.send(number: 0, record("first", key: "k")))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: leaders))
        return story
    }

    private func record(_ value: String, key: String? = nil, partition: Int32? = nil) -> ProducerRecord {
        ProducerRecord(topic: "log", partition: partition, key: key.map { Bytes($0) }, value: Bytes(value))
    }

    private func identity(_ id: Int64 = 42) -> InitProducerIDResponse {
        var response = InitProducerIDResponse()
        (response.producerID, response.producerEpoch) = (id, 0)
        return response
    }

    private func produced(_ story: Story, _ code: ErrorCode = .none, base: Int64 = 100) -> ProduceResponse {
        var response = ProduceResponse()
        let request = story.request(ProduceRequest.self)?.message
        response.topics = (request?.topics ?? []).map { topic in
            var answered = ProduceResponse.Topic()
            answered.name = topic.name
            answered.partitions = topic.partitions.map { partition in
                var outcome = ProduceResponse.Partition()
                (outcome.index, outcome.errorCode, outcome.baseOffset) = (partition.index, code, base)
                return outcome
            }
            return answered
        }
        return response
    }

    private func batches(_ story: Story) -> [(partition: Int32, batch: RecordBatch)] {
        guard let request = story.request(ProduceRequest.self)?.message else { return [] }
        return request.topics.flatMap { topic in
            topic.partitions.map { ($0.index, try! BatchWalk.all(in: $0.records.inMemory!)[0]) }
        }
    }

    @Test func batchWaitsForCompanyAndIsNumbered() throws {
        var story = story()
        #expect(story.sentKeys == [.initProducerID])
        story.answer(identity())
        #expect(story.sent.isEmpty)
        story.receive(.send(number: 1, record("second", key: "k")))
        story.advance(5)
        let sent = batches(story)
        #expect(sent.map(\.partition) == [keyedPartition(Bytes("k"), of: 3)])
        #expect(sent[0].batch.header.recordCount == 2)
        #expect(sent[0].batch.header.producerID == 42)
        #expect(sent[0].batch.header.baseSequence == 0)
        #expect(sent[0].batch.isChecksumValid)
        story.answer(produced(story))
        let partition = TopicPartition("log", sent[0].partition)
        #expect(story.outputs == [.delivered(number: 0, partition, 100), .delivered(number: 1, partition, 101)])
        story.receive(.send(number: 2, record("third", key: "k")))
        story.advance(5)
        #expect(batches(story)[0].batch.header.baseSequence == 2)
    }

    @Test func batchThatIsSentAgainIsTheSameBatch() {
        var story = story()
        story.answer(identity())
        story.advance(5)
        let first = batches(story)[0].batch.bytes
        story.fail(.produce, .disconnected("reset"))
        #expect(story.outputs.isEmpty)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [2, 2, 2]))
        story.advance(200)
        #expect(batches(story)[0].batch.bytes == first)
        #expect(story.request(ProduceRequest.self)?.target == .broker(2))
        story.answer(produced(story))
        #expect(story.outputs.count == 1)
    }

    @Test func orderIsKeptOverRetries() {
        var story = story()
        story.answer(identity())
        story.advance(5)
        story.receive(.send(number: 1, record("second", key: "k")))
        story.advance(50)
        #expect(batches(story).count == 1)
        story.answer(produced(story, .notEnoughReplicas))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 1, 1]))
        story.advance(200)
        #expect(batches(story)[0].batch.header.recordCount == 1)
        #expect(batches(story)[0].batch.header.baseSequence == 0)
        story.answer(produced(story))
        story.advance(10)
        #expect(batches(story)[0].batch.header.baseSequence == 1)
    }

    @Test func refusalForGoodIsToldWithKafkasName() {
        var story = story()
        story.answer(identity())
        story.advance(5)
        story.answer(produced(story, .messageTooLarge))
        #expect(story.outputs == [.failed(number: 0, .kafka(.messageTooLarge, message: nil))])
    }

    // MARK: Given up

    /// Two partitions, each with a batch under way.
    private func twoUnderWay(_ change: (inout ProducerOptions) -> Void = { _ in }) -> Story {
        var options = ProducerOptions()
        change(&options)
        var story = Story(ProducerMachine(options, codecs: .uncompressed))
        story.start()
        story.receive(.send(number: 0, record("a", partition: 0)))
        story.receive(.send(number: 1, record("b", partition: 1)))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        story.answer(identity())
        story.advance(5)
        return story
    }

    private func headers(_ story: Story) -> [Int32: BatchHeader] {
        var found: [Int32: BatchHeader] = [:]
        for entry in story.sent {
            guard let request = entry.request.message as? ProduceRequest else { continue }
            for partition in request.topics.flatMap(\.partitions) {
                found[partition.index] = try! BatchWalk.all(in: partition.records.inMemory!)[0].header
            }
        }
        return found
    }

    /// A batch that may be in the log is given up: what follows in its partition begins a new epoch, so that a late copy is refused, and
    /// a batch of another partition keeps its number, so that it is not written twice.
    @Test func givenUpBatchEndsItsEpochAndNobodyElses() {
        var story = twoUnderWay { $0.deliveryTimeoutMs = 1_000 }
        story.receive(.send(number: 2, record("c", partition: 0)))
        let second = headers(story)[1]
        story.fail(.produce, .disconnected("reset"))
        story.fail(.produce, .disconnected("reset"))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [-1, 2]))
        story.advance(100)
        #expect(headers(story)[1] == second)
        story.answer(produced(story))
        story.advance(900)
        #expect(story.outputs.contains(.failed(number: 0, .timedOut("Produce"))))
        story.receive(.send(number: 3, record("d", partition: 0)))
        story.receive(.send(number: 4, record("e", partition: 1)))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        story.advance(500)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        story.advance(5)
        let after = headers(story)
        #expect([after[0]?.producerID, after[1]?.producerID] == [42, 42])
        #expect([after[0]?.producerEpoch, after[1]?.producerEpoch] == [1, 0])
        #expect([after[0]?.baseSequence, after[1]?.baseSequence] == [0, 1])
    }

    @Test func batchThatIsSurelyNotWrittenSpendsNoSequence() {
        var story = twoUnderWay()
        story.answer(produced(story, .messageTooLarge))
        story.receive(.send(number: 2, record("c", partition: 0)))
        story.advance(5)
        #expect(headers(story)[0]?.producerEpoch == 0)
        #expect(headers(story)[0]?.baseSequence == 0)
    }

    @Test func brokerThatLostWhatItAcknowledgedIsWrittenToInANewEpoch() {
        var story = twoUnderWay()
        story.answer(produced(story))
        story.receive(.send(number: 2, record("c", partition: 0)))
        story.advance(5)
        story.answer(produced(story))
        #expect(headers(story)[0]?.baseSequence == 1)
        story.answer(produced(story, .outOfOrderSequenceNumber))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        story.advance(200)
        #expect(headers(story)[0]?.producerEpoch == 1)
        #expect(headers(story)[0]?.baseSequence == 0)
        story.answer(produced(story))
        #expect(story.outputs.last == .delivered(number: 2, TopicPartition("log", 0), 100))
    }

    @Test func batchThatTheBrokerHadLongAgoCountsAsWritten() {
        var story = twoUnderWay()
        story.answer(produced(story, .duplicateSequenceNumber))
        #expect(story.outputs == [.delivered(number: 0, TopicPartition("log", 0), .none)])
    }

    /// The session has heard that the leader is gone before the producer has.
    @Test func leaderThatLeftTheClusterIsReplacedAndNothingFails() {
        var story = twoUnderWay()
        story.fail(.produce, .unknownBroker(1))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [2, 2]))
        story.answer(produced(story))
        story.advance(100)
        #expect(headers(story)[0]?.baseSequence == 0 && headers(story)[0]?.producerEpoch == 0)
        story.answer(produced(story))
        #expect(story.outputs.count == 2)
        #expect(story.outputs.allSatisfy { if case .delivered = $0 { true } else { false } })
    }

    @Test func clusterWithoutALeaderIsNotAskedInACircle() {
        var story = twoUnderWay()
        story.fail(.produce, .disconnected("reset"))
        var asked = 0
        for _ in 0..<100 {
            if story.sentKeys.contains(.metadata) {
                asked += 1
                story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [-1, 2]))
            }
            story.advance(10)
        }
        #expect((2...8).contains(asked))
    }

    @Test func deliveryTimeoutEndsTheTrying() {
        var story = story { $0.deliveryTimeoutMs = 1_000 }
        story.answer(identity())
        story.advance(5)
        story.answer(produced(story, .notEnoughReplicas))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [-1, -1, -1]))
        story.advance(1_000)
        #expect(story.outputs == [.failed(number: 0, .timedOut("Produce"))])
    }

    @Test func clusterWithoutProducerIDsIsWrittenToWithout() {
        var story = story()
        story.fail(.initProducerID, .unsupported(api: "InitProducerId"))
        story.advance(5)
        #expect(batches(story)[0].batch.header.producerID == -1)
        #expect(batches(story)[0].batch.header.baseSequence == -1)
    }

    @Test func keylessRecordsStickToAPartitionForABatch() {
        var story = story { $0.isIdempotent = false }
        story.advance(5)
        story.answer(produced(story))
        for number in 1...10 { story.receive(.send(number: number, record("\(number)"))) }
        story.advance(5)
        #expect(batches(story).count == 1)
        #expect(batches(story)[0].batch.header.recordCount == 10)
    }

    @Test func fullBatchDoesNotLinger() {
        var story = story {
            $0.isIdempotent = false
            $0.lingerMs = 60_000
            $0.batchBytesMax = 1_000
        }
        #expect(story.sent.isEmpty)
        story.receive(.send(number: 1, record(String(repeating: "x", count: 995), key: "k")))
        #expect(batches(story).count == 1)
    }

    @Test func flushSendsAtOnceAndCloseFinishes() {
        var story = story { $0.isIdempotent = false; $0.lingerMs = 60_000 }
        story.receive(.flush)
        #expect(batches(story).count == 1)
        story.receive(.close)
        #expect(!story.isFinished)
        story.answer(produced(story))
        #expect(story.isFinished)
    }

    /// A hundred thousand records behind one batch: each costs the same, however many wait.
    @Test(.timeLimit(.minutes(1))) func manyWaitingRecordsAreNotWalkedForEachNewOne() {
        var story = story { $0.isIdempotent = false }
        story.advance(5)
        for number in 1...100_000 { story.receive(.send(number: number, record("\(number)", partition: 0))) }
        story.receive(.flush)
        var delivered = 0
        while delivered < 100_000 {
            story.answer(produced(story))
            let before = delivered
            delivered = story.outputs.count
            guard delivered > before else { break }
        }
        #expect(delivered == 100_001)
    }

    @Test func bufferIsBounded() {
        var story = story { $0.bufferedBytesMax = 10 }
        story.receive(.send(number: 1, record("more than there is room for")))
        #expect(story.outputs == [.failed(number: 1, .overloaded)])
    }

    @Test func unknownPartitionAndTopicAreTold() {
        var story = story { $0.isIdempotent = false }
        story.receive(.send(number: 1, record("x", partition: 9)))
        #expect(story.outputs == [.failed(number: 1, .kafka(.unknownTopicOrPartition, message: "partition 9 of log does not exist"))])
        story.receive(.send(number: 2, ProducerRecord(topic: "bad name!", value: nil)))
        var answer = SessionStory.metadata(brokers: 1, topic: "bad name!")
        answer.topics[0].errorCode = .invalidTopicException
        story.answer(answer)
        #expect(story.outputs.last == .failed(number: 2, .kafka(.invalidTopicException, message: "bad name!")))
    }
}
