import Controller
import Primitives
import Records
import Storage
import Testing
import Wire

@testable import Broker

/// Share groups on one broker, from fetch to state: who gets what, and what is still known after a restart.
@Suite struct ShareStoryTests {
    private static func ack(_ first: Int64, _ last: Int64, _ types: Int8...) -> [AcknowledgementBatch] {
        [ShareStory.acknowledgement(first, last, types)]
    }

    @Test func recordsGoToMembersAndWhatIsAcceptedIsOver() throws {
        let share = try ShareStory()
        #expect(try share.initialize() == ErrorCode.none)
        try share.story.produce("work", ["a", "b"])
        try share.story.produce("work", ["c"])
        let first = try share.fetch("m")
        #expect(first.acquisitionLockTimeoutMs == 30_000)
        #expect(try ShareStory.values(first).isEmpty, "the state is still being read")
        #expect(first.responses.count == 1, "the first answer of a session names all its partitions")
        #expect(try share.take("m") == ["a/1", "b/1", "c/1"])
        #expect(try share.take("n").isEmpty)
        #expect(try share.take("n").isEmpty)
        let answer = try share.acknowledge("m", Self.ack(0, 1, 1))
        #expect(answer.responses[0].partitions[0].errorCode == .none && answer.acquisitionLockTimeoutMs == 30_000)
        #expect(try share.summary()?.deliveryCompleteCount == 2)
        let again = try share.fetch("m", Self.ack(2, 2, 2))
        #expect(again.responses[0].partitions[0].acknowledgeErrorCode == .none)
        #expect(try ShareStory.values(again) == ["c/2"], "what was released comes again, once that is written")
        #expect(try share.summary()?.startOffset == 2)
    }

    @Test func aFetchWaitsForRecordsAndForThoseThatComeBack() throws {
        let share = try ShareStory()
        try share.initialize()
        _ = try share.fetch("m")
        try share.send("m", wait: 500)
        #expect(try share.answer("m") == nil)
        try share.story.produce("work", ["a"])
        #expect(try ShareStory.values(try #require(try share.answer("m"))) == ["a/1"])
        _ = try share.fetch("n")
        try share.send("n", wait: 100_000)
        share.story.advance(milliseconds: 29_999)
        #expect(try share.answer("n") == nil)
        share.story.advance(milliseconds: 1)
        #expect(try ShareStory.values(try #require(try share.answer("n"))) == ["a/2"], "the lock ran out")
        try share.send("m", wait: 1000)
        share.story.advance(milliseconds: 1000)
        #expect(try #require(try share.answer("m")).responses.isEmpty, "nothing is told of what is not new")
    }

    @Test func aMemberThatGoesGivesItsRecordsBack() throws {
        let share = try ShareStory()
        try share.initialize()
        try share.story.produce("work", ["a", "b"])
        _ = try share.fetch("m")
        #expect(try share.take("m") == ["a/1", "b/1"])
        _ = try share.fetch("n")
        #expect(try share.acknowledge("m", Self.ack(0, 0, 1), epoch: -1).errorCode == .none)
        #expect(try share.take("n") == ["b/2"])
        share.story.handle(.connectionClosed(ConnectionID(rawValue: share.connection("n"))))
        _ = try share.fetch("o")
        #expect(try share.take("o") == ["b/3"])
        #expect(try share.acknowledge("n", [], epoch: 3).errorCode == .shareSessionNotFound)
    }

    @Test func sessionsAreCounted() throws {
        let share = try ShareStory([("group.share.max.share.sessions", "2")])
        try share.initialize()
        #expect(try share.fetch("m", epoch: 4).errorCode == .shareSessionNotFound)
        #expect(try share.fetch("m", epoch: -1).errorCode == .shareSessionNotFound)
        #expect(try share.acknowledge("m", [], epoch: 0).errorCode == .invalidShareSessionEpoch)
        #expect(try share.fetch("m", epoch: 0).errorCode == .none)
        #expect(try share.fetch("m", epoch: 2).errorCode == .invalidShareSessionEpoch)
        #expect(try share.fetch("m", epoch: 1).errorCode == .none)
        #expect(try share.fetch("n", epoch: 0).errorCode == .none)
        #expect(try share.fetch("o", epoch: 0).errorCode == .shareSessionLimitReached)
        #expect(try share.fetch("n", epoch: -1).errorCode == .none)
        #expect(try share.fetch("o", epoch: 0).errorCode == .none)
        #expect(try share.fetch("m", Self.ack(0, 0, 1), epoch: 0).errorCode == .invalidRequest, "nothing to acknowledge at a beginning")
    }

    @Test func wrongAcknowledgementsAreRefused() throws {
        let share = try ShareStory()
        try share.initialize()
        try share.story.produce("work", ["a", "b"])
        _ = try share.fetch("m")
        #expect(try share.take("m") == ["a/1", "b/1"])
        func code(_ batches: [AcknowledgementBatch], renew: Bool = false) throws -> ErrorCode {
            try share.acknowledge("m", batches, renew: renew).responses[0].partitions[0].errorCode
        }
        #expect(try code(Self.ack(1, 0, 1)) == .invalidRequest)
        #expect(try code(Self.ack(0, 1, 9)) == .invalidRequest)
        #expect(try code(Self.ack(0, 1, 4)) == .invalidRequest, "renewal is announced")
        #expect(try code(Self.ack(0, 5, 1)) == .invalidRequest)
        #expect(try code(Self.ack(0, 1, 4), renew: true) == .none)
        #expect(try code(Self.ack(0, 0, 3)) == .none)
        _ = try share.fetch("n")
        let foreign = try share.fetch("n", Self.ack(1, 1, 1))
        #expect(foreign.responses[0].partitions[0].acknowledgeErrorCode == .invalidRecordState)
    }

