import Controller
import Primitives
import Replication
import Storage
import Wire

/// DeleteRecords (21), versions 0 to 2: moves the log start of partitions this broker leads; -1 is the high watermark. With one replica the
/// new log start holds at once. What lies below is unreadable from then on; its files go with their segments. The new starts are written
/// down before the answer: Kafka writes them once in a minute, and a crash before that brings the records back.
extension Broker {
    mutating func handleDeleteRecords(_ context: RequestContext, _ request: DeleteRecordsRequest) {
        var response = DeleteRecordsResponse()
        var logStartsMoved = false
        for topic in request.topics {
            var results = DeleteRecordsResponse.Topic()
            results.name = topic.name
            for partition in topic.partitions {
                var result = DeleteRecordsResponse.Partition()
                result.partitionIndex = partition.partitionIndex
                do throws(APIFailure) {
                    result.lowWatermark = try deleteRecords(
                        topic.name, partition.partitionIndex, before: partition.offset, &logStartsMoved).rawValue
                } catch {
                    result.lowWatermark = -1
                    result.errorCode = error.code
                }
                results.partitions.append(result)
            }
            response.topics.append(results)
        }
        if logStartsMoved { writeLogStarts(&response) }
        respond(context, response)
    }

    private mutating func writeLogStarts(_ response: inout DeleteRecordsResponse) {
        do throws(LogError) {
            try directory?.writeCheckpoints()
        } catch {
            note("cannot write the new log starts: \(error.message)")
            for topic in response.topics.indices {
                for index in response.topics[topic].partitions.indices where !response.topics[topic].partitions[index].errorCode.isError {
                    response.topics[topic].partitions[index].errorCode = .kafkaStorageError
                    response.topics[topic].partitions[index].lowWatermark = -1
                }
            }
        }
    }

    /// Returns the log start as it is then.
    private mutating func deleteRecords(
        _ topic: String, _ index: Int32, before: Int64, _ moved: inout Bool
    ) throws(APIFailure) -> Offset {
        guard image.partition(TopicPartition(topic, index)) != nil else { throw APIFailure(.unknownTopicOrPartition) }
        guard let replica = replicas.find(topic, index), replica.isLeader else { throw APIFailure(.notLeaderOrFollower) }
        guard replica.log.config.isDeleting else { throw APIFailure(.policyViolation) }
        let target = before == -1 ? replica.highWatermark : Offset(before)
        guard target >= .zero, target <= replica.highWatermark else { throw APIFailure(.offsetOutOfRange) }
        guard target > replica.log.logStartOffset else { return replica.log.logStartOffset }
        do throws(LogError) {
            try replica.log.deleteRecords(before: target, now: now)
        } catch {
            storageFailed(error, replica)
            throw APIFailure(ErrorCode(rawValue: error.kafkaCode))
        }
        moved = true
        replica.logStartMoved()
        emit(.recordsDeleted(partition: replica.partition, before: target))
        advanced(replica)
        return replica.log.logStartOffset
    }
}
