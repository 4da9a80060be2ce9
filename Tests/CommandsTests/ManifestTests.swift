import Observatory
import Primitives
import Settings
import Testing
import Wire

@testable import Commands

/// A cluster written down, and in what it is otherwise: without a cluster.
@Suite struct ManifestTests {
    static let text = """
        cluster: abc
        topics:
          orders:
            partitions: 6
            replication-factor: 3
            configs: {retention.ms: 86400000, cleanup.policy: "compact,delete"}
          "on":
            configs: {}
        quotas:
          - {user: alice, client-id: <default>, limits: {producer_byte_rate: 1048576}}
        acls:
          - {principal: "User:alice", resource: topic, name: orders, operation: read}
          - {principal: "User:*", host: 10.0.0.1, resource: cluster, operation: alter, permission: deny}
          - {principal: "User:bob", resource: group, name: b-, pattern: prefixed, operation: all}
        """

    private func state(_ topics: [(String, Int, Int, [(String, String, Int8)])]) -> ClusterState {
        var metadata = MetadataResponse()
        var configs = DescribeConfigsResponse()
        for (name, partitions, replicas, values) in topics {
            var partition = MetadataResponse.Partition()
            partition.replicaNodes = (0..<replicas).map { Int32($0) }
            var topic = MetadataResponse.Topic()
            topic.name = name
            topic.partitions = Array(repeating: partition, count: partitions)
            metadata.topics.append(topic)
            var result = DescribeConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (2, name)
            result.configs = values.map { key, value, source in
                var config = DescribeConfigsResponse.Config()
                (config.name, config.value, config.configSource) = (key, value, source)
                return config
            }
            configs.results.append(result)
        }
        var settings = ClusterSettings(metadata, withInternal: false)
        settings.take(configs)
        return ClusterState(settings: settings)
    }

    @Test func isReadWithItsLines() throws {
        let manifest = try Manifest(ManifestTests.text)
        #expect(manifest.cluster == "abc" && manifest.topics.keys == ["on", "orders"])
        let orders = try #require(manifest.topics["orders"])
        #expect(orders.line == 3 && orders.partitions == 6 && orders.replicationFactor == 3)
        #expect(orders.configs["cleanup.policy"] == "compact,delete" && orders.configs["retention.ms"] == "86400000")
        #expect(manifest.quotas?.first?.subject == QuotaSubject([("user", .named("alice")), ("client-id", .byDefault)]))
        #expect(manifest.rules?.map(\.line) == [12, 13, 14])
        let cluster = AccessRule(.cluster, "kafka-cluster", principal: "User:*", host: "10.0.0.1", .alter, isDenied: true)
        #expect(manifest.rules?[1].rule == cluster)
        #expect(manifest.rules?[2].rule == AccessRule(.group, "b-", isPrefixed: true, principal: "User:bob", .all))
    }

    /// What is written reads back as the same, whatever the names.
    @Test func whatIsWrittenReadsBack() throws {
        var manifest = try Manifest(ManifestTests.text)
        manifest.topics["1.5"] = Manifest.Topic(line: 0, partitions: 1)
        manifest.topics["null"] = Manifest.Topic(line: 0, configs: OrderedMap([("x", ": # \"\n\u{1B}"), ("y", "")]))
        let again = try Manifest(manifest.text)
        func without(_ manifest: Manifest) -> Manifest {
            var out = manifest
            for name in out.topics.keys { out.topics.update(name) { $0.line = 0 } }
            out.quotas = out.quotas?.map { Manifest.Quota(line: 0, subject: $0.subject, limits: $0.limits) }
            out.rules = out.rules?.map { Manifest.Rule(line: 0, rule: $0.rule) }
            return out
        }
        #expect(without(again) == without(manifest), "\(manifest.text)")
    }

