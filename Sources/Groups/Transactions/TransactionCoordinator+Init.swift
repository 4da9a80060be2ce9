import Primitives
import Wire

/// InitProducerId with a transactional id: whoever asks becomes the only producer of that id. What an earlier one has begun is
/// aborted first.
extension TransactionCoordinator {
    mutating func initProducerID(_ request: InitProducerIDRequest, _ caller: TransactionCaller, _ now: Now) {
        guard let id = request.transactionalID, !id.isEmpty else { return answerInit(caller, .invalidRequest) }
        guard request.transactionTimeoutMs > 0, Int64(request.transactionTimeoutMs) <= config.timeoutMsMax else {
            return answerInit(caller, .invalidTransactionTimeout)
        }
        if let error = unavailability(of: id) { return answerInit(caller, error) }
        guard let known = self[id] else { return introduce(id, request, caller, now) }
        guard known.pending == nil else { return answerInit(caller, .concurrentTransactions) }
        let expected = request.producerID >= 0 ? (id: request.producerID, epoch: request.producerEpoch) : nil
        if let expected, !known.isKnown(expected.id, expected.epoch) { return answerInit(caller, .producerFenced) }
        switch known.state {
        case .prepareCommit, .prepareAbort: answerInit(caller, .concurrentTransactions)
        case .ongoing: fence(known, then: .fencing(caller), now)
        case .empty, .completeCommit, .completeAbort: renew(known, request, expected?.epoch, caller, now)
        case .dead, .prepareEpochFence: answerInit(caller, .unknownServerError)
        }
    }

    /// An id nobody has used before.
    private mutating func introduce(_ id: String, _ request: InitProducerIDRequest, _ caller: TransactionCaller, _ now: Now) {
        guard (partitions[partition(of: id)]?.transactions.count ?? 0) < config.idsPerPartitionMax else {
            return answerInit(caller, .policyViolation)
        }
        guard let fresh = takeProducerID(for: .initProducerID(request), caller) else { return }
        let new = Transaction(id, producerID: fresh, timeoutMs: request.transactionTimeoutMs, now: now.wall)
        partitions.update(partition(of: id)) { $0.transactions[id] = new }
        var next = new.next(.empty, now: now.wall)
        next.producerEpoch = 0
        write(next, then: .initialised(caller), now)
    }

    /// The next epoch, or where the producer id has none left, a fresh id. A client that repeats the request with which it got its epoch
    /// gets the same one again.
    private mutating func renew(
        _ known: Transaction, _ request: InitProducerIDRequest, _ expectedEpoch: Int16?, _ caller: TransactionCaller, _ now: Now
    ) {
        var next = known.next(.empty, now: now.wall)
        if let expectedEpoch, expectedEpoch != known.producerEpoch {
            guard expectedEpoch == known.lastProducerEpoch else { return answerInit(caller, .producerFenced) }
        } else if known.isEpochExhausted {
            guard let fresh = takeProducerID(for: .initProducerID(request), caller) else { return }
            next.producerID = fresh
            next.producerEpoch = 0
            next.lastProducerEpoch = expectedEpoch == nil ? -1 : known.producerEpoch
        } else {
            next.producerEpoch = known.producerEpoch + 1
            next.lastProducerEpoch = expectedEpoch == nil ? -1 : known.producerEpoch
        }
        next.timeoutMs = request.transactionTimeoutMs
        next.start = .none
        next.nextProducerID = -1
        next.partitions = OrderedMap()
        write(next, then: .initialised(caller), now)
    }

    /// Aborts what is under way with a raised epoch, so that whoever began it can add nothing more.
    mutating func fence(_ known: Transaction, then cause: EndCause, _ now: Now) {
        var next = known.next(.prepareAbort, now: now.wall)
        next.producerEpoch = known.producerEpoch + 1
        next.lastProducerEpoch = -1
        write(next, then: .prepared(cause), now)
    }

    /// A transaction has been under way for longer than its producer said it would be.
    mutating func timeOut(_ id: String, _ now: Now) {
        guard let known = self[id], known.state == .ongoing else { return }
        guard known.pending == nil else { return wake(id, .timeout, now, afterMs: 100) }
        let left = known.timesOutAt.milliseconds - now.wall.milliseconds
        guard left <= 0 else { return }
        effects.append(.note("transaction \(id) of producer \(known.producerID) has timed out and is aborted"))
        fence(known, then: .timeout, now)
    }

    mutating func armTimeout(_ transaction: Transaction, _ now: Now) {
        wake(transaction.transactionalID, .timeout, now, afterMs: transaction.timesOutAt.milliseconds - now.wall.milliseconds)
    }

    mutating func answerInit(_ caller: TransactionCaller, _ code: ErrorCode, _ producerID: Int64 = -1, _ producerEpoch: Int16 = -1) {
        var response = InitProducerIDResponse()
        // PRODUCER_FENCED is newer than these versions.
        response.errorCode = code == .producerFenced && caller.apiVersion < 4 ? .invalidProducerEpoch : code
        response.producerID = producerID
        response.producerEpoch = producerEpoch
        effects.append(.respond(caller.token, .initProducerID(response)))
    }
}

extension Transaction {
    /// Whether a producer that says it has this id and epoch may be the one we know.
    func isKnown(_ id: Int64, _ epoch: Int16) -> Bool {
        producerEpoch == -1 || id == producerID || (id == previousProducerID && epoch >= Transaction.epochMax)
    }
}
