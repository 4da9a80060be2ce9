import Controller
import Primitives
import Replication
import Storage
import Wire

/// DescribeProducers (61), version 0: the producers a partition's leader knows, with the transactions they have open (KIP-664). An unknown
/// partition is answered at once, so that tools end.
extension Broker {
    mutating func handleDescribeProducers(_ context: RequestContext, _ request: DescribeProducersRequest) {
        var response = DescribeProducersResponse()
        response.topics = request.topics.map { topic in
            var row = DescribeProducersResponse.Topic()
            row.name = topic.name
            // Each partition once: a short request must not ask for the same long answer a million times.
            var seen: Set<Int32> = []
            row.partitions = topic.partitionIndexes.filter { seen.insert($0).inserted }.map { index in
                guard isAllowed(.read, .topic, topic.name, context) else {
                    var refused = DescribeProducersResponse.Partition()
                    (refused.partitionIndex, refused.errorCode) = (index, .topicAuthorizationFailed)
                    return refused
                }
                return describeProducers(topic.name, index)
            }
            return row
        }
        respond(context, response)
    }

    private func describeProducers(_ topic: String, _ index: Int32) -> DescribeProducersResponse.Partition {
        var row = DescribeProducersResponse.Partition()
        row.partitionIndex = index
        if let problem = TopicNames.problem(topic) {
            row.errorCode = .invalidTopicException
            row.errorMessage = problem
        } else if image.partition(TopicPartition(topic, index)) == nil {
            row.errorCode = .unknownTopicOrPartition
        } else if let replica = replicas.find(topic, index), replica.isLeader {
            row.activeProducers = replica.log.producers.map(describe)
        } else {
            row.errorCode = .notLeaderOrFollower
        }
        return row
    }

    private func describe(_ producer: ProducerState) -> DescribeProducersResponse.Producer {
        var row = DescribeProducersResponse.Producer()
        row.producerID = producer.producerID
        row.producerEpoch = Int32(producer.producerEpoch)
        row.lastSequence = producer.lastSequence
        row.lastTimestamp = producer.lastTimestamp.milliseconds
        row.coordinatorEpoch = producer.coordinatorEpoch
        row.currentTxnStartOffset = (producer.transactionFirstOffset ?? .none).rawValue
        return row
    }
}
