import Controller
import Primitives
import Testing
import Wire

/// Brokers come and go, partitions follow; stories over several brokers, though the first release runs one.
@Suite struct ControllerStoryTests {
    private func partition(_ cluster: TestCluster, _ topic: String = "t", _ index: Int32 = 0) throws -> PartitionImage {
        try #require(cluster.controller.image.partition(TopicPartition(topic, index)))
    }

    @Test func aFencedLeaderIsFollowedByTheNextInSync() throws {
        var cluster = TestCluster(brokers: 3)
        cluster.create("t", replicas: [[1, 2, 3]])
        let delta = cluster.controller.applyAll(cluster.controller.decideFence(1).records)
        let after = try partition(cluster)
        #expect(after.leader == 2 && after.inSyncReplicas == [2, 3] && after.leaderEpoch == 1 && after.partitionEpoch == 1)
        #expect(delta.partitions.first { _ in true }?.value.before?.leader == 1)
        #expect(delta.brokers[BrokerID(1)]?.after?.isFenced == true)
        // Again changes nothing.
        #expect(cluster.controller.decideFence(1).records.isEmpty)
    }

    @Test func theLastInSyncReplicaAloneLeadsAgain() throws {
        var cluster = TestCluster(brokers: 2)
        cluster.create("t", replicas: [[1, 2]])
        for id in [BrokerID(1), 2] { cluster.controller.applyAll(cluster.controller.decideFence(id).records) }
        #expect(try partition(cluster).leader == nil)
        // It alone is eligible: the other may have missed something (KIP-966).
        #expect(try partition(cluster).inSyncReplicas.isEmpty && partition(cluster).eligibleLeaderReplicas == [2])
        // The other, out of sync, cannot lead.
        cluster.controller.applyAll(cluster.controller.decideUnfence(1).records)
        #expect(try partition(cluster).leader == nil)
        cluster.controller.applyAll(cluster.controller.decideUnfence(2).records)
        #expect(try partition(cluster).leader == 2)
        #expect(try partition(cluster).leaderEpoch == 3)
    }

    @Test func aBrokerThatRegistersAgainHasANewEpochAndLedNothingMeanwhile() throws {
        var cluster = TestCluster(brokers: 1)
        cluster.create("t", replicas: [[1]])
        let old = try #require(cluster.controller.image.brokers[BrokerID(1)])
        let next = cluster.controller.image.appliedOffset + 1
        let decision = cluster.controller.decideRegisterBroker(BrokerRegistration(id: 1), at: next)
        #expect(decision.response == next.rawValue)
        cluster.controller.applyAll(decision.records)
        #expect(try partition(cluster).leader == nil)
        #expect(cluster.controller.image.brokers[BrokerID(1)]?.brokerEpoch ?? 0 > old.brokerEpoch)
        cluster.controller.applyAll(cluster.controller.decideUnfence(1).records)
        #expect(try partition(cluster).leader == 1)
        // A change addressed to the earlier life is not applied.
        var stale = BrokerRegistrationChangeRecord()
        (stale.brokerID, stale.brokerEpoch, stale.fenced) = (1, old.brokerEpoch, 1)
        #expect(cluster.controller.applyAll([.brokerRegistrationChange(stale)]).isEmpty)
    }

    @Test func controlledShutdownHandsLeadershipsOver() throws {
        var cluster = TestCluster(brokers: 2)
        cluster.create("t", replicas: [[1, 2]])
        cluster.controller.applyAll(cluster.controller.decideControlledShutdown(1).records)
        #expect(try partition(cluster).leader == 2)
        #expect(cluster.controller.image.activeBrokers.map(\.id) == [2])
    }

