import Broker
import Controller
import Primitives
import Simulator
import Testing
import Wire

/// Clusters of several nodes: brokers register, are fenced, stop, and come back; requests find the controller wherever it is.
@Suite struct BrokerLifeTests {
    private func cluster(
        seed: UInt64, brokers: Int = 3, _ settings: [(String, String)] = [], roles: [String] = []
    ) throws -> World {
        let world = try World(seed: seed, brokers: brokers, settings: settings, roles: roles)
        world.startAll()
        try world.settle()
        return world
    }

    private func controller(_ world: World) -> BrokerID? { world.nodes.values.first { $0.broker?.isActiveController == true }?.id }
    private func image(_ world: World, _ id: BrokerID) -> ClusterImage? { world.node(id).broker?.image }
    private func partition(_ world: World, _ topic: String = "t") -> PartitionImage? {
        controller(world).flatMap { image(world, $0)?.partition(TopicPartition(topic, 0)) }
    }
    private func isActive(_ world: World, _ id: BrokerID) -> Bool {
        controller(world).flatMap { image(world, $0)?.brokers[id]?.isActive } ?? false
    }
    private func inSync(_ world: World, _ count: Int) -> Bool { partition(world)?.inSyncReplicas.count == count }

    @Test(arguments: [UInt64(1), 2, 3]) func threeBrokersMakeACluster(_ seed: UInt64) throws {
        let world = try cluster(seed: seed)
        #expect(world.milliseconds < 1000, "ready after \(world.milliseconds) ms")
        try world.run("all know all", within: 1000) { world in
            world.nodes.values.allSatisfy { $0.broker?.image.activeBrokers.count == 3 }
        }
        try world.makeTopic("t", replicas: 3)
        #expect(try world.produce("t", ["a"]) == 0)
        #expect(try world.read("t") == ["a"])
    }

    /// Kafka would wait for the session of 9 s; a killed process closes its connections.
    @Test func aKilledBrokerIsFencedSoon() throws {
        let world = try cluster(seed: 4, [("broker.session.timeout.ms", "9000"), ("broker.heartbeat.interval.ms", "2000")])
        try world.makeTopic("t", replicas: 3)
        let active = try #require(controller(world))
        let victim = try #require(world.nodes.keys.first { $0 != active })
        let start = world.milliseconds
        world.node(victim).kill()
        try world.run("fenced", within: 1000) { !isActive($0, victim) }
        #expect(world.milliseconds - start < 700)
        #expect(partition(world)?.leader != victim && inSync(world, 2))
        world.node(victim).start()
        try world.settle()
        try world.run("in sync again", within: 10_000) { inSync($0, 3) }
    }

    @Test func aPausedBrokerIsFencedAfterItsSessionAndServesAgain() throws {
        let world = try cluster(seed: 5)
        try world.makeTopic("t", replicas: 3)
        let active = try #require(controller(world))
        let victim = try #require(world.nodes.keys.first { $0 != active })
        let start = world.milliseconds
        world.node(victim).pause()
        try world.run("fenced", within: 3000) { !isActive($0, victim) }
        #expect(world.milliseconds - start > 700)
        world.node(victim).resume()
        try world.run("serves again", within: 5000) { isActive($0, victim) }
        try world.run("in sync again", within: 10_000) { inSync($0, 3) }
    }

    @Test(arguments: [UInt64(6), 7, 8]) func theControllerDiesAndItsPartitionsAreLedAtOnce(_ seed: UInt64) throws {
        let world = try cluster(seed: seed)
        try world.makeTopic("t", replicas: 3)
        try world.produce("t", ["a"])
        try world.run("all in sync") { inSync($0, 3) }
        let active = try #require(controller(world))
        world.run(milliseconds: 1000)
        let start = world.milliseconds
        world.node(active).kill()
        try world.run("another controller", within: 5000) { controller($0) != nil }
        let elected = world.milliseconds
        try world.run("the old one is fenced", within: 5000) { !isActive($0, active) && partition($0)?.leader != active }
        let fenced = world.milliseconds - elected
        #expect(fenced < 400, "fenced \(fenced) ms after the election, which took \(elected - start)")
        #expect(try world.produce("t", ["b"]) == 1)
    }

    @Test func aBrokerStopsWithoutAGap() throws {
        let world = try cluster(seed: 9)
        try world.makeTopic("t", replicas: 3)
        try world.produce("t", ["a"])
        try world.run("all in sync") { inSync($0, 3) }
        let leader = try #require(partition(world)?.leader)
        world.node(leader).stop()
        try world.run("stopped", within: 5000) { !$0.node(leader).isRunning }
        let next = try #require(world.nodes.values.first { $0.id != leader && $0.isReady }?.broker)
        // The leadership was gone before the broker was.
        #expect(next.image.partition(TopicPartition("t", 0))?.leader != leader)
        #expect(try world.produce("t", ["b"]) == 1)
        world.node(leader).start()
        try world.settle()
        try world.run("in sync again", within: 10_000) { inSync($0, 3) }
        #expect(try world.read("t") == ["a", "b"])
    }

