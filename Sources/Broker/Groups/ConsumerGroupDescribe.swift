import Controller
import Groups
import Primitives
import Wire

/// ConsumerGroupDescribe (69), versions 0 to 1: groups of KIP-848 with their epochs, and for each member what it has and what it is to
/// have. Another group, or none, has error GROUP_ID_NOT_FOUND: it is DescribeGroups that tells of classic ones.
extension Broker {
    mutating func handleConsumerGroupDescribe(_ context: RequestContext, _ request: ConsumerGroupDescribeRequest) {
        var response = ConsumerGroupDescribeResponse()
        response.groups = request.groupIDs.map { groupID in
            var group = describeConsumerGroup(groupID, context)
            group.groupID = groupID
            guard group.errorCode == .none else {
                group.errorMessage = group.errorMessage ?? group.errorCode.message
                return group
            }
            if request.includeAuthorizedOperations { group.authorizedOperations = authorizedOperations(.group, groupID, context) }
            return group
        }
        respond(context, response)
    }

    private mutating func describeConsumerGroup(_ groupID: String, _ context: RequestContext) -> ConsumerGroupDescribeResponse.Group {
        var group = ConsumerGroupDescribeResponse.Group()
        if !speaksConsumerProtocol {
            group.errorCode = .unsupportedVersion
            return group
        }
        if !isAllowed(.describe, .group, groupID, context) {
            group.errorCode = .groupAuthorizationFailed
            return group
        }
        if let error = groupID.isEmpty ? .invalidGroupID : coordinator.unavailability(of: groupID) {
            group.errorCode = error
            return group
        }
        if let described = coordinator.describeConsumerGroup(groupID, surroundings) {
            return hidingTopics(described, context)
        }
        group.errorCode = .groupIDNotFound
        group.errorMessage = coordinator.type(of: groupID) == nil
            ? "Group \(groupID) not found." : "Group \(groupID) is not a consumer group."
        return group
    }

    /// Who may not know of one of the group's topics is told nothing of the group.
    private func hidingTopics(
        _ group: ConsumerGroupDescribeResponse.Group, _ context: RequestContext
    ) -> ConsumerGroupDescribeResponse.Group {
        let topics = Set(group.members.flatMap { member in
            (member.assignment.topicPartitions + member.targetAssignment.topicPartitions).map(\.topicName) + member.subscribedTopicNames
        })
        guard topics.sorted().contains(where: { !isAllowed(.describe, .topic, $0, context) }) else { return group }
        var hidden = ConsumerGroupDescribeResponse.Group()
        hidden.errorCode = .topicAuthorizationFailed
        hidden.errorMessage = "The group has described topic(s) that the client is not authorized to describe."
        return hidden
    }
}
