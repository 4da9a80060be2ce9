import Primitives
import Records
import Storage

/// One partition as this broker holds it: its log and its role. Owner: the broker's thread.
///
/// Transitions, all caused by the metadata log: idle → leader (this broker is named leader), leader → leader (a newer leader epoch),
/// leader → follower (another is named), any → gone (the topic is deleted or the replica moved away; the log answers `.closed` from then
/// on).
package final class Replica {
    package enum Role: Equatable, Sendable {
        case leader(LeaderState)
        case follower(of: BrokerID, leaderEpoch: LeaderEpoch)
        /// No leader is known.
        case idle
    }

    package let partition: TopicPartition
    package let topicID: UUID
    package let log: PartitionLog
    package internal(set) var role: Role = .idle { didSet { version &+= 1 } }
    /// Grows with whatever a fetch could have news of: what was found at one version is still so while it is the same.
    package internal(set) var version: UInt64 = 0
    /// How often this broker has taken up the leadership from another role. While it is the same, what was appended is still in the log.
    package private(set) var leaderships = 0
    let mutations: Mutations
    /// The log has been told of this leader's epoch.
    private var isEpochBegun = false
    /// The high watermark of a follower or of a leader to come, as it was checkpointed or learned.
    var knownHighWatermark: Offset
    /// Why the disk refused the last append; nil once one has succeeded.
    package var storageFailure: String?
    /// Tickets of the requests that wait for this partition. Kept by the broker.
    package var waiters: [UInt64] = []
    /// From which offset each follower was last given records: one that asks for the same again could not use them. Kept by the broker.
    package var served = OrderedMap<BrokerID, Offset>()
    /// A sync of the log is under way. Kept by the broker.
    package var isSyncing = false

    package init(partition: TopicPartition, topicID: UUID, log: PartitionLog, highWatermark: Offset, mutations: Mutations = []) {
        self.partition = partition
        self.topicID = topicID
        self.log = log
        self.mutations = mutations
        knownHighWatermark = min(max(highWatermark, log.logStartOffset), log.logEndOffset)
    }

    package var leader: LeaderState? {
        if case .leader(let state) = role { return state }
        return nil
    }
    // What is asked of a leader with every request. Of `leader` itself a copy is made.
    package var leadingEpoch: LeaderEpoch? {
        if case .leader(let state) = role { return state.leaderEpoch }
        return nil
    }
    package func leads(_ replica: BrokerID) -> Bool {
        if case .leader(let state) = role { return state.replicas.contains(replica) }
        return false
    }
    package func progress(of follower: BrokerID) -> FollowerProgress? {
        if case .leader(let state) = role { return state.progress(of: follower) }
        return nil
    }
    /// False where this broker does not lead.
    package var isUnderMinISR: Bool {
        if case .leader(let state) = role { return state.isUnderMinISR }
        return false
    }
    package func follows(_ leader: BrokerID, leaderEpoch: LeaderEpoch) -> Bool {
        if case .follower(leader, leaderEpoch) = role { return true }
        return false
    }
    package var isLeader: Bool { if case .leader = role { true } else { false } }
    package var highWatermark: Offset {
        if case .leader(let state) = role { return state.highWatermark }
        return knownHighWatermark
    }
    package var lastStableOffset: Offset { log.lastStableOffset(highWatermark: highWatermark) }
    package var leaderEpoch: LeaderEpoch {
        switch role {
        case .leader(let state): state.leaderEpoch
        case .follower(_, let epoch): epoch
        case .idle: .none
        }
    }

    /// Changes the leader's state in place; nil where this broker does not lead.
    @discardableResult
    func changeLeader<R>(_ change: (inout LeaderState) -> R) -> R? {
        guard case .leader(var state) = role else { return nil }
        // One owner of the state's storage while it changes.
        role = .idle
        defer { role = .leader(state) }
        return change(&state)
    }

    // MARK: - Roles

    /// Takes up or keeps the leadership. The log's own record of epochs hears of it with the first append in the epoch, not before: a
    /// broker that starts again takes up thousands of partitions and writes to none of them. Returns whether the high watermark moved.
    @discardableResult
    package func lead(_ leadership: Leadership, now: Instant = .zero) -> Bool {
        let before = highWatermark
        if let same = changeLeader({ state -> Bool? in
            guard state.leaderEpoch == leadership.leaderEpoch else { return nil }
            return state.changed(leadership, now: now)
        }), let moved = same { return moved }
        let earlier = leader
        if earlier == nil { leaderships += 1 }
        if earlier == nil, mutations.contains(.dropProducerState) { log.forgetProducers() }
        isEpochBegun = false
        var state = LeaderState(
            brokerID: leadership.brokerID, leaderEpoch: leadership.leaderEpoch, partitionEpoch: leadership.partitionEpoch,
            replicas: leadership.replicas, inSyncReplicas: leadership.inSyncReplicas, inSyncReplicasMin: leadership.inSyncReplicasMin,
            logEndOffset: log.logEndOffset, highWatermark: before, countedEndOffset: leadership.durableOnly ? log.syncedOffset : nil,
            lagMaxMs: leadership.lagMaxMs, eligible: leadership.eligible, mutations: mutations, now: now)
        if let earlier { state.keepProgress(of: earlier, now: now) }
        role = .leader(state)
        return state.highWatermark > before
    }

    package func follow(_ leader: BrokerID?, leaderEpoch: LeaderEpoch) {
        knownHighWatermark = highWatermark
        role = leader.map { .follower(of: $0, leaderEpoch: leaderEpoch) } ?? .idle
    }

    // MARK: - What a leader does

    /// Appends what a client or a coordinator sent. `durableOnly`: the high watermark waits for the disk (`synced`).
    package func append(
        _ batches: Bytes, origin: AppendOrigin, now: Now, durableOnly: Bool = false
    ) throws(LogError) -> (result: AppendResult, highWatermarkMoved: Bool) {
        guard case .leader(let state) = role else { throw .closed }
        if !isEpochBegun {
            try log.beginLeaderEpoch(state.leaderEpoch)
            isEpochBegun = true
        }
        let result = try log.append(batches, leaderEpoch: state.leaderEpoch, now: now, origin: origin)
        storageFailure = nil
        let end = log.logEndOffset
        return (result, changeLeader { $0.appended(through: end, durableOnly: durableOnly, now: now.instant) } ?? false)
    }

    /// The log is durable through `offset`. Returns whether the high watermark moved.
    package func synced(through offset: Offset, now: Instant = .zero) -> Bool {
        changeLeader { $0.synced(through: offset, now: now) } ?? false
    }

    package func fetched(
        by follower: BrokerID, from offset: Offset, logStart: Offset = .none, brokerEpoch: Int64 = -1, at now: Instant
    ) -> Bool {
        changeLeader { $0.fetched(by: follower, from: offset, logStart: logStart, brokerEpoch: brokerEpoch, at: now) } ?? false
    }

    package func expansion(by follower: BrokerID) -> ISRChange? { changeLeader { $0.expansion(by: follower) } ?? nil }
    package func shrinking(now: Instant) -> ISRChange? { changeLeader { $0.shrinking(now: now) } ?? nil }
    package func concluded(_ change: ISRChange, _ verdict: ISRVerdict, now: Instant) -> Bool {
        changeLeader { $0.concluded(change, verdict, now: now) } ?? false
    }

    /// `min.insync.replicas` changed. Returns whether the high watermark moved.
    package func minimumChanged(_ inSyncReplicasMin: Int, now: Instant = .zero) -> Bool {
        changeLeader { $0.minimumChanged(inSyncReplicasMin, now: now) } ?? false
    }

    package func eligibilityChanged(_ eligible: OrderedMap<BrokerID, Int64>, lagMaxMs: Int64, now: Instant) -> Bool {
        changeLeader {
            $0.lagMaxMs = lagMaxMs
            return $0.eligibilityChanged(eligible, now: now)
        } ?? false
    }

    /// The log start moved (retention, DeleteRecords).
    package func logStartMoved() {
        knownHighWatermark = max(knownHighWatermark, log.logStartOffset)
        version &+= 1
        let start = log.logStartOffset
        changeLeader { $0.started(at: start) }
    }

    // MARK: - Where logs part

    /// The largest leader epoch not above `epoch`, and where it ends in this leader's log. Counts the leader's own epoch, which the log
    /// does not know before its first append.
    package func endOffset(forEpoch epoch: LeaderEpoch) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        guard case .leader(let state) = role, epoch.rawValue >= 0 else { return log.endOffset(forEpoch: epoch) }
        if epoch == state.leaderEpoch { return (epoch, log.logEndOffset) }
        let latest = log.latestLeaderEpoch ?? .none
        guard epoch > latest, epoch < state.leaderEpoch else { return log.endOffset(forEpoch: epoch) }
        return (latest == .none ? epoch : latest, state.epochStartOffset)
    }

    /// Where a fetcher's log parts from this one, by the epoch of the last record it has (KIP-595); nil where it does not.
    package func divergence(lastFetchedEpoch: LeaderEpoch, fetchOffset: Offset) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        guard lastFetchedEpoch.rawValue >= 0, let end = endOffset(forEpoch: lastFetchedEpoch) else { return nil }
        return end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset ? end : nil
    }
}

/// A partition's leadership as the metadata tells it, with the settings that matter to the leader.
package struct Leadership: Sendable {
    package var brokerID: BrokerID
    package var leaderEpoch: LeaderEpoch
    package var partitionEpoch: Int32
    package var replicas: [BrokerID]
    package var inSyncReplicas: [BrokerID]
    package var inSyncReplicasMin: Int
    package var lagMaxMs: Int64
    /// The brokers that may be in sync, with their broker epochs.
    package var eligible: OrderedMap<BrokerID, Int64>
    /// The log counts only as far as it is durable.
    package var durableOnly: Bool

    package init(
        brokerID: BrokerID, leaderEpoch: LeaderEpoch, partitionEpoch: Int32, replicas: [BrokerID], inSyncReplicas: [BrokerID],
        inSyncReplicasMin: Int = 1, lagMaxMs: Int64 = 30_000, eligible: OrderedMap<BrokerID, Int64> = OrderedMap(),
        durableOnly: Bool = false
    ) {
        self.brokerID = brokerID
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
        self.inSyncReplicasMin = inSyncReplicasMin
        self.lagMaxMs = lagMaxMs
        self.eligible = eligible
        self.durableOnly = durableOnly
    }
}
