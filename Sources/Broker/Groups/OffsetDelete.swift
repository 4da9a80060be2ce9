import Controller
import Groups
import Wire

/// OffsetDelete (47), version 0: forgets committed offsets of topics that the group does not subscribe to (KIP-496).
extension Broker {
    mutating func handleOffsetDelete(_ context: RequestContext, _ request: OffsetDeleteRequest) {
        let refused = request.topics.map { topic in
            topic.partitions.map { partitionExists(topic.name, $0.partitionIndex) ? ErrorCode.none : .unknownTopicOrPartition }
        }
        coordinate(context, .deleteOffsets(request), refused: refused)
    }
}
