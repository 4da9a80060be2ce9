import Primitives
import Wire

/// AddPartitionsToTxn and AddOffsetsToTxn: what a transaction reaches is written down before anything is written there, so that every
/// partition gets its marker.
extension TransactionCoordinator {
    mutating func addPartitions(
        _ request: AddPartitionsToTxnRequest, _ refused: OrderedMap<Int, AddPartitionsToTxnResponse.TransactionResult>,
        _ caller: TransactionCaller, _ now: Now
    ) {
        if caller.apiVersion < 4 {
            let add = WaitingAdd(
                producerID: request.v3AndBelowProducerID, producerEpoch: request.v3AndBelowProducerEpoch,
                partitions: request.v3AndBelowTopics.places, clientVersion: 0,
                answer: .client(caller.token, request, version: caller.apiVersion))
            return addPartitions(add, to: request.v3AndBelowTransactionalID, now)
        }
        guard !request.transactions.isEmpty else {
            return effects.append(.respond(caller.token, .addPartitions(AddPartitionsToTxnResponse())))
        }
        batches[caller.token] = AddBatch(
            request: request, results: request.transactions.indices.map { refused[$0] },
            missing: request.transactions.count - refused.count)
        finishBatch(caller.token)
        for (index, transaction) in request.transactions.enumerated() where refused[index] == nil {
            let answer = AddAnswer.batch(caller.token, index: index)
            if transaction.verifyOnly {
                verify(transaction, answer)
            } else {
                let add = WaitingAdd(
                    producerID: transaction.producerID, producerEpoch: transaction.producerEpoch, partitions: transaction.topics.places,
                    clientVersion: caller.apiVersion >= 5 && level >= 2 ? 2 : 0, answer: answer)
                addPartitions(add, to: transaction.transactionalID, now)
            }
        }
    }

    mutating func addOffsets(_ request: AddOffsetsToTxnRequest, _ place: TopicPartition, _ caller: TransactionCaller, _ now: Now) {
        let add = WaitingAdd(
            producerID: request.producerID, producerEpoch: request.producerEpoch, partitions: [place], clientVersion: 0,
            answer: .offsets(caller.token, version: caller.apiVersion))
        addPartitions(add, to: request.transactionalID, now)
    }

    mutating func addPartitions(_ add: WaitingAdd, to id: String, _ now: Now) {
        if id.isEmpty { return answer(add.answer, .invalidRequest) }
        if let error = unavailability(of: id) { return answer(add.answer, error) }
        guard let known = self[id] else { return answer(add.answer, .invalidProducerIDMapping) }
        if let pending = known.pending {
            // Another broker adds at the same moment; what it adds is ours to add to a moment later.
            guard pending == .ongoing, case .batch = add.answer, known.waiting.count < 1000 else {
                return answer(add.answer, .concurrentTransactions)
            }
            return change(id) { $0.waiting.append(add) }
        }
        if let error = known.refusal(add.producerID, add.producerEpoch) { return answer(add.answer, error) }
        if known.state.isPrepared { return answer(add.answer, .concurrentTransactions) }
        if known.state == .ongoing, add.partitions.allSatisfy({ known.partitions[$0] != nil }) { return answer(add.answer, .none) }
        var next = known.next(.ongoing, now: now.wall)
        if known.state != .ongoing {
            next.start = now.wall
            next.partitions = OrderedMap()
        }
        for place in add.partitions { next.partitions[place] = true }
        guard next.partitions.count <= config.partitionsMax else { return answer(add.answer, .policyViolation) }
        next.clientVersion = add.clientVersion
        next.nextProducerID = -1
        write(next, then: .added(add.answer), now)
    }

    /// Whether the partitions are in the transaction: a broker asks before it appends, so that nothing is written that no marker will end.
    private mutating func verify(_ asked: AddPartitionsToTxnRequest.Transaction, _ answer: AddAnswer) {
        let id = asked.transactionalID
        if let error = unavailability(of: id) { return self.answer(answer, error) }
        guard let known = self[id] else { return self.answer(answer, .invalidProducerIDMapping) }
        if let error = known.refusal(asked.producerID, asked.producerEpoch) { return self.answer(answer, error) }
        if known.state.isPrepared || known.pending?.isPrepared == true { return self.answer(answer, .concurrentTransactions) }
        let isOngoing = known.state == .ongoing
        self.answer(answer, .none) { isOngoing && known.partitions[$0] != nil ? .none : .transactionAbortable }
    }

    // MARK: answers

    /// Tells one who has added what came of it; `each` tells partitions apart where `code` is none.
    mutating func answer(_ answer: AddAnswer, _ code: ErrorCode, _ each: ((TopicPartition) -> ErrorCode)? = nil) {
        switch answer {
        case .offsets(let token, let version):
            var response = AddOffsetsToTxnResponse()
            response.errorCode = code == .producerFenced && version < 2 ? .invalidProducerEpoch : code
            effects.append(.respond(token, .addOffsets(response)))
        case .client(let token, let request, let version):
            let code = code == .producerFenced && version < 2 ? ErrorCode.invalidProducerEpoch : code
            var response = AddPartitionsToTxnResponse()
            response.resultsByTopicV3AndBelow = request.v3AndBelowTopics.results { _ in code }
            effects.append(.respond(token, .addPartitions(response)))
        case .batch(let token, let index):
            batches.update(token) { batch in
                let asked = batch.request.transactions[index]
                var result = AddPartitionsToTxnResponse.TransactionResult()
                result.transactionalID = asked.transactionalID
                result.topicResults = asked.topics.results { code.isError ? code : each?($0) ?? .none }
                batch.results[index] = result
                batch.missing -= 1
            }
            finishBatch(token)
        }
    }

    private mutating func finishBatch(_ token: TransactionToken) {
        guard let batch = batches[token], batch.missing == 0 else { return }
        batches.remove(token)
        var response = AddPartitionsToTxnResponse()
        response.resultsByTransaction = batch.results.compactMap { $0 }
        effects.append(.respond(token, .addPartitions(response)))
    }
}

extension Transaction {
    /// Why a request of this producer is not one of the producer we know.
    func refusal(_ id: Int64, _ epoch: Int16) -> ErrorCode? {
        if id != producerID { return .invalidProducerIDMapping }
        return epoch == producerEpoch ? nil : .producerFenced
    }
}

extension [AddPartitionsToTxnRequest.Topic] {
    package var places: [TopicPartition] { flatMap { topic in topic.partitions.map { TopicPartition(topic.name, $0) } } }

    /// The answer for each partition, in the request's order.
    package func results(_ code: (TopicPartition) -> ErrorCode) -> [AddPartitionsToTxnResponse.TopicResult] {
        map { topic in
            var result = AddPartitionsToTxnResponse.TopicResult()
            result.name = topic.name
            result.resultsByPartition = topic.partitions.map { index in
                var partition = AddPartitionsToTxnResponse.PartitionResult()
                partition.partitionIndex = index
                partition.partitionErrorCode = code(TopicPartition(topic.name, index))
                return partition
            }
            return result
        }
    }
}
