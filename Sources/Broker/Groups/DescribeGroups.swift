import Groups
import Primitives
import Wire

/// DescribeGroups (15), versions 0 to 6. An unknown group is "Dead" without an error up to v5, GROUP_ID_NOT_FOUND in v6 (KIP-1043).
extension Broker {
    mutating func handleDescribeGroups(_ context: RequestContext, _ request: DescribeGroupsRequest) {
        var response = DescribeGroupsResponse()
        for groupID in request.groups {
            guard isAllowed(.describe, .group, groupID, context) else {
                var refused = DescribeGroupsResponse.Group()
                (refused.groupID, refused.errorCode) = (groupID, .groupAuthorizationFailed)
                response.groups.append(refused)
                continue
            }
            var group = describe(groupID, context.version)
            if request.includeAuthorizedOperations && group.errorCode == .none {
                group.authorizedOperations = authorizedOperations(.group, groupID, context)
            }
            response.groups.append(group)
        }
        respond(context, response)
    }

    private mutating func describe(_ groupID: String, _ version: Int16) -> DescribeGroupsResponse.Group {
        var group = DescribeGroupsResponse.Group()
        group.groupID = groupID
        if let error = coordinator.unavailability(of: groupID) {
            group.errorCode = error
            return group
        }
        guard let description = coordinator.describe(groupID) else {
            group.groupState = ClassicGroupState.dead.rawValue
            if version >= 6 {
                group.errorCode = .groupIDNotFound
                group.errorMessage = coordinator.type(of: groupID) == nil
                    ? "Group \(groupID) not found." : "Group \(groupID) is not a classic group."
            }
            return group
        }
        group.groupState = description.state.rawValue
        group.protocolType = description.protocolType
        group.protocolData = description.protocolName
        group.members = description.members.map { DescribeGroupsResponse.Member($0) }
        return group
    }
}

extension DescribeGroupsResponse.Member {
    fileprivate init(_ member: GroupDescription.Member) {
        self.init()
        memberID = member.memberID
        groupInstanceID = member.groupInstanceID
        clientID = member.clientID
        clientHost = member.clientHost
        memberMetadata = member.metadata
        memberAssignment = member.assignment
    }
}
