import Controller
import Primitives
import Replication
import Storage
import Wire

/// DeleteRecords (21), versions 0 to 2: moves the log start of partitions this broker leads; -1 is the high watermark. What lies
/// below is unreadable from then on; its files go with their segments. The new starts are written down before the answer: Kafka writes them
/// once in a minute, and a crash before that brings the records back. Answered when every living replica has the new start (KIP-107), or
/// time is up: a new leader must not bring the records back either.
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
                    guard isAllowed(.delete, .topic, topic.name, context) else { throw APIFailure(.topicAuthorizationFailed) }
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
        let waits = deletionsToAwait(request, response)
        guard !waits.isEmpty else { return respond(context, response) }
        let deadline = now.instant.adding(milliseconds: Int64(max(0, request.timeoutMs)))
        parked.park(.deletion(ParkedDeletion(context: context, response: response, waits: waits)), until: deadline)
    }

    private func deletionsToAwait(_ request: DeleteRecordsRequest, _ response: DeleteRecordsResponse) -> [ParkedDeletion.Wait] {
        var waits: [ParkedDeletion.Wait] = []
        for (topicIndex, topic) in response.topics.enumerated() {
            for (partitionIndex, partition) in topic.partitions.enumerated() where !partition.errorCode.isError {
                guard let replica = replicas.find(topic.name, partition.partitionIndex) else { continue }
                let wait = ParkedDeletion.Wait(
                    replica: replica, target: replica.log.logStartOffset, topicIndex: topicIndex, partitionIndex: partitionIndex)
                if lowWatermark(replica) < wait.target { waits.append(wait) }
            }
        }
        return waits
    }

    /// The least log start among the living replicas.
    private func lowWatermark(_ replica: Replica) -> Offset {
        guard let leader = replica.leader else { return .none }
        var least = replica.log.logStartOffset
        for id in leader.replicas where id != brokerID && image.brokers[id]?.isActive == true {
            least = min(least, leader.progress(of: id)?.logStartOffset ?? .none)
        }
        return least
    }

    /// Something happened to a partition whose deletion waits. With `isOver` it is answered whatever is still missing.
    mutating func recheckDeletion(_ ticket: UInt64, _ deletion: ParkedDeletion, isOver: Bool = false) {
        var response = deletion.response
        var left = false
        for wait in deletion.waits {
            let low = lowWatermark(wait.replica)
            var code = ErrorCode.none
            if !wait.replica.isLeader { code = .notLeaderOrFollower } else if low < wait.target { code = .requestTimedOut }
            if code == .requestTimedOut, !isOver { left = true }
            response.topics[wait.topicIndex].partitions[wait.partitionIndex].errorCode = code
            response.topics[wait.topicIndex].partitions[wait.partitionIndex].lowWatermark = code.isError ? -1 : low.rawValue
        }
        guard !left else { return }
        parked.take(ticket)
        respond(deletion.context, response)
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
