import Primitives

/// Leading: the log's next epoch, what the replicas hold of it, and what is committed.
extension QuorumMachine {
    /// How many observers a leader remembers, and for how long it is silent about one that was not heard of.
    static let observersMax = 1024
    static let observerSessionMs: Int64 = 300_000

    /// Opens the epoch: the leader-change record is what makes all before it committable.
    mutating func lead(_ now: Instant) {
        let granted = ballot?.granted ?? [config.nodeID]
        leaveRole()
        state.leaderID = config.nodeID
        let start = log.endOffset
        var leading = Leading(epochStart: start, announceAt: now.adding(milliseconds: config.fetchTimeoutMs / 2))
        for voter in config.others { leading.voters[voter] = ReplicaProgress(lastFetch: now) }
        self.leading = leading
        log.append(leaderEpoch, count: 1)
        let change = LeaderChange(leader: config.nodeID, voters: config.voters, grantingVoters: granted)
        effects.append(.becameLeader(epoch: leaderEpoch, epochStart: start))
        effects.append(.appendLeaderChange(at: start, epoch: leaderEpoch, change))
        for voter in config.others { effects.append(.request(.beginEpoch(epoch: leaderEpoch, leader: config.nodeID), to: voter)) }
        effects.append(.sync(through: log.endOffset))
    }

    mutating func proposed(_ count: Int) {
        precondition(leads, "only a leader appends")
        guard count > 0 else { return }
        log.append(leaderEpoch, count: Int64(count))
        effects.append(.sync(through: log.endOffset))
        answerWaiting()
    }

    mutating func synced(_ through: Offset, _ now: Instant) {
        // A sync that was begun before the log was cut may tell of more than there is.
        log.synced(through: min(through, log.endOffset))
        if leading != nil { return advance() }
        fetchIfDue(now)
    }

    /// Moves the high watermark to what a majority holds, once that reaches into this leader's own epoch.
    private mutating func advance() {
        guard let leading else { return }
        var held = leading.voters.values.map(\.logEndOffset)
        held.append(log.syncedOffset)
        held.sort(by: >)
        let candidate = held[config.majority - 1]
        let isOwn = candidate > leading.epochStart || config.mutations.contains(.commitOldEpochByCount)
        guard isOwn, candidate > highWatermark else { return }
        highWatermark = candidate
        effects.append(.commit(through: candidate))
        answerWaiting()
    }

    // MARK: replicas

    mutating func fetchAsked(_ fetch: QuorumFetch, _ from: BrokerID?, _ ticket: QuorumTicket, _ now: Instant) {
        guard leading != nil else { return refuse(fetch.epoch < leaderEpoch ? .fencedEpoch : .notLeader, ticket) }
        if fetch.epoch > leaderEpoch { return refuse(.unknownEpoch, ticket) }
        // An observer that looks for the leader knows no epoch yet.
        if fetch.epoch < leaderEpoch { return refuse(.fencedEpoch, ticket) }
        if let refusal = mismatch(of: fetch.log) {
            if let from { heard(from, now) }
            return effects.append(.respond(answer(.fetch(refusal)), to: ticket))
        }
        if let from {
            supersede(from)
            note(from, fetch, now)
        }
        leading?.waiting.append(
            WaitingFetch(
                replica: from, fetch: fetch, ticket: ticket,
                deadline: now.adding(milliseconds: max(0, min(fetch.waitMs, config.fetchWaitMaxMs)))))
        // What this fetch acknowledges may itself be what is told.
        advance()
        answerWaiting(now)
    }

    /// Why the replica's log cannot simply be continued (KIP-595, KIP-630); nil where it can.
    private func mismatch(of replica: LogEnd) -> QuorumFetched? {
        if replica.offset < log.startOffset || replica.lastEpoch < log.startEpoch
            || (replica.offset == log.startOffset && replica.lastEpoch != log.startEpoch) {
            // Only of a log without a start can nothing at all be continued.
            if log.startOffset > .zero, let snapshot { return .snapshot(snapshot) }
        }
        if replica.offset == .zero, log.startOffset == .zero { return nil }
        let end = log.end(ofEpoch: replica.lastEpoch)
        return end.lastEpoch != replica.lastEpoch || end.offset < replica.offset ? .diverging(end) : nil
    }

    /// A replica that asks again has given its earlier request up.
    private mutating func supersede(_ replica: BrokerID) {
        guard let index = leading?.waiting.firstIndex(where: { $0.replica == replica }), let old = leading?.waiting.remove(at: index)
        else { return }
        effects.append(.respond(answer(.fetch(.records(runs: [], highWatermark: highWatermark))), to: old.ticket))
    }

    mutating func heard(_ replica: BrokerID, _ now: Instant) {
        if leading?.voters[replica] != nil { leading?.voters.update(replica) { $0.lastFetch = now } }
    }

