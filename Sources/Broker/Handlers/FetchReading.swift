import Controller
import Primitives
import Replication
import Storage
import Wire

/// What one pass over a fetch's partitions found.
struct FetchOutcome {
    /// A class, because it is handed on some times on its way into the answer, and is large.
    final class Found {
        /// Among the fetch's items.
        let index: Int
        let topic: String
        let topicID: UUID
        var result = FetchResponse.Partition()
        var slice: LogSlice?
        /// There was nothing to read, and nothing held back.
        var isAtEnd = false

        init(_ index: Int, _ item: FetchItem) { (self.index, topic, topicID) = (index, item.topic, item.topicID) }
    }

    /// What the answer names: all partitions, in a session those with something new.
    var found: [Found] = []
    var bytes = 0
    /// Some partition has an error, or something else its fetcher should hear of now.
    var hasError = false
    /// Of partitions under a throttle.
    var throttledBytes = 0
    /// When the first partition is free again that a throttle held back.
    var throttledUntil = Instant.distantFuture
    /// As the items stand, wherever the reading began.
    var inOrder: [Found] {
        let isInOrder = found.indices.dropFirst().allSatisfy { found[$0 - 1].index < found[$0].index }
        return isInOrder ? found : found.sorted { $0.index < $1.index }
    }
    /// In a session: there is something to tell, be it only a high watermark.
    var hasNews: Bool { !found.isEmpty }
}

extension Broker {
    /// Reads every partition of a fetch, within its limits.
    mutating func readFetch(_ task: FetchTask) -> FetchOutcome {
        var outcome = FetchOutcome()
        if case .session(let id) = task.kind {
            if let session = replication.sessions[id] { readSession(session, task, &outcome) }
            return outcome
        }
        for (index, item) in task.named.enumerated() { outcome.found.append(read(item, index, task, &outcome)) }
        return outcome
    }

    /// Only what is news. A follower's partitions that nothing has happened to since there was no news are passed over: there may be
    /// thousands, and each record that is produced comes this way.
    private mutating func readSession(_ session: FetchSession, _ task: FetchTask, _ outcome: inout FetchOutcome) {
        let mayBeQuiet = task.follower != nil && replication.storageFailure == nil
        let count = session.items.count
        for step in 0..<count {
            let index = (session.first + step) % count
            let item = session.items.values[index]
            if mayBeQuiet, item.isQuiet { continue }
            let found = read(item, index, task, &outcome)
            if item.mustTell(found.result) {
                outcome.found.append(found)
            } else if mayBeQuiet, found.isAtEnd, let replica = find(item, task) {
                item.quiet = (replica, replica.version)
            }
        }
    }

    private mutating func read(_ item: FetchItem, _ index: Int, _ task: FetchTask, _ outcome: inout FetchOutcome) -> FetchOutcome.Found {
        let found = FetchOutcome.Found(index, item)
        found.result.partitionIndex = item.asked.partition
        found.result.records = .bytes(.empty)
        let replica = isAllowed(item, task) ? find(item, task) : nil
        found.result.errorCode = checkFetch(replica, item, task)
        // Null means "not asked for" and stands only where a log was read.
        if replica == nil { found.result.abortedTransactions = [] }
        if let replica, !found.result.errorCode.isError { read(replica, item, task, found, &outcome) }
        if found.result.errorCode.isError {
            outcome.hasError = true
            found.result.highWatermark = -1
            found.result.lastStableOffset = -1
            // A follower that is out of range begins anew from there.
            if task.follower == nil { found.result.logStartOffset = -1 }
            found.result.records = .bytes(.empty)
            if task.context.version >= 16 { found.result.currentLeader = currentLeader(replica, found.result.errorCode) }
        }
        return found
    }

