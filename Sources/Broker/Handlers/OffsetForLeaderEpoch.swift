import Primitives
import Replication
import Storage
import Wire

/// OffsetForLeaderEpoch (23), versions 2 to 4: the largest leader epoch not above the one asked for, and where its records end (KIP-101,
/// KIP-320). Consumers ask it after a change of leader, to learn whether what they read is still there. Unknown epoch: -1, -1.
extension Broker {
    mutating func handleOffsetForLeaderEpoch(_ context: RequestContext, _ request: OffsetForLeaderEpochRequest) {
        var response = OffsetForLeaderEpochResponse()
        for topic in request.topics {
            var answer = OffsetForLeaderEpochResponse.Topic()
            answer.topic = topic.topic
            answer.partitions = topic.partitions.map { epochEnd(topic.topic, $0) }
            response.topics.append(answer)
        }
        respond(context, response)
    }

    private func epochEnd(
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
