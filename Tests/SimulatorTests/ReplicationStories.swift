import Broker
import Controller
import Primitives
import Replication
import Storage
import Testing
import Wire

@testable import Simulator

/// Three brokers end to end: what replication promises to clients while brokers come and go.
@Suite struct ReplicationStories {
    private func three(_ seed: UInt64, _ settings: [(String, String)] = []) throws -> World {
        let world = try World(seed: seed, brokers: 3, settings: settings)
        world.startAll()
        try world.settle()
        return world
    }

    private func partition(_ world: World, _ broker: BrokerID) -> PartitionImage? {
        world.node(broker).broker?.image.partition(TopicPartition("t", 0))
    }

    private func held(_ node: SimulatedNode) -> Replica? {
        node.broker?.heldReplicas.first { $0.partition == TopicPartition("t", 0) }
    }

    private func allInSync(_ world: World) -> Bool {
        world.nodes.values.allSatisfy { node in
            guard node.broker != nil else { return true }
            return partition(world, node.id)?.inSyncReplicas.count == 3
        }
    }

    @Test func acknowledgementsTakeTwoHops() throws {
        let world = try three(1)
        try world.makeTopic("t")
        try world.produce("t", ["warm"])
        var slowest: Int64 = 0
        for index in 0..<50 {
            let leader = try #require(try world.leader("t"))
            let before = world.now
            let pending = world.send(World.produceRequest("t", ["\(index)"], partition: 0, acks: -1, at: world.now), to: leader, version: 9)
            try world.run("an answer") { _ in pending.isDone }
            slowest = max(slowest, (world.now.nanoseconds - before.nanoseconds) / 1000)
        }
        #expect(slowest < 5000, "a fetch that waits at its leader is answered at once, and the next one is the word that it came")
    }

    @Test func aKilledLeaderLosesNothingAndComesBack() throws {
        let world = try three(2, [("min.insync.replicas", "2")])
        try world.makeTopic("t")
        var expected: [String] = []
        for round in 0..<6 {
            for index in 0..<5 {
                try world.produce("t", ["\(round).\(index)"])
                expected.append("\(round).\(index)")
            }
            let leader = try #require(try world.leader("t"))
            let before = world.now
            world.node(leader).kill()
            try world.produce("t", ["after \(round)"])
            expected.append("after \(round)")
            #expect(world.now.nanoseconds - before.nanoseconds < 1_000_000_000)
            world.node(leader).start()
            try world.run("all are in sync again", within: 20_000) { allInSync($0) }
        }
        #expect(try world.read("t") == expected)
        for node in world.nodes.values {
            let replica = held(node)
            #expect(replica?.log.logEndOffset == Offset(Int64(expected.count)))
        }
    }

    @Test func aBrokerThatWasCutOffCatchesUp() throws {
        let world = try three(3, [("min.insync.replicas", "2")])
        try world.makeTopic("t")
        try world.produce("t", ["a"])
        let leader = try #require(try world.leader("t"))
        let other = try #require(world.nodes.keys.first { $0 != leader && world.node($0).broker?.isActiveController == false })
        for peer in world.nodes.keys where peer != other { world.network.separate(HostID(peer), HostID(other)) }
        try world.produce("t", ["b"])
        try world.run("it left the in-sync replicas", within: 40_000) { partition($0, leader)?.inSyncReplicas.contains(other) == false }
        for index in 0..<20 { try world.produce("t", ["c\(index)"]) }
        world.network.healAll()
        try world.run("all are in sync again", within: 30_000) { allInSync($0) }
        #expect(held(world.node(other))?.log.logEndOffset == 22)
    }

    @Test func theInternalTopicAndItsGroupsMoveWithTheLeader() throws {
        let world = try three(4)
        try world.makeTopic("t", partitions: 2)
        try world.produce("t", ["a"])
        var request = FindCoordinatorRequest()
        request.key = "g"
        request.keyType = 0
        request.coordinatorKeys = ["g"]
        func coordinator() throws -> BrokerID? {
            for _ in 0..<100 {
                guard let broker = world.anyBroker else { return nil }
                let answer = try world.ask(request, of: broker, version: 4)
                if let found = answer.coordinators.first, found.errorCode == .none { return BrokerID(found.nodeID) }
                world.run(milliseconds: 50)
            }
            return nil
        }
        func commit(_ offset: Int64, at broker: BrokerID) throws -> ErrorCode? {
            var commit = OffsetCommitRequest()
            commit.groupID = "g"
            commit.topics = [OffsetCommitRequest.Topic()]
            commit.topics[0].name = "t"
            commit.topics[0].partitions = [OffsetCommitRequest.Partition()]
            commit.topics[0].partitions[0].committedOffset = offset
            return try world.ask(commit, of: broker, version: 8).topics.first?.partitions.first?.errorCode
        }
        let first = try #require(try coordinator())
        #expect(try commit(17, at: first) == ErrorCode.none)
        world.node(first).kill()
        try world.run("another coordinator", within: 10_000) { _ in ((try? coordinator()) ?? nil).map { $0 != first } ?? false }
        let second = try #require(try coordinator())
        var fetch = OffsetFetchRequest()
        fetch.groupID = "g"
        var found: Int64?
        for _ in 0..<50 where found == nil {
            let answer = try world.ask(fetch, of: second, version: 7)
            found = answer.topics.first?.partitions.first?.committedOffset
            if found == nil { world.run(milliseconds: 50) }
        }
        #expect(found == 17)
    }
}

