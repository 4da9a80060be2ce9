import ClientCore
import Primitives
import Records
import Testing
import Wire

@testable import Observatory

/// The one record at a committed offset: when it is asked for, how often, and what is made of it.
@Suite struct UnreadTests {
    typealias Story = MachineStory<Observer>

    /// One record a second since an hour before the story begins.
    private func cluster(partitions: Int32 = 3, groups: Int = 1) -> FakeCluster {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: partitions, end: 3_600)
        cluster.writes = { Timestamp(milliseconds: 1_700_000_000_000 - (3_600 - $0) * 1000) }
        for id in 0..<groups {
            var group = FakeCluster.Group(state: "Stable", coordinator: 2)
            for partition in 0..<partitions { group.commits[TopicPartition("orders", partition)] = 1_800 + Int64(partition) * 100 }
            cluster.groups["group-\(id)"] = group
        }
        return cluster
    }

    private func story(_ interest: Interest, _ cluster: inout FakeCluster) -> Story {
        var story = Story(Observer(bootstrap: ["boot:9092"]))
        story.machine.interest = interest
        story.start()
        story.settle(&cluster)
        return story
    }

    private func rows(_ story: Story) -> [GroupPartitionSnapshot] { story.outputs.last?.groups["group-0"]?.partitions ?? [] }

    @Test func aGroupsTimeLagIsExactFromTheFirstRound() {
        var cluster = cluster()
        let story = story(Interest(.group("group-0")), &cluster)
        #expect(cluster.requests.count { $0 == .fetch } == 3)
        #expect(rows(story).map(\.analysis.timeLag) == [1_800, 1_700, 1_600].map { TimeLag($0 * 1000, .exact) })
        #expect(story.outputs.last?.groups["group-0"]?.analysis.timeLag == TimeLag(1_800_000, .exact))
    }

    @Test func aRecordIsNotReadTwiceAndThenTheCommitThatMovedWaits() {
        var cluster = cluster()
        var story = story(Interest(.group("group-0")), &cluster)
        cluster.requests = []
        story.advance(1_000)
        story.settle(&cluster)
        #expect(!cluster.requests.contains(.fetch))
        #expect(rows(story)[0].analysis.timeLag == TimeLag(1_801_000, .exact))
        cluster.groups["group-0"]?.commits[TopicPartition("orders", 0)] = 2_700
        story.advance(1_000)
        story.settle(&cluster)
        // Between the record that was read and the log's end: on the line, and said to be.
        #expect(!cluster.requests.contains(.fetch) && rows(story)[0].analysis.timeLag?.kind == .interpolated)
        #expect(abs((rows(story)[0].analysis.timeLag?.milliseconds ?? 0) - 902_000) < 10_000)
        story.advance(20_000)
        story.settle(&cluster)
        #expect(cluster.requests.count { $0 == .fetch } == 1 && rows(story)[0].analysis.timeLag == TimeLag(922_000, .exact))
    }

    @Test func noBrokerIsAskedForMoreThanItsShare() {
        var cluster = cluster(partitions: 30)
        var story = story(Interest(.group("group-0")), &cluster)
        #expect(cluster.requests.count { $0 == .fetch } == 6)
        // Those furthest behind first, two of each broker.
        #expect(rows(story).filter { $0.unread != nil }.map(\.partition.partition) == [0, 1, 2, 3, 4, 5])
        for _ in 0..<4 {
            story.advance(1_000)
            story.settle(&cluster)
        }
        #expect(rows(story).allSatisfy { $0.unread != nil || $0.lag == 0 })
    }

    @Test func ofManyGroupsOnlyTheFurthestBehindPartitionIsRead() {
        var cluster = cluster(groups: 20)
        let story = story(Interest(.groups), &cluster)
        // All stand at the same offset: one record tells them all.
        #expect(cluster.requests.count { $0 == .fetch } == 1)
        #expect(story.outputs.last?.groups.values.allSatisfy { $0.analysis.timeLag == TimeLag(1_800_000, .exact) } == true)
        #expect(story.outputs.last?.groups["group-7"]?.partitions[1].unread == nil)
    }

    @Test func otherScreensReadNoRecord() {
        for screen in [Interest.Screen.overview, .topics, .topic("orders"), .brokers, .events] {
            var cluster = cluster()
            _ = story(Interest(screen), &cluster)
            #expect(!cluster.requests.contains(.fetch))
        }
    }

    @Test func aClusterThatRefusesLeavesTheEstimate() {
        var cluster = cluster()
        cluster.failing[.fetch] = .unsupported(api: "Fetch")
        var story = story(Interest(.group("group-0")), &cluster)
        story.advance(10_000)
        story.settle(&cluster)
        #expect(rows(story)[0].analysis.timeLag == TimeLag(10_000, .atLeast))
    }

    @Test func timesThatProducersMadeUpAreNotBelieved() {
        var cluster = cluster()
        cluster.writes = { _ in Timestamp(milliseconds: .max) }
        let story = story(Interest(.group("group-0")), &cluster)
        #expect(rows(story).allSatisfy { $0.unread == nil && $0.analysis.timeLag?.kind == .atLeast })
        cluster.writes = { _ in Timestamp(milliseconds: .min) }
        var again = self.story(Interest(.group("group-0")), &cluster)
        again.advance(1_000)
        again.settle(&cluster)
        #expect(rows(again).allSatisfy { $0.unread == nil })
    }

    @Test func anOpenTransactionIsFoundAndWhoHoldsIt() {
        var cluster = cluster(partitions: 1)
        cluster.stable = 2_000
        cluster.producers = [(id: 77, epoch: 3, transactionStart: 2_000), (id: 78, epoch: 0, transactionStart: -1)]
        var story = story(Interest(.group("group-0")), &cluster)
        story.advance(1_000)
        story.settle(&cluster)
        let partition = story.outputs.last?.partition(TopicPartition("orders", 0))
        #expect(partition?.stableOffset == 2_000 && partition?.endOffset == 3_600)
        #expect(partition?.producers.map(\.transactionStart) == [2_000, nil] && partition?.producers.first?.producerID == 77)
    }

    @Test func retentionIsReadWithTheOtherSettings() {
        var cluster = cluster()
        cluster.topics["orders"]?.overrides = ["retention.ms": "3600000", "retention.bytes": "-1"]
        var story = story(Interest(.group("group-0")), &cluster)
        story.advance(1_000)
        story.settle(&cluster)
        let topic = story.outputs.last?.topics["orders"]
        #expect(topic?.retentionMs == 3_600_000 && topic?.retentionBytes == -1 && topic?.deletesOldRecords == true)
    }
}
