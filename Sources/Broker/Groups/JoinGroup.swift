import Groups
import Wire

/// JoinGroup (11), versions 0 to 9: parked until the group has a generation. v4+ newcomers get MEMBER_ID_REQUIRED first (KIP-394), v5
/// brings static members (KIP-345), v8 the client's reason (KIP-800), v9 SkipAssignment (KIP-814).
extension Broker {
    mutating func handleJoinGroup(_ context: RequestContext, _ request: JoinGroupRequest) {
        guard isAllowed(.read, .group, request.groupID, context) else {
            return respond(context, JoinGroupResponse.refusal(.groupAuthorizationFailed, memberID: request.memberID, context.version))
        }
        coordinate(context, .join(request))
    }
}
