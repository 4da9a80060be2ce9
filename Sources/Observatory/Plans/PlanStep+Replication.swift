import ClientCore
import Primitives
import Wire

// The requests of plans that move replicas.
extension PlanStep {
    static func reassign(_ partitions: [PartitionReplicas]) -> ClientRequest {
        var request = AlterPartitionReassignmentsRequest()
        request.timeoutMs = PlanLimits.brokerMs
        for wanted in partitions.sorted(by: { $0.partition < $1.partition }) {
            if request.topics.last?.name != wanted.partition.topic {
                var topic = AlterPartitionReassignmentsRequest.Topic()
                topic.name = wanted.partition.topic
                request.topics.append(topic)
            }
            var partition = AlterPartitionReassignmentsRequest.Partition()
            partition.partitionIndex = wanted.partition.partition
            partition.replicas = wanted.replicas?.map(\.rawValue)
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs)
    }

    static func elect(_ partitions: [TopicPartition], _ unclean: Bool) -> ClientRequest {
        var request = ElectLeadersRequest()
        request.electionType = unclean ? 1 : 0
        request.timeoutMs = PlanLimits.brokerMs
        request.topicPartitions = byTopic(partitions).map { name, indexes in
            var topic = ElectLeadersRequest.TopicPartitions()
            (topic.topic, topic.partitions) = (name, indexes)
            return topic
        }
        // Version 0 can elect preferred leaders only, and would do that when told otherwise.
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs, versions: unclean ? 1...2 : 0...2)
    }

    static func throttle(_ topics: [ThrottledReplicas]) -> ClientRequest {
        var request = IncrementalAlterConfigsRequest()
        request.resources = topics.map { topic in
            resource(
                .topic(topic.topic),
                [(ReplicationKeys.throttledLeaders, topic.leaders), (ReplicationKeys.throttledFollowers, topic.followers)]
                    .map { ($0.0, $0.1.isEmpty ? nil : $0.1) })
        }
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs)
    }

    /// One request for each broker, which checks it against its own settings.
    static func throttle(_ broker: BrokerID, _ rate: Int64?) -> ClientRequest {
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource(.broker(broker), ReplicationKeys.ofBrokers.map { ($0, rate.map(String.init)) })]
        return ClientRequest(request, to: .broker(broker), timeoutMs: PlanLimits.requestMs)
    }

    private static func resource(_ name: ConfigResource, _ values: [(String, String?)]) -> IncrementalAlterConfigsRequest.Resource {
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName) = (name.kind.rawValue, name.name)
        resource.configs = values.map { key, value in
            var config = IncrementalAlterConfigsRequest.Config()
            config.name = key
            config.configOperation = value == nil ? 1 : 0
            config.value = value
            return config
        }
        return resource
    }
}
