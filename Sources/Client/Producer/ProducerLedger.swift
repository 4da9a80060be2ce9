import ClientCore
import Primitives
import Reactor
import Records
import Synchronization

/// What a producer was given and has not told the outcome of. Any thread adds; the client's thread settles. Bounded by `bytesMax`.
final class ProducerLedger: Sendable {
    /// What is to be done for a record that was taken.
    enum Call: Equatable {
        case nothing
        /// What there is has to be handed over now, by `drain`.
        case now
        /// By `drainDue`, not before.
        case at(Instant)
    }
    enum Added {
        /// No room.
        case full
        /// Closed: nothing is taken any more.
        case closed
        case taken(Call)
        /// Only by `add`: where it goes is not known here.
        case homeless
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

        var isEmpty: Bool { count == 0 }
        var numbers: [Int] { slots.indices.filter { slots[$0] != nil }.map { $0 - head + headNumber } }
    }

    private struct State {
        var nextNumber = 0
        var entries = Window()
        var queue: [(number: Int, record: ProducerRecord)] = []
        var gatherer: RecordGatherer
        /// Of the gatherer's open batches by slot, and of all that have an open record by serial.
        var open: [GatheredOutcomes] = []
        var gathered: [Int: GatheredOutcomes] = [:]
        /// Records that were gathered and whose completions have not been called yet.
        var gatheredCount = 0
        /// Somebody has been asked to hand over, now or at the end of a linger.
        var isCalled = false
        var isTimed = false
        /// Steps of transactions.
        var steps: [Int: @Sendable (Result<Void, KafkaError>) -> Void] = [:]
        var bytes = 0
        var isClosed = false
        var idle: Promise<Void>?
        var room: [Signal] = []
        var blocked: [Waiter<Void>] = []

        var isIdle: Bool { entries.isEmpty && gatheredCount == 0 }
        /// Somebody waits for what is here: nothing lingers.
        var isUrgent: Bool { idle != nil || !room.isEmpty || !blocked.isEmpty }
    }

    private let state: Mutex<State>
    private let bytesMax: Int
    private let lingers: Bool

    init(_ options: ProducerOptions) {
        state = Mutex(State(gatherer: RecordGatherer(options)))
        bytesMax = options.bufferedBytesMax
        lingers = options.lingerMs > 0
    }

    // MARK: Records in

    /// Takes a record of `size` bytes into the open batch of its partition; `place` is told which that is.
    func gather(
        _ record: OutgoingRecord, timestamp: Timestamp, size: Int, _ completion: (@Sendable (Producer.Outcome) -> Void)?,
        place: (GatheredOutcomes, Int) -> Void = { _, _ in }
    ) -> Added {
        state.withLock { state in
            if state.isClosed { return .closed }
            guard hasRoom(state, size) else { return .full }
            let headers = record.headers.isEmpty ? [] : record.headers.map { RecordHeader($0.key, $0.value) }
            let added = state.gatherer.add(
                record.topic, record.partition, timestamp: timestamp, key: record.key, value: record.value, headers: headers, bytes: size,
                now: SystemClock.instant)
            guard let added else { return .homeless }
            if added.index == 0 { begin(added, &state) }
            state.open[added.slot].append(timestamp: timestamp.milliseconds, bytes: size, completion)
            state.bytes += size
            state.gatheredCount += 1
            place(state.open[added.slot], added.index)
            return .taken(call(added, &state))
        }
    }

    private func begin(_ place: RecordGatherer.Place, _ state: inout State) {
        let outcomes = GatheredOutcomes()
        state.gathered[place.serial] = outcomes
        if place.slot == state.open.count { state.open.append(outcomes) } else { state.open[place.slot] = outcomes }
    }

    private func call(_ place: RecordGatherer.Place, _ state: inout State) -> Call {
        if state.gatherer.hasFull || place.index == 0 && (!lingers || state.isUrgent) { return called(&state) ? .nothing : .now }
        guard place.index == 0, !state.isTimed, let due = state.gatherer.nextDue else { return .nothing }
        state.isTimed = true
        return .at(due)
    }

    /// Whether somebody has been asked to hand over; if not, the caller is.
    private func called(_ state: inout State) -> Bool {
        defer { state.isCalled = true }
        return state.isCalled
    }

    /// Takes a record that the machine has to place.
    func add(_ record: ProducerRecord, _ completion: @escaping @Sendable (Producer.Outcome) -> Void) -> Added {
        let size = record.size
        return state.withLock { state in
            if state.isClosed { return .closed }
            guard hasRoom(state, size) else { return .full }
            state.bytes += size
            state.entries.append(Entry(record: record, completion: completion))
            state.queue.append((state.nextNumber, record))
            state.nextNumber += 1
            return .taken(called(&state) ? .nothing : .now)
        }
    }

