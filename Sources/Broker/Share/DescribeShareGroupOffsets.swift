import Controller
import Groups
import Primitives
import Wire

/// DescribeShareGroupOffsets (90), versions 0 to 1: where share groups stand, from v1 with what is left to read (KIP-1226). The share
/// coordinators are asked for the former, the partitions' leaders for their ends. A partition of which nothing is known has offset -1,
/// and no error; so has a group that does not exist.
extension Broker {
    mutating func handleDescribeShareGroupOffsets(_ context: RequestContext, _ request: DescribeShareGroupOffsetsRequest) {
        var response = DescribeShareGroupOffsetsResponse()
        var wanted: [SharePartition] = []
        for asked in request.groups {
            var group = DescribeShareGroupOffsetsResponse.Group()
            group.groupID = asked.groupID
            if let error = describeRefusal(asked.groupID, context) {
                (group.errorCode, group.errorMessage) = (error, error.message)
            } else {
                group.topics = offsetRows(asked, context)
                for topic in group.topics {
                    for partition in topic.partitions where partition.errorCode == .none && !topic.topicID.isZero {
                        wanted.append(
                            SharePartition(groupID: asked.groupID, topicID: topic.topicID, partition: partition.partitionIndex))
                    }
                }
            }
            response.groups.append(group)
        }
        guard !wanted.isEmpty else { return respond(context, response) }
        // A request to a share coordinator is for one group.
        var byGroup = OrderedMap<String, [SharePartition]>()
        for partition in wanted { byGroup[partition.groupID, default: []].append(partition) }
        summarize(byGroup.values, ShareStateAnswers()) { [response] broker, answers in
            broker.finishDescribing(context, response, answers)
        }
    }

    private mutating func describeRefusal(_ groupID: String, _ context: RequestContext) -> ErrorCode? {
        if let error = shareOffsetsRefusal(.describe, groupID, context) { return error }
        return groupID.isEmpty ? .invalidGroupID : coordinator.unavailability(of: groupID)
    }

    /// The rows of a group's answer, of which nothing is known yet. Topics that the caller may not see are left out where it did not name
    /// them.
    private mutating func offsetRows(
        _ asked: DescribeShareGroupOffsetsRequest.Group, _ context: RequestContext
    ) -> [DescribeShareGroupOffsetsResponse.Topic] {
        func row(_ name: String, _ id: UUID, _ partitions: [Int32], _ error: ErrorCode) -> DescribeShareGroupOffsetsResponse.Topic {
            var topic = DescribeShareGroupOffsetsResponse.Topic()
            (topic.topicName, topic.topicID) = (name, id)
            topic.partitions = partitions.map { index in
                var partition = DescribeShareGroupOffsetsResponse.Partition()
                (partition.partitionIndex, partition.startOffset, partition.errorCode) = (index, error == .none ? -1 : 0, error)
                partition.errorMessage = error == .none ? nil : error.message
                return partition
            }
            return topic
        }
        if let topics = asked.topics {
            return topics.map { topic in
                guard isAllowed(.describe, .topic, topic.topicName, context) else {
                    return row(topic.topicName, .zero, topic.partitions, .topicAuthorizationFailed)
                }
                return row(topic.topicName, image.topic(topic.topicName)?.id ?? .zero, topic.partitions, .none)
            }
        }
        var topics = OrderedMap<String, (id: UUID, partitions: [Int32])>()
        for (_, partition) in coordinator.sharePartitions(asked.groupID) {
            guard let name = image.topicName(partition.topicID), isAllowed(.describe, .topic, name, context) else { continue }
            topics[name, default: (partition.topicID, [])].partitions.append(partition.partition)
        }
        return topics.map { row($0.key, $0.value.id, $0.value.partitions, .none) }
    }

    /// One group after the other.
    private mutating func summarize(
        _ groups: [[SharePartition]], _ answers: ShareStateAnswers,
        then done: @escaping @Sendable (inout Broker, ShareStateAnswers) -> Void
    ) {
        guard let first = groups.first else { return done(&self, answers) }
        askShareState(.summarize, of: first) { broker, found in
            var answers = answers
            for (partition, answer) in found { answers[partition] = answer }
            broker.summarize(Array(groups.dropFirst()), answers, then: done)
        }
    }

