import Broker
import Controller
import Primitives
import Quorum
import Storage
import Testing
import Wire

@testable import Simulator

/// Several brokers and their metadata quorum: elections, replication of the log, takeover, snapshots, roles.
@Suite struct QuorumStories {
    private func controller(_ world: World) -> SimulatedNode? { world.nodes.values.first { $0.broker?.isActiveController == true } }

    private func knowing(_ topic: String, _ world: World) -> [BrokerID] {
        world.nodes.values.filter { $0.broker?.image.topic(topic) != nil }.map(\.id)
    }

    @Test func threeBrokersElectALeaderAndAnotherTakesOver() throws {
        let world = try World(seed: 11, brokers: 3)
        world.startAll()
        try world.settle(within: 300)
        let leader = try #require(controller(world))
        try world.makeTopic("t")
        try world.run("everybody knows the topic", within: 200) { knowing("t", $0).count == 3 }
        leader.kill()
        // A process that dies resets its connections: nobody waits for a timeout.
        try world.run("another leads", within: 200) { controller($0).map { $0.id != leader.id } ?? false }
        try world.makeTopic("u")
        leader.start()
        try world.run("the old leader learns what was decided without it", within: 1000) { knowing("u", $0).count == 3 }
        let epochs = Set(world.nodes.values.compactMap { $0.broker?.quorum?.leaderEpoch })
        #expect(epochs.count == 1)
    }

    @Test func aLeaderThatStopsHandsOver() throws {
        let world = try World(seed: 17, brokers: 3)
        world.startAll()
        try world.settle()
        let leader = try #require(controller(world))
        leader.stop()
        try world.run("it stops", within: 3000) { _ in !leader.isRunning }
        try world.run("another leads", within: 100) { controller($0).map { $0.id != leader.id } ?? false }
    }

    @Test func aLeaderThatIsCutOffIsReplacedAndFollows() throws {
        let world = try World(seed: 12, brokers: 3)
        world.startAll()
        try world.settle()
        let old = try #require(controller(world))
        for other in world.nodes.keys where other != old.id { world.network.separate(HostID(old.id), HostID(other)) }
        try world.run("another leads", within: 3000) { world in
            world.nodes.values.contains { $0.id != old.id && $0.broker?.isActiveController == true }
        }
        try world.run("the old one hears no majority and steps down", within: 3000) { _ in old.broker?.isActiveController == false }
        world.network.healAll()
        try world.run("it follows", within: 3000) { world in
            guard let leader = controller(world) else { return false }
            return old.broker?.activeController == leader.id && old.broker?.quorum?.highWatermark == leader.broker?.quorum?.highWatermark
        }
    }

    @Test func aMetadataChangeTakesARoundTripAndASync() throws {
        let world = try World(seed: 13, brokers: 3)
        world.startAll()
        try world.settle()
        let leader = try #require(controller(world))
        var slowest: Int64 = 0
        for index in 0..<20 {
            var topic = CreateTopicsRequest.Topic()
            (topic.name, topic.numPartitions, topic.replicationFactor) = ("t\(index)", 1, 1)
            var request = CreateTopicsRequest()
            request.topics = [topic]
            let before = world.now
            _ = try world.ask(request, of: leader.id)
            slowest = max(slowest, world.now.milliseconds(since: before))
        }
        // Network and disk of this world take some milliseconds; the wait of a parked fetch is half a second.
        #expect(slowest < 60)
    }

    @Test func whoLacksTheLogsBeginningGetsASnapshot() throws {
        let settings = [("metadata.log.max.record.bytes.between.snapshots", "2000")]
        let world = try World(seed: 14, brokers: 3, settings: settings)
        world.startAll()
        try world.settle()
        let away = try #require(world.nodes.values.first { $0.broker?.isActiveController == false })
        away.kill()
        for index in 0..<40 { try world.makeTopic("t\(index)", replicas: 1) }
        let leader = try #require(controller(world))
        let start = try #require(leader.broker?.metadataLog?.logStartOffset)
        #expect(start > 0)
        away.start()
        try world.run("it has all topics", within: 5000) { knowing("t39", $0).count == 3 }
        #expect(away.broker?.metadataLog?.logStartOffset ?? 0 > 0)
        #expect(away.broker?.image.topics == leader.broker?.image.topics)
        // Both ways to the image lead to the same one, also after a restart from the snapshot and the rest of the log.
        for node in [away, leader] {
            node.kill()
            node.start()
            try world.run("back with all topics", within: 5000) { _ in node.isReady && node.broker?.image.topic("t39") != nil }
        }
        try world.run("all have the same image", within: 5000) { world in
            let images = world.nodes.values.map { $0.broker?.image }
            return images.allSatisfy { $0 != nil && $0?.topics == images[0]?.topics && $0?.brokers == images[0]?.brokers }
        }
    }

    @Test func controllersAndBrokersApart() throws {
        let world = try World(seed: 15, brokers: 5, roles: ["controller", "controller", "controller", "broker", "broker"])
        world.startAll()
        try world.settle()
        try world.makeTopic("t", replicas: 2)
        #expect(knowing("t", world).count == 5)
        let leader = try #require(controller(world))
        #expect(leader.id.rawValue <= 3)
        leader.kill()
        try world.run("another leads", within: 2000) { controller($0).map { $0.id != leader.id } ?? false }
        try world.makeTopic("u", replicas: 2)
        #expect(knowing("u", world).count == 4)
    }

    @Test func theQuorumIsTold() throws {
        let world = try World(seed: 16, brokers: 3)
        world.startAll()
        try world.settle()
        try world.makeTopic("t")
        world.run(milliseconds: 1500)
        var partition = DescribeQuorumRequest.Partition()
        partition.partitionIndex = 0
        var topic = DescribeQuorumRequest.Topic()
        (topic.topicName, topic.partitions) = ("__cluster_metadata", [partition])
        var request = DescribeQuorumRequest()
        request.topics = [topic]
        for asked in world.nodes.keys {
            let told = try #require(try world.ask(request, of: asked).topics.first?.partitions.first)
            #expect(told.errorCode == .none)
            #expect(told.leaderID == controller(world)?.id.rawValue)
            #expect(told.currentVoters.map(\.replicaID) == [1, 2, 3])
            #expect(told.currentVoters.allSatisfy { $0.logEndOffset == told.highWatermark && $0.lastCaughtUpTimestamp > 0 })
        }
    }
}
