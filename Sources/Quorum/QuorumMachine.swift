import Primitives

/// What this node is in the quorum of the metadata log. Kafka's words (KIP-595).
package enum QuorumRole: Equatable, Sendable {
    /// No leader known, no vote given in this epoch.
    case unattached
    /// Voted for another in this epoch.
    case voted(BrokerID)
    /// Asks for votes; holds those granted, its own included, sorted.
    case candidate(granted: [BrokerID])
    /// Leads since the offset of its leader-change record.
    case leader(epochStart: Offset)
    case follower(of: BrokerID)
}

package struct QuorumConfig: Equatable, Sendable {
    package var nodeID: BrokerID
    /// All voters, this node perhaps among them, sorted. A node outside only follows.
    package var voters: [BrokerID]
    /// Milliseconds without a leader before an election; each wait is drawn between this and twice this.
    package var electionTimeoutMs: Int64
    /// Milliseconds a follower waits for its leader.
    package var fetchTimeoutMs: Int64

    package init(nodeID: BrokerID, voters: [BrokerID], electionTimeoutMs: Int64 = 1000, fetchTimeoutMs: Int64 = 2000) {
        self.nodeID = nodeID
        self.voters = voters.sorted()
        self.electionTimeoutMs = electionTimeoutMs
        self.fetchTimeoutMs = fetchTimeoutMs
    }
}

package enum QuorumEvent: Equatable, Sendable {
    /// The log is open and `quorum-state` read: begin.
    case started
    /// The `quorum-state` of this effect is durable.
    case stateWritten(QuorumState)
    /// The controller wants to append so many records as one batch. Only for a leader.
    case proposed(count: Int)
    /// The local log is durable up to, not including, this offset.
    case synced(through: Offset)
    /// `nextDeadline` may have passed.
    case ticked
    case received(QuorumMessage, from: BrokerID)
}

package enum QuorumEffect: Equatable, Sendable {
    /// Write `quorum-state`, sync it, then tell `stateWritten`.
    case writeState(QuorumState)
    /// Append the control batch that opens this leader's epoch. It takes one offset.
    case appendLeaderChange(at: Offset, epoch: LeaderEpoch, LeaderChange)
    /// Append the proposed records as one batch.
    case append(at: Offset, epoch: LeaderEpoch, count: Int)
    /// Make the log durable up to, not including, this offset, then tell `synced`.
    case sync(through: Offset)
    /// Everything below this offset is committed: apply it, answer those who waited for it.
    case commit(through: Offset)
    /// The role changed. A leader may decide once `commit` has passed its epoch's start: only then has it applied all there is.
    case becameLeader(epoch: LeaderEpoch, epochStart: Offset)
    case becameFollower(epoch: LeaderEpoch, leader: BrokerID?)
    case send(QuorumMessage, to: BrokerID)
    /// Send once the log is durable through this offset: a vote or a fetch that claims more than the disk holds could lose commits.
    case sendAfterSync(QuorumMessage, to: BrokerID, through: Offset)
}

