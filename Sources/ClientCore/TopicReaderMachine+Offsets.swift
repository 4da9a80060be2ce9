import Primitives
import Wire

// Leaders and starting offsets.
extension TopicReaderMachine {
    mutating func metadataAnswered(_ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let answer: MetadataResponse
        do {
            answer = try result.of(MetadataResponse.self)
        } catch {
            guard hasStarted || error.isRetriable && options.stop == .never else {
                effects.append(.output(.failed(nil, error)))
                return end(&effects)
            }
            effects.append(.output(.notice(error.description)))
            return askMetadataLater(now: now)
        }
        var isComplete = true
        for topic in answer.topics {
            guard let name = topic.name else { continue }
            if topic.errorCode != .none {
                guard topic.errorCode.isRetriable && (hasStarted || topic.errorCode != .unknownTopicOrPartition) else {
                    effects.append(.output(.failed(nil, .kafka(topic.errorCode, message: name))))
                    return end(&effects)
                }
                isComplete = false
            }
            for partition in topic.partitions {
                let epoch = LeaderEpoch(partition.leaderEpoch)
                let known = learn(TopicPartition(name, partition.partitionIndex), leader: partition.leaderID, epoch, topic.topicID)
                isComplete = isComplete && known
            }
        }
        for wanted in options.partitions ?? [] where partitions[wanted] == nil && isComplete {
            effects.append(.output(.failed(wanted, .kafka(.unknownTopicOrPartition, message: "\(wanted) does not exist"))))
            partitions[wanted] = Partition(bytesMax: 0, isDone: true)
        }
        if isComplete { metadataIsGood(now: now) } else { askMetadataLater(now: now) }
    }

    /// False where the partition has no leader now, as far as the broker knows: one that lags behind tells an older epoch.
    private mutating func learn(_ partition: TopicPartition, leader: Int32, _ epoch: LeaderEpoch, _ topicID: UUID) -> Bool {
        if let wanted = options.partitions, !wanted.contains(partition) { return true }
        if partitions[partition] == nil {
            var state = Partition(bytesMax: options.partitionBytesMax)
            // A partition that is added while we read is read from its beginning: all in it is new.
            if hasStarted {
                state.position = .zero
                state.start = .zero
            }
            partitions[partition] = state
        }
        return partitions.update(partition) { state in
            let isSame = state.topicID == topicID
            guard epoch >= state.leaderEpoch || epoch == .none || !isSame else { return state.leader != nil }
            state.leader = leader >= 0 ? BrokerID(leader) : nil
            (state.leaderEpoch, state.topicID) = (epoch, topicID)
            return leader >= 0
        } ?? false
    }

    /// Asks the leaders for the bounds of partitions that have no position: the fewest requests that tell the start and the stop.
    mutating func findOffsets(_ effects: inout Effects) {
        for bound in [Bound.earliest, .latest, .byTime, .byStopTime] {
            guard let timestamp = timestamp(of: bound) else { continue }
            var byLeader = OrderedMap<BrokerID, [TopicPartition]>()
            for (partition, state) in partitions where state.position == nil && !state.isDone {
                guard let leader = state.leader, value(of: bound, state) == nil, !isAsking(bound, partition) else { continue }
                byLeader[leader, default: []].append(partition)
            }
            for (leader, asked) in byLeader {
                let isolation: Int8 = options.isReadCommitted ? 1 : 0
                let request = listOffsetsRequest(asked.map { ($0, timestamp) }, isolationLevel: isolation)
                send(request, to: .broker(leader), .offsets(bound, asked), &effects)
            }
        }
    }

    private func isAsking(_ bound: Bound, _ partition: TopicPartition) -> Bool {
        purposes.values.contains { purpose in
            guard case .offsets(let asked, let partitions) = purpose, asked == bound else { return false }
            return partitions.contains(partition)
        }
    }

    private func timestamp(of bound: Bound) -> Int64? {
        switch bound {
        case .earliest: ListOffsetsTime.earliest
        case .latest: ListOffsetsTime.latest
        case .byTime: startTimestamp?.milliseconds
        case .byStopTime: stopTimestamp?.milliseconds
        }
    }

    private func value(of bound: Bound, _ state: Partition) -> Offset? {
        switch bound {
        case .earliest: state.earliest
        case .latest: state.latest
        case .byTime: state.byTime
        case .byStopTime: state.byStopTime
        }
    }

    private var stopTimestamp: Timestamp? {
        if case .timestamp(let time) = options.stop { time } else { nil }
    }