    @Test(arguments: [
        ("topics:\n  a:\n    partitions: 0\n", 3, "partitions is to be a number from 1"),
        ("topics:\n  a: {replicas: 3}\n", 2, "has no replicas"),
        ("topics:\n  a: {}\n  a: {}\n", 3, "a is there twice"), ("colour: red\n", 1, "the file has no colour"),
        ("cluster: x\n", 1, "no manifest"),
        ("topics:\n- a\n", 2, "topics is to be a map"), ("quotas:\n- {limits: {a: 1}}\n", 2, "user, client-id or ip"),
        ("quotas:\n- {user: a, limits: {a: many}}\n", 2, "a is to be a number"),
        ("acls:\n- {resource: topic, name: a}\n", 2, "wants operation"),
        ("acls:\n- principal: alice\n  resource: topic\n  name: a\n  operation: read\n", 2, "TYPE:NAME"),
        ("acls:\n- {principal: \"User:a\", resource: topic, name: a, operation: fly}\n", 2, "operation is to be one of"),
        ("acls:\n- {principal: \"User:a\", resource: group, name: a, operation: write}\n", 2, "Of a group"), ("", 1, "no manifest"),
    ])
    func mistakesAreToldWithTheirLine(text: String, line: Int, message: String) {
        #expect { try Manifest(text) } throws: { error in
            guard let failure = error as? YAML.Failure else { return false }
            return failure.line == line && failure.message.contains(message)
        }
    }

    @Test func onlyWhatTheFileSaysCounts() throws {
        let manifest = try Manifest("topics:\n  a:\n    configs: {retention.ms: 5}\n  b: {}\n")
        let there = state([
            ("a", 3, 2, [("retention.ms", "5", 5), ("segment.bytes", "7", 1)]), ("b", 1, 1, []), ("c", 1, 1, []), ("_schemas", 1, 1, []),
        ])
        let same = ManifestDrift(manifest, there, prunes: false)
        #expect(same.differences.isEmpty && same.steps.isEmpty && same.refusals.isEmpty)
        let pruned = ManifestDrift(manifest, there, prunes: true)
        #expect(pruned.steps.map(\.action) == [.alterConfig(.topic("a"), set: [], delete: ["segment.bytes"]), .deleteTopic("c")])
        #expect(pruned.differences.map(\.setting) == ["segment.bytes", "topic"])
    }

    @Test func whatDiffersBecomesStepsInAnOrderThatWorks() throws {
        let manifest = try Manifest(ManifestTests.text)
        let drift = ManifestDrift(manifest, state([("orders", 3, 1, [("retention.ms", "1", 1)])]), prunes: false)
        let configs = [ConfigValue("cleanup.policy", "compact,delete"), ConfigValue("retention.ms", "86400000")]
        #expect(drift.steps.map(\.action).prefix(4) == [
            .createTopic(NewTopic(name: "on")), .addPartitions(topic: "orders", total: 6),
            .alterConfig(.topic("orders"), set: configs, delete: []),
            .reassign(Reassign(.topics(["orders"]), .factor(3))),
        ])
        #expect(drift.steps.map(\.line) == [7, 3, 3, 3, 10, 12])
        guard case .addAccess(let rules)? = drift.steps.last?.action else { return #expect(Bool(false)) }
        #expect(rules.count == 3 && drift.differences.count { $0.subject.hasPrefix("acl of") } == 3)
    }

    @Test func fewerPartitionsAreRefusedByNameAndLine() throws {
        let manifest = try Manifest("topics:\n  a: {partitions: 2}\n")
        let drift = ManifestDrift(manifest, state([("a", 3, 1, [])]), prunes: true)
        let reason = "topic a has 3 partitions and is to have 2: Kafka takes none away"
        #expect(drift.steps.isEmpty && drift.refusals == [.init(line: 2, reason: reason)])
        #expect(drift.differences == [.init(subject: "topic a", setting: "partitions", cluster: "3", file: "2", line: 2)])
    }

    @Test func quotasAndRulesGoOnlyWhereThatIsAsked() throws {
        let manifest = try Manifest("quotas:\n- {user: a, limits: {x: 1, y: 2.0}}\nacls: []\n")
        var there = state([])
        let alice = QuotaSubject([("user", .named("a"))]), bob = QuotaSubject([("user", .named("b"))])
        there.quotas = [(alice, OrderedMap([("x", 1), ("z", 3)])), (bob, OrderedMap([("x", 9)]))]
        there.rules = [AccessRule(.topic, "t", principal: "User:a", .read)]
        let more = [ConfigValue("y", "2.0")]
        #expect(ManifestDrift(manifest, there, prunes: false).steps.map(\.action) == [.alterQuota(alice, set: more, delete: [])])
        #expect(ManifestDrift(manifest, there, prunes: true).steps.map(\.action) == [
            .alterQuota(alice, set: more, delete: ["z"]), .alterQuota(bob, set: [], delete: ["x"]),
            .removeAccess([AccessRule(.topic, "t", principal: "User:a", .read)]),
        ])
    }

    @Test func aPlanIsNoManifest() {
        for text in ["{\n  \"format\": 1}", "", "{ \"a\""] { #expect(!ManifestCommand.isManifest(text)) }
        #expect(ManifestCommand.isManifest("topics: {}\n") && ManifestCommand.isManifest("{\"topics\": {}}"))
    }
}
