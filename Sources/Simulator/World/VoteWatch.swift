import Primitives
import Wire

// Votes are watched where they leave a node: what a voter had in mind when it crashed counts for nothing.
extension World {
    /// A request for votes by a candidate, who has voted for itself. Pre-votes do not count.
    func noteCandidacy(_ frame: Bytes, of candidate: BrokerID) {
        guard let onVote, let asked = voteAsked(frame), !asked.preVote else { return }
        onVote(candidate, asked.replicaEpoch, candidate)
    }

    /// The answer to a request for a vote.
    func noteVote(_ request: Bytes, answer: Bytes, by voter: BrokerID) {
        guard let onVote, let asked = voteAsked(request), !asked.preVote, let (header, _) = try? RequestHeader.decode(request),
            let answered = try? decodeResponse(answer, to: VoteRequest.self, version: header.apiVersion).response,
            answered.topics.first?.partitions.first?.voteGranted == true
        else { return }
        onVote(voter, asked.replicaEpoch, BrokerID(asked.replicaID))
    }

    private func voteAsked(_ frame: Bytes) -> VoteRequest.Partition? {
        guard let (header, body) = try? RequestHeader.decode(frame), header.key == .vote else { return nil }
        return (try? VoteRequest.decode(body, version: header.apiVersion))?.topics.first?.partitions.first
    }
}
