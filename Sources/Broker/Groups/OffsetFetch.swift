import Controller
import Groups
import Primitives
import Wire

/// OffsetFetch (9), versions 1 to 9 (10 with topic ids): one group up to v7, several from v8 (KIP-709). Null topics ask for all (v2+).
/// A partition or group without a commit answers -1 and no error, as clients rely on. require_stable (v7+) refuses a partition with a
/// commit in an open transaction.
extension Broker {
    mutating func handleOffsetFetch(_ context: RequestContext, _ request: OffsetFetchRequest) {
        var response = OffsetFetchResponse()
        if context.version >= 8 {
            response.groups = request.groups.map { fetchOffsets(of: $0, requireStable: request.requireStable, context) }
        } else {
            fetchOffsetsOfOneGroup(request, context, &response)
        }
        respond(context, response)
    }

    private mutating func fetchOffsetsOfOneGroup(
        _ request: OffsetFetchRequest, _ context: RequestContext, _ response: inout OffsetFetchResponse
    ) {
        var group = OffsetFetchRequest.Group()
        group.groupID = request.groupID
        group.topics = request.topics.map { topics in topics.map { OffsetFetchRequest.GroupTopic($0) } }
        let answer = fetchOffsets(of: group, requireStable: request.requireStable, context)
        response.errorCode = answer.errorCode
        response.topics = answer.topics.map { OffsetFetchResponse.Topic($0) }
        // v1 has no place for an error of the group as a whole.
        guard context.version < 2, answer.errorCode != .none else { return }
        response.topics = (group.topics ?? []).map { topic in
            OffsetFetchResponse.Topic(unanswered(topic) { _ in answer.errorCode })
        }
    }

    private mutating func fetchOffsets(
        of group: OffsetFetchRequest.Group, requireStable: Bool, _ context: RequestContext
    ) -> OffsetFetchResponse.Group {
        var answer = OffsetFetchResponse.Group()
        answer.groupID = group.groupID
        if !isAllowed(.describe, .group, group.groupID, context) {
            answer.errorCode = .groupAuthorizationFailed
        } else if let error = coordinator.unavailability(of: group.groupID) {
            answer.errorCode = error
        } else if let error = coordinator.fetchRefusal(group.groupID, memberID: group.memberID, memberEpoch: group.memberEpoch) {
            answer.errorCode = error
        } else if let topics = group.topics {
            answer.topics = topics.map { fetchOffsets(of: group.groupID, $0, requireStable, context) }
        } else {
            answer.topics = fetchAllOffsets(of: group.groupID, requireStable, context)
        }
        return answer
    }

    private mutating func fetchOffsets(
        of groupID: String, _ topic: OffsetFetchRequest.GroupTopic, _ requireStable: Bool, _ context: RequestContext
    ) -> OffsetFetchResponse.GroupTopic {
        var topic = topic
        if context.version >= 10 {
            guard let name = image.topicName(topic.topicID) else { return unanswered(topic) { _ in .unknownTopicID } }
            topic.name = name
        }
        guard isAllowed(.describe, .topic, topic.name, context) else { return unanswered(topic) { _ in .topicAuthorizationFailed } }
        var answer = unanswered(topic) { _ in .none }
        for index in answer.partitions.indices {
            let place = TopicPartition(topic.name, answer.partitions[index].partitionIndex)
            if requireStable && coordinator.hasUnstableOffset(groupID, place) {
                answer.partitions[index].errorCode = .unstableOffsetCommit
            } else if let committed = coordinator.committedOffset(groupID, place) {
                answer.partitions[index].take(committed)
            }
        }
        return answer
    }

    private mutating func fetchAllOffsets(
        of groupID: String, _ requireStable: Bool, _ context: RequestContext
    ) -> [OffsetFetchResponse.GroupTopic] {
        var topics: [OffsetFetchRequest.GroupTopic] = []
        for (place, _) in coordinator.committedOffsets(groupID) {
            if topics.last?.name != place.topic {
                var topic = OffsetFetchRequest.GroupTopic()
                topic.name = place.topic
                topic.topicID = image.topic(place.topic)?.id ?? .zero
                topics.append(topic)
            }
            topics[topics.count - 1].partitionIndexes.append(place.partition)
        }
        // By id, a topic that no longer exists cannot be named.
        if context.version >= 10 { topics.removeAll { $0.topicID == .zero } }
        // What was asked for by nobody by name is told only to who may see it.
        topics.removeAll { !isAllowed(.describe, .topic, $0.name, context) }
        return topics.map { fetchOffsets(of: groupID, $0, requireStable, context) }
    }

    /// The topic's answer before anything is known: no offset, and an error or none.
    private func unanswered(
        _ topic: OffsetFetchRequest.GroupTopic, _ error: (Int32) -> ErrorCode
    ) -> OffsetFetchResponse.GroupTopic {
        var answer = OffsetFetchResponse.GroupTopic()
        answer.name = topic.name
        answer.topicID = topic.topicID
        answer.partitions = topic.partitionIndexes.map { index in
            var partition = OffsetFetchResponse.GroupPartition()
            partition.partitionIndex = index
            partition.committedOffset = -1
            partition.committedLeaderEpoch = -1
            partition.metadata = ""
            partition.errorCode = error(index)
            return partition
        }
        return answer
    }
}

extension OffsetFetchRequest.GroupTopic {
    fileprivate init(_ topic: OffsetFetchRequest.Topic) {
        self.init()
        name = topic.name
        partitionIndexes = topic.partitionIndexes
    }
}

extension OffsetFetchResponse.GroupPartition {
    fileprivate mutating func take(_ committed: CommittedOffset) {
        committedOffset = committed.offset.rawValue
        committedLeaderEpoch = committed.leaderEpoch.rawValue
        metadata = committed.metadata
    }
}

extension OffsetFetchResponse.Topic {
    fileprivate init(_ topic: OffsetFetchResponse.GroupTopic) {
        self.init()
        name = topic.name
        partitions = topic.partitions.map { from in
            var partition = OffsetFetchResponse.Partition()
            partition.partitionIndex = from.partitionIndex
            partition.committedOffset = from.committedOffset
            partition.committedLeaderEpoch = from.committedLeaderEpoch
            partition.metadata = from.metadata
            partition.errorCode = from.errorCode
            return partition
        }
    }
}
