import Controller
import Groups
import Primitives
import Records
import Replication
import Storage
import Wire

/// Requests for markers that are being written here.
struct MarkerWrites {
    struct Write {
        /// Nil where its connection has closed.
        var context: RequestContext?
        var response: WriteTxnMarkersResponse
        var missing: Int
    }

    private var writes = OrderedMap<UInt64, Write>()
    private var last: UInt64 = 0

    mutating func begin(_ context: RequestContext, _ response: WriteTxnMarkersResponse, missing: Int) -> UInt64 {
        last += 1
        writes[last] = Write(context: context, response: response, missing: missing)
        return last
    }

    /// Notes the outcome at one place. The write, where it was the last one missing.
    mutating func settle(_ ticket: MarkerTicket, _ code: ErrorCode) -> Write? {
        let isDone = writes.update(ticket.write) { write in
            write.response.markers[ticket.marker].topics[ticket.topic].partitions[ticket.partition].errorCode = code
            write.missing -= 1
            return write.missing == 0
        }
        return isDone == true ? writes.remove(ticket.write) : nil
    }

    mutating func forget(_ connection: ConnectionID) {
        for id in writes.keys where writes[id]?.context?.connection == connection { writes.update(id) { $0.context = nil } }
    }
}

/// One marker on its way into one partition, and where its outcome goes in the answer.
package struct MarkerTicket: Equatable, Sendable {
    var write: UInt64
    var marker: Int
    var topic: Int
    var partition: Int
    var place: TopicPartition
    var producerID: Int64
    var isCommit: Bool
}

/// WriteTxnMarkers (27), versions 1 and 2: the end of transactions in the partitions that this broker leads, asked for by coordinators, or
/// by an administrator for a transaction that hangs. Answered when all in-sync replicas have them.
extension Broker {
    mutating func handleWriteTxnMarkers(_ context: RequestContext, _ request: WriteTxnMarkersRequest) {
        var response = WriteTxnMarkersResponse()
        let isAllowed = isAllowed(.clusterAction, context) || isAllowed(.alter, context)
        response.markers = request.markers.map { marker in
            var answer = WriteTxnMarkersResponse.Marker()
            answer.producerID = marker.producerID
            answer.topics = marker.topics.map { topic in
                var row = WriteTxnMarkersResponse.Topic()
                row.name = topic.name
                row.partitions = topic.partitionIndexes.map { index in
                    var partition = WriteTxnMarkersResponse.Partition()
                    partition.partitionIndex = index
                    partition.errorCode = .clusterAuthorizationFailed
                    return partition
                }
                return row
            }
            return answer
        }
        let places = request.markers.reduce(0) { sum, marker in sum + marker.topics.reduce(0) { $0 + $1.partitionIndexes.count } }
        guard isAllowed, places > 0 else { return respond(context, response) }
        let write = transactions.writes.begin(context, response, missing: places)
        for (index, marker) in request.markers.enumerated() {
            for (topicIndex, topic) in marker.topics.enumerated() {
                for (partitionIndex, partition) in topic.partitionIndexes.enumerated() {
                    let ticket = MarkerTicket(
                        write: write, marker: index, topic: topicIndex, partition: partitionIndex,
                        place: TopicPartition(topic.name, partition), producerID: marker.producerID, isCommit: marker.transactionResult)
                    appendMarker(marker, ticket)
                }
            }
        }
    }

    private mutating func appendMarker(_ marker: WriteTxnMarkersRequest.Marker, _ ticket: MarkerTicket) {
        let owner = InternalAppendOwner.marker(ticket)
        guard let replica = replicas.find(ticket.place.topic, ticket.place.partition) else {
            let isKnown = image.partition(ticket.place) != nil
            return completions.append((owner, isKnown ? .notLeaderOrFollower : .unknownTopicOrPartition))
        }
        guard replica.isLeader else { return completions.append((owner, .notLeaderOrFollower)) }
        let end = EndTransactionMarker(isCommit: marker.transactionResult, coordinatorEpoch: marker.coordinatorEpoch)
        let batch = end.batch(producerID: marker.producerID, producerEpoch: marker.producerEpoch, timestamp: now.wall)
        // Whoever has been told that the producer's transaction is open has been told too early.
        transactions.guards.ended(marker.producerID, in: ticket.place)
        do throws(LogError) {
            let origin = AppendOrigin.marker(transactionVersion: marker.transactionVersion)
            try appendInternal(batch, to: ticket.place, owner: owner, origin: origin)
        } catch {
            completions.append((owner, internalAppendFailure(error)))
        }
    }

    /// A marker is committed in a partition, or not. In a group's partition what was committed in the transaction takes effect now.
    mutating func markerCompleted(_ ticket: MarkerTicket, _ code: ErrorCode) {
        if ticket.place.topic == offsetsTopic, !code.isError {
            let now = now
            coordinate {
                $0.transactionEnded(ticket.place.partition, producerID: ticket.producerID, isCommit: ticket.isCommit, now: now)
            }
        }
        guard let write = transactions.writes.settle(ticket, code), let context = write.context else { return }
        respond(context, write.response)
    }
}
