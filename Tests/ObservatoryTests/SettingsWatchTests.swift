import Primitives
import Testing
import Wire

@testable import Observatory

/// Access rules, quotas, users and settings that changed between two pictures.
@Suite struct SettingsWatchTests {
    private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

    private func snapshot(_ seconds: Int64, _ change: (inout AdminSnapshot) -> Void = { _ in }) -> ClusterSnapshot {
        var snapshot = ClusterSnapshot()
        snapshot.topics["orders"] = TopicSnapshot(name: "orders", id: UUID.zero, isInternal: false, partitions: [])
        snapshot.admin.access = [AccessRule(.topic, "orders", principal: "User:alice", .read)]
        snapshot.admin.quotas = [QuotaSnapshot(QuotaSubject([("user", .named("alice"))]), OrderedMap([("producer_byte_rate", 1024)]))]
        snapshot.admin.users = [ScramUserSnapshot("alice", [.init("SCRAM-SHA-256", iterations: 4096)])]
        snapshot.admin.overrides[.topic("orders")] = [ConfigValue("cleanup.policy", "compact"), ConfigValue("retention.ms", "1000")]
        change(&snapshot.admin)
        for part in [\AdminSnapshot.accessSeen, \.quotasSeen, \.usersSeen] { snapshot.admin[keyPath: part].succeeded(at: at(seconds)) }
        return snapshot
    }

    private func events(_ old: ClusterSnapshot, _ new: ClusterSnapshot) -> [ClusterEvent] {
        var inference = EventInference(from: old, to: new, since: at(1), time: at(9))
        inference.compareAdmin()
        return inference.events
    }

    @Test func whatChangedIsToldWithItsWindow() {
        let after = snapshot(9) { admin in
            admin.access = [AccessRule(.group, "g", isPrefixed: true, principal: "User:bob", host: "10.0.0.1", .read, isDenied: true)]
            admin.quotas = [
                QuotaSnapshot(QuotaSubject([("user", .named("alice"))]), OrderedMap([("consumer_byte_rate", 5)])),
                QuotaSnapshot(QuotaSubject([("ip", .byDefault)]), OrderedMap([("connection_creation_rate", 9)])),
            ]
            admin.users = [ScramUserSnapshot("alice", [.init("SCRAM-SHA-512", iterations: 4096)])]
            admin.overrides[.topic("orders")] = [ConfigValue("max.message.bytes", "7"), ConfigValue("retention.ms", "2000")]
        }
        let found = events(snapshot(1), after)
        #expect(found.allSatisfy { $0.inferredSince == at(1) && $0.time == at(9) })
        let alice = QuotaSubject([("user", .named("alice"))]).text
        #expect(
            found.map(\.kind) == [
                .accessChanged(principal: "User:alice", rule: "allow read on topic orders from *", isAdded: false),
                .accessChanged(principal: "User:bob", rule: "deny read on group g… from 10.0.0.1", isAdded: true),
                .quotaChanged(entity: alice, key: "consumer_byte_rate", from: nil, to: "5.0"),
                .quotaChanged(entity: alice, key: "producer_byte_rate", from: "1024.0", to: nil),
                .quotaChanged(entity: QuotaSubject([("ip", .byDefault)]).text, key: "connection_creation_rate", from: nil, to: "9.0"),
                .userChanged(user: "alice", mechanism: "SCRAM-SHA-256", isAdded: false),
                .userChanged(user: "alice", mechanism: "SCRAM-SHA-512", isAdded: true),
                .configChanged(resource: "topic orders", key: "max.message.bytes", from: nil, to: "7"),
                .configChanged(resource: "topic orders", key: "retention.ms", from: "1000", to: "2000"),
                .configChanged(resource: "topic orders", key: "cleanup.policy", from: "compact", to: nil),
            ])
    }

    /// What was not read again, or is read for the first time, tells nothing.
    @Test func onlyWhatWasReadTwiceIsCompared() {
        var before = snapshot(1)
        for part in [\AdminSnapshot.accessSeen, \.quotasSeen, \.usersSeen] { before.admin[keyPath: part] = Observation() }
        (before.admin.access, before.admin.quotas, before.admin.users) = ([], [], [])
        before.admin.overrides = OrderedMap()
        #expect(events(before, snapshot(9)).isEmpty && events(snapshot(9), snapshot(9)).isEmpty)
    }

    @Test func onlyWhatWasSetCounts() {
        func config(_ name: String, _ value: String?, _ source: ConfigSource, isSensitive: Bool = false) -> DescribeConfigsResponse.Config {
            var config = DescribeConfigsResponse.Config()
            (config.name, config.value, config.configSource, config.isSensitive) = (name, value, source.rawValue, isSensitive)
            return config
        }
        var answer = DescribeConfigsResponse()
        var result = DescribeConfigsResponse.Result()
        (result.resourceType, result.resourceName) = (ConfigResource.Kind.broker.rawValue, "1")
        result.configs = [
            config("b", "2", .dynamicBroker), config("a", nil, .dynamicDefaultBroker, isSensitive: true), config("c", "3", .staticBroker),
            config("d", "4", .defaultConfig),
        ]
        answer.results = [result]
        var snapshot = snapshot(1)
        snapshot.topics.remove("orders")
        snapshot.foldOverrides(answer)
        #expect(snapshot.admin.overrides.keys == [.broker(1)])
        #expect(snapshot.admin.overrides[.broker(1)] == [ConfigValue("a", "(hidden)"), ConfigValue("b", "2")])
    }
}
