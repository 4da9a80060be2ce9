import ClientCore
import Primitives
import Records
import Testing
import Wire

/// Stories of a producer with several batches of a partition under way: what happens to the others when one fails.
@Suite struct ProducerPipelineTests {
    typealias Story = MachineStory<ProducerMachine>

    /// One record a batch, all to partition 0, the first acknowledged: a broker that knows the producer.
    private func story(_ change: (inout ProducerOptions) -> Void = { _ in }) -> Story {
        var options = ProducerOptions()
        options.lingerMs = 0
        change(&options)
        var story = Story(ProducerMachine(options, codecs: .uncompressed))
        story.start()
        send(&story, 0)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        if options.isIdempotent {
            var identity = InitProducerIDResponse()
            (identity.producerID, identity.producerEpoch) = (42, 0)
            story.answer(identity)
        }
        story.receive(.flush)
        answer(&story)
        story.outputs = []
        return story
    }

    private func send(_ story: inout Story, _ number: Int, partition: Int32? = 0, key: String? = nil, value: String = "v") {
        let record = ProducerRecord(topic: "log", partition: partition, key: key.map { Bytes($0) }, value: Bytes(value))
        story.receive(.send(number: number, record))
    }

    private func answer(_ story: inout Story, _ code: ErrorCode = .none, base: Int64 = 0, partition: Int32 = 0) {
        var row = ProduceResponse.Partition()
        (row.index, row.errorCode, row.baseOffset) = (partition, code, base)
        var topic = ProduceResponse.Topic()
        topic.name = "log"
        topic.partitions = [row]
        var answer = ProduceResponse()
        answer.topics = [topic]
        story.answer(answer)
    }

