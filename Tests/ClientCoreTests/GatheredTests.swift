import ClientCore
import Primitives
import Records
import Testing
import Wire

/// Stories of a producer that is given records gathered into batches: it deals with them as with the same records one by one.
@Suite struct GatheredTests {
    typealias Story = MachineStory<ProducerMachine>

    private func options(_ change: (inout ProducerOptions) -> Void = { _ in }) -> ProducerOptions {
        var options = ProducerOptions()
        (options.lingerMs, options.tellsTopics) = (0, true)
        change(&options)
        return options
    }

    /// A producer that has written one record to partition 0 of two, and what gathers for it.
    private func story(_ options: ProducerOptions) -> (story: Story, gatherer: RecordGatherer) {
        var story = Story(ProducerMachine(options, codecs: .uncompressed))
        story.start()
        story.receive(.send(number: 0, ProducerRecord(topic: "log", partition: 0, value: Bytes("first"))))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        #expect(story.outputs == [.topic("log", partitions: 2, writable: [0, 1])])
        if options.isIdempotent {
            var identity = InitProducerIDResponse()
            (identity.producerID, identity.producerEpoch) = (42, 0)
            story.answer(identity)
        }
        story.receive(.flush)
        answer(&story)
        story.outputs = []
        var gatherer = RecordGatherer(options)
        gatherer.learn("log", partitions: 2, writable: [0, 1])
        return (story, gatherer)
    }

    private func gather(_ values: [String], _ gatherer: inout RecordGatherer, _ story: Story, topic: String = "log") -> [GatheredRecords] {
        for value in values {
            let added = gatherer.add(
                topic, 0, timestamp: story.now.wall, key: nil, value: Bytes(value), headers: [], bytes: value.utf8.count,
                now: { story.now.instant })
            #expect(added != nil)
        }
        return gatherer.take(now: story.now.instant, all: true)
    }

    private func send(_ values: [String], _ gatherer: inout RecordGatherer, _ story: inout Story) {
        story.receive(.gathered([], gather(values, &gatherer, story)))
    }

    private func answer(_ story: inout Story, _ code: ErrorCode = .none, base: Int64 = 0) {
        var row = ProduceResponse.Partition()
        (row.errorCode, row.baseOffset) = (code, base)
        var topic = ProduceResponse.Topic()
        topic.name = "log"
        topic.partitions = [row]
        var answer = ProduceResponse()
        answer.topics = [topic]
        story.answer(answer)
    }