    /// Who leads instead, for a client whose knowledge is old.
    private mutating func currentLeader(_ replica: Replica?, _ code: ErrorCode) -> FetchResponse.CurrentLeader {
        var leader = FetchResponse.CurrentLeader()
        guard let replica, code == .notLeaderOrFollower || code == .fencedLeaderEpoch,
            let partition = image.partition(replica.partition), let id = partition.leader
        else { return leader }
        leader.leaderID = id.rawValue
        leader.leaderEpoch = partition.leaderEpoch.rawValue
        return leader
    }

    /// Whether the fetcher may read this at all. Nodes of the cluster may read everything; a topic id that nobody knows is no secret.
    mutating func isAllowed(_ item: FetchItem, _ task: FetchTask) -> Bool {
        guard authorizer != nil else { return true }
        if task.follower != nil { return isAllowed(.clusterAction, task.context) }
        guard let name = task.context.version >= 13 ? image.topicName(item.topicID) : item.topic else { return true }
        return isAllowed(.read, .topic, name, task.context)
    }

    /// What keeps a fetcher from this partition. Consumers that can be told of other replicas (version 11) may read from followers.
    mutating func checkFetch(_ replica: Replica?, _ item: FetchItem, _ task: FetchTask) -> ErrorCode {
        if replica == nil, !isAllowed(item, task) { return .topicAuthorizationFailed }
        let unknown: ErrorCode? = task.context.version >= 13 ? .unknownTopicID : nil
        guard let replica else { return unknown ?? .unknownTopicOrPartition }
        if replication.storageFailure != nil { return .kafkaStorageError }
        if let follower = task.follower {
            let code = check(replica, item.asked.currentLeaderEpoch, unknown: unknown)
            if code.isError { return code }
            // One that is no replica, as far as is known here, or a fetch of an earlier life of the broker.
            let isReplica = replica.leads(follower)
            let isCurrent = task.followerEpoch < 0 || image.brokers[follower].map { $0.brokerEpoch <= task.followerEpoch } ?? true
            return isReplica && isCurrent ? .none : .notLeaderOrFollower
        }
        if case .follower = replica.role, task.context.version >= 11 {
            return Broker.check(replica.leaderEpoch, item.asked.currentLeaderEpoch)
        }
        return check(replica, item.asked.currentLeaderEpoch, unknown: unknown)
    }

    /// What keeps a client from this partition: not here, not led here, or a leader epoch that is not this one's (KIP-320).
    mutating func check(_ replica: Replica?, _ currentLeaderEpoch: Int32, unknown: ErrorCode? = nil) -> ErrorCode {
        guard let replica else { return unknown ?? .unknownTopicOrPartition }
        if replication.storageFailure != nil { return .kafkaStorageError }
        guard let epoch = replica.leadingEpoch else { return .notLeaderOrFollower }
        return Broker.check(epoch, currentLeaderEpoch)
    }

    private static func check(_ epoch: LeaderEpoch, _ currentLeaderEpoch: Int32) -> ErrorCode {
        guard currentLeaderEpoch >= 0 else { return .none }
        if currentLeaderEpoch < epoch.rawValue { return .fencedLeaderEpoch }
        return currentLeaderEpoch > epoch.rawValue ? .unknownLeaderEpoch : .none
    }

