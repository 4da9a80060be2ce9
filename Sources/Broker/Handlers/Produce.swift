import Controller
import Primitives
import Records
import Replication
import Storage
import Wire

/// Produce (0), versions 3 to 13, from 13 on with topic ids: appends one batch per partition.
/// acks=0: no response, and an error closes the connection, so that the
/// client refreshes its metadata. acks=1: answered after the append. acks=all: answered once the high watermark has passed it, refused
/// before the append where too few replicas are in sync. A full or failing disk answers KAFKA_STORAGE_ERROR, which clients retry.
/// What is in a transaction waits first for the word of its coordinator (Transactions/TransactionalProduce.swift).
extension Broker {
    mutating func handleProduce(_ context: RequestContext, _ request: ProduceRequest) {
        var request = request
        if context.version >= 13 {
            for index in request.topics.indices { request.topics[index].name = image.topicName(request.topics[index].topicID) ?? "" }
        }
        produceVerified(context, request)
    }

    /// Appends what may be appended, and answers, or waits for the followers.
    mutating func appendProduced(_ context: RequestContext, _ request: ProduceRequest, _ verdicts: ProduceVerdicts) {
        var response = ProduceResponse()
        let mayWrite = mayProduceTransactionally(context, request)
        var waiting: [ParkedAppend] = []
        for topic in request.topics {
            var answer = ProduceResponse.Topic()
            answer.name = topic.name
            answer.topicID = topic.topicID
            let isDenied = !isAllowed(.write, .topic, topic.name, context)
            for partition in topic.partitions {
                var outcome = (answer: produceRefused(.topicAuthorizationFailed), append: ParkedAppend?.none)
                if !mayWrite {
                    outcome.answer = produceRefused(.transactionalIDAuthorizationFailed)
                } else if !isDenied {
                    outcome = produce(partition, of: topic, request, verdicts, context.version)
                }
                if var append = outcome.append {
                    (append.topicIndex, append.partitionIndex) = (response.topics.count, answer.partitions.count)
                    waiting.append(append)
                }
                outcome.answer.index = partition.index
                answer.partitions.append(outcome.answer)
            }
            response.topics.append(answer)
        }
        finishProduce(context, request, response, waiting)
    }

    /// Transactional batches need a transactional id, and leave to write with it.
    private func mayProduceTransactionally(_ context: RequestContext, _ request: ProduceRequest) -> Bool {
        let isTransactional = request.topics.contains { topic in
            topic.partitions.contains { partition in
                guard let bytes = partition.records.inMemory, let header = try? BatchHeader.parse(bytes) else { return false }
                return header.magic == 2 && header.isTransactional
            }
        }
        guard isTransactional else { return true }
        guard let id = request.transactionalID else { return false }
        return isAllowed(.write, .transactionalID, id, context)
    }

    private mutating func finishProduce(
        _ context: RequestContext, _ request: ProduceRequest, _ response: ProduceResponse, _ waiting: [ParkedAppend]
    ) {
        if request.acks == 0 {
            let failed = response.topics.flatMap(\.partitions).first { $0.errorCode.isError }
            guard let failed else { return proceed(context) }
            return closeConnection(context, "produce with acks=0 failed: \(failed.errorCode.name)")
        }
        var response = response
        if context.version >= 10 { response.nodeEndpoints = newLeaders(response, context.listener) }
        guard !waiting.isEmpty else { return respond(context, response) }
        let deadline = now.instant.adding(milliseconds: Int64(max(0, request.timeoutMs)))
        var context = context
        context.dropBody()
        parked.park(.produce(ParkedProduce(context: context, response: response, appends: waiting)), until: deadline)
        readAhead(context)
    }

    /// Appends one partition's batch. `append` is set where the answer has to wait for the high watermark.
    private mutating func produce(
        _ partition: ProduceRequest.Partition, of topic: ProduceRequest.Topic, _ request: ProduceRequest, _ verdicts: ProduceVerdicts,
        _ version: Int16
    ) -> (answer: ProduceResponse.Partition, append: ParkedAppend?) {
        if let refusal = refusal(of: topic, request, version) { return (refusal, nil) }
        guard let replica = replicas.find(topic.name, partition.index) else { return (produceRefused(.unknownTopicOrPartition), nil) }
        guard replica.isLeader else { return (notLeader(topic.name, partition.index, version), nil) }
        guard let batches = partition.records.inMemory, !batches.isEmpty else {
            return (produceRefused(.invalidRecord, "A produce needs exactly one record batch per partition."), nil)
        }
        if request.acks == -1, replica.isUnderMinISR { return (produceRefused(.notEnoughReplicas), nil) }
        if let refusal = transactionalRefusal(partition, replica, verdicts, version) {
            return (produceRefused(refusal.code, refusal.message), nil)
        }
        do throws(LogError) {
            let result = try append(batches, to: replica, origin: .client(produceVersion: version))
            var answer = ProduceResponse.Partition()
            answer.baseOffset = result.baseOffset.rawValue
            answer.logAppendTimeMs = result.logAppendTime.milliseconds
            answer.logStartOffset = result.logStartOffset.rawValue
            let mustWait = request.acks == -1 || (request.acks == 1 && waitsForDisk(replica))
            guard mustWait, result.lastOffset >= replica.highWatermark else { return (answer, nil) }
            let append = ParkedAppend(replica: replica, lastOffset: result.lastOffset, leadership: replica.leaderships)
            return (answer, append)
        } catch {
            return (produceFailure(error, replica), nil)
        }
    }

