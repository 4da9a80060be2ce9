import Controller
import Primitives
import Replication
import Storage
import Wire

/// ListOffsets (2), versions 1 to 11: where a partition begins and ends, and which offset belongs to a time. -1 latest (the last stable
/// offset for read_committed), -2 earliest, -3 the record with the largest timestamp, -4 earliest on this disk (the same as -2 without
/// tiered storage), -5 the latest in tiered storage and -6 the earliest on its way there (there is none: -1). No record at or after a time:
/// offset -1, no error.
extension Broker {
    mutating func handleListOffsets(_ context: RequestContext, _ request: ListOffsetsRequest) {
        var response = ListOffsetsResponse()
        for topic in request.topics {
            var answer = ListOffsetsResponse.Topic()
            answer.name = topic.name
            guard isAllowed(.describe, .topic, topic.name, context) else {
                answer.partitions = topic.partitions.map { partition in
                    var refusal = ListOffsetsResponse.Partition()
                    (refusal.partitionIndex, refusal.errorCode) = (partition.partitionIndex, .topicAuthorizationFailed)
                    return refusal
                }
                response.topics.append(answer)
                continue
            }
            answer.partitions =
                request.replicaID == ListOffsetsRequest.debuggingReplica
                ? topic.partitions.map { listReplica(topic.name, $0) }
                : listOffsets(context, topic, isCommitted: request.isolationLevel == 1)
            response.topics.append(answer)
        }
        respond(context, response)
    }

    /// A partition named more than once is refused, once; so is a question that came with a later version than the request's.
    private mutating func listOffsets(
        _ context: RequestContext, _ topic: ListOffsetsRequest.Topic, isCommitted: Bool
    ) -> [ListOffsetsResponse.Partition] {
        var seen = OrderedMap<Int32, Int>()
        for partition in topic.partitions { seen[partition.partitionIndex, default: 0] += 1 }
        return topic.partitions.compactMap { partition in
            guard let times = seen.remove(partition.partitionIndex) else { return nil }
            var refusal = ListOffsetsResponse.Partition()
            refusal.partitionIndex = partition.partitionIndex
            if times > 1 {
                refusal.errorCode = .invalidRequest
            } else if (partition.timestamp == -3 && context.version < 7) || (partition.timestamp == -4 && context.version < 8)
                || (partition.timestamp == -5 && context.version < 9) || (partition.timestamp == -6 && context.version < 11)
                || partition.timestamp < -6
            {
                refusal.errorCode = .unsupportedVersion
            } else {
                return listOffset(topic.name, partition, isCommitted: isCommitted, context.version)
            }
            return refusal
        }
    }

    private mutating func listOffset(
        _ topic: String, _ partition: ListOffsetsRequest.Partition, isCommitted: Bool, _ version: Int16
    ) -> ListOffsetsResponse.Partition {
        var answer = ListOffsetsResponse.Partition()
        answer.partitionIndex = partition.partitionIndex
        let replica = replicas.find(topic, partition.partitionIndex)
        answer.errorCode = check(replica, partition.currentLeaderEpoch)
        guard let replica, let leader = replica.leader, !answer.errorCode.isError else { return answer }
        // A new leader knows that all below its own records is committed, but not yet from its followers: until then it would tell an
        // earlier end than the leader before it did.
        let isNew = leader.highWatermark < leader.epochStartOffset
        if isNew, partition.timestamp == -1 {
            answer.errorCode = version >= 5 ? .offsetNotAvailable : .leaderNotAvailable
            return answer
        }
        do throws(LogError) {
            if let found = try find(partition.timestamp, in: replica, isCommitted: isCommitted) {
                answer.offset = found.offset.rawValue
                answer.timestamp = found.timestamp.milliseconds
                answer.leaderEpoch = found.leaderEpoch.rawValue
            } else if isNew, partition.timestamp == -3 || partition.timestamp >= 0 {
                answer.errorCode = version >= 5 ? .offsetNotAvailable : .leaderNotAvailable
            }
        } catch {
            answer.errorCode = ErrorCode(rawValue: error.kafkaCode)
        }
        return answer
    }

    /// What this broker's own replica holds, led here or not: for tools that compare replicas (Kafka's DEBUGGING_REPLICA_ID).
    private func listReplica(_ topic: String, _ partition: ListOffsetsRequest.Partition) -> ListOffsetsResponse.Partition {
        var answer = ListOffsetsResponse.Partition()
        answer.partitionIndex = partition.partitionIndex
        guard let replica = replicas.find(topic, partition.partitionIndex) else {
            answer.errorCode = image.partition(TopicPartition(topic, partition.partitionIndex)) == nil
                ? .unknownTopicOrPartition : .notLeaderOrFollower
            return answer
        }
        answer.offset = partition.timestamp == -2 ? replica.log.logStartOffset.rawValue : replica.log.logEndOffset.rawValue
        answer.leaderEpoch = replica.leaderEpoch.rawValue
        return answer
    }

    private func find(_ timestamp: Int64, in replica: Replica, isCommitted: Bool) throws(LogError) -> TimestampOffset? {
        let below = isCommitted ? replica.lastStableOffset : replica.highWatermark
        func at(_ offset: Offset, _ epoch: LeaderEpoch?) -> TimestampOffset {
            TimestampOffset(offset: offset, timestamp: .none, leaderEpoch: epoch ?? .none)
        }
        switch timestamp {
        case -1: return at(below, replica.leaderEpoch)
        case -2, -4: return at(replica.log.logStartOffset, replica.log.leaderEpoch(at: replica.log.logStartOffset))
        case -3: return visible(try replica.log.offsetOfMaxTimestamp(), below)
        case 0...: return visible(try replica.log.offset(forTimestamp: Timestamp(milliseconds: timestamp)), below)
        default: return nil
        }
    }

    /// Nothing past what may be read is told.
    private func visible(_ found: TimestampOffset?, _ below: Offset) -> TimestampOffset? {
        found.flatMap { $0.offset < below ? $0 : nil }
    }
}

extension ListOffsetsRequest {
    /// The replica id of a tool that asks followers too.
    static var debuggingReplica: Int32 { -2 }
}
