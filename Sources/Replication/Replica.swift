import Primitives
import Records
import Storage

/// One partition as this broker holds it: its log and its role. Owner: the broker's thread.
///
/// Transitions, all caused by the metadata log: idle → leader (this broker is named leader), leader → leader (a newer leader epoch),
/// leader → follower (another is named), any → gone (the topic is deleted; the log answers `.closed` from then on).
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
    package private(set) var role: Role = .idle
    /// The log has been told of this leader's epoch.
    private var isEpochBegun = false
    /// The high watermark of a follower or of a leader to come, as it was checkpointed or learned.
    private var knownHighWatermark: Offset
    /// Why the disk refused the last append; nil once one has succeeded.
    package var storageFailure: String?
    /// Tickets of the requests that wait for this partition. Kept by the broker.
    package var waiters: [UInt64] = []
    /// A sync of the log is under way. Kept by the broker.
    package var isSyncing = false

    package init(partition: TopicPartition, topicID: UUID, log: PartitionLog, highWatermark: Offset) {
        self.partition = partition
        self.topicID = topicID
        self.log = log
        knownHighWatermark = min(max(highWatermark, log.logStartOffset), log.logEndOffset)
    }

    package var leader: LeaderState? {
        if case .leader(let state) = role { return state }
        return nil
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

    /// Takes up or keeps the leadership. The log's own record of epochs hears of it with the first append in the epoch, not before: a
    /// broker that starts again takes up thousands of partitions and writes to none of them.
    package func lead(
        as brokerID: BrokerID, leaderEpoch: LeaderEpoch, partitionEpoch: Int32, replicas: [BrokerID], inSyncReplicas: [BrokerID],
        inSyncReplicasMin: Int
    ) {
        if case .leader(var state) = role, state.leaderEpoch == leaderEpoch {
            _ = state.changed(replicas: replicas, inSyncReplicas: inSyncReplicas, partitionEpoch: partitionEpoch)
            _ = state.minimumChanged(inSyncReplicasMin)
            role = .leader(state)
            return
        }
        isEpochBegun = false
        role = .leader(
            LeaderState(
                brokerID: brokerID, leaderEpoch: leaderEpoch, partitionEpoch: partitionEpoch, replicas: replicas,
                inSyncReplicas: inSyncReplicas, inSyncReplicasMin: inSyncReplicasMin, logEndOffset: log.logEndOffset,
                highWatermark: knownHighWatermark))
    }

    package func follow(_ leader: BrokerID?, leaderEpoch: LeaderEpoch) {
        knownHighWatermark = highWatermark
        role = leader.map { .follower(of: $0, leaderEpoch: leaderEpoch) } ?? .idle
    }

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
        return (result, durableOnly ? false : advance(through: log.logEndOffset))
    }

    /// The log is durable through `offset`. Returns whether the high watermark moved.
    package func synced(through offset: Offset) -> Bool {
        guard case .leader(let state) = role, offset > state.logEndOffset else { return false }
        return advance(through: offset)
    }

    package func fetched(by follower: BrokerID, from offset: Offset, at now: Instant) -> Bool {
        guard case .leader(var state) = role else { return false }
        let moved = state.fetched(by: follower, from: offset, at: now)
        role = .leader(state)
        return moved
    }

    /// `min.insync.replicas` changed. Returns whether the high watermark moved.
    package func minimumChanged(_ inSyncReplicasMin: Int) -> Bool {
        guard case .leader(var state) = role else { return false }
        let moved = state.minimumChanged(inSyncReplicasMin)
        role = .leader(state)
        return moved
    }

    /// The log start moved (retention, DeleteRecords).
    package func logStartMoved() {
        knownHighWatermark = max(knownHighWatermark, log.logStartOffset)
        guard case .leader(var state) = role else { return }
        state.started(at: log.logStartOffset)
        role = .leader(state)
    }

    private func advance(through end: Offset) -> Bool {
        guard case .leader(var state) = role else { return false }
        role = .idle
        let moved = state.appended(through: end)
        role = .leader(state)
        return moved
    }
}
