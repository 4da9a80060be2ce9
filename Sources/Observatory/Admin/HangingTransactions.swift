import Primitives
import Wire

/// Which of the transactions that partitions hold open nobody will end: those of which no coordinator knows that the partition is in them.
enum HangingTransactions {
    /// `listed` are all transactional ids of the cluster, described where their producer is among `producers`.
    static func judge(
        _ producers: OrderedMap<TopicPartition, [ActiveProducer]>, listed: OrderedMap<String, TransactionSnapshot>,
        before: [OpenTransaction]
    ) -> [OpenTransaction] {
        var owners = OrderedMap<Int64, TransactionSnapshot>()
        for transaction in listed.values { owners[transaction.producerID] = transaction }
        return producers.flatMap { partition, active in
            active.filter { $0.transactionStart != nil }.map { producer in
                let owner = owners[producer.producerID]
                var open = OpenTransaction(partition, producer, transactionalID: owner?.id, standing: .underWay)
                if let owner, owner.error != nil || owner.isOpen && owner.partitions.contains(partition) { return open }
                let wasUnclaimed = before.contains { $0.isSame(open) && $0.standing != .underWay }
                open.standing = wasUnclaimed ? .hanging : .unclaimed
                return open
            }
        }
    }
}

// What Kafka's answers say.
extension TransactionSnapshot {
    /// Every id that an answer lists.
    static func all(in answer: ListTransactionsResponse, from broker: BrokerID) -> [TransactionSnapshot] {
        answer.transactionStates.map {
            TransactionSnapshot(id: $0.transactionalID, coordinator: broker, producerID: $0.producerID, state: $0.transactionState)
        }
    }

    init(_ state: DescribeTransactionsResponse.TransactionState, coordinator: BrokerID) {
        self.init(id: state.transactionalID, coordinator: coordinator, producerID: state.producerID, state: state.transactionState)
        guard !state.errorCode.isError else {
            error = state.errorCode.name
            return
        }
        (producerEpoch, timeoutMs) = (state.producerEpoch, state.transactionTimeoutMs)
        startedAt = state.transactionStartTimeMs >= 0 ? Timestamp(milliseconds: state.transactionStartTimeMs) : nil
        partitions = state.topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }.sorted()
    }
}

extension ActiveProducer {
    init(_ producer: DescribeProducersResponse.Producer) {
        self.init(
            producerID: producer.producerID, producerEpoch: producer.producerEpoch, coordinatorEpoch: producer.coordinatorEpoch,
            lastSequence: producer.lastSequence, lastTimestamp: Timestamp(milliseconds: producer.lastTimestamp),
            transactionStart: producer.currentTxnStartOffset >= 0 ? Offset(producer.currentTxnStartOffset) : nil)
    }
}

extension ScramUserSnapshot {
    package static func all(in answer: DescribeUserScramCredentialsResponse) -> [ScramUserSnapshot] {
        answer.results.filter { !$0.errorCode.isError }.map { user in
            ScramUserSnapshot(
                user.user,
                user.credentialInfos.map { info in
                    let name = ScramMechanism(rawValue: info.mechanism)?.name ?? "unknown \(info.mechanism)"
                    return Credential(name, iterations: info.iterations)
                })
        }.sorted { $0.name < $1.name }
    }
}

/// A question about the producers of partitions, topic by topic.
func describeProducersRequest(_ partitions: [TopicPartition]) -> DescribeProducersRequest {
    var request = DescribeProducersRequest()
    for partition in partitions.sorted() {
        if request.topics.last?.name != partition.topic {
            var topic = DescribeProducersRequest.Topic()
            topic.name = partition.topic
            request.topics.append(topic)
        }
        request.topics[request.topics.count - 1].partitionIndexes.append(partition.partition)
    }
    return request
}
