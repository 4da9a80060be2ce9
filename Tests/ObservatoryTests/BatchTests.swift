import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// A reassignment in batches: cut, carried out one after the other, paused, ended, broken off and gone on with.
@Suite struct BatchTests {
    private func cluster() -> FakeCluster {
        var cluster = FakeCluster()
        cluster.brokers = [1, 2, 3, 4]
        cluster.add("orders", partitions: 5, replicas: 2, end: 50)
        return cluster
    }

    private func name(_ index: Int32) -> TopicPartition { TopicPartition("orders", index) }

    private func exact(_ batch: ReassignBatch?) -> PlanAction {
        let moves = (0..<5).map { PartitionReplicas(name($0), [3, 4]) }
        return .reassign(Reassign(.partitions(moves.map(\.partition)), .exact(moves), batch: batch))
    }

    private func counts(_ plan: Plan) -> [Int]? {
        for case .reassignInBatches(let batches) in plan.steps { return batches.map(\.count) }
        return nil
    }

    /// A run on that cluster: `turn` lets a second pass, in which what was asked is answered.
    private struct Run {
        var story: MachineStory<PlanRunner>
        var cluster: FakeCluster

        init(_ plan: Plan, _ cluster: FakeCluster) {
            story = MachineStory(PlanRunner(plan, gate: .open))
            self.cluster = cluster
            story.start()
            story.settle(&self.cluster)
        }

        mutating func turn(_ seconds: Int = 1) {
            for _ in 0..<seconds {
                story.advance(1_000)
                story.settle(&cluster)
            }
        }

        mutating func tell(_ input: PlanInput) {
            story.receive(input)
            story.settle(&cluster)
        }

        var progress: BatchProgress? {
            for case .batch(let progress) in story.outputs.reversed() { return progress }
            return nil
        }
        var outcome: PlanOutcome? { if case .finished(let outcome)? = story.outputs.last { outcome } else { nil } }
        var moving: [Int32] {
            (cluster.topics["orders"]?.partitions ?? []).enumerated().filter { !$0.element.adding.isEmpty }.map { Int32($0.offset) }
        }
        var there: Int { (cluster.topics["orders"]?.partitions ?? []).count { $0.replicas == [3, 4] && $0.adding.isEmpty } }
    }

    // MARK: Cutting

    @Test func aBatchIsAsManyPartitionsOrAsManyBytes() throws {
        var cluster = cluster()
        #expect(try counts(PlanStory.plan(exact(.partitions(2)), &cluster)) == [2, 2, 1])
        #expect(try counts(PlanStory.plan(exact(.partitions(9)), &cluster)) == [5])
        #expect(try counts(PlanStory.plan(exact(nil), &cluster)) == nil)
        let plan = try PlanStory.plan(exact(.partitions(2)), &cluster)
        #expect(plan.touches.contains("in 3 batches, 2 partitions each at most: one begins when the one before is there"))
        #expect(plan.kafkaCommand.split(separator: "\n").count { $0.contains("--execute") } == 3 && plan.isInBatches)
        // Two partitions' worth of bytes, and less than one's: a partition is never cut.
        // Two new replicas of 5,000 bytes each.
        #expect(try counts(PlanStory.plan(exact(.bytes(20_000)), &cluster)) == [2, 2, 1])
        #expect(try counts(PlanStory.plan(exact(.bytes(19_999)), &cluster)) == [1, 1, 1, 1, 1])
        #expect(try counts(PlanStory.plan(exact(.bytes(1)), &cluster)) == [1, 1, 1, 1, 1])
        #expect(ReassignBatch("10") == .partitions(10) && ReassignBatch("50G") == .bytes(50 << 30))
        for bad in ["", "0", "-3", "many", "0G"] { #expect(ReassignBatch(bad) == nil) }
    }

    @Test func whatIsLeftKeepsItsBatches() throws {
        var cluster = cluster()
        #expect(try counts(PlanStory.plan(exact(.counts([2, 2, 1])), &cluster)) == [2, 2, 1])
        cluster.topics["orders"]?.partitions[0].replicas = [3, 4]
        cluster.topics["orders"]?.partitions[2].replicas = [3, 4]
        #expect(try counts(PlanStory.plan(exact(.counts([2, 2, 1])), &cluster)) == [1, 1, 1])
        for index in 0..<4 { cluster.topics["orders"]?.partitions[index].replicas = [3, 4] }
        #expect(try counts(PlanStory.plan(exact(.counts([2, 2, 1])), &cluster)) == [1])
    }

    // MARK: Carrying out

    @Test func oneBatchFollowsTheOther() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(exact(.partitions(2)), &cluster)
        var run = Run(plan, cluster)
        run.turn(5)
        #expect(run.moving == [0, 1] && run.progress?.text == "batch 1 of 3, 0 of 5 partitions there")
        // One of two is no reason to go on.
        run.cluster.topics["orders"]?.partitions[0].finish()
        run.turn(3)
        #expect(run.moving == [1] && run.progress?.text == "batch 1 of 3, 1 of 5 partitions there")
        run.cluster.finishReassignments()
        run.turn(3)
        #expect(run.moving == [2, 3] && run.progress?.waiting.map(\.count) == [1])
        run.cluster.finishReassignments()
        run.turn(3)
        #expect(run.moving == [4] && run.outcome == nil)
        run.cluster.finishReassignments()
        run.turn(4)
        #expect(run.outcome?.verdict == .done && run.outcome?.lines == ["5 partitions there already."] && run.there == 5)
        // It is taken back in batches too.
        let undo = try #require(run.outcome?.undo)
        #expect(try counts(PlanStory.plan(undo, &run.cluster)) == [2, 2, 1])
    }