    private mutating func read(
        _ replica: Replica, _ item: FetchItem, _ task: FetchTask, _ found: FetchOutcome.Found, _ outcome: inout FetchOutcome
    ) {
        let stable = replica.lastStableOffset
        found.result.highWatermark = replica.highWatermark.rawValue
        found.result.lastStableOffset = stable.rawValue
        found.result.logStartOffset = replica.log.logStartOffset.rawValue
        if task.isCommitted { found.result.abortedTransactions = [] }
        if let diverging = Broker.divergence(replica, item) {
            found.result.divergingEpoch = diverging
            outcome.hasError = true
            return
        }
        let from = Offset(item.asked.fetchOffset)
        if let preferred = preferredReplica(replica, task, from) {
            found.result.preferredReadReplica = preferred.rawValue
            outcome.hasError = true
            return
        }
        do throws(LogError) {
            guard from >= replica.log.logStartOffset, from <= replica.log.logEndOffset else {
                throw .offsetOutOfRange(requested: from, logStart: replica.log.logStartOffset, logEnd: replica.log.logEndOffset)
            }
            let below = readableEnd(replica, task, stable)
            let limit = min(max(0, Int(item.asked.partitionMaxBytes)), max(0, task.maxBytes - outcome.bytes))
            let isFirst = outcome.bytes == 0
            found.isAtEnd = from == replica.log.logEndOffset
            guard from < below, isFirst || limit > 0 else { return }
            if let follower = task.follower, isServingThrottled(replica, to: follower) {
                outcome.throttledUntil = min(outcome.throttledUntil, replication.leaderThrottle.nextFree(now: now.instant))
                return
            }
            let slice = try replica.log.read(from: from, maxBytes: limit, below: below, minOneBatch: isFirst)
            guard !slice.isEmpty else { return }
            if let follower = task.follower { try distrust(slice, of: replica, from, follower) }
            if task.isCommitted { found.result.abortedTransactions = try Broker.aborted(replica, from, below) }
            found.result.records = .external(length: slice.length)
            found.slice = slice
            outcome.bytes += slice.length
            if task.follower != nil, isThrottledAsLeader(replica) { outcome.throttledBytes += slice.length }
        } catch {
            found.result.errorCode = ErrorCode(rawValue: error.kafkaCode)
            storageFailed(error, replica)
            if let code = rotten(error, replica, from) { found.result.errorCode = code }
        }
    }

    private mutating func readableEnd(_ replica: Replica, _ task: FetchTask, _ stable: Offset) -> Offset {
        if task.follower != nil || task.isDebugging || mutations.contains(.serveBeyondHighWatermark) { return replica.log.logEndOffset }
        return task.isCommitted && !mutations.contains(.ignoreLastStableOffset) ? stable : replica.highWatermark
    }

    private static func aborted(
        _ replica: Replica, _ from: Offset, _ below: Offset
    ) throws(LogError) -> [FetchResponse.AbortedTransaction] {
        try replica.log.abortedTransactions(from: from, below: below).map { transaction in
            var out = FetchResponse.AbortedTransaction()
            out.producerID = transaction.producerID
            out.firstOffset = transaction.firstOffset.rawValue
            return out
        }
    }

    /// Where the fetcher's log parts from ours, by the epoch of the last record it has (KIP-595); nil where it does not.
    static func divergence(_ replica: Replica, _ item: FetchItem) -> FetchResponse.EpochEndOffset? {
        let epoch = LeaderEpoch(item.asked.lastFetchedEpoch)
        guard let end = replica.divergence(lastFetchedEpoch: epoch, fetchOffset: Offset(item.asked.fetchOffset)) else { return nil }
        var diverging = FetchResponse.EpochEndOffset()
        diverging.epoch = end.epoch.rawValue
        diverging.endOffset = end.endOffset.rawValue
        return diverging
    }

    /// The replica a consumer had better read from: one of its own rack that has what it wants (KIP-392); nil: this one.
    private mutating func preferredReplica(_ replica: Replica, _ task: FetchTask, _ from: Offset) -> BrokerID? {
        guard task.follower == nil, !task.rackID.isEmpty, let leader = replica.leader, image.brokers[brokerID]?.rack != task.rackID,
            config.text("replica.selector.class")?.hasSuffix("RackAwareReplicaSelector") == true
        else { return nil }
        var best: (id: BrokerID, end: Offset)?
        for id in leader.replicas where id != brokerID {
            guard let broker = image.brokers[id], broker.isActive, broker.rack == task.rackID, let progress = leader.progress(of: id),
                progress.logEndOffset >= from, progress.logStartOffset <= from, progress.logEndOffset > best?.end ?? .none
            else { continue }
            best = (id, progress.logEndOffset)
        }
        return best?.id
    }
}
