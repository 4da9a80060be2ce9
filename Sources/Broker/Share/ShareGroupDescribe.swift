import Controller
import Groups
import Primitives
import Wire

/// ShareGroupDescribe (77), version 1: share groups with their epochs, and what each member reads. Another group, or none, has error
/// GROUP_ID_NOT_FOUND.
extension Broker {
    mutating func handleShareGroupDescribe(_ context: RequestContext, _ request: ShareGroupDescribeRequest) {
        var response = ShareGroupDescribeResponse()
        response.groups = request.groupIDs.map { groupID in
            var group = describeShareGroup(groupID, context)
            group.groupID = groupID
            if request.includeAuthorizedOperations && group.errorCode == .none {
                group.authorizedOperations = authorizedOperations(.group, groupID, context)
            }
            return group
        }
        respond(context, response)
    }

    private mutating func describeShareGroup(_ groupID: String, _ context: RequestContext) -> ShareGroupDescribeResponse.Group {
        var group = ShareGroupDescribeResponse.Group()
        let error: ErrorCode? =
            if shareLevel < 1 {
                .unsupportedVersion
            } else if !isAllowed(.describe, .group, groupID, context) {
                .groupAuthorizationFailed
            } else {
                groupID.isEmpty ? .invalidGroupID : coordinator.unavailability(of: groupID)
            }
        if let error {
            group.errorCode = error
            return group
        }
        guard let described = coordinator.describeShareGroup(groupID, surroundings) else {
            group.errorCode = .groupIDNotFound
            group.errorMessage = coordinator.type(of: groupID) == nil
                ? "Group \(groupID) not found." : "Group \(groupID) is not a share group."
            return group
        }
        // Who may not know of one of the group's topics is told nothing of the group.
        let topics = Set(described.members.flatMap { $0.assignment.topicPartitions.map(\.topicName) + $0.subscribedTopicNames })
        if topics.sorted().contains(where: { !isAllowed(.describe, .topic, $0, context) }) {
            group.errorCode = .topicAuthorizationFailed
            group.errorMessage = "The group has described topic(s) that the client is not authorized to describe."
            return group
        }
        return described
    }
}
