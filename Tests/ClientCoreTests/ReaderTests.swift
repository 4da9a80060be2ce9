import ClientCore
import Primitives
import Records
import Testing
import Wire

/// Stories of the topic reader: where it begins, what it hands out, and what it does when something is amiss.
@Suite struct ReaderTests {
    typealias Story = MachineStory<TopicReaderMachine>

    func story(_ options: ReaderOptions, leaders: [Int32] = [1]) -> Story {
        var story = Story(TopicReaderMachine(options, codecs: .uncompressed))
        story.start()
        story.answer(SessionStory.metadata(brokers: 3, topic: "log", leaders: leaders))
        return story
    }

    /// Answers every ListOffsets under way from these bounds.
    func answerOffsets(_ story: inout Story, earliest: Int64, latest: Int64, byTime: Int64 = -1) {
        while let (request, _) = story.request(ListOffsetsRequest.self) {
            var response = ListOffsetsResponse()
            response.topics = request.topics.map { topic in
                var answered = ListOffsetsResponse.Topic()
                answered.name = topic.name
                answered.partitions = topic.partitions.map { partition in
                    var offset = ListOffsetsResponse.Partition()
                    offset.partitionIndex = partition.partitionIndex
                    offset.offset = partition.timestamp == -2 ? earliest : partition.timestamp == -1 ? latest : byTime
                    return offset
                }
                return answered
            }
            story.answer(response)
        }
    }

    func fetched(_ partition: Int32 = 0, _ data: Bytes = .empty, error: ErrorCode = .none, end: Int64 = 0) -> FetchResponse {
        var response = FetchResponse()
        var topic = FetchResponse.Topic()
        topic.topic = "log"
        var answered = FetchResponse.Partition()
        answered.partitionIndex = partition
        answered.errorCode = error
        answered.highWatermark = end
        answered.lastStableOffset = end
        answered.records = .bytes(data)
        topic.partitions = [answered]
        response.topics = [topic]
        return response
    }

    func batch(_ base: Int64, _ values: [String], producer: Int64 = -1) -> Bytes {
        var builder = BatchBuilder(baseOffset: Offset(base), producerID: producer, isTransactional: producer >= 0)
        for value in values { builder.append(timestamp: 5, key: nil, value: Bytes(value)) }
        return builder.buildUncompressed()
    }

