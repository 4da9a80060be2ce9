import Groups
import Wire

/// LeaveGroup (13), versions 0 to 5: v3+ several members at once, also by instance id for administrators (KIP-345); v5 with reasons
/// (KIP-800).
extension Broker {
    mutating func handleLeaveGroup(_ context: RequestContext, _ request: LeaveGroupRequest) {
        guard isAllowed(.read, .group, request.groupID, context) else {
            var response = LeaveGroupResponse()
            response.errorCode = .groupAuthorizationFailed
            return respond(context, response)
        }
        coordinate(context, .leave(request))
    }
}
