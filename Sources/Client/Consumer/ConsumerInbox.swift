import ClientCore
import Primitives
import Synchronization

/// What a consumer's machine put out and its user has not taken, and what the user may look at. The machine fills it on the client's
/// thread, up to its bound on what is handed out; `poll` empties it.
final class ConsumerInbox: Sendable {
    /// What `poll` has to deal with before it returns records that came later.
    enum Event: Sendable {
        case assigned([TopicPartition])
        case revoking([TopicPartition])
        case revoked([TopicPartition])
        case lost([TopicPartition])
        case failed(KafkaError)
    }

    /// Records of one delivery that were not returned yet.
    struct Chunk {
        var delivery: Int
        /// None of them empty.
        var batches: ArraySlice<ReadBatch>

        mutating func drop(_ isDropped: (TopicPartition) -> Bool) {
            if batches.contains(where: { isDropped($0.partition) }) { batches = batches.filter { !isDropped($0.partition) }[...] }
        }

        /// Returns records of the first batch that is not held back, up to so many; false where there is none.
        mutating func take(_ max: Int, into taken: inout [ConsumerRecord], _ isHeld: (TopicPartition) -> Bool) -> Bool {
            guard let index = batches.firstIndex(where: { !isHeld($0.partition) }) else { return false }
            let batch = batches[index]
            while taken.count < max, let shape = batches[index].popFirst() { taken.append(ConsumerRecord(shape, of: batch)) }
            if batches[index].count == 0 { if index == batches.startIndex { batches.removeFirst() } else { batches.remove(at: index) } }
            return true
        }
    }

    fileprivate enum Entry {
        case event(Event)
        case records(Chunk)
        case positioned(TopicPartition, Offset)
        case sought(Int)
    }

    struct State {
        var hosted: HostedMachine<GroupConsumerMachine>?
        /// Nil: neither subscribed nor assigned yet.
        var isAssigned: Bool?
        var listener = RebalanceListener()
        fileprivate var entries: [Entry] = []
        var chunks: [Chunk] = []
        /// The newest delivery that has left `entries`.
        var lastDelivery = -1
        var assigned: Set<TopicPartition> = []
        var paused: Set<TopicPartition> = []
        /// Of the next record to be returned, where it is known.
        var positions: [TopicPartition: Offset] = [:]
        /// Behind what was returned; those not told to the machine yet.
        var consumed: [TopicPartition: CommittedPosition] = [:]
        var unreported: [TopicPartition: CommittedPosition] = [:]
        /// Seeks under way: records of these partitions are from before.
        var seeks: [Int: [TopicPartition]] = [:]
        var commits: [Int: @Sendable (Result<Void, KafkaError>) -> Void] = [:]
        var nextNumber = 0
        var membership: GroupMembership?
        /// The membership is over for this reason; every `poll` says so.
        var failure: KafkaError?
        var isWoken = false
        /// When the machine was last told that records are asked for.
        var pollNotedAt = Instant.zero
        var isClosed = false
    }

    private let state = Mutex(State())
    let signal = Signal()
    let ended = Promise<Void>()

    @discardableResult
    func change<R>(_ act: (inout State) -> R) -> R { state.withLock { act(&$0) } }

    var hosted: HostedMachine<GroupConsumerMachine>? { state.withLock { $0.hosted } }

    // MARK: From the machine

    func take(_ output: GroupConsumerOutput) {
        switch output {
        case .joined(let membership): change { $0.membership = membership }
        case .assigned(let partitions): put(.event(.assigned(partitions)))
        case .revoking(let partitions): put(.event(.revoking(partitions)))
        case .revoked(let partitions): put(.event(.revoked(partitions)))
        case .lost(let partitions): put(.event(.lost(partitions)))
        case .records(let delivery, let records): put(.records(Chunk(delivery: delivery, batches: records.batches[...])))
        case .positioned(let partition, let offset, _): put(.positioned(partition, offset))
        case .sought(let number): put(.sought(number))
        case .committed(let number, _): settle(number, .success(()))
        case .commitFailed(let number, let error): settle(number, .failure(KafkaError(error)))
        case .failed(let partition, let error):
            let told = KafkaError(error)
            if partition == nil { change { $0.failure = told } }
            put(.event(.failed(told)))
        case .notice: break
        }
    }

