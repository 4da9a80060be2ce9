import ClientCore
import Primitives
import Wire

// What the fake cluster answers to those who move replicas.
extension FakeCluster {
    func describeCluster() -> DescribeClusterResponse {
        var response = DescribeClusterResponse()
        response.brokers = (brokers + fenced).map { id in
            var broker = DescribeClusterResponse.Broker()
            (broker.brokerID, broker.host, broker.port, broker.isFenced) = (id, "b\(id)", 9092, fenced.contains(id))
            return broker
        }
        return response
    }

    func listReassignments() -> ListPartitionReassignmentsResponse {
        var response = ListPartitionReassignmentsResponse()
        for (name, known) in topics.sorted(by: { $0.key < $1.key }) {
            var topic = ListPartitionReassignmentsResponse.Topic()
            topic.name = name
            for (index, known) in known.partitions.enumerated() where !known.adding.isEmpty || !known.removing.isEmpty {
                var partition = ListPartitionReassignmentsResponse.Partition()
                (partition.partitionIndex, partition.replicas) = (Int32(index), known.replicas)
                (partition.addingReplicas, partition.removingReplicas) = (known.adding, known.removing)
                topic.partitions.append(partition)
            }
            if !topic.partitions.isEmpty { response.topics.append(topic) }
        }
        return response
    }

    /// A reassignment that only orders replicas anew is complete at once; others go on until `finishReassignments`.
    mutating func reassign(_ request: AlterPartitionReassignmentsRequest) -> AlterPartitionReassignmentsResponse {
        var response = AlterPartitionReassignmentsResponse()
        for topic in request.topics {
            var answered = AlterPartitionReassignmentsResponse.Topic()
            answered.name = topic.name
            for wanted in topic.partitions {
                var outcome = AlterPartitionReassignmentsResponse.Partition()
                outcome.partitionIndex = wanted.partitionIndex
                if !isLying { topics[topic.name]?.partitions[Int(wanted.partitionIndex)].reassign(wanted.replicas) }
                answered.partitions.append(outcome)
            }
            response.responses.append(answered)
        }
        return response
    }

    mutating func finishReassignments() {
        for name in topics.keys {
            for index in topics[name]!.partitions.indices { topics[name]!.partitions[index].finish() }
        }
    }

    mutating func elect(_ request: ElectLeadersRequest) -> ElectLeadersResponse {
        var response = ElectLeadersResponse()
        for topic in request.topicPartitions ?? [] {
            for index in topic.partitions where !isLying {
                let known = topics[topic.topic]!.partitions[Int(index)]
                let next = request.electionType == 0 ? known.replicas.first : known.replicas.first { brokers.contains($0) }
                topics[topic.topic]!.partitions[Int(index)].leader = next ?? -1
            }
        }
        response.replicaElectionResults = []
        return response
    }

    mutating func alter(_ request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
        guard !request.validateOnly && !isLying else { return IncrementalAlterConfigsResponse() }
        for resource in request.resources {
            for config in resource.configs {
                let value = config.configOperation == 0 ? config.value : nil
                if resource.resourceType == 2 {
                    topics[resource.resourceName]?.overrides[config.name] = value
                } else if let id = Int32(resource.resourceName) {
                    brokerOverrides[id, default: [:]][config.name] = value
                }
            }
        }
        return IncrementalAlterConfigsResponse()
    }
}

extension FakeCluster.Partition {
    mutating func reassign(_ wanted: [Int32]?) {
        guard let wanted else {
            replicas.removeAll { adding.contains($0) }
            (adding, removing) = ([], [])
            return
        }
        let stable = replicas.filter { !adding.contains($0) }
        adding = wanted.filter { !stable.contains($0) }
        removing = stable.filter { !wanted.contains($0) }
        replicas = wanted + removing
    }

    mutating func finish() {
        replicas.removeAll { removing.contains($0) }
        isr = replicas
        if !replicas.contains(leader) { leader = replicas.first ?? -1 }
        (adding, removing) = ([], [])
    }
}
