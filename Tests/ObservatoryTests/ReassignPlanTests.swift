import Primitives
import Testing

@testable import Observatory

@Suite struct ReassignPlanTests {
    private func cluster(brokers: [Int32] = [1, 2, 3, 4]) -> FakeCluster {
        var cluster = FakeCluster()
        cluster.brokers = brokers
        cluster.add("orders", partitions: 4, replicas: 3, end: 1000)
        return cluster
    }
    private func partition(_ index: Int32) -> TopicPartition { TopicPartition("orders", index) }

    // MARK: Reassigning

    @Test func aTopicGoesToTheBrokersNamed() throws {
        var cluster = cluster()
        let wish = Reassign(.topics(["orders"]), .brokers([2, 3, 4], factor: nil), throttle: 50_000_000)
        let plan = try PlanStory.plan(.reassign(wish), &cluster)
        #expect(plan.obstacles == [] && plan.warnings == [])
        #expect(plan.columns == ["PARTITION", "BEFORE", "AFTER", "TO COPY", "LEADER"])
        #expect(plan.rows.count == 4)
        for row in plan.rows { #expect(!row.cells[2].contains("1") && row.cells[3] == "97.7 KiB") }
        #expect(plan.touches.contains("4 replicas to copy (390 KiB), 4 replicas to remove"))
        guard case .throttleReplicas(let lists) = plan.steps[0], case .throttle(let brokers, let rate) = plan.steps[1] else {
            Issue.record("\(plan.steps)")
            return
        }
        #expect(brokers == [1, 2, 3, 4] && rate == 50_000_000)
        #expect(lists.map(\.topic) == ["orders"] && lists[0].leaders.contains("0:1") && lists[0].followers.contains("0:4"))
        #expect(plan.kafkaCommand.contains("kafka-reassign-partitions.sh --bootstrap-server 127.0.0.1:21192"))
        #expect(plan.kafkaCommand.contains("--execute --throttle 50000000"))
        let outcome = try PlanStory.run(plan, &cluster)
        #expect(outcome.verdict == .done && outcome.lines == ["4 partitions on their way."])
        #expect(cluster.brokerOverrides[4]?["follower.replication.throttled.rate"] == "50000000")
        cluster.finishReassignments()
        for partition in cluster.topics["orders"]!.partitions { #expect(partition.replicas.sorted() == [2, 3, 4]) }
    }

    @Test func theWayBackIsWhatWas() throws {
        var cluster = cluster()
        let before = cluster.topics["orders"]!.partitions.map(\.replicas)
        let plan = try PlanStory.plan(.reassign(Reassign(.topics(["orders"]), .brokers([2, 3, 4], factor: nil))), &cluster)
        let undo = try #require(try PlanStory.run(plan, &cluster).undo)
        cluster.finishReassignments()
        _ = try PlanStory.run(try PlanStory.plan(undo, &cluster), &cluster)
        cluster.finishReassignments()
        #expect(cluster.topics["orders"]!.partitions.map(\.replicas) == before)
    }

    @Test func moreReplicasGoToFreeBrokersAndFewerLeaveSome() throws {
        var cluster = cluster()
        let more = try PlanStory.plan(.reassign(Reassign(.topics(["orders"]), .factor(4))), &cluster)
        #expect(more.rows.count == 4 && more.title == "Change the replication factor of topic orders to 4")
        let fewer = try PlanStory.plan(.reassign(Reassign(.topics(["orders"]), .factor(2))), &cluster)
        #expect(fewer.rows.map { $0.cells[2].split(separator: ",").count } == [2, 2, 2, 2])
        #expect(fewer.warnings == ["4 partitions will have fewer replicas."])
        #expect(fewer.rows.allSatisfy { $0.cells[3] == "-" })
        #expect(throws: PlanError("5 replicas need 5 brokers; there are 4 to put them on.")) {
            try PlanStory.plan(.reassign(Reassign(.topics(["orders"]), .factor(5))), &cluster)
        }
    }

    @Test func drainingABrokerLeavesNothingThere() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(.reassign(Reassign(.all, .without(2))), &cluster)
        #expect(plan.title == "Drain broker 2" && plan.obstacles == [])
        #expect(plan.warnings == ["Without a throttle the copying takes all the network and disks give."])
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        cluster.finishReassignments()
        #expect(cluster.topics["orders"]!.partitions.allSatisfy { !$0.replicas.contains(2) })
        let again = try PlanStory.plan(.reassign(Reassign(.all, .without(2))), &cluster)
        #expect(again.obstacles == ["Broker 2 holds no replica of all partitions."])
    }

