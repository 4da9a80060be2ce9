import Controller
import Primitives
import Testing
import Wire

/// A leader's proposals of who is in sync, against the table of Kafka's controller (KIP-497, KIP-841, KIP-903).
@Suite struct AlterPartitionTests {
    private var cluster = TestCluster(brokers: 4)

    init() { cluster.create("t", replicas: [[1, 2, 3]]) }

    private var topicID: UUID { cluster.controller.image.topic("t")!.id }
    private var partition: PartitionImage { cluster.controller.image.partition(TopicPartition("t", 0))! }
    private func epoch(_ id: BrokerID) -> Int64 { cluster.controller.image.brokers[id]?.brokerEpoch ?? -1 }

    private func proposal(
        _ members: [BrokerID], leaderEpoch: Int32? = nil, partitionEpoch: Int32? = nil, isRecovering: Bool = false
    ) -> InSyncProposal {
        InSyncProposal(
            leaderEpoch: leaderEpoch.map { LeaderEpoch($0) } ?? partition.leaderEpoch,
            partitionEpoch: partitionEpoch ?? partition.partitionEpoch,
            members: members.map { InSyncProposal.Member($0, brokerEpoch: epoch($0)) }, isRecovering: isRecovering)
    }

    private func refusal(_ proposal: InSyncProposal, by leader: BrokerID = 1, topic: UUID? = nil, partition index: Int32 = 0) -> ErrorCode {
        do throws(APIFailure) {
            _ = try cluster.controller.decideInSync(proposal, by: leader, topicID: topic ?? topicID, partition: index)
            return .none
        } catch {
            return error.code
        }
    }

    private mutating func alter(_ members: [BrokerID]) throws -> InSyncDecision {
        let decision = try cluster.controller.decideInSync(proposal(members), by: partition.leader!, topicID: topicID, partition: 0)
        if let record = decision.record { cluster.controller.applyAll([record]) }
        return decision
    }

    @Test mutating func shrinkAndGrow() throws {
        let shrunk = try alter([1, 3])
        #expect(partition.inSyncReplicas == [1, 3] && partition.leaderEpoch == 0 && partition.partitionEpoch == 1)
        #expect(shrunk.partition == partition && !shrunk.hasNewLeader)
        #expect(try alter([1, 3]).record == nil, "what is so already needs no record")
        _ = try alter([1, 3, 2])
        #expect(partition.inSyncReplicas == [1, 3, 2] && partition.partitionEpoch == 2)
    }

    @Test mutating func theTableOfRefusals() throws {
        #expect(refusal(proposal([1]), topic: UUID(high: 9, low: 9)) == .unknownTopicID)
        #expect(refusal(proposal([1]), partition: 7) == .unknownTopicOrPartition)
        #expect(refusal(proposal([1], leaderEpoch: 5)) == .notController)
        #expect(refusal(proposal([1], partitionEpoch: 5)) == .notController)
        #expect(refusal(proposal([1]), by: 2) == .invalidRequest, "not the leader")
        #expect(refusal(proposal([1, 2, 2])) == .invalidRequest, "one twice")
        #expect(refusal(proposal([1, 4])) == .invalidRequest, "no replica")
        #expect(refusal(proposal([2, 3])) == .invalidRequest, "without the leader")
        #expect(refusal(proposal([])) == .invalidRequest)
        #expect(refusal(proposal([1], isRecovering: true)) == .invalidRequest, "it has recovered")
        _ = try alter([1, 2])
        #expect(refusal(proposal([1], partitionEpoch: 0)) == .invalidUpdateVersion)
        var stale = proposal([1, 2])
        stale.members[1].brokerEpoch -= 1
        #expect(refusal(stale) == .ineligibleReplica, "an earlier life of the follower")
        cluster.controller.applyAll(cluster.controller.decideFence(3).records)
        #expect(refusal(proposal([1, 2, 3])) == .ineligibleReplica, "fenced")
        cluster.controller.applyAll(cluster.controller.decideControlledShutdown(2).records)
        #expect(refusal(proposal([1, 2])) == .ineligibleReplica, "shutting down")
        // The leader moves: who led before is fenced off by the epoch.
        cluster.controller.applyAll(cluster.controller.decideUnfence(3).records)
        _ = try alter([1, 3])
        cluster.controller.applyAll(cluster.controller.decideFence(1).records)
        #expect(partition.leader == 3)
        #expect(refusal(proposal([1], leaderEpoch: 0)) == .fencedLeaderEpoch)
    }