    private mutating func note(_ replica: BrokerID, _ fetch: QuorumFetch, _ now: Instant) {
        let end = log.endOffset
        let change: (inout ReplicaProgress) -> Void = { progress in
            if fetch.log.offset >= end {
                progress.lastCaughtUp = now
            } else if progress.leaderEndAtFetch != .none, fetch.log.offset >= progress.leaderEndAtFetch {
                progress.lastCaughtUp = progress.lastFetch
            }
            progress.lastFetch = now
            progress.leaderEndAtFetch = end
            progress.logEndOffset = fetch.log.offset
            progress.highWatermark = fetch.highWatermark
        }
        if leading?.voters[replica] != nil {
            leading?.voters.update(replica, change)
        } else if let count = leading?.observers.count, count < Self.observersMax || leading?.observers[replica] != nil {
            change(&leading!.observers[replica, default: ReplicaProgress()])
        }
    }

    /// Answers the fetches that have something to be told: records, or a higher watermark; and those whose time is up.
    private mutating func answerWaiting(_ now: Instant? = nil) {
        guard let waiting = leading?.waiting, !waiting.isEmpty else { return }
        var kept: [WaitingFetch] = []
        let watermark = highWatermark
        for one in waiting {
            let hasRecords = one.fetch.log.offset < log.endOffset
            let isUp = now.map { one.deadline <= $0 } ?? false
            guard hasRecords || one.fetch.highWatermark < highWatermark || isUp else {
                kept.append(one)
                continue
            }
            let content = answer(.fetch(.records(runs: [], highWatermark: highWatermark)))
            if let replica = one.replica { leading?.voters.update(replica) { $0.highWatermark = watermark } }
            effects.append(
                hasRecords ? .respondRecords(content, from: one.fetch.log.offset, to: one.ticket) : .respond(content, to: one.ticket))
        }
        leading?.waiting = kept
    }

    // MARK: time

    mutating func leaderTicked(_ now: Instant) {
        answerWaiting(now)
        if majorityHeardUntil <= now { return resign(now) }
        guard let leading, leading.announceAt <= now else { return }
        let silentSince = now.adding(milliseconds: -config.fetchTimeoutMs / 2)
        for (voter, progress) in leading.voters where progress.logEndOffset == .none || progress.lastFetch ?? .zero <= silentSince {
            effects.append(.request(.beginEpoch(epoch: leaderEpoch, leader: config.nodeID), to: voter))
        }
        self.leading?.announceAt = now.adding(milliseconds: max(1, config.fetchTimeoutMs / 2))
        self.leading?.observers.removeAll { _, progress in
            (progress.lastFetch ?? .zero).adding(milliseconds: Self.observerSessionMs) <= now
        }
    }

    /// Until when this leader may go on leading with what it has heard: a majority's fetches, none older than this allows.
    var majorityHeardUntil: Instant {
        guard config.majority > 1, let voters = leading?.voters.values else { return .distantFuture }
        // The latest moment since which as many others as make a majority with this one have fetched. Voters are few.
        var heard = Instant.zero
        for voter in voters {
            let fetched = voter.lastFetch ?? .zero
            guard fetched > heard else { continue }
            var since = 0
            for other in voters where other.lastFetch ?? .zero >= fetched { since += 1 }
            if since >= config.majority - 1 { heard = fetched }
        }
        return heard.adding(milliseconds: config.fetchTimeoutMs + config.fetchTimeoutMs / 2)
    }

    /// Steps down: the others may elect at once, this one waits a while.
    mutating func resign(_ now: Instant) {
        guard let leading else { return }
        let successors = leading.voters.sorted { a, b in
            a.value.logEndOffset == b.value.logEndOffset ? a.key < b.key : a.value.logEndOffset > b.value.logEndOffset
        }.map(\.key)
        leaveRole()
        hasResigned = true
        for voter in config.others {
            let request = QuorumRequest.endEpoch(epoch: leaderEpoch, leader: config.nodeID, successors: successors)
            effects.append(.request(request, to: voter))
        }
        waitsUntil = now.adding(milliseconds: config.electionTimeoutMs + drawn(config.electionTimeoutMs))
    }

    /// Every replica this leader knows, itself left out: for DescribeQuorum.
    package var replicas: (voters: OrderedMap<BrokerID, ReplicaProgress>, observers: OrderedMap<BrokerID, ReplicaProgress>) {
        (leading?.voters ?? OrderedMap(), leading?.observers ?? OrderedMap())
    }

    // MARK: snapshots

    mutating func snapshotMade(_ id: SnapshotID, _ logStart: Offset) {
        precondition(id.endOffset <= highWatermark, "only what is committed goes into a snapshot")
        snapshot = id
        log.dropPrefix(before: logStart)
    }
}
