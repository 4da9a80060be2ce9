import Groups
import Wire

/// Heartbeat (12), versions 0 to 4.
extension Broker {
    mutating func handleHeartbeat(_ context: RequestContext, _ request: HeartbeatRequest) {
        guard isAllowed(.read, .group, request.groupID, context) else {
            var response = HeartbeatResponse()
            response.errorCode = .groupAuthorizationFailed
            return respond(context, response)
        }
        coordinate(context, .heartbeat(request))
    }
}
