import Controller
import Groups
import Primitives
import Records
import Replication
import Storage
import Wire

/// Where the broker calls the transaction coordinator: leadership of its topic's partitions, time.
extension Broker {
    /// When the coordinator is due next.
    var transactionsDeadline: Instant {
        transactions.loading.isEmpty ? transactions.coordinator?.nextDeadline ?? .distantFuture : .zero
    }

    mutating func transactionsTick() {
        if let (partition, offset) = transactions.loading.first.map({ ($0.key, $0.value) }) { loadTransactions(partition, from: offset) }
        let now = now
        if transactions.coordinator != nil { coordinateTransactions { $0.tick(now) } }
    }

    /// This broker now leads this partition of `__transaction_state`, or leads it on in a newer epoch. What fits in one read is loaded at
    /// once.
    mutating func transactionsBecameLeader(_ partition: Int32, leaderEpoch: LeaderEpoch, wasLeader: Bool) {
        guard let replica = replicas.find(transactionsTopic, partition) else { return }
        // Made before the topic was known, it may count other partitions than the topic turned out to have.
        let count = image.topic(transactionsTopic)?.partitions.count
        if let made = transactions.coordinator, made.isIdle, made.partitionCount != count.map(Int32.init) { transactions.coordinator = nil }
        let now = now
        coordinateTransactions { coordinator in
            if wasLeader { return coordinator.leadsOn(partition, coordinatorEpoch: leaderEpoch.rawValue, now: now) }
            coordinator.beginLoad(partition, coordinatorEpoch: leaderEpoch.rawValue)
            return []
        }
        if !wasLeader { loadTransactions(partition, from: replica.log.logStartOffset) }
    }

    mutating func transactionsResigned(_ partition: Int32) {
        transactions.loading.remove(partition)
        transactions.awaitingMending.remove(partition)
        transactions.uncommitted.remove(partition)
        let now = now
        coordinateTransactions { $0.unload(partition, now: now) }
    }

    /// Reads on in a partition's log. All that is in the log counts: as the leader we commit it, or lose the leadership and forget it.
    private mutating func loadTransactions(_ partition: Int32, from offset: Offset) {
        guard let replica = replicas.find(transactionsTopic, partition), replica.isLeader else {
            transactions.loading.remove(partition)
            return
        }
        do throws(LogError) {
            let next = try loadTransactionsPart(of: replica, partition, from: offset)
            if next < replica.log.logEndOffset { return transactions.loading[partition] = next }
        } catch {
            // To go on without what cannot be read would be to forget decided transactions: their partitions would wait for ever, or
            // another outcome could be decided. So the partition goes on answering that it is loading, until another broker leads it.
            note("cannot load \(replica.partition) from offset \(offset): \(error.message)")
            transactions.loading.remove(partition)
            if case .rotten = error {
                transactions.awaitingMending[partition] = offset
                noticeRot(replica)
            }
            return
        }
        transactions.loading.remove(partition)
        transactions.uncommitted[partition] = replica.log.logEndOffset
        finishCommittedLoads()
    }

    /// Finishes the loads of partitions whose logs are committed as far as they were read. The newest records of a log may still be lost
    /// with this broker, if another in-sync replica has not got them: whoever was told meanwhile that a partition is in a transaction would
    /// write to it, and the next coordinator would never end what it does not know of. Kafka's does not wait.
    mutating func finishCommittedLoads() {
        for (partition, end) in transactions.uncommitted {
            guard let replica = replicas.find(transactionsTopic, partition), replica.isLeader else {
                transactions.uncommitted.remove(partition)
                continue
            }
            guard replica.highWatermark >= end else { continue }
            transactions.uncommitted.remove(partition)
            finishLoad(partition)
        }
    }

    private mutating func finishLoad(_ partition: Int32) {
        let now = now
        var summary = TransactionCoordinator.LoadSummary()
        coordinateTransactions { coordinator in
            let (loaded, effects) = coordinator.finishLoad(partition, now: now)
            summary = loaded
            return effects
        }
        guard summary.transactionalIDs > 0 || summary.skipped > 0 else { return }
        let counts = "\(summary.transactionalIDs) transactional ids, \(summary.undecided) to be ended, \(summary.skipped) records skipped"
        note("loaded \(transactionsTopic)-\(partition): \(counts)")
    }

    /// Feeds one read to the coordinator. Returns the offset after it.
    private mutating func loadTransactionsPart(
        of replica: Replica, _ partition: Int32, from offset: Offset
    ) throws(LogError) -> Offset {
        let end = replica.log.logEndOffset
        guard offset < end else { return end }
        let slice = try replica.log.read(from: offset, maxBytes: Broker.groupLoadBytesMax, below: end, minOneBatch: true)
        let bytes = try replica.log.verified(slice)
        var next = offset
        do throws(BatchError) {
            for batch in try BatchWalk.all(in: bytes) { next = max(next, batch.header.nextOffset) }
            _ = transactionCoordinator
            try transactions.coordinator?.load(partition, batches: bytes, codecs: codecs)
        } catch {
            throw .batch(error)
        }
        // A read that yields nothing at all would be asked for for ever.
        return next == offset ? end : next
    }

    /// The rot that kept a partition from being loaded is mended.
    mutating func resumeLoadingTransactions(_ partition: TopicPartition) {
        guard partition.topic == transactionsTopic, let offset = transactions.awaitingMending.remove(partition.partition) else { return }
        transactions.loading[partition.partition] = offset
    }

    mutating func transactionsConnectionClosed(_ connection: ConnectionID) { transactions.forget(connection) }
}
