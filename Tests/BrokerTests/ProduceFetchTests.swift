import Controller
import Primitives
import Records
import Storage
import Testing
import Wire

@testable import Broker

@Suite struct ProduceFetchTests {
    @Test func whatIsProducedIsFetched() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        let first = try #require(try story.produce("orders", ["a", "b"]))
        #expect(first.errorCode == .none && first.baseOffset == 0 && first.logStartOffset == 0)
        #expect(try story.produce("orders", ["c"])?.baseOffset == 2)
        let answer = try #require(try story.ask(BrokerStory.fetch("orders", from: 1), version: 11))
        let partition = answer.topics[0].partitions[0]
        #expect(answer.sessionID == 0)
        #expect(partition.highWatermark == 3 && partition.lastStableOffset == 3 && partition.logStartOffset == 0)
        #expect(partition.abortedTransactions == nil)
        // The batch that holds offset 1 begins before it: clients skip.
        #expect(try BrokerStory.values(partition) == ["a", "b", "c"])
    }

    @Test func readCommittedFetchGetsAnEmptyListOfAborted() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a"])
        let answer = try #require(try story.ask(BrokerStory.fetch("orders", from: 0, isolation: 1), version: 11))
        #expect(answer.topics[0].partitions[0].abortedTransactions == [])
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]) == ["a"])
    }

    @Test func acksZeroIsNotAnswered() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        #expect(try story.produce("orders", ["a"], acks: 0) == nil)
        #expect(story.hasProceeded())
        #expect(!story.isClosed())
        let answer = try story.ask(BrokerStory.fetch("orders", from: 0), version: 11)
        #expect(try BrokerStory.values(answer?.topics[0].partitions[0]) == ["a"])
    }

    @Test func acksZeroWithAnErrorClosesTheConnection() throws {
        let story = try BrokerStory()
        #expect(try story.produce("nothing", ["a"], acks: 0) == nil)
        #expect(story.isClosed())
    }

    @Test func errorsOfProduce() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        func code(_ request: ProduceRequest) throws -> ErrorCode? { try story.ask(request, version: 9)?.topics[0].partitions[0].errorCode }
        let batch = BrokerStory.batch(["a"])
        #expect(try code(BrokerStory.produce("nothing", batch)) == .unknownTopicOrPartition)
        #expect(try code(BrokerStory.produce("orders", batch, partition: 1)) == .unknownTopicOrPartition)
        #expect(try code(BrokerStory.produce("orders", batch, partition: -1)) == .unknownTopicOrPartition)
        #expect(try code(BrokerStory.produce("orders", batch, acks: 2)) == .invalidRequiredAcks)
        #expect(try code(BrokerStory.produce("orders", nil)) == .invalidRecord)
        #expect(try code(BrokerStory.produce("__consumer_offsets", batch)) == .invalidTopicException)
        let large = BrokerStory.batch([String(repeating: "x", count: 1_100_000)])
        #expect(try code(BrokerStory.produce("orders", large)) == .messageTooLarge)
        let damaged = BrokerStory.batch(["abc"])
        damaged.patch(damaged.count - 2, UInt8(0x7f))
        #expect(try code(BrokerStory.produce("orders", damaged)) == .corruptMessage)
        #expect(try story.produce("orders", ["good"])?.baseOffset == 0, "none of these reached the log")
    }

    @Test func producerIdsGrowAndDuplicatesAreRecognised() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        let first = try #require(try story.ask(InitProducerIDRequest(), version: 4))
        let second = try #require(try story.ask(InitProducerIDRequest(), version: 0))
        #expect(first.errorCode == .none && first.producerEpoch == 0)
        #expect(second.producerID == first.producerID + 1)
        func produce(_ value: String, _ sequence: Int32, epoch: Int16 = 0) throws -> ProduceResponse.Partition? {
            let batch = BrokerStory.batch([value], producerID: first.producerID, epoch: epoch, sequence: sequence)
            return try story.ask(BrokerStory.produce("orders", batch), version: 9)?.topics[0].partitions[0]
        }
        #expect(try produce("a", 0)?.baseOffset == 0)
        #expect(try produce("b", 1)?.baseOffset == 1)
        let again = try produce("a", 0)
        #expect(again?.errorCode == ErrorCode.none && again?.baseOffset == 0, "a duplicate is answered with the first one's offset")
        #expect(try produce("d", 3)?.errorCode == .outOfOrderSequenceNumber)
        #expect(try produce("e", 0, epoch: 1)?.baseOffset == 2)
        #expect(try produce("f", 2)?.errorCode == .invalidProducerEpoch)
    }

    @Test func producerIdsAreNeverGivenTwice() throws {
        let story = try BrokerStory()
        let first = try #require(try story.ask(InitProducerIDRequest(), version: 4))
        let again = try BrokerStory(disk: story.disk)
        let second = try #require(try again.ask(InitProducerIDRequest(), version: 4))
        #expect(second.producerID >= first.producerID + 1000)
    }

    @Test func aFetchWaitsForBytesAndIsWokenByThem() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        #expect(try story.ask(BrokerStory.fetch("orders", from: 0, wait: 500), version: 11, on: 2) == nil)
        story.advance(milliseconds: 499)
        #expect(story.rawAnswer(on: 2) == nil)
        try story.produce("orders", ["a"])
        let answer = try #require(try story.answer(to: FetchRequest.self, version: 11, on: 2))
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]) == ["a"])
        story.advance(milliseconds: 1000)
        #expect(story.rawAnswer(on: 2) == nil, "it is answered once")
    }

    @Test func aFetchWaitsUntilItsTimeIsUp() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a"])
        try story.send(BrokerStory.fetch("orders", from: 0, wait: 500, minBytes: 10_000), version: 11, on: 2)
        try story.produce("orders", ["b"])
        story.advance(milliseconds: 499)
        #expect(story.rawAnswer(on: 2) == nil)
        story.advance(milliseconds: 1)
        let answer = try #require(try story.answer(to: FetchRequest.self, version: 11, on: 2))
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]) == ["a", "b"], "with what there is")
    }

    @Test func aClosedConnectionsFetchIsForgotten() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.send(BrokerStory.fetch("orders", from: 0, wait: 500), version: 11, on: 2)
        story.handle(.connectionClosed(ConnectionID(rawValue: 2)))
        #expect(story.broker.parked.count == 0)
        try story.produce("orders", ["a"])
        story.advance(milliseconds: 1000)
        #expect(story.rawAnswer(on: 2) == nil)
    }

    @Test func errorsOfFetchAnswerAtOnce() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        func partition(_ request: FetchRequest, version: Int16 = 11) throws -> FetchResponse.Partition? {
            try story.ask(request, version: version)?.topics[0].partitions[0]
        }
        #expect(try partition(BrokerStory.fetch("nothing", from: 0, wait: 500))?.errorCode == .unknownTopicOrPartition)
        let outside = try partition(BrokerStory.fetch("orders", from: 1, wait: 500))
        #expect(outside?.errorCode == .offsetOutOfRange && outside?.highWatermark == -1 && outside?.records == .bytes(.empty))
        #expect(try partition(BrokerStory.fetch("orders", from: 0, wait: 500, epoch: 7))?.errorCode == .unknownLeaderEpoch)
        #expect(try partition(BrokerStory.fetch("orders", from: 0, wait: 500), version: 13)?.errorCode == .unknownTopicID)
        var session = BrokerStory.fetch("orders", from: 0, wait: 500)
        (session.sessionID, session.sessionEpoch) = (5, 3)
        #expect(try story.ask(session, version: 11)?.errorCode == .fetchSessionIDNotFound)
    }

    @Test func fetchByTopicID() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a"])
        var request = BrokerStory.fetch("orders", from: 0)
        request.topics[0].topicID = try story.metadata(["orders"], version: 12).topics[0].topicID
        let answer = try #require(try story.ask(request, version: 13))
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]) == ["a"])
    }

    @Test func oneWholeBatchEvenOverTheLimit() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", [String(repeating: "x", count: 1000)])
        try story.produce("orders", ["b"])
        let answer = try #require(try story.ask(BrokerStory.fetch("orders", from: 0, maxBytes: 10), version: 11))
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]).map(\.count) == [1000])
    }

    @Test func aDeletedTopicsFetchIsAnsweredAndItsLogIsGone() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.send(BrokerStory.fetch("orders", from: 0, wait: 500), version: 11, on: 2)
        story.delete("orders")
        let answer = try #require(try story.answer(to: FetchRequest.self, version: 11, on: 2))
        #expect(answer.topics[0].partitions[0].errorCode == .unknownTopicOrPartition)
        #expect(story.events.contains(.topicDeleted(topic: "orders")))
        #expect(!story.disk.exists("data/orders-0"))
        #expect(try story.produce("orders", ["a"])?.errorCode == .unknownTopicOrPartition)
        try story.makeTopic("orders")
        #expect(try story.produce("orders", ["a"])?.baseOffset == 0)
    }
}

extension BrokerStory {
    /// Deletes a topic through the metadata log.
    func delete(_ topic: String) {
        guard let id = broker.image.topic(topic)?.id else { return }
        var record = RemoveTopicRecord()
        record.topicID = id
        change { $0.commitMetadata([.removeTopic(record)]) { _, _ in } }
    }
}
