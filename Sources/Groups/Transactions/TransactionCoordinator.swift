import Primitives
import Wire

/// The transaction coordinator of one broker: the transactional ids whose partition of `__transaction_state` it leads (KIP-98, KIP-890).
///
/// Owned by the broker's core. Requests, timers, completed appends and the partitions' word on markers go in; answers, appends and requests
/// for markers come out as `TransactionEffect`s. A state counts, for clients and for what is decided next, once its record is committed,
/// and `load` makes the same transactions from the same records.
///
/// Invariants:
/// 1. Each `TransactionToken` is answered once, at the latest by `unload`.
/// 2. A transactional id has at most one record on its way; while it has, nothing else is decided about it.
/// 3. Once the record of `prepareCommit` or `prepareAbort` is committed, that outcome is final: markers are asked for until every partition
///    has confirmed its own, by this coordinator or the next.
/// 4. Epochs of a producer id never fall; an id that has no epoch left is followed by a fresh one.
package struct TransactionCoordinator {
    package let config: TransactionConfig
    /// `transaction.state.log.num.partitions`; fixed for the life of a cluster.
    package let partitionCount: Int32
    /// The finalized level of `transaction.version`.
    package var level: Int16 = 2

    var partitions = OrderedMap<Int32, TransactionPartition>()
    var timers = Heap<TransactionTimer>()
    var transitions = OrderedMap<AppendToken, Transition>()
    /// Requests of brokers for several transactions, of which some are not answered yet.
    var batches = OrderedMap<TransactionToken, AddBatch>()
    /// Requests that wait for a producer id, and ids that wait for a request.
    var awaitingProducerID: [(request: TransactionRequest, caller: TransactionCaller)] = []
    var spareProducerIDs: [Int64] = []
    var nextAppend: UInt64 = 1
    var nextExpirationCheck: Instant?
    var effects: [TransactionEffect] = []

    package init(config: TransactionConfig, partitionCount: Int32 = 50) {
        precondition(partitionCount > 0, "a coordinator needs partitions")
        self.config = config
        self.partitionCount = partitionCount
    }

    /// The partition of `__transaction_state` that holds this id.
    package func partition(of transactionalID: String) -> Int32 { coordinatorPartition(transactionalID, of: partitionCount) }

    /// Why this broker cannot speak for the id now: NOT_COORDINATOR, or COORDINATOR_LOAD_IN_PROGRESS.
    package func unavailability(of transactionalID: String) -> ErrorCode? {
        guard let partition = partitions[partition(of: transactionalID)] else { return .notCoordinator }
        return partition.isLoading ? .coordinatorLoadInProgress : nil
    }

    package var isIdle: Bool { partitions.isEmpty }

    /// When `tick` is due next.
    package var nextDeadline: Instant { min(timers.first?.deadline ?? .distantFuture, nextExpirationCheck ?? .distantFuture) }

    // MARK: events

    package mutating func handle(_ request: TransactionRequest, from caller: TransactionCaller, now: Now) -> [TransactionEffect] {
        dispatch(request, caller, now)
        return takeEffects()
    }

    private mutating func dispatch(_ request: TransactionRequest, _ caller: TransactionCaller, _ now: Now) {
        switch request {
        case .initProducerID(let request): initProducerID(request, caller, now)
        case .addPartitions(let request, let refused): addPartitions(request, refused, caller, now)
        case .addOffsets(let request, let place): addOffsets(request, place, caller, now)
        case .end(let request): end(request, caller, now)
        }
    }

    /// An id asked for by `.reserveProducerID`, or nil where there was none to be had: who waits for one is told to come again.
    package mutating func producerIDReserved(_ id: Int64?, now: Now) -> [TransactionEffect] {
        let waiting = awaitingProducerID
        awaitingProducerID = []
        if let id { spareProducerIDs.append(id) }
        for (request, caller) in waiting {
            if id != nil { dispatch(request, caller, now) } else { refuse(request, caller, .coordinatorLoadInProgress) }
        }
        return takeEffects()
    }

    /// A producer id; nil where the request has been set aside until there is one.
    mutating func takeProducerID(for request: TransactionRequest, _ caller: TransactionCaller) -> Int64? {
        if !spareProducerIDs.isEmpty { return spareProducerIDs.removeFirst() }
        if awaitingProducerID.isEmpty { effects.append(.reserveProducerID) }
        awaitingProducerID.append((request, caller))
        return nil
    }

    private mutating func refuse(_ request: TransactionRequest, _ caller: TransactionCaller, _ code: ErrorCode) {
        switch request {
        case .initProducerID: answerInit(caller, code)
        case .end: answerEnd(caller, code)
        case .addPartitions, .addOffsets: break
        }
    }

    // MARK: what is written down

    /// Sends `next` on its way to the log. The transaction takes it over when it is committed.
    mutating func write(_ next: Transaction, then continuation: TransitionContinuation, _ now: Now) {
        let id = next.transactionalID
        let index = partition(of: id)
        let token = AppendToken(nextAppend)
        nextAppend += 1
        partitions.update(index) { partition in _ = partition.transactions.update(id) { $0.pending = next.state } }
        transitions[token] = Transition(partition: index, next: next, continuation: continuation)
        let value = next.state == .dead ? nil : TransactionRecord.value(next, level: level)
        effects.append(.append(partition: index, key: TransactionRecord.key(id), value: value, token: token))
    }

    /// An append asked for by `.append` is committed, or failed with `error`. Tokens of a partition that has been unloaded since are
    /// ignored.
    package mutating func appendCompleted(_ token: AppendToken, error: ErrorCode = .none, now: Now) -> [TransactionEffect] {
        guard let transition = transitions.remove(token) else { return [] }
        let id = transition.next.transactionalID
        var waiting: [WaitingAdd] = []
        partitions.update(transition.partition) { partition in
            _ = partition.transactions.update(id) { transaction in
                waiting = transaction.waiting
                transaction.waiting = []
                transaction.pending = nil
                if error == .none { transaction.take(transition.next) }
            }
        }
        if error == .none { committed(transition, now) } else { failed(transition, error, now) }
        for add in waiting { addPartitions(add, to: id, now) }
        return takeEffects()
    }

    private mutating func committed(_ transition: Transition, _ now: Now) {
        let next = transition.next
        switch transition.continuation {
        case .initialised(let caller):
            answerInit(caller, .none, next.producerID, next.producerEpoch)
        case .added(let answer):
            if next.state == .ongoing { armTimeout(next, now) }
            self.answer(answer, .none)
        case .prepared(let cause):
            if !config.mutations.contains(.answerEndBeforePrepare) { answer(cause, next) }
            beginMarkers(next.transactionalID, now)
        case .completed: break
        case .expired: forget(next.transactionalID)
        }
    }

    mutating func failed(_ transition: Transition, _ error: ErrorCode, _ now: Now) {
        let id = transition.next.transactionalID
        let code = transactionAppendError(error)
        switch transition.continuation {
        case .initialised(let caller):
            // Nobody has heard of an id that was never written down.
            if self[id]?.producerEpoch == -1 { forget(id) }
            answerInit(caller, code)
        case .added(let answer): self.answer(answer, code)
        case .prepared(.request(let caller)): answerEnd(caller, code)
        case .prepared(.fencing(let caller)): answerInit(caller, code)
        case .prepared(.timeout): wake(id, .timeout, now, afterMs: config.markerBackoffMsMax)
        case .completed: wake(id, .markers, now, afterMs: config.markerBackoffMsMax)
        case .expired: break
        }
    }

    // MARK: timers

    /// Runs the timers that are due.
    package mutating func tick(_ now: Now) -> [TransactionEffect] {
        while let timer = timers.first, timer.deadline <= now.instant {
            _ = timers.pop()
            switch timer.kind {
            case .timeout: timeOut(timer.transactionalID, now)
            case .markers: sendMarkers(timer.transactionalID, now)
            }
        }
        if let check = nextExpirationCheck, check <= now.instant {
            nextExpirationCheck = now.instant.adding(milliseconds: config.expirationCheckIntervalMs)
            expire(now)
        }
        return takeEffects()
    }

    mutating func wake(_ transactionalID: String, _ kind: TransactionTimer.Kind, _ now: Now, afterMs: Int64) {
        let deadline = now.instant.adding(milliseconds: max(1, afterMs))
        timers.push(TransactionTimer(deadline: deadline, transactionalID: transactionalID, kind: kind))
    }

    /// Ids that have been silent for long go, each with a tombstone.
    private mutating func expire(_ now: Now) {
        for partition in partitions.values where !partition.isLoading {
            for transaction in partition.transactions.values where transaction.state.isAtRest && transaction.pending == nil {
                guard now.wall.milliseconds - transaction.lastUpdate.milliseconds >= config.expirationMs else { continue }
                write(transaction.next(.dead, now: now.wall), then: .expired, now)
            }
        }
    }

    // MARK: access

    /// The transaction of an id, where its partition is active here.
    subscript(transactionalID: String) -> Transaction? {
        partitions[partition(of: transactionalID)]?.transactions[transactionalID]
    }

    mutating func change(_ transactionalID: String, _ body: (inout Transaction) -> Void) {
        partitions.update(partition(of: transactionalID)) { partition in _ = partition.transactions.update(transactionalID, body) }
    }

    mutating func forget(_ transactionalID: String) {
        partitions.update(partition(of: transactionalID)) { partition in _ = partition.transactions.remove(transactionalID) }
    }

    mutating func takeEffects() -> [TransactionEffect] {
        let taken = effects
        effects = []
        return taken
    }
}