    @Test func preferredElectionReturnsTheLeadership() throws {
        var cluster = TestCluster(brokers: 2)
        cluster.create("t", replicas: [[1, 2]])
        cluster.controller.applyAll(cluster.controller.decideFence(1).records)
        #expect(elect(cluster, .preferred).1 == .preferredLeaderNotAvailable)
        cluster.controller.applyAll(cluster.controller.decideUnfence(1).records)
        // It lives, but is not in sync yet.
        #expect(elect(cluster, .preferred).1 == .preferredLeaderNotAvailable)
        var back = PartitionChangeRecord()
        back.topicID = try #require(cluster.controller.image.topic("t")).id
        (back.partitionID, back.isr) = (0, [1, 2])
        cluster.controller.applyAll([.partitionChange(back)])
        let (records, code) = elect(cluster, .preferred)
        #expect(code == ErrorCode.none)
        cluster.controller.applyAll(records)
        #expect(try partition(cluster).leader == 1)
        #expect(elect(cluster, .preferred).1 == .electionNotNeeded)
    }

    @Test func uncleanElectionMakesDoWithWhoLives() throws {
        var cluster = TestCluster(brokers: 2)
        cluster.create("t", replicas: [[1, 2]])
        for id in [BrokerID(2), 1] { cluster.controller.applyAll(cluster.controller.decideFence(id).records) }
        #expect(elect(cluster, .unclean).1 == .eligibleLeadersNotAvailable)
        cluster.controller.applyAll(cluster.controller.decideUnfence(2).records)
        let (records, code) = elect(cluster, .unclean)
        #expect(code == ErrorCode.none)
        cluster.controller.applyAll(records)
        let after = try partition(cluster)
        #expect(after.leader == 2 && after.inSyncReplicas == [2] && after.isRecovering)
    }

    private func elect(_ cluster: TestCluster, _ type: Controller.ElectionType) -> ([MetadataRecord], ErrorCode?) {
        var topic = ElectLeadersRequest.TopicPartitions()
        (topic.topic, topic.partitions) = ("t", [0])
        var request = ElectLeadersRequest()
        (request.electionType, request.topicPartitions) = (type.rawValue, [topic])
        let decision = cluster.controller.decideElectLeaders(request)
        return (decision.records, decision.response.replicaElectionResults.first?.partitionResults.first?.errorCode)
    }

    @Test func aReassignmentGoesThroughBothSetsOfReplicas() throws {
        var cluster = TestCluster(brokers: 3)
        cluster.create("t", replicas: [[1, 2]])
        cluster.controller.applyAll(reassign(cluster, to: [3, 2]).records)
        var now = try partition(cluster)
        #expect(now.replicas == [3, 2, 1] && now.addingReplicas == [3] && now.removingReplicas == [1] && now.leader == 1)
        let listed = cluster.controller.listReassignments(ListPartitionReassignmentsRequest())
        #expect(listed.topics.first?.partitions.first?.replicas == [3, 2, 1])
        // Back again.
        cluster.controller.applyAll(reassign(cluster, to: nil).records)
        now = try partition(cluster)
        #expect(now.replicas == [2, 1] && !now.isReassigning && now.inSyncReplicas == [1, 2])
        #expect(reassign(cluster, to: nil).response.responses[0].partitions[0].errorCode == .noReassignmentInProgress)
        // To fewer that are in sync already it is done at once, and the leader that goes is followed.
        cluster.controller.applyAll(reassign(cluster, to: [2]).records)
        now = try partition(cluster)
        #expect(now.replicas == [2] && now.inSyncReplicas == [2] && now.leader == 2 && now.directories == [UUID(high: 2, low: 2)])
        // To what it is already: nothing to do.
        #expect(reassign(cluster, to: [2]).records.isEmpty)
    }

    private func reassign(_ cluster: TestCluster, to replicas: [Int32]?) -> Decision<AlterPartitionReassignmentsResponse> {
        var partition = AlterPartitionReassignmentsRequest.Partition()
        partition.replicas = replicas
        var topic = AlterPartitionReassignmentsRequest.Topic()
        (topic.name, topic.partitions) = ("t", [partition])
        var request = AlterPartitionReassignmentsRequest()
        request.topics = [topic]
        return cluster.controller.decideAlterReassignments(request)
    }

