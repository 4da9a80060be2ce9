import Controller
import Primitives
import Quorum
import Wire

/// What this node asks the others: the machine's requests as messages, and the answers as the machine's.
extension Broker {
    mutating func askQuorum(_ request: QuorumRequest, _ peer: BrokerID) {
        guard let address = voterAddress(peer) else { return quorumFailed(request, peer, .refused) }
        let timeout = config.integer("controller.quorum.request.timeout.ms")
        switch request {
        case .vote:
            ask(VoteRequest(request, image.clusterID, voter: peer), version: 2, to: address, lane: .quorum, timeoutMs: timeout) {
                $0.quorumAnswered(request, peer, $1.map { QuorumAnswer($0) })
            }
        case .beginEpoch:
            let message = BeginQuorumEpochRequest(request, image.clusterID, voter: peer, config)
            ask(message, version: 1, to: address, lane: .quorum, timeoutMs: timeout) {
                $0.quorumAnswered(request, peer, $1.map { QuorumAnswer($0) })
            }
        case .endEpoch:
            let message = EndQuorumEpochRequest(request, image.clusterID, config)
            ask(message, version: 1, to: address, lane: .quorum, timeoutMs: timeout) {
                $0.quorumAnswered(request, peer, $1.map { QuorumAnswer($0) })
            }
        case .fetch(let fetch): askMetadataFetch(fetch, address, timeoutMs: timeout)
        }
    }

    func voterAddress(_ id: BrokerID) -> PeerAddress? {
        config.voters.first { $0.id == id }.map { PeerAddress(node: id, host: $0.host, port: $0.port) }
    }

    mutating func quorumAnswered(_ request: QuorumRequest, _ peer: BrokerID, _ result: Result<QuorumAnswer?, PeerFailure>) {
        switch result {
        case .success(let answer?): runQuorum(.answered(answer, to: request, from: peer))
        // An answer that says nothing of the partition: another program, or another cluster.
        case .success(nil): quorumFailed(request, peer, .timedOut)
        case .failure(let failure): quorumFailed(request, peer, failure)
        }
    }

    mutating func quorumFailed(_ request: QuorumRequest, _ peer: BrokerID, _ failure: PeerFailure) {
        runQuorum(.failed(request, to: peer, failure == .timedOut ? .timedOut : .broken))
    }
}

// MARK: - Requests

extension VoteRequest {
    init(_ request: QuorumRequest, _ clusterID: String, voter: BrokerID) {
        guard case .vote(let epoch, let candidate, let log, let isPreVote) = request else { preconditionFailure("a vote is asked for") }
        self.init()
        self.clusterID = clusterID
        voterID = voter.rawValue
        var partition = Partition()
        (partition.replicaEpoch, partition.replicaID, partition.preVote) = (epoch.rawValue, candidate.rawValue, isPreVote)
        (partition.lastOffsetEpoch, partition.lastOffset) = (log.lastEpoch.rawValue, log.offset.rawValue)
        var topic = Topic()
        (topic.topicName, topic.partitions) = (TopicNames.metadata, [partition])
        topics = [topic]
    }
}

extension BeginQuorumEpochRequest {
    init(_ request: QuorumRequest, _ clusterID: String, voter: BrokerID, _ config: BrokerConfig) {
        guard case .beginEpoch(let epoch, let leader) = request else { preconditionFailure("an epoch begins") }
        self.init()
        self.clusterID = clusterID
        voterID = voter.rawValue
        leaderEndpoints = QuorumEndpoint.own(config)
        var partition = Partition()
        (partition.leaderID, partition.leaderEpoch) = (leader.rawValue, epoch.rawValue)
        var topic = Topic()
        (topic.topicName, topic.partitions) = (TopicNames.metadata, [partition])
        topics = [topic]
    }
}

extension EndQuorumEpochRequest {
    init(_ request: QuorumRequest, _ clusterID: String, _ config: BrokerConfig) {
        guard case .endEpoch(let epoch, let leader, let successors) = request else { preconditionFailure("an epoch ends") }
        self.init()
        self.clusterID = clusterID
        leaderEndpoints = QuorumEndpoint.own(config)
        var partition = Partition()
        (partition.leaderID, partition.leaderEpoch) = (leader.rawValue, epoch.rawValue)
        partition.preferredCandidates = successors.map {
            var candidate = Candidate()
            candidate.candidateID = $0.rawValue
            return candidate
        }
        var topic = Topic()
        (topic.topicName, topic.partitions) = (TopicNames.metadata, [partition])
        topics = [topic]
    }
}