extension Transaction {
    /// Becomes what the log now says, and keeps who waits for it.
    mutating func take(_ next: Transaction) {
        let waiting = waiting
        self = next
        self.waiting = waiting
        pending = nil
    }
}

/// One partition of `__transaction_state` that this broker leads.
struct TransactionPartition {
    /// Its records are still being read.
    var isLoading: Bool
    /// The leader epoch in which it is led: the coordinator epoch of its markers.
    var coordinatorEpoch: Int32
    var transactions = OrderedMap<String, Transaction>()
    /// While loading: records that could not be read.
    var skipped = 0
}

struct TransactionTimer: Comparable {
    enum Kind: UInt8 { case timeout, markers }
    var deadline: Instant
    var transactionalID: String
    var kind: Kind

    static func < (a: TransactionTimer, b: TransactionTimer) -> Bool {
        (a.deadline, a.transactionalID, a.kind.rawValue) < (b.deadline, b.transactionalID, b.kind.rawValue)
    }
}

/// A record on its way to the log, and what follows from it.
struct Transition {
    var partition: Int32
    var next: Transaction
    var continuation: TransitionContinuation
}

enum TransitionContinuation {
    case initialised(TransactionCaller)
    case added(AddAnswer)
    case prepared(EndCause)
    case completed
    case expired
}

/// Why a transaction ends.
enum EndCause {
    case request(TransactionCaller)
    /// A new instance of the producer has come.
    case fencing(TransactionCaller)
    case timeout
}

/// A broker's request for several transactions: the answers so far, and how many are missing.
struct AddBatch {
    var request: AddPartitionsToTxnRequest
    var results: [AddPartitionsToTxnResponse.TransactionResult?]
    var missing: Int
}

/// What a client is told when the coordinator's record could not be written.
func transactionAppendError(_ error: ErrorCode) -> ErrorCode {
    switch error {
    case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut: .coordinatorNotAvailable
    case .notLeaderOrFollower, .kafkaStorageError, .notCoordinator: .notCoordinator
    default: .unknownServerError
    }
}
