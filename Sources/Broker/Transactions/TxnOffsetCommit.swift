import Controller
import Groups
import Primitives
import Replication
import Storage
import Wire

/// TxnOffsetCommit (28), versions 0 to 5: offsets that take effect when the transaction commits. The group's partition has to be in the
/// transaction, or with version 5 and `transaction.version` 2 becomes a part of it.
extension Broker {
    mutating func handleTxnOffsetCommit(_ context: RequestContext, _ request: TxnOffsetCommitRequest) {
        guard isAllowed(.write, .transactionalID, request.transactionalID, context) else {
            return respond(context, request.refused(.transactionalIDAuthorizationFailed))
        }
        guard isAllowed(.read, .group, request.groupID, context) else {
            return respond(context, request.refused(.groupAuthorizationFailed))
        }
        if let error = coordinator.unavailability(of: request.groupID) { return respond(context, request.refused(error)) }
        let refused = request.topics.map { topic in
            topic.partitions.map { partition -> ErrorCode in
                guard isAllowed(.read, .topic, topic.name, context) else { return .topicAuthorizationFailed }
                return partitionExists(topic.name, partition.partitionIndex) ? .none : .unknownTopicOrPartition
            }
        }
        guard let place = groupPlace(request.groupID), let replica = replicas.find(place.topic, place.partition) else {
            return respond(context, request.refused(.notCoordinator))
        }
        let adds = context.version >= 5 && transactionLevel >= 2
        let isOpen = replica.log.hasOpenTransaction(producerID: request.producerID, producerEpoch: request.producerEpoch)
        guard !isOpen, adds || config.boolean("transaction.partition.verification.enable") else {
            return coordinate(context, .transactionalCommit(request), refused: refused)
        }
        let question = TransactionQuestion(
            transactionalID: request.transactionalID, producerID: request.producerID, producerEpoch: request.producerEpoch, adds: adds,
            places: [place])
        let held = transactions.guards.begin(request.producerID, in: place)
        let leadership = replica.leaderships
        askTransactionCoordinator(question) { broker, codes in
            let isValid = broker.transactions.guards.finish(held, request.producerID, in: place)
            var code = codes[place] ?? .networkException
            if !code.isError, broker.replicas.find(place.topic, place.partition)?.leaderships != leadership { code = .notCoordinator }
            if !code.isError, !isValid { code = .transactionAbortable }
            guard code.isError else { return broker.coordinate(context, .transactionalCommit(request), refused: refused) }
            broker.respond(context, request.refused(broker.offsetVerificationFailure(code, context.version)))
        }
    }

    /// The transaction coordinator's error as this version knows it.
    private func offsetVerificationFailure(_ code: ErrorCode, _ version: Int16) -> ErrorCode {
        switch code {
        case .transactionAbortable where version < 4: .invalidTxnState
        case .concurrentTransactions where version >= 5: code
        case .concurrentTransactions, .networkException, .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator,
            .unknownTopicOrPartition, .operationNotAttempted:
            .coordinatorLoadInProgress
        default: code
        }
    }
}
