import Controller
import Groups
import Primitives
import Wire

/// Markers on their way to the leaders of their partitions: one request to each leader at a time, with all that has gathered meanwhile.
struct MarkerQueues {
    struct Entry {
        var end: TransactionEnd
        var places: [TopicPartition]
    }

    var waiting = OrderedMap<BrokerID, [Entry]>()
    var underWay = OrderedMap<BrokerID, [Entry]>()
    /// Those that are for no leader, or for no partition.
    var unsent: [(end: TransactionEnd, answers: [(TopicPartition, ErrorCode)])] = []
}

extension Broker {
    /// As long as a leader may take to have markers replicated, and a little more.
    static let markersTimeoutMs: Int64 = 2 * internalAppendTimeoutMs
    static let markersPerRequestMax = 1000

    mutating func queueMarkers(_ end: TransactionEnd, _ places: [TopicPartition]) {
        var byLeader = OrderedMap<BrokerID, [TopicPartition]>()
        var answers: [(TopicPartition, ErrorCode)] = []
        for place in places {
            if let partition = image.partition(place) {
                if let leader = partition.leader, markerAddress(leader) != nil {
                    byLeader[leader, default: []].append(place)
                } else {
                    answers.append((place, .leaderNotAvailable))
                }
            } else {
                // Its topic has been deleted, and all that was to be ended with it: nobody adds what this broker's image does not show.
                answers.append((place, .none))
            }
        }
        for (leader, places) in byLeader {
            transactions.markers.waiting[leader, default: []].append(MarkerQueues.Entry(end: end, places: places))
        }
        if !answers.isEmpty { transactions.markers.unsent.append((end, answers)) }
    }

    private mutating func markerAddress(_ leader: BrokerID) -> PeerAddress? {
        leader == brokerID ? PeerAddress(node: brokerID, host: "", port: 0) : peerAddress(leader)
    }

    /// Sends what waits to the leaders that have nothing under way.
    mutating func sendMarkers() {
        while !transactions.markers.unsent.isEmpty {
            let (end, answers) = transactions.markers.unsent.removeFirst()
            tellMarkers(end, answers)
        }
        for leader in transactions.markers.waiting.keys where transactions.markers.underWay[leader] == nil {
            guard let waiting = transactions.markers.waiting.remove(leader) else { continue }
            let entries = Array(waiting.prefix(Broker.markersPerRequestMax))
            if waiting.count > entries.count { transactions.markers.waiting[leader] = Array(waiting.dropFirst(entries.count)) }
            guard let address = markerAddress(leader) else {
                for entry in entries { tellMarkers(entry.end, entry.places.map { ($0, .leaderNotAvailable) }) }
                continue
            }
            transactions.markers.underWay[leader] = entries
            ask(markersRequest(entries), version: 2, to: address, lane: .marker, timeoutMs: Broker.markersTimeoutMs) { broker, result in
                broker.markersAnswered(leader, result)
            }
        }
    }

    private func markersRequest(_ entries: [MarkerQueues.Entry]) -> WriteTxnMarkersRequest {
        var request = WriteTxnMarkersRequest()
        request.markers = entries.map { entry in
            var marker = WriteTxnMarkersRequest.Marker()
            marker.producerID = entry.end.producerID
            marker.producerEpoch = entry.end.producerEpoch
            marker.transactionResult = entry.end.isCommit
            marker.coordinatorEpoch = entry.end.coordinatorEpoch
            marker.transactionVersion = entry.end.transactionVersion
            for place in entry.places {
                if marker.topics.last?.name != place.topic {
                    marker.topics.append(WriteTxnMarkersRequest.Topic())
                    marker.topics[marker.topics.count - 1].name = place.topic
                }
                marker.topics[marker.topics.count - 1].partitionIndexes.append(place.partition)
            }
            return marker
        }
        return request
    }

    private mutating func markersAnswered(_ leader: BrokerID, _ result: Result<WriteTxnMarkersResponse, PeerFailure>) {
        guard let entries = transactions.markers.underWay.remove(leader) else { return }
        let response = (try? result.get()) ?? WriteTxnMarkersResponse()
        for (index, entry) in entries.enumerated() {
            var codes = OrderedMap<TopicPartition, ErrorCode>()
            if index < response.markers.count, response.markers[index].producerID == entry.end.producerID {
                for topic in response.markers[index].topics {
                    for partition in topic.partitions { codes[TopicPartition(topic.name, partition.partitionIndex)] = partition.errorCode }
                }
            }
            tellMarkers(entry.end, entry.places.map { ($0, codes[$0] ?? .networkException) })
        }
        sendMarkers()
    }

    private mutating func tellMarkers(_ end: TransactionEnd, _ answers: [(TopicPartition, ErrorCode)]) {
        let now = now
        coordinateTransactions { $0.markersAnswered(end, answers, now: now) }
    }
}
