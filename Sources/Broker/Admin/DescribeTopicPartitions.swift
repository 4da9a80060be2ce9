import Controller
import Primitives
import Wire

/// DescribeTopicPartitions (75), version 0: topics in the order of their names, so many partitions at a time, and a cursor to go on from
/// (KIP-966). No topics named: all of them.
extension Broker {
    mutating func handleDescribeTopicPartitions(_ context: RequestContext, _ request: DescribeTopicPartitionsRequest) {
        var response = DescribeTopicPartitionsResponse()
        let asked = Set(request.topics.map(\.name))
        var names = asked.isEmpty ? image.topics.keys : asked.sorted()
        // Of what the caller may not describe it is told nothing, not even whether it is.
        let denied = authorizer == nil ? [] : names.filter { !isAllowed(.describe, .topic, $0, context) }
        if !denied.isEmpty {
            let hidden = Set(denied)
            names.removeAll(where: hidden.contains)
        }
        if let cursor = request.cursor {
            names.removeAll { $0 < cursor.topicName }
            // A cursor must point at a topic that was asked for: else there is no saying where to go on.
            guard cursor.partitionIndex >= 0, asked.isEmpty || names.first == cursor.topicName else {
                return respond(context, refused(request))
            }
        }
        // A limit below one, or above the broker's own, is the nearest sensible one.
        var room = min(max(Int(request.responsePartitionLimit), 1), config.maxRequestPartitionSizeLimit)
        for name in names {
            let first = request.cursor.map { $0.topicName == name ? $0.partitionIndex : 0 } ?? 0
            guard room > 0 else {
                response.nextCursor = cursor(name, first)
                break
            }
            var (topic, next) = describe(name, from: first, room: room)
            topic.topicAuthorizedOperations = authorizedOperations(.topic, name, context)
            response.topics.append(topic)
            room -= topic.partitions.count
            if let next {
                response.nextCursor = cursor(name, next)
                break
            }
        }
        // Kafka puts what it cannot describe first.
        if !asked.isEmpty { response.topics += denied.map(unauthorized) }
        response.topics = response.topics.filter(\.errorCode.isError) + response.topics.filter { !$0.errorCode.isError }
        respond(context, response)
    }

    private func unauthorized(_ name: String) -> DescribeTopicPartitionsResponse.Topic {
        var row = DescribeTopicPartitionsResponse.Topic()
        (row.name, row.errorCode) = (name, .topicAuthorizationFailed)
        return row
    }

    private func cursor(_ name: String, _ partition: Int32) -> DescribeTopicPartitionsResponse.Cursor {
        var cursor = DescribeTopicPartitionsResponse.Cursor()
        cursor.topicName = name
        cursor.partitionIndex = partition
        return cursor
    }

    private func refused(_ request: DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
        var response = DescribeTopicPartitionsResponse()
        response.topics = request.topics.map { topic in
            var row = DescribeTopicPartitionsResponse.Topic()
            row.name = topic.name
            row.errorCode = .invalidRequest
            return row
        }
        return response
    }

    /// At most `room` partitions of a topic, and the one to go on with where there are more.
    private func describe(_ name: String, from first: Int32, room: Int) -> (DescribeTopicPartitionsResponse.Topic, Int32?) {
        var row = DescribeTopicPartitionsResponse.Topic()
        row.name = name
        guard let topic = image.topic(name) else {
            row.errorCode = TopicNames.problem(name) == nil ? .unknownTopicOrPartition : .invalidTopicException
            return (row, nil)
        }
        row.topicID = topic.id
        row.isInternal = topic.isInternal
        let from = topic.partitions.lowerBound(first)
        let until = min(from + room, topic.partitions.count)
        row.partitions = topic.partitions[from..<until].map { describe($0.key, $0.value) }
        return (row, until < topic.partitions.count ? topic.partitions.keys[until] : nil)
    }

    private func describe(_ index: Int32, _ partition: PartitionImage) -> DescribeTopicPartitionsResponse.Partition {
        var row = DescribeTopicPartitionsResponse.Partition()
        row.partitionIndex = index
        row.errorCode = partition.leader == nil ? .leaderNotAvailable : .none
        row.leaderID = (partition.leader ?? .none).rawValue
        row.leaderEpoch = partition.leaderEpoch.rawValue
        row.replicaNodes = partition.replicas.map(\.rawValue)
        row.isrNodes = partition.inSyncReplicas.map(\.rawValue)
        row.eligibleLeaderReplicas = partition.eligibleLeaderReplicas.map(\.rawValue)
        row.lastKnownELR = partition.lastKnownEligibleReplicas.map(\.rawValue)
        row.offlineReplicas = partition.replicas.filter { image.brokers[$0]?.isActive != true }.map(\.rawValue)
        return row
    }
}