    /// The last of them has nobody to ask and nobody to hand over to.
    @Test(arguments: [UInt64(16), 17, 18]) func allStopAtOnce(_ seed: UInt64) throws {
        let world = try cluster(seed: seed)
        try world.makeTopic("t", replicas: 3)
        try world.produce("t", ["a"])
        let start = world.milliseconds
        for node in world.nodes.values { node.stop(within: 60_000) }
        try world.run("all stopped", within: 60_000) { $0.nodes.values.allSatisfy { !$0.isRunning } }
        #expect(world.milliseconds - start < 3000, "\(world.milliseconds - start) ms")
        world.startAll()
        try world.settle()
        #expect(try world.read("t") == ["a"])
        #expect(try world.produce("t", ["b"]) == 1)
    }

    @Test func leadershipsReturnToThePreferredReplicas() throws {
        let world = try cluster(seed: 20, [("leader.imbalance.check.interval.seconds", "2")])
        try world.makeTopic("t", replicas: 3)
        try world.run("all in sync") { inSync($0, 3) }
        let preferred = try #require(partition(world)?.replicas.first)
        world.node(preferred).kill()
        try world.run("led by another", within: 5000) { partition($0).map { $0.leader != nil && $0.leader != preferred } ?? false }
        world.node(preferred).start()
        try world.settle()
        try world.run("led by the preferred", within: 10_000) { partition($0)?.leader == preferred }
        #expect(try world.produce("t", ["a"]) == 0)
    }