extension QuorumEndpoint {
    /// Where this node's controller listens, as the voters' list says.
    static func own(_ config: BrokerConfig) -> [QuorumEndpoint] {
        guard let listener = config.controllerListeners.first, let voter = config.voters.first(where: { $0.id == config.nodeID }) else {
            return []
        }
        var endpoint = QuorumEndpoint()
        (endpoint.name, endpoint.host, endpoint.port) = (listener.name, voter.host, UInt16(clamping: voter.port))
        return [endpoint]
    }
}

// MARK: - Answers

extension QuorumRefusal {
    var errorCode: ErrorCode {
        switch self {
        case .fencedEpoch: .fencedLeaderEpoch
        case .unknownEpoch: .unknownLeaderEpoch
        case .notLeader: .notLeaderOrFollower
        case .inconsistentVoters: .inconsistentVoterSet
        case .unavailable: .brokerNotAvailable
        }
    }

    init(_ code: ErrorCode) {
        self =
            switch code {
            case .fencedLeaderEpoch: .fencedEpoch
            case .unknownLeaderEpoch: .unknownEpoch
            case .notLeaderOrFollower: .notLeader
            case .inconsistentVoterSet, .invalidVoterKey: .inconsistentVoters
            default: .unavailable
            }
    }
}

extension QuorumAnswer {
    /// Nil where the answer is not about the partition, or gives no epoch.
    private init?(_ code: ErrorCode, _ leaderEpoch: Int32, _ leaderID: Int32, _ content: Content) {
        guard leaderEpoch >= 0 else { return nil }
        let leader = leaderID >= 0 ? BrokerID(leaderID) : nil
        self.init(epoch: LeaderEpoch(leaderEpoch), leader: leader, code.isError ? .refused(QuorumRefusal(code)) : content)
    }

    init?(_ response: VoteResponse) {
        guard !response.errorCode.isError, let partition = response.topics.first?.partitions.first else { return nil }
        self.init(partition.errorCode, partition.leaderEpoch, partition.leaderID, .vote(isGranted: partition.voteGranted))
    }

    init?(_ response: BeginQuorumEpochResponse) {
        guard !response.errorCode.isError, let partition = response.topics.first?.partitions.first else { return nil }
        self.init(partition.errorCode, partition.leaderEpoch, partition.leaderID, .acknowledged)
    }

    init?(_ response: EndQuorumEpochResponse) {
        guard !response.errorCode.isError, let partition = response.topics.first?.partitions.first else { return nil }
        self.init(partition.errorCode, partition.leaderEpoch, partition.leaderID, .acknowledged)
    }

    var refusalCode: ErrorCode { if case .refused(let refusal) = content { refusal.errorCode } else { .none } }
}

extension VoteResponse {
    init(_ answer: QuorumAnswer) {
        self.init()
        var partition = Partition()
        (partition.leaderID, partition.leaderEpoch) = ((answer.leader ?? .none).rawValue, answer.epoch.rawValue)
        partition.errorCode = answer.refusalCode
        if case .vote(let isGranted) = answer.content { partition.voteGranted = isGranted }
        var topic = Topic()
        (topic.topicName, topic.partitions) = (TopicNames.metadata, [partition])
        topics = [topic]
    }
}

extension BeginQuorumEpochResponse {
    init(_ answer: QuorumAnswer) {
        self.init()
        var partition = Partition()
        (partition.leaderID, partition.leaderEpoch) = ((answer.leader ?? .none).rawValue, answer.epoch.rawValue)
        partition.errorCode = answer.refusalCode
        var topic = Topic()
        (topic.topicName, topic.partitions) = (TopicNames.metadata, [partition])
        topics = [topic]
    }
}

extension EndQuorumEpochResponse {
    init(_ answer: QuorumAnswer) {
        self.init()
        var partition = Partition()
        (partition.leaderID, partition.leaderEpoch) = ((answer.leader ?? .none).rawValue, answer.epoch.rawValue)
        partition.errorCode = answer.refusalCode
        var topic = Topic()
        (topic.topicName, topic.partitions) = (TopicNames.metadata, [partition])
        topics = [topic]
    }
}
