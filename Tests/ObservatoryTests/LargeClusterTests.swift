import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// A cluster too large to be read as a whole in every round: what is shown first, and what is asked for how often.
@Suite struct LargeClusterTests {
    typealias Story = MachineStory<Observer>

    private func cluster() -> FakeCluster {
        var cluster = FakeCluster()
        for index in 0..<300 { cluster.add("topic-\(10_000 + index)", partitions: 71, end: 100) }
        return cluster
    }

    private func story(_ cluster: inout FakeCluster) -> Story {
        var story = Story(Observer(bootstrap: ["boot:9092"], interest: Interest(.topics, visibleTopics: ["topic-10007"])))
        story.start()
        story.settle(&cluster)
        story.advance(1)
        story.settle(&cluster)
        return story
    }

    @Test func namesAreShownBeforeAnythingElseIsAsked() throws {
        var cluster = cluster()
        var story = Story(Observer(bootstrap: ["boot:9092"], interest: Interest(.topics)))
        story.start()
        story.settle(&cluster)
        #expect(cluster.requests == [.metadata] && story.sent.isEmpty)
        let first = try #require(story.outputs.last)
        #expect(first.topics.count == 300 && first.health.partitions == 21_300)
        story.advance(1)
        #expect(story.sentKeys.contains(.listOffsets))
        story.settle(&cluster)
        let then = try #require(story.outputs.last)
        #expect(then.cost.inFlight == 0 && then.topics.values.allSatisfy { $0.messages == 7_100 })
    }

    /// Every broker tells all it holds: that is asked for the more rarely the more there is.
    @Test func sizesAreReadMoreRarely() {
        var cluster = cluster()
        var story = story(&cluster)
        #expect(cluster.requests.count { $0 == .describeLogDirs } == 3)
        #expect(story.machine.snapshot.topics.values.allSatisfy { $0.sizeBytes != nil })
        // What followers hold is kept where it is shown.
        #expect(story.machine.snapshot.topics.values[0].partitions[0].replicaLogs.isEmpty)
        cluster.requests = []
        for pause in [1_000, 9_000] as [Int64] {
            story.advance(pause)
            story.settle(&cluster)
        }
        #expect(cluster.requests.count { $0 == .metadata } == 2 && !cluster.requests.contains(.describeLogDirs))
        for pause in [2_000, 1_000] as [Int64] {
            story.advance(pause)
            story.settle(&cluster)
        }
        #expect(cluster.requests.count { $0 == .describeLogDirs } == 3)
        var interest = Interest(.overview)
        interest.wantsReplicaSizes = true
        story.receive(.interest(interest))
        story.settle(&cluster)
        #expect(cluster.requests.count { $0 == .describeLogDirs } == 6)
        #expect(story.machine.snapshot.topics.values[0].partitions[0].replicaLogs.count == 3)
    }

    /// A picture shares with the one before what was not read in between: of three hundred topics those of one round, in their pieces.
    @Test func picturesShareWhatWasNotRead() {
        var cluster = cluster()
        var story = story(&cluster)
        // Past the rounds that read settings and sizes of all.
        for _ in 0..<12 {
            story.advance(1_000)
            story.settle(&cluster)
        }
        let before = story.machine.snapshot.topics.values
        story.advance(1_000)
        story.settle(&cluster)
        let apart = story.machine.snapshot.topics.values.rangesApart(from: before).reduce(0) { $0 + $1.count }
        #expect(apart > 0 && apart <= 192)
    }

    /// An answer that leaves out what is known changes what it tells, and nothing else.
    @Test func whatIsLeftOutStays() throws {
        var cluster = cluster()
        var story = story(&cluster)
        #expect(story.machine.knownMetadata == 0)
        let before = story.machine.snapshot.topics
        while true {
            story.advance(1_000)
            if let asked = story.request(MetadataRequest.self), asked.message.topics == nil { break }
            story.settle(&cluster)
        }
        var answer = MetadataResponse()
        (answer.clusterID, answer.controllerID) = ("fake", 1)
        var topic = MetadataResponse.Topic()
        (topic.name, topic.topicID) = ("topic-10003", try #require(cluster.topics["topic-10003"]).id)
        topic.partitions = (Int32(0)..<71).map { index in
            var partition = MetadataResponse.Partition()
            (partition.partitionIndex, partition.leaderID, partition.replicaNodes, partition.isrNodes) = (index, 1, [1, 2, 3], [1, 2])
            return partition
        }
        answer.topics = [topic]
        let place = try #require(story.sent.firstIndex { $0.request.apiKey == .metadata })
        #expect(story.sent[place].request.knownMetadata == 0)
        let token = story.sent.remove(at: place).token
        let delta = MetadataDelta(revision: 9, isPartial: true, gone: ["topic-10005"])
        let told = Answer(message: answer, version: 12, broker: 1, delta: delta)
        story.perform(story.machine.answered(token, .success(told), now: story.now))
        let after = story.machine.snapshot
        #expect(after.topics.count == 299 && after.topics["topic-10005"] == nil && story.machine.knownMetadata == 9)
        #expect(after.topics["topic-10003"]?.underReplicated == 71 && after.health.underReplicatedPartitions == 71)
        #expect(after.brokers[3]?.outOfSyncReplicas == 71)
        #expect(after.topics["topic-10004"]?.partitions.map(\.endOffset) == before["topic-10004"]?.partitions.map(\.endOffset))
        // A named topic that turns out otherwise: what the last whole answer said is no longer what is known.
        cluster.topics["topic-10007"]?.partitions[0].isr = [1]
        cluster.topics["topic-10005"] = nil
        story.settle(&cluster)
        story.advance(2_000)
        story.settle(&cluster)
        #expect(story.machine.snapshot.topics["topic-10007"]?.underReplicated == 1 && story.machine.knownMetadata == 0)
    }
}
