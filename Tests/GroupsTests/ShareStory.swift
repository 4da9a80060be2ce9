import Primitives
import Testing
import Wire

@testable import Groups

extension Story {
    /// A story of share groups: targets are computed at once.
    static func ofShares(_ cluster: FakeCluster, assignmentInterval: Int32 = 0, _ change: (inout GroupConfig) -> Void = { _ in }) -> Story {
        Story(cluster: cluster) { config in
            config.shareAssignmentIntervalMs = assignmentInterval
            change(&config)
        }
    }

    @discardableResult
    mutating func shareBeat(
        _ member: String, epoch: Int32, group: String = "g", topics: [String]? = nil, rack: String? = nil, client: String = "client"
    ) -> ShareGroupHeartbeatResponse {
        var request = ShareGroupHeartbeatRequest()
        request.groupID = group
        request.memberID = member
        request.memberEpoch = epoch
        request.rackID = rack
        request.subscribedTopicNames = topics
        let token = send(.shareHeartbeat(request), version: 1, client: client)
        guard case .shareHeartbeat(let response) = answers[token] else {
            return ShareGroupHeartbeatResponse()
        }
        return response
    }

    /// Joins, or lives on; the member then has what it is told.
    @discardableResult
    mutating func shareLive(_ member: inout FakeMember, group: String = "g", topics: [String] = ["t"]) -> ErrorCode {
        let response = shareBeat(member.id, epoch: member.epoch, group: group, topics: member.epoch == 0 ? topics : nil)
        coordinator.checkInvariants()
        guard response.errorCode == .none else { return response.errorCode }
        member.epoch = response.memberEpoch
        if let assignment = response.assignment {
            member.owned = assignment.topicPartitions.flatMap { topic in topic.partitions.map { PartitionID(topic.topicID, $0) } }.sorted()
        }
        return .none
    }

    func shareGroup(_ groupID: String = "g") -> ShareGroup? {
        coordinator.partitions[coordinator.partition(of: groupID)]?.groups[groupID]?.share
    }

    func shareDescription(_ groupID: String = "g") -> ShareGroupDescribeResponse.Group? {
        coordinator.describeShareGroup(groupID, coordinator.surroundings)
    }

    mutating func alterShareOffsets(
        _ offsets: [(topic: String, partition: Int32, offset: Int64)], group: String = "g"
    ) -> AlterShareGroupOffsetsResponse? {
        var request = AlterShareGroupOffsetsRequest()
        request.groupID = group
        for entry in offsets {
            var topic = AlterShareGroupOffsetsRequest.Topic()
            topic.topicName = entry.topic
            var partition = AlterShareGroupOffsetsRequest.Partition()
            (partition.partitionIndex, partition.startOffset) = (entry.partition, entry.offset)
            topic.partitions = [partition]
            request.topics.append(topic)
        }
        let token = send(.alterShareOffsets(request), version: 0)
        guard case .alterShareOffsets(let response) = answers[token] else { return nil }
        return response
    }

    mutating func deleteShareOffsets(_ topics: [String], group: String = "g") -> DeleteShareGroupOffsetsResponse? {
        var request = DeleteShareGroupOffsetsRequest()
        request.groupID = group
        request.topics = topics.map { name in
            var topic = DeleteShareGroupOffsetsRequest.Topic()
            topic.topicName = name
            return topic
        }
        let token = send(.deleteShareOffsets(request), version: 0)
        guard case .deleteShareOffsets(let response) = answers[token] else { return nil }
        return response
    }

    mutating func deleteGroupToken(_ group: String = "g") -> GroupToken {
        var request = DeleteGroupsRequest()
        request.groupsNames = [group]
        return send(.deleteGroups(request), version: 2)
    }

    func deleted(_ token: GroupToken) -> ErrorCode? {
        guard case .deleteGroups(let response) = answers[token] else { return nil }
        return response.results.first?.errorCode
    }
}
