import Controller
import Groups
import Primitives
import Wire

/// OffsetCommit (8), versions 2 to 9 (10 with topic ids): answered once the offsets are in the log. Partitions that do not exist are
/// refused one by one; v2–4 may say how long to keep the offsets.
extension Broker {
    mutating func handleOffsetCommit(_ context: RequestContext, _ request: OffsetCommitRequest) {
        guard isAllowed(.read, .group, request.groupID, context) else { return refuse(context, request) }
        var request = request
        var refused: [[ErrorCode]] = []
        for index in request.topics.indices {
            let topic = request.topics[index]
            var unknown = ErrorCode.unknownTopicOrPartition
            if context.version >= 10 {
                unknown = image.topicName(topic.topicID) == nil ? .unknownTopicID : unknown
                request.topics[index].name = image.topicName(topic.topicID) ?? ""
            }
            let name = request.topics[index].name
            if !name.isEmpty, !isAllowed(.read, .topic, name, context) {
                refused.append(topic.partitions.map { _ in .topicAuthorizationFailed })
                continue
            }
            refused.append(topic.partitions.map { partitionExists(name, $0.partitionIndex) ? .none : unknown })
        }
        coordinate(context, .commit(request), refused: refused)
    }

    private mutating func refuse(_ context: RequestContext, _ request: OffsetCommitRequest) {
        var response = OffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var row = OffsetCommitResponse.Topic()
            (row.name, row.topicID) = (topic.name, topic.topicID)
            row.partitions = topic.partitions.map { asked in
                var partition = OffsetCommitResponse.Partition()
                (partition.partitionIndex, partition.errorCode) = (asked.partitionIndex, .groupAuthorizationFailed)
                return partition
            }
            return row
        }
        respond(context, response)
    }

    func partitionExists(_ topic: String, _ partition: Int32) -> Bool { image.partition(TopicPartition(topic, partition)) != nil }
}
