import Primitives
import Wire

/// What a leader wants its partition's in-sync replicas to be (KIP-841).
package struct InSyncProposal: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package var id: BrokerID
        /// The epoch under which the leader saw it fetch; -1 where it does not know.
        package var brokerEpoch: Int64

        package init(_ id: BrokerID, brokerEpoch: Int64 = -1) {
            self.id = id
            self.brokerEpoch = brokerEpoch
        }
    }

    package var leaderEpoch: LeaderEpoch
    package var partitionEpoch: Int32
    package var members: [Member]
    /// The leader has not recovered from an unclean election yet.
    package var isRecovering: Bool

    package init(leaderEpoch: LeaderEpoch, partitionEpoch: Int32, members: [Member], isRecovering: Bool = false) {
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.members = members
        self.isRecovering = isRecovering
    }
}

/// A leader's proposal, decided: the record that makes it true, if anything changes, and the partition as it is then.
package struct InSyncDecision: Equatable, Sendable {
    package var record: MetadataRecord?
    package var partition: PartitionImage
    /// The change completed a reassignment and took the leadership away from who asked.
    package var hasNewLeader: Bool
}

extension Controller {
    /// AlterPartition (56), versions 2 and 3: each partition by itself.
    package func decideAlterPartition(_ request: AlterPartitionRequest, version: Int16) -> Decision<AlterPartitionResponse> {
        var decision = Decision(response: AlterPartitionResponse())
        let leader = BrokerID(request.brokerID)
        guard let broker = image.brokers[leader], broker.brokerEpoch == request.brokerEpoch else {
            decision.response.errorCode = .staleBrokerEpoch
            return decision
        }
        var seen: Set<TopicIDPartition> = []
        for topic in request.topics {
            var answer = AlterPartitionResponse.Topic()
            answer.topicID = topic.topicID
            for partition in topic.partitions {
                var result = AlterPartitionResponse.Partition()
                result.partitionIndex = partition.partitionIndex
                do throws(APIFailure) {
                    let key = TopicIDPartition(topic: "", topicID: topic.topicID, partition: partition.partitionIndex)
                    guard seen.insert(key).inserted else { throw APIFailure(.invalidRequest) }
                    let proposal = InSyncProposal(partition, version: version)
                    let decided = try decideInSync(proposal, by: leader, topicID: topic.topicID, partition: partition.partitionIndex)
                    if let record = decided.record { decision.records.append(record) }
                    if decided.hasNewLeader { result.errorCode = .newLeaderElected } else { result.tell(decided.partition) }
                } catch {
                    result.errorCode = error.code
                }
                answer.partitions.append(result)
            }
            decision.response.topics.append(answer)
        }
        return decision
    }

    /// Checks a leader's proposal against all that was decided, and works out what comes of it: a reassignment may be complete by it.
    package func decideInSync(
        _ proposal: InSyncProposal, by leader: BrokerID, topicID: UUID, partition index: Int32
    ) throws(APIFailure) -> InSyncDecision {
        guard let topic = image.topic(topicID) else { throw APIFailure(.unknownTopicID) }
        guard let partition = topic.partitions[index] else { throw APIFailure(.unknownTopicOrPartition) }
        try check(proposal, by: leader, partition)
        var transition = transition(partition, of: topic.name)
        transition.inSyncReplicas = proposal.members.map(\.id)
        transition.isRecovering = proposal.isRecovering
        let change = transition.change { directory(of: $0) }
        guard !change.isEmpty else { return InSyncDecision(record: nil, partition: partition, hasNewLeader: false) }
        let record = MetadataRecords.change(index, of: topic.id, change)
        var after = image
        var delta = ClusterImageDelta()
        after.apply(record, at: image.appliedOffset + 1, into: &delta)
        let changed = after.partition(TopicPartition(topic.name, index)) ?? partition
        return InSyncDecision(record: record, partition: changed, hasNewLeader: changed.leader != leader)
    }

    /// The table of Kafka's controller, in its order.
    private func check(_ proposal: InSyncProposal, by leader: BrokerID, _ partition: PartitionImage) throws(APIFailure) {
        // Who knows of a later epoch than this controller has been told by a later controller.
        if proposal.leaderEpoch > partition.leaderEpoch || proposal.partitionEpoch > partition.partitionEpoch {
            throw APIFailure(.notController)
        }
        if proposal.leaderEpoch < partition.leaderEpoch { throw APIFailure(.fencedLeaderEpoch) }
        if partition.leader != leader { throw APIFailure(.invalidRequest) }
        if proposal.partitionEpoch < partition.partitionEpoch { throw APIFailure(.invalidUpdateVersion) }
        let ids = proposal.members.map(\.id).sorted()
        for (place, id) in ids.enumerated() {
            if place > 0, ids[place - 1] == id { throw APIFailure(.invalidRequest) }
            if !partition.replicas.contains(id) { throw APIFailure(.invalidRequest) }
        }
        if !ids.contains(leader) { throw APIFailure(.invalidRequest) }
        if proposal.isRecovering, ids.count > 1 || !partition.isRecovering { throw APIFailure(.invalidRequest) }
        for member in proposal.members {
            guard let broker = image.brokers[member.id], broker.isActive,
                member.brokerEpoch == -1 || member.brokerEpoch == broker.brokerEpoch
            else { throw APIFailure(.ineligibleReplica) }
        }
    }
}

extension InSyncProposal {
    init(_ partition: AlterPartitionRequest.Partition, version: Int16) {
        let members = version >= 3
            ? partition.newIsrWithEpochs.map { Member(BrokerID($0.brokerID), brokerEpoch: $0.brokerEpoch) }
            : partition.newIsr.map { Member(BrokerID($0)) }
        self.init(
            leaderEpoch: LeaderEpoch(partition.leaderEpoch), partitionEpoch: partition.partitionEpoch, members: members,
            isRecovering: partition.leaderRecoveryState == 1)
    }
}

extension AlterPartitionResponse.Partition {
    mutating func tell(_ partition: PartitionImage) {
        leaderID = (partition.leader ?? .none).rawValue
        leaderEpoch = partition.leaderEpoch.rawValue
        isr = partition.inSyncReplicas.map(\.rawValue)
        leaderRecoveryState = partition.isRecovering ? 1 : 0
        partitionEpoch = partition.partitionEpoch
    }
}
