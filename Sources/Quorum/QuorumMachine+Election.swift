import Primitives

/// Standing for election, and voting.
extension QuorumMachine {
    /// Asks whether it would be elected. A node that cannot reach the others, or whose log is behind, so disturbs nobody.
    mutating func prospect(_ now: Instant) {
        guard config.isVoter else { return }
        leaveRole()
        if config.majority == 1 { return stand(now) }
        let pause = config.electionTimeoutMs / 4
        ballot = Ballot(isPreVote: true, granted: [config.nodeID], triesAgainAt: now.adding(milliseconds: 1 + pause + drawn(pause)))
        askForVotes()
    }

    /// Begins a new epoch with a vote for itself, and asks for the others'.
    mutating func stand(_ now: Instant) {
        leaveRole()
        state = QuorumState(
            leaderID: nil, leaderEpoch: LeaderEpoch(leaderEpoch.rawValue + 1), votedID: config.nodeID, voters: config.voters)
        effects.append(.writeState(state))
        ballot = Ballot(
            isPreVote: false, granted: [config.nodeID],
            triesAgainAt: now.adding(milliseconds: config.electionTimeoutMs + drawn(config.electionTimeoutMs)))
        if config.majority == 1 { return lead(now) }
        askForVotes()
    }

    private mutating func askForVotes() {
        guard let ballot else { return }
        for voter in config.others {
            let request = QuorumRequest.vote(
                epoch: leaderEpoch, candidate: config.nodeID, log: log.end, isPreVote: ballot.isPreVote)
            effects.append(.request(request, to: voter))
        }
    }

    mutating func voteAsked(
        _ epoch: LeaderEpoch, _ candidate: BrokerID, _ candidateLog: LogEnd, _ isPreVote: Bool, _ ticket: QuorumTicket, _ now: Instant
    ) {
        guard epoch >= leaderEpoch else { return refuse(.fencedEpoch, ticket) }
        if epoch > leaderEpoch { enter(epoch, leader: nil, now) }
        let isCurrent = candidateLog >= log.end
        guard !isPreVote else {
            // Whoever hears the leader keeps it.
            let isGranted = isCurrent && leading == nil && following?.hearsLeader != true
            if isGranted { standBack(now) }
            return effects.append(.respond(answer(.vote(isGranted: isGranted)), to: ticket))
        }
        let isFree = state.votedID == nil && state.leaderID == nil
        let mayAgain = config.mutations.contains(.voteTwice) && leading == nil
        guard isCurrent, isFree || state.votedID == candidate || mayAgain else {
            return effects.append(.respond(answer(.vote(isGranted: false)), to: ticket))
        }
        if state.votedID != candidate {
            leaveRole()
            state.votedID = candidate
            // One write for the epoch and the vote in it.
            effects.removeAll { if case .writeState = $0 { true } else { false } }
            effects.append(.writeState(state))
        }
        waitsUntil = now.adding(milliseconds: config.electionTimeoutMs + drawn(config.electionTimeoutMs))
        effects.append(.respond(answer(.vote(isGranted: true)), to: ticket))
    }

    /// Another is about to stand: this one gives it the time.
    private mutating func standBack(_ now: Instant) {
        let later = now.adding(milliseconds: config.electionTimeoutMs / 4 + drawn(config.electionTimeoutMs / 4))
        if let due = following?.givesUpAt { following?.givesUpAt = max(due, later) }
        if let ballot, ballot.isPreVote { self.ballot?.triesAgainAt = max(ballot.triesAgainAt, later) }
        if waitsUntil != .distantFuture { waitsUntil = max(waitsUntil, later) }
    }

    mutating func voteAnswered(_ answer: QuorumAnswer, _ epoch: LeaderEpoch, _ isPreVote: Bool, _ from: BrokerID, _ now: Instant) {
        guard epoch == leaderEpoch, var ballot, ballot.isPreVote == isPreVote else { return }
        guard case .vote(isGranted: true) = answer.content else { return voteRefused(answer, from, now) }
        guard !ballot.granted.contains(from), config.voters.contains(from) else { return }
        ballot.granted = (ballot.granted + [from]).sorted()
        self.ballot = ballot
        guard ballot.granted.count >= config.majority else { return }
        if isPreVote { stand(now) } else { lead(now) }
    }

    private mutating func voteRefused(_ answer: QuorumAnswer, _ from: BrokerID, _ now: Instant) {
        if answer.epoch == leaderEpoch, let leader = answer.leader, leader != config.nodeID, mayFollow(leader) {
            // Another still hears it, or has elected it.
            return enter(leaderEpoch, leader: leader, now)
        }
        guard var ballot, !ballot.refused.contains(from) else { return }
        ballot.refused.append(from)
        if ballot.refused.count >= config.majority {
            let pause = min(config.electionBackoffMaxMs, config.electionTimeoutMs)
            ballot.triesAgainAt = now.adding(milliseconds: 1 + pause / 4 + drawn(pause))
        }
        self.ballot = ballot
    }

    /// Whether this voter can lead the present epoch, as far as this node knows.
    func mayFollow(_ leader: BrokerID) -> Bool {
        config.voters.contains(leader) && (state.leaderID == nil || state.leaderID == leader)
    }

    mutating func leaderAnnounced(_ epoch: LeaderEpoch, _ leader: BrokerID, _ ticket: QuorumTicket, _ now: Instant) {
        guard epoch >= leaderEpoch else { return refuse(.fencedEpoch, ticket) }
        if epoch > leaderEpoch || (leading == nil && following == nil && !hasResigned) {
            // Two leaders of one epoch cannot be; one that comes back after it was given up is followed again.
            guard epoch > leaderEpoch || mayFollow(leader) else { return refuse(.inconsistentVoters, ticket) }
            enter(epoch, leader: leader, now)
        } else if following?.leader == leader, following?.isFetching == false {
            following?.fetchAt = now
            fetchIfDue(now)
        }
        effects.append(.respond(answer(.acknowledged), to: ticket))
    }

    mutating func leaderEnded(
        _ epoch: LeaderEpoch, _ leader: BrokerID, _ successors: [BrokerID], _ ticket: QuorumTicket, _ now: Instant
    ) {
        guard epoch >= leaderEpoch else { return refuse(.fencedEpoch, ticket) }
        guard config.voters.contains(leader), leader != config.nodeID else { return refuse(.inconsistentVoters, ticket) }
        if epoch > leaderEpoch { enter(epoch, leader: nil, now) }
        if state.leaderID == nil || following?.leader == leader {
            leaveRole()
            state.leaderID = leader
            let rank = Int64(successors.firstIndex(of: config.nodeID) ?? successors.count)
            let wait = rank * config.electionTimeoutMs / 4 + drawn(rank > 0 ? config.electionTimeoutMs / 4 : 1)
            waitsUntil = now.adding(milliseconds: config.isVoter ? wait : config.retryBackoffMs)
        }
        effects.append(.respond(answer(.acknowledged), to: ticket))
    }
}