    @Test mutating func theRequestIsAnsweredPartitionByPartition() throws {
        cluster.create("u", replicas: [[1, 2]])
        var request = AlterPartitionRequest()
        (request.brokerID, request.brokerEpoch) = (1, epoch(1))
        for name in ["t", "u"] {
            var topic = AlterPartitionRequest.Topic()
            topic.topicID = cluster.controller.image.topic(name)!.id
            var row = AlterPartitionRequest.Partition()
            var state = AlterPartitionRequest.BrokerState()
            (state.brokerID, state.brokerEpoch) = (1, epoch(1))
            row.newIsrWithEpochs = [state]
            topic.partitions = name == "t" ? [row, row] : [row]
            request.topics.append(topic)
        }
        let decision = cluster.controller.decideAlterPartition(request, version: 3)
        let codes = decision.response.topics.map { $0.partitions.map(\.errorCode) }
        #expect(codes == [[.none, .invalidRequest], [.none]])
        #expect(decision.response.topics[1].partitions[0].isr == [1] && decision.response.topics[1].partitions[0].partitionEpoch == 1)
        cluster.controller.applyAll(decision.records)
        #expect(partition.inSyncReplicas == [1])
        request.brokerEpoch -= 1
        #expect(cluster.controller.decideAlterPartition(request, version: 3).response.errorCode == .staleBrokerEpoch)
    }

    // MARK: reassignment

    private func reassign(to replicas: [Int32]?) -> Decision<AlterPartitionReassignmentsResponse> {
        var row = AlterPartitionReassignmentsRequest.Partition()
        row.replicas = replicas
        var topic = AlterPartitionReassignmentsRequest.Topic()
        (topic.name, topic.partitions) = ("t", [row])
        var request = AlterPartitionReassignmentsRequest()
        request.topics = [topic]
        return cluster.controller.decideAlterReassignments(request)
    }

    @Test mutating func aReassignmentIsCompleteWhenAllOfItsTargetIsInSync() throws {
        cluster.controller.applyAll(reassign(to: [4, 3]).records)
        #expect(partition.replicas == [4, 3, 1, 2] && partition.addingReplicas == [4] && partition.removingReplicas == [1, 2])
        let before = partition
        let decision = try alter([1, 2, 3, 4])
        #expect(decision.hasNewLeader, "the leader that asked is not among the replicas any more")
        #expect(partition.replicas == [4, 3] && partition.inSyncReplicas.sorted() == [3, 4] && !partition.isReassigning)
        #expect(partition.leader == 4 && partition.leaderEpoch > before.leaderEpoch)
        #expect(partition.directories == [UUID(high: 2, low: 4), UUID(high: 2, low: 3)])
    }

    /// The removed replica is fenced off by a newer leader epoch even where the leader stays.
    @Test mutating func aReplicaThatGoesIsFencedOff() throws {
        cluster.controller.applyAll(reassign(to: [1, 2, 4]).records)
        let decision = try alter([1, 2, 3, 4])
        #expect(!decision.hasNewLeader && partition.leader == 1 && partition.leaderEpoch == 1)
        #expect(partition.replicas == [1, 2, 4] && partition.inSyncReplicas == [1, 2, 4])
    }

    @Test mutating func itWaitsForEveryReplicaOfItsTarget() throws {
        _ = try alter([1, 2])
        cluster.controller.applyAll(reassign(to: [4, 3]).records)
        _ = try alter([1, 2, 4])
        #expect(partition.isReassigning && partition.leader == 1, "3 stays, and is behind")
        _ = try alter([1, 2, 4, 3])
        #expect(partition.replicas == [4, 3] && !partition.isReassigning)
    }

    @Test mutating func whatWasHalfAddedDoesNotStayWhenThePlanChanges() throws {
        cluster.controller.applyAll(reassign(to: [1, 2, 4]).records)
        #expect(partition.replicas == [1, 2, 4, 3])
        cluster.controller.applyAll(reassign(to: [1, 2]).records)
        #expect(partition.replicas == [1, 2] && !partition.isReassigning && partition.inSyncReplicas == [1, 2])
        // Cancelled, it leaves the replicas it began with.
        cluster.controller.applyAll(reassign(to: [1, 2, 4]).records)
        cluster.controller.applyAll(reassign(to: [1, 3]).records)
        #expect(partition.replicas == [1, 3, 2] && partition.addingReplicas == [3] && partition.removingReplicas == [2])
        cluster.controller.applyAll(reassign(to: nil).records)
        #expect(partition.replicas.sorted() == [1, 2] && !partition.isReassigning)
    }

    @Test mutating func aCancelledReassignmentTakesTheLeadershipBack() throws {
        cluster.controller.applyAll(reassign(to: [4, 1, 2, 3]).records)
        _ = try alter([1, 2, 3])
        cluster.controller.applyAll(reassign(to: nil).records)
        #expect(partition.replicas == [1, 2, 3] && partition.leader == 1)
    }
}
