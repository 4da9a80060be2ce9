import Primitives
import Wire

// Transactions: what the caller asks for, and the steps towards it. A step is worked out of the state each time, so a request that was
// lost is asked again without being remembered. One request to a coordinator is under way at a time.
extension ProducerMachine {
    mutating func receiveTransactional(_ input: ProducerInput, _ effects: inout Effects) {
        guard let phase = transaction?.phase else { return refuse(input, .illegal("the producer has no transactional id"), &effects) }
        if case .fatal(let error) = phase { return refuse(input, error, &effects) }
        switch (input, phase) {
        case (.initTransactions(let number), .uninitialized): transaction?.phase = .initializing(number: number)
        case (.beginTransaction(let number), .ready):
            transaction?.phase = .open
            effects.append(.output(.transactionDone(number: number)))
        case (.sendOffsets(let number, let group, let positions), .open):
            transaction?.offsets.append(TransactionState.Offsets(number: number, group: group, positions: positions))
        case (.commitTransaction(let number), .open):
            transaction?.phase = .committing(number: number)
            isFlushing = true
        case (.abortTransaction(let number), .open), (.abortTransaction(let number), .abortable): beginAbort(number, &effects)
        case (_, .abortable(let error)): refuse(input, error, &effects)
        default: refuse(input, .illegal("not allowed while the transaction is \(phase.name)"), &effects)
        }
    }

    private func refuse(_ input: ProducerInput, _ error: ClientError, _ effects: inout Effects) {
        switch input {
        case .initTransactions(let number), .beginTransaction(let number), .sendOffsets(let number, _, _), .commitTransaction(let number),
            .abortTransaction(let number):
            effects.append(.output(.transactionFailed(number: number, error, isFatal: isTransactionFatal)))
        case .send, .sendAll, .gathered, .flush, .close: break
        }
    }

    var isTransactionFatal: Bool { if case .fatal = transaction?.phase { true } else { false } }

    /// What is not under way is not written any more; what is under way is waited for, so that nothing is written behind the abort.
    mutating func beginAbort(_ number: Int?, _ effects: inout Effects) {
        transaction?.phase = .aborting(number: number)
        transaction?.partitions.removeAll { $1 == .wanted }
        transaction?.backoff.succeeded()
        transaction?.notBefore = .zero
        dropOffsets(.aborted, &effects)
        dropWaiting(.aborted, &effects)
    }

    // MARK: Steps

    /// Asks the next question that stands between the state and what the caller wants.
    mutating func stepTransaction(_ effects: inout Effects, now: Now) {
        if let trouble = transaction?.trouble {
            transaction?.trouble = nil
            spoil(trouble, &effects)
        }
        guard let transaction, !transaction.isAsking, transaction.notBefore <= now.instant else { return }
        self.transaction?.notBefore = .zero
        switch transaction.phase {
        case .initializing:
            if transaction.isImplicit == nil { askFeatures(&effects) } else { askIdentity(.identity, &effects) }
        case .open: _ = enrol(transaction, &effects)
        case .committing:
            if !enrol(transaction, &effects) && isSettled && transaction.offsets.isEmpty { askEnd(isCommit: true, &effects) }
        case .aborting:
            guard !isWritingUnderWay, !enrol(transaction, &effects) else { return }
            if transaction.isStarted && !transaction.isIdentityGone {
                askEnd(isCommit: false, &effects)
            } else if transaction.mustRenew || transaction.isIdentityGone {
                askIdentity(.renewal, &effects)
            } else {
                ended(&effects)
            }
        case .uninitialized, .ready, .abortable, .fatal: break
        }
    }

