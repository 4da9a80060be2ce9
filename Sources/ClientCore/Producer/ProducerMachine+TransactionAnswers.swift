import Primitives
import Wire

// What coordinators answer, and what of it ends a transaction or the producer.
extension ProducerMachine {
    mutating func transactionAnswered(_ step: TransactionState.Step, _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        transaction?.isAsking = false
        guard !isTransactionFatal else { return }
        do throws(ClientError) {
            try took(step, result, &effects)
            transaction?.backoff.succeeded()
        } catch {
            refused(step, error, &effects, now: now)
        }
    }

    private mutating func took(_ step: TransactionState.Step, _ result: AnswerResult, _ effects: inout Effects) throws(ClientError) {
        switch step {
        case .features: learnFeatures(try result.of(ApiVersionsResponse.self))
        case .identity, .renewal: try tookIdentity(step, try result.of(InitProducerIDResponse.self), &effects)
        case .partitions: try tookPartitions(try result.of(AddPartitionsToTxnResponse.self))
        case .group:
            if let error = ClientError.of(try result.of(AddOffsetsToTxnResponse.self).errorCode) { throw error }
            transaction?.isStarted = true
            if transaction?.offsets.isEmpty == false { transaction?.offsets[0].enrolment = .enrolled }
        case .offsets:
            for topic in try result.of(TxnOffsetCommitResponse.self).topics {
                for partition in topic.partitions { if let error = ClientError.of(partition.errorCode) { throw error } }
            }
            guard transaction?.isWriting == true, transaction?.offsets.isEmpty == false else { return }
            if let number = transaction?.offsets.removeFirst().number {
                effects.append(.output(.transactionDone(number: number)))
            }
        case .end:
            let answer = try result.of(EndTxnResponse.self)
            if let error = ClientError.of(answer.errorCode) { throw error }
            if answer.producerID >= 0 {
                (producerID, producerEpoch) = (answer.producerID, answer.producerEpoch)
                transaction?.mustRenew = false
            }
            // Aborting may have one more step; there is no transaction to be ended any more.
            transaction?.isStarted = false
            if transaction?.mustRenew != true { ended(&effects) }
        }
    }

    private mutating func learnFeatures(_ answer: ApiVersionsResponse) {
        let level = answer.finalizedFeatures.first { $0.name == "transaction.version" }?.maxVersionLevel ?? 0
        let produce = answer.apiKeys.first { $0.apiKey == APIKey.produce.rawValue }?.maxVersion ?? 0
        let end = answer.apiKeys.first { $0.apiKey == APIKey.endTxn.rawValue }?.maxVersion ?? 0
        transaction?.isImplicit = level >= 2 && produce >= 12 && end >= 5
    }

    private mutating func tookIdentity(
        _ step: TransactionState.Step, _ answer: InitProducerIDResponse, _ effects: inout Effects
    ) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode) { throw error }
        (producerID, producerEpoch) = (answer.producerID, answer.producerEpoch)
        isIdentified = true
        if step == .renewal { return ended(&effects) }
        guard case .initializing(let number) = transaction?.phase else { return }
        transaction?.reset()
        effects.append(.output(.transactionDone(number: number)))
    }

    /// All or none: where one partition is refused, the others are answered OPERATION_NOT_ATTEMPTED.
    private mutating func tookPartitions(_ answer: AddPartitionsToTxnResponse) throws(ClientError) {
        var refusal: ErrorCode?
        for topic in answer.resultsByTopicV3AndBelow {
            for row in topic.resultsByPartition {
                let name = TopicPartition(topic.name, row.partitionIndex)
                if row.partitionErrorCode == .none {
                    transaction?.partitions[name] = .enrolled
                    transaction?.isStarted = true
                } else if row.partitionErrorCode != .operationNotAttempted {
                    refusal = refusal.map { $0.isRetriable ? row.partitionErrorCode : $0 } ?? row.partitionErrorCode
                }
            }
        }
        if let refusal { throw .kafka(refusal, message: nil) }
    }

    // MARK: Refusals

    private mutating func refused(_ step: TransactionState.Step, _ error: ClientError, _ effects: inout Effects, now: Now) {
        if error.isRetriable {
            // Another transaction of ours is being finished: its markers take as long as a round trip.
            let isBusy = error.code == .concurrentTransactions
            let wait = isBusy ? ProducerMachine.busyMs : transaction?.backoff.failed(&random) ?? 0
            transaction?.notBefore = now.instant.adding(milliseconds: wait)
            return
        }
        switch step {
        case .features: transaction?.isImplicit = false
        case .identity: doom(error, &effects)
        case .renewal, .end, .partitions, .group, .offsets:
            if error.endsTransactions || step == .renewal { return doom(error, &effects) }
            if error.code == .invalidProducerIDMapping { transaction?.isIdentityGone = true }
            // It is not part of the transaction, and will not be.
            if step == .partitions { transaction?.partitions.removeAll { $1 != .enrolled } }
            if step == .group || step == .offsets { failOffsets(error, &effects) }
            spoil(error, &effects)
        }
    }

    /// The offsets being dealt with are refused.
    private mutating func failOffsets(_ error: ClientError, _ effects: inout Effects) {
        guard transaction?.offsets.isEmpty == false, let number = transaction?.offsets.removeFirst().number, number >= 0 else { return }
        effects.append(.output(.transactionFailed(number: number, error, isFatal: false)))
    }

    /// A batch was refused for good: nothing of its transaction may be committed.
    mutating func writeFailed(_ error: ClientError, isSpent: Bool, _ effects: inout Effects) {
        if isSpent || error.code == .outOfOrderSequenceNumber || error.code == .unknownProducerID { transaction?.mustRenew = true }
        if error.code == .invalidProducerIDMapping { transaction?.isIdentityGone = true }
        switch error.code {
        case .producerFenced, .transactionalIDAuthorizationFailed, .clusterAuthorizationFailed: doom(error, &effects)
        default: spoil(error, &effects)
        }
    }

    /// A pause where the coordinator is busy with the transaction before: Kafka's clients wait as long.
    private static let busyMs: Int64 = 20
}

extension ClientError {
    /// Kafka's code where it is Kafka's error.
    package var code: ErrorCode? { if case .kafka(let code, _) = self { code } else { nil } }

    /// Whether a coordinator that says this has ended the producer, not only its transaction: another has its id, or it may not have one,
    /// or the two disagree about what state it is in.
    fileprivate var endsTransactions: Bool {
        switch self {
        case .kafka(let code, _):
            [
                .producerFenced, .invalidProducerEpoch, .transactionalIDAuthorizationFailed, .clusterAuthorizationFailed,
                .invalidTxnState, .unsupportedVersion, .invalidRequest, .invalidTransactionTimeout,
            ].contains(code)
        case .unsupported, .malformed, .stopped, .authenticationFailed: true
        case .unreachable, .disconnected, .timedOut, .unknownBroker, .overloaded, .aborted, .illegal: false
        }
    }
}
