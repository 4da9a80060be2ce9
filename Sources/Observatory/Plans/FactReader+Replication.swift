import ClientCore
import Primitives
import Wire

// Facts for plans that move replicas.
extension FactReader {
    mutating func take(_ answer: ListPartitionReassignmentsResponse) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode, answer.errorMessage) { throw error }
        facts.reassignments = OrderedMap()
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                facts.reassignments[name] = ReassignmentSnapshot(
                    partition: name, replicas: partition.replicas.map(BrokerID.init(_:)),
                    adding: partition.addingReplicas.map(BrokerID.init(_:)), removing: partition.removingReplicas.map(BrokerID.init(_:)),
                    since: .none)
            }
        }
    }

    mutating func takeSizes(_ answer: DescribeLogDirsResponse?) {
        for directory in answer?.results ?? [] {
            for topic in directory.topics {
                for partition in topic.partitions where !partition.isFutureKey {
                    let name = TopicPartition(topic.name, partition.partitionIndex)
                    facts.sizes[name] = max(facts.sizes[name] ?? 0, partition.partitionSize)
                }
            }
        }
    }

    mutating func takeThrottles(_ answer: DescribeConfigsResponse?) {
        for result in answer?.results ?? [] where result.errorCode == .none {
            func value(_ key: String) -> String? { result.configs.first { $0.name == key }?.value }
            if result.resourceType == ConfigResource.Kind.topic.rawValue {
                let (leaders, followers) = (value(ReplicationKeys.throttledLeaders) ?? "", value(ReplicationKeys.throttledFollowers) ?? "")
                let isThrottled = !leaders.isEmpty || !followers.isEmpty
                facts.throttled[result.resourceName] =
                    isThrottled ? ThrottledReplicas(result.resourceName, leaders: leaders, followers: followers) : nil
            } else if let id = Int32(result.resourceName) {
                // No limit is Int64's largest value, as a default.
                let rates = ReplicationKeys.ofBrokers.compactMap { value($0).flatMap { Int64($0) } }.filter { $0 != .max }
                facts.rates[BrokerID(id)] = rates.min()
            }
        }
    }
}
