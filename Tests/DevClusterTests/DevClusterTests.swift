import Client
import ClientCore
import Glibc
import Primitives
import Reactor
import Synchronization
import Testing
import Wire

@testable import DevCluster

/// What brokers of this process said happened.
private final class Heard: Sendable {
    private let events = Mutex<[ClusterEvent.Kind]>([])
    func add(_ event: ClusterEvent) { events.withLock { $0.append(event.kind) } }
    var chaos: [ChaosAction] {
        events.withLock { $0 }.compactMap { if case .chaos(_, let action) = $0 { action } else { nil } }
    }
    var rebalances: [RebalanceEvent] {
        events.withLock { $0 }.compactMap { if case .rebalance(let event) = $0 { event } else { nil } }
    }
}

@Suite struct DevClusterTests {
    private func options() -> DevCluster.Options {
        var options = DevCluster.Options()
        options.port = 0
        return options
    }

    @Test func anEphemeralClusterServesAndLeavesNothing() throws {
        let cluster = try DevCluster(options())
        try cluster.start()
        let client = ClusterClient(bootstrap: cluster.bootstrap, clientID: "test")
        let producer = SimpleProducer(client)
        let delivery = try producer.sendAndWait(ProducerRecord(topic: "t", key: Bytes("k"), value: Bytes("v")))
        #expect(delivery.offset == 0)
        client.stop()
        #expect(access(cluster.directory, F_OK) == 0)
        cluster.stop()
        #expect(access(cluster.directory, F_OK) != 0)
    }

    @Test func whoIsConnectedIsCountedByTheBroker() throws {
        let cluster = try DevCluster(options())
        try cluster.start()
        defer { cluster.stop() }
        let client = ClusterClient(bootstrap: cluster.bootstrap, clientID: "counted")
        defer { client.stop() }
        let producer = SimpleProducer(client)
        _ = try producer.sendAndWait(ProducerRecord(topic: "t", key: nil, value: Bytes(String(repeating: "v", count: 5000))))
        let census = cluster.census()
        let mine = census.connections.filter { $0.clientID == "counted" }
        #expect(!mine.isEmpty && census.silent.isEmpty && mine.allSatisfy { $0.broker == 1 && $0.listener == "PLAINTEXT" && !$0.isNode })
        #expect(mine.allSatisfy { $0.principal == .anonymous && $0.host == "127.0.0.1" && $0.port > 0 && $0.softwareName == "kastellan" })
        #expect(mine.flatMap(\.uses).contains { $0.api == APIKey.produce.rawValue && $0.count == 1 })
        #expect(mine.reduce(0) { $0 + $1.bytesIn } > 5000)
        #expect(mine.allSatisfy { $0.bytesOut > 0 && $0.uses.reduce(0) { $0 + $1.count } == $0.requests })
        client.stop()
        let until = SystemClock.instant().adding(milliseconds: 10_000)
        while cluster.census().connections.contains(where: { $0.clientID == "counted" }), SystemClock.instant() < until {}
        #expect(!cluster.census().connections.contains { $0.clientID == "counted" }, "who has gone is not there")
        try cluster.perform(.pause, on: 1)
        #expect(cluster.census().silent == [1] && cluster.census().connections.isEmpty)
        try cluster.perform(.resume, on: 1)
        #expect(cluster.census().silent.isEmpty)
    }

    @Test func aQuorumIsNotEnlargedByStartingMoreBrokers() throws {
        var one = options()
        one.dataDirectory = try DevCluster(options()).directory
        defer { try? PosixDisk().removeTree(one.dataDirectory ?? "") }
        let cluster = try DevCluster(one)
        try cluster.start()
        cluster.stop()
        #expect(DevCluster.brokers(in: cluster.directory) == 1)
        var many = one
        many.brokers = 3
        do {
            _ = try DevCluster(many)
            Issue.record("three voters on the data of one")
        } catch {
            #expect(error.description.contains("of a cluster of 1 broker, not of 3") && error.description.contains("--brokers 1"))
        }
    }

    @Test func chaosRefusesWhatMakesNoSense() throws {
        let cluster = try DevCluster(options())
        try cluster.start()
        defer { cluster.stop() }
        #expect(cluster.chaosBrokers == [1])
        let refused: [(ChaosAction, BrokerID)] = [
            (.resume, 1), (.cut(from: [1]), 1), (.cut(from: []), 1), (.kill, 2), (.slowDisk(milliseconds: -1), 1),
        ]
        for (action, broker) in refused {
            #expect(throws: DevClusterError.self, "\(action)") { try cluster.perform(action, on: broker) }
        }
        #expect(cluster.condition(of: 1).isWell)
    }