    @Test func producerIDBlocksNeverOverlap() {
        var cluster = TestCluster(brokers: 2)
        var seen: [Range<Int64>] = []
        for id in [BrokerID(1), 2, 1] {
            let decision = cluster.controller.decideAllocateProducerIDs(id)
            seen.append(decision.response)
            cluster.controller.applyAll(decision.records)
        }
        #expect(seen == [0..<1000, 1000..<2000, 2000..<3000])
    }

    @Test func aDeletedTopicTakesItsSettingsAlong() throws {
        var cluster = TestCluster(brokers: 1)
        cluster.create("t", replicas: [[1], [1]], configs: [("retention.ms", "5")])
        var request = DeleteTopicsRequest()
        request.topicNames = ["t"]
        let decision = cluster.controller.decideDeleteTopics(request, version: 3, broker: TestCluster.broker)
        let delta = cluster.controller.applyAll(decision.records)
        #expect(cluster.controller.image.topics.isEmpty && cluster.controller.image.topicConfig("t").isEmpty)
        #expect(delta.topicsDeleted.values.map(\.name) == ["t"])
        #expect(delta.partitions.map(\.value.after) == [nil, nil])
        #expect(delta.configs.values == [Change(before: "5", after: nil)])
        // Made again in the same moment, it is another topic.
        cluster.create("t", replicas: [[1]])
        #expect(cluster.controller.image.topicConfig("t").isEmpty)
    }

    @Test func aTopicMadeAndDeletedWithinOneDeltaLeavesNoTrace() {
        var cluster = TestCluster(brokers: 1)
        let start = cluster.controller
        cluster.create("t", replicas: [[1]], configs: [("retention.ms", "5")])
        let id = cluster.controller.image.topic("t")!.id
        var delta = ClusterImageDelta()
        var image = start.image
        for record in creation(of: cluster, id) { image.apply(record, at: image.appliedOffset + 1, into: &delta) }
        #expect(delta.topicsCreated.values == ["t"] && !delta.isEmpty)
        var removal = RemoveTopicRecord()
        removal.topicID = id
        image.apply(.removeTopic(removal), at: image.appliedOffset + 1, into: &delta)
        #expect(delta.isEmpty)
    }

    private func creation(of cluster: TestCluster, _ id: UUID) -> [MetadataRecord] {
        var topic = TopicRecord()
        (topic.name, topic.topicID) = ("t", id)
        var partition = PartitionRecord()
        (partition.topicID, partition.partitionID, partition.replicas, partition.isr, partition.leader) = (id, 0, [1], [1], 1)
        var config = ConfigRecord()
        (config.resourceType, config.resourceName, config.name, config.value) = (2, "t", "retention.ms", "5")
        return [.topic(topic), .config(config), .partition(partition)]
    }

    @Test func topicDeletionCanBeForbidden() throws {
        var cluster = TestCluster(brokers: 1)
        cluster.create("t", replicas: [[1]])
        let broker = try BrokerConfig([("node.id", "1"), ("delete.topic.enable", "false")])
        var request = DeleteTopicsRequest()
        request.topicNames = ["t"]
        for (version, code) in [(5, ErrorCode.topicDeletionDisabled), (1, .invalidRequest)] {
            let decision = cluster.controller.decideDeleteTopics(request, version: Int16(version), broker: broker)
            #expect(decision.records.isEmpty && decision.response.responses[0].errorCode == code)
        }
    }

    @Test func moreThanTenThousandPartitionsAtOnceAreRefused() throws {
        var cluster = TestCluster(brokers: 1)
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = ("huge", .max, 1)
        var request = CreateTopicsRequest()
        request.topics = [topic]
        let decision = cluster.controller.decideCreateTopics(request, broker: TestCluster.broker, random: &cluster.random)
        #expect(decision.response.topics[0].errorCode == .policyViolation && decision.records.isEmpty)
    }
}
