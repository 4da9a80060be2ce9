import Controller
import Groups
import Primitives
import Wire

/// Changes of share partitions on their way to share coordinators: one request to each at a time, with all that has gathered for a group
/// meanwhile, and one write of a share partition at a time.
struct ShareWriter {
    struct Entry {
        var key: SharePartition
        var generation: UInt64
        var write: ShareWrite
        var numbers: [UInt64]
        var stateEpoch: Int32
        var leaderEpoch: Int32
        var attempt = 1
    }

    struct Retry {
        var at: Instant
        var run: @Sendable (inout Broker) -> Void
    }

    var waiting = OrderedMap<BrokerID, [Entry]>()
    var underWay = OrderedMap<BrokerID, [Entry]>()
    var retries: [Retry] = []

    var nextRetry: Instant { retries.lazy.map(\.at).min() ?? .distantFuture }

    mutating func retry(at time: Instant, _ run: @escaping @Sendable (inout Broker) -> Void) { retries.append(Retry(at: time, run: run)) }

    static let attemptsMax = 8

    static func backoffMs(_ attempt: Int) -> Int64 { min(1000, 50 << Int64(min(attempt, 10))) }

    /// Whether the same may succeed in a moment, here or with another coordinator.
    static func isPassing(_ code: ErrorCode) -> Bool {
        switch code {
        case .notCoordinator, .coordinatorNotAvailable, .coordinatorLoadInProgress, .notLeaderOrFollower: true
        default: false
        }
    }

    /// What a member is told of the share coordinator's error.
    static func clientError(_ code: ErrorCode) -> ErrorCode {
        switch code {
        case .notCoordinator, .coordinatorNotAvailable, .coordinatorLoadInProgress: .coordinatorNotAvailable
        case .groupIDNotFound, .unknownTopicOrPartition: code
        case .fencedLeaderEpoch, .fencedStateEpoch: .notLeaderOrFollower
        default: .unknownServerError
        }
    }
}

extension Broker {
    /// Has the state of a share partition written, and what became of these records. `number`: who waits for it (`acknowledgements`).
    mutating func persist(_ key: SharePartition, _ batches: [ShareStateBatch], startOffset: Int64? = nil, number: UInt64 = 0) {
        guard !batches.isEmpty, let leader = leading.leads[key]?.leader else { return }
        let write = ShareWrite(
            number: number, startOffset: startOffset ?? leader.startOffset, deliveryCompleteCount: leader.deliveryCompleteCount,
            batches: batches)
        leading.leads.update(key) { $0.writes.append(write) }
        writeShare(key)
    }

    /// Sends what has gathered of a share partition, if nothing of it is under way.
    private mutating func writeShare(_ key: SharePartition) {
        guard let lead = leading.leads[key], !lead.isWriting, let last = lead.writes.last, let leader = lead.leader else { return }
        var write = last
        write.batches = ShareState.combined([], lead.writes.flatMap(\.batches), from: write.startOffset)
        let entry = ShareWriter.Entry(
            key: key, generation: lead.generation, write: write, numbers: lead.writes.map(\.number).filter { $0 != 0 },
            stateEpoch: leader.stateEpoch, leaderEpoch: lead.leaderEpoch)
        leading.leads.update(key) {
            $0.writes = []
            $0.isWriting = true
        }
        send(entry)
    }

    private mutating func send(_ entry: ShareWriter.Entry) {
        guard let coordinator = shareCoordinator(of: entry.key) else { return writeFailed(entry, .coordinatorNotAvailable) }
        leading.writer.waiting[coordinator, default: []].append(entry)
        sendShareWrites(to: coordinator)
    }

