import Client
import ClientCore
import Primitives
import Reactor
import Synchronization
import Testing
import Wire

@testable import DevCluster

/// Our own producer and group members over three brokers that die and come back, one after the other, coordinator and leaders among them.
@Suite(.serialized) struct GroupFailoverTests {
    /// What a member was handed, by place; what it was told that should not be.
    final class Member: Sendable {
        struct Heard: Sendable {
            var read: [TopicPartition: [Int64: String]] = [:]
            var changed = 0
            var failures: [String] = []
            var generations: Set<Int32> = []
        }
        let heard = Mutex(Heard())
        private let client: ClusterClient
        private let consumer = Mutex<GroupConsumer?>(nil)

        init(_ bootstrap: [ServerAddress], _ assignor: ConsumerAssignor) {
            client = ClusterClient(bootstrap: bootstrap, clientID: "member")
            var options = GroupConsumerOptions(group: "readers", topics: ["orders"])
            options.assignors = [assignor]
            options.offsetReset = .earliest
            options.heartbeatIntervalMs = 200
            options.sessionTimeoutMs = 10_000
            options.rebalanceTimeoutMs = 10_000
            options.autoCommitIntervalMs = 200
            options.fetchWaitMs = 100
            options.metadataRefreshMs = 2_000
            let made = GroupConsumer(client, options) { [weak self] output in self?.hear(output) }
            consumer.withLock { $0 = made }
        }

        private func hear(_ output: GroupConsumerOutput) {
            switch output {
            case .records(let delivery, let records):
                heard.withLock { heard in
                    for record in records {
                        let value = record.value?.string ?? ""
                        let before = heard.read[record.partition, default: [:]].updateValue(value, forKey: record.offset.rawValue)
                        if let before, before != value { heard.changed += 1 }
                    }
                }
                consumer.withLock { $0 }?.taken(delivery: delivery)
            case .failed(let partition, let error):
                heard.withLock { $0.failures.append("\(partition?.description ?? "the membership"): \(error)") }
            case .joined(let membership): heard.withLock { _ = $0.generations.insert(membership.generationID) }
            default: break
            }
        }

        func close() -> Bool {
            let left = consumer.withLock { $0 }?.close() ?? true
            client.stop()
            return left
        }
    }

    private func wait(_ what: Comment, _ isTrue: () throws -> Bool) rethrows {
        for _ in 0..<1_200 {
            if try isTrue() { return }
            Pause.milliseconds(25)
        }
        Issue.record(what)
    }

    private func inSync(_ client: ClusterClient) -> Bool {
        var request = MetadataRequest()
        request.topics = ["orders"].map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        let partitions = (try? client.send(request))?.topics.first?.partitions ?? []
        return partitions.count == 3 && partitions.allSatisfy { $0.isrNodes.count == 3 && $0.leaderID > 0 }
    }

    @Test(arguments: [ConsumerAssignor.range, .cooperativeSticky])
    func everyBrokerDiesOnceAndTheGroupReadsAllThatWasAcknowledged(assignor: ConsumerAssignor) throws {
        var options = DevCluster.Options()
        (options.brokers, options.port) = (3, 0)
        let cluster = try DevCluster(options)
        try cluster.start()
        defer { cluster.stop() }
        let client = ClusterClient(bootstrap: cluster.bootstrap, clientID: "test")
        defer { client.stop() }
        var create = CreateTopicsRequest()
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = ("orders", 3, 3)
        create.topics = [topic]
        #expect(try client.send(create, to: .controller).topics.map(\.errorCode) == [.none])

        let members = (0..<2).map { _ in Member(cluster.bootstrap, assignor) }
        let producer = SimpleProducer(client)
        let outcomes = Mutex<(delivered: [String: SimpleProducer.Delivery], failures: [String])>(([:], []))
        var sent = 0
        func send(_ count: Int) {
            for _ in 0..<count {
                let value = "\(sent)"
                sent += 1
                producer.send(ProducerRecord(topic: "orders", key: Bytes("k\(sent % 17)"), value: Bytes(value))) { result in
                    outcomes.withLock { outcomes in
                        switch result {
                        case .success(let delivery): outcomes.delivered[value] = delivery
                        case .failure(let error): outcomes.failures.append(error.description)
                        }
                    }
                }
            }
        }
        for broker in cluster.chaosBrokers {
            wait("all are in sync") { inSync(client) }
            send(50)
            try cluster.perform(.kill, on: broker)
            send(50)
            #expect(producer.flush(timeoutMs: 20_000))
            try cluster.perform(.restart, on: broker)
        }
        #expect(outcomes.withLock { $0.failures } == [])
        let delivered = outcomes.withLock { $0.delivered }
        #expect(delivered.count == 300)
        wait("the group has read everything") { read(members).count >= 300 }
        let places = read(members)
        #expect(places.count == 300)
        for (value, delivery) in delivered { #expect(places["\(delivery.partition)@\(delivery.offset)"] == value) }
        for member in members {
            #expect(member.heard.withLock { $0.failures } == [])
            #expect(member.heard.withLock { $0.changed } == 0)
            #expect(member.close())
        }
    }

    /// What stands where, as all members together have read it.
    private func read(_ members: [Member]) -> [String: String] {
        var places: [String: String] = [:]
        for member in members {
            for (partition, records) in member.heard.withLock({ $0.read }) {
                for (offset, value) in records { places["\(partition)@\(offset)"] = value }
            }
        }
        return places
    }
}
