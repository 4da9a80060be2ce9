import Controller
import Primitives
import Testing
import Wire

/// Eligible leader replicas (KIP-966), unclean elections by a topic's settings, preferred leaders.
@Suite struct EligibleLeaderTests {
    private func cluster(eligible: Bool = true, min: String = "2") -> TestCluster {
        var cluster = TestCluster(brokers: 3)
        if !eligible {
            var level = FeatureLevelRecord()
            (level.name, level.featureLevel) = (Controller.eligibleLeadersFeature, 0)
            cluster.controller.applyAll([.featureLevel(level)])
        }
        cluster.create("t", replicas: [[1, 2, 3]], configs: [("min.insync.replicas", min)])
        return cluster
    }

    private func partition(_ cluster: TestCluster) -> PartitionImage { cluster.controller.image.partition(TopicPartition("t", 0))! }

    private func restart(_ cluster: inout TestCluster, _ id: BrokerID, wasStopped: Bool) {
        let next = cluster.controller.image.appliedOffset + 1
        let incarnation = UUID(high: 3, low: UInt64(next.rawValue))
        let registration = BrokerRegistration(id: id, incarnationID: incarnation, logDirectories: [UUID(high: 2, low: UInt64(id.rawValue))])
        cluster.controller.applyAll(cluster.controller.decideRegisterBroker(registration, at: next, wasStopped: wasStopped).records)
    }

    @Test func whoLeavesBelowTheMinimumStaysEligible() {
        var cluster = cluster()
        cluster.controller.applyAll(cluster.controller.decideFence(3).records)
        #expect(partition(cluster).inSyncReplicas == [1, 2] && partition(cluster).eligibleLeaderReplicas.isEmpty)
        cluster.controller.applyAll(cluster.controller.decideFence(2).records)
        #expect(partition(cluster).inSyncReplicas == [1] && partition(cluster).eligibleLeaderReplicas == [2])
        cluster.controller.applyAll(cluster.controller.decideFence(1).records)
        var now = partition(cluster)
        #expect(now.inSyncReplicas.isEmpty && now.eligibleLeaderReplicas == [1, 2] && now.leader == nil)
        #expect(now.lastKnownEligibleReplicas == [1])
        // 3 may have missed what was committed; 2 has not.
        cluster.controller.applyAll(cluster.controller.decideUnfence(3).records)
        #expect(partition(cluster).leader == nil)
        cluster.controller.applyAll(cluster.controller.decideUnfence(2).records)
        now = partition(cluster)
        #expect(now.leader == 2 && now.inSyncReplicas == [2] && now.eligibleLeaderReplicas == [1] && !now.isRecovering)
        #expect(now.lastKnownEligibleReplicas.isEmpty)
    }

    @Test func aCrashEndsEligibility() {
        var cluster = cluster()
        for id in [BrokerID(3), 2] { cluster.controller.applyAll(cluster.controller.decideFence(id).records) }
        restart(&cluster, 2, wasStopped: true)
        #expect(partition(cluster).eligibleLeaderReplicas == [2], "it stopped cleanly")
        restart(&cluster, 2, wasStopped: false)
        #expect(partition(cluster).eligibleLeaderReplicas.isEmpty)
        // The last in sync crashes as well: then it is the last known leader, better than nobody.
        restart(&cluster, 1, wasStopped: false)
        #expect(partition(cluster).inSyncReplicas.isEmpty && partition(cluster).lastKnownEligibleReplicas == [1])
        cluster.controller.applyAll(cluster.controller.decideUnfence(2).records)
        #expect(partition(cluster).leader == nil)
        cluster.controller.applyAll(cluster.controller.decideUnfence(1).records)
        let now = partition(cluster)
        #expect(now.leader == 1 && now.inSyncReplicas == [1] && now.isRecovering && now.lastKnownEligibleReplicas.isEmpty)
    }

    @Test func withoutTheFeatureTheLastOneStaysInSync() {
        var cluster = cluster(eligible: false)
        for id in [BrokerID(3), 2, 1] { cluster.controller.applyAll(cluster.controller.decideFence(id).records) }
        #expect(partition(cluster).inSyncReplicas == [1] && partition(cluster).eligibleLeaderReplicas.isEmpty)
        restart(&cluster, 1, wasStopped: false)
        #expect(partition(cluster).inSyncReplicas == [1])
        cluster.controller.applyAll(cluster.controller.decideUnfence(1).records)
        #expect(partition(cluster).leader == 1 && !partition(cluster).isRecovering)
    }

    private func set(_ cluster: inout TestCluster, _ key: String, _ value: String) {
        var config = IncrementalAlterConfigsRequest.Config()
        (config.name, config.value) = (key, value)
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName, resource.configs) = (2, "t", [config])
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        guard let settings = try? BrokerConfig([("node.id", "1")]) else { return }
        let decision = cluster.controller.decideIncrementalAlterConfigs(request, brokerID: 1, broker: settings)
        cluster.controller.applyAll(decision.records)
    }

    @Test func withALowerMinimumNobodyOutsideIsEligible() {
        var cluster = cluster()
        for id in [BrokerID(3), 2] { cluster.controller.applyAll(cluster.controller.decideFence(id).records) }
        #expect(partition(cluster).eligibleLeaderReplicas == [2])
        set(&cluster, "min.insync.replicas", "1")
        #expect(partition(cluster).eligibleLeaderReplicas.isEmpty)
    }

    @Test(arguments: [true, false]) func uncleanElectionsByTheTopicsSettings(_ eligible: Bool) {
        var cluster = cluster(eligible: eligible)
        for id in [BrokerID(3), 2, 1] { cluster.controller.applyAll(cluster.controller.decideFence(id).records) }
        cluster.controller.applyAll(cluster.controller.decideUnfence(3).records)
        #expect(partition(cluster).leader == nil)
        // Allowed from now on: at once.
        set(&cluster, "unclean.leader.election.enable", "true")
        let now = partition(cluster)
        #expect(now.leader == 3 && now.inSyncReplicas == [3] && now.isRecovering && now.eligibleLeaderReplicas.isEmpty)
    }

    @Test func leadershipsGoBackToThePreferredReplicas() throws {
        var cluster = TestCluster(brokers: 2)
        cluster.create("t", replicas: [[1, 2], [1, 2], [2, 1], [2, 1]])
        cluster.controller.applyAll(cluster.controller.decideFence(1).records)
        cluster.controller.applyAll(cluster.controller.decideUnfence(1).records)
        #expect(cluster.controller.decideRebalance(percentage: 10).records.isEmpty, "1 is not in sync yet")
        for index in [Int32(0), 1, 2, 3] {
            var change = PartitionChangeRecord()
            change.topicID = try #require(cluster.controller.image.topic("t")).id
            (change.partitionID, change.isr) = (index, [1, 2])
            cluster.controller.applyAll([.partitionChange(change)])
        }
        #expect(cluster.controller.decideRebalance(percentage: 100).records.isEmpty, "tolerated")
        cluster.controller.applyAll(cluster.controller.decideRebalance(percentage: 10).records)
        let leaders = cluster.controller.image.topic("t")?.partitions.values.map(\.leader)
        #expect(leaders == [1, 1, 2, 2])
    }
}
