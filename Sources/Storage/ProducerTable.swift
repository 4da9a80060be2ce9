import Primitives
import Records

/// The producers of one partition and their transactions: what makes produce idempotent and read_committed possible.
///
/// It is a fold over the batches of the log, so that recovery, a follower and the leader come to the same state; a snapshot of it
/// (`ProducerSnapshot`) stands for all batches before its offset.
struct ProducerTable {
    private var states: OrderedMap<Int64, ProducerState> = OrderedMap()
    /// First offsets of open transactions, with their producers.
    private var open: OrderedMap<Offset, Int64> = OrderedMap()
    /// Transactions that have ended, by first offset, with their marker's offset: until that is below the high watermark they hold the
    /// last stable offset back.
    private var ended: OrderedMap<Offset, Offset> = OrderedMap()

    var all: [ProducerState] { states.values }
    var isEmpty: Bool { states.isEmpty }
    var firstOpenOffset: Offset? { open.keys.first }

    init() {}

    /// From a snapshot; producers that have expired by `now` stay out unless a transaction is open.
    init(_ snapshot: [ProducerState], now: Timestamp, expiration: Int64) {
        for state in snapshot where !ProducerTable.isExpired(state, now, expiration) {
            states[state.producerID] = state
            if let start = state.transactionFirstOffset { open[start] = state.producerID }
        }
    }

    /// What read_committed may read up to `highWatermark`.
    func lastStableOffset(highWatermark: Offset) -> Offset {
        var stable = highWatermark
        if let first = open.keys.first { stable = min(stable, first) }
        for (first, marker) in ended where marker >= highWatermark { stable = min(stable, first) }
        return stable
    }

    /// Transactions whose markers are replicated no longer hold anything back.
    mutating func replicated(highWatermark: Offset) {
        guard !ended.isEmpty else { return }
        ended.removeAll { (_, marker) in marker < highWatermark }
    }

    /// The earlier batch that `header` repeats: same producer, epoch, first and last sequence.
    func duplicate(of header: BatchHeader) -> ProducerBatch? {
        guard let state = states[header.producerID], state.producerEpoch == header.producerEpoch else { return nil }
        return state.batches.first { $0.lastSequence == header.lastSequence && $0.offsetDelta == header.lastOffsetDelta }
    }

    /// The oldest batch known of a producer in the epoch of `header`, where there may be earlier ones, not known, that `header` repeats.
    func oldestKnown(_ header: BatchHeader) -> ProducerBatch? {
        guard let state = states[header.producerID], state.producerEpoch == header.producerEpoch else { return nil }
        return state.batches.count < ProducerState.batchesMax ? state.batches.first : nil
    }

    /// Kafka's rules for a data batch from a client (ProducerAppendInfo): epochs never fall, sequences continue, a new epoch begins at 0,
    /// and inside a transaction there are only transactional batches.
    func check(_ header: BatchHeader) throws(LogError) {
        guard let state = states[header.producerID] else { return }
        try checkEpoch(header)
        let name = "producer \(header.producerID)"
        if header.producerEpoch > state.producerEpoch {
            guard header.baseSequence == 0 else {
                throw .outOfOrderSequence("Invalid sequence number for new epoch of \(name): \(header.baseSequence)")
            }
        } else if !ProducerTable.continues(state.lastSequence, header.baseSequence) {
            let found = "\(header.baseSequence) (incoming), \(state.lastSequence) (current end)"
            throw .outOfOrderSequence("Out of order sequence number for \(name): \(found)")
        }
        if state.transactionFirstOffset != nil && !header.isTransactional && header.producerEpoch == state.producerEpoch {
            throw .invalidTransactionState("Expected transactional write from \(name)")
        }
    }

    /// The one rule for offsets that a coordinator writes for a transaction: they have no sequences.
    func checkEpoch(_ header: BatchHeader) throws(LogError) {
        guard let state = states[header.producerID], header.producerEpoch < state.producerEpoch else { return }
        let found = "Epoch \(header.producerEpoch) of producer \(header.producerID)"
        throw .invalidProducerEpoch("\(found) is smaller than the last seen \(state.producerEpoch)")
    }

    /// Whether the producer's transaction is open here, begun in this epoch.
    func isOpen(_ producerID: Int64, _ producerEpoch: Int16) -> Bool {
        guard let state = states[producerID] else { return false }
        return state.transactionFirstOffset != nil && state.producerEpoch == producerEpoch
    }

