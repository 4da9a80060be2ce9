import Primitives
import Wire

/// The markers of a decided transaction: asked for until every partition has confirmed its own, then the transaction is complete.
extension TransactionCoordinator {
    /// The outcome is written down: now the partitions hear of it.
    mutating func beginMarkers(_ id: String, _ now: Now) {
        change(id) { $0.unmarked = $0.asked }
        sendMarkers(id, now)
    }

    /// Asks for the markers that are missing and not under way; where none is missing, completes the transaction.
    mutating func sendMarkers(_ id: String, _ now: Now) {
        guard let known = self[id], known.state.isPrepared, known.pending == nil,
            let coordinatorEpoch = partitions[partition(of: id)]?.coordinatorEpoch
        else { return }
        guard !known.unmarked.isEmpty else { return complete(known, now) }
        let places = known.unmarked.filter { !$0.value }.map(\.key)
        guard !places.isEmpty else { return }
        change(id) { transaction in
            for place in places { transaction.unmarked[place] = true }
        }
        let end = TransactionEnd(
            transactionalID: id, producerID: known.producerID, producerEpoch: known.producerEpoch,
            isCommit: known.state == .prepareCommit, coordinatorEpoch: coordinatorEpoch,
            transactionVersion: Int8(clamping: known.clientVersion))
        effects.append(.writeMarkers(end, places))
    }

    /// What some of the partitions said. `.unknownTopicOrPartition` from the broker's own knowledge means that the partition is gone for
    /// good, which the broker tells as `.none`: there is nothing left to end.
    package mutating func markersAnswered(
        _ end: TransactionEnd, _ answers: [(TopicPartition, ErrorCode)], now: Now
    ) -> [TransactionEffect] {
        let id = end.transactionalID
        guard let known = self[id], known.state.isPrepared, known.producerID == end.producerID, known.producerEpoch == end.producerEpoch
        else { return [] }
        var isRefused = false
        for (place, code) in answers where known.unmarked[place] != nil {
            switch code {
            case .none: change(id) { $0.unmarked.remove(place) }
            // A newer epoch of this same coordinator has asked since.
            case .transactionCoordinatorFenced where isOfOlderEpoch(end): continue
            case .invalidProducerEpoch, .transactionCoordinatorFenced:
                // Another coordinator has ended this transaction, and more since. It is that one's to complete.
                effects.append(.note("\(place) refuses the end of transaction \(id): \(code.name)"))
                change(id) { $0.unmarked[place] = true }
            default:
                isRefused = true
                change(id) { $0.unmarked[place] = false }
            }
        }
        if isRefused {
            if config.mutations.contains(.forgetMarkers) { return takeEffects() }
            change(id) { $0.refusals += 1 }
            let doubled = config.markerBackoffMs << min(Int64(known.refusals), 10)
            wake(id, .markers, now, afterMs: min(doubled, config.markerBackoffMsMax))
        } else {
            change(id) { $0.refusals = 0 }
            if let left = self[id], left.unmarked.isEmpty { complete(left, now) }
        }
        return takeEffects()
    }

    private func isOfOlderEpoch(_ end: TransactionEnd) -> Bool {
        guard let current = partitions[partition(of: end.transactionalID)]?.coordinatorEpoch else { return false }
        return end.coordinatorEpoch < current
    }

    private mutating func complete(_ known: Transaction, _ now: Now) {
        guard known.pending == nil else { return }
        var next = known.next(known.state == .prepareCommit ? .completeCommit : .completeAbort, now: now.wall)
        next.partitions = OrderedMap()
        next.unmarked = OrderedMap()
        next.refusals = 0
        if known.nextProducerID >= 0 {
            next.producerID = known.nextProducerID
            next.producerEpoch = 0
            next.nextProducerID = -1
        }
        write(next, then: .completed, now)
    }
}

extension Transaction {
    /// Every partition, none of them asked yet.
    fileprivate var asked: OrderedMap<TopicPartition, Bool> {
        var asked = OrderedMap<TopicPartition, Bool>()
        for place in partitions.keys { asked[place] = false }
        return asked
    }
}
