import Controller
import Primitives
import Quorum
import Wire

/// DescribeQuorum (55), versions 0 to 2: who leads the metadata quorum and how far each voter is. Only the leader can say; with one voter
/// that is this node.
extension Broker {
    mutating func handleDescribeQuorum(_ context: RequestContext, _ request: DescribeQuorumRequest) {
        var response = DescribeQuorumResponse()
        response.errorMessage = ""
        for topic in request.topics {
            var row = DescribeQuorumResponse.Topic()
            row.topicName = topic.topicName
            row.partitions = topic.partitions.map { describeQuorum(topic.topicName, $0.partitionIndex) }
            response.topics.append(row)
        }
        if response.topics.contains(where: { $0.partitions.contains { !$0.errorCode.isError } }) { response.nodes = quorumNodes }
        respond(context, response)
    }

    private func describeQuorum(_ topic: String, _ index: Int32) -> DescribeQuorumResponse.Partition {
        var row = DescribeQuorumResponse.Partition()
        row.partitionIndex = index
        guard topic == TopicNames.metadata, index == 0, let quorum = metadata?.quorum else {
            row.errorCode = .unknownTopicOrPartition
            row.errorMessage = ErrorCode.unknownTopicOrPartition.message
            return row
        }
        guard quorum.isLeader else {
            row.errorCode = .notLeaderOrFollower
            row.errorMessage = ErrorCode.notLeaderOrFollower.message
            return row
        }
        row.errorMessage = ""
        row.leaderID = brokerID.rawValue
        row.leaderEpoch = quorum.leaderEpoch.rawValue
        row.highWatermark = quorum.highWatermark.rawValue
        row.currentVoters = quorum.voterLogEnds.map { voter, logEndOffset in
            var state = DescribeQuorumResponse.ReplicaState()
            state.replicaID = voter.rawValue
            state.logEndOffset = logEndOffset.rawValue
            if voter == brokerID {
                state.lastFetchTimestamp = now.wall.milliseconds
                state.lastCaughtUpTimestamp = now.wall.milliseconds
            }
            return state
        }
        return row
    }

    /// Where the voters are reached: as configured, or for this node alone where it listens.
    private var quorumNodes: [DescribeQuorumResponse.Node] {
        config.voterIDs.map { id in
            var node = DescribeQuorumResponse.Node()
            node.nodeID = id.rawValue
            let named = config.voters.first { $0.id == id }
            guard let own = config.controllerListeners.first ?? config.advertisedListeners.first else { return node }
            var listener = DescribeQuorumResponse.Listener()
            listener.name = own.name
            listener.host = named?.host ?? own.host
            listener.port = UInt16(clamping: named?.port ?? own.port)
            node.listeners = [listener]
            return node
        }
    }
}
