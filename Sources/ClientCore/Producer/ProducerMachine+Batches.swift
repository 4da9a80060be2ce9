import Primitives
import Records
import Wire

// Batches: built, sent to leaders, acknowledged or sent again.
extension ProducerMachine {
    /// Builds what is due and sends, to each leader, one request with the batches of all its partitions that are not under way.
    mutating func produce(_ effects: inout Effects, now: Now) {
        guard identify(&effects, now: now) else { return }
        var byLeader = OrderedMap<BrokerID, [TopicPartition]>()
        for name in queues.keys {
            build(name, &effects, now: now)
            guard let queue = queues[name], queue.batch != nil, !queue.isUnderWay, queue.notBefore <= now.instant, mayWrite(to: name) else {
                continue
            }
            if let leader = metadata.leader(name) { byLeader[leader, default: []].append(name) }
        }
        for (leader, names) in byLeader {
            var request = ProduceRequest()
            request.acks = options.acks.rawValue
            request.timeoutMs = Int32(ProducerMachine.requestMs)
            request.transactionalID = transaction?.id
            for name in names {
                guard let batch = queues[name]?.batch else { continue }
                if request.topics.last?.name != name.topic {
                    var topic = ProduceRequest.Topic()
                    topic.name = name.topic
                    request.topics.append(topic)
                }
                var partition = ProduceRequest.Partition()
                partition.index = name.partition
                partition.records = .bytes(batch.bytes)
                request.topics[request.topics.count - 1].partitions.append(partition)
                queues.update(name) { $0.isUnderWay = true }
            }
            transaction?.isStarted = true
            send(request, to: .broker(leader), .produce(names), &effects)
        }
    }

    /// A transaction's partition is written to when the coordinator knows of it; or the write itself tells it.
    private func mayWrite(to name: TopicPartition) -> Bool {
        guard let transaction else { return true }
        return transaction.isWriting && (transaction.isImplicit == true || transaction.partitions[name] == .enrolled)
    }

    // MARK: Identity

    /// True once it is clear whether batches carry a producer id.
    private mutating func identify(_ effects: inout Effects, now: Now) -> Bool {
        if isIdentified { return true }
        guard transaction == nil, hasWork, !isAskingIdentity, identifyAt <= now.instant else { return false }
        isAskingIdentity = true
        send(InitProducerIDRequest(), to: .any, .producerID, &effects)
        return false
    }

    /// A cluster that gives no producer id is written to without one; one that cannot give it now is asked again.
    mutating func identityAnswered(_ result: AnswerResult, now: Now) {
        isAskingIdentity = false
        identifyAt = now.instant.adding(milliseconds: 100)
        switch result.flatMap({ answer in (answer.message as? InitProducerIDResponse).map { .success($0) } ?? .failure(.stopped) }) {
        case .success(let answer) where answer.errorCode == .none:
            (producerID, producerEpoch) = (answer.producerID, answer.producerEpoch)
            isIdentified = true
        case .success(let answer):
            isIdentified = answer.errorCode == .clusterAuthorizationFailed || answer.errorCode == .unsupportedVersion
        case .failure(.unsupported): isIdentified = true
        case .failure: break
        }
    }

    // MARK: Batches

    private mutating func build(_ name: TopicPartition, _ effects: inout Effects, now: Now) {
        guard let queue = queues[name], queue.batch == nil, !queue.waiting.isEmpty else { return }
        guard isFlushing || queue.readyAt <= now.instant || queue.waitingBytes >= options.batchBytesMax else { return }
        var builder = BatchBuilder(codec: options.codec)
        let identity = numbered(name)
        (builder.producerID, builder.producerEpoch, builder.baseSequence) = (identity.id, identity.epoch, identity.sequence)
        builder.isTransactional = transaction != nil
        var taken = 0
        for item in queue.waiting {
            let record = item.record
            // A record larger than the limit still gets a batch of its own; the broker decides.
            if taken > 0 && builder.sizeInBytes + record.size > options.batchBytesMax { break }
            builder.append(timestamp: record.timestamp ?? now.wall, key: record.key, value: record.value, headers: record.headers)
            taken += 1
        }
        let items = queues.update(name) { $0.takeFirst(taken) } ?? []
        unstick(name)
        do throws(BatchError) {
            let batch = Batch(
                items: items, bytes: try builder.build(codecs), deadline: items[0].deadline, records: Int32(clamping: taken))
            queues.update(name) { $0.batch = batch }
        } catch {
            finish(items, with: .kafka(.corruptMessage, message: error.message), &effects)
        }
    }

