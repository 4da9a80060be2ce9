import Primitives
import Replication
import Storage
import Wire

/// OffsetForLeaderEpoch (23), versions 2 to 4: the largest leader epoch not above the one asked for, and where its records end (KIP-101,
/// KIP-320). Consumers ask it after a change of leader, to learn whether what they read is still there. Unknown epoch: -1, -1.
extension Broker {
    mutating func handleOffsetForLeaderEpoch(_ context: RequestContext, _ request: OffsetForLeaderEpochRequest) {
        var response = OffsetForLeaderEpochResponse()
        // Nodes of the cluster ask it of each other.
        let isNode = isAllowed(.clusterAction, context)
        for topic in request.topics {
            var answer = OffsetForLeaderEpochResponse.Topic()
            answer.topic = topic.topic
            let isDenied = !isNode && !isAllowed(.describe, .topic, topic.topic, context)
            answer.partitions = topic.partitions.map { partition in
                guard isDenied else { return epochEnd(topic.topic, partition) }
                var refusal = OffsetForLeaderEpochResponse.Partition()
                (refusal.partition, refusal.errorCode) = (partition.partition, .topicAuthorizationFailed)
                return refusal
            }
            response.topics.append(answer)
        }
        respond(context, response)
    }

    private mutating func epochEnd(
        _ topic: String, _ partition: OffsetForLeaderEpochRequest.Partition
    ) -> OffsetForLeaderEpochResponse.Partition {
        var answer = OffsetForLeaderEpochResponse.Partition()
        answer.partition = partition.partition
        let replica = replicas.find(topic, partition.partition)
        answer.errorCode = check(replica, partition.currentLeaderEpoch)
        guard let replica, !answer.errorCode.isError else { return answer }
        if let end = replica.endOffset(forEpoch: LeaderEpoch(partition.leaderEpoch)) {
            answer.leaderEpoch = end.epoch.rawValue
            answer.endOffset = end.endOffset.rawValue
        }
        return answer
    }
}
