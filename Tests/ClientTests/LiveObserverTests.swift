import Client
import ClientCore
import Observatory
import Primitives
import Synchronization
import Testing
import Wire

/// The observer against a real broker: what it shows, and what it does when the broker goes away.
@Suite struct LiveObserverTests {
    /// Hosts an observer and waits for pictures.
    private final class Watch: Sendable {
        private struct State {
            var latest = ClusterSnapshot()
            var wanted: (@Sendable (ClusterSnapshot) -> Bool)?
            var waiter: Waiter<ClusterSnapshot>?
        }
        private let state = Mutex(State())
        private let hosted = Mutex<HostedMachine<Observer>?>(nil)

        init(_ client: ClusterClient, _ interest: Interest, intervalMs: Int64 = 100) {
            let hosted = client.host(Observer(bootstrap: client.bootstrap.map(\.description)), output: { self.take($0) })
            hosted.post(.interval(milliseconds: intervalMs))
            hosted.post(.interest(interest))
            self.hosted.withLock { $0 = hosted }
        }

        func post(_ input: ObserverInput) { hosted.withLock { $0?.post(input) } }

        private func take(_ snapshot: ClusterSnapshot) {
            let waiter = state.withLock { state -> Waiter<ClusterSnapshot>? in
                state.latest = snapshot
                guard state.wanted?(snapshot) == true else { return nil }
                state.wanted = nil
                return state.waiter
            }
            waiter?.fill(snapshot)
        }

        func wait(for wanted: @escaping @Sendable (ClusterSnapshot) -> Bool) throws -> ClusterSnapshot {
            let waiter = Waiter<ClusterSnapshot>()
            let now = state.withLock { state -> ClusterSnapshot? in
                if wanted(state.latest) { return state.latest }
                (state.wanted, state.waiter) = (wanted, waiter)
                return nil
            }
            if let now { return now }
            guard let found = waiter.wait(milliseconds: 15_000) else {
                Issue.record("not seen in time: \(state.withLock { $0.latest.connection })")
                throw TestProblem.noAnswer
            }
            return found
        }

        deinit { hosted.withLock { $0?.cancel() } }
    }

    private func createTopic(_ broker: LiveBroker, _ name: String, partitions: Int32) throws {
        let action = PlanAction.createTopic(NewTopic(name: name, partitions: partitions, replicationFactor: 1))
        guard case .success(let plan)? = broker.client.run(PlanBuilder(action, bootstrap: "x"))?.first else { throw TestProblem.noAnswer }
        _ = broker.client.run(PlanRunner(plan, gate: .open))
    }

    @Test func topicsOffsetsAndRatesAreSeen() throws {
        let broker = try LiveBroker()
        let watch = Watch(broker.client, Interest(.overview))
        let first = try watch.wait { $0.connection.isConnected }
        #expect(first.brokers.keys == [1])
        try createTopic(broker, "orders", partitions: 3)
        let producer = SimpleProducer(broker.client)
        for index in 0..<30 { producer.send(ProducerRecord(topic: "orders", key: Bytes("\(index)"), value: Bytes("v"))) }
        #expect(producer.flush())
        let seen = try watch.wait { $0.topics["orders"]?.messages == 30 }
        #expect(seen.topics["orders"]?.partitions.map(\.leader) == [1, 1, 1])
        #expect(seen.health.isWell)
        #expect(seen.events.contains { if case .topicCreated("orders", 3, 1) = $0.kind { $0.inferredSince != nil } else { false } })
        let rated = try watch.wait { ($0.topics["orders"]?.messageRate ?? -1) >= 0 }
        #expect(rated.throughput.isEmpty == false)
        let sized = try watch.wait { ($0.topics["orders"]?.sizeBytes ?? 0) > 0 && $0.brokers[1]?.disk != nil }
        #expect((sized.brokers[1]?.disk?.usedBytes ?? 0) > 0)
        #expect(sized.quorum?.leader == 1)
    }

    @Test func groupsLagIsSeen() throws {
        let broker = try LiveBroker()
        try createTopic(broker, "orders", partitions: 2)
        let producer = SimpleProducer(broker.client)
        for _ in 0..<8 { producer.send(ProducerRecord(topic: "orders", partition: 0, value: Bytes("v"))) }
        #expect(producer.flush())
        let reset = PlanAction.resetOffsets(group: "billing", scope: .topics(["orders"]), strategy: .offset(3))
        guard case .success(let plan)? = broker.client.run(PlanBuilder(reset, bootstrap: "x"))?.first else { throw TestProblem.noAnswer }
        _ = broker.client.run(PlanRunner(plan, gate: .open))
        let watch = Watch(broker.client, Interest(.group("billing")))
        let seen = try watch.wait { $0.groups["billing"]?.lag == 5 }
        let group = try #require(seen.groups["billing"])
        #expect(group.state == "Empty")
        #expect(group.coordinator == 1)
        #expect(group.partitions.map(\.committed) == [3, 0])
        #expect(group.partitions.map(\.end) == [8, 0])
        #expect(group.lags.last?.lag == 5 || group.lags.isEmpty)
    }

    @Test func configsAreReadOnDemand() throws {
        let broker = try LiveBroker()
        try createTopic(broker, "orders", partitions: 1)
        let watch = Watch(broker.client, Interest(.configs(.topic("orders"))))
        let seen = try watch.wait { $0.configs[.topic("orders")]?.entries.isEmpty == false }
        let retention = seen.configs[.topic("orders")]?.entry("retention.ms")
        #expect(retention?.value == "604800000")
        #expect(retention?.source == .defaultConfig)
        #expect(retention?.type == "long")
    }

    @Test func aBrokerThatVanishesLeavesItsPictureWithItsAge() throws {
        let broker = try LiveBroker()
        try createTopic(broker, "orders", partitions: 1)
        let watch = Watch(broker.client, Interest(.topics))
        _ = try watch.wait { $0.topics["orders"] != nil }
        broker.stopBroker()
        let gone = try watch.wait { if case .disconnected = $0.connection { true } else { false } }
        #expect(gone.topics["orders"] != nil)
        #expect(gone.observations.metadata.error?.contains("refused") == true || gone.observations.metadata.error != nil)
        #expect(gone.observations.metadata.time != nil)
        try broker.startBroker()
        let back = try watch.wait { $0.connection.isConnected }
        #expect(back.observations.metadata.error == nil)
    }
}
