import Primitives

/// One node of the metadata quorum: Raft in the shape of KIP-595, with pre-votes (KIP-996), a leader that steps down where it hears no
/// majority, observers, and snapshots (KIP-630). Events in, effects out. It knows offsets and epochs; the records themselves stay with
/// its owner, the broker's metadata log, on the broker's thread.
///
/// Invariants:
/// 1. `highWatermark` <= what a majority of voters has durable, and never moves back.
/// 2. A leader commits nothing before its own leader-change record (Raft §5.4.2).
/// 3. A vote, and an epoch, is durable before it is acted on. Who leads an epoch is not: it can be asked for again.
/// 4. At most one of `leading`, `following` and `ballot` is set.
///
/// Transitions: unattached, follower → prospective (nothing heard in time, or the leader's connection broke); prospective → candidate (a
/// majority would vote); prospective → follower (another still hears the leader); candidate → leader (a majority voted); candidate →
/// prospective (lost, or no answer in time); leader → resigned (asked to, or no majority heard); resigned → prospective (some time later);
/// any → unattached (a newer epoch without a leader); any → follower (a newer epoch's leader).
package struct QuorumMachine: Sendable {
    package let config: QuorumConfig
    package internal(set) var state: QuorumState
    package internal(set) var log: QuorumLog
    package internal(set) var highWatermark: Offset
    /// The newest snapshot this node holds.
    package internal(set) var snapshot: SnapshotID?
    var leading: Leading?
    var following: Following?
    var ballot: Ballot?
    /// This node led the present epoch and gave up.
    var hasResigned = false
    /// When one without a leader stands for election, or an observer looks for the leader again.
    var waitsUntil: Instant = .distantFuture
    /// An unattached observer's fetch is under way.
    var isSeeking = false
    var random: PRNG
    var effects: [QuorumEffect] = []
    /// The leader last told in an effect.
    private var toldLeader: BrokerID?
    private var toldEpoch: LeaderEpoch

    /// `committed` is what the owner knows to be committed from before: the end of its latest snapshot.
    package init(
        config: QuorumConfig, state: QuorumState, log: QuorumLog, snapshot: SnapshotID? = nil, committed: Offset = .zero, random: PRNG
    ) {
        self.config = config
        // A log that knows a later epoch than the state, which was lost: no vote can be given in an epoch that is over.
        self.state = log.lastEpoch > state.leaderEpoch ? QuorumState(leaderEpoch: log.lastEpoch) : state
        self.state.voters = config.voters
        self.log = log
        self.snapshot = snapshot
        highWatermark = max(committed, snapshot?.endOffset ?? .zero)
        toldEpoch = self.state.leaderEpoch
        self.random = random
    }

    package var leaderEpoch: LeaderEpoch { state.leaderEpoch }
    /// Who leads, as far as this node knows; perhaps this node.
    /// Stored, as `isLeader` is: a getter would be called on a copy of all this, and both are asked for after every event of a broker.
    package private(set) var leaderID: BrokerID?
    package private(set) var isLeader = false
    /// The same while an event is handled.
    var presentLeader: BrokerID? { leads ? config.nodeID : following?.leader }
    var leads: Bool { if case .some = leading { true } else { false } }
    package var isVoter: Bool { config.isVoter }

    package var role: QuorumRole {
        if let leading { return .leader(epochStart: leading.epochStart) }
        if let following { return .follower(of: following.leader) }
        if let ballot { return ballot.isPreVote ? .prospective : .candidate }
        return hasResigned ? .resigned : .unattached
    }

    /// Whether this node leads and has committed the record that opened its epoch, and with it all that came before.
    package var isLeaderEstablished: Bool { leading.map { highWatermark > $0.epochStart } ?? false }

    package mutating func handle(_ event: QuorumEvent, now: Now) -> [QuorumEffect] {
        effects = []
        defer { (leaderID, isLeader) = (presentLeader, leads) }
        let instant = now.instant
        switch event {
        case .started: started(instant)
        case .ticked: ticked(instant)
        case .proposed(let count): proposed(count)
        case .synced(let through): synced(through, instant)
        case .appended(let runs): appended(runs, instant)
        case .requested(let request, let from, let ticket): requested(request, from, ticket, instant)
        case .answered(let answer, let request, let from): answered(answer, request, from, instant)
        case .failed(let request, let peer, let failure): failed(request, peer, failure, instant)
        case .snapshotMade(let id, let logStart): snapshotMade(id, logStart)
        case .snapshotPieceCame: following?.givesUpAt = instant.adding(milliseconds: config.fetchTimeoutMs)
        case .snapshotCame(let id): snapshotCame(id, instant)
        case .snapshotFailed(let id): snapshotFailed(id, instant)
        case .snapshotAsked(let replica, let epoch): if epoch == leaderEpoch { heard(replica, instant) }
        case .resigned: if leading != nil { resign(instant) }
        }
        tellLeader()
        defer { effects = [] }
        return effects
    }

    private mutating func tellLeader() {
        let leader = presentLeader
        guard toldLeader != leader || toldEpoch != leaderEpoch else { return }
        (toldLeader, toldEpoch) = (leader, leaderEpoch)
        effects.append(.leaderChanged(epoch: leaderEpoch, leader: leader))
    }

    // MARK: time

    /// When the machine next wants `ticked`.
    package var nextDeadline: Instant {
        // Mutating, though it changes nothing: it is asked for in every turn, and a copy of all this would be made to ask it.
        mutating get {
            var next = waitsUntil
            if let ballot { next = min(next, ballot.triesAgainAt) }
            if let following {
                next = min(next, following.givesUpAt)
                if !following.isFetching, following.snapshot == nil, mayFetch { next = min(next, following.fetchAt) }
            }
            guard leads else { return next }
            for waiting in leading?.waiting ?? [] { next = min(next, waiting.deadline) }
            if config.voters.count > 1 { next = min(next, min(leading?.announceAt ?? .distantFuture, majorityHeardUntil)) }
            return next
        }
    }

    private mutating func started(_ now: Instant) {
        // What was read back after a crash may not be on the disk yet.
        if !log.isSynced { effects.append(.sync(through: log.endOffset)) }
        if config.voters == [config.nodeID] { return stand(now) }
        if let leader = state.leaderID, leader != config.nodeID, config.voters.contains(leader) { return follow(leader, now) }
        hasResigned = state.leaderID == config.nodeID
        // The first voters start together. They stand one after the other, so that the first that finds the others is elected.
        let rank = Int64(config.voters.firstIndex(of: config.nodeID) ?? 0)
        let turn = rank * config.electionTimeoutMs / 10 + drawn(config.electionTimeoutMs / 20)
        waitsUntil = now.adding(milliseconds: config.isVoter ? turn : 0)
    }

    private mutating func ticked(_ now: Instant) {
        if leading != nil { return leaderTicked(now) }
        if following != nil { followerTicked(now) }
        if let ballot, ballot.triesAgainAt <= now { prospect(now) }
        if waitsUntil <= now {
            waitsUntil = .distantFuture
            if config.isVoter { prospect(now) } else { seek(now) }
        }
    }

    /// Milliseconds from 0 up to, not including, `bound`.
    mutating func drawn(_ bound: Int64) -> Int64 { Int64(random.below(Int(clamping: max(1, bound)))) }

    // MARK: roles

    /// Leaves the present role. What waits at a leader is refused, and what it proposed may be lost.
    mutating func leaveRole() {
        if let leading {
            self.leading = nil
            for waiting in leading.waiting { refuse(.notLeader, waiting.ticket) }
            effects.append(.resigned(epoch: leaderEpoch))
        }
        following = nil
        ballot = nil
        hasResigned = false
        isSeeking = false
        waitsUntil = .distantFuture
    }

    /// Takes up a newer epoch, or this epoch's leader.
    mutating func enter(_ epoch: LeaderEpoch, leader: BrokerID?, _ now: Instant) {
        precondition(epoch >= leaderEpoch, "an epoch never comes back")
        leaveRole()
        // Nobody else can say that this node leads.
        let leader = leader == config.nodeID ? nil : leader
        let isNewer = epoch > leaderEpoch
        state = QuorumState(
            leaderID: leader, leaderEpoch: epoch, votedID: isNewer || leader != nil ? nil : state.votedID, voters: config.voters)
        if isNewer { effects.append(.writeState(state)) }
        if let leader { return follow(leader, now) }
        waitsUntil = now.adding(
            milliseconds: config.isVoter ? config.electionTimeoutMs + drawn(config.electionTimeoutMs) : config.retryBackoffMs)
    }

    func answer(_ content: QuorumAnswer.Content) -> QuorumAnswer { QuorumAnswer(epoch: leaderEpoch, leader: presentLeader, content) }

    mutating func refuse(_ refusal: QuorumRefusal, _ ticket: QuorumTicket) {
        effects.append(.respond(answer(.refused(refusal)), to: ticket))
    }

    // MARK: messages

    /// No quorum lives to see later epochs; a peer that names one would leave no room for another.
    static let epochMax = LeaderEpoch(Int32.max - 1_000_000)

    private mutating func requested(_ request: QuorumRequest, _ from: BrokerID?, _ ticket: QuorumTicket, _ now: Instant) {
        guard request.epoch <= Self.epochMax else { return refuse(.inconsistentVoters, ticket) }
        switch request {
        case .vote(let epoch, let candidate, let log, let isPreVote):
            guard config.isVoter, config.voters.contains(candidate), candidate != config.nodeID else {
                return refuse(.inconsistentVoters, ticket)
            }
            voteAsked(epoch, candidate, log, isPreVote, ticket, now)
        case .beginEpoch(let epoch, let leader):
            guard config.voters.contains(leader), leader != config.nodeID else { return refuse(.inconsistentVoters, ticket) }
            leaderAnnounced(epoch, leader, ticket, now)
        case .endEpoch(let epoch, let leader, let successors): leaderEnded(epoch, leader, successors, ticket, now)
        case .fetch(let fetch): fetchAsked(fetch, from, ticket, now)
        }
    }

    private mutating func answered(_ answer: QuorumAnswer, _ request: QuorumRequest, _ from: BrokerID, _ now: Instant) {
        let isFetch = if case .fetch = request { true } else { false }
        if isFetch { fetchEnded(from) }
        guard answer.epoch <= Self.epochMax else { return effects.append(.contradicted("node \(from) names epoch \(answer.epoch)")) }
        if answer.epoch > leaderEpoch {
            return enter(answer.epoch, leader: answer.leader.flatMap { config.voters.contains($0) ? $0 : nil }, now)
        }
        switch request {
        case .vote(let epoch, _, _, let isPreVote): voteAnswered(answer, epoch, isPreVote, from, now)
        case .fetch(let fetch): fetchAnswered(answer, fetch, from, now)
        case .beginEpoch, .endEpoch: break
        }
    }

    private mutating func failed(_ request: QuorumRequest, _ peer: BrokerID, _ failure: QuorumFailure, _ now: Instant) {
        guard case .fetch = request else { return }
        fetchEnded(peer)
        fetchFailed(peer, failure, now)
    }
}
