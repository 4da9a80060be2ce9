import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// Share groups as they are seen, and changed by plans.
@Suite struct ShareGroupPlanTests {
    private func cluster(_ members: [FakeCluster.Member] = []) -> FakeCluster {
        var cluster = FakeCluster()
        cluster.add("jobs", partitions: 2, end: 10)
        cluster.groups["workers"] = FakeCluster.Group(
            state: members.isEmpty ? "Empty" : "Stable", members: members,
            commits: [TopicPartition("jobs", 0): 4, TopicPartition("jobs", 1): -1], isShare: true)
        return cluster
    }

    @Test func aPartitionMayHaveSeveralReaders() throws {
        let both = [TopicPartition("jobs", 0), TopicPartition("jobs", 1)]
        var cluster = cluster([
            FakeCluster.Member(id: "a", topics: ["jobs"], assigned: both),
            FakeCluster.Member(id: "b", topics: ["jobs"], assigned: [both[0]]),
        ])
        var story = MachineStory(Observer(bootstrap: ["boot:9092"]))
        story.machine.interest = Interest(.group("workers"))
        story.start()
        for _ in 0..<3 {
            story.settle(&cluster)
            story.advance(1000)
        }
        let group = try #require(story.outputs.last?.group("workers"))
        #expect(group.isShare && group.state == "Stable" && group.assignor == "simple" && group.members.map(\.id) == ["a", "b"])
        #expect(group.partitions.map(\.readers) == [2, 1] && group.partitions.map(\.member) == ["a", "a"])
        #expect(group.partitions.map(\.committed) == [Offset(4), nil])
        #expect(group.partitions.map(\.lag) == [5, nil], "as the broker told it: a record behind the start is done with")
        #expect(!cluster.requests.contains(.offsetFetch) && !cluster.requests.contains(.describeGroups))
    }

    @Test func offsetsAreResetByTheirOwnRequest() throws {
        var cluster = cluster()
        let action = PlanAction.resetOffsets(group: "workers", scope: .topics(["jobs"]), strategy: .earliest)
        let plan = try PlanStory.plan(action, &cluster)
        #expect(plan.isRunnable && plan.rows.map(\.cells) == [["jobs", "0", "4", "0", "-4"], ["jobs", "1", "-", "0", "-"]])
        let tool = "kafka-share-groups.sh --bootstrap-server \(PlanStory.bootstrap)"
        #expect(plan.kafkaCommand == "\(tool) --reset-offsets --group workers --topic jobs --to-earliest --execute")
        let outcome = try PlanStory.run(plan, &cluster)
        #expect(outcome.verdict == .done && cluster.groups["workers"]?.commits[TopicPartition("jobs", 1)] == 0)
        #expect(!cluster.requests.contains(.offsetCommit))
        let forget = try PlanStory.plan(.deleteGroupOffsets(group: "workers", topic: "jobs"), &cluster)
        #expect(try PlanStory.run(forget, &cluster).verdict == .done)
        #expect(cluster.groups["workers"]?.commits.isEmpty == true)
    }

    @Test func aGroupWithMembersStaysAsItIs() throws {
        var cluster = cluster([FakeCluster.Member(id: "a", topics: ["jobs"], assigned: [])])
        for action: PlanAction in [
            .resetOffsets(group: "workers", scope: .topics(["jobs"]), strategy: .latest), .deleteGroup("workers"),
            .deleteGroupOffsets(group: "workers", topic: "jobs"),
        ] {
            #expect(try !PlanStory.plan(action, &cluster).obstacles.isEmpty)
        }
    }
}