    private mutating func finishDescribing(
        _ context: RequestContext, _ response: DescribeShareGroupOffsetsResponse, _ answers: ShareStateAnswers
    ) {
        var places: [TopicPartition] = []
        if context.version >= 1 {
            for (partition, answer) in answers where answer.error == .none && answer.startOffset >= 0 {
                guard let name = image.topicName(partition.topicID) else { continue }
                places.append(TopicPartition(name, partition.partition))
            }
        }
        askLogEnds(Set(places).sorted()) { broker, ends in
            var response = response
            for group in response.groups.indices {
                for topic in response.groups[group].topics.indices {
                    response.groups[group].topics[topic].fill(response.groups[group].groupID, answers, ends)
                }
            }
            broker.respond(context, response)
        }
    }

    /// The high watermarks of these partitions, by their leaders; without those that nobody tells.
    private mutating func askLogEnds(
        _ places: [TopicPartition], then done: @escaping @Sendable (inout Broker, OrderedMap<TopicPartition, Int64>) -> Void
    ) {
        var byLeader = OrderedMap<BrokerID, [TopicPartition]>()
        for place in places {
            guard let leader = image.partition(place)?.leader else { continue }
            byLeader[leader, default: []].append(place)
        }
        askLogEnds(byLeader.map { ($0.key, $0.value) }, OrderedMap(), then: done)
    }

    private mutating func askLogEnds(
        _ leaders: [(BrokerID, [TopicPartition])], _ ends: OrderedMap<TopicPartition, Int64>,
        then done: @escaping @Sendable (inout Broker, OrderedMap<TopicPartition, Int64>) -> Void
    ) {
        guard let (leader, places) = leaders.first else { return done(&self, ends) }
        let rest = Array(leaders.dropFirst())
        let address = leader == brokerID ? PeerAddress(node: brokerID, host: "", port: 0) : peerAddress(leader)
        guard let address else { return askLogEnds(rest, ends, then: done) }
        var request = ListOffsetsRequest()
        request.replicaID = -1
        for place in places {
            if request.topics.last?.name != place.topic {
                request.topics.append(ListOffsetsRequest.Topic())
                request.topics[request.topics.count - 1].name = place.topic
            }
            var partition = ListOffsetsRequest.Partition()
            (partition.partitionIndex, partition.timestamp) = (place.partition, -1)
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        ask(request, version: 7, to: address, lane: .share, timeoutMs: Broker.shareStateAskTimeoutMs) { broker, result in
            var ends = ends
            for topic in (try? result.get())?.topics ?? [] {
                for partition in topic.partitions where partition.errorCode == .none {
                    ends[TopicPartition(topic.name, partition.partitionIndex)] = partition.offset
                }
            }
            broker.askLogEnds(rest, ends, then: done)
        }
    }
}

extension DescribeShareGroupOffsetsResponse.Topic {
    fileprivate mutating func fill(_ groupID: String, _ answers: ShareStateAnswers, _ ends: OrderedMap<TopicPartition, Int64>) {
        for index in partitions.indices {
            let place = partitions[index].partitionIndex
            guard let answer = answers[SharePartition(groupID: groupID, topicID: topicID, partition: place)] else { continue }
            partitions[index].errorCode = answer.error
            guard answer.error == .none else {
                (partitions[index].startOffset, partitions[index].errorMessage) = (0, answer.error.message)
                continue
            }
            (partitions[index].startOffset, partitions[index].leaderEpoch) = (answer.startOffset, answer.leaderEpoch)
            guard answer.startOffset >= 0, answer.deliveryCompleteCount >= 0, let end = ends[TopicPartition(topicName, place)] else {
                continue
            }
            partitions[index].lag = max(0, end - answer.startOffset - Int64(answer.deliveryCompleteCount))
        }
    }
}
