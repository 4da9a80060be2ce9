import Controller
import Groups
import Primitives
import Wire

/// ShareGroupHeartbeat (76), version 1: the one request of a member of a share group (KIP-932), which chooses its own id. Answered once
/// what it changed is committed. A cluster whose `share.version` is 0 does not speak it.
extension Broker {
    mutating func handleShareGroupHeartbeat(_ context: RequestContext, _ request: ShareGroupHeartbeatRequest) {
        let error: ErrorCode? =
            if shareLevel < 1 {
                .unsupportedVersion
            } else if !isAllowed(.read, .group, request.groupID, context) {
                .groupAuthorizationFailed
            } else if request.memberID.isEmpty || request.memberID.utf16.count > Broker.shareMemberIDLengthMax {
                .invalidRequest
            } else if !(request.subscribedTopicNames ?? []).allSatisfy({ isAllowed(.describe, .topic, $0, context) }) {
                .topicAuthorizationFailed
            } else {
                nil
            }
        guard let error else { return coordinate(context, .shareHeartbeat(request)) }
        // Of these refusals Kafka has no message.
        var response = ShareGroupHeartbeatResponse()
        response.errorCode = error
        respond(context, response)
    }

    /// As many letters as an id of Java's `UUID` has.
    static let shareMemberIDLengthMax = 36
}
