import Controller
import Groups
import Wire

/// AlterShareGroupOffsets (91), version 0: from where a share group without members goes on. Answered when the share coordinators have it.
extension Broker {
    mutating func handleAlterShareGroupOffsets(_ context: RequestContext, _ request: AlterShareGroupOffsetsRequest) {
        if let error = shareOffsetsRefusal(.read, request.groupID, context) {
            var response = AlterShareGroupOffsetsResponse()
            (response.errorCode, response.errorMessage) = (error, error.message)
            return respond(context, response)
        }
        let refused = request.topics.map { topic in
            let code = isAllowed(.read, .topic, topic.topicName, context) ? ErrorCode.none : .topicAuthorizationFailed
            return topic.partitions.map { _ in code }
        }
        coordinate(context, .alterShareOffsets(request), refused: refused)
    }

    /// Why the caller may not do this to a share group's offsets, if it may not.
    func shareOffsetsRefusal(_ operation: AccessOperation, _ groupID: String, _ context: RequestContext) -> ErrorCode? {
        if shareLevel < 1 { return .unsupportedVersion }
        return isAllowed(operation, .group, groupID, context) ? nil : .groupAuthorizationFailed
    }
}
