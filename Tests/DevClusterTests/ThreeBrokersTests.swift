import Client
import ClientCore
import Primitives
import Reactor
import Synchronization
import Testing
import Wire

@testable import DevCluster

/// Three brokers of this process that know each other by their frames alone: what the simulator proves of the engine is seen here to hold
/// with real threads, connections and files.
@Suite(.serialized) struct ThreeBrokersTests {
    private func cluster(_ overrides: [(String, String)] = []) throws -> DevCluster {
        var options = DevCluster.Options()
        (options.brokers, options.port, options.overrides) = (3, 0, overrides)
        let cluster = try DevCluster(options)
        try cluster.start()
        return cluster
    }

    /// On one loop or three, with sockets between them or without: nobody can tell.
    @Test(arguments: [true, false], [true, false])
    func brokersReplicateOverWhateverIsBetweenThem(sharesLoop: Bool, usesSockets: Bool) throws {
        var options = DevCluster.Options()
        (options.brokers, options.port, options.sharesLoop, options.usesSockets) = (3, 0, sharesLoop, usesSockets)
        // In two of the four ways requests come from other threads than the brokers' own.
        options.overrides = [("num.network.threads", sharesLoop == usesSockets ? "3" : "1")]
        let cluster = try DevCluster(options)
        try cluster.start()
        defer { cluster.stop() }
        let client = client(cluster)
        defer { client.stop() }
        try make("orders", client)
        let producer = SimpleProducer(client)
        for number in 0..<20 as Range<Int64> { #expect(try producer.sendAndWait(record("v")).offset == Offset(number)) }
        let first = try partition("orders", client) { $0.isrNodes.count == 3 }
        let nodes = cluster.census().connections.filter(\.isNode)
        #expect(!nodes.isEmpty && nodes.contains { $0.port == 0 } == !usesSockets, "those within the process have no port")
        try cluster.perform(.kill, on: BrokerID(first.leaderID))
        #expect(try producer.sendAndWait(record("b")).offset == 20)
        try cluster.perform(.restart, on: BrokerID(first.leaderID))
        try partition("orders", client) { $0.isrNodes.count == 3 }
    }

    /// Where one thread serves all, what holds one must not hold the others.
    @Test func aBrokerThatIsHeldDoesNotHoldThoseOnItsLoop() throws {
        var options = DevCluster.Options()
        (options.brokers, options.port, options.sharesLoop) = (3, 0, true)
        let cluster = try DevCluster(options)
        try cluster.start()
        defer { cluster.stop() }
        try cluster.perform(.pause, on: 1)
        let others = ClusterClient(bootstrap: Array(cluster.bootstrap.dropFirst()), clientID: "others")
        defer { others.stop() }
        #expect(try others.send(MetadataRequest(), to: .any).brokers.isEmpty == false)
        try cluster.perform(.slowDisk(milliseconds: 60_000), on: 2)
        try cluster.perform(.kill, on: 2)
        let last = ClusterClient(bootstrap: [cluster.bootstrap[1]], clientID: "last")
        defer { last.stop() }
        #expect(try last.send(MetadataRequest(), to: .any).brokers.isEmpty == false)
        try cluster.perform(.resume, on: 1)
    }

    private func client(_ cluster: DevCluster) -> ClusterClient { ClusterClient(bootstrap: cluster.bootstrap, clientID: "test") }

    private func make(_ topic: String, _ client: ClusterClient, replicas: [Int32] = []) throws {
        var request = CreateTopicsRequest()
        var wanted = CreateTopicsRequest.Topic()
        (wanted.name, wanted.numPartitions, wanted.replicationFactor) = (topic, 1, 3)
        if !replicas.isEmpty {
            var assignment = CreateTopicsRequest.Assignment()
            assignment.brokerIDs = replicas
            wanted.assignments = [assignment]
            (wanted.numPartitions, wanted.replicationFactor) = (-1, -1)
        }
        request.topics = [wanted]
        #expect(try client.send(request, to: .controller).topics.map(\.errorCode) == [.none])
    }

    /// The topic's first partition, asked for until `holds` says so of it.
    @discardableResult
    private func partition(
        _ topic: String, _ client: ClusterClient, _ holds: (MetadataResponse.Partition) -> Bool
    ) throws -> MetadataResponse.Partition {
        var request = MetadataRequest()
        var wanted = MetadataRequest.Topic()
        wanted.name = topic
        request.topics = [wanted]
        var last: MetadataResponse.Partition?
        for _ in 0..<400 {
            last = (try? client.send(request, to: .any))?.topics.first?.partitions.first
            if let last, holds(last) { return last }
            Pause.milliseconds(25)
        }
        Issue.record("\(topic) did not come to it: \(String(describing: last))")
        return try #require(last)
    }

    private func record(_ value: String) -> ProducerRecord { ProducerRecord(topic: "orders", key: nil, value: Bytes(value)) }

    @Test func aKilledLeaderIsReplacedAndComesBackInSync() throws {
        let cluster = try cluster()
        defer { cluster.stop() }
        let client = client(cluster)
        defer { client.stop() }
        try make("orders", client)
        let producer = SimpleProducer(client)
        #expect(try producer.sendAndWait(record("a")).offset == 0)
        let first = try partition("orders", client) { $0.isrNodes.count == 3 }
        try cluster.perform(.kill, on: BrokerID(first.leaderID))
        #expect(try producer.sendAndWait(record("b")).offset == 1)
        let second = try partition("orders", client) { $0.leaderID != first.leaderID && $0.leaderID >= 0 }
        #expect(second.leaderEpoch > first.leaderEpoch)
        try cluster.perform(.restart, on: BrokerID(first.leaderID))
        try partition("orders", client) { $0.isrNodes.count == 3 }
        #expect(try producer.sendAndWait(record("c")).offset == 2)
    }

    @Test func aBrokerCutOffFromTheOthersIsReplacedAndComesBackWhenHealed() throws {
        let cluster = try cluster()
        defer { cluster.stop() }
        let client = client(cluster)
        defer { client.stop() }
        try make("orders", client)
        let producer = SimpleProducer(client)
        #expect(try producer.sendAndWait(record("a")).offset == 0)
        let first = try partition("orders", client) { $0.isrNodes.count == 3 }
        let broker = BrokerID(first.leaderID)
        let others = cluster.chaosBrokers.filter { $0 != broker }
        try cluster.perform(.cut(from: others), on: broker)
        #expect(cluster.condition(of: broker).cutFrom == others && cluster.condition(of: others[0]).cutFrom == [broker])
        var addresses = cluster.bootstrap
        addresses.remove(at: Int(first.leaderID) - 1)
        let outside = ClusterClient(bootstrap: addresses, clientID: "outside")
        defer { outside.stop() }
        try partition("orders", outside) { $0.leaderID != first.leaderID && $0.leaderID >= 0 }
        try cluster.perform(.heal, on: broker)
        try partition("orders", outside) { $0.isrNodes.count == 3 }
        #expect(try SimpleProducer(outside).sendAndWait(record("b")).offset >= 1)
        #expect(cluster.chaosBrokers.allSatisfy { cluster.condition(of: $0).isWell })
    }

    @Test func aPausedLeaderIsReplacedAndFollowsWhenItGoesOn() throws {
        let cluster = try cluster()
        defer { cluster.stop() }
        let client = client(cluster)
        defer { client.stop() }
        try make("orders", client)
        #expect(try SimpleProducer(client).sendAndWait(record("a")).offset == 0)
        let first = try partition("orders", client) { $0.isrNodes.count == 3 }
        var addresses = cluster.bootstrap
        addresses.remove(at: Int(first.leaderID) - 1)
        let outside = ClusterClient(bootstrap: addresses, clientID: "outside")
        defer { outside.stop() }
        try cluster.perform(.pause, on: BrokerID(first.leaderID))
        try partition("orders", outside) { $0.leaderID != first.leaderID && $0.leaderID >= 0 }
        #expect(try SimpleProducer(outside).sendAndWait(record("b")).offset == 1)
        try cluster.perform(.resume, on: BrokerID(first.leaderID))
        let after = try partition("orders", outside) { $0.isrNodes.count == 3 }
        #expect(after.leaderEpoch > first.leaderEpoch)
        #expect(try SimpleProducer(outside).sendAndWait(record("c")).offset == 2)
    }

    /// The follower leaves the in-sync replicas, or its broker the cluster; where it also led the quorum, another does. The rest goes on.
    @Test(arguments: [false, true]) func aSlowAndAFullDiskOfOneBrokerCostNothingAcknowledged(ofTheController: Bool) throws {
        let cluster = try cluster([("replica.lag.time.max.ms", "1000")])
        defer { cluster.stop() }
        let client = client(cluster)
        defer { client.stop() }
        let controller = try client.send(MetadataRequest(), to: .any).controllerID
        let others = [1, 2, 3].filter { $0 != controller }
        let (leader, follower) = ofTheController ? (others[0], controller) : (controller, others[0])
        try make("orders", client, replicas: [leader, follower] + [1, 2, 3].filter { $0 != leader && $0 != follower })
        let producer = SimpleProducer(client)
        try partition("orders", client) { $0.isrNodes.count == 3 && $0.leaderID == leader }
        try cluster.perform(.slowDisk(milliseconds: 20), on: BrokerID(follower))
        for number in 0..<3 as Range<Int64> { #expect(try producer.sendAndWait(record("slow")).offset == Offset(number)) }
        try cluster.perform(.fullDisk, on: BrokerID(follower))
        for number in 3..<6 as Range<Int64> { #expect(try producer.sendAndWait(record("full")).offset == Offset(number)) }
        try cluster.perform(.heal, on: BrokerID(follower))
        try cluster.perform(.restart, on: BrokerID(follower))
        try partition("orders", client) { $0.isrNodes.count == 3 }
        #expect(try producer.sendAndWait(record("well")).offset == 6)
    }

    @Test func aClusterStoppedAndStartedHasWhatItHad() throws {
        var options = DevCluster.Options()
        (options.brokers, options.port) = (3, 0)
        options.dataDirectory = try DevCluster(options).directory
        defer { try? PosixDisk().removeTree(options.dataDirectory ?? "") }
        for round in 0..<3 as Range<Int64> {
            let cluster = try DevCluster(options)
            try cluster.start()
            defer { cluster.stop() }
            let client = client(cluster)
            defer { client.stop() }
            if round == 0 { try make("orders", client) }
            #expect(try SimpleProducer(client).sendAndWait(record("\(round)")).offset == Offset(round))
        }
        #expect(DevCluster.brokers(in: options.dataDirectory ?? "") == 3)
    }
}