    private func put(_ entry: Entry) {
        change { $0.entries.append(entry) }
        signal.raise()
    }

    func finish() {
        let commits = change { state in
            defer { state.commits = [:] }
            return state.commits.sorted { $0.key < $1.key }
        }
        for (_, completion) in commits { completion(.failure(KafkaError(.closed, "the consumer was closed"))) }
        ended.fill(())
        signal.raise()
    }

    func close() {
        change { state in
            (state.isClosed, state.isWoken) = (true, true)
            (state.entries, state.chunks) = ([], [])
        }
        signal.raise()
    }

    // MARK: Commits

    /// A number for a commit; nil where there is no machine.
    func expectCommit(_ completion: @escaping @Sendable (Result<Void, KafkaError>) -> Void) -> Int? {
        change { state in
            guard state.hosted != nil, !state.isClosed, state.failure == nil else { return nil }
            defer { state.nextNumber += 1 }
            state.commits[state.nextNumber] = completion
            return state.nextNumber
        }
    }

    /// Auto commits have no number: what they could not commit, the next one does.
    private func settle(_ number: Int?, _ result: Result<Void, KafkaError>) {
        guard let number, let completion = change({ $0.commits.removeValue(forKey: number) }) else { return }
        completion(result)
    }
}

extension ConsumerInbox.State {
    /// The next event that `poll` has to deal with; records before it are ready to be returned then.
    mutating func popEvent() -> ConsumerInbox.Event? {
        while !entries.isEmpty {
            switch entries.removeFirst() {
            case .event(let event): return event
            case .records(var chunk):
                lastDelivery = chunk.delivery
                if !seeks.isEmpty {
                    let sought = Set(seeks.values.joined())
                    chunk.drop { sought.contains($0) }
                }
                if !chunk.batches.isEmpty { chunks.append(chunk) }
            case .positioned(let partition, let offset): positions[partition] = offset
            case .sought(let number): seeks[number] = nil
            }
        }
        return failure.map { .failed($0) }
    }

    /// Up to so many records, none of paused partitions.
    mutating func next(_ max: Int) -> [ConsumerRecord] {
        var taken: [ConsumerRecord] = []
        if let first = chunks.first { taken.reserveCapacity(min(max, first.batches.reduce(0) { $0 + $1.count })) }
        let paused = paused
        var index = 0
        while index < chunks.count, taken.count < max {
            while taken.count < max, chunks[index].take(max, into: &taken, { paused.contains($0) }) {}
            if chunks[index].batches.isEmpty { chunks.remove(at: index) } else { index += 1 }
        }
        // The last of each run of a partition's records says it for those before.
        for index in taken.indices where index + 1 == taken.count || !taken[index].isBeside(taken[index + 1]) { returned(taken[index]) }
        return taken
    }

    private mutating func returned(_ record: ConsumerRecord) {
        let partition = record.topicPartition
        let position = CommittedPosition(partition, Offset(record.offset + 1), leaderEpoch: LeaderEpoch(record.leaderEpoch))
        positions[partition] = position.offset
        consumed[partition] = position
        unreported[partition] = position
    }

    /// What was returned since the last report, and the last delivery all of whose records were.
    mutating func report() -> (reached: [CommittedPosition], taken: Int) {
        defer { unreported = [:] }
        let reached = unreported.values.sorted { $0.partition < $1.partition }
        return (reached, chunks.first.map { $0.delivery - 1 } ?? lastDelivery)
    }

    mutating func drop(_ isDropped: (TopicPartition) -> Bool) {
        for index in chunks.indices { chunks[index].drop(isDropped) }
        chunks.removeAll { $0.batches.isEmpty }
    }

    mutating func forget(_ partitions: [TopicPartition]) {
        drop { partitions.contains($0) }
        for name in partitions {
            assigned.remove(name)
            paused.remove(name)
            (positions[name], consumed[name], unreported[name]) = (nil, nil, nil)
        }
    }
}

extension ConsumerRecord {
    fileprivate func isBeside(_ other: ConsumerRecord) -> Bool { partition == other.partition && topic == other.topic }
}
