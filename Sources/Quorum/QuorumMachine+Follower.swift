import Primitives

/// Following: fetching the leader's log, cutting what diverges, learning what is committed, and doubting the leader.
extension QuorumMachine {
    mutating func follow(_ leader: BrokerID, _ now: Instant) {
        following = Following(leader: leader, fetchAt: now, givesUpAt: now.adding(milliseconds: config.fetchTimeoutMs))
        fetchIfDue(now)
    }

    /// A voter's fetch says that its log is durable: it waits until that is so.
    var mayFetch: Bool { log.isSynced || !config.isVoter }

    mutating func fetchIfDue(_ now: Instant) {
        guard let present = following, !present.isFetching, present.snapshot == nil, present.fetchAt <= now, mayFetch else { return }
        following?.isFetching = true
        // A leader that was doubted answers at once.
        let wait = present.hearsLeader ? config.fetchWaitMaxMs : 0
        let fetch = QuorumFetch(epoch: leaderEpoch, log: log.end, highWatermark: highWatermark, waitMs: wait)
        effects.append(.request(.fetch(fetch), to: present.leader))
    }

    /// An observer that knows no leader asks any voter.
    mutating func seek(_ now: Instant) {
        guard !config.isVoter, following == nil, !isSeeking, !config.voters.isEmpty else { return }
        isSeeking = true
        let fetch = QuorumFetch(epoch: leaderEpoch, log: log.end, highWatermark: highWatermark, waitMs: 0)
        effects.append(.request(.fetch(fetch), to: random.pick(config.voters)))
        waitsUntil = .distantFuture
    }

    mutating func fetchEnded(_ peer: BrokerID) {
        if following?.leader == peer { following?.isFetching = false }
        if following == nil { isSeeking = false }
    }

    mutating func fetchFailed(_ peer: BrokerID, _ failure: QuorumFailure, _ now: Instant) {
        let again = now.adding(milliseconds: config.retryBackoffMs)
        guard following != nil else {
            if !config.isVoter, leading == nil { waitsUntil = again }
            return
        }
        guard following?.leader == peer else { return }
        following?.fetchAt = again
        guard failure == .broken else { return }
        if config.isVoter { doubt(now) } else { look(now) }
    }

    /// The leader's process seems to be gone: after a moment, drawn so that not all stand at once, this voter asks the others. It goes on
    /// fetching meanwhile. Safe, because a pre-vote changes nothing, and voters that hear the leader refuse it.
    private mutating func doubt(_ now: Instant) {
        following?.hearsLeader = false
        guard let givesUpAt = following?.givesUpAt else { return }
        let moment = now.adding(milliseconds: 1 + drawn(config.electionTimeoutMs / 10))
        following?.givesUpAt = min(givesUpAt, moment)
    }

    /// An observer whose leader is silent asks the voters who leads.
    private mutating func look(_ now: Instant) {
        leaveRole()
        waitsUntil = now.adding(milliseconds: config.retryBackoffMs)
    }

    mutating func followerTicked(_ now: Instant) {
        if let present = following, present.givesUpAt <= now {
            if config.isVoter { return prospect(now) }
            return look(now)
        }
        fetchIfDue(now)
    }

    // MARK: answers

    mutating func fetchAnswered(_ answer: QuorumAnswer, _ fetch: QuorumFetch, _ from: BrokerID, _ now: Instant) {
        guard let present = following else { return sought(answer, now) }
        guard present.leader == from, fetch.epoch == leaderEpoch, fetch.log == log.end, answer.epoch == leaderEpoch,
            case .fetch(let fetched) = answer.content
        else { return fetchRefused(answer, from, now) }
        following?.hearsLeader = true
        following?.givesUpAt = now.adding(milliseconds: config.fetchTimeoutMs)
        following?.fetchAt = now
        switch fetched {
        case .records(let runs, let watermark):
            following?.toldHighWatermark = watermark
            guard !runs.isEmpty else {
                learn(watermark)
                return fetchIfDue(now)
            }
            guard runs.allSatisfy({ $0.count > 0 && $0.epoch <= leaderEpoch }), areAscending(runs) else {
                return contradict("the leader sent records of epochs that cannot follow this log", now)
            }
            effects.append(.appendFetched)
        case .diverging(let end): diverged(end, now)
        case .snapshot(let id): snapshotOffered(id, from, now)
        }
    }

