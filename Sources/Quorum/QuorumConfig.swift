import Primitives

/// What a node needs to know for its part in the quorum. Times are milliseconds; Kafka's keys are `controller.quorum.*`.
package struct QuorumConfig: Equatable, Sendable {
    package var nodeID: BrokerID
    /// All voters, this node perhaps among them, sorted. A node outside is an observer: it only follows.
    package var voters: [BrokerID]
    /// How long a candidate waits for its votes: between this and twice this.
    package var electionTimeoutMs: Int64
    /// How long a follower waits for its leader, and, half as long again, a leader for a majority.
    package var fetchTimeoutMs: Int64
    /// The longest pause after a lost election.
    package var electionBackoffMaxMs: Int64
    /// The pause before a fetch that failed is tried again.
    package var retryBackoffMs: Int64
    /// Deliberate defects, for the simulator's own test.
    package var mutations: Mutations

    package init(
        nodeID: BrokerID, voters: [BrokerID], electionTimeoutMs: Int64 = 1000, fetchTimeoutMs: Int64 = 2000,
        electionBackoffMaxMs: Int64 = 1000, retryBackoffMs: Int64 = 20, mutations: Mutations = []
    ) {
        self.nodeID = nodeID
        self.voters = voters.sorted()
        self.electionTimeoutMs = max(1, electionTimeoutMs)
        self.fetchTimeoutMs = max(1, fetchTimeoutMs)
        self.electionBackoffMaxMs = max(1, electionBackoffMaxMs)
        self.retryBackoffMs = max(1, retryBackoffMs)
        self.mutations = mutations
    }

    var others: [BrokerID] { voters.filter { $0 != nodeID } }
    var isVoter: Bool { voters.contains(nodeID) }
    var majority: Int { voters.count / 2 + 1 }
    /// How long a leader keeps a fetch that has nothing to fetch. Well below the follower's patience: an empty answer is a sign of life.
    package var fetchWaitMaxMs: Int64 { max(1, min(500, fetchTimeoutMs / 3)) }
}
