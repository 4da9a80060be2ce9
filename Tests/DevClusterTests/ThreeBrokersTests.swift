import Client
import ClientCore
import Primitives
import Reactor
import Synchronization
import Testing
import Wire

@testable import DevCluster

/// Three brokers of this process that know each other by sockets alone: what the simulator proves of the engine is seen here to hold with
/// real threads, connections and files.
@Suite(.serialized) struct ThreeBrokersTests {
    private func cluster() throws -> DevCluster {
        var options = DevCluster.Options()
        (options.brokers, options.port) = (3, 0)
        let cluster = try DevCluster(options)
        try cluster.start()
        return cluster
    }

    private func client(_ cluster: DevCluster) -> ClusterClient { ClusterClient(bootstrap: cluster.bootstrap, clientID: "test") }

    private func make(_ topic: String, _ client: ClusterClient) throws {
        var request = CreateTopicsRequest()
        var wanted = CreateTopicsRequest.Topic()
        (wanted.name, wanted.numPartitions, wanted.replicationFactor) = (topic, 1, 3)
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
