import Primitives
import Wire

/// EndTxn: the outcome is final when its record is committed, and answered then; the markers follow.
extension TransactionCoordinator {
    mutating func end(_ request: EndTxnRequest, _ caller: TransactionCaller, _ now: Now) {
        let id = request.transactionalID
        if id.isEmpty { return answerEnd(caller, .invalidRequest) }
        if let error = unavailability(of: id) { return answerEnd(caller, error) }
        guard let known = self[id] else { return answerEnd(caller, .invalidProducerIDMapping) }
        let raises = caller.apiVersion >= 5 && level >= 2
        // A client that missed the answer to its last end repeats it with the epoch, or the id, that it had then.
        let isRetry = raises && known.isRetry(request.producerID, request.producerEpoch)
        if !isRetry {
            if request.producerID != known.producerID { return answerEnd(caller, .invalidProducerIDMapping) }
            if known.pending != nil, raises { return answerEnd(caller, .concurrentTransactions) }
            if request.producerEpoch != known.producerEpoch { return answerEnd(caller, .producerFenced) }
        }
        if known.pending != nil { return answerEnd(caller, .concurrentTransactions) }
        let isCommit = request.committed
        switch known.state {
        case .ongoing: prepare(known, request, raises, caller, now)
        case .prepareCommit: answerEnd(caller, isCommit ? .concurrentTransactions : .invalidTxnState)
        case .prepareAbort: answerEnd(caller, isCommit ? .invalidTxnState : .concurrentTransactions)
        case .completeCommit, .completeAbort:
            let isSame = isCommit == (known.state == .completeCommit)
            if raises, !isRetry, !isCommit { return prepare(known, request, raises, caller, now) }
            guard isSame, !raises || isRetry else { return answerEnd(caller, .invalidTxnState) }
            answerEnd(caller, .none, known.producerID, known.producerEpoch)
        case .empty:
            if raises, !isCommit { return prepare(known, request, raises, caller, now) }
            answerEnd(caller, .invalidTxnState)
        case .dead, .prepareEpochFence: answerEnd(caller, .invalidTxnState)
        }
    }

    /// Writes the outcome down. Where epochs are raised with each transaction (KIP-890) this is where: the markers then carry the new one,
    /// and nothing the producer has sent before them can arrive after them.
    private mutating func prepare(
        _ known: Transaction, _ request: EndTxnRequest, _ raises: Bool, _ caller: TransactionCaller, _ now: Now
    ) {
        var next = known.next(request.committed ? .prepareCommit : .prepareAbort, now: now.wall)
        next.clientVersion = raises ? 2 : 0
        if known.state != .ongoing {
            // An abort with nothing begun: only the epoch is raised.
            next.start = now.wall
            next.partitions = OrderedMap()
        }
        if raises {
            if known.isEpochExhausted {
                guard let fresh = takeProducerID(for: .end(request), caller) else { return }
                next.nextProducerID = fresh
            }
            next.lastProducerEpoch = known.producerEpoch
            next.producerEpoch = known.producerEpoch + 1
        }
        write(next, then: .prepared(.request(caller)), now)
        if config.mutations.contains(.answerEndBeforePrepare) { answer(.request(caller), next) }
    }

    mutating func answer(_ cause: EndCause, _ ended: Transaction) {
        switch cause {
        case .request(let caller):
            if ended.nextProducerID >= 0 { return answerEnd(caller, .none, ended.nextProducerID, 0) }
            answerEnd(caller, .none, ended.producerID, ended.producerEpoch)
        // The producer that has come asks again until what was before it is over.
        case .fencing(let caller): answerInit(caller, .concurrentTransactions)
        case .timeout: break
        }
    }

    mutating func answerEnd(_ caller: TransactionCaller, _ code: ErrorCode, _ producerID: Int64 = -1, _ producerEpoch: Int16 = -1) {
        var response = EndTxnResponse()
        response.errorCode = code == .producerFenced && caller.apiVersion < 2 ? .invalidProducerEpoch : code
        response.producerID = producerID
        response.producerEpoch = producerEpoch
        effects.append(.respond(caller.token, .end(response)))
    }
}

extension Transaction {
    /// Whether this is the last end once more: by the epoch before the present one, or, where that was the last of its producer id, by the
    /// id before.
    func isRetry(_ id: Int64, _ epoch: Int16) -> Bool {
        guard raisesEpochs, state != .ongoing, state != .empty else { return false }
        if id == producerID { return epoch == producerEpoch - 1 }
        return id == previousProducerID && epoch == Transaction.epochMax && producerEpoch == 0
    }
}
