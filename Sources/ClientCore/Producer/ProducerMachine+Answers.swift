import Primitives
import Records
import Wire

// What leaders answer: batches are acknowledged, sent again, or given up, and then their partition's numbers are put in order.
extension ProducerMachine {
    mutating func produceAnswered(_ broker: BrokerID, _ sent: [Sent], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        underWay.update(broker) { $0 -= 1 }
        do throws(ClientError) {
            take(try result.of(ProduceResponse.self), sent, &effects, now: now)
        } catch {
            for batch in sent { refused(batch, error, &effects, now: now) }
        }
        for batch in sent { settle(batch.partition, &effects) }
    }

    private mutating func take(_ answer: ProduceResponse, _ sent: [Sent], _ effects: inout Effects, now: Now) {
        var unanswered = sent
        for topic in answer.topics {
            for row in topic.partitions {
                let name = TopicPartition(topic.name, row.index)
                guard let place = unanswered.firstIndex(where: { $0.partition == name }) else { continue }
                let batch = unanswered.remove(at: place)
                if row.errorCode == .none {
                    acknowledged(batch, Offset(row.baseOffset), &effects)
                } else if row.errorCode == .duplicateSequenceNumber {
                    // Written long ago, and the broker no longer knows where.
                    acknowledged(batch, .none, &effects)
                } else {
                    let message = row.errorMessage ?? row.recordErrors.first?.batchIndexErrorMessage
                    refused(batch, .kafka(row.errorCode, message: message), &effects, now: now)
                    metadata.hint(name, BrokerID(row.currentLeader.leaderID), LeaderEpoch(row.currentLeader.leaderEpoch))
                }
            }
        }
        for batch in unanswered {
            if options.acks == .none { acknowledged(batch, .none, &effects) } else {
                refused(batch, .malformed(api: APIKey.produce.name), &effects, now: now)
            }
        }
    }

    private func index(of sent: Sent) -> Int? { queues[sent.partition]?.batches.firstIndex { $0.serial == sent.serial } }

    private mutating func acknowledged(_ sent: Sent, _ base: Offset, _ effects: inout Effects) {
        guard let index = index(of: sent), let batch = queues.update(sent.partition, { $0.batches.remove(at: index) }) else { return }
        queues.update(sent.partition) { queue in
            queue.backoff.succeeded()
            queue.isKnown = true
        }
        var offset = base < .zero ? Offset.none : base
        for item in batch.items {
            bufferedBytes -= item.size
            switch item.name {
            case .number(let number): effects.append(.output(.delivered(number: number, sent.partition, offset)))
            case .gathered(let serial, let index):
                effects.append(.output(.written(serial: serial, index..<index + item.count, sent.partition, offset)))
            }
            if base >= .zero { offset = offset + Int64(item.count) }
        }
    }

    private mutating func refused(_ sent: Sent, _ error: ClientError, _ effects: inout Effects, now: Now) {
        let name = sent.partition
        guard let index = index(of: sent) else { return }
        queues.update(name) { queue in
            queue.batches[index].isUnderWay = false
            if !error.saysNotWritten { queue.batches[index].mayBeWritten = true }
        }
        guard let queue = queues[name] else { return }
        let batch = queue.batches[index]
        let isNumbered = batch.baseSequence >= 0
        if error.saysSequenceIsLost && isNumbered && transaction == nil && (index > 0 || queue.hasHole) {
            // One before it failed: it is sent again when its turn comes. If that one is surely not there, nor is this.
            if index == 0 && !queue.holeMayFill { forgetWritten(name) }
            return
        }
        let isLost = error.saysSequenceIsLost && isNumbered
        // In a transaction too: behind one that failed, whose failure decides.
        if isLost && index > 0 && transaction?.isWriting != false { return }
        if error.code == .messageTooLarge && !batch.mayBeWritten && split(name, index, &effects) { return }
        let isWanted = transaction.map { $0.isWriting && !isLost } ?? true
        guard isWanted, error.isRetriable || isLost, batch.deadline > now.instant, batch.attempts <= options.retriesMax else {
            return giveUp(name, index, error, &effects)
        }
        // A broker that restarted knows of each producer's batches the newest only, and calls one before it out of order. One that may have
        // been written cannot be told from one that was not: sent in a new epoch it could be there twice.
        if isLost && batch.mayBeWritten { return giveUp(name, index, error, &effects) }
        if isLost {
            // The broker lacks batches that it had acknowledged, or has forgotten the producer. As a log has no holes, it does not have
            // this one either, nor what was sent behind it.
            forgetWritten(name)
            queues.update(name) { $0.hasHole = true }
        }
        // What was under way behind it fails with it: that is one failure, and one wait.
        if queue.notBefore <= now.instant {
            let wait = queues.update(name) { $0.backoff.failed(&random) } ?? 0
            queues.update(name) { $0.notBefore = now.instant.adding(milliseconds: wait) }
        }
        // Whoever answered may no longer be the leader.
        metadata.distrust(name.topic)
    }

