import Primitives
import Testing

@testable import Observatory

@Suite struct GlanceTests {
    @Test func nothingIsSaidOfAClusterThatWasNotRead() {
        var snapshot = ClusterSnapshot()
        #expect(ClusterGlance(snapshot) == nil && ClusterSighting(snapshot) == nil)
        snapshot.connection = .disconnected(since: .none, reason: "connection refused")
        #expect(ClusterSighting(snapshot) == ClusterSighting(.failed("connection refused")))
    }

    @Test func theWorstGroupIsNamed() throws {
        var snapshot = ClusterSnapshot()
        snapshot.observations.metadata = Observation(time: Timestamp(milliseconds: 5))
        for (id, verdict, lag) in [("a", LagVerdict.behind, Int64(1)), ("b", .stopped, 2), ("c", .growing, 3), ("d", .lost, nil)] {
            var group = GroupSnapshot(id: id)
            (group.analysis.verdict, group.lag) = (verdict, lag)
            snapshot.groups[id] = group
        }
        snapshot.health.totalLag = 6
        // Not before groups were listed.
        #expect(try #require(ClusterGlance(snapshot)).totalLag == nil)
        snapshot.observations.groups = Observation(time: Timestamp(milliseconds: 6))
        let glance = try #require(ClusterGlance(snapshot))
        #expect(glance.worst == ClusterGlance.Worst(group: "b", verdict: .stopped) && glance.totalLag == 6)
        #expect(glance.isTrouble && !glance.isUnhealthy)
    }

    @Test func aClusterIsUnhealthyForAnyOneReason() throws {
        var snapshot = ClusterSnapshot()
        snapshot.observations.metadata = Observation(time: Timestamp(milliseconds: 5))
        snapshot.brokers[1] = BrokerSnapshot(id: 1, host: "a", port: 1)
        #expect(try #require(ClusterGlance(snapshot)).isUnhealthy == false)
        for path in [\Health.offlinePartitions, \.underReplicatedPartitions, \.underMinISRPartitions] {
            var sick = snapshot
            sick.health[keyPath: path] = 1
            #expect(try #require(ClusterGlance(sick)).isUnhealthy)
        }
        snapshot.brokers.update(1) { $0.isAlive = false }
        #expect(try #require(ClusterGlance(snapshot)).isUnhealthy)
        // What was seen last is kept when the cluster is lost.
        snapshot.observations.metadata.failed("timed out")
        #expect(ClusterSighting(snapshot)?.error == "timed out" && ClusterSighting(snapshot)?.glance?.brokersKnown == 1)
    }
}
