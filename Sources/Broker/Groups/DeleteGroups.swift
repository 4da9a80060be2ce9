import Groups
import Wire

/// DeleteGroups (42), versions 0 to 2: groups without members, with all their offsets. Answered once the tombstones are committed.
extension Broker {
    mutating func handleDeleteGroups(_ context: RequestContext, _ request: DeleteGroupsRequest) {
        let refused = request.groupsNames.map { group in
            isAllowed(.delete, .group, group, context) ? ErrorCode.none : .groupAuthorizationFailed
        }
        coordinate(context, .deleteGroups(request), refused: [refused])
    }
}