    private mutating func forgetWritten(_ name: TopicPartition) {
        queues.update(name) { queue in
            for index in queue.batches.indices where !queue.batches[index].isUnderWay { queue.batches[index].mayBeWritten = false }
        }
    }

    /// Gives up a batch. Its numbers are missing from now on; where it may be in the log they are spent, whichever they were there. Other
    /// partitions do not care: brokers count by partition.
    mutating func giveUp(_ name: TopicPartition, _ index: Int, _ error: ClientError, _ effects: inout Effects) {
        guard let batch = queues.update(name, { $0.batches.remove(at: index) }) else { return }
        queues.update(name) { queue in
            queue.backoff.succeeded()
            let isLast = index == queue.batches.count
            if isLast && !batch.mayBeWritten && !queue.hasHole {
                if batch.baseSequence >= 0 { queue.nextSequence = batch.baseSequence }
            } else {
                queue.hasHole = true
                if batch.mayBeWritten { queue.holeMayFill = true }
            }
            if error.code == .invalidProducerEpoch { (queue.mustRenew, queue.hasHole) = (true, true) }
        }
        finish(batch.items, with: error, &effects)
        if transaction != nil { writeFailed(error, isSpent: queues[name]?.hasHole == true, &effects) }
    }

    /// Puts a partition's numbers in order where something of them is missing, once nothing is under way: what is surely not in the log is
    /// numbered anew in the next epoch. What may be there, by its old number, is asked about by that number; but behind a batch that was
    /// given up and may come late, it may come late too, and is given up with it.
    mutating func settle(_ name: TopicPartition, _ effects: inout Effects) {
        guard let queue = queues[name], queue.hasHole, !queue.isUnderWay else { return }
        if transaction != nil { return }
        if queue.holeMayFill {
            for batch in queue.batches where batch.mayBeWritten { finish(batch.items, with: .timedOut(APIKey.produce.name), &effects) }
            queues.update(name) { $0.batches.removeAll(where: \.mayBeWritten) }
        } else if queue.batches.first?.mayBeWritten == true {
            return
        }
        let records = queues[name]?.batches.flatMap { unpacked($0, name) } ?? []
        queues.update(name) { queue in
            queue.putBack(records)
            queue.batches = []
            queue.readyAt = queue.notBefore
            (queue.hasHole, queue.holeMayFill) = (false, false)
        }
        raiseEpoch(name)
    }

    private mutating func raiseEpoch(_ name: TopicPartition) {
        guard let queue = queues[name], queue.producerID >= 0 else { return }
        if queue.producerEpoch < Int16.max - 1 && !queue.mustRenew {
            queues.update(name) { $0.number($0.producerID, $0.producerEpoch + 1) }
        } else {
            // A new id, which each partition takes up with its next batch.
            if queue.producerID == producerID { isIdentified = false }
            queues.update(name) { queue in
                queue.producerID = -1
                queue.mustRenew = false
            }
        }
    }
}

extension ClientError {
    /// Whether a batch that met this is surely not in the log by it. Kafka answers NOT_LEADER_OR_FOLLOWER and time-outs also for batches
    /// that it has appended and not replicated yet.
    fileprivate var saysNotWritten: Bool {
        switch self {
        case .unreachable, .unsupported, .unknownBroker, .overloaded, .authenticationFailed: true
        case .disconnected, .timedOut, .malformed, .stopped, .aborted, .illegal: false
        case .kafka(let code, _): ClientError.notWritten.contains(code)
        }
    }

    private static var notWritten: [ErrorCode] {
        [
            .notEnoughReplicas, .messageTooLarge, .corruptMessage, .recordListTooLarge, .invalidTimestamp, .invalidRecord,
            .topicAuthorizationFailed, .clusterAuthorizationFailed, .invalidRequiredAcks, .unsupportedForMessageFormat,
            .unsupportedCompressionType, .policyViolation, .outOfOrderSequenceNumber, .unknownProducerID, .invalidProducerEpoch,
            .invalidTopicException, .concurrentTransactions, .invalidTxnState, .transactionAbortable, .producerFenced,
            .transactionalIDAuthorizationFailed, .invalidProducerIDMapping,
        ]
    }

    fileprivate var saysSequenceIsLost: Bool {
        if case .kafka(let code, _) = self { code == .outOfOrderSequenceNumber || code == .unknownProducerID } else { false }
    }
}
