import Controller
import Groups
import Wire

/// DeleteShareGroupOffsets (92), version 0: what a share group without members has read of topics is forgotten. Answered when the share
/// coordinators have forgotten it.
extension Broker {
    mutating func handleDeleteShareGroupOffsets(_ context: RequestContext, _ request: DeleteShareGroupOffsetsRequest) {
        if let error = shareOffsetsRefusal(.delete, request.groupID, context) {
            var response = DeleteShareGroupOffsetsResponse()
            (response.errorCode, response.errorMessage) = (error, error.message)
            return respond(context, response)
        }
        let refused = request.topics.map { topic in
            isAllowed(.read, .topic, topic.topicName, context) ? ErrorCode.none : .topicAuthorizationFailed
        }
        coordinate(context, .deleteShareOffsets(request), refused: [refused])
    }
}
