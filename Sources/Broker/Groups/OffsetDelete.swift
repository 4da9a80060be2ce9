import Controller
import Groups
import Wire

/// OffsetDelete (47), version 0: forgets committed offsets of topics that the group does not subscribe to (KIP-496).
extension Broker {
    mutating func handleOffsetDelete(_ context: RequestContext, _ request: OffsetDeleteRequest) {
        guard isAllowed(.delete, .group, request.groupID, context) else {
            var response = OffsetDeleteResponse()
            response.errorCode = .groupAuthorizationFailed
            return respond(context, response)
        }
        let refused = request.topics.map { topic in
            if !isAllowed(.read, .topic, topic.name, context) { return topic.partitions.map { _ in ErrorCode.topicAuthorizationFailed } }
            return topic.partitions.map { partitionExists(topic.name, $0.partitionIndex) ? ErrorCode.none : .unknownTopicOrPartition }
        }
        coordinate(context, .deleteOffsets(request), refused: refused)
    }
}