    mutating func offsetsAnswered(
        _ bound: Bound, _ asked: [TopicPartition], _ result: AnswerResult, _ effects: inout Effects, now: Now
    ) {
        let answer: ListOffsetsResponse
        do {
            answer = try result.of(ListOffsetsResponse.self)
        } catch {
            guard error.isRetriable else {
                effects.append(.output(.failed(nil, error)))
                return end(&effects)
            }
            effects.append(.output(.notice(error.description)))
            return lost(asked, now: now)
        }
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                if partition.errorCode == .none {
                    partitions.update(name) { TopicReaderMachine.set(bound, Offset(partition.offset), &$0) }
                    settle(name)
                } else if partition.errorCode.isRetriable {
                    lost([name], now: now)
                } else {
                    fail(name, .kafka(partition.errorCode, message: nil), &effects)
                }
            }
        }
    }

    private static func set(_ bound: Bound, _ offset: Offset, _ state: inout Partition) {
        switch bound {
        case .earliest: state.earliest = offset
        case .latest: state.latest = offset
        case .byTime: state.byTime = offset
        case .byStopTime: state.byStopTime = offset
        }
    }

    /// Forgets the leader of partitions that it could not answer for.
    mutating func lost(_ names: [TopicPartition], now: Now) {
        for name in names {
            partitions.update(name) { state in
                state.leader = nil
                state.isBusy = false
            }
        }
        askMetadataLater(now: now)
    }

    mutating func fail(_ name: TopicPartition, _ error: ClientError, _ effects: inout Effects) {
        guard partitions[name]?.isDone == false else { return }
        partitions.update(name) { $0.isDone = true }
        effects.append(.output(.failed(name, error)))
    }

    /// Gives a partition its position once all bounds it needs are known.
    private mutating func settle(_ name: TopicPartition) {
        guard let state = partitions[name], state.position == nil, let earliest = state.earliest, let latest = state.latest else { return }
        guard startTimestamp == nil || state.byTime != nil || state.isOutOfRange else { return }
        guard stopTimestamp == nil || state.byStopTime != nil || state.isOutOfRange else { return }
        let wanted =
            state.isOutOfRange ? max(state.start ?? earliest, earliest) : options.starts[name] ?? wanted(state, earliest, latest)
        let position = min(max(wanted, earliest), max(latest, earliest))
        let stop = stop(state, earliest, latest)
        partitions.update(name) { state in
            state.position = position
            state.end = latest
            if !state.isOutOfRange {
                state.start = position
                state.stopAt = stop
            }
            state.isOutOfRange = false
            if let stopAt = state.stopAt, position >= stopAt { state.isDone = true }
        }
    }

    private func wanted(_ state: Partition, _ earliest: Offset, _ latest: Offset) -> Offset {
        switch options.start {
        case .earliest: earliest
        case .latest: latest
        case .offset(let offset): offset
        case .timestamp, .ago: (state.byTime ?? .none) < .zero ? latest : state.byTime ?? latest
        case .last(let count): latest + -max(0, count)
        case .afterStart(let count): earliest + min(max(0, count), Int64(1) << 60)
        }
    }

    /// Where reading ends: never past the end as it is now, so that it does end.
    private func stop(_ state: Partition, _ earliest: Offset, _ latest: Offset) -> Offset? {
        switch options.stop {
        case .never: nil
        case .atEnd: latest
        case .offset(let offset): min(offset, latest)
        case .afterStart(let count): min(earliest + min(max(0, count), Int64(1) << 60), latest)
        case .beforeEnd(let count): latest + -max(0, count)
        case .timestamp: (state.byStopTime ?? .none) < .zero ? latest : min(state.byStopTime ?? latest, latest)
        }
    }
}

/// The timestamps that mean something else than a time in ListOffsets.
package enum ListOffsetsTime {
    package static let latest: Int64 = -1
    package static let earliest: Int64 = -2
    /// The offset of the newest timestamp (version 7).
    package static let newest: Int64 = -3
}

/// One ListOffsets request for many partitions; the topics are sorted when the partitions are.
package func listOffsetsRequest(_ partitions: [(TopicPartition, Int64)], isolationLevel: Int8 = 0) -> ListOffsetsRequest {
    var request = ListOffsetsRequest()
    request.isolationLevel = isolationLevel
    request.timeoutMs = 10_000
    for (name, timestamp) in partitions {
        if request.topics.last?.name != name.topic {
            var topic = ListOffsetsRequest.Topic()
            topic.name = name.topic
            request.topics.append(topic)
        }
        var partition = ListOffsetsRequest.Partition()
        partition.partitionIndex = name.partition
        partition.timestamp = timestamp
        request.topics[request.topics.count - 1].partitions.append(partition)
    }
    return request
}