    @Test func theStateOutlivesTheBroker() throws {
        let share = try ShareStory()
        try share.initialize()
        try share.story.produce("work", ["a", "b", "c", "d"])
        _ = try share.fetch("m")
        #expect(try share.take("m").count == 4)
        _ = try share.acknowledge("m", [ShareStory.acknowledgement(0, 3, [1, 2, 1, 3])])
        let disk = share.story.disk.copy()
        let next = try BrokerStory([], disk: disk)
        var request = ShareFetchRequest()
        (request.groupID, request.memberID, request.maxRecords, request.batchSize) = ("g", "m", 100, 100)
        var row = ShareFetchRequest.Topic()
        row.topicID = share.topicID
        row.partitions = [ShareFetchRequest.Partition()]
        request.topics = [row]
        _ = try next.ask(request, version: 2)
        (request.shareSessionEpoch, request.topics) = (1, [])
        let answer = try #require(try next.ask(request, version: 2))
        #expect(try ShareStory.values(answer) == ["b/2"], "what was accepted or rejected is over, what was released is not")
    }

    @Test func aResetGroupIsReadAnew() throws {
        let share = try ShareStory()
        try share.initialize()
        try share.story.produce("work", ["a", "b"])
        _ = try share.fetch("m")
        #expect(try share.take("m").count == 2)
        #expect(try share.initialize(stateEpoch: 2, start: 0) == ErrorCode.none)
        let fenced = try share.acknowledge("m", Self.ack(0, 0, 1)).responses[0].partitions[0]
        #expect(fenced.errorCode == .notLeaderOrFollower, "the state it belongs to is gone")
        _ = try share.fetch("m")
        #expect(try share.take("m") == ["a/1", "b/1"])
    }

    @Test func whoeverWasNeverInitializedIsTold() throws {
        let share = try ShareStory()
        try share.send("m", wait: 1000)
        let answer = try #require(try share.answer("m"))
        #expect(answer.responses[0].partitions[0].errorCode == .unknownServerError)
    }

    @Test func aGroupBeginsWhereItsSettingSays() throws {
        for (setting, expected) in [("latest", ["c/1"]), ("earliest", ["a/1", "b/1", "c/1"]), ("by_duration:PT1M", ["b/1", "c/1"])] {
            let share = try ShareStory(earliest: false)
            try share.configure(["share.auto.offset.reset": setting])
            try share.initialize()
            try share.story.produce("work", ["a"])
            share.story.advance(milliseconds: 100_000)
            try share.story.produce("work", ["b"])
            _ = try share.fetch("m")
            _ = try share.take("m", max: 0)
            try share.story.produce("work", ["c"])
            #expect(try share.take("m") == expected, "\(setting)")
        }
    }

    @Test func theNumberOfRecordsAndTheModeAreHeeded() throws {
        let share = try ShareStory()
        try share.initialize()
        try share.story.produce("work", ["a", "b", "c"])
        try share.story.produce("work", ["d", "e", "f"])
        _ = try share.fetch("m", max: 0)
        #expect(try share.take("m", max: 2) == ["a/1", "b/1", "c/1"], "a whole batch")
        #expect(try share.take("m", max: 2, mode: 1) == ["d/1", "e/1"], "not one more")
        #expect(try share.take("m", max: 9, mode: 1) == ["f/1"])
    }

    @Test func recordsThatRetentionTookAreNotWaitedFor() throws {
        let share = try ShareStory()
        try share.initialize()
        try share.story.produce("work", ["a", "b"])
        try share.story.produce("work", ["c"])
        _ = try share.fetch("m")
        #expect(try share.take("m").count == 3)
        var request = DeleteRecordsRequest()
        var row = DeleteRecordsRequest.Topic()
        row.name = "work"
        var partition = DeleteRecordsRequest.Partition()
        partition.offset = 2
        row.partitions = [partition]
        request.topics = [row]
        #expect(try share.story.ask(request, version: 2)?.topics[0].partitions[0].errorCode == ErrorCode.none)
        _ = try share.fetch("n")
        let behind = try share.acknowledge("m", Self.ack(0, 1, 1)).responses[0].partitions[0]
        #expect(behind.errorCode == .none, "behind the start: taken silently")
        #expect(try share.acknowledge("m", Self.ack(2, 2, 1)).responses[0].partitions[0].errorCode == .none)
        #expect(try share.summary()?.startOffset == 2)
    }

    @Test func anUnknownTopicIsNamed() throws {
        let share = try ShareStory()
        var request = ShareFetchRequest()
        (request.groupID, request.memberID) = ("g", "m")
        var row = ShareFetchRequest.Topic()
        row.topicID = Primitives.UUID(high: 1, low: 2)
        row.partitions = [ShareFetchRequest.Partition()]
        request.topics = [row]
        let answer = try #require(try share.story.ask(request, version: 1))
        #expect(answer.responses[0].partitions[0].errorCode == .unknownTopicID)
        request.topics[0].topicID = share.topicID
        request.topics[0].partitions[0].partitionIndex = 7
        let missing = try #require(try share.story.ask(request, version: 1))
        #expect(missing.responses[0].partitions[0].errorCode == .unknownTopicOrPartition)
    }
}