    private func leaders(_ story: inout Story) { story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2])) }

    /// Epoch, first sequence and records of each batch under way.
    private func underWay(_ story: Story) -> [[Int32]] {
        story.sent.flatMap { entry -> [[Int32]] in
            guard let request = entry.request.message as? ProduceRequest else { return [] }
            return request.topics.flatMap(\.partitions).map { partition in
                let header = try! BatchWalk.all(in: partition.records.inMemory!)[0].header
                return [Int32(header.producerEpoch), header.baseSequence, header.recordCount]
            }
        }
    }

    private func delivered(_ story: Story) -> [Int] {
        story.outputs.compactMap { if case .delivered(let number, _, _) = $0 { number } else { nil } }
    }

    @Test func fiveGoAtOnceAndNoMore() {
        var story = story()
        for number in 1...8 { send(&story, number) }
        #expect(underWay(story) == (1...5).map { [0, Int32($0), 1] })
        answer(&story)
        // What waited meanwhile goes together.
        #expect(underWay(story).last == [0, 6, 3])
        #expect(delivered(story) == [1])
    }

    /// A broker that has not heard of a producer would take whatever comes first.
    @Test func firstBatchOfAnEpochGoesAlone() {
        var story = Story(ProducerMachine(ProducerOptions(), codecs: .uncompressed))
        story.start()
        send(&story, 0)
        story.receive(.flush)
        leaders(&story)
        var identity = InitProducerIDResponse()
        identity.producerID = 42
        story.answer(identity)
        send(&story, 1)
        story.receive(.flush)
        #expect(underWay(story).count == 1)
        answer(&story)
        send(&story, 2)
        story.receive(.flush)
        #expect(underWay(story) == [[0, 1, 1], [0, 2, 1]])
    }

    @Test func whatWasSentBehindAFailureIsSentAgainInOrder() {
        var story = story()
        for number in 1...3 { send(&story, number) }
        answer(&story, .notEnoughReplicas)
        send(&story, 4)
        // The broker does not have the one before.
        answer(&story, .outOfOrderSequenceNumber)
        #expect(underWay(story) == [[0, 3, 1]])
        answer(&story, .outOfOrderSequenceNumber)
        leaders(&story)
        story.advance(100)
        #expect(underWay(story) == [[0, 1, 1]])
        answer(&story)
        #expect(underWay(story) == [[0, 2, 1]])
        answer(&story)
        // All that failed is under way again: what is new may follow.
        #expect(underWay(story) == [[0, 3, 1], [0, 4, 1]])
        answer(&story)
        answer(&story)
        #expect(delivered(story) == [1, 2, 3, 4])
    }

    /// Three were under way when the connection broke; the first is sent again.
    private func threeCutOff() -> Story {
        var story = story()
        for number in 1...3 { send(&story, number) }
        for _ in 1...3 { story.fail(.produce, .disconnected("reset")) }
        leaders(&story)
        story.advance(1_000)
        #expect(underWay(story) == [[0, 1, 1]])
        return story
    }

    /// The connection broke: all that was under way may be written, and says so when it comes again by its number.
    @Test func brokenConnectionSendsAllAgainOneByOne() {
        var story = threeCutOff()
        answer(&story)
        #expect(underWay(story) == [[0, 2, 1]])
        answer(&story, .duplicateSequenceNumber)
        #expect(underWay(story) == [[0, 3, 1]])
        answer(&story)
        #expect(delivered(story) == [1, 2, 3])
    }

    /// A broker that restarted knows the newest of what was under way only, and calls those before it out of order: they may be there.
    @Test func whatMayBeWrittenIsNotSentInANewEpoch() {
        var story = threeCutOff()
        answer(&story, .outOfOrderSequenceNumber)
        let lost = ClientError.kafka(.outOfOrderSequenceNumber, message: nil)
        let unknown = ClientError.timedOut(APIKey.produce.name)
        #expect(story.outputs == [.failed(number: 1, lost), .failed(number: 2, unknown), .failed(number: 3, unknown)])
        send(&story, 4)
        story.advance(1_000)
        #expect(underWay(story) == [[1, 0, 1]])
        answer(&story)
        #expect(delivered(story) == [4])
    }

    /// One is refused for good; the others were refused for the gap, and go on in the next epoch.
    @Test func gapIsClosedByANewEpoch() {
        var story = story()
        for number in 1...3 { send(&story, number) }
        answer(&story, .invalidRecord)
        #expect(story.outputs == [.failed(number: 1, .kafka(.invalidRecord, message: nil))])
        answer(&story, .outOfOrderSequenceNumber)
        answer(&story, .outOfOrderSequenceNumber)
        #expect(underWay(story) == [[1, 0, 2]])
        answer(&story)
        #expect(delivered(story) == [2, 3])
    }

    /// One that may be in the log is given up, and those behind it that may be there with it: sent under other numbers they could be
    /// there twice.
    @Test func whatMayComeLateIsNotSentUnderAnotherNumber() {
        var story = story { $0.deliveryTimeoutMs = 1_000 }
        send(&story, 1)
        send(&story, 2)
        for _ in 1...2 { story.fail(.produce, .disconnected("reset")) }
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [-1, 2]))
        story.advance(900)
        send(&story, 3)
        story.advance(101)
        #expect(story.outputs == [.failed(number: 1, .timedOut("Produce")), .failed(number: 2, .timedOut("Produce"))])
        leaders(&story)
        #expect(underWay(story) == [[1, 0, 1]])
    }

    @Test func refusalAtTheEndLeavesNoGap() {
        var story = story()
        send(&story, 1)
        answer(&story, .invalidRecord)
        send(&story, 2)
        #expect(underWay(story) == [[0, 1, 1]])
    }

    @Test func batchThatIsTooLargeIsSplitAndKeepsItsNumbers() {
        var story = story { $0.lingerMs = 10 }
        for number in 1...3 { send(&story, number) }
        story.advance(10)
        #expect(underWay(story) == [[0, 1, 3]])
        answer(&story, .messageTooLarge)
        #expect(underWay(story) == [[0, 1, 1]])
        answer(&story)
        #expect(underWay(story) == [[0, 2, 2]])
        answer(&story, .messageTooLarge)
        answer(&story)
        answer(&story, .messageTooLarge)
        #expect(delivered(story) == [1, 2])
        #expect(story.outputs.last == .failed(number: 3, .kafka(.messageTooLarge, message: nil)))
    }

    @Test func retriesAreCounted() {
        var story = story { $0.retriesMax = 1 }
        send(&story, 1)
        answer(&story, .notEnoughReplicas)
        leaders(&story)
        story.advance(100)
        answer(&story, .notEnoughReplicas)
        #expect(story.outputs == [.failed(number: 1, .kafka(.notEnoughReplicas, message: nil))])
    }

    @Test func writingWithoutAcknowledgementIsDoneWhenItIsSent() {
        var story = story { ($0.acks, $0.isIdempotent) = (.none, false) }
        send(&story, 1)
        #expect(story.request(ProduceRequest.self)?.message.acks == 0)
        story.answer(ProduceResponse())
        #expect(story.outputs == [.delivered(number: 1, TopicPartition("log", 0), .none)])
    }

    @Test func newLeaderOfARefusalIsBelieved() {
        var story = story()
        send(&story, 1)
        var row = ProduceResponse.Partition()
        row.errorCode = .notLeaderOrFollower
        (row.currentLeader.leaderID, row.currentLeader.leaderEpoch) = (2, 9)
        var topic = ProduceResponse.Topic()
        topic.name = "log"
        topic.partitions = [row]
        var refusal = ProduceResponse()
        refusal.topics = [topic]
        story.answer(refusal)
        story.advance(100)
        #expect(story.request(ProduceRequest.self)?.target == .broker(2))
    }

    // MARK: Where records go

    @Test func partitionersGoWhereTheySay() {
        #expect(story(partitioner: .roundRobin, records: 6) == [2, 2, 2])
        #expect(story(partitioner: .custom { record, count in record.key == nil ? count - 1 : 0 }, records: 4) == [2, 0, 2])
        // All of one batch to one partition.
        #expect(story(partitioner: .sticky, records: 4).sorted() == [0, 0, 4])
        #expect(story(partitioner: .byKey, records: 4).reduce(0, +) == 4)
    }

    /// Records by partition of a topic of three, every second one with a key.
    private func story(partitioner: ProducerOptions.Partitioner, records: Int) -> [Int] {
        var options = ProducerOptions()
        (options.partitioner, options.isIdempotent, options.lingerMs) = (partitioner, false, 1_000)
        var story = Story(ProducerMachine(options, codecs: .uncompressed))
        story.start()
        for number in 0..<records { send(&story, number, partition: nil, key: number % 2 == 0 ? "k" : nil) }
        story.answer(SessionStory.metadata(brokers: 1, topic: "log", leaders: [1, 1, 1]))
        story.receive(.flush)
        var counts = [0, 0, 0]
        for entry in story.sent {
            guard let request = entry.request.message as? ProduceRequest else { continue }
            for row in request.topics.flatMap(\.partitions) {
                counts[Int(row.index)] += Int(try! BatchWalk.all(in: row.records.inMemory!)[0].header.recordCount)
            }
        }
        return counts
    }

    @Test func partitionThatACustomOneInventsIsRefused() {
        var story = story { $0.partitioner = .custom { _, _ in 7 } }
        send(&story, 1, partition: nil)
        guard case .failed(1, .kafka(.unknownTopicOrPartition, _)) = story.outputs.last else {
            Issue.record("taken for a partition: \(story.outputs)")
            return
        }
    }
}