    private func hasRoom(_ state: State, _ bytes: Int) -> Bool { state.bytes == 0 || state.bytes + bytes <= bytesMax }

    /// What is to be handed over: all that does not linger, or all there is. Nil where there is nothing.
    func drain(all: Bool) -> ProducerInput? {
        let now = SystemClock.instant()
        return state.withLock { state in
            state.isCalled = false
            return take(&state, now, all: all)
        }
    }

    /// The same where a linger has ended, and when the next one will.
    func drainDue() -> (input: ProducerInput?, next: Instant?) {
        let now = SystemClock.instant()
        return state.withLock { state in
            let input = take(&state, now, all: false)
            let next = state.gatherer.nextDue
            state.isTimed = next != nil
            return (input, next)
        }
    }

    private func take(_ state: inout State, _ now: Instant, all: Bool) -> ProducerInput? {
        let gathered = state.gatherer.take(now: now, all: all || state.isUrgent)
        guard !state.queue.isEmpty || !gathered.isEmpty else { return nil }
        defer { state.queue = [] }
        return .gathered(state.queue, gathered)
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
        case .written(let serial, let places, let partition, let offset): settle(serial, places, .written(partition, offset))
        case .lost(let serial, let places, let error): settle(serial, places, .lost(KafkaError(error)))
        case .topic(let name, let partitions, let writable):
            state.withLock { $0.gatherer.learn(name, partitions: partitions, writable: writable) }
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
            let (idle, room, blocked) = freed(&state)
            return (entry, idle, room, blocked)
        }
        guard let entry else { return }
        entry.completion(outcome(entry.record))
        wake(idle, room, blocked)
    }

    /// Places of what was gathered have ended.
    private func settle(_ serial: Int, _ places: Range<Int>, _ end: GatheredOutcomes.End) {
        let found = state.withLock { state in state.gathered[serial].map { ($0, $0.settle(places, end)) } }
        guard let (outcomes, woken) = found else { return }
        outcomes.tell(places, end)
        for (continuation, outcome) in woken { continuation.resume(returning: outcome) }
        let (idle, room, blocked) = state.withLock { state in
            state.gatheredCount -= places.count
            if outcomes.isSettled, state.gathered.removeValue(forKey: serial) != nil { state.bytes -= outcomes.bytes }
            return freed(&state)
        }
        wake(idle, room, blocked)
    }

    /// Who is to be told that something was settled.
    private func freed(_ state: inout State) -> (Promise<Void>?, [Signal], [Waiter<Void>]) {
        defer { (state.room, state.blocked) = ([], []) }
        guard state.isIdle else { return (nil, state.room, state.blocked) }
        defer { state.idle = nil }
        return (state.idle, state.room, state.blocked)
    }

    private func wake(_ idle: Promise<Void>?, _ room: [Signal], _ blocked: [Waiter<Void>]) {
        idle?.fill(())
        for signal in room { signal.raise() }
        for waiter in blocked { waiter.fill(()) }
    }

    /// The outcome of a record that was gathered.
    func outcome(_ outcomes: GatheredOutcomes, _ place: Int) async -> Producer.Outcome {
        await withCheckedContinuation { continuation in
            let outcome = state.withLock { _ in outcomes.outcome(place, orTell: continuation) }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }

    /// Nothing more will be told: what is open failed.
    func abandon() {
        close()
        let (numbers, steps) = state.withLock { ($0.entries.numbers, $0.steps.keys.sorted()) }
        let gathered = state.withLock { state in state.gathered.sorted { $0.key < $1.key }.map { ($0.key, $0.value.openPlaces) } }
        let closed = KafkaError(.closed, "the producer was closed")
        for number in numbers { finish(number) { _ in .failure(closed) } }
        for (serial, places) in gathered { for places in places { settle(serial, places, .lost(closed)) } }
        for number in steps { settle(number, .failure(closed)) }
    }

    func close() { state.withLock { $0.isClosed = true } }

    // MARK: Waiting

    /// Filled when nothing is outstanding; nil where nothing is now.
    func idle() -> Promise<Void>? {
        state.withLock { state in
            if state.isIdle { return nil }
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

    /// The same for a thread that blocks.
    func roomWaiter(bytes: Int) -> Waiter<Void> {
        let waiter = Waiter<Void>()
        state.withLock { state in
            if hasRoom(state, bytes) { waiter.fill(()) } else { state.blocked.append(waiter) }
        }
        return waiter
    }
}
