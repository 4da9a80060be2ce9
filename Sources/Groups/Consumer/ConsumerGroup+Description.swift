import Primitives
import Wire

/// A group as ConsumerGroupDescribe shows it.
extension ConsumerGroup {
    func description(_ config: GroupConfig, _ surroundings: GroupSurroundings) -> ConsumerGroupDescribeResponse.Group {
        var group = ConsumerGroupDescribeResponse.Group()
        group.groupID = groupID
        group.groupState = state.rawValue
        group.groupEpoch = groupEpoch
        group.assignmentEpoch = assignmentEpoch
        group.assignorName = assignor(config).rawValue
        group.members = members.values.map { member in
            var entry = ConsumerGroupDescribeResponse.Member()
            entry.memberID = member.memberID
            entry.instanceID = member.instanceID
            entry.rackID = member.rackID
            entry.memberEpoch = member.memberEpoch
            entry.clientID = member.clientID
            entry.clientHost = member.clientHost
            entry.subscribedTopicNames = member.subscribedTopics
            entry.subscribedTopicRegex = member.subscribedRegex
            entry.assignment = named(member.assigned.keys, surroundings)
            entry.targetAssignment = named(target(of: member.memberID), surroundings)
            entry.memberType = member.isClassic ? 0 : 1
            return entry
        }
        return group
    }

    /// Topics that are gone have no name, and are left out.
    private func named(_ partitions: [PartitionID], _ surroundings: GroupSurroundings) -> ConsumerGroupDescribeResponse.Assignment {
        var assignment = ConsumerGroupDescribeResponse.Assignment()
        assignment.topicPartitions = byTopic(partitions) { topic, indexes in
            var entry = ConsumerGroupDescribeResponse.TopicPartitions()
            entry.topicID = topic
            entry.topicName = surroundings.topicName(topic) ?? ""
            entry.partitions = indexes
            return entry
        }.filter { !$0.topicName.isEmpty }
        return assignment
    }
}
