import Client
import ClientCore
import Glibc
import Primitives
import Synchronization
import Testing
import Wire

@testable import DevCluster

/// What brokers of this process said happened.
private final class Heard: Sendable {
    private let events = Mutex<[ClusterEvent.Kind]>([])
    func add(_ event: ClusterEvent) { events.withLock { $0.append(event.kind) } }
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

    @Test func moreBrokersThanItCanHaveAreRefused() {
        var many = options()
        many.brokers = 3
        #expect(throws: DevClusterError.self) { try DevCluster(many) }
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
