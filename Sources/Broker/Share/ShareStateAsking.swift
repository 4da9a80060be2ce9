import Controller
import Groups
import Primitives
import Wire

/// What a share coordinator says of one partition.
struct ShareStateAnswer: Equatable, Sendable {
    var error = ErrorCode.none
    /// -1: the group has read nothing of it.
    var startOffset: Int64 = -1
    var leaderEpoch: Int32 = 0
    /// Records behind the start offset that are done with; -1: unknown.
    var deliveryCompleteCount: Int32 = -1
}

typealias ShareStateAnswers = OrderedMap<SharePartition, ShareStateAnswer>

/// Questions to share coordinators that are under way: each is asked again, after a while, of the partitions whose coordinator could not be
/// found or did not answer, until its time is up. Bounded by those who ask: a group has one question for each thing it waits for.
struct ShareStateAsks {
    enum Kind: Sendable {
        case initialize(OrderedMap<SharePartition, ShareStateStart>)
        case delete
        case summarize
    }

    struct Ask: Sendable {
        let kind: Kind
        /// Not answered yet.
        var open: [SharePartition]
        var answers = ShareStateAnswers()
        var underWay = 0
        let deadline: Instant
        var retryAt = Instant.distantFuture
        var pauseMs: Int64 = 50
        let done: @Sendable (inout Broker, ShareStateAnswers) -> Void
    }

    var asks = OrderedMap<UInt64, Ask>()
    private var last: UInt64 = 0
    /// The state's topic is being made.
    var isMakingTopic = false

    mutating func add(_ ask: Ask) -> UInt64 {
        last += 1
        asks[last] = ask
        return last
    }

    var nextDeadline: Instant { asks.values.reduce(.distantFuture) { min($0, $1.retryAt) } }
}

extension Broker {
    /// As long as a client's request may take: who waits for these is a client, or a heartbeat that comes again.
    static let shareStateAskTimeoutMs: Int64 = 20_000
    static let shareStatePauseMsMax: Int64 = 1000
    private static let sharePartitionsPerRequestMax = 1000

    /// Asks the coordinators of these partitions; `done` hears of each, once.
    mutating func askShareState(
        _ kind: ShareStateAsks.Kind, of partitions: [SharePartition],
        then done: @escaping @Sendable (inout Broker, ShareStateAnswers) -> Void
    ) {
        let deadline = now.instant.adding(milliseconds: Broker.shareStateAskTimeoutMs)
        sendShareAsk(shareAsks.add(ShareStateAsks.Ask(kind: kind, open: partitions, deadline: deadline, done: done)))
    }

    /// Asks again what is due.
    mutating func shareAsksTick() {
        let instant = now.instant
        for id in shareAsks.asks.filter({ $0.value.retryAt <= instant }).map(\.key) { sendShareAsk(id) }
    }

    private mutating func sendShareAsk(_ id: UInt64) {
        guard var ask = shareAsks.asks[id] else { return }
        ask.retryAt = .distantFuture
        var byCoordinator = OrderedMap<BrokerID, [SharePartition]>()
        var unreachable: [SharePartition] = []
        if image.topic(shareStateTopic) == nil {
            // Who only looks makes nothing: there is no state anywhere yet.
            if case .summarize = ask.kind {
                for partition in ask.open { ask.answers[partition] = ShareStateAnswer() }
            } else {
                unreachable = ask.open
                makeShareStateTopic()
            }
        } else {
            for partition in ask.open {
                if let coordinator = shareCoordinator(of: partition) {
                    byCoordinator[coordinator, default: []].append(partition)
                } else {
                    unreachable.append(partition)
                }
            }
        }
        for partition in unreachable { ask.answers[partition] = ShareStateAnswer(error: .coordinatorNotAvailable) }
        ask.open = unreachable
        var parts: [(BrokerID, [SharePartition])] = []
        for (coordinator, all) in byCoordinator {
            for start in stride(from: 0, to: all.count, by: Broker.sharePartitionsPerRequestMax) {
                parts.append((coordinator, Array(all[start..<min(all.count, start + Broker.sharePartitionsPerRequestMax)])))
            }
        }
        ask.underWay = parts.count
        shareAsks.asks[id] = ask
        for (coordinator, partitions) in parts { send(ask.kind, partitions, to: coordinator, id) }
        if parts.isEmpty { shareAskRound(id) }
    }

    /// Once at a time, whoever needs it; then all who wait for it ask again.
    private mutating func makeShareStateTopic() {
        guard !shareAsks.isMakingTopic else { return }
        shareAsks.isMakingTopic = true
        autoCreate([shareStateTopic]) { broker, _ in
            broker.shareAsks.isMakingTopic = false
            let now = broker.now.instant
            for id in broker.shareAsks.asks.keys {
                broker.shareAsks.asks.update(id) { ask in
                    if ask.retryAt != .distantFuture { ask.retryAt = now }
                }
            }
        }
    }

