import Controller
import Primitives
import Storage
import Testing
import Wire

@testable import Broker

@Suite struct DiskStoryTests {
    @Test func aFullDiskRefusesProducesAndRecovers() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a"])
        story.disk.capacity = story.disk.used + 100
        let refused = try #require(try story.produce("orders", [String(repeating: "x", count: 5000)]))
        #expect(refused.errorCode == .kafkaStorageError && refused.errorMessage?.contains("no space") == true)
        _ = try story.produce("orders", [String(repeating: "x", count: 5000)])
        let told = story.events.filter { if case .disk = $0 { true } else { false } }
        #expect(told.count == 1, "it is told once")
        #expect(try story.produce("orders", ["x"], acks: 0, on: 9) == nil)
        let before = try #require(try story.ask(BrokerStory.fetch("orders", from: 0), version: 11))
        #expect(try BrokerStory.values(before.topics[0].partitions[0]).first == "a", "what is there can be read")
        story.disk.capacity = .max
        let accepted = try #require(try story.produce("orders", ["b"]))
        #expect(accepted.errorCode == .none)
        let again = try BrokerStory(disk: story.disk)
        let answer = try #require(try again.ask(BrokerStory.fetch("orders", from: 0), version: 11))
        let values = try BrokerStory.values(answer.topics[0].partitions[0])
        #expect(values.first == "a" && values.last == "b" && !values.contains { $0.count == 5000 })
    }

    @Test func aFullDiskRefusesTopicsAndTheBrokerLives() throws {
        let story = try BrokerStory()
        story.disk.capacity = story.disk.used
        #expect(try story.metadata(["orders"]).topics[0].errorCode == .leaderNotAvailable)
        story.disk.capacity = .max
        try story.makeTopic("orders")
        #expect(try story.produce("orders", ["a"])?.errorCode == ErrorCode.none)
    }

    @Test func withFlushMessagesOneNothingIsAcknowledgedBeforeItIsDurable() throws {
        let story = try BrokerStory([("log.flush.interval.messages", "1")])
        try story.makeTopic("orders")
        story.syncsAtOnce = false
        for (connection, acks) in [(UInt64(1), Int16(-1)), (2, 1)] {
            #expect(try story.produce("orders", ["a"], acks: acks, on: connection) == nil)
        }
        #expect(story.pendingSyncs.count == 1, "one sync of a log at a time")
        let unread = try #require(try story.ask(BrokerStory.fetch("orders", from: 0), version: 11, on: 3))
        #expect(try BrokerStory.values(unread.topics[0].partitions[0]).isEmpty, "and nobody reads it before")
        story.finishSyncs()
        for connection in [UInt64(1), 2] {
            let answer = try story.answer(to: ProduceRequest.self, version: 9, on: connection)
            #expect(answer?.topics[0].partitions[0].errorCode == ErrorCode.none)
        }
        let copy = story.disk.copy()
        copy.crash()
        let again = try BrokerStory([("log.flush.interval.messages", "1")], disk: copy)
        let answer = try #require(try again.ask(BrokerStory.fetch("orders", from: 0), version: 11))
        #expect(try BrokerStory.values(answer.topics[0].partitions[0]) == ["a", "a"], "it survives a power cut")
    }

    @Test func aFailedSyncIsAStorageError() throws {
        let story = try BrokerStory([("log.flush.interval.messages", "1")])
        try story.makeTopic("orders")
        story.syncsAtOnce = false
        #expect(try story.produce("orders", ["a"]) == nil)
        story.finishSyncs(error: .failed("input/output error"))
        let answer = try story.answer(to: ProduceRequest.self, version: 9)
        #expect(answer?.topics[0].partitions[0].errorCode == .kafkaStorageError)
        #expect(try story.produce("orders", ["b"])?.errorCode == .kafkaStorageError, "a later sync would succeed without what was lost")
        let refused = try #require(try story.ask(BrokerStory.fetch("orders", from: 0), version: 11))
        #expect(refused.topics[0].partitions[0].errorCode == .kafkaStorageError)
        #expect(story.lines.contains { $0.contains("offline") })
        story.syncsAtOnce = true
        let again = try BrokerStory([("log.flush.interval.messages", "1")], disk: story.disk)
        #expect(try again.produce("orders", ["b"])?.errorCode == ErrorCode.none)
    }

    @Test func aProduceThatWaitsTooLongTimesOut() throws {
        let story = try BrokerStory([("log.flush.interval.messages", "1")])
        try story.makeTopic("orders")
        story.syncsAtOnce = false
        #expect(try story.produce("orders", ["a"]) == nil)
        story.advance(milliseconds: 1000)
        let answer = try story.answer(to: ProduceRequest.self, version: 9)
        #expect(answer?.topics[0].partitions[0].errorCode == .requestTimedOut)
    }

    @Test func checkpointsAreWrittenWhenThereIsSomethingNew() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        let idle = story.disk.operations
        story.advance(milliseconds: 60_000)
        #expect(story.disk.operations == idle, "an idle broker leaves the disk alone")
        try story.produce("orders", ["a"])
        story.advance(milliseconds: 5000)
        let text = try story.disk.readAll("data/replication-offset-checkpoint").lossyString
        #expect(text.contains("orders 0 1"))
        story.advance(milliseconds: 60_000)
        #expect(story.disk.exists("data/recovery-point-offset-checkpoint"))
    }

    @Test func whatGrowsFastIsHandedToTheDiskEachSecondAndNoLonger() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.makeTopic("slow")
        let value = String(repeating: "x", count: 300_000)
        for _ in 0..<4 { try story.produce("orders", [value]) }
        try story.produce("slow", [value])
        for _ in 0..<4 { try story.produce("orders", [value]) }
        #expect(story.writeBacks.isEmpty)
        story.advance(milliseconds: 1000)
        #expect(story.writeBacks.count == 1 && story.writeBacks[0].count == 1)
        // While that has not been done, no more is asked for.
        for _ in 0..<4 { try story.produce("orders", [value]) }
        story.advance(milliseconds: 1000)
        #expect(story.writeBacks.count == 1)
        story.handle(.wroteBack)
        story.advance(milliseconds: 1000)
        story.handle(.wroteBack)
        for _ in 0..<4 { try story.produce("orders", [value]) }
        story.advance(milliseconds: 1000)
        story.handle(.wroteBack)
        #expect(story.writeBacks.count == 3)
        for _ in 0..<10 {
            story.advance(milliseconds: 1000)
            story.handle(.wroteBack)
        }
        #expect(story.writeBacks.count == 4, "what no longer grows is left alone")
    }

    @Test func retentionRemovesWhatIsOld() throws {
        let story = try BrokerStory([("log.retention.ms", "60000"), ("log.roll.ms", "30000")])
        try story.makeTopic("orders")
        try story.produce("orders", ["old"])
        story.advance(milliseconds: 100_000)
        try story.produce("orders", ["new"])
        story.advance(milliseconds: 300_000)
        var request = ListOffsetsRequest()
        request.topics = [ListOffsetsRequest.Topic()]
        request.topics[0].name = "orders"
        request.topics[0].partitions = [ListOffsetsRequest.Partition()]
        request.topics[0].partitions[0].timestamp = -2
        let answer = try #require(try story.ask(request, version: 5))
        #expect(answer.topics[0].partitions[0].offset >= 1)
        let gone = try #require(try story.ask(BrokerStory.fetch("orders", from: 0), version: 11))
        #expect(gone.topics[0].partitions[0].errorCode == .offsetOutOfRange)
    }
}