    @Test(
        arguments: [
            (ReadStop.offset(12), 12), (.offset(99), 20), (.afterStart(3), 13), (.beforeEnd(4), 16), (.timestamp(7), 15), (.atEnd, 20),
        ] as [(ReadStop, Int64)])
    func reachesItsStop(stop: ReadStop, at: Int64) {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest, stop: stop))
        answerOffsets(&story, earliest: 10, latest: 20, byTime: 15)
        guard case .started(let positions)? = story.outputs.first else { return #expect(Bool(false), "\(story.outputs)") }
        #expect(positions.first?.stop == Offset(at))
        story.answer(fetched(0, batch(10, (10..<20).map { "v\($0)" }), end: 20))
        let offsets = story.outputs.flatMap { output -> [Int64] in
            if case .records(let records, _, _) = output { records.map(\.offset.rawValue) } else { [] }
        }
        #expect(offsets == Array(10..<at))
        #expect(story.isFinished)
    }

    @Test func startsSomeWayAfterTheBeginning() {
        var story = story(ReaderOptions(topics: ["log"], start: .afterStart(4)))
        answerOffsets(&story, earliest: 10, latest: 20)
        guard case .started(let positions)? = story.outputs.first else { return #expect(Bool(false), "\(story.outputs)") }
        #expect(positions.first?.start == 14)
    }

    @Test func controlRecordsAreHandedOutWhenAskedFor() {
        var options = ReaderOptions(topics: ["log"], start: .earliest)
        options.showsControl = true
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 2)
        var marker = BatchBuilder(baseOffset: 1, producerID: 7, producerEpoch: 0, isTransactional: true, isControl: true)
        marker.append(
            timestamp: 6, key: ControlRecordType.abort.key, value: EndTransactionMarker(isCommit: false, coordinatorEpoch: 1).value)
        story.answer(fetched(0, joined([batch(0, ["a"], producer: 7), marker.buildUncompressed()]), end: 2))
        let records = story.outputs.flatMap { output -> [ReadRecord] in
            if case .records(let records, _, _) = output { records } else { [] }
        }
        #expect(records.map(\.control) == [nil, .abort])
        #expect(records.allSatisfy { $0.isTransactional && $0.producerID == 7 })
    }

    func joined(_ parts: [Bytes]) -> Bytes {
        var writer = ByteWriter()
        for part in parts { writer.bytes(part) }
        return writer.finish()
    }

    func values(_ story: Story) -> [String] {
        story.outputs.flatMap { output -> [String] in
            guard case .records(let records, _, _) = output else { return [] }
            return records.compactMap { $0.value?.string }
        }
    }

    @Test(
        arguments: [
            (ReadStart.earliest, 10), (.latest, 50), (.last(5), 45), (.last(500), 10), (.offset(20), 20), (.offset(3), 10),
            (.offset(99), 50),
            (.timestamp(Timestamp(milliseconds: 77)), 30), (.ago(milliseconds: 1000), 30),
        ] as [(ReadStart, Int64)])
    func startIsResolvedAndClamped(start: ReadStart, expected: Int64) {
        var story = story(ReaderOptions(topics: ["log"], start: start))
        answerOffsets(&story, earliest: 10, latest: 50, byTime: 30)
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.fetchOffset == expected)
        guard case .started(let positions)? = story.outputs.first else {
            Issue.record("not started")
            return
        }
        let position = Offset(expected)
        #expect(positions == [ReaderPosition(partition: TopicPartition("log", 0), start: position, position: position, end: 50)])
    }

    @Test func timeAfterTheLastMessageMeansTheEnd() {
        var story = story(ReaderOptions(topics: ["log"], start: .timestamp(Timestamp(milliseconds: 99))))
        answerOffsets(&story, earliest: 0, latest: 7, byTime: -1)
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.fetchOffset == 7)
    }

    @Test func everyLeaderIsAskedOnceForAllItsPartitions() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest), leaders: [1, 2, 1])
        answerOffsets(&story, earliest: 0, latest: 1)
        let fetches = story.sent.compactMap { entry in
            (entry.request.message as? FetchRequest).map { (entry.request.target, $0.topics[0].partitions.map(\.partition)) }
        }
        #expect(fetches.count == 2)
        #expect(fetches.contains { $0.0 == .broker(1) && $0.1 == [0, 2] })
        #expect(fetches.contains { $0.0 == .broker(2) && $0.1 == [1] })
    }

    @Test func recordsComeInOrderAndBatchesBeforeTheStartAreCut() {
        var story = story(ReaderOptions(topics: ["log"], start: .offset(2)))
        answerOffsets(&story, earliest: 0, latest: 5)
        let data = joined([batch(0, ["a", "b", "c"]), batch(3, ["d", "e"])])
        story.answer(fetched(0, data, end: 5))
        #expect(values(story) == ["c", "d", "e"])
        #expect(story.outputs.contains(.caughtUp))
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.fetchOffset == 5)
    }

    @Test func readingUpToTheEndFinishes() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest, stop: .atEnd))
        answerOffsets(&story, earliest: 0, latest: 2)
        // What is written while we read is not part of it.
        story.answer(fetched(0, batch(0, ["a", "b", "c"]), end: 3))
        #expect(values(story) == ["a", "b"])
        #expect(story.isFinished)
    }

    @Test func emptyTopicFinishesAtOnce() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest, stop: .atEnd))
        answerOffsets(&story, earliest: 0, latest: 0)
        #expect(story.isFinished)
    }

    @Test func nothingIsFetchedWhileTooMuchIsHandedOut() {
        var options = ReaderOptions(topics: ["log"], start: .earliest)
        options.bufferedBytesMax = 150
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 3)
        story.answer(fetched(0, batch(0, ["a", "b", "c"]), end: 3))
        #expect(story.sent.isEmpty)
        let handed = story.outputs.first { if case .records = $0 { true } else { false } }
        guard case .records(let records, let bytes, _)? = handed else {
            Issue.record("nothing was read")
            return
        }
        // Whoever takes record by record gives back exactly what was counted.
        #expect(records.reduce(0) { $0 + $1.size } == bytes)
        for record in records.dropLast() { story.receive(.taken(bytes: record.size)) }
        #expect(story.sentKeys == [.fetch])
        story.answer(fetched(0, batch(3, ["d"]), end: 4))
        for record in records.suffix(1) + records.prefix(1) { story.receive(.taken(bytes: record.size)) }
        #expect(story.sentKeys == [.fetch])
    }

    @Test func pauseHoldsFetchingBack() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest))
        answerOffsets(&story, earliest: 0, latest: 1)
        story.receive(.pause)
        story.answer(fetched(end: 1))
        #expect(story.sent.isEmpty)
        story.receive(.resume)
        #expect(story.sentKeys == [.fetch])
    }

    @Test func positionThatFellOffTheLogMovesToItsStart() {
        var story = story(ReaderOptions(topics: ["log"], start: .offset(4)))
        answerOffsets(&story, earliest: 0, latest: 9)
        story.answer(fetched(error: .offsetOutOfRange))
        #expect(story.outputs.contains(.notice("log-0: offset 4 is no longer in the log")))
        answerOffsets(&story, earliest: 6, latest: 9)
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.fetchOffset == 6)
    }

    private func metadata(_ leader: Int32, epoch: Int32, topicID: UInt8 = 1) -> MetadataResponse {
        var answer = SessionStory.metadata(brokers: 3, topic: "log", leaders: [leader])
        answer.topics[0].partitions[0].leaderEpoch = epoch
        answer.topics[0].topicID = UUID(high: UInt64(topicID), low: 0)
        return answer
    }

    /// A broker that lags behind names the old leader; a topic made anew begins its epochs anew.
    @Test func leaderOfAnOlderEpochIsNotFollowedUnlessTheTopicIsAnother() {
        var story = Story(TopicReaderMachine(ReaderOptions(topics: ["log"], start: .earliest), codecs: .uncompressed))
        story.start()
        story.answer(metadata(1, epoch: 5))
        answerOffsets(&story, earliest: 0, latest: 1)
        story.answer(fetched(error: .notLeaderOrFollower))
        story.advance(200)
        story.answer(metadata(1, epoch: 4))
        #expect(story.request(FetchRequest.self) == nil)
        story.advance(400)
        story.answer(metadata(2, epoch: 6))
        #expect(story.request(FetchRequest.self)?.target == .broker(2))
        story.answer(fetched(error: .unknownTopicOrPartition))
        story.advance(800)
        story.answer(metadata(3, epoch: 0, topicID: 2))
        #expect(story.request(FetchRequest.self)?.target == .broker(3))
    }

    /// The batch was written after whatever that metadata tells: its leader is deposed, and its log may end below the position.
    @Test func leaderOfAnOlderEpochThanWhatWasReadIsNotFollowed() {
        var story = Story(TopicReaderMachine(ReaderOptions(topics: ["log"], start: .earliest), codecs: .uncompressed))
        story.start()
        story.answer(metadata(1, epoch: 5))
        answerOffsets(&story, earliest: 0, latest: 1)
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.currentLeaderEpoch == 5)
        let read = batch(0, ["a"])
        read.patch(12, Int32(7))
        story.answer(fetched(0, read, end: 1))
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.currentLeaderEpoch == 7)
        story.answer(fetched(error: .notLeaderOrFollower))
        story.advance(200)
        story.answer(metadata(2, epoch: 6))
        #expect(story.request(FetchRequest.self) == nil)
        story.advance(400)
        story.answer(metadata(3, epoch: 7))
        #expect(story.request(FetchRequest.self)?.target == .broker(3))
    }

    @Test func movedLeaderIsLookedUpAndFollowed() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest))
        answerOffsets(&story, earliest: 0, latest: 1)
        story.answer(fetched(error: .notLeaderOrFollower))
        #expect(story.sent.isEmpty)
        story.advance(200)
        #expect(story.sentKeys == [.metadata])
        story.answer(SessionStory.metadata(brokers: 3, topic: "log", leaders: [2]))
        #expect(story.request(FetchRequest.self)?.target == .broker(2))
    }

    @Test func lostConnectionIsANoticeAndReadingGoesOn() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest))
        answerOffsets(&story, earliest: 0, latest: 1)
        story.fail(.fetch, .unreachable("b1:9092: connection refused"))
        #expect(story.outputs.last == .notice("cannot reach the cluster: b1:9092: connection refused"))
        story.advance(3_000)
        #expect(story.sentKeys == [.metadata])
        story.answer(SessionStory.metadata(brokers: 3, topic: "log", leaders: [1]))
        #expect(story.sentKeys == [.fetch])
    }

    @Test func batchLargerThanAskedForIsAskedForLarger() {
        var options = ReaderOptions(topics: ["log"], start: .earliest)
        options.partitionBytesMax = 40
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 1)
        story.answer(fetched(0, batch(0, ["a"]).prefix(40), end: 1))
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.partitionMaxBytes == 80)
    }

    @Test func abortedTransactionsAreLeftOutOfCommittedReads() {
        var options = ReaderOptions(topics: ["log"], start: .earliest)
        options.isReadCommitted = true
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 6)
        #expect(story.request(FetchRequest.self)?.message.isolationLevel == 1)
        let abort = EndTransactionMarker(isCommit: false, coordinatorEpoch: 0)
        var marker = BatchBuilder(baseOffset: 3, producerID: 7, producerEpoch: 0, isTransactional: true, isControl: true)
        marker.append(timestamp: 5, key: ControlRecordType.abort.key, value: abort.value)
        let data = joined([
            batch(0, ["gone"], producer: 7), batch(1, ["kept"], producer: 8), batch(2, ["gone too"], producer: 7),
            marker.buildUncompressed(), batch(4, ["after"], producer: 7), batch(5, ["plain"]),
        ])
        var response = fetched(0, data, end: 6)
        var aborted = FetchResponse.AbortedTransaction()
        (aborted.producerID, aborted.firstOffset) = (7, 0)
        response.topics[0].partitions[0].abortedTransactions = [aborted]
        story.answer(response)
        #expect(values(story) == ["kept", "after", "plain"])
    }

    /// An answer that ends between a transaction's records and the marker that takes them back: the next one names the transaction again.
    @Test func transactionThatIsAnnouncedTwiceEndsOnce() {
        var options = ReaderOptions(topics: ["log"], start: .earliest)
        options.isReadCommitted = true
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 5)
        let abort = EndTransactionMarker(isCommit: false, coordinatorEpoch: 0)
        var marker = BatchBuilder(baseOffset: 2, producerID: 7, producerEpoch: 0, isTransactional: true, isControl: true)
        marker.append(timestamp: 5, key: ControlRecordType.abort.key, value: abort.value)
        var aborted = FetchResponse.AbortedTransaction()
        (aborted.producerID, aborted.firstOffset) = (7, 0)
        let parts = [
            [batch(0, ["gone"], producer: 7)],
            [batch(1, ["gone too"], producer: 7), marker.buildUncompressed(), batch(3, ["kept"], producer: 7), batch(4, ["plain"])],
        ]
        for part in parts {
            var response = fetched(0, joined(part), end: 5)
            response.topics[0].partitions[0].abortedTransactions = [aborted]
            story.answer(response)
        }
        #expect(values(story) == ["kept", "plain"])
    }

    @Test func partitionAddedLaterIsReadFromItsStart() {
        var story = story(ReaderOptions(topics: ["log"], start: .latest))
        answerOffsets(&story, earliest: 0, latest: 5)
        story.answer(fetched(end: 5))
        story.advance(11_000)
        story.answer(SessionStory.metadata(brokers: 3, topic: "log", leaders: [1, 2]))
        let fetch = story.sent.compactMap { $0.request.message as? FetchRequest }.last
        #expect(fetch?.topics.first?.partitions.map(\.partition) == [1])
        #expect(fetch?.topics.first?.partitions.map(\.fetchOffset) == [0])
    }

    @Test func missingPartitionFailsAlone() {
        var options = ReaderOptions(topics: ["log"], start: .earliest, stop: .atEnd)
        options.partitions = [TopicPartition("log", 0), TopicPartition("log", 7)]
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 1)
        let missing = ClientError.kafka(.unknownTopicOrPartition, message: "log-7 does not exist")
        #expect(story.outputs.contains(.failed(TopicPartition("log", 7), missing)))
        story.answer(fetched(0, batch(0, ["a"]), end: 1))
        #expect(values(story) == ["a"])
        #expect(story.isFinished)
    }
}
