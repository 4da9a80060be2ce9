import Controller
import Primitives
import Quorum
import Storage
import Wire

/// Requests of peers that the quorum's machine has not answered yet. One per connection, because a connection has one request under way.
struct QuorumRequests {
    enum Kind {
        case vote, beginEpoch, endEpoch
        /// `maxBytes` and `topicID` as the replica sent them.
        case fetch(FetchRequest)
    }

    struct Asked {
        let context: RequestContext
        let kind: Kind
    }

    private var waiting: OrderedMap<UInt64, Asked> = OrderedMap()
    private var lastNumber: UInt64 = 0

    mutating func begin(_ context: RequestContext, _ kind: Kind) -> QuorumTicket {
        lastNumber += 1
        waiting[lastNumber] = Asked(context: context, kind: kind)
        return QuorumTicket(number: lastNumber)
    }

    mutating func finish(_ ticket: QuorumTicket) -> Asked? { waiting.remove(ticket.number) }
    mutating func forget(_ connection: ConnectionID) { waiting.removeAll { $1.context.connection == connection } }
}

/// What voters ask each other, as this node hears it: Vote (52), versions 0 to 2, BeginQuorumEpoch (53) and EndQuorumEpoch (54), versions 0
/// to 1. Voters are static, so directory ids are neither checked nor told.
extension Broker {
    mutating func handleVote(_ context: RequestContext, _ request: VoteRequest) {
        guard isOurCluster(request.clusterID), let asked = onlyPartition(request.topics.map { ($0.topicName, $0.partitions) }) else {
            var response = VoteResponse()
            response.errorCode = isOurCluster(request.clusterID) ? .invalidRequest : .inconsistentClusterID
            return respond(context, response)
        }
        let event = QuorumRequest.vote(
            epoch: LeaderEpoch(asked.replicaEpoch), candidate: BrokerID(asked.replicaID),
            log: LogEnd(lastEpoch: LeaderEpoch(asked.lastOffsetEpoch), offset: Offset(asked.lastOffset)), isPreVote: asked.preVote)
        hear(event, context, .vote, from: BrokerID(asked.replicaID))
    }

    mutating func handleBeginQuorumEpoch(_ context: RequestContext, _ request: BeginQuorumEpochRequest) {
        guard isOurCluster(request.clusterID), let asked = onlyPartition(request.topics.map { ($0.topicName, $0.partitions) }) else {
            var response = BeginQuorumEpochResponse()
            response.errorCode = isOurCluster(request.clusterID) ? .invalidRequest : .inconsistentClusterID
            return respond(context, response)
        }
        let leader = BrokerID(asked.leaderID)
        hear(.beginEpoch(epoch: LeaderEpoch(asked.leaderEpoch), leader: leader), context, .beginEpoch, from: leader)
    }

    mutating func handleEndQuorumEpoch(_ context: RequestContext, _ request: EndQuorumEpochRequest) {
        guard isOurCluster(request.clusterID), let asked = onlyPartition(request.topics.map { ($0.topicName, $0.partitions) }) else {
            var response = EndQuorumEpochResponse()
            response.errorCode = isOurCluster(request.clusterID) ? .invalidRequest : .inconsistentClusterID
            return respond(context, response)
        }
        let leader = BrokerID(asked.leaderID)
        let successors = asked.preferredSuccessors + asked.preferredCandidates.map(\.candidateID)
        let event = QuorumRequest.endEpoch(
            epoch: LeaderEpoch(asked.leaderEpoch), leader: leader, successors: successors.map { BrokerID($0) })
        hear(event, context, .endEpoch, from: leader)
    }

    func isOurCluster(_ id: String?) -> Bool { id == nil || id == image.clusterID }

    /// The one partition such requests are about.
    private func onlyPartition<Partition>(_ topics: [(name: String, partitions: [Partition])]) -> Partition? {
        guard topics.count == 1, topics[0].name == TopicNames.metadata, topics[0].partitions.count == 1 else { return nil }
        return topics[0].partitions[0]
    }

    mutating func hear(_ request: QuorumRequest, _ context: RequestContext, _ kind: QuorumRequests.Kind, from: BrokerID?) {
        guard let ticket = metadata?.asked.begin(context, kind) else { return closeConnection(context, "the broker has not started") }
        guard metadata?.hasFailed == false, metadata?.todo.isEmpty == true || metadata?.isWorking == true else {
            // Its disk refuses what must come first.
            let answer = QuorumAnswer(epoch: metadata?.quorum.leaderEpoch ?? .none, leader: nil, .refused(.unavailable))
            return answerQuorum(answer, ticket, from: nil)
        }
        runQuorum(.requested(request, from: from, ticket: ticket))
    }

    /// Sends what the machine answers; `from` is where the records of a fetch's answer begin.
    mutating func answerQuorum(_ answer: QuorumAnswer, _ ticket: QuorumTicket, from: Offset?) {
        // The connection may be gone.
        guard let asked = metadata?.asked.finish(ticket) else { return }
        switch asked.kind {
        case .vote: respond(asked.context, VoteResponse(answer))
        case .beginEpoch: respond(asked.context, BeginQuorumEpochResponse(answer))
        case .endEpoch: respond(asked.context, EndQuorumEpochResponse(answer))
        case .fetch(let request): answerMetadataFetch(asked.context, request, answer, from: from)
        }
    }
}

extension RouteTable {
    /// The rows of the metadata quorum. Its fetches come in with all others.
    static let quorumRoutes: [Route] = [
        Route(node: VoteRequest.self) { $0.handleVote($1, $2) },
        Route(node: BeginQuorumEpochRequest.self) { $0.handleBeginQuorumEpoch($1, $2) },
        Route(node: EndQuorumEpochRequest.self) { $0.handleEndQuorumEpoch($1, $2) },
        Route(node: FetchSnapshotRequest.self) { $0.handleFetchSnapshot($1, $2) },
    ]
}
