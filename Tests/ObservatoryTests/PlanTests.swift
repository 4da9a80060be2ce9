import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// Plans other than resets: tables, obstacles, undo.
@Suite struct PlanTests {
    @Test func topicToBeCreatedShowsWhatTheBrokerWillChoose() throws {
        var cluster = FakeCluster()
        let plan = try PlanStory.plan(.createTopic(NewTopic(name: "new")), &cluster)
        #expect(plan.rows.map(\.cells) == [["partitions", "-", "4"], ["replication factor", "-", "3"]])
        #expect(plan.touches == ["4 partitions, 12 replicas on 3 brokers"])
        #expect(plan.inverse == .action(.deleteTopic("new")))
        #expect(plan.confirmation == .yes)
        #expect(try PlanStory.run(plan, &cluster).lines == ["Created topic new with 4 partitions, replication factor 3."])
    }

    @Test func topicThatExistsIsAnObstacle() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 1)
        let plan = try PlanStory.plan(.createTopic(NewTopic(name: "orders", partitions: 1)), &cluster)
        #expect(plan.obstacles == ["Topic orders exists already."])
    }

    @Test(arguments: [NewTopic(name: ""), NewTopic(name: "t", partitions: 0), NewTopic(name: "t", replicationFactor: 0)])
    func nonsenseIsRefusedWithoutARequest(topic: NewTopic) {
        var cluster = FakeCluster()
        guard case .failure = PlanStory.build(.createTopic(topic), &cluster) else {
            Issue.record("accepted")
            return
        }
        #expect(cluster.requests.isEmpty)
    }

    @Test func deletingATopicNeedsItsNameTyped() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 2, start: 5, end: 20)
        let plan = try PlanStory.plan(.deleteTopic("orders"), &cluster)
        #expect(plan.confirmation == .typedName("orders"))
        #expect(plan.rows.map(\.cells) == [["0", "offsets 5 to 20", "gone"], ["1", "offsets 5 to 20", "gone"]])
        #expect(plan.touches == ["2 partitions, about 30 messages"])
        #expect(plan.inverse == .none("The messages cannot be brought back."))
        let outcome = try PlanStory.run(plan, &cluster)
        #expect(outcome == PlanOutcome(title: "Delete topic orders", verdict: .done, lines: ["Deleted topic orders."]))
    }

    @Test func aTopicLikeAnotherHasWhatIsNotSaid() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 6)
        cluster.topics["orders"]?.overrides = ["cleanup.policy": "compact", "retention.ms": "1000"]
        let wanted = NewTopic(name: "copy", configs: [ConfigValue("retention.ms", "5")], like: "orders")
        let plan = try PlanStory.plan(.createTopic(wanted), &cluster)
        #expect(plan.title == "Create topic copy like orders")
        guard case .createTopic(let exact)? = plan.steps.first else { return #expect(Bool(false)) }
        #expect(exact.like == nil && exact.partitions == 6 && exact.name == "copy" && plan.action == .createTopic(exact))
        #expect(exact.configs == [ConfigValue("retention.ms", "5"), ConfigValue("cleanup.policy", "compact")])
        #expect(plan.kafkaCommand.contains("--partitions 6") && plan.kafkaCommand.contains("cleanup.policy=compact"))
        #expect(plan.inverse == .action(.deleteTopic("copy")))
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        let none = PlanStory.build(.createTopic(NewTopic(name: "copy", like: "gone")), &cluster)
        #expect(none == .failure(PlanError("Topic gone does not exist.")))
    }

    @Test func aRecreatedTopicIsDeletedAndMadeAsItWas() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 2, start: 5, end: 20)
        cluster.topics["orders"]?.overrides = ["cleanup.policy": "compact"]
        let plan = try PlanStory.plan(.recreateTopic("orders"), &cluster)
        #expect(plan.confirmation == .typedName("orders"))
        #expect(plan.inverse == .none("The messages cannot be brought back."))
        #expect(plan.rows.map(\.cells) == (0..<2).map { ["\($0)", "offsets 5 to 20", "empty, from offset 0"] })
        guard case .createTopic(let topic)? = plan.steps.last else { return #expect(Bool(false)) }
        #expect(plan.steps == [.deleteTopic(name: "orders"), .createTopic(topic)])
        #expect(topic.partitions == 2 && topic.configs == [ConfigValue("cleanup.policy", "compact")])
        #expect(plan.kafkaCommand.contains("--delete --topic orders"))
        #expect(plan.kafkaCommand.contains("--create --topic orders --partitions 2"))
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        #expect(cluster.topics["orders"]?.overrides == ["cleanup.policy": "compact"])
    }

    @Test func configChangeShowsSourceAndUndo() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 1)
        cluster.topics["orders"]?.overrides = ["cleanup.policy": "compact"]
        let action = PlanAction.alterConfig(
            .topic("orders"), set: [ConfigValue("retention.ms", "1000")], delete: ["cleanup.policy", "retention.bytes"])
        let plan = try PlanStory.plan(action, &cluster)
        #expect(plan.rows.map(\.cells) == [
            ["retention.ms", "604800000 (DEFAULT_CONFIG)", "1000"], ["cleanup.policy", "compact", "the default"],
            ["retention.bytes", "-", "unchanged"],
        ])
        #expect(plan.warnings == ["retention.bytes is not set on topic orders: there is nothing to delete."])
        let undo = PlanAction.alterConfig(.topic("orders"), set: [ConfigValue("cleanup.policy", "compact")], delete: ["retention.ms"])
        #expect(plan.inverse == .action(undo))
    }

    @Test func recordsOfACompactedTopicCannotBeDeleted() throws {
        var cluster = FakeCluster()
        cluster.add("compacted", partitions: 1, end: 10)
        cluster.topics["compacted"]?.overrides = ["cleanup.policy": "compact"]
        let action = PlanAction.deleteRecords([RecordsToDelete(TopicPartition("compacted", 0), before: 3)])
        let plan = try PlanStory.plan(action, &cluster)
        #expect(plan.obstacles.first?.contains("cleanup.policy=compact") == true)
    }

    @Test func groupWithMembersIsNotDeleted() throws {
        var cluster = FakeCluster()
        cluster.groups["g"] = FakeCluster.Group(
            state: "Stable", members: [FakeCluster.Member(id: "m", topics: ["t"], assigned: [])], commits: [TopicPartition("t", 0): 4])
        let plan = try PlanStory.plan(.deleteGroup("g"), &cluster)
        #expect(plan.obstacles == ["Only an empty group can be deleted; g is Stable with 1 member. Stop them first."])
        let forget = try PlanStory.plan(.deleteGroupOffsets(group: "g", topic: "t"), &cluster)
        #expect(forget.obstacles == ["Group g is Stable and subscribes to t. Stop those members first."])
    }

    @Test func unreachableClusterIsToldAsSuch() {
        var cluster = FakeCluster()
        cluster.failing[.metadata] = .unreachable("b1:9092: connection refused")
        let result = PlanStory.build(.deleteTopic("t"), &cluster)
        #expect(result == .failure(PlanError("cannot reach the cluster: b1:9092: connection refused.")))
    }

    @Test func messageGoesWhereTheKeySaysAndIsShownAsText() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 3)
        let message = NewMessage(
            topic: "orders", key: Bytes("k"), value: Bytes([0xff, 0xfe]), headers: [NewMessage.Header("trace", Bytes("1"))])
        let plan = try PlanStory.plan(.produce(message), &cluster)
        let partition = keyedPartition(Bytes("k"), of: 3)
        #expect(plan.rows.map { $0.cells[2] } == ["\(partition)", "k", "2 bytes", "1"])
        var exact = message
        exact.partition = partition
        #expect(plan.steps == [.produce(exact)])
    }

    @Test func aLoadSaysWhatItWritesAndIsNotForTheRunnerOfRequests() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 3)
        var job = LoadJob(topic: "orders", records: 100_000, size: 1024, rate: 500)
        let plan = try PlanStory.plan(.load(job), &cluster)
        #expect(plan.rows[0].cells[0] == "orders" && plan.rows[0].cells[1] == "3" && plan.rows[0].cells[3] == "100000")
        #expect(plan.touches.contains("500 records a second: about 200 s.") && plan.warnings.isEmpty && plan.obstacles.isEmpty)
        #expect(plan.kafkaCommand.hasPrefix("kafka-producer-perf-test.sh --topic orders --num-records 100000 --record-size 1024"))
        #expect(try PlanStory.run(plan, &cluster).verdict == .failed)
        (job.rate, job.records) = (nil, .max)
        #expect(try PlanStory.plan(.load(job), &cluster).warnings.count == 1)
        job.records = 0
        guard case .failure(let none) = PlanStory.build(.load(job), &cluster) else { return #expect(Bool(false), "no records") }
        #expect(none.message == "A load has at least one record.")
        job = LoadJob(topic: "nowhere", records: 1)
        guard case .failure(let missing) = PlanStory.build(.load(job), &cluster) else { return #expect(Bool(false), "no topic") }
        #expect(missing.message == "Topic nowhere does not exist.")
    }
}