    @Test func threeReplicasCannotBeDrainedToTwoBrokers() throws {
        var cluster = cluster(brokers: [1, 2, 3])
        #expect(throws: PlanError("3 replicas need 3 brokers; there are 2 to put them on.")) {
            try PlanStory.plan(.reassign(Reassign(.all, .without(2))), &cluster)
        }
    }

    // MARK: Leaders

    @Test func aLeaderMovesWithoutAReplica() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(.reassign(Reassign(.partitions([partition(0)]), .leader(2))), &cluster)
        #expect(plan.rows.map(\.cells) == [["orders-0", "1,2,3", "2,1,3", "-", "1 → 2"]])
        #expect(plan.steps == [.reassign([PartitionReplicas(partition(0), [2, 1, 3])]), .electLeaders([partition(0)], unclean: false)])
        #expect(plan.kafkaCommand.hasSuffix("--election-type preferred --topic orders --partition 0"))
        #expect(try PlanStory.run(plan, &cluster).lines == ["orders-0 is led by broker 2."])
        #expect(cluster.topics["orders"]!.partitions[0].leader == 2)
    }

    @Test func aReplicaThatIsNotInSyncDoesNotLead() throws {
        var cluster = cluster()
        cluster.topics["orders"]!.partitions[0].isr = [1, 3]
        let plan = try PlanStory.plan(.reassign(Reassign(.partitions([partition(0)]), .leader(2))), &cluster)
        #expect(plan.obstacles == ["orders-0: broker 2 is not in sync and cannot lead yet."])
        let foreign = try PlanStory.plan(.reassign(Reassign(.partitions([partition(0)]), .leader(4))), &cluster)
        #expect(!foreign.isRunnable && foreign.warnings == ["orders-0 is left out: broker 4 holds no replica of it."])
    }

    @Test func leadersGoAwayFromABroker() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(.reassign(Reassign(.all, .leadersAway(1))), &cluster)
        #expect(plan.rows.count == 2)
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        #expect(cluster.topics["orders"]!.partitions.allSatisfy { $0.leader != 1 && $0.replicas.first != 1 })
    }

    @Test func preferredLeadersAreElectedWhereTheyAreInSync() throws {
        var cluster = cluster()
        cluster.topics["orders"]!.partitions[0].leader = 3
        cluster.topics["orders"]!.partitions[1].leader = 3
        cluster.topics["orders"]!.partitions[1].isr = [3, 4]
        let plan = try PlanStory.plan(.electLeaders(.all, unclean: false), &cluster)
        #expect(plan.rows.map(\.cells) == [["orders-0", "1,2,3", "1,2,3", "3", "1"]])
        #expect(plan.warnings == ["orders-1 is left out: its preferred leader is not in sync."])
        #expect(plan.confirmation == .yes)
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        #expect(cluster.topics["orders"]!.partitions[0].leader == 1)
        let again = try PlanStory.plan(.electLeaders(.topics(["orders"]), unclean: false), &cluster)
        #expect(!again.isRunnable)
    }

    @Test func anUncleanElectionWantsItsNameTyped() throws {
        var cluster = cluster()
        cluster.brokers = [2, 3, 4]
        cluster.topics["orders"]!.partitions[0].leader = -1
        cluster.topics["orders"]!.partitions[0].isr = [1]
        let plan = try PlanStory.plan(.electLeaders(.partitions([partition(0)]), unclean: true), &cluster)
        #expect(plan.confirmation == .typedName("orders") && plan.rows[0].cells[4] == "2")
        guard case .none = plan.inverse else {
            Issue.record("an unclean election cannot be undone")
            return
        }
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        #expect(cluster.topics["orders"]!.partitions[0].leader == 2)
    }

    @Test func aClusterThatLiesIsFoundOut() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(.reassign(Reassign(.topics(["orders"]), .brokers([2, 3, 4], factor: nil))), &cluster)
        cluster.isLying = true
        #expect(try PlanStory.run(plan, &cluster).verdict == .doneButDiffers)
    }

    // MARK: Under way

    private func moving(throttle: Int64? = 1000) throws -> FakeCluster {
        var cluster = cluster()
        let wish = Reassign(.topics(["orders"]), .brokers([2, 3, 4], factor: nil), throttle: throttle)
        _ = try PlanStory.run(try PlanStory.plan(.reassign(wish), &cluster), &cluster)
        return cluster
    }

    @Test func theThrottleChangesWhileItRuns() throws {
        var cluster = try moving()
        let plan = try PlanStory.plan(.throttle(5_000_000), &cluster)
        #expect(plan.rows.map(\.cells[1]) == Array(repeating: "1000 B/s", count: 4) && plan.steps.count == 1)
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        #expect(cluster.brokerOverrides[1]?["leader.replication.throttled.rate"] == "5000000")
        #expect(plan.inverse == .action(.throttle(1000)))
    }

    @Test func oneThatRunsWithoutAThrottleGetsOne() throws {
        var cluster = try moving(throttle: nil)
        let plan = try PlanStory.plan(.throttle(1000), &cluster)
        #expect(plan.steps.count == 2 && plan.touches.contains("1 topic had no throttled replicas and gets them"))
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        #expect(cluster.topics["orders"]!.overrides["follower.replication.throttled.replicas"]?.isEmpty == false)
    }

    @Test func cancellingTheLastTakesItsThrottleAway() throws {
        var cluster = try moving()
        let plan = try PlanStory.plan(.cancelReassignments([]), &cluster)
        #expect(plan.rows.count == 4 && plan.touches == ["4 reassignments", "the throttle is removed"])
        #expect(plan.kafkaCommand.hasSuffix("--reassignment-json-file reassign.json --cancel"))
        #expect(try PlanStory.run(plan, &cluster).lines == ["Cancelled 4 reassignments."])
        #expect(cluster.topics["orders"]!.partitions.allSatisfy { $0.adding.isEmpty })
        #expect(cluster.brokerOverrides.values.allSatisfy { $0.isEmpty })
        #expect(try !PlanStory.plan(.cancelReassignments([]), &cluster).isRunnable)
    }

    @Test func aThrottleLeftBehindIsRemoved() throws {
        var cluster = try moving()
        cluster.finishReassignments()
        let plan = try PlanStory.plan(.throttle(nil), &cluster)
        #expect(plan.touches == ["4 brokers, 1 topic"] && plan.warnings == [])
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        #expect(cluster.topics["orders"]!.overrides.isEmpty)
        #expect(try PlanStory.plan(.throttle(nil), &cluster).warnings == ["There is no throttle."])
        #expect(try !PlanStory.plan(.throttle(1000), &cluster).isRunnable)
    }
}