    private func leaders(_ story: inout Story) { story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2])) }

    private func batches(_ story: Story) -> [RecordBatch] {
        story.sent.flatMap { entry -> [RecordBatch] in
            guard let request = entry.request.message as? ProduceRequest else { return [] }
            return request.topics.flatMap(\.partitions).flatMap { try! BatchWalk.all(in: $0.records.inMemory!) }
        }
    }

    /// Epoch and first sequence of each batch under way, with its values.
    private func underWay(_ story: Story) -> [String] {
        batches(story).map { batch in
            #expect(batch.isChecksumValid)
            let values = try! batch.records(.uncompressed).map { $0.value!.lossyString }
            return "\(batch.header.producerEpoch) \(batch.header.baseSequence) " + values.joined(separator: ",")
        }
    }

    private let log = TopicPartition("log", 0)

    @Test func batchIsThatOfTheSameRecordsOneByOne() {
        var (one, gatherer) = story(options { $0.lingerMs = 5 })
        var (other, _) = story(options { $0.lingerMs = 5 })
        send(["a", "b", "c"], &gatherer, &one)
        for (number, value) in ["a", "b", "c"].enumerated() {
            other.receive(.send(number: number, ProducerRecord(topic: "log", partition: 0, value: Bytes(value))))
        }
        other.advance(5)
        // What was gathered has lingered.
        #expect(batches(one).map(\.bytes) == batches(other).map(\.bytes))
        answer(&one, base: 7)
        #expect(one.outputs == [.written(serial: 0, 0..<3, log, 7)])
    }

    @Test func whatWaitsGoesTogether() {
        var (story, gatherer) = story(options { $0.inFlightMax = 1 })
        send(["a"], &gatherer, &story)
        send(["b", "c"], &gatherer, &story)
        story.receive(.send(number: 9, ProducerRecord(topic: "log", partition: 0, value: Bytes("d"))))
        send(["e", "f"], &gatherer, &story)
        #expect(underWay(story) == ["0 1 a"])
        answer(&story, base: 1)
        #expect(underWay(story) == ["0 2 b,c,d,e,f"])
        answer(&story, base: 2)
        #expect(
            story.outputs == [
                .written(serial: 0, 0..<1, log, 1), .written(serial: 1, 0..<2, log, 2), .delivered(number: 9, log, 4),
                .written(serial: 2, 0..<2, log, 5),
            ])
    }

    @Test func batchThatIsTooLargeIsSplitAndKeepsItsNumbers() {
        var (story, gatherer) = story(options())
        send(["a", "b", "c"], &gatherer, &story)
        answer(&story, .messageTooLarge)
        #expect(underWay(story) == ["0 1 a"])
        answer(&story, base: 1)
        #expect(underWay(story) == ["0 2 b,c"])
        answer(&story, .messageTooLarge)
        answer(&story, .messageTooLarge)
        answer(&story, base: 2)
        #expect(
            story.outputs == [
                .written(serial: 0, 0..<1, log, 1), .lost(serial: 0, 1..<2, .kafka(.messageTooLarge, message: nil)),
                .written(serial: 0, 2..<3, log, 2),
            ])
    }

    /// One is refused for good; the others were refused for the gap, and go on in the next epoch.
    @Test func gapIsClosedByANewEpoch() {
        var (story, gatherer) = story(options())
        for values in [["a", "b"], ["c", "d"], ["e"]] { send(values, &gatherer, &story) }
        answer(&story, .invalidRecord)
        answer(&story, .outOfOrderSequenceNumber)
        send(["f"], &gatherer, &story)
        answer(&story, .outOfOrderSequenceNumber)
        #expect(underWay(story) == ["1 0 c,d,e,f"])
        answer(&story, base: 3)
        #expect(
            story.outputs == [
                .lost(serial: 0, 0..<2, .kafka(.invalidRecord, message: nil)), .written(serial: 1, 0..<1, log, 3),
                .written(serial: 1, 1..<2, log, 4), .written(serial: 2, 0..<1, log, 5), .written(serial: 3, 0..<1, log, 6),
            ])
    }

    @Test func brokenConnectionSendsTheSameBytesAgain() {
        var (story, gatherer) = story(options())
        send(["a", "b"], &gatherer, &story)
        let first = batches(story).map(\.bytes)
        story.fail(.produce, .disconnected("reset"))
        leaders(&story)
        story.advance(1_000)
        #expect(batches(story).map(\.bytes) == first)
    }

    @Test func recordsThatTakeTooLongAreLost() {
        var (story, gatherer) = story(options { $0.deliveryTimeoutMs = 1_000 })
        send(["a", "b"], &gatherer, &story)
        story.fail(.produce, .unreachable("down"))
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [-1, 2]))
        story.advance(500)
        send(["c"], &gatherer, &story)
        story.advance(500)
        #expect(story.outputs.contains(.lost(serial: 0, 0..<2, .timedOut("Produce"))))
        #expect(!story.outputs.contains(.lost(serial: 1, 0..<1, .timedOut("Produce"))))
        story.advance(500)
        #expect(story.outputs.contains(.lost(serial: 1, 0..<1, .timedOut("Produce"))))
    }

    /// The machine has forgotten the topic, or never knew it.
    @Test func topicThatIsNotKnownIsAskedFor() {
        var (story, gatherer) = story(options())
        gatherer.learn("new", partitions: 1, writable: [0])
        story.receive(.gathered([], gather(["a", "b"], &gatherer, story, topic: "new")))
        #expect(story.sentKeys == [.metadata])
        story.answer(SessionStory.metadata(brokers: 2, topic: "new", leaders: [2]))
        #expect(underWay(story) == ["0 0 a,b"])
        #expect(story.outputs.contains(.topic("new", partitions: 1, writable: [0])))
    }

    @Test func partitionThatDoesNotExistIsRefused() {
        var (story, gatherer) = story(options())
        gatherer.learn("log", partitions: 3, writable: [2])
        let added = gatherer.add(
            "log", nil, timestamp: 1, key: nil, value: nil, headers: [], bytes: 0, now: { story.now.instant })
        #expect(added != nil)
        story.receive(.gathered([], gatherer.take(now: story.now.instant, all: true)))
        guard case .lost(0, 0..<1, .kafka(.unknownTopicOrPartition, _)) = story.outputs.last else {
            Issue.record("taken for a partition: \(story.outputs)")
            return
        }
    }

    @Test func closedProducerRefuses() {
        var (story, gatherer) = story(options())
        send(["a"], &gatherer, &story)
        story.receive(.close)
        send(["b", "c"], &gatherer, &story)
        #expect(story.outputs == [.lost(serial: 1, 0..<2, .stopped)])
        answer(&story)
        #expect(story.isFinished)
    }

    @Test func withoutATransactionNothingIsTaken() {
        let options = options { $0.transactionalID = "t" }
        var story = Story(ProducerMachine(options, codecs: .uncompressed))
        var gatherer = RecordGatherer(options)
        gatherer.learn("log", partitions: 1, writable: [0])
        story.start()
        send(["a", "b"], &gatherer, &story)
        #expect(story.outputs == [.lost(serial: 0, 0..<2, .illegal("send before the transactions are initialised"))])
    }
}
