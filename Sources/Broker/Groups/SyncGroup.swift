import Groups
import Wire

/// SyncGroup (14), versions 0 to 5: the leader's brings the assignment, everybody's is answered once that is stored. v5 checks the protocol
/// type and name (KIP-559).
extension Broker {
    mutating func handleSyncGroup(_ context: RequestContext, _ request: SyncGroupRequest) {
        guard isAllowed(.read, .group, request.groupID, context) else {
            return respond(context, SyncGroupResponse.refusal(.groupAuthorizationFailed))
        }
        coordinate(context, .sync(request))
    }
}
