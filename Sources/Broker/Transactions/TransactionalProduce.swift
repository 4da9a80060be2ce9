import Controller
import Primitives
import Records
import Replication
import Storage
import Wire

/// A produce in a transaction: what the coordinator said of each partition, and the guard under which it was asked.
struct ProduceVerdicts {
    struct Verdict {
        var code: ErrorCode
        var guardNumber: UInt64
        var producerID: Int64
        var leadership: Int
    }

    /// Whether a batch in a transaction needs a verdict, or the transaction to be open already.
    var areRequired = false
    var verdicts = OrderedMap<TopicPartition, Verdict>()
}

/// Before something is appended in a transaction, its coordinator has to know of the partition, or no marker would ever end it there. A
/// partition in which the transaction is open already needs no asking. With Produce 12 and `transaction.version` 2 the partition is added
/// on the way; before, its client has added it, which is verified (KIP-890, `transaction.partition.verification.enable`).
extension Broker {
    /// Appends what is produced, once the coordinator has been asked about what has to be asked about.
    mutating func produceVerified(_ context: RequestContext, _ request: ProduceRequest) {
        guard let id = request.transactionalID, isAllowed(.write, .transactionalID, id, context) else {
            return appendProduced(context, request, ProduceVerdicts())
        }
        let adds = context.version >= 12 && transactionLevel >= 2
        guard adds || config.boolean("transaction.partition.verification.enable") else {
            return appendProduced(context, request, ProduceVerdicts())
        }
        var question = TransactionQuestion(transactionalID: id, producerID: -1, producerEpoch: -1, adds: adds, places: [])
        var pending = ProduceVerdicts(areRequired: true)
        for topic in request.topics where isAllowed(.write, .topic, topic.name, context) && !TopicNames.isInternal(topic.name) {
            for partition in topic.partitions {
                let place = TopicPartition(topic.name, partition.index)
                guard let (header, replica) = unverified(partition, place), pending.verdicts[place] == nil else { continue }
                // A request has one producer; a batch of another is turned down where it is appended.
                guard question.producerID == -1 || question.producerID == header.producerID else { continue }
                (question.producerID, question.producerEpoch) = (header.producerID, header.producerEpoch)
                question.places.append(place)
                pending.verdicts[place] = ProduceVerdicts.Verdict(
                    code: .none, guardNumber: transactions.guards.begin(header.producerID, in: place), producerID: header.producerID,
                    leadership: replica.leaderships)
            }
        }
        guard !question.places.isEmpty else { return appendProduced(context, request, pending) }
        askTransactionCoordinator(question) { [pending] broker, codes in
            var answered = pending
            for place in pending.verdicts.keys {
                answered.verdicts.update(place) { $0.code = codes[place] ?? .networkException }
            }
            broker.appendProduced(context, request, answered)
            broker.giveBack(answered)
        }
    }

    /// Guards that no append has taken.
    private mutating func giveBack(_ verdicts: ProduceVerdicts) {
        for (place, verdict) in verdicts.verdicts { _ = transactions.guards.finish(verdict.guardNumber, verdict.producerID, in: place) }
    }

    /// The batch's header where it is in a transaction that is not open here yet.
    private func unverified(_ partition: ProduceRequest.Partition, _ place: TopicPartition) -> (BatchHeader, Replica)? {
        guard let header = transactionalHeader(partition), let replica = replicas.find(place.topic, place.partition), replica.isLeader,
            !replica.log.hasOpenTransaction(producerID: header.producerID, producerEpoch: header.producerEpoch)
        else { return nil }
        return (header, replica)
    }

    /// The header of a batch that is in a transaction; nil of any other, and of what is no batch.
    func transactionalHeader(_ partition: ProduceRequest.Partition) -> BatchHeader? {
        guard let bytes = partition.records.inMemory, let header = try? BatchHeader.parse(bytes), header.magic == 2, header.isTransactional,
            header.hasProducerID
        else { return nil }
        return header
    }

    /// Why a transactional batch may not be appended here, if it may not.
    mutating func transactionalRefusal(
        _ partition: ProduceRequest.Partition, _ replica: Replica, _ verdicts: ProduceVerdicts, _ version: Int16
    ) -> (code: ErrorCode, message: String?)? {
        guard let verdict = verdicts.verdicts[replica.partition] else {
            // It was open when the others were asked about, and may have been ended meanwhile.
            guard verdicts.areRequired, let header = transactionalHeader(partition),
                !replica.log.hasOpenTransaction(producerID: header.producerID, producerEpoch: header.producerEpoch)
            else { return nil }
            return verificationFailure(.networkException, version)
        }
        if verdict.code.isError { return verificationFailure(verdict.code, version) }
        // Since the coordinator was asked, nothing may have happened that it could not know of.
        if replica.leaderships != verdict.leadership { return (.notLeaderOrFollower, nil) }
        guard transactions.guards.finish(verdict.guardNumber, verdict.producerID, in: replica.partition) else {
            return verificationFailure(.transactionAbortable, version)
        }
        return nil
    }

    /// The coordinator's error as this version of Produce knows it.
    private func verificationFailure(_ code: ErrorCode, _ version: Int16) -> (code: ErrorCode, message: String?) {
        switch code {
        case .transactionAbortable where version < 11: (.invalidTxnState, "The partition has not been added to the transaction.")
        case .concurrentTransactions where version >= 12: (.concurrentTransactions, nil)
        case .concurrentTransactions, .networkException, .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator,
            .unknownTopicOrPartition, .operationNotAttempted:
            (.notEnoughReplicas, "Whether the partition is in the transaction cannot be told now: \(code.name)")
        default: (code, nil)
        }
    }
}
