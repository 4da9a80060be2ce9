import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// Stories of the observer: what it asks for which screen, what it shows, and what it says happened.
@Suite struct ObserverTests {
    typealias Story = MachineStory<Observer>

    private func cluster() -> FakeCluster {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 6, end: 100)
        cluster.add("clicks", partitions: 3, end: 10)
        cluster.groups["billing"] = FakeCluster.Group(coordinator: 2, commits: [TopicPartition("orders", 0): 40])
        cluster.groups["mail"] = FakeCluster.Group(coordinator: 3, commits: [TopicPartition("clicks", 1): 10])
        return cluster
    }

    /// An observer after its first round.
    private func story(_ interest: Interest, _ cluster: inout FakeCluster) -> Story {
        var story = Story(Observer(bootstrap: ["boot:9092"]))
        story.machine.interest = interest
        story.start()
        story.settle(&cluster)
        return story
    }

    /// Plays one more round and returns the requests it took.
    private func round(_ story: inout Story, _ cluster: inout FakeCluster) -> [APIKey] {
        cluster.requests = []
        story.advance(1_000)
        story.settle(&cluster)
        return cluster.requests
    }

    private func latest(_ story: Story) -> ClusterSnapshot { story.outputs.last ?? ClusterSnapshot() }

    // MARK: Planning

    @Test func firstPictureComesBeforeTheFirstAnswer() {
        var story = Story(Observer(bootstrap: ["boot:9092"]))
        story.start()
        #expect(story.outputs.count == 1)
        #expect(story.outputs[0].connection == .connecting(since: Timestamp(milliseconds: 1_700_000_000_000)))
        #expect(story.outputs[0].bootstrap == ["boot:9092"])
        #expect(story.sentKeys == [.metadata])
    }

    @Test func overviewTakesOneRequestPerLeaderAndCoordinator() {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        let keys = round(&story, &cluster)
        #expect(keys.count { $0 == .metadata } == 1)
        #expect(keys.count { $0 == .listGroups } == 3)
        #expect(keys.count { $0 == .listOffsets } == 3)
        #expect(keys.count { $0 == .describeGroups } == 2)
        #expect(keys.count { $0 == .offsetFetch } == 2)
        #expect(keys.count == 12)
    }

    @Test func topicScreenAsksOnlyForItsTopic() throws {
        var cluster = cluster()
        var story = story(Interest(.topic("clicks")), &cluster)
        cluster.requests = []
        story.advance(1_000)
        let metadata = try #require(story.request(MetadataRequest.self))
        #expect(metadata.message.topics?.map(\.name) == ["clicks"])
        story.settle(&cluster)
        #expect(!cluster.requests.contains(.listGroups))
        // Ends and starts from the leaders, and from every broker where its own replicas end.
        #expect(cluster.requests.count { $0 == .listOffsets } == 9)
        #expect(latest(story).topics.keys == ["clicks", "orders"])
    }

    @Test func groupScreenReadsThatGroupAndItsTopics() {
        var cluster = cluster()
        var story = story(Interest(.group("billing")), &cluster)
        let keys = round(&story, &cluster)
        #expect(keys.count { $0 == .describeGroups } == 1)
        #expect(keys.count { $0 == .offsetFetch } == 1)
        #expect(latest(story).groups["billing"]?.lag == 60)
    }

    @Test func nothingOnScreenIsNoRequest() {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        story.receive(.interest(Interest(.nothing)))
        #expect(story.machine.nextDeadline == .distantFuture)
        #expect(round(&story, &cluster).isEmpty)
        story.receive(.interest(Interest(.topics)))
        #expect(story.sentKeys == [.metadata])
    }

    @Test func roundsDoNotOverlapAndKeepTheirDistance() {
        var cluster = cluster()
        var story = story(Interest(.topics), &cluster)
        story.advance(999)
        #expect(story.sent.isEmpty)
        story.advance(1)
        #expect(story.sentKeys == [.metadata])
        story.advance(5_000)
        story.receive(.refresh)
        #expect(story.sentKeys == [.metadata])
        story.settle(&cluster)
        // The round took five seconds, so the next one is at least twenty after it began.
        #expect(latest(story).cost.intervalMs == 20_000)
        story.advance(101)
        #expect(story.sent.isEmpty == false || story.machine.nextDeadline > story.now.instant)
    }

    @Test func anotherScreenIsReadAtOnce() {
        var cluster = cluster()
        var story = story(Interest(.topics), &cluster)
        story.receive(.interest(Interest(.configs(.topic("orders")))))
        #expect(story.sentKeys.contains(.describeConfigs))
        story.settle(&cluster)
        #expect(latest(story).configs[.topic("orders")]?.entry("retention.ms")?.value == "604800000")
        // Scrolling is no other screen.
        story.receive(.interest(Interest(.configs(.topic("orders")), visibleTopics: ["x"])))
        #expect(story.sent.isEmpty)
    }

    @Test func oldBrokersAreAskedGroupByGroup() {
        var cluster = cluster()
        cluster.isOld = true
        var story = story(Interest(.groups), &cluster)
        #expect(latest(story).groups["billing"]?.lag == 60)
        #expect(latest(story).groups["mail"]?.lag == 0)
        #expect(round(&story, &cluster).count { $0 == .offsetFetch } == 2)
    }

    // MARK: Pictures

    @Test func brokersShowDisksLeadersAndTheQuorumsLeader() throws {
        var cluster = cluster()
        let story = story(Interest(.brokers), &cluster)
        let broker = try #require(latest(story).broker(3))
        #expect(broker.leaders == 3)
        #expect(broker.replicas == 9)
        #expect(broker.disk?.usedBytes == 63_000)
        #expect(broker.disk?.usableBytes == 400_000)
        #expect(broker.isController)
        #expect(latest(story).controller == 3)
        #expect(latest(story).isControllerExact)
        #expect(latest(story).quorum?.voters.map(\.lag) == [2, 2, 0])
    }

    @Test func ratesComeFromDifferences() throws {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        #expect(latest(story).topics["orders"]?.messageRate == nil)
        for index in 0..<6 { cluster.topics["orders"]?.partitions[index].end += 50 }
        _ = round(&story, &cluster)
        let topic = try #require(latest(story).topics["orders"])
        #expect(topic.messageRate == 300)
        #expect(topic.partitions[0].messageRate == 50)
        #expect(topic.messages == 900)
        #expect(latest(story).throughput.last?.messages == 300)
        _ = round(&story, &cluster)
        #expect(latest(story).topics["orders"]?.messageRate == 0)
    }

    @Test func lagConsumptionAndOwnersAreShown() throws {
        var cluster = cluster()
        cluster.groups["billing"]?.state = "Stable"
        cluster.groups["billing"]?.members = [
            FakeCluster.Member(id: "m-1", topics: ["orders"], assigned: [TopicPartition("orders", 0), TopicPartition("orders", 5)])
        ]
        var story = story(Interest(.group("billing")), &cluster)
        cluster.groups["billing"]?.commits[TopicPartition("orders", 0)] = 70
        _ = round(&story, &cluster)
        let group = try #require(latest(story).groups["billing"])
        #expect(group.lag == 30)
        #expect(group.consumeRate == 30)
        #expect(group.partitions.map(\.partition.partition) == [0, 5])
        #expect(group.partitions.map(\.member) == ["m-1", "m-1"])
        #expect(group.partitions.map(\.committed) == [70, nil])
        #expect(group.partitions[1].lag == nil)
        #expect(group.members[0].subscription == ["orders"])
        #expect(group.lags.map(\.lag) == [60, 30])
    }

    @Test func whatFailsKeepsItsLastValueAndItsAge() throws {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        let seen = latest(story).observations.groups.time
        cluster.failing[.listGroups] = .timedOut("ListGroups")
        cluster.failing[.listOffsets] = .disconnected("reset")
        _ = round(&story, &cluster)
        let snapshot = latest(story)
        #expect(snapshot.connection.isConnected)
        #expect(snapshot.observations.groups.time == seen)
        #expect(snapshot.observations.groups.error == "no answer to ListGroups in time")
        #expect(snapshot.observations.groups.age(at: snapshot.time) == 1_000)
        #expect(snapshot.groups.count == 2)
        #expect(snapshot.topics["orders"]?.partitions[0].endOffset == 100)
    }

    /// A cluster that does not let us see its disks says so in the answer.
    @Test func refusedDisksAreNotTakenForEmptyOnes() {
        var cluster = cluster()
        var story = story(Interest(.brokers), &cluster)
        story.advance(1_000)
        while let place = story.sent.firstIndex(where: { $0.request.apiKey != .describeLogDirs }) {
            let next = story.sent.remove(at: place)
            story.perform(story.machine.answered(next.token, cluster.answer(next.request), now: story.now))
        }
        var refusal = DescribeLogDirsResponse()
        refusal.errorCode = .clusterAuthorizationFailed
        while !story.sent.isEmpty { story.answer(refusal) }
        #expect(latest(story).broker(1)?.disk?.directories.count == 1)
        #expect(latest(story).broker(1)?.diskObservation.error == "CLUSTER_AUTHORIZATION_FAILED")
    }

    @Test func clusterOutOfReachIsSaidOnceAndForgottenWhenItIsBack() {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        let healthy = cluster
        cluster.failing[.metadata] = .unreachable("b1:9092: connection refused")
        _ = round(&story, &cluster)
        let since = story.now.wall
        _ = round(&story, &cluster)
        let reason = "cannot reach the cluster: b1:9092: connection refused"
        #expect(latest(story).connection == .disconnected(since: since, reason: reason))
        #expect(latest(story).topics.count == 2)
        cluster = healthy
        _ = round(&story, &cluster)
        #expect(latest(story).connection == .connected(since: story.now.wall))
        #expect(!latest(story).events.contains { if case .topicDeleted = $0.kind { true } else { false } })
    }

    // MARK: Events

    private func kinds(_ story: Story) -> [ClusterEvent.Kind] { latest(story).events.map(\.kind) }

    @Test func firstRoundIsNoNews() {
        var cluster = cluster()
        let story = story(Interest(.overview), &cluster)
        #expect(kinds(story).isEmpty)
    }

    @Test func changesOfTopicsAndBrokersAreReadOffThePictures() throws {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        cluster.add("new", partitions: 2)
        cluster.topics["clicks"] = nil
        cluster.brokers = [1, 2]
        for index in cluster.topics["orders"]!.partitions.indices {
            cluster.topics["orders"]!.partitions[index].isr.removeAll { $0 == 3 }
            if cluster.topics["orders"]!.partitions[index].leader == 3 { cluster.topics["orders"]!.partitions[index].leader = 1 }
        }
        for index in cluster.topics["new"]!.partitions.indices { cluster.topics["new"]!.partitions[index].leader = 1 }
        _ = round(&story, &cluster)
        let seen = kinds(story)
        #expect(seen.contains(.topicCreated(topic: "new", partitions: 2, replicationFactor: 3)))
        #expect(seen.contains(.topicDeleted(topic: "clicks")))
        #expect(seen.contains(.brokerDown(broker: 3, reason: "no longer listed by the cluster")))
        let moved = ClusterEvent.Kind.leaderChanged(
            partition: TopicPartition("orders", 2), from: 3, to: 1, epochs: EpochChange(0, 0), cause: "broker 3 is down")
        #expect(seen.contains(moved))
        let shrunk = ClusterEvent.Kind.inSyncReplicasChanged(
            partition: TopicPartition("orders", 0), from: [1, 2, 3], to: [1, 2], leaderEpoch: 0, partitionEpochs: nil,
            cause: "broker 3 is down")
        #expect(seen.contains(shrunk))
        #expect(latest(story).brokers[3]?.isAlive == false)
        #expect(latest(story).health.underReplicatedPartitions == 6)
        let event = try #require(latest(story).events.first)
        #expect(event.inferredSince == Timestamp(milliseconds: event.time.milliseconds - 1_000))
        #expect(latest(story).eventCount == seen.count)
    }

    @Test func recreatedTopicIsDeletedAndCreated() {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        cluster.topics["clicks"] = nil
        cluster.add("clicks", partitions: 1)
        cluster.topics["clicks"]?.id = UUID(high: 9, low: 9)
        _ = round(&story, &cluster)
        let created = ClusterEvent.Kind.topicCreated(topic: "clicks", partitions: 1, replicationFactor: 3)
        #expect(kinds(story).prefix(2) == [.topicDeleted(topic: "clicks"), created])
        #expect(latest(story).topics["clicks"]?.messages == 0)
    }

    @Test func rebalanceIsInferredFromMembers() {
        var cluster = cluster()
        var story = story(Interest(.group("billing")), &cluster)
        cluster.groups["billing"]?.state = "Stable"
        cluster.groups["billing"]?.members = [FakeCluster.Member(id: "a", topics: ["orders"], assigned: [TopicPartition("orders", 0)])]
        _ = round(&story, &cluster)
        cluster.groups["billing"]?.members.append(FakeCluster.Member(id: "b", topics: ["orders"], assigned: []))
        cluster.groups["billing"]?.state = "PreparingRebalance"
        _ = round(&story, &cluster)
        cluster.groups["billing"]?.state = "Empty"
        cluster.groups["billing"]?.members = []
        _ = round(&story, &cluster)
        let steps = kinds(story).compactMap { kind -> String? in
            guard case .rebalance(let event) = kind else { return nil }
            return "\(event.step.rawValue) \(event.memberID) \(event.reason.rawValue) \(event.members)"
        }
        #expect(
            steps == [
                "memberJoined a new member joined 1", "assigned  new member joined 1", "memberJoined b new member joined 2",
                "started  new member joined 2", "memberLeft a unknown 0", "memberLeft b unknown 0", "emptied  left 0",
            ])
    }

    @Test func resetAndDeletedGroupsAreNoticed() {
        var cluster = cluster()
        var story = story(Interest(.groups), &cluster)
        cluster.groups["billing"]?.commits[TopicPartition("orders", 0)] = 5
        cluster.groups["mail"] = nil
        _ = round(&story, &cluster)
        #expect(kinds(story).contains(.offsetsReset(group: "billing", partitions: 1)))
        #expect(kinds(story).contains(.groupDeleted(group: "mail")))
        #expect(latest(story).groups.keys == ["billing"])
    }

    @Test func groupsOfABrokerThatDidNotAnswerAreNotTakenForDeleted() {
        var cluster = cluster()
        var story = story(Interest(.groups), &cluster)
        cluster.failing[.listGroups] = .timedOut("ListGroups")
        _ = round(&story, &cluster)
        #expect(latest(story).groups.count == 2)
        #expect(kinds(story).isEmpty)
    }

    @Test func whatTheEngineTellsIsNotInferredAgain() {
        var cluster = cluster()
        var story = story(Interest(.overview), &cluster)
        cluster.add("new", partitions: 2)
        let told = ClusterEvent(
            time: story.now.wall, kind: .topicCreated(topic: "new", partitions: 2, replicationFactor: 3), inferredSince: nil)
        story.receive(.ingest([told]))
        #expect(kinds(story) == [told.kind])
        cluster.topics["clicks"] = nil
        _ = round(&story, &cluster)
        #expect(kinds(story) == [told.kind, .topicDeleted(topic: "clicks")])
    }

    @Test func timelineIsBounded() {
        var story = Story(Observer())
        story.start()
        let event = ClusterEvent(time: 1, kind: .groupDeleted(group: "g"))
        for _ in 0..<30 { story.receive(.ingest([ClusterEvent](repeating: event, count: 100))) }
        #expect(latest(story).events.count == ClusterSnapshot.eventsMax)
        #expect(latest(story).eventCount == 3_000)
    }

    // MARK: Size

    @Test func manyTopicsStayWithinARoundsLimitUnlessAskedFor() {
        let count = ObserverLimits.partitionsMax + 500
        var cluster = FakeCluster()
        for index in 0..<count { cluster.add("topic-\(index)", partitions: 1, end: 5) }
        func write(_ end: Int64) { for index in 0..<count { cluster.topics["topic-\(index)"]!.partitions[0].end = end } }
        var story = story(Interest(.topics, visibleTopics: ["topic-7"]), &cluster)
        func known(_ end: Int64) -> Int { latest(story).topics.values.count { $0.messages == end } }
        // The first round reads everything, once.
        #expect(known(5) == count)
        write(6)
        _ = round(&story, &cluster)
        #expect(latest(story).topics["topic-7"]?.messages == 6)
        #expect(known(6) == ObserverLimits.partitionsMax)
        // The visible one again, and those that the round before left out.
        _ = round(&story, &cluster)
        #expect(known(6) == count)
        write(7)
        story.advance(300)
        story.receive(.refresh)
        story.settle(&cluster)
        #expect(known(7) == count)
    }
}
