import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// What the observer makes of replicas, reassignments, throttles and fenced brokers.
@Suite struct ReplicationObserverTests {
    private func cluster() -> FakeCluster {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 2, replicas: 2, end: 1000)
        return cluster
    }

    private func story(_ screen: Interest.Screen, _ cluster: inout FakeCluster) -> MachineStory<Observer> {
        var story = MachineStory(Observer(bootstrap: ["b1:9092"]))
        story.machine.interest = Interest(screen)
        story.start()
        story.settle(&cluster)
        return story
    }

    private func round(_ story: inout MachineStory<Observer>, _ cluster: inout FakeCluster) {
        story.advance(1_000)
        story.settle(&cluster)
    }

    private func partition(_ story: MachineStory<Observer>, _ index: Int32 = 0) throws -> PartitionSnapshot {
        try #require(story.machine.snapshot.partition(TopicPartition("orders", index)))
    }

    @Test func everyReplicaTellsItsOwnLogEnd() throws {
        var cluster = cluster()
        cluster.topics["orders"]!.partitions[0].behind = [2: 40]
        var story = story(.topic("orders"), &cluster)
        let seen = try partition(story)
        #expect(seen.replica(1)?.logEndOffset == 1000 && seen.replica(2)?.logEndOffset == 960)
        #expect(seen.lag(of: 2) == 40 && seen.lag(of: 1) == 0)
        #expect(story.machine.snapshot.topics["orders"]?.minInSyncReplicas == 2)
        cluster.brokers = [1, 3]
        round(&story, &cluster)
        #expect(try partition(story).replica(2)?.logEndOffset == nil, "what a dead broker said is not how it is")
        #expect(try partition(story).lag(of: 2) == nil)
    }

    @Test func partitionsAreCountedByWhatIsWrong() throws {
        var cluster = cluster()
        cluster.topics["orders"]!.partitions[0].isr = [1]
        cluster.topics["orders"]!.partitions[1].leader = 1
        let story = story(.partitions, &cluster)
        let topic = try #require(story.machine.snapshot.topics["orders"])
        #expect(topic.has(.underReplicated, topic.partitions[0]) && topic.has(.underMinISR, topic.partitions[0]))
        #expect(topic.has(.atMinISR, topic.partitions[1]) && topic.has(.notPreferred, topic.partitions[1]))
        let health = story.machine.snapshot.health
        #expect(health.underMinISRPartitions == 1 && health.atMinISRPartitions == 1 && health.leaderNotPreferred == 1)
    }

    @Test func aReassignmentHasBytesLeftARateAndAnEnd() throws {
        var cluster = cluster()
        var story = story(.reassignments, &cluster)
        cluster.topics["orders"]!.partitions[0].reassign([2, 3])
        cluster.topics["orders"]!.partitions[0].behind = [3: 1000]
        round(&story, &cluster)
        cluster.topics["orders"]!.partitions[0].behind = [3: 800]
        round(&story, &cluster)
        cluster.topics["orders"]!.partitions[0].behind = [3: 600]
        round(&story, &cluster)
        let moving = try #require(story.machine.snapshot.reassignments[TopicPartition("orders", 0)])
        #expect(moving.target == [2, 3] && moving.original == [2, 1] && moving.adding == [3] && moving.removing == [1])
        #expect(moving.bytesTotal == 100_000 && moving.bytesLeft == 60_000)
        #expect(moving.rate == 20_000 && moving.etaMs == 3_000 && moving.progress == 0.4)
        #expect(try !partition(story).isUnderReplicated, "a replica on its way in is not missing")
        #expect(story.machine.snapshot.health.reassigningPartitions == 1)
        cluster.topics["orders"]!.partitions[0].finish()
        round(&story, &cluster)
        #expect(story.machine.snapshot.reassignments.isEmpty)
        let kinds = story.machine.snapshot.events.map(\.kind)
        #expect(kinds.contains(.reassignmentStarted(partition: TopicPartition("orders", 0), from: [2, 1], to: [2, 3])))
        #expect(kinds.contains(.reassignmentEnded(partition: TopicPartition("orders", 0), replicas: [2, 3], wasCancelled: false)))
    }

    @Test func cancellingIsToldFromCompletion() {
        var cluster = cluster()
        var story = story(.reassignments, &cluster)
        cluster.topics["orders"]!.partitions[0].reassign([2, 3])
        round(&story, &cluster)
        cluster.topics["orders"]!.partitions[0].reassign(nil)
        round(&story, &cluster)
        let ended = ClusterEvent.Kind.reassignmentEnded(partition: TopicPartition("orders", 0), replicas: [2, 1], wasCancelled: true)
        #expect(story.machine.snapshot.events.contains { $0.kind == ended })
    }

    @Test func throttlesLeftBehindAreFound() {
        var cluster = cluster()
        cluster.topics["orders"]!.overrides["leader.replication.throttled.replicas"] = "0:1"
        cluster.brokerOverrides[3] = ["leader.replication.throttled.rate": "1000"]
        let story = story(.reassignments, &cluster)
        let leftover = story.machine.snapshot.leftoverThrottles
        #expect(leftover.topics == ["orders"] && leftover.brokers == [3])
        #expect(story.machine.snapshot.health.leftoverThrottles == 2)
        #expect(story.machine.snapshot.brokers[3]?.throttleRate == 1000 && story.machine.snapshot.brokers[1]?.throttleRate == nil)
    }

    @Test func aFencedBrokerIsKnownAndNotAlive() {
        var cluster = cluster()
        cluster.brokers = [1, 2]
        cluster.fenced = [3]
        var story = story(.brokers, &cluster)
        #expect(story.machine.snapshot.brokers[3]?.isFenced == true && story.machine.snapshot.brokers[3]?.isAlive == false)
        (cluster.brokers, cluster.fenced) = ([1, 2, 3], [])
        round(&story, &cluster)
        #expect(story.machine.snapshot.brokers[3]?.isFenced == false && story.machine.snapshot.brokers[3]?.isAlive == true)
    }

    @Test func aClusterThatListsNoReassignmentsIsNotAskedEveryRound() {
        var cluster = cluster()
        cluster.failing[.listPartitionReassignments] = .unsupported(api: "ListPartitionReassignments")
        var story = story(.partitions, &cluster)
        cluster.requests = []
        for _ in 0..<3 { round(&story, &cluster) }
        #expect(!cluster.requests.contains(.listPartitionReassignments))
        #expect(story.machine.snapshot.observations.reassignments.error != nil)
    }

    @Test func aBrokerThatHangsIsNotTheWholeCluster() throws {
        var cluster = cluster()
        var story = story(.topics, &cluster)
        story.advance(1_000)
        let first = try #require(story.sent.first { $0.request.apiKey == .metadata })
        #expect(first.request.timeoutMs == 1_500)
        story.fail(.metadata, .timedOut("Metadata"))
        #expect(story.machine.snapshot.connection.isConnected && story.sentKeys == [.metadata], "another broker is asked")
        story.fail(.metadata, .timedOut("Metadata"))
        #expect(!story.machine.snapshot.connection.isConnected)
    }
}
