import Primitives
import Records
import Wire

/// Taking over a partition of `__transaction_state` and giving it up: begin, feed the log's batches from its start in order, finish.
extension TransactionCoordinator {
    package struct LoadSummary: Equatable, Sendable {
        package var transactionalIDs = 0
        /// Transactions whose markers are asked for again.
        package var undecided = 0
        /// Records that could not be read.
        package var skipped = 0

        package init() {}
    }

    /// This broker leads the partition now, in this leader epoch. Until `finishLoad` its ids answer COORDINATOR_LOAD_IN_PROGRESS.
    package mutating func beginLoad(_ partition: Int32, coordinatorEpoch: Int32) {
        partitions[partition] = TransactionPartition(isLoading: true, coordinatorEpoch: coordinatorEpoch)
    }

    /// The same leader leads on in a newer epoch. Another may have led in between without this one hearing of it: what was refused
    /// meanwhile as an older epoch's is asked for anew.
    package mutating func leadsOn(_ partition: Int32, coordinatorEpoch: Int32, now: Now) -> [TransactionEffect] {
        guard let known = partitions[partition], known.coordinatorEpoch != coordinatorEpoch else { return [] }
        partitions.update(partition) { $0.coordinatorEpoch = coordinatorEpoch }
        // What is being loaded is asked for when that is done.
        guard !known.isLoading else { return [] }
        for (id, transaction) in known.transactions where transaction.state.isPrepared && transaction.pending == nil {
            for place in transaction.unmarked.keys { change(id) { $0.unmarked[place] = false } }
            sendMarkers(id, now)
        }
        return takeEffects()
    }

    /// Whole batches, back to back, as they stand in the log.
    package mutating func load(_ partition: Int32, batches: Bytes, codecs: Codecs) throws(BatchError) {
        var walk = BatchWalk(batches)
        while let batch = try walk.next() {
            guard !batch.header.isControl else { continue }
            let records = try batch.records(codecs)
            partitions.update(partition) { state in
                guard state.isLoading else { return }
                for record in records {
                    guard let key = record.key, let parsed = TransactionRecord.parse(key: key, value: record.value) else {
                        state.skipped += 1
                        continue
                    }
                    state.transactions[parsed.transactionalID] = parsed.transaction
                }
            }
        }
    }

    /// The partition is read to its end. What was decided is carried out, what is under way keeps its time.
    package mutating func finishLoad(_ partition: Int32, now: Now) -> (summary: LoadSummary, effects: [TransactionEffect]) {
        guard let loaded = partitions[partition], loaded.isLoading else { return (LoadSummary(), []) }
        var summary = LoadSummary()
        summary.skipped = loaded.skipped
        summary.transactionalIDs = loaded.transactions.count
        partitions.update(partition) { $0.isLoading = false }
        for (id, transaction) in loaded.transactions {
            if transaction.state == .ongoing { armTimeout(transaction, now) }
            guard transaction.state.isPrepared else { continue }
            summary.undecided += 1
            beginMarkers(id, now)
        }
        if nextExpirationCheck == nil { nextExpirationCheck = now.instant.adding(milliseconds: config.expirationCheckIntervalMs) }
        return (summary, takeEffects())
    }

    /// This broker no longer leads the partition: all that waits is told NOT_COORDINATOR, all that is known is forgotten.
    package mutating func unload(_ partition: Int32, now: Now) -> [TransactionEffect] {
        guard let lost = partitions.remove(partition) else { return [] }
        for (token, transition) in transitions.filter({ $0.value.partition == partition }) {
            transitions.remove(token)
            failed(transition, .notLeaderOrFollower, now)
        }
        for transaction in lost.transactions.values {
            for add in transaction.waiting { answer(add.answer, .notCoordinator) }
        }
        return takeEffects()
    }
}