    @Test func aPauseLetsTheBatchArriveAndNoOtherBegin() throws {
        var cluster = cluster()
        var run = Run(try PlanStory.plan(exact(.partitions(2)), &cluster), cluster)
        run.turn()
        run.tell(.pause)
        #expect(run.progress?.text == "batch 1 of 3, 0 of 5 partitions there, pauses after this batch")
        run.cluster.finishReassignments()
        run.turn(20)
        #expect(run.moving == [] && run.there == 2 && run.progress?.text == "batch 2 of 3, 2 of 5 partitions there, paused")
        #expect(run.progress?.waiting.map(\.count) == [2, 1])
        run.tell(.resume)
        run.turn(2)
        #expect(run.moving == [2, 3] && run.progress?.isPaused == false)
    }

    @Test func anEndLetsArriveWhatIsOnItsWay() throws {
        var cluster = cluster()
        var run = Run(try PlanStory.plan(exact(.partitions(2)), &cluster), cluster)
        run.turn()
        run.tell(.stop)
        run.tell(.pause)
        run.turn(3)
        #expect(run.moving == [0, 1] && run.outcome == nil && run.progress?.isEnding == true)
        run.cluster.finishReassignments()
        run.turn(3)
        let outcome = try #require(run.outcome)
        #expect(outcome.verdict == .doneButDiffers && outcome.undo != nil && run.there == 2)
        #expect(outcome.lines == ["2 of 5 partitions are there.", "3 partitions did not begin to move."])
    }

    @Test func whatIsOnItsWayIsCancelledWhereThatIsWished() throws {
        var cluster = cluster()
        var run = Run(try PlanStory.plan(exact(.partitions(2)), &cluster), cluster)
        run.turn()
        run.cluster.topics["orders"]?.partitions[0].finish()
        run.tell(.stop)
        run.tell(.cancel)
        run.turn(2)
        let outcome = try #require(run.outcome)
        #expect(run.moving == [] && run.there == 1 && run.cluster.topics["orders"]?.partitions[1].replicas != [3, 4])
        #expect(
            outcome.lines == [
                "1 of 5 partitions is there.", "1 partition on the way stays where it was.", "3 partitions did not begin to move.",
            ])
    }

    @Test func pausedBetweenTwoItEndsAtOnce() throws {
        for input in [PlanInput.stop, .cancel] {
            var cluster = cluster()
            var run = Run(try PlanStory.plan(exact(.partitions(2)), &cluster), cluster)
            run.tell(.pause)
            run.cluster.finishReassignments()
            run.turn(3)
            run.tell(input)
            #expect(run.outcome?.lines == ["2 of 5 partitions are there.", "3 partitions did not begin to move."])
        }
    }

    // MARK: Trouble

    @Test func aClusterWithoutAControllerIsWaitedFor() throws {
        var cluster = cluster()
        var run = Run(try PlanStory.plan(exact(.partitions(2)), &cluster), cluster)
        run.turn()
        run.cluster.failing[.listPartitionReassignments] = .timedOut("ListPartitionReassignments")
        run.turn(3)
        #expect(run.progress?.problem?.isEmpty == false && run.outcome == nil)
        run.cluster.failing = [:]
        run.cluster.failing[.alterPartitionReassignments] = .timedOut("AlterPartitionReassignments")
        run.cluster.finishReassignments()
        run.turn(10)
        #expect(run.there == 2 && run.moving == [] && run.progress?.problem != nil && run.outcome == nil)
        run.cluster.failing = [:]
        run.turn(2)
        #expect(run.moving == [2, 3] && run.progress?.problem == nil)
    }

    /// Somebody is there to read why the first was not taken; later nobody may be, and it ends when it has been tried long enough.
    @Test func theFirstBatchIsNotInsistedOnAndNoneForEver() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(exact(.partitions(2)), &cluster)
        var refused = cluster
        refused.failing[.alterPartitionReassignments] = .timedOut("AlterPartitionReassignments")
        #expect(Run(plan, refused).outcome?.verdict == .failed)
        var run = Run(plan, cluster)
        run.turn()
        run.cluster.failing[.alterPartitionReassignments] = .timedOut("AlterPartitionReassignments")
        run.cluster.finishReassignments()
        run.turn(PlanLimits.batchRetriesMax + 5)
        #expect(run.outcome?.verdict == .doneButDiffers && run.outcome?.lines.contains("2 of 5 partitions are there.") == true)
        #expect(run.outcome?.undo != nil)
    }

    @Test func whatSomebodyElseCancelledIsTold() throws {
        var cluster = cluster()
        var run = Run(try PlanStory.plan(exact(.partitions(2)), &cluster), cluster)
        run.turn()
        run.cluster.topics["orders"]?.partitions[1].reassign(nil)
        run.cluster.topics["orders"]?.partitions[0].finish()
        // Brokers may know later than the controller: it is looked at again for a while, and then gone on.
        run.turn(PlanLimits.checksMax + 4)
        #expect(run.moving == [2, 3])
        for _ in 0..<2 {
            run.cluster.finishReassignments()
            run.turn(4)
        }
        #expect(run.outcome?.verdict == .doneButDiffers && run.there == 4)
        #expect(run.outcome?.lines.last?.hasPrefix("orders-1 is or will be on ") == true)
    }

    @Test func aClosedGateLetsNoBatchThrough() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(exact(.partitions(2)), &cluster)
        var story = MachineStory(PlanRunner(plan, gate: .closed("Read-only.")))
        story.start()
        #expect(story.sent.isEmpty)
        guard case .finished(let outcome)? = story.outputs.last else { return #expect(Bool(false), "it goes on") }
        #expect(outcome.verdict == .failed && outcome.lines == ["Read-only."])
    }
}