    /// Makes partitions and groups part of the transaction, and commits offsets. False where nothing is left of it.
    private mutating func enrol(_ transaction: TransactionState, _ effects: inout Effects) -> Bool {
        let wanted = transaction.partitions.filter { $0.value != .enrolled }.map(\.key)
        if !wanted.isEmpty {
            askPartitions(wanted, &effects)
            return true
        }
        guard let offsets = transaction.offsets.first else { return false }
        if offsets.enrolment != .enrolled && transaction.isImplicit != true {
            var request = AddOffsetsToTxnRequest()
            (request.transactionalID, request.groupID) = (transaction.id, offsets.group.group)
            (request.producerID, request.producerEpoch) = (producerID, producerEpoch)
            self.transaction?.offsets[0].enrolment = .asked
            ask(request, .group, versions: 0...4, &effects)
        } else if transaction.isWriting {
            self.transaction?.isStarted = true
            askOffsets(offsets, &effects)
        } else {
            // Aborting: that the group is enrolled is all that had to be known.
            self.transaction?.offsets.removeFirst()
            return false
        }
        return true
    }

    private mutating func askFeatures(_ effects: inout Effects) {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = ConnectionLimits.softwareName
        request.clientSoftwareVersion = ConnectionLimits.softwareVersion
        transaction?.isAsking = true
        send(request, to: .any, .transaction(.features), &effects)
    }

    private mutating func askIdentity(_ step: TransactionState.Step, _ effects: inout Effects) {
        guard let transaction else { return }
        var request = InitProducerIDRequest()
        request.transactionalID = transaction.id
        request.transactionTimeoutMs = transaction.timeoutMs
        if step == .renewal && !transaction.isIdentityGone {
            (request.producerID, request.producerEpoch) = (producerID, producerEpoch)
        }
        // Version 6 is two-phase commit (KIP-939), which is not stable.
        ask(request, step, versions: 0...5, &effects)
    }

    private mutating func askPartitions(_ names: [TopicPartition], _ effects: inout Effects) {
        guard let transaction else { return }
        var request = AddPartitionsToTxnRequest()
        request.v3AndBelowTransactionalID = transaction.id
        (request.v3AndBelowProducerID, request.v3AndBelowProducerEpoch) = (producerID, producerEpoch)
        for name in names {
            if request.v3AndBelowTopics.last?.name != name.topic {
                var topic = AddPartitionsToTxnRequest.Topic()
                topic.name = name.topic
                request.v3AndBelowTopics.append(topic)
            }
            request.v3AndBelowTopics[request.v3AndBelowTopics.count - 1].partitions.append(name.partition)
            self.transaction?.partitions[name] = .asked
        }
        ask(request, .partitions, versions: 0...3, &effects)
    }

    private mutating func askOffsets(_ offsets: TransactionState.Offsets, _ effects: inout Effects) {
        guard let transaction else { return }
        var request = TxnOffsetCommitRequest()
        (request.transactionalID, request.groupID) = (transaction.id, offsets.group.group)
        (request.producerID, request.producerEpoch) = (producerID, producerEpoch)
        (request.generationID, request.memberID) = (offsets.group.generationID, offsets.group.memberID)
        request.groupInstanceID = offsets.group.groupInstanceID
        for position in offsets.positions.sorted(by: { $0.partition < $1.partition }) {
            if request.topics.last?.name != position.partition.topic {
                var topic = TxnOffsetCommitRequest.Topic()
                topic.name = position.partition.topic
                request.topics.append(topic)
            }
            var row = TxnOffsetCommitRequest.Partition()
            row.partitionIndex = position.partition.partition
            row.committedOffset = position.offset.rawValue
            row.committedLeaderEpoch = position.leaderEpoch.rawValue
            row.committedMetadata = position.metadata
            request.topics[request.topics.count - 1].partitions.append(row)
        }
        let target = RequestTarget.coordinator(group: offsets.group.group)
        ask(request, .offsets, to: target, versions: transaction.isImplicit == true ? 5...5 : 0...4, &effects)
    }

    private mutating func askEnd(isCommit: Bool, _ effects: inout Effects) {
        guard let transaction else { return }
        // Nothing was written: the coordinator has never heard of it.
        guard transaction.isStarted else { return ended(&effects) }
        var request = EndTxnRequest()
        request.transactionalID = transaction.id
        (request.producerID, request.producerEpoch) = (producerID, producerEpoch)
        request.committed = isCommit
        ask(request, .end(isCommit: isCommit), versions: transaction.isImplicit == true ? 5...5 : 0...4, &effects)
    }

