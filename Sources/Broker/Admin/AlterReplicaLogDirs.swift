import Controller
import Primitives
import Replication
import Storage
import Wire

/// AlterReplicaLogDirs (34), versions 1 to 2: moves replicas between the data directories of a broker (KIP-113). This one has a single
/// directory: a replica can only be told to stay where it is.
extension Broker {
    mutating func handleAlterReplicaLogDirs(_ context: RequestContext, _ request: AlterReplicaLogDirsRequest) {
        let mayAlter = isAllowed(.alter, context)
        var results: OrderedMap<String, OrderedMap<Int32, ErrorCode>> = OrderedMap()
        for target in request.dirs {
            for topic in target.topics {
                for index in topic.partitions {
                    let code = mayAlter ? moveRefusal(topic.name, index, to: target.path) : .clusterAuthorizationFailed
                    results[topic.name, default: OrderedMap()][index] = code
                }
            }
        }
        var response = AlterReplicaLogDirsResponse()
        response.results = results.map { name, partitions in
            var topic = AlterReplicaLogDirsResponse.Result()
            topic.topicName = name
            topic.partitions = partitions.map { index, code in
                var partition = AlterReplicaLogDirsResponse.Partition()
                (partition.partitionIndex, partition.errorCode) = (index, code)
                return partition
            }
            return topic
        }
        respond(context, response)
    }

    private func moveRefusal(_ topic: String, _ index: Int32, to path: String) -> ErrorCode {
        guard path == directory?.path else { return .logDirNotFound }
        if replication.storageFailure != nil { return .kafkaStorageError }
        guard image.partition(TopicPartition(topic, index)) != nil else { return .unknownTopicOrPartition }
        return replicas.find(topic, index) == nil ? .notLeaderOrFollower : .none
    }
}