@Suite struct ReplicaPlacementTests {
    private func targets(_ count: Int32, racks: [String]? = nil) -> [ReplicaPlacement.Broker] {
        (1...count).map { id in .init(id: BrokerID(id), rack: racks.map { $0[Int(id - 1) % $0.count] }) }
    }

    private func load(_ placed: [[BrokerID]], _ broker: BrokerID) -> Int { placed.count { $0.contains(broker) } }

    @Test func newBrokersGetTheirShareOfReplicasAndLeaders() {
        let current = (0..<12).map { index in (0..<3).map { BrokerID(Int32((index + $0) % 3 + 1)) } }
        var placement = ReplicaPlacement(targets: targets(6), others: [])
        let placed = placement.place(current, factor: nil, isSpread: true)
        for id in Int32(1)...6 {
            #expect((5...7).contains(load(placed, BrokerID(id))), "\(placed)")
            #expect((1...3).contains(placed.count { $0.first == BrokerID(id) }), "\(placed)")
        }
        for replicas in placed { #expect(replicas.uniqued().count == 3) }
    }

    @Test func replicasStandInDifferentRacks() {
        let current = (0..<8).map { _ in [BrokerID(1)] }
        let brokers = targets(6, racks: ["a", "b", "c"])
        var placement = ReplicaPlacement(targets: brokers, others: [])
        for replicas in placement.place(current, factor: 3, isSpread: true) {
            let racks = replicas.map { id in brokers.first { $0.id == id }?.rack ?? "" }
            #expect(racks.uniqued().count == 3, "\(replicas)")
        }
    }

    @Test func whatFitsStays() {
        var placement = ReplicaPlacement(targets: targets(4), others: [[4, 3], [4, 3], [4, 3]])
        #expect(placement.place([[1, 2], [2, 1]], factor: nil, isSpread: true) == [[1, 2], [2, 1]])
        var more = ReplicaPlacement(targets: targets(4), others: [[3, 1]])
        #expect(more.place([[1, 2]], factor: 3, isSpread: false) == [[1, 2, 4]])
    }
}
