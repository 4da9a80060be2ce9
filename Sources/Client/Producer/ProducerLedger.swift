import ClientCore
import Primitives
import Synchronization

/// What a producer was given and has not told the outcome of. Any thread adds; the client's thread settles. Bounded by `bytesMax`.
final class ProducerLedger: Sendable {
    enum Added {
        /// No room.
        case full
        /// Somebody has already been asked to hand it over.
        case queued
        /// Nobody has.
        case first
    }

    private struct Entry {
        var record: ProducerRecord
        var completion: @Sendable (Producer.Outcome) -> Void
    }

    /// What is open, by number. Outcomes come about in the order of the numbers, so this is a window that moves and not a dictionary.
    private struct Window {
        private var slots: [Entry?] = []
        /// Where the oldest that may be open stands, and its number.
        private var head = 0
        private var headNumber = 0
        private(set) var count = 0

        /// The next number: of a record, or of something else (nil).
        mutating func append(_ entry: Entry?) {
            slots.append(entry)
            if entry != nil { count += 1 }
        }

        mutating func remove(_ number: Int) -> Entry? {
            let index = head + number - headNumber
            guard number >= headNumber, index < slots.count, let entry = slots[index] else { return nil }
            slots[index] = nil
            count -= 1
            while head < slots.count, slots[head] == nil { (head, headNumber) = (head + 1, headNumber + 1) }
            if head >= 4_096 && head * 2 >= slots.count {
                slots.removeFirst(head)
                head = 0
            }
            return entry
        }

        var numbers: [Int] { slots.indices.filter { slots[$0] != nil }.map { $0 - head + headNumber } }
    }

    private struct State {
        var nextNumber = 0
        var entries = Window()
        var queue: [(number: Int, record: ProducerRecord)] = []
        /// Steps of transactions.
        var steps: [Int: @Sendable (Result<Void, KafkaError>) -> Void] = [:]
        var bytes = 0
        var isClosed = false
        var idle: Promise<Void>?
        var room: [Signal] = []
        var blocked: [Waiter<Void>] = []
    }

    private let state = Mutex(State())
    private let bytesMax: Int

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    func add(_ record: ProducerRecord, _ completion: @escaping @Sendable (Producer.Outcome) -> Void) -> Added {
        let size = record.size
        let (added, isClosed) = state.withLock { state -> (Added, Bool) in
            if state.isClosed { return (.queued, true) }
            guard hasRoom(state, size) else { return (.full, false) }
            state.bytes += size
            state.entries.append(Entry(record: record, completion: completion))
            state.queue.append((state.nextNumber, record))
            state.nextNumber += 1
            return (state.queue.count == 1 ? .first : .queued, false)
        }
        if isClosed { completion(.failure(KafkaError(.closed, "the producer is closed"))) }
        return added
    }

    private func hasRoom(_ state: State, _ bytes: Int) -> Bool { state.bytes == 0 || state.bytes + bytes <= bytesMax }

    func drain() -> [(number: Int, record: ProducerRecord)] {
        state.withLock { state in
            defer { state.queue = [] }
            return state.queue
        }
    }

    /// A number for a step of a transaction.
    func expect(_ completion: @escaping @Sendable (Result<Void, KafkaError>) -> Void) -> Int {
        state.withLock { state in
            defer { state.nextNumber += 1 }
            state.entries.append(nil)
            state.steps[state.nextNumber] = completion
            return state.nextNumber
        }
    }

    // MARK: Outcomes

    func take(_ output: ProducerOutput) {
        switch output {
        case .delivered(let number, let partition, let offset):
            finish(number) { record in
                .success(
                    RecordMetadata(
                        topic: partition.topic, partition: partition.partition, offset: offset < .zero ? nil : offset.rawValue,
                        timestamp: record.timestamp?.milliseconds ?? -1))
            }
        case .failed(let number, let error): finish(number) { _ in .failure(KafkaError(error)) }
        case .transactionDone(let number): settle(number, .success(()))
        case .transactionFailed(let number, let error, let isFatal):
            var told = KafkaError(error)
            (told.isFatal, told.mustAbort) = (isFatal, !isFatal && told.kind != .illegalState)
            settle(number, .failure(told))
        }
    }

    func settle(_ number: Int, _ result: Result<Void, KafkaError>) {
        let step = state.withLock { $0.steps.removeValue(forKey: number) }
        step?(result)
    }

    private func finish(_ number: Int, _ outcome: (ProducerRecord) -> Producer.Outcome) {
        let (entry, idle, room, blocked) = state.withLock { state -> (Entry?, Promise<Void>?, [Signal], [Waiter<Void>]) in
            guard let entry = state.entries.remove(number) else { return (nil, nil, [], []) }
            state.bytes -= entry.record.size
            defer { (state.room, state.blocked) = ([], []) }
            guard state.entries.count == 0 else { return (entry, nil, state.room, state.blocked) }
            defer { state.idle = nil }
            return (entry, state.idle, state.room, state.blocked)
        }
        guard let entry else { return }
        entry.completion(outcome(entry.record))
        idle?.fill(())
        for signal in room { signal.raise() }
        for waiter in blocked { waiter.fill(()) }
    }

    /// Nothing more will be told: what is open failed.
    func abandon() {
        close()
        let (numbers, steps) = state.withLock { ($0.entries.numbers, $0.steps.keys.sorted()) }
        let closed = KafkaError(.closed, "the producer was closed")
        for number in numbers { finish(number) { _ in .failure(closed) } }
        for number in steps { settle(number, .failure(closed)) }
    }

    func close() { state.withLock { $0.isClosed = true } }

    // MARK: Waiting

    /// Filled when nothing is outstanding; nil where nothing is now.
    func idle() -> Promise<Void>? {
        state.withLock { state in
            if state.entries.count == 0 { return nil }
            let promise = state.idle ?? Promise<Void>()
            state.idle = promise
            return promise
        }
    }

    /// Raised when something was settled, or at once where there is room for so many bytes.
    func roomSignal(bytes: Int) -> Signal {
        let signal = Signal()
        state.withLock { state in
            if hasRoom(state, bytes) { signal.raise() } else { state.room.append(signal) }
        }
        return signal
    }

    /// Blocks until something was settled; false where nothing was in time.
    func waitForRoom(bytes: Int, milliseconds: Int64) -> Bool {
        let waiter = Waiter<Void>()
        state.withLock { state in
            if hasRoom(state, bytes) { waiter.fill(()) } else { state.blocked.append(waiter) }
        }
        return waiter.wait(milliseconds: milliseconds) != nil
    }
}