    private mutating func send(_ kind: ShareStateAsks.Kind, _ partitions: [SharePartition], to coordinator: BrokerID, _ id: UInt64) {
        guard let groupID = partitions.first?.groupID else { return }
        switch kind {
        case .initialize(let starts):
            var request = InitializeShareGroupStateRequest()
            request.groupID = groupID
            request.topics = Broker.byTopic(partitions) { topic, own in
                var row = InitializeShareGroupStateRequest.Topic()
                row.topicID = topic
                row.partitions = own.map { place in
                    var entry = InitializeShareGroupStateRequest.Partition()
                    entry.partition = place.partition
                    entry.stateEpoch = starts[place]?.stateEpoch ?? 0
                    entry.startOffset = starts[place]?.startOffset ?? -1
                    return entry
                }
                return row
            }
            askShareCoordinator(request, version: 0, at: coordinator) { broker, result in
                let rows = ((try? result.get())?.results ?? []).flatMap { row in
                    row.partitions.map { (row.topicID, $0.partition, ShareStateAnswer(error: $0.errorCode)) }
                }
                broker.shareAnswered(id, partitions, rows)
            }
        case .delete:
            var request = DeleteShareGroupStateRequest()
            request.groupID = groupID
            request.topics = Broker.byTopic(partitions) { topic, own in
                var row = DeleteShareGroupStateRequest.Topic()
                row.topicID = topic
                row.partitions = own.map { place in
                    var entry = DeleteShareGroupStateRequest.Partition()
                    entry.partition = place.partition
                    return entry
                }
                return row
            }
            askShareCoordinator(request, version: 0, at: coordinator) { broker, result in
                let rows = ((try? result.get())?.results ?? []).flatMap { row in
                    row.partitions.map { (row.topicID, $0.partition, ShareStateAnswer(error: $0.errorCode)) }
                }
                broker.shareAnswered(id, partitions, rows)
            }
        case .summarize: sendSummary(groupID, partitions, to: coordinator, id)
        }
    }

    private mutating func sendSummary(_ groupID: String, _ partitions: [SharePartition], to coordinator: BrokerID, _ id: UInt64) {
        var request = ReadShareGroupStateSummaryRequest()
        request.groupID = groupID
        request.topics = Broker.byTopic(partitions) { topic, own in
            var row = ReadShareGroupStateSummaryRequest.Topic()
            row.topicID = topic
            row.partitions = own.map { place in
                var entry = ReadShareGroupStateSummaryRequest.Partition()
                entry.partition = place.partition
                return entry
            }
            return row
        }
        askShareCoordinator(request, version: 1, at: coordinator) { broker, result in
            let rows = (try? result.get())?.results ?? []
            broker.shareAnswered(
                id, partitions,
                rows.flatMap { row in
                    row.partitions.map { partition in
                        let answer = ShareStateAnswer(
                            error: partition.errorCode, startOffset: partition.startOffset, leaderEpoch: partition.leaderEpoch,
                            deliveryCompleteCount: partition.deliveryCompleteCount)
                        return (row.topicID, partition.partition, answer)
                    }
                })
        }
    }

    /// One coordinator's answer, or its failure: `rows` empty.
    private mutating func shareAnswered(
        _ id: UInt64, _ partitions: [SharePartition], _ rows: [(topicID: UUID, partition: Int32, answer: ShareStateAnswer)]
    ) {
        guard var ask = shareAsks.asks[id] else { return }
        var answers: [PartitionPlace: ShareStateAnswer] = [:]
        for row in rows { answers[PartitionPlace(topicID: row.topicID, partition: row.partition)] = row.answer }
        for partition in partitions {
            let answer = answers[PartitionPlace(topicID: partition.topicID, partition: partition.partition)]
            ask.answers[partition] = answer ?? ShareStateAnswer(error: .coordinatorNotAvailable)
            if answer.map({ Broker.isPassing($0.error) }) ?? true { ask.open.append(partition) }
        }
        ask.underWay -= 1
        shareAsks.asks[id] = ask
        if ask.underWay == 0 { shareAskRound(id) }
    }

    /// All who were asked have answered: done, or again after a pause.
    private mutating func shareAskRound(_ id: UInt64) {
        guard var ask = shareAsks.asks[id] else { return }
        if ask.open.isEmpty || now.instant >= ask.deadline {
            shareAsks.asks.remove(id)
            return ask.done(&self, ask.answers)
        }
        ask.retryAt = min(now.instant.adding(milliseconds: ask.pauseMs), ask.deadline)
        ask.pauseMs = min(ask.pauseMs * 2, Broker.shareStatePauseMsMax)
        shareAsks.asks[id] = ask
    }

    private struct PartitionPlace: Hashable {
        var topicID: UUID
        var partition: Int32
    }

    /// What another try may mend.
    private static func isPassing(_ error: ErrorCode) -> Bool {
        switch error {
        case .coordinatorNotAvailable, .coordinatorLoadInProgress, .notCoordinator, .networkException, .requestTimedOut: true
        default: false
        }
    }

    private static func byTopic<Row>(_ partitions: [SharePartition], _ make: (UUID, [SharePartition]) -> Row) -> [Row] {
        var topics = OrderedMap<UUID, [SharePartition]>()
        for partition in partitions { topics[partition.topicID, default: []].append(partition) }
        return topics.map { make($0.key, $0.value) }
    }

    // MARK: the group coordinator's questions

    /// What a group wants done by share coordinators.
    mutating func askShareState(_ work: ShareStateWork, _ token: ShareWorkToken) {
        let kind: ShareStateAsks.Kind
        switch work {
        case .initialize(let starts):
            var byPartition = OrderedMap<SharePartition, ShareStateStart>()
            for start in starts { byPartition[start.partition] = start }
            kind = .initialize(byPartition)
        case .delete: kind = .delete
        }
        askShareState(kind, of: work.partitions) { broker, answers in
            var results = ShareStateResults()
            for partition in work.partitions { results[partition] = answers[partition]?.error }
            let now = broker.now
            broker.coordinate { $0.shareStateCompleted(token, results, now: now) }
        }
    }
}