    private mutating func ask(
        _ message: any WireRequest, _ step: TransactionState.Step, to target: RequestTarget? = nil, versions: ClosedRange<Int16>,
        _ effects: inout Effects
    ) {
        guard let id = transaction?.id else { return }
        transaction?.isAsking = true
        send(message, to: target ?? .transactionCoordinator(id: id), .transaction(step), versions: versions, &effects)
    }

    // MARK: Ends

    /// The transaction is over, as the caller wanted.
    mutating func ended(_ effects: inout Effects) {
        let phase = transaction?.phase
        transaction?.reset()
        // Numbers that are missing went with their epoch.
        for name in queues.keys { queues.update(name) { ($0.hasHole, $0.holeMayFill, $0.mustRenew) = (false, false, false) } }
        switch phase {
        case .committing(let number), .aborting(let number?): effects.append(.output(.transactionDone(number: number)))
        default: break
        }
    }

    /// The transaction can only be aborted: by its own fault, so the caller is told.
    mutating func spoil(_ error: ClientError, _ effects: inout Effects) {
        switch transaction?.phase {
        case .open: transaction?.phase = .abortable(error)
        case .committing(let number):
            transaction?.phase = .abortable(error)
            effects.append(.output(.transactionFailed(number: number, error, isFatal: false)))
        default: return
        }
        dropOffsets(error, &effects)
        dropWaiting(.aborted, &effects)
    }

    /// This producer is of no use any more.
    mutating func doom(_ error: ClientError, _ effects: inout Effects) {
        let phase = transaction?.phase
        transaction?.phase = .fatal(error)
        switch phase {
        case .initializing(let number), .committing(let number), .aborting(let number?):
            effects.append(.output(.transactionFailed(number: number, error, isFatal: true)))
        default: break
        }
        dropOffsets(error, &effects)
        dropWaiting(error, &effects)
    }

    /// Offsets that are not committed by this transaction. One whose group may be enrolled at this moment stays until that is known.
    private mutating func dropOffsets(_ error: ClientError, _ effects: inout Effects) {
        let isFatal = isTransactionFatal
        for offsets in transaction?.offsets ?? [] where offsets.number >= 0 {
            effects.append(.output(.transactionFailed(number: offsets.number, error, isFatal: isFatal)))
        }
        transaction?.offsets.removeAll { $0.enrolment != .asked }
        if transaction?.offsets.isEmpty == false { transaction?.offsets[0].number = -1 }
    }

    /// Fails what waits, and batches that are not under way; the numbers of those are spent.
    private mutating func dropWaiting(_ error: ClientError, _ effects: inout Effects) {
        for topic in homeless.keys { finish(homeless.remove(topic) ?? [], with: error, &effects) }
        for name in queues.keys {
            guard let queue = queues[name], !queue.isEmpty else { continue }
            finish(queues.update(name) { $0.takeFirst($0.waiting.count) } ?? [], with: error, &effects)
            for batch in queue.batches where !batch.isUnderWay {
                transaction?.mustRenew = true
                finish(batch.items, with: error, &effects)
            }
            queues.update(name) { $0.batches.removeAll { !$0.isUnderWay } }
        }
    }

    var isWritingUnderWay: Bool { queues.values.contains { $0.isUnderWay } }

    /// Nothing waits to be written and nothing is under way.
    var isSettled: Bool { homeless.isEmpty && queues.values.allSatisfy(\.isEmpty) }
}

extension TransactionState.Phase {
    fileprivate var name: String {
        switch self {
        case .uninitialized: "not initialised"
        case .initializing: "being initialised"
        case .ready: "not begun"
        case .open: "open"
        case .committing: "being committed"
        case .aborting: "being aborted"
        case .abortable: "to be aborted"
        case .fatal: "impossible"
        }
    }
}