    private func areAscending(_ runs: [EpochRun]) -> Bool {
        var last = log.lastEpoch
        for run in runs {
            if run.epoch < last { return false }
            last = run.epoch
        }
        return true
    }

    /// An observer without a leader was told who leads, or not.
    private mutating func sought(_ answer: QuorumAnswer, _ now: Instant) {
        guard !config.isVoter else { return }
        if answer.epoch == leaderEpoch, let leader = answer.leader, mayFollow(leader) {
            return enter(answer.epoch, leader: leader, now)
        }
        waitsUntil = now.adding(milliseconds: config.retryBackoffMs)
    }

    private mutating func fetchRefused(_ answer: QuorumAnswer, _ from: BrokerID, _ now: Instant) {
        guard following?.leader == from else { return }
        following?.fetchAt = now.adding(milliseconds: config.retryBackoffMs)
        // It led, and says it does no longer.
        if case .refused(.notLeader) = answer.content, answer.epoch == leaderEpoch {
            if config.isVoter { doubt(now) } else { look(now) }
        }
    }

    mutating func appended(_ runs: [EpochRun], _ now: Instant) {
        guard following != nil else { return }
        guard !runs.isEmpty else {
            following?.fetchAt = now.adding(milliseconds: max(config.retryBackoffMs, config.fetchWaitMaxMs))
            return
        }
        for run in runs { log.append(run.epoch, count: run.count) }
        effects.append(.sync(through: log.endOffset))
        learn(following?.toldHighWatermark ?? .zero)
        fetchIfDue(now)
    }

    /// What the leader says is committed is so here as far as this log reaches.
    private mutating func learn(_ watermark: Offset) {
        let reached = min(watermark, log.endOffset)
        guard reached > highWatermark else { return }
        highWatermark = reached
        effects.append(.commit(through: reached))
    }

    private mutating func diverged(_ end: LogEnd, _ now: Instant) {
        let own = log.end(ofEpoch: end.lastEpoch)
        let target = own.lastEpoch == end.lastEpoch ? min(own.offset, end.offset) : min(own.offset, log.endOffset)
        guard target >= highWatermark, target >= log.startOffset, target < log.endOffset else {
            return contradict("the leader's log parts from this one at \(end.offset), below what is committed", now)
        }
        log.truncate(to: target)
        effects.append(.truncate(to: target))
        fetchIfDue(now)
    }

    private mutating func contradict(_ what: String, _ now: Instant) {
        following?.fetchAt = now.adding(milliseconds: config.fetchTimeoutMs / 2)
        effects.append(.contradicted(what))
    }

    // MARK: snapshots

    private mutating func snapshotOffered(_ id: SnapshotID, _ leader: BrokerID, _ now: Instant) {
        guard id.endOffset > highWatermark, id.epoch <= leaderEpoch else {
            return contradict("the leader offers a snapshot that ends at \(id.endOffset), which is no news", now)
        }
        following?.snapshot = id
        effects.append(.fetchSnapshot(id, from: leader))
    }

    mutating func snapshotCame(_ id: SnapshotID, _ now: Instant) {
        guard following?.snapshot == id else { return }
        following?.snapshot = nil
        following?.fetchAt = now
        snapshot = id
        log.restart(at: id)
        highWatermark = max(highWatermark, id.endOffset)
        effects.append(.installSnapshot(id))
        fetchIfDue(now)
    }

    mutating func snapshotFailed(_ id: SnapshotID, _ now: Instant) {
        guard following?.snapshot == id else { return }
        following?.snapshot = nil
        following?.givesUpAt = now.adding(milliseconds: config.fetchTimeoutMs)
        following?.fetchAt = now.adding(milliseconds: config.retryBackoffMs)
    }
}