/// One voter of the metadata quorum: Raft in the shape of KIP-595, events in, effects out. It knows offsets and epochs; the records
/// themselves stay with its owner, the broker's metadata log, on the broker's thread.
///
/// Invariants:
/// 1. `highWatermark` <= what a majority of voters has durable, and never moves back.
/// 2. A leader commits nothing before its own leader-change record (Raft §5.4.2).
/// 3. A vote, and an epoch entered as a candidate, is durable before it is acted on.
///
/// Transitions: unattached → candidate (election timeout) → leader (majority, own vote durable); any → voted (a newer epoch's candidate
/// with a log no older); any → follower (a newer epoch's leader); leader, candidate → unattached (a newer epoch without a leader).
package struct QuorumMachine: Sendable {
    package let config: QuorumConfig
    package private(set) var role: QuorumRole = .unattached
    package private(set) var state: QuorumState
    /// The end of the local log, of which everything below `syncedOffset` is durable.
    package private(set) var log: LogEnd
    package private(set) var syncedOffset: Offset
    package private(set) var highWatermark: Offset
    /// When the machine next wants `ticked`.
    package private(set) var nextDeadline: Instant = .distantFuture
    /// Per voter other than this one, the offset below which its log is durable, as its fetches said. Only a leader's.
    private var voterOffsets: OrderedMap<BrokerID, Offset> = OrderedMap()
    /// Waits for `stateWritten` of this epoch before the election goes on.
    private var electionPending = false
    /// Votes promised to others, sent once they are durable.
    private var votePending: BrokerID?
    private var random: PRNG

    /// `committed` is what the owner knows to be committed from before, such as the end of its latest snapshot.
    package init(config: QuorumConfig, state: QuorumState, log: LogEnd, committed: Offset = .zero, random: PRNG) {
        self.config = config
        self.state = state
        self.state.voters = config.voters
        self.log = log
        syncedOffset = log.offset
        highWatermark = committed
        self.random = random
        if let leader = state.leaderID, leader != config.nodeID {
            role = .follower(of: leader)
        } else if let voted = state.votedID, voted != config.nodeID {
            role = .voted(voted)
        }
    }

    package var leaderEpoch: LeaderEpoch { state.leaderEpoch }
    package var leaderID: BrokerID? { state.leaderID }
    package var isLeader: Bool { if case .leader = role { true } else { false } }
    /// Per voter, what its log is known to hold: for DescribeQuorum.
    package var voterLogEnds: [(voter: BrokerID, logEndOffset: Offset)] {
        config.voters.map { ($0, $0 == config.nodeID ? log.offset : voterOffsets[$0] ?? .none) }
    }
    private var majority: Int { config.voters.count / 2 + 1 }
    private var isVoter: Bool { config.voters.contains(config.nodeID) }

    package mutating func handle(_ event: QuorumEvent, now: Now) -> [QuorumEffect] {
        switch event {
        case .started: started(now)
        case .stateWritten(let written): stateWritten(written, now)
        case .proposed(let count): proposed(count)
        case .synced(let through): synced(through)
        case .ticked: ticked(now)
        case .received(let message, let from): received(message, from, now)
        }
    }

    // MARK: elections

    private mutating func started(_ now: Now) -> [QuorumEffect] {
        // Alone, there is nobody to wait for.
        if config.voters == [config.nodeID] { return startElection(now) }
        armElection(now, role == .unattached ? config.electionTimeoutMs : config.fetchTimeoutMs)
        return []
    }

    private mutating func ticked(_ now: Now) -> [QuorumEffect] {
        guard now.instant >= nextDeadline, !isLeader else { return [] }
        return startElection(now)
    }

    private mutating func startElection(_ now: Now) -> [QuorumEffect] {
        guard isVoter else { return [] }
        role = .candidate(granted: [])
        electionPending = true
        votePending = nil
        state = QuorumState(
            leaderID: nil, leaderEpoch: LeaderEpoch(state.leaderEpoch.rawValue + 1), votedID: config.nodeID, voters: config.voters)
        armElection(now, config.electionTimeoutMs)
        return [.writeState(state)]
    }

    private mutating func stateWritten(_ written: QuorumState, _ now: Now) -> [QuorumEffect] {
        guard written.leaderEpoch == state.leaderEpoch else { return [] }
        if let candidate = votePending, written.votedID == candidate {
            votePending = nil
            return [.send(.voteResponse(epoch: state.leaderEpoch, leader: nil, granted: true), to: candidate)]
        }
        guard electionPending, case .candidate = role else { return [] }
        electionPending = false
        role = .candidate(granted: [config.nodeID])
        if majority == 1 { return lead() }
        let request = QuorumMessage.voteRequest(epoch: state.leaderEpoch, candidate: config.nodeID, log: log)
        return others.map { .sendAfterSync(request, to: $0, through: log.offset) }
    }

    private var others: [BrokerID] { config.voters.filter { $0 != config.nodeID } }

    /// Opens the epoch: the leader-change record is what makes all before it committable.
    private mutating func lead() -> [QuorumEffect] {
        guard case .candidate(let granted) = role else { return [] }
        let start = log.offset
        role = .leader(epochStart: start)
        state.leaderID = config.nodeID
        state.votedID = nil
        voterOffsets = OrderedMap()
        for voter in others { voterOffsets[voter] = .zero }
        nextDeadline = .distantFuture
        let change = LeaderChange(leader: config.nodeID, voters: config.voters, grantingVoters: granted)
        log = LogEnd(lastEpoch: state.leaderEpoch, offset: start + 1)
        var effects: [QuorumEffect] = [
            .writeState(state), .becameLeader(epoch: state.leaderEpoch, epochStart: start),
            .appendLeaderChange(at: start, epoch: state.leaderEpoch, change), .sync(through: log.offset),
        ]
        effects += others.map { .send(.beginEpoch(epoch: state.leaderEpoch, leader: config.nodeID), to: $0) }
        return effects
    }

    private mutating func armElection(_ now: Now, _ timeoutMs: Int64) {
        nextDeadline = now.instant.adding(milliseconds: timeoutMs + Int64(random.below(Int(max(timeoutMs, 1)))))
    }

    // MARK: the log

    private mutating func proposed(_ count: Int) -> [QuorumEffect] {
        precondition(isLeader, "only a leader appends")
        guard count > 0 else { return [] }
        let base = log.offset
        log.offset = base + Int64(count)
        return [.append(at: base, epoch: state.leaderEpoch, count: count), .sync(through: log.offset)]
    }

    private mutating func synced(_ through: Offset) -> [QuorumEffect] {
        precondition(through <= log.offset, "synced more than was appended")
        guard through > syncedOffset else { return [] }
        syncedOffset = through
        return advance()
    }

    /// Moves the high watermark to what a majority holds, once that reaches into this leader's own epoch.
    private mutating func advance() -> [QuorumEffect] {
        guard case .leader(let epochStart) = role else { return [] }
        var held = others.map { voterOffsets[$0] ?? .zero }
        held.append(syncedOffset)
        held.sort(by: >)
        let candidate = held[majority - 1]
        guard candidate > epochStart, candidate > highWatermark else { return [] }
        highWatermark = candidate
        return [.commit(through: candidate)]
    }

    // MARK: messages

    private mutating func received(_ message: QuorumMessage, _ from: BrokerID, _ now: Now) -> [QuorumEffect] {
        guard config.voters.contains(from) else { return [] }
        switch message {
        case .voteRequest(let epoch, let candidate, let candidateLog): return voteAsked(epoch, candidate, candidateLog, now)
        case .voteResponse(let epoch, let leader, let granted): return voteAnswered(epoch, leader, granted, from, now)
        case .beginEpoch(let epoch, let leader): return leaderHeard(epoch, leader, now)
        case .endEpoch(let epoch, let leader):
            guard epoch == state.leaderEpoch, state.leaderID == leader, !isLeader else { return [] }
            nextDeadline = now.instant
            return []
        case .fetch(let epoch, let voterLog):
            guard isLeader, epoch == state.leaderEpoch, voterLog.offset <= log.offset else { return [] }
            voterOffsets[from] = voterLog.offset
            return advance()
        }
    }

    private mutating func voteAsked(_ epoch: LeaderEpoch, _ candidate: BrokerID, _ candidateLog: LogEnd, _ now: Now) -> [QuorumEffect] {
        var effects: [QuorumEffect] = []
        if epoch > state.leaderEpoch { effects += enter(epoch, leader: nil, now) }
        let free = state.votedID == nil && state.leaderID == nil
        let granted = epoch == state.leaderEpoch && candidateLog >= log && (free || state.votedID == candidate)
        guard granted else {
            return effects + [.send(.voteResponse(epoch: state.leaderEpoch, leader: state.leaderID, granted: false), to: candidate)]
        }
        state.votedID = candidate
        role = .voted(candidate)
        votePending = candidate
        armElection(now, config.electionTimeoutMs)
        // One write suffices for the new epoch and the vote in it.
        return effects.filter { if case .writeState = $0 { false } else { true } } + [.writeState(state)]
    }

    private mutating func voteAnswered(
        _ epoch: LeaderEpoch, _ leader: BrokerID?, _ granted: Bool, _ from: BrokerID, _ now: Now
    ) -> [QuorumEffect] {
        if epoch > state.leaderEpoch { return enter(epoch, leader: leader, now) }
        guard epoch == state.leaderEpoch, granted, case .candidate(let votes) = role, !votes.isEmpty, !votes.contains(from) else {
            return []
        }
        let all = (votes + [from]).sorted()
        role = .candidate(granted: all)
        return all.count >= majority ? lead() : []
    }

    private mutating func leaderHeard(_ epoch: LeaderEpoch, _ leader: BrokerID, _ now: Now) -> [QuorumEffect] {
        guard epoch > state.leaderEpoch || (epoch == state.leaderEpoch && state.leaderID == nil) else {
            if epoch == state.leaderEpoch, state.leaderID == leader, !isLeader { armElection(now, config.fetchTimeoutMs) }
            return []
        }
        return enter(epoch, leader: leader, now)
    }

    /// Takes up a newer epoch, or this epoch's leader.
    private mutating func enter(_ epoch: LeaderEpoch, leader: BrokerID?, _ now: Now) -> [QuorumEffect] {
        state = QuorumState(leaderID: leader, leaderEpoch: epoch, votedID: nil, voters: config.voters)
        electionPending = false
        votePending = nil
        voterOffsets = OrderedMap()
        role = leader.map { .follower(of: $0) } ?? .unattached
        armElection(now, leader == nil ? config.electionTimeoutMs : config.fetchTimeoutMs)
        return [.writeState(state), .becameFollower(epoch: epoch, leader: leader)]
    }
}
