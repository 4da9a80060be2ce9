import ClientCore
import Primitives
import Testing

@testable import Observatory

/// Every strategy of resetting offsets with its table, its warnings and what it refuses.
@Suite struct ResetPlanTests {
    /// Topic orders as in the recordings of Kafka's own tool: three partitions that end at 6, 0 and 8.
    private func cluster() -> FakeCluster {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 3)
        for (index, end) in [6, 0, 8].enumerated() { cluster.topics["orders"]?.partitions[index].end = Int64(end) }
        cluster.groups["g-classic"] = FakeCluster.Group(
            commits: [TopicPartition("orders", 0): 6, TopicPartition("orders", 1): 0, TopicPartition("orders", 2): 8])
        return cluster
    }

    private func plan(
        _ strategy: ResetStrategy, _ scope: ResetScope = .topics(["orders"]), in cluster: FakeCluster
    ) throws -> Plan {
        var cluster = cluster
        return try PlanStory.plan(.resetOffsets(group: "g-classic", scope: scope, strategy: strategy), &cluster)
    }

    private func after(_ plan: Plan) -> [String] { plan.rows.map { $0.cells[3] } }

    @Test func targetsAreThoseOfKafkasTool() throws {
        #expect(after(try plan(.earliest, in: cluster())) == ["0", "0", "0"])
        #expect(after(try plan(.latest, in: cluster())) == ["6", "0", "8"])
        #expect(after(try plan(.current, .allTopics, in: cluster())) == ["6", "0", "8"])
        #expect(after(try plan(.offset(1), .partitions([TopicPartition("orders", 0)]), in: cluster())) == ["1"])
        #expect(after(try plan(.file(name: "f", csv: "orders,0,0\norders,1,0"), .allTopics, in: cluster())) == ["0", "0"])
    }

    @Test func offsetAboveTheEndIsClampedWithAWarning() throws {
        let plan = try self.plan(.offset(999_999), .partitions([TopicPartition("orders", 0)]), in: cluster())
        #expect(after(plan) == ["6"])
        #expect(plan.warnings.contains("orders-0: new offset 999999 is higher than the latest offset and becomes 6."))
    }

    @Test func shiftBelowTheStartIsClampedWithAWarning() throws {
        let plan = try self.plan(.shiftBy(-1), in: cluster())
        #expect(after(plan) == ["5", "0", "7"])
        #expect(plan.rows.map { $0.cells[4] } == ["-1", "0", "-1"])
        #expect(plan.rows.map(\.isChange) == [true, false, true])
        #expect(plan.warnings == ["orders-1: new offset -1 is lower than the earliest offset and becomes 0."])
        #expect(plan.touches.contains("about 2 messages will be read again"))
    }

    @Test func hugeShiftDoesNotOverflow() throws {
        #expect(after(try plan(.shiftBy(.max), in: cluster())) == ["6", "0", "8"])
        #expect(after(try plan(.shiftBy(.min), in: cluster())) == ["0", "0", "0"])
    }

    @Test func partitionWithoutCommitCannotBeShifted() throws {
        var cluster = self.cluster()
        cluster.groups["g-classic"]?.commits[TopicPartition("orders", 2)] = nil
        let plan = try self.plan(.shiftBy(-1), in: cluster)
        #expect(after(plan) == ["5", "0"])
        #expect(plan.warnings.contains("orders-2 is left out: it has no committed offset to shift."))
        #expect(after(try self.plan(.current, in: cluster)) == ["6", "0", "8"])
    }

    @Test func timeWithoutALaterMessageMeansTheEnd() throws {
        var cluster = self.cluster()
        cluster.topics["orders"]?.partitions[0].byTime = 2
        let plan = try self.plan(.datetime(Timestamp(milliseconds: 5)), in: cluster)
        #expect(after(plan) == ["2", "0", "8"])
        #expect(plan.warnings.contains("orders-2 has no message that late: it is reset to its latest offset, 8."))
        #expect(after(try self.plan(.byDuration(milliseconds: 1000), in: cluster)) == ["2", "0", "8"])
    }

    @Test func fileMayNameGroupsAndQuote() throws {
        let csv = "\"g-classic\",\"orders\",0,1\nother,orders,1,9\n\n g-classic , orders , 2 , 3 \n"
        let plan = try self.plan(.file(name: "offsets.csv", csv: csv), .allTopics, in: cluster())
        #expect(plan.rows.map { "\($0.cells[1]):\($0.cells[3])" } == ["0:1", "2:3"])
    }

    @Test(arguments: ["", "orders,0", "orders,x,1", "orders,0,one", "orders,-1,1"]) func badFileIsRefused(csv: String) {
        var cluster = self.cluster()
        let action = PlanAction.resetOffsets(group: "g", scope: .allTopics, strategy: .file(name: "f", csv: csv))
        guard case .failure = PlanStory.build(action, &cluster) else {
            Issue.record("accepted")
            return
        }
    }

    @Test func activeGroupIsAnObstacle() throws {
        var cluster = self.cluster()
        cluster.groups["g-classic"]?.state = "Stable"
        cluster.groups["g-classic"]?.members = [FakeCluster.Member(id: "m", topics: ["orders"], assigned: [])]
        let plan = try self.plan(.earliest, in: cluster)
        #expect(
            plan.obstacles
                == ["Offsets can only be reset while the group is inactive; g-classic is Stable with 1 member. Stop them first."])
        #expect(!plan.isRunnable)
        #expect(try PlanStory.run(plan, &cluster).verdict == .failed)
        #expect(cluster.groups["g-classic"]?.commits[TopicPartition("orders", 0)] == 6)
    }

    @Test func newGroupIsCreatedByItsCommit() throws {
        var cluster = self.cluster()
        let plan = try PlanStory.plan(.resetOffsets(group: "fresh", scope: .topics(["orders"]), strategy: .earliest), &cluster)
        #expect(plan.warnings.contains("Group fresh does not exist yet: the commit creates it."))
        #expect(plan.rows.map { $0.cells[2] } == ["-", "-", "-"])
        #expect(plan.isRunnable)
    }

    @Test func unknownTopicAndPartitionAndGroupWithoutCommitsAreTold() throws {
        var cluster = self.cluster()
        let unknown = PlanStory.build(.resetOffsets(group: "g", scope: .topics(["nope"]), strategy: .earliest), &cluster)
        #expect(unknown == .failure(PlanError("Topic nope does not exist.")))
        let empty = PlanStory.build(.resetOffsets(group: "new", scope: .allTopics, strategy: .earliest), &cluster)
        #expect(empty == .failure(PlanError("Group new has no committed offsets.")))
        let scope = ResetScope.partitions([TopicPartition("orders", 9), TopicPartition("orders", 0)])
        let partial = try plan(.earliest, scope, in: cluster)
        #expect(partial.warnings.contains("orders-9 is left out: there is no such partition."))
        #expect(after(partial) == ["0"])
    }

    @Test func partitionWithoutLeaderIsLeftOut() throws {
        var cluster = self.cluster()
        cluster.topics["orders"]?.partitions[1].leader = -1
        let plan = try self.plan(.earliest, in: cluster)
        #expect(plan.warnings.contains("orders-1 is left out: it has no leader now."))
        #expect(plan.rows.count == 2)
    }

    @Test func undoBringsTheOldOffsetsBack() throws {
        var cluster = self.cluster()
        let plan = try self.plan(.earliest, in: cluster)
        let outcome = try PlanStory.run(plan, &cluster)
        #expect(outcome.verdict == .done)
        #expect(cluster.groups["g-classic"]?.commits[TopicPartition("orders", 2)] == 0)
        let undo = try PlanStory.plan(try #require(outcome.undo), &cluster)
        #expect(try PlanStory.run(undo, &cluster).verdict == .done)
        #expect(cluster.groups["g-classic"]?.commits[TopicPartition("orders", 2)] == 8)
    }

    /// What earlier tools were blamed for: saying that offsets were reset when they were not.
    @Test func clusterThatOnlySaysYesIsFoundOut() throws {
        var cluster = self.cluster()
        cluster.isLying = true
        let outcome = try PlanStory.run(try plan(.earliest, in: cluster), &cluster)
        #expect(outcome.verdict == .doneButDiffers)
        #expect(outcome.lines == ["orders-0 is at 6, not 0.", "orders-2 is at 8, not 0."])
    }
}