    /// What the next batch of a partition is numbered with. A new id is taken up here, where no batch of the old one is left.
    private mutating func numbered(_ name: TopicPartition) -> (id: Int64, epoch: Int16, sequence: Int32) {
        let (id, epoch) = (producerID, producerEpoch)
        guard id >= 0 else { return (-1, -1, -1) }
        return queues.update(name) { queue in
            let isOld = queue.producerID != id || queue.producerEpoch < epoch
            if isOld { (queue.producerID, queue.producerEpoch, queue.nextSequence) = (id, epoch, 0) }
            return (id, queue.producerEpoch, queue.nextSequence)
        } ?? (-1, -1, -1)
    }

    /// Gives up the batch. Where it may be in the log, its sequence numbers are spent, whichever they were there: the partition goes on
    /// in the next epoch. Other partitions do not care: brokers count by partition.
    mutating func abandon(_ name: TopicPartition, _ error: ClientError, _ effects: inout Effects) {
        guard let batch = queues[name]?.batch else { return }
        queues.update(name) { queue in
            queue.batch = nil
            queue.isUnderWay = false
            queue.backoff.succeeded()
        }
        finish(batch.items, with: error, &effects)
        if transaction != nil { return writeFailed(error, mayBeWritten: batch.mayBeWritten, &effects) }
        if batch.mayBeWritten { raiseEpoch(name) }
        if case .kafka(.invalidProducerEpoch, _) = error { renewIdentity(name) }
    }

    /// A new id, which each partition takes up with its next batch.
    private mutating func renewIdentity(_ name: TopicPartition) {
        if queues[name]?.producerID == producerID { isIdentified = producerID < 0 }
        queues.update(name) { $0.producerID = -1 }
    }

    private mutating func raiseEpoch(_ name: TopicPartition) {
        guard let queue = queues[name], queue.producerID >= 0 else { return }
        if queue.producerEpoch < Int16.max - 1 {
            queues.update(name) { queue in
                queue.producerEpoch += 1
                queue.nextSequence = 0
            }
        } else {
            renewIdentity(name)
        }
    }

    /// The broker lacks batches that it had acknowledged, or has forgotten the producer. As a log has no holes, it does not have this one
    /// either: it is numbered anew.
    private mutating func renumber(_ name: TopicPartition) {
        guard let batch = queues[name]?.batch else { return }
        raiseEpoch(name)
        queues.update(name) { queue in
            queue.batch = nil
            queue.putBack(batch.items)
            queue.readyAt = queue.notBefore
        }
    }

    // MARK: Answers

    mutating func produceAnswered(_ names: [TopicPartition], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let answer: ProduceResponse
        do throws(ClientError) {
            answer = try result.of(ProduceResponse.self)
        } catch {
            for name in names { refused(name, error, &effects, now: now) }
            return
        }
        var unanswered = names
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.index)
                guard let place = unanswered.firstIndex(of: name) else { continue }
                unanswered.remove(at: place)
                if partition.errorCode == .none {
                    acknowledged(name, Offset(partition.baseOffset), &effects)
                } else if partition.errorCode == .duplicateSequenceNumber {
                    // Written long ago, and the broker no longer knows where.
                    acknowledged(name, .none, &effects)
                } else {
                    let message = partition.errorMessage ?? partition.recordErrors.first?.batchIndexErrorMessage
                    refused(name, .kafka(partition.errorCode, message: message), &effects, now: now)
                }
            }
        }
        for name in unanswered { refused(name, .malformed(api: APIKey.produce.name), &effects, now: now) }
    }

    private mutating func acknowledged(_ name: TopicPartition, _ base: Offset, _ effects: inout Effects) {
        guard let batch = queues[name]?.batch else { return }
        queues.update(name) { queue in
            queue.batch = nil
            queue.isUnderWay = false
            queue.backoff.succeeded()
            queue.nextSequence = BatchHeader.sequence(queue.nextSequence, advancedBy: batch.records)
        }
        for (index, item) in batch.items.enumerated() {
            bufferedBytes -= item.record.size
            let offset = base < .zero ? Offset.none : base + Int64(index)
            effects.append(.output(.delivered(number: item.number, name, offset)))
        }
    }

    private mutating func refused(_ name: TopicPartition, _ error: ClientError, _ effects: inout Effects, now: Now) {
        guard let batch = queues[name]?.batch else { return }
        queues.update(name) { queue in
            queue.isUnderWay = false
            if !error.saysNotWritten { queue.batch?.mayBeWritten = true }
        }
        let isLost = error.saysSequenceIsLost
        let isWanted = transaction.map { $0.isWriting && !isLost } ?? true
        guard isWanted, error.isRetriable || isLost, batch.deadline > now.instant else { return abandon(name, error, &effects) }
        let wait = queues.update(name) { $0.backoff.failed(&random) } ?? 0
        queues.update(name) { $0.notBefore = now.instant.adding(milliseconds: wait) }
        if isLost { renumber(name) }
        // Whoever answered may no longer be the leader.
        metadata.distrust(name.topic)
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