/// Replicas that move under a throttle (KIP-455, KIP-73).
@Suite struct ThrottledMoveStories {
    private func set(_ world: World, _ type: Int8, _ name: String, _ settings: [(String, String)]) throws {
        var request = IncrementalAlterConfigsRequest()
        request.resources = [IncrementalAlterConfigsRequest.Resource()]
        request.resources[0].resourceType = type
        request.resources[0].resourceName = name
        request.resources[0].configs = settings.map { key, value in
            var config = IncrementalAlterConfigsRequest.Config()
            config.name = key
            config.value = value
            return config
        }
        // A broker's own settings are taken by that broker alone.
        let broker = type == 4 ? try #require(Int32(name).map { BrokerID($0) }) : try #require(world.anyBroker)
        let answer = try world.ask(request, of: broker)
        #expect(answer.responses.first?.errorCode == ErrorCode.none)
    }

    private func throttle(_ world: World, _ broker: Int, _ rate: String) throws {
        try set(world, 4, "\(broker)", [("leader.replication.throttled.rate", rate), ("follower.replication.throttled.rate", rate)])
    }

    private func move(_ world: World, to replicas: [Int32]?) throws {
        var request = AlterPartitionReassignmentsRequest()
        request.topics = [AlterPartitionReassignmentsRequest.Topic()]
        request.topics[0].name = "t"
        request.topics[0].partitions = [AlterPartitionReassignmentsRequest.Partition()]
        request.topics[0].partitions[0].replicas = replicas
        let broker = try #require(world.anyBroker)
        let answer = try world.ask(request, of: broker)
        #expect(answer.responses.first?.partitions.first?.errorCode == ErrorCode.none)
    }

    private func replica(_ world: World, _ broker: Int32) -> Replica? {
        world.node(BrokerID(broker)).broker?.heldReplicas.first { $0.partition == TopicPartition("t", 0) }
    }

    @Test func aReplicaMovesAtItsRateAndFasterWhenTheRateIsRaised() throws {
        let world = try World(seed: 5, brokers: 3, settings: [("min.insync.replicas", "1"), ("replica.fetch.max.bytes", "20000")])
        world.startAll()
        try world.settle()
        try world.makeTopic("t", replicas: 1)
        let value = String(repeating: "x", count: 1000)
        for _ in 0..<50 { try world.produce("t", [String](repeating: value, count: 20)) }
        let leader = try #require(try world.leader("t")).rawValue
        let target: Int32 = leader == 3 ? 1 : leader + 1
        try set(world, 2, "t", [
            ("leader.replication.throttled.replicas", "0:\(leader)"), ("follower.replication.throttled.replicas", "0:\(target)"),
        ])
        for broker in 1...3 {
            try throttle(world, broker, "100000")
        }
        try move(world, to: [target])
        world.run(milliseconds: 4000)
        let part = replica(world, target)?.log.size ?? 0
        #expect((300_000...700_000).contains(part), "\(part) bytes after four seconds at 100 kB/s")
        try world.produce("t", ["while it moves"])
        for broker in 1...3 {
            try throttle(world, broker, "10000000")
        }
        try world.run("the move is over", within: 5000) { replica($0, leader) == nil && replica($0, target)?.isLeader == true }
        #expect(try world.read("t").count == 1001)
    }

    @Test func aCancelledMoveLeavesNothingBehind() throws {
        let world = try World(seed: 6, brokers: 3, settings: [("min.insync.replicas", "1"), ("replica.fetch.max.bytes", "20000")])
        world.startAll()
        try world.settle()
        try world.makeTopic("t", replicas: 1)
        for _ in 0..<20 { try world.produce("t", [String](repeating: String(repeating: "x", count: 1000), count: 20)) }
        let leader = try #require(try world.leader("t")).rawValue
        let target: Int32 = leader == 3 ? 1 : leader + 1
        try set(world, 2, "t", [("follower.replication.throttled.replicas", "*")])
        try set(world, 4, "\(target)", [("follower.replication.throttled.rate", "1000")])
        try move(world, to: [target])
        try world.run("it has begun", within: 5000) { replica($0, target) != nil }
        try move(world, to: nil)
        try world.run("it is gone again", within: 5000) { replica($0, target) == nil }
        #expect(replica(world, leader)?.isLeader == true)
        #expect(try world.read("t").count == 400)
    }
}