    /// What is wrong with a produce whatever its partition.
    private func refusal(of topic: ProduceRequest.Topic, _ request: ProduceRequest, _ version: Int16) -> ProduceResponse.Partition? {
        guard (-1...1).contains(request.acks) else { return produceRefused(.invalidRequiredAcks) }
        if version >= 13, topic.name.isEmpty { return produceRefused(.unknownTopicID) }
        guard !TopicNames.isInternal(topic.name) else {
            return produceRefused(.invalidTopicException, "Only coordinators write to \(topic.name).")
        }
        return nil
    }

    /// With the leader there is instead, so that the client need not ask (KIP-951).
    private func notLeader(_ topic: String, _ index: Int32, _ version: Int16) -> ProduceResponse.Partition {
        var answer = produceRefused(.notLeaderOrFollower)
        if version >= 10, let partition = image.partition(TopicPartition(topic, index)), let leader = partition.leader {
            answer.currentLeader.leaderID = leader.rawValue
            answer.currentLeader.leaderEpoch = partition.leaderEpoch.rawValue
        }
        return answer
    }

    /// Where the leaders are that an answer names.
    private mutating func newLeaders(_ response: ProduceResponse, _ listener: String) -> [ProduceResponse.NodeEndpoint] {
        var named = OrderedMap<Int32, Bool>()
        for topic in response.topics {
            for partition in topic.partitions where partition.currentLeader.leaderID >= 0 { named[partition.currentLeader.leaderID] = true }
        }
        return named.keys.compactMap { id in
            guard let broker = image.brokers[BrokerID(id)], let endpoint = broker.endpoint(listener) else { return nil }
            var node = ProduceResponse.NodeEndpoint()
            node.nodeID = id
            node.host = endpoint.host
            node.port = Int32(endpoint.port)
            node.rack = broker.rack
            return node
        }
    }

    private func produceRefused(_ code: ErrorCode, _ message: String? = nil) -> ProduceResponse.Partition {
        var answer = ProduceResponse.Partition()
        answer.errorCode = code
        answer.errorMessage = message
        answer.baseOffset = -1
        return answer
    }

    private mutating func produceFailure(_ error: LogError, _ replica: Replica) -> ProduceResponse.Partition {
        var answer = produceRefused(ErrorCode(rawValue: error.kafkaCode), error.message)
        if case .batch(let batch) = error {
            answer.recordErrors = batch.recordErrors.prefix(1000).map { record in
                var out = ProduceResponse.RecordError()
                out.batchIndex = record.index
                out.batchIndexErrorMessage = record.message
                return out
            }
        }
        switch error {
        // What is wrong with the producer is told with where the log begins, as Kafka does.
        case .outOfOrderSequence, .invalidProducerEpoch, .invalidTransactionState:
            answer.logStartOffset = replica.log.logStartOffset.rawValue
        default: break
        }
        storageFailed(error, replica)
        return answer
    }

    /// Looks at a waiting produce after something happened to one of its partitions; answers it when nothing is left to wait for.
    mutating func recheckProduce(_ ticket: UInt64, _ produce: ParkedProduce) {
        var response = produce.response
        var left = false
        for append in produce.appends {
            if let code = outcome(of: append) { settle(&response, append, code, produce.context.version) } else { left = true }
        }
        guard !left else { return }
        parked.take(ticket)
        if produce.context.version >= 10 { response.nodeEndpoints = newLeaders(response, produce.context.listener) }
        respond(produce.context, response)
    }

    /// The time of a waiting produce is up.
    mutating func expireProduce(_ produce: ParkedProduce) {
        var response = produce.response
        for append in produce.appends { settle(&response, append, outcome(of: append) ?? .requestTimedOut, produce.context.version) }
        respond(produce.context, response)
    }

    private func settle(_ response: inout ProduceResponse, _ append: ParkedAppend, _ code: ErrorCode, _ version: Int16) {
        guard code.isError else { return }
        if code == .notLeaderOrFollower {
            let partition = append.replica.partition
            response.topics[append.topicIndex].partitions[append.partitionIndex].currentLeader =
                notLeader(partition.topic, partition.partition, version).currentLeader
        }
        // The base offset stays: the batch is in the leader's log, and may yet be committed.
        response.topics[append.topicIndex].partitions[append.partitionIndex].errorCode = code
    }

    /// What became of an append: nil while it waits.
    func outcome(of append: ParkedAppend) -> ErrorCode? {
        guard append.replica.isLeader, append.replica.leaderships == append.leadership else {
            return mutations.contains(.keepFencedAppend) ? ErrorCode.none : .notLeaderOrFollower
        }
        if mutations.contains(.acknowledgeBeforeISR) { return ErrorCode.none }
        if replication.storageFailure != nil { return .kafkaStorageError }
        guard append.lastOffset < append.replica.highWatermark else { return nil }
        return append.replica.isUnderMinISR ? .notEnoughReplicasAfterAppend : ErrorCode.none
    }
}
