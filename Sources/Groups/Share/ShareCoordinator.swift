import Primitives
import Records
import Wire

/// The share coordinator of one broker: the state of those share partitions whose partition of `__share_group_state` it leads (KIP-932).
///
/// Owned by the broker's core. Questions, time and completed appends go in; answers, appends and truncations of the topic come out as
/// `ShareCoordinatorEffect`s. A state counts once its record is committed, and `load` makes the same states from the same records.
///
/// Invariants:
/// 1. Each `ShareTicket` is answered once, at the latest by `unload`.
/// 2. A share partition has at most one record on its way; what is asked about it meanwhile waits.
/// 3. Neither state epoch nor leader epoch of a share partition falls while it exists: whoever comes with an older one is fenced.
/// 4. No record is given up that the state of a share partition is still made of.
package struct ShareCoordinator {
    package let config: ShareCoordinatorConfig
    /// `share.coordinator.state.topic.num.partitions`; fixed for the life of a cluster.
    package let partitionCount: Int32

    var partitions = OrderedMap<Int32, ShareStatePartition>()
    private var transitions = OrderedMap<AppendToken, ShareTransition>()
    private var nextAppend: UInt64 = 1
    private var nextPruning: Instant?
    private var effects: [ShareCoordinatorEffect] = []

    package init(config: ShareCoordinatorConfig = ShareCoordinatorConfig(), partitionCount: Int32 = 50) {
        precondition(partitionCount > 0, "a coordinator needs partitions")
        self.config = config
        self.partitionCount = partitionCount
    }

    package var isIdle: Bool { partitions.isEmpty }
    /// When `tick` is due next.
    package var nextDeadline: Instant { partitions.isEmpty ? .distantFuture : nextPruning ?? .distantFuture }

    /// The partition of `__share_group_state` that holds this state.
    package func partition(of key: SharePartition) -> Int32 { coordinatorPartition(key.coordinatorKey, of: partitionCount) }

    /// The state of a share partition as far as it is committed.
    package subscript(key: SharePartition) -> ShareState? { partitions[partition(of: key)]?.entries[key]?.state }

    // MARK: - Questions

    package mutating func handle(
        _ question: ShareQuestion, about key: SharePartition, ticket: ShareTicket, now: Now
    ) -> [ShareCoordinatorEffect] {
        ask(ShareWaiting(question: question, ticket: ticket), key, now)
        return takeEffects()
    }

    private mutating func ask(_ waiting: ShareWaiting, _ key: SharePartition, _ now: Now) {
        let index = partition(of: key)
        guard let led = partitions[index] else { return answer(waiting.ticket, .notCoordinator) }
        if led.isLoading { return answer(waiting.ticket, .coordinatorLoadInProgress) }
        if let entry = led.entries[key], entry.isBusy {
            guard entry.waiting.count < ShareCoordinator.waitingMax else { return answer(waiting.ticket, .coordinatorLoadInProgress) }
            return change(key) { $0.waiting.append(waiting) }
        }
        decide(waiting, key, led.entries[key]?.state, now)
    }

    /// Leaders and the group coordinator ask one thing at a time; this bounds those who do not.
    static let waitingMax = 100

    /// Reads and decides; nothing changes but by `appendCompleted`.
    private mutating func decide(_ waiting: ShareWaiting, _ key: SharePartition, _ state: ShareState?, _ now: Now) {
        switch waiting.question {
        case .initialize(let stateEpoch, let startOffset): initialize(waiting, key, state, stateEpoch, startOffset, now)
        case .read(let leaderEpoch): read(waiting, key, state, leaderEpoch, now)
        case .write(let asked): write(waiting, key, state, asked, now)
        case .delete:
            guard state != nil else { return answer(waiting.ticket, .none) }
            append(key, .snapshot(nil), waiting.ticket, answer: nil)
        case .summary: answer(waiting.ticket, .none, state)
        }
    }

    private mutating func initialize(
        _ waiting: ShareWaiting, _ key: SharePartition, _ state: ShareState?, _ stateEpoch: Int32, _ startOffset: Int64, _ now: Now
    ) {
        if let state, stateEpoch != -1, stateEpoch < state.stateEpoch { return answer(waiting.ticket, .fencedStateEpoch) }
        var next = ShareState()
        next.snapshotEpoch = state.map { $0.snapshotEpoch &+ 1 } ?? 0
        next.stateEpoch = stateEpoch
        next.startOffset = startOffset
        next.deliveryCompleteCount = startOffset == -1 ? -1 : 0
        next.createTimestamp = now.wall.milliseconds
        next.writeTimestamp = now.wall.milliseconds
        append(key, .snapshot(next), waiting.ticket, answer: nil)
    }

    private mutating func read(_ waiting: ShareWaiting, _ key: SharePartition, _ state: ShareState?, _ leaderEpoch: Int32, _ now: Now) {
        guard let state else { return answer(waiting.ticket, .invalidRequest, message: ShareCoordinator.uninitialized("Read")) }
        if leaderEpoch != -1, leaderEpoch < state.leaderEpoch { return answer(waiting.ticket, .fencedLeaderEpoch) }
        guard leaderEpoch > state.leaderEpoch else { return answer(waiting.ticket, .none, state) }
        // A new leader: the old one is fenced from the moment on in which this is written down.
        var update = ShareUpdateValue()
        update.leaderEpoch = leaderEpoch
        update.startOffset = state.startOffset
        update.deliveryCompleteCount = state.deliveryCompleteCount
        append(key, record(update, state, now), waiting.ticket, answer: state)
    }

    private mutating func write(
        _ waiting: ShareWaiting, _ key: SharePartition, _ state: ShareState?, _ asked: WriteShareGroupStateRequest.Partition, _ now: Now
    ) {
        guard let state else { return answer(waiting.ticket, .invalidRequest, message: ShareCoordinator.uninitialized("Write")) }
        if asked.leaderEpoch != -1, asked.leaderEpoch < state.leaderEpoch { return answer(waiting.ticket, .fencedLeaderEpoch) }
        if asked.stateEpoch != -1, asked.stateEpoch < state.stateEpoch { return answer(waiting.ticket, .fencedStateEpoch) }
        var update = ShareUpdateValue()
        update.leaderEpoch = asked.leaderEpoch
        update.startOffset = asked.startOffset
        update.deliveryCompleteCount = asked.deliveryCompleteCount
        update.stateBatches = ShareState.combined([], asked.stateBatches, from: asked.startOffset)
        append(key, record(update, state, now, stateEpoch: asked.stateEpoch), waiting.ticket, answer: nil)
    }

    private static func uninitialized(_ what: String) -> String { "\(what) operation on uninitialized share partition not allowed." }

    /// The update, or a snapshot with it where there have been enough updates since the last one.
    private func record(_ update: ShareUpdateValue, _ state: ShareState, _ now: Now, stateEpoch: Int32 = -1) -> ShareStateChange {
        var update = update
        update.snapshotEpoch = state.snapshotEpoch
        guard state.updates >= config.updatesPerSnapshot else { return .update(update) }
        var next = state.updated(by: update)
        if stateEpoch != -1 { next.stateEpoch = stateEpoch }
        return .snapshot(snapshot(of: next, now))
    }

    private func snapshot(of state: ShareState, _ now: Now) -> ShareState {
        var next = state
        next.snapshotEpoch = state.snapshotEpoch &+ 1
        next.writeTimestamp = now.wall.milliseconds
        return next
    }

    // MARK: - What is written down

    private mutating func append(
        _ key: SharePartition, _ change: ShareStateChange, _ ticket: ShareTicket?, answer: ShareState?
    ) {
        let index = partition(of: key)
        let token = AppendToken(nextAppend)
        nextAppend += 1
        partitions.update(index) { $0.entries[key, default: ShareStateEntry()].isBusy = true }
        transitions[token] = ShareTransition(partition: index, key: key, change: change, ticket: ticket, answer: answer)
        let (recordKey, value) = change.record(key)
        effects.append(.append(partition: index, key: recordKey, value: value, token: token))
    }

    /// An append asked for by `.append` is committed at `offset`, or failed with `error`. Tokens of a partition that has been unloaded
    /// since are ignored.
    package mutating func appendCompleted(
        _ token: AppendToken, offset: Offset, error: ErrorCode = .none, now: Now
    ) -> [ShareCoordinatorEffect] {
        guard let transition = transitions.remove(token) else { return [] }
        var waiting: [ShareWaiting] = []
        partitions.update(transition.partition) { partition in
            _ = partition.entries.update(transition.key) { entry in
                waiting = entry.waiting
                entry.waiting = []
                entry.isBusy = false
            }
            if error.isError {
                if partition.entries[transition.key]?.state == nil { partition.entries.remove(transition.key) }
            } else {
                partition.apply(transition.change, to: transition.key, at: offset)
            }
        }
        if let ticket = transition.ticket {
            let code = transactionAppendError(error)
            answer(ticket, error.isError ? code : .none, error.isError ? nil : transition.answer)
        }
        for one in waiting { ask(one, transition.key, now) }
        return takeEffects()
    }

    // MARK: - Loading

    /// This broker leads the partition now. Until `finishLoad` its states answer COORDINATOR_LOAD_IN_PROGRESS.
    package mutating func beginLoad(_ partition: Int32) { partitions[partition] = ShareStatePartition() }

    /// Whole batches, back to back, as they stand in the log.
    package mutating func load(_ partition: Int32, batches: Bytes, codecs: Codecs) throws(BatchError) {
        var walk = BatchWalk(batches)
        while let batch = try walk.next() {
            guard !batch.header.isControl else { continue }
            let records = try batch.records(codecs)
            partitions.update(partition) { state in
                guard state.isLoading else { return }
                for record in records {
                    switch record.key.flatMap({ ParsedShareRecord.parse(key: $0, value: record.value) }) {
                    case .snapshot(let key, let value): state.apply(.snapshot(value), to: key, at: record.offset)
                    case .update(let key, .some(let value)): state.apply(.update(value), to: key, at: record.offset)
                    case .update(_, nil): break
                    case nil: state.skipped += 1
                    }
                }
            }
        }
    }

    /// The partition is read to its end. Returns how many states it holds, and how many records could not be read.
    package mutating func finishLoad(_ partition: Int32, now: Now) -> (states: Int, skipped: Int) {
        guard let loaded = partitions[partition], loaded.isLoading else { return (0, 0) }
        partitions.update(partition) { $0.isLoading = false }
        if nextPruning == nil { nextPruning = now.instant.adding(milliseconds: config.pruneIntervalMs) }
        return (loaded.entries.count, loaded.skipped)
    }

    /// This broker no longer leads the partition: all that waits is told NOT_COORDINATOR, all that is known is forgotten.
    package mutating func unload(_ partition: Int32) -> [ShareCoordinatorEffect] {
        guard let lost = partitions.remove(partition) else { return [] }
        for (token, transition) in transitions.filter({ $0.value.partition == partition }) {
            transitions.remove(token)
            if let ticket = transition.ticket { answer(ticket, .notCoordinator) }
        }
        for entry in lost.entries.values {
            for waiting in entry.waiting { answer(waiting.ticket, .notCoordinator) }
        }
        return takeEffects()
    }

    // MARK: - Pruning

    /// Gives up the records that no state is made of any more. States of topics that are gone get a tombstone; one that nobody has
    /// written to for a while gets a new snapshot where its old one keeps others' records from going.
    package mutating func tick(_ now: Now, topicExists: (UUID) -> Bool) -> [ShareCoordinatorEffect] {
        guard let due = nextPruning, due <= now.instant else { return [] }
        nextPruning = now.instant.adding(milliseconds: config.pruneIntervalMs)
        for (index, partition) in partitions where !partition.isLoading {
            for (key, entry) in partition.entries where !entry.isBusy && !topicExists(key.topicID) {
                append(key, .snapshot(nil), nil, answer: nil)
            }
            guard let (oldest, lowest) = partition.lowestSnapshot else {
                if partition.entries.isEmpty, let end = partition.nextOffset { effects.append(.prune(partition: index, before: end)) }
                continue
            }
            if lowest > .zero { effects.append(.prune(partition: index, before: lowest)) }
            guard let entry = partition.entries[oldest], !entry.isBusy, let state = entry.state, topicExists(oldest.topicID),
                now.wall.milliseconds - state.writeTimestamp >= config.pruneIntervalMs, let end = partition.nextOffset,
                end - lowest > Int64(partition.entries.count)
            else { continue }
            append(oldest, .snapshot(snapshot(of: state, now)), nil, answer: nil)
        }
        return takeEffects()
    }

    // MARK: - Small things

    private mutating func change(_ key: SharePartition, _ body: (inout ShareStateEntry) -> Void) {
        partitions.update(partition(of: key)) { partition in _ = partition.entries.update(key, body) }
    }

    private mutating func answer(_ ticket: ShareTicket, _ code: ErrorCode, _ state: ShareState? = nil, message: String? = nil) {
        effects.append(.answer(ticket, ShareAnswer(code: code, message: code.isError ? message ?? code.message : nil, state: state)))
    }

    private mutating func takeEffects() -> [ShareCoordinatorEffect] {
        let taken = effects
        effects = []
        return taken
    }
}