    private mutating func sendShareWrites(to coordinator: BrokerID) {
        guard leading.writer.underWay[coordinator] == nil, let waiting = leading.writer.waiting.remove(coordinator),
            let groupID = waiting.first?.key.groupID
        else { return }
        let entries = waiting.filter { $0.key.groupID == groupID }
        let rest = waiting.filter { $0.key.groupID != groupID }
        if !rest.isEmpty { leading.writer.waiting[coordinator] = rest }
        leading.writer.underWay[coordinator] = entries
        var request = WriteShareGroupStateRequest()
        request.groupID = groupID
        for entry in entries {
            if request.topics.last?.topicID != entry.key.topicID {
                request.topics.append(WriteShareGroupStateRequest.Topic())
                request.topics[request.topics.count - 1].topicID = entry.key.topicID
            }
            request.topics[request.topics.count - 1].partitions.append(entry.wire)
        }
        askShareCoordinator(request, version: 1, at: coordinator) { broker, result in
            broker.shareWritesAnswered(by: coordinator, result)
        }
    }

    private mutating func shareWritesAnswered(by coordinator: BrokerID, _ result: Result<WriteShareGroupStateResponse, PeerFailure>) {
        guard let entries = leading.writer.underWay.remove(coordinator) else { return }
        var codes: [SharePlace: ErrorCode] = [:]
        for topic in (try? result.get())?.results ?? [] {
            for partition in topic.partitions {
                codes[SharePlace(topicID: topic.topicID, partition: partition.partition)] = partition.errorCode
            }
        }
        for entry in entries {
            let code = codes[SharePlace(topicID: entry.key.topicID, partition: entry.key.partition)] ?? .coordinatorNotAvailable
            if code.isError { writeFailed(entry, code) } else { written(entry) }
        }
        sendShareWrites(to: coordinator)
    }

    private mutating func writeFailed(_ entry: ShareWriter.Entry, _ code: ErrorCode) {
        guard leading.leads[entry.key]?.generation == entry.generation else { return }
        guard ShareWriter.isPassing(code) else {
            // Another leads, the group has been reset, or the topic is gone: what is known here is not true any more.
            return dropShare(entry.key, ShareWriter.clientError(code))
        }
        guard entry.attempt < ShareWriter.attemptsMax else { return settle(entry, isDone: false, ShareWriter.clientError(code)) }
        var next = entry
        next.attempt += 1
        leading.writer.retry(at: now.instant.adding(milliseconds: ShareWriter.backoffMs(entry.attempt))) { [next] broker in
            guard broker.leading.leads[next.key]?.generation == next.generation else { return }
            broker.send(next)
        }
    }

    private mutating func written(_ entry: ShareWriter.Entry) {
        guard leading.leads[entry.key]?.generation == entry.generation else { return }
        settle(entry, isDone: true, .none)
    }

    /// Tells who waits for a write. One that could not be made leaves the records with their members: these may try again.
    private mutating func settle(_ entry: ShareWriter.Entry, isDone: Bool, _ code: ErrorCode) {
        var told: [ShareAcknowledgementTicket] = []
        leading.leads.update(entry.key) { lead in
            lead.isWriting = false
            for number in entry.numbers {
                lead.leader?.written(number, isDone: isDone)
                told += lead.acknowledgements.remove(number) ?? []
            }
        }
        for ticket in told { acknowledged(ticket, isDone ? nil : ShareRefusal(code)) }
        if !isDone, let end = leading.leads[entry.key]?.leader?.nextLockEnd { leading.watchLocks(entry.key, until: end) }
        writeShare(entry.key)
        wakeShare(entry.key)
        dropIdleShares(of: entry.key.groupID)
    }

    mutating func retryShareWrites() {
        let due = leading.writer.retries.filter { $0.at <= now.instant }
        leading.writer.retries.removeAll { $0.at <= now.instant }
        for retry in due { retry.run(&self) }
    }
}

extension ShareWriter.Entry {
    fileprivate var wire: WriteShareGroupStateRequest.Partition {
        var partition = WriteShareGroupStateRequest.Partition()
        partition.partition = key.partition
        partition.stateEpoch = stateEpoch
        partition.leaderEpoch = leaderEpoch
        partition.startOffset = write.startOffset
        partition.deliveryCompleteCount = write.deliveryCompleteCount
        partition.stateBatches = write.batches
        return partition
    }
}