    @Test func aKilledAndAPausedBrokerComeBackWithWhatWasAcknowledged() throws {
        let heard = Heard()
        let cluster = try DevCluster(options(), onEvent: { heard.add($0) })
        try cluster.start()
        defer { cluster.stop() }
        let address = cluster.bootstrap
        let client = ClusterClient(bootstrap: address, clientID: "test")
        defer { client.stop() }
        let producer = SimpleProducer(client)
        #expect(try producer.sendAndWait(ProducerRecord(topic: "t", key: nil, value: Bytes("a"))).offset == 0)
        try cluster.perform(.kill, on: 1)
        #expect(!cluster.condition(of: 1).isRunning && cluster.bootstrap.isEmpty)
        #expect(throws: DevClusterError.self) { try cluster.perform(.pause, on: 1) }
        try cluster.perform(.restart, on: 1)
        #expect(cluster.bootstrap == address, "it has the port it had")
        #expect(try producer.sendAndWait(ProducerRecord(topic: "t", key: nil, value: Bytes("b"))).offset == 1)
        try cluster.perform(.pause, on: 1)
        let again = SimpleProducer(client)
        again.send(ProducerRecord(topic: "t", key: nil, value: Bytes("c")))
        #expect(!again.flush(timeoutMs: 200), "a broker that is held still answers nobody")
        try cluster.perform(.resume, on: 1)
        #expect(again.flush())
        #expect(cluster.condition(of: 1).isWell)
        #expect(heard.chaos == [.kill, .restart, .pause, .resume])
    }

    @Test func aFullDiskRefusesAndHeals() throws {
        let cluster = try DevCluster(options())
        try cluster.start()
        defer { cluster.stop() }
        let client = ClusterClient(bootstrap: cluster.bootstrap, clientID: "test")
        defer { client.stop() }
        let producer = SimpleProducer(client)
        #expect(try producer.sendAndWait(ProducerRecord(topic: "t", key: nil, value: Bytes("a"))).offset == 0)
        try cluster.perform(.fullDisk, on: 1)
        #expect(cluster.condition(of: 1).isDiskFull)
        let late = SimpleProducer(client)
        late.send(ProducerRecord(topic: "t", key: nil, value: Bytes("b")))
        #expect(!late.flush(timeoutMs: 200))
        try cluster.perform(.heal, on: 1)
        #expect(late.flush())
        #expect(cluster.condition(of: 1).isWell)
    }

    @Test func membersJoinReadCommitAndLeaveAndTheBrokerTellsWhy() throws {
        let heard = Heard()
        let cluster = try DevCluster(options(), onEvent: { heard.add($0) })
        try cluster.start()
        defer { cluster.stop() }
        let client = ClusterClient(bootstrap: cluster.bootstrap, clientID: "test")
        defer { client.stop() }
        var create = CreateTopicsRequest()
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = ("orders", 4, 1)
        create.topics = [topic]
        #expect(try client.send(create, to: .controller).topics.map(\.errorCode) == [.none])
        let producer = SimpleProducer(client)
        for index in 0..<100 { producer.send(ProducerRecord(topic: "orders", key: Bytes("\(index)"), value: Bytes("v"))) }
        #expect(producer.flush())

        let members = (1...2).map { number in
            GroupMember(.init(group: "billing", clientID: "billing-\(number)", topics: ["orders"]), bootstrap: cluster.bootstrap)
        }
        for member in members { member.start() }
        // Both are in, and all that was written is committed: asked again until it is so, for as long as a slow machine may take.
        var committed: Int64 = 0
        var count = 0
        for _ in 0..<200 where committed < 100 || count < 2 {
            Pause.milliseconds(50)
            committed = total(client)
            count = try memberCount(client)
        }
        #expect(committed == 100)
        #expect(count == 2)
        for member in members { member.stop() }
        #expect(try memberCount(client) == 0)
        let steps = heard.rebalances.map(\.step)
        #expect(steps.contains(.memberJoined) && steps.contains(.memberLeft) && steps.contains(.emptied))
    }

    private func total(_ client: ClusterClient) -> Int64 {
        var request = OffsetFetchRequest()
        request.groupID = "billing"
        request.topics = nil
        let wanted = ClientRequest(request, to: .coordinator(group: "billing"), versions: 2...7)
        guard let answer = try? client.call(wanted).of(OffsetFetchResponse.self) else { return 0 }
        return answer.topics.flatMap(\.partitions).reduce(0) { $0 + max(0, $1.committedOffset) }
    }

    private func memberCount(_ client: ClusterClient) throws -> Int {
        var request = DescribeGroupsRequest()
        request.groups = ["billing"]
        return try client.send(request, to: .coordinator(group: "billing")).groups.first?.members.count ?? 0
    }
}
