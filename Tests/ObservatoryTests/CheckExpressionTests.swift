import Primitives
import Testing

@testable import Observatory

/// What monitoring asks, understood or refused with what is wrong with it.
@Suite struct CheckExpressionTests {
    @Test func comparisonsAreReadWithTheirUnits() throws {
        let expression = try CheckExpression("lag( a&&b , t ) <= 10k&&disk(3)<80% && disk-free >= 5G")
        #expect(expression.comparisons.map(\.label) == ["lag(a&&b, t)", "disk(3)", "disk-free"])
        #expect(expression.comparisons.map(\.limit) == [10_000, 80, 5 * 1024 * 1024 * 1024])
        #expect(expression.comparisons.map(\.relation) == [.atMost, .less, .atLeast])
    }

    @Test(arguments: [
        "", "offline", "offline 0", "offline = 0", "offline == ", "offline == 1x", "offline(1) == 0", "members > 1", "lag(a, b, c) < 1",
        "lag() < 1", "lag(a < 1", "nothing == 0", "offline == 0 &&", "&& offline == 0", "brokers < 5%", "lag < 0x10", "lag < nan",
    ])
    func whatIsWrongIsSaid(text: String) {
        #expect(throws: CheckExpression.Problem.self) { try CheckExpression(text) }
    }

    private func cluster() -> ClusterSnapshot {
        var snapshot = ClusterSnapshot()
        snapshot.observations.metadata = Observation(time: Timestamp(milliseconds: 1))
        snapshot.observations.groups = Observation(time: Timestamp(milliseconds: 1))
        snapshot.health.offlinePartitions = 2
        var group = GroupSnapshot(id: "g", state: "Stable", type: "classic", protocolType: "consumer")
        group.partitions = [
            GroupPartitionSnapshot(partition: TopicPartition("t", 0), committed: 5, start: 0, end: 15),
            GroupPartitionSnapshot(partition: TopicPartition("u", 0), committed: 5, start: 0, end: 6),
        ]
        snapshot.groups["g"] = group
        return snapshot
    }

    private func holds(_ text: String, _ snapshot: ClusterSnapshot) throws -> Bool? {
        try? CheckExpression(text).comparisons[0].holds(in: snapshot).get()
    }

    @Test func valuesComeFromThePicture() throws {
        let snapshot = cluster()
        #expect(try holds("offline == 2", snapshot) == true && holds("offline != 2", snapshot) == false)
        #expect(try holds("lag(g) == 11", snapshot) == true && holds("lag(g, t) > 10", snapshot) == false)
        #expect(try holds("controller == 0", snapshot) == true)
    }

    /// What is not known is not taken for well: neither an unread cluster, nor a group that is not there, nor an end that is not told.
    @Test func theUnknownIsNeitherWellNorIll() throws {
        #expect(try holds("offline == 0", ClusterSnapshot()) == nil)
        var snapshot = cluster()
        #expect(try holds("lag(nobody) == 0", snapshot) == nil && holds("lag(g, v) == 0", snapshot) == nil)
        #expect(try holds("disk < 90%", snapshot) == nil)
        snapshot.groups.update("g") { $0.partitions[0].end = nil }
        #expect(try holds("lag(g) < 100", snapshot) == nil)
        snapshot.observations.groups.error = "not authorized"
        #expect(try holds("groups >= 0", snapshot) == nil)
    }
}
