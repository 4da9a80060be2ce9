import ClientCore
import Primitives
import Wire

// Facts about transactions and users.
extension FactReader {
    /// Each leader is asked once for its partitions.
    func producerRequests(_ partitions: [TopicPartition]) -> [(PlanRead, ClientRequest)] {
        var led = OrderedMap<BrokerID, [TopicPartition]>()
        for partition in partitions.uniqued() {
            if let leader = facts.leader(partition) { led[leader, default: []].append(partition) }
        }
        return led.map { leader, partitions in
            (.producers(partitions), ClientRequest(describeProducersRequest(partitions), to: .broker(leader)))
        }
    }

    mutating func take(_ answer: DescribeProducersResponse) {
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                if partition.errorCode.isError {
                    facts.producerErrors[name] = partition.errorCode
                } else {
                    facts.producers[name] = partition.activeProducers.map { ActiveProducer($0) }
                }
            }
        }
    }

    mutating func takeAdmin(_ result: AnswerResult) throws(ClientError) {
        guard case .success(let answer) = result else {
            if case .failure(let error) = result { throw error }
            return
        }
        switch answer.message {
        case let listed as ListTransactionsResponse:
            if let error = ClientError.of(listed.errorCode) { throw error }
            for transaction in TransactionSnapshot.all(in: listed, from: answer.broker) { facts.transactions[transaction.id] = transaction }
        case let described as DescribeTransactionsResponse:
            for state in described.transactionStates {
                // An id that its coordinator has forgotten is none any more.
                if state.errorCode == .transactionalIDNotFound {
                    facts.transactions.remove(state.transactionalID)
                    continue
                }
                if let error = ClientError.of(state.errorCode) { throw error }
                facts.transactions[state.transactionalID] = TransactionSnapshot(state, coordinator: answer.broker)
            }
        case let users as DescribeUserScramCredentialsResponse:
            if let error = ClientError.of(users.errorCode, users.errorMessage) { throw error }
            facts.users = ScramUserSnapshot.all(in: users)
        default: throw .malformed(api: "\(type(of: answer.message))")
        }
    }
}
