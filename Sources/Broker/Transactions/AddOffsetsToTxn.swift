import Controller
import Groups
import Primitives
import Wire

/// AddOffsetsToTxn (25), versions 0 to 4: the transaction is about to commit offsets of a group, whose partition of `__consumer_offsets`
/// becomes a part of it.
extension Broker {
    mutating func handleAddOffsetsToTxn(_ context: RequestContext, _ request: AddOffsetsToTxnRequest) {
        var response = AddOffsetsToTxnResponse()
        guard isAllowed(.write, .transactionalID, request.transactionalID, context) else {
            response.errorCode = .transactionalIDAuthorizationFailed
            return respond(context, response)
        }
        guard isAllowed(.read, .group, request.groupID, context) else {
            response.errorCode = .groupAuthorizationFailed
            return respond(context, response)
        }
        guard let place = groupPlace(request.groupID) else {
            response.errorCode = .coordinatorNotAvailable
            return respond(context, response)
        }
        coordinate(context, .addOffsets(request, place))
    }

    /// The partition of `__consumer_offsets` that holds the group; nil while the topic is not there, which then is made.
    mutating func groupPlace(_ groupID: String) -> TopicPartition? {
        guard let topic = image.topic(offsetsTopic) else {
            autoCreate([offsetsTopic]) { _, _ in }
            return nil
        }
        return TopicPartition(offsetsTopic, coordinatorPartition(groupID, of: Int32(topic.partitions.count)))
    }
}
