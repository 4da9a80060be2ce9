import Primitives
import Wire

// Share groups of the fake cluster.
extension FakeCluster {
    mutating func share(_ message: any WireMessage) -> (any WireMessage)? {
        switch message {
        case let request as ShareGroupDescribeRequest: return describe(request)
        case let request as DescribeShareGroupOffsetsRequest: return offsets(request)
        case let request as AlterShareGroupOffsetsRequest: return alter(request)
        case let request as DeleteShareGroupOffsetsRequest: return forget(request)
        default: return nil
        }
    }

    private func describe(_ request: ShareGroupDescribeRequest) -> ShareGroupDescribeResponse {
        var response = ShareGroupDescribeResponse()
        response.groups = request.groupIDs.map { id in
            var group = ShareGroupDescribeResponse.Group()
            group.groupID = id
            guard let known = groups[id], known.isShare else {
                group.errorCode = .groupIDNotFound
                return group
            }
            (group.groupState, group.groupEpoch, group.assignmentEpoch, group.assignorName) = (known.state, 3, 3, "simple")
            group.members = known.members.map { known in
                var member = ShareGroupDescribeResponse.Member()
                (member.memberID, member.clientID, member.clientHost, member.memberEpoch) = (known.id, known.client, "/127.0.0.1", 3)
                member.subscribedTopicNames = known.topics
                member.assignment.topicPartitions = Set(known.assigned.map(\.topic)).sorted().map { topic in
                    var row = ShareGroupDescribeResponse.TopicPartitions()
                    (row.topicName, row.partitions) = (topic, known.assigned.filter { $0.topic == topic }.map(\.partition))
                    return row
                }
                return member
            }
            return group
        }
        return response
    }

    private func offsets(_ request: DescribeShareGroupOffsetsRequest) -> DescribeShareGroupOffsetsResponse {
        var response = DescribeShareGroupOffsetsResponse()
        response.groups = request.groups.map { asked in
            var group = DescribeShareGroupOffsetsResponse.Group()
            group.groupID = asked.groupID
            guard let known = groups[asked.groupID], known.isShare else { return group }
            for (place, offset) in known.commits.sorted(by: { $0.key < $1.key }) {
                var topic = DescribeShareGroupOffsetsResponse.Topic()
                topic.topicName = place.topic
                var partition = DescribeShareGroupOffsetsResponse.Partition()
                (partition.partitionIndex, partition.startOffset) = (place.partition, offset)
                // One record behind the start offset is done with.
                let end = topics[place.topic]?.partitions[Int(place.partition)].end ?? 0
                partition.lag = offset < 0 ? -1 : max(0, end - offset - 1)
                topic.partitions = [partition]
                group.topics.append(topic)
            }
            return group
        }
        return response
    }

    private mutating func alter(_ request: AlterShareGroupOffsetsRequest) -> AlterShareGroupOffsetsResponse {
        for topic in request.topics where !isLying {
            for partition in topic.partitions {
                groups[request.groupID]?.commits[TopicPartition(topic.topicName, partition.partitionIndex)] = partition.startOffset
            }
        }
        return AlterShareGroupOffsetsResponse()
    }

    private mutating func forget(_ request: DeleteShareGroupOffsetsRequest) -> DeleteShareGroupOffsetsResponse {
        let names = request.topics.map(\.topicName)
        let kept = (groups[request.groupID]?.commits ?? [:]).filter { !names.contains($0.key.topic) }
        if !isLying { groups[request.groupID]?.commits = kept }
        return DeleteShareGroupOffsetsResponse()
    }
}