    /// The last in sync is gone for good: without leave to lose records the partition waits for it, with leave it goes on.
    @Test func anUncleanElectionGoesOnWithoutTheLastInSync() throws {
        let world = try cluster(seed: 21, brokers: 5, [("min.insync.replicas", "1")])
        try world.makeTopic("t", replicas: 2)
        try world.produce("t", ["a"])
        let replicas = try #require(partition(world)?.replicas)
        world.node(replicas[1]).kill()
        try world.run("one in sync") { inSync($0, 1) }
        try world.produce("t", ["b"])
        world.node(replicas[0]).kill()
        try world.run("nobody leads") { partition($0)?.leader == nil && controller($0) != nil }
        world.node(replicas[1]).start()
        try world.settle()
        world.run(milliseconds: 2000)
        #expect(partition(world)?.leader == nil)
        var config = IncrementalAlterConfigsRequest.Config()
        (config.name, config.value) = ("unclean.leader.election.enable", "true")
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName, resource.configs) = (2, "t", [config])
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        #expect(try world.ask(request, of: #require(world.anyBroker), version: 1).responses.first?.errorCode == ErrorCode.none)
        try world.run("led again", within: 2000) { partition($0)?.leader == replicas[1] }
        #expect(try world.read("t") == ["a"])
        #expect(try world.produce("t", ["c"]) == 1)
        // The other comes back, and gives up what its new leader does not have.
        world.node(replicas[0]).start()
        try world.settle()
        try world.run("both in sync", within: 10_000) { inSync($0, 2) }
        #expect(partition(world)?.isRecovering == false)
        #expect(try world.read("t") == ["a", "c"])
    }

    private func createTopic(_ name: String, replicas: Int16 = 3) -> CreateTopicsRequest {
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = (name, 1, replicas)
        var request = CreateTopicsRequest()
        (request.topics, request.timeoutMs) = ([topic], 10_000)
        return request
    }

    @Test func anyBrokerTakesRequestsForTheController() throws {
        let world = try cluster(seed: 10)
        for id in world.nodes.keys {
            let answer = try world.ask(createTopic("t\(id)"), of: id, version: 7)
            #expect(answer.topics.first?.errorCode == ErrorCode.none)
            let again = try world.ask(createTopic("t\(id)"), of: id, version: 7)
            #expect(again.topics.first?.errorCode == .topicAlreadyExists)
        }
        // While there is no controller the request waits for the next.
        let active = try #require(controller(world))
        let other = try #require(world.nodes.keys.first { $0 != active })
        world.node(active).kill()
        let answer = try world.ask(createTopic("later", replicas: 2), of: other, version: 7)
        #expect(answer.topics.first?.errorCode == ErrorCode.none)
    }

    /// Clients ask a broker itself to change its settings, as throttles are set; the controller is another.
    @Test func aBrokersOwnSettingsAreChangedByWayOfIt() throws {
        let world = try cluster(seed: 19)
        for id in world.nodes.keys {
            var config = IncrementalAlterConfigsRequest.Config()
            (config.name, config.value) = ("leader.replication.throttled.rate", "\(1000 + id.rawValue)")
            var resource = IncrementalAlterConfigsRequest.Resource()
            (resource.resourceType, resource.resourceName, resource.configs) = (4, "\(id)", [config])
            var request = IncrementalAlterConfigsRequest()
            request.resources = [resource]
            #expect(try world.ask(request, of: id, version: 1).responses.first?.errorCode == ErrorCode.none)
        }
        try world.run("all know", within: 1000) { world in
            world.nodes.values.allSatisfy { node in
                node.broker?.config.dynamicBroker["leader.replication.throttled.rate"] == "\(1000 + node.id.rawValue)"
            }
        }
    }

    @Test func producerIDsAreGivenOnce() throws {
        let world = try cluster(seed: 11)
        var seen: [Int64] = []
        for _ in 0..<3 {
            for id in world.nodes.keys { seen.append(try world.ask(InitProducerIDRequest(), of: id, version: 4).producerID) }
        }
        #expect(Set(seen).count == 9 && seen.allSatisfy { $0 >= 0 })
    }

    @Test func controllersApartFromBrokers() throws {
        let world = try cluster(seed: 12, brokers: 4, roles: ["controller", "broker", "broker", "broker"])
        try world.makeTopic("t", replicas: 3)
        #expect(try world.produce("t", ["a"]) == 0)
        #expect(try world.metadata(["t"]).brokers.map(\.nodeID).sorted() == [2, 3, 4])
        world.node(3).stop()
        try world.run("stopped", within: 5000) { !$0.node(3).isRunning }
        #expect(try world.produce("t", ["b"]) == 1)
    }

    @Test(arguments: [true, false]) func aClusterThatWasKilledWholeIsBackSoon(powerCut: Bool) throws {
        let world = try cluster(seed: 13, [("broker.session.timeout.ms", "9000"), ("log.flush.interval.messages", "1")])
        try world.makeTopic("t", replicas: 3)
        try world.produce("t", ["a", "b"])
        for node in world.nodes.values {
            if powerCut { node.cutPower() } else { node.kill() }
        }
        world.run(milliseconds: 100)
        let start = world.milliseconds
        world.startAll()
        try world.settle()
        #expect(world.milliseconds - start < 3000, "ready after \(world.milliseconds - start) ms")
        #expect(try world.produce("t", ["c"]) == 2)
        #expect(try world.read("t") == ["a", "b", "c"])
    }

    @Test func aTopicDeletedMeanwhileIsGoneFromWhoWasDown() throws {
        let world = try cluster(seed: 14)
        try world.makeTopic("t", replicas: 3)
        try world.produce("t", ["a"])
        let victim = try #require(world.nodes.keys.first { $0 != controller(world) })
        world.node(victim).kill()
        var request = DeleteTopicsRequest()
        request.topicNames = ["t"]
        request.timeoutMs = 5000
        let asked = try #require(world.anyBroker)
        #expect(try world.ask(request, of: asked, version: 3).responses.first?.errorCode == ErrorCode.none)
        world.node(victim).start()
        try world.settle()
        world.run(milliseconds: 500)
        let names = try world.node(victim).disk.list("data")
        #expect(!names.contains("t-0"), "\(names)")
    }

    /// A replica that goes may be of a broker that is down then, and learns of it when it is back.
    @Test(arguments: [false, true]) func aReassignmentRunsToItsEnd(leavingIsDown: Bool) throws {
        let world = try cluster(seed: 15, [("min.insync.replicas", "1")])
        try world.makeTopic("t", replicas: 2)
        try world.produce("t", ["a", "b", "c"])
        let before = try #require(partition(world))
        let fresh = try #require(world.nodes.keys.first { !before.replicas.contains($0) })
        let target = [fresh, before.replicas[1]]
        if leavingIsDown {
            world.node(before.replicas[0]).kill()
            try world.run("led by the other") { partition($0)?.leader == target[1] }
        }
        var row = AlterPartitionReassignmentsRequest.Partition()
        row.replicas = target.map(\.rawValue)
        var topic = AlterPartitionReassignmentsRequest.Topic()
        (topic.name, topic.partitions) = ("t", [row])
        var request = AlterPartitionReassignmentsRequest()
        (request.topics, request.timeoutMs) = ([topic], 5000)
        let asked = try #require(world.anyBroker)
        #expect(try world.ask(request, of: asked, version: 0).responses.first?.partitions.first?.errorCode == ErrorCode.none)
        try world.run("reassigned", within: 10_000) { partition($0)?.replicas == target }
        if leavingIsDown {
            world.node(before.replicas[0]).start()
            try world.settle()
        }
        world.run(milliseconds: 200)
        let left = try world.node(before.replicas[0]).disk.list("data")
        #expect(!left.contains("t-0"), "\(left)")
        #expect(partition(world)?.isReassigning == false)
        #expect(try world.produce("t", ["d"]) == 3)
        #expect(try world.read("t") == ["a", "b", "c", "d"])
    }
}
