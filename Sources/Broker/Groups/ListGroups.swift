import Groups
import Wire

/// ListGroups (16), versions 0 to 5: the groups this broker coordinates, by state (v4) and type (v5). A broker that is still loading says
/// so, as its list would not be whole.
extension Broker {
    mutating func handleListGroups(_ context: RequestContext, _ request: ListGroupsRequest) {
        var response = ListGroupsResponse()
        if coordinator.isLoading {
            response.errorCode = .coordinatorLoadInProgress
            return respond(context, response)
        }
        let mayListAll = isAllowed(.describe, context)
        let listings = coordinator.list(states: request.statesFilter, types: request.typesFilter)
        response.groups = listings.filter { mayListAll || isAllowed(.describe, .group, $0.groupID, context) }.map { listing in
            var group = ListGroupsResponse.Group()
            group.groupID = listing.groupID
            group.protocolType = listing.protocolType
            group.groupState = listing.state
            group.groupType = listing.type.rawValue
            return group
        }
        respond(context, response)
    }
}
