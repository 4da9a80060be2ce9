import Controller
import Primitives
import Quorum
import Wire

/// DescribeQuorum (55), versions 0 to 2: who leads the metadata quorum and how far each replica is. Only the leader can say; other
/// nodes forward the request to it.
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
        let replicas = quorum.replicas
        row.currentVoters = config.voterIDs.map { id in
            id == brokerID ? ownState(quorum) : state(of: id, replicas.voters[id] ?? ReplicaProgress())
        }
        row.observers = replicas.observers.map { state(of: $0.key, $0.value) }
        return row
    }

    private func ownState(_ quorum: QuorumMachine) -> DescribeQuorumResponse.ReplicaState {
        var state = DescribeQuorumResponse.ReplicaState()
        (state.replicaID, state.logEndOffset) = (brokerID.rawValue, quorum.log.endOffset.rawValue)
        (state.lastFetchTimestamp, state.lastCaughtUpTimestamp) = (now.wall.milliseconds, now.wall.milliseconds)
        return state
    }

    /// Kafka tells -1 of what it does not know.
    private func state(of id: BrokerID, _ progress: ReplicaProgress) -> DescribeQuorumResponse.ReplicaState {
        var state = DescribeQuorumResponse.ReplicaState()
        (state.replicaID, state.logEndOffset) = (id.rawValue, progress.logEndOffset.rawValue)
        let isHeard = progress.logEndOffset != .none
        if isHeard, let fetch = progress.lastFetch { state.lastFetchTimestamp = wall(fetch) }
        if let caughtUp = progress.lastCaughtUp { state.lastCaughtUpTimestamp = wall(caughtUp) }
        return state
    }

    private func wall(_ instant: Instant) -> Int64 { now.wall.milliseconds - now.instant.milliseconds(since: instant) }

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