    static func continues(_ last: Int32, _ next: Int32) -> Bool { next == last &+ 1 && last != .max || next == 0 && last == .max }

    /// The rules for a marker: neither the producer's epoch nor the coordinator's may fall. From transaction version 2 on a marker's epoch
    /// is above that of what it ends, so that one that comes late cannot end the next transaction.
    func check(_ marker: EndTransactionMarker, _ header: BatchHeader, transactionVersion: Int8 = 0) throws(LogError) {
        guard let state = states[header.producerID] else { return }
        if header.producerEpoch < state.producerEpoch {
            throw .invalidProducerEpoch("Marker of epoch \(header.producerEpoch), last seen \(state.producerEpoch)")
        }
        if transactionVersion >= 2, header.producerEpoch == state.producerEpoch, state.transactionFirstOffset != nil {
            throw .invalidProducerEpoch("Marker of epoch \(header.producerEpoch) for a transaction begun in it")
        }
        if marker.coordinatorEpoch < state.coordinatorEpoch {
            throw .coordinatorFenced("Marker of coordinator epoch \(marker.coordinatorEpoch), last seen \(state.coordinatorEpoch)")
        }
    }

    /// Folds in a data batch as it lies in the log.
    mutating func apply(_ header: BatchHeader) {
        guard header.hasProducerID else { return }
        var state = states[header.producerID] ?? ProducerTable.fresh(header)
        ProducerTable.raiseEpoch(&state, header)
        let batch = ProducerBatch(
            lastSequence: header.lastSequence, lastOffset: header.lastOffset, offsetDelta: header.lastOffsetDelta,
            timestamp: header.maxTimestamp)
        if state.batches.count == ProducerState.batchesMax { state.batches.removeFirst() }
        state.batches.append(batch)
        state.lastTimestamp = header.maxTimestamp
        if header.isTransactional && state.transactionFirstOffset == nil {
            state.transactionFirstOffset = header.baseOffset
            open[header.baseOffset] = header.producerID
        }
        states[header.producerID] = state
    }

    /// Folds in a marker. Returns the transaction where it was an abort of one that had begun.
    mutating func apply(_ marker: EndTransactionMarker, _ header: BatchHeader) -> AbortedTransaction? {
        var state = states[header.producerID] ?? ProducerTable.fresh(header)
        ProducerTable.raiseEpoch(&state, header)
        let first = state.transactionFirstOffset
        state.transactionFirstOffset = nil
        state.coordinatorEpoch = marker.coordinatorEpoch
        state.lastTimestamp = header.maxTimestamp
        states[header.producerID] = state
        guard let first else { return nil }
        open[first] = nil
        // Kafka's rule: the stable offset once this transaction has ended, others may still be open.
        let stable = open.keys.first ?? header.nextOffset
        ended[first] = header.lastOffset
        guard !marker.isCommit else { return nil }
        return AbortedTransaction(
            producerID: header.producerID, firstOffset: first, lastOffset: header.lastOffset, lastStableOffset: stable)
    }

    /// Forgets producers that have been silent for `expiration` milliseconds, unless a transaction of theirs is open.
    mutating func expire(now: Timestamp, expiration: Int64) {
        guard states.values.contains(where: { ProducerTable.isExpired($0, now, expiration) }) else { return }
        states.removeAll { (_, state) in ProducerTable.isExpired(state, now, expiration) }
    }

    private static func isExpired(_ state: ProducerState, _ now: Timestamp, _ expiration: Int64) -> Bool {
        state.transactionFirstOffset == nil && now.milliseconds &- state.lastTimestamp.milliseconds >= expiration
    }

    private static func fresh(_ header: BatchHeader) -> ProducerState {
        ProducerState(
            producerID: header.producerID, producerEpoch: header.producerEpoch, batches: [], coordinatorEpoch: -1,
            lastTimestamp: header.maxTimestamp, transactionFirstOffset: nil)
    }

    /// A new epoch begins its sequences anew, so the batches of the old one can no longer be repeated.
    private static func raiseEpoch(_ state: inout ProducerState, _ header: BatchHeader) {
        guard header.producerEpoch != state.producerEpoch else { return }
        state.producerEpoch = header.producerEpoch
        state.batches.removeAll()
    }
}
