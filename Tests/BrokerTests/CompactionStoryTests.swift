import Controller
import Primitives
import Records
import Replication
import Storage
import Testing
import Wire

@testable import Broker

@Suite struct CompactionStoryTests {
    private static let settings = [
        ("log.cleanup.policy", "compact"), ("log.roll.ms", "1000"), ("log.cleaner.backoff.ms", "100000"),
        ("log.segment.delete.delay.ms", "0"), ("log.cleaner.delete.retention.ms", "600000"),
    ]

    private func put(_ story: BrokerStory, _ topic: String, _ records: [(String?, String?)]) throws -> ProduceResponse.Partition {
        var builder = BatchBuilder()
        for (key, value) in records {
            builder.append(timestamp: story.now.wall, key: key.map { Bytes($0) }, value: value.map { Bytes($0) })
        }
        let request = BrokerStory.produce(topic, builder.buildUncompressed())
        return try #require(try story.ask(request, version: 9)).topics[0].partitions[0]
    }

    /// A batch each second, so that each begins a segment.
    private func fill(_ story: BrokerStory, _ topic: String, _ count: Int, _ name: String = "v") throws {
        for index in 0..<count {
            story.advance(milliseconds: 1001)
            #expect(try put(story, topic, [("k\(index % 3)", "\(name)\(index)")]).errorCode == .none)
        }
    }

    private func read(_ story: BrokerStory, _ topic: String) throws -> [String] {
        let log = try #require(story.broker.heldReplicas.first { $0.partition.topic == topic }).log
        var found: [String] = []
        var next = log.logStartOffset
        while let batches = try? log.readBatches(from: next, below: log.logEndOffset), let last = batches.last {
            for batch in batches { found += try batch.records(BrokerStory.plainCodecs).compactMap { $0.value?.lossyString } }
            next = last.header.nextOffset
        }
        return found
    }

    @Test func aDirtyLogIsCompactedBesideEverythingElse() throws {
        let story = try BrokerStory(Self.settings)
        try story.makeTopic("t")
        try fill(story, "t", 6)
        story.advance(milliseconds: 100_000)
        #expect(story.cleanings.count == 1)
        // Produce goes on between the steps.
        var steps = 0
        while story.cleanStep() {
            steps += 1
            if steps < 4 { #expect(try put(story, "t", [("other", "\(steps)")]).errorCode == .none) }
        }
        #expect(steps >= 3)
        #expect(try read(story, "t") == ["v2", "v3", "v4", "v5", "1", "2", "3"])
        let told = story.events.compactMap { event in
            if case .compacted(let partition, _, let before, let after) = event { (partition, before, after) } else { nil }
        }
        #expect(told.count == 1 && told[0].0 == TopicPartition("t", 0) && told[0].1 > told[0].2)
        #expect(try story.disk.readAll("data/cleaner-offset-checkpoint").lossyString == "0\n1\nt 0 5\n")
        // Nothing new, nothing to do: the broker sleeps.
        story.advance(milliseconds: 200_000)
        #expect(story.cleanings.isEmpty)
        // A restart knows how far it was.
        let again = try BrokerStory(Self.settings, disk: story.disk, at: story.now.wall.milliseconds)
        #expect(again.broker.heldReplicas.first { $0.partition.topic == "t" }?.log.cleanedOffset == 5)
    }

    @Test func oneLogAtATime() throws {
        let story = try BrokerStory(Self.settings)
        for topic in ["a", "b"] { try story.makeTopic(topic) }
        try fill(story, "a", 4)
        try fill(story, "b", 6)
        story.advance(milliseconds: 100_000)
        #expect(story.cleanings.map(\.job.run.partition.topic) == ["a"])
        while story.cleanStep() { #expect(story.cleanings.count <= 1) }
        #expect(try read(story, "b") == ["v2", "v3", "v4", "v5"], "the next is begun at once")
    }

    @Test func aTopicDeletedInTheMiddleEndsItsPass() throws {
        let story = try BrokerStory(Self.settings)
        try story.makeTopic("t")
        try fill(story, "t", 6)
        story.advance(milliseconds: 100_000)
        story.cleanStep()
        var request = DeleteTopicsRequest()
        request.topicNames = ["t"]
        _ = try story.ask(request, version: 5)
        while story.cleanStep() {}
        story.advance(milliseconds: 200_000)
        #expect(story.lines.allSatisfy { !$0.contains("cannot compact") })
        try story.makeTopic("t")
        try fill(story, "t", 5)
        story.advance(milliseconds: 100_000)
        while story.cleanStep() {}
        #expect(try read(story, "t") == ["v1", "v2", "v3", "v4"])
    }

    @Test func damageIsToldOnceAndLeftAlone() throws {
        let story = try BrokerStory(Self.settings)
        try story.makeTopic("t")
        try fill(story, "t", 6)
        story.disk.damage("data/t-0/00000000000000000000.log", at: 65)
        story.advance(milliseconds: 100_000)
        while story.cleanStep() {}
        try fill(story, "t", 3)
        story.advance(milliseconds: 200_000)
        #expect(story.cleanings.isEmpty)
        #expect(story.lines.filter { $0.contains("cannot compact t-0") }.count == 1)
        #expect(!story.disk.contents.contains { $0.path.hasSuffix(".cleaned") })
    }

    @Test func recordsWithoutAKeyAreRefused() throws {
        let story = try BrokerStory(Self.settings)
        try story.makeTopic("t")
        let refused = try put(story, "t", [("a", "1"), (nil, "2"), (nil, "3")])
        #expect(refused.errorCode == .invalidRecord)
        #expect(refused.recordErrors.map(\.batchIndex) == [1, 2])
    }

    @Test func theCleanerCanBeSwitchedOff() throws {
        let story = try BrokerStory(Self.settings + [("log.cleaner.enable", "false")])
        try story.makeTopic("t")
        try fill(story, "t", 6)
        story.advance(milliseconds: 200_000)
        #expect(story.cleanings.isEmpty)
    }
}
