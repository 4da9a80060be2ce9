import Client
import ClientCore
import Console
import Payloads
import Primitives
import Records
import Synchronization

/// A tail's reader and what it has brought and the UI has not taken yet.
///
/// Bounded twice: the reader stops fetching at its own bound of bytes that were not taken; and a live tail that brings more than
/// `pendingMax` messages between two frames is sampled, the oldest being counted and not shown, because nobody can read them. A tail
/// that reads from the past is never sampled: it waits. What the view would hide is left out here, as fast as it is read.
final class SessionTail: Sendable {
    static let pendingMax = 4000
    /// Messages handed to the UI per frame.
    static let batchMax = 2000
    /// The merge waits for slow partitions up to here, which is less than what the reader fetches ahead.
    static let mergeBytesMax = 6 << 20

    private struct State {
        var merge = TimeMerge(bytesMax: SessionTail.mergeBytesMax)
        var filter = TailFilter.none
        var format = PayloadFormat.automatic
        /// Sampled away, and left out for the filter, since the UI last took something.
        var skipped = 0
        var filtered = 0
        var positions = OrderedMap<TopicPartition, ReaderPosition>()
        /// Ends as they were when reading began: what there is to read.
        var ends = OrderedMap<TopicPartition, Offset>()
        /// Taken out of the merge, and waiting for a schema to be read by.
        var waiting: [ReadRecord] = []
        var isCaughtUp = false
        var isFinished = false
        var error: String?
        var hasNews = false
        var isPaused = false
    }

    let query: TailQuery
    private let state = Mutex(State())
    private let reader = Mutex<TopicReader?>(nil)
    private let mailbox: ConsoleMailbox
    private let book: SchemaBook?
    private let masks: MaskBook

    init(_ query: TailQuery, _ client: ClusterClient, _ mailbox: ConsoleMailbox, _ book: SchemaBook?, _ masks: MaskBook) {
        self.query = query
        self.masks = masks
        self.mailbox = mailbox
        self.book = book
        var options = ReaderOptions(topics: query.topics, start: query.start.readStart, stop: query.stop.readStop)
        if let partition = query.partition, let topic = query.topics.first { options.partitions = [TopicPartition(topic, partition)] }
        options.waitMs = 250
        options.showsControl = true
        guard !query.topics.isEmpty else { return }
        let made = TopicReader(client, options, onOutput: { [weak self] in self?.receive($0) })
        reader.withLock { $0 = made }
        book?.onArrival { [weak self] in
            self?.state.withLock { $0.hasNews = true }
            self?.mailbox.wake()
        }
    }

    private var isLive: Bool {
        switch query.start {
        case .end, .last: query.stop == nil
        default: false
        }
    }

    /// On the client's thread.
    private func receive(_ output: ReaderOutput) {
        var taken = 0
        state.withLock { state in
            switch output {
            case .started(let positions):
                for position in positions {
                    state.positions[position.partition] = position
                    state.ends[position.partition] = position.stop ?? position.end
                }
                state.merge.learn(positions)
            case .records(let records, _, let positions):
                taken = admit(records, &state)
                for position in positions { state.positions[position.partition] = position }
                state.merge.learn(positions)
                state.error = nil
                if isLive, state.isCaughtUp, !state.isPaused, state.merge.count > SessionTail.pendingMax {
                    taken += SessionTail.sample(&state)
                }
                state.isFinished = isRead(state)
            case .caughtUp: state.isCaughtUp = true
            case .notice(let text):
                state.error = text
                state.merge.hurry()
            case .failed(let partition, let error):
                state.error = (partition.map { "\($0): " } ?? "") + "\(error)"
                if let partition { state.merge.end(partition) } else { state.merge.hurry() }
            }
            state.hasNews = true
        }
        if taken > 0 { reader.withLock { $0 }?.taken(bytes: taken) }
        mailbox.wake()
    }

    private func isRead(_ state: State) -> Bool {
        query.stop != nil && state.positions.values.allSatisfy { $0.position >= $0.stop ?? .zero }
    }

    /// Puts aside what the filter lets through; returns the bytes of the rest.
    private func admit(_ records: [ReadRecord], _ state: inout State) -> Int {
        guard !state.filter.isEmpty else {
            state.merge.put(records)
            return 0
        }
        var dropped = 0
        var passed: [ReadRecord] = []
        let admitted = records.filter { record in
            // A marker tells what became of messages that are shown.
            let message = TailMessage(record, book, state.format, masks: masks)
            if record.control != nil || message.isPending || state.filter.outcome(message).isShown { return true }
            dropped += record.size
            passed.append(record)
            return false
        }
        state.filtered += passed.count
        // A rare match is shown when it is found, not when every partition has one.
        for record in passed { state.merge.pass(record.partition, record.timestamp) }
        state.merge.put(admitted)
        return dropped
    }

    /// Lets go of all but the newest; returns their bytes.
    private static func sample(_ state: inout State) -> Int {
        let excess = state.merge.take(state.merge.count - batchMax)
        state.skipped += excess.count
        return excess.reduce(0) { $0 + $1.size }
    }

    /// For the UI thread: up to a batch, in the order of time across partitions.
    func take() -> TailUpdate? {
        let (records, update, hasMore, format) = state.withLock { state -> ([ReadRecord], TailUpdate?, Bool, PayloadFormat) in
            guard state.hasNews, !state.isPaused else { return ([], nil, false, state.format) }
            let records = state.waiting.isEmpty ? state.merge.take(SessionTail.batchMax) : state.waiting
            state.waiting = []
            let hasMore = !state.merge.isEmpty && !records.isEmpty
            var update = TailUpdate(
                session: query.session, skipped: state.skipped, isCaughtUp: state.isCaughtUp && !hasMore, error: state.error)
            update.filtered = state.filtered
            update.progress = SessionTail.progress(state)
            update.unstable = state.positions.values.reduce(0) { $0 + max(0, $1.end.rawValue - $1.stable.rawValue) }
            update.isFinished = state.isFinished && state.merge.isEmpty
            (state.skipped, state.filtered) = (0, 0)
            state.hasNews = hasMore
            return (records, update, hasMore, state.format)
        }
        guard var update else { return nil }
        update.messages = records.map { TailMessage($0, book, format, masks: masks) }
        // A schema that is not there yet holds all back, so that the order stays; its arrival wakes us.
        if update.messages.contains(where: \.isPending) {
            state.withLock { state in
                state.waiting = records
                (state.skipped, state.filtered) = (state.skipped + update.skipped, state.filtered + update.filtered)
            }
            return nil
        }
        let bytes = records.reduce(0) { $0 + $1.size }
        if bytes > 0 { reader.withLock { $0 }?.taken(bytes: bytes) }
        if hasMore { mailbox.wake() }
        return update
    }

    private static func progress(_ state: State) -> TailProgress? {
        guard !state.ends.isEmpty else { return nil }
        var progress = TailProgress(read: 0, total: 0)
        for (partition, end) in state.ends {
            guard let position = state.positions[partition], end > position.start else { continue }
            progress.total += end.rawValue - position.start.rawValue
            progress.read += min(position.position, end).rawValue - position.start.rawValue
        }
        return progress
    }

    /// While paused nothing is handed over either: what was fetched already waits.
    func pause(_ isPaused: Bool) {
        state.withLock { $0.isPaused = isPaused }
        mailbox.wake()
        let reader = reader.withLock { $0 }
        if isPaused { reader?.pause() } else { reader?.resume() }
    }

    func read(as format: PayloadFormat) { state.withLock { $0.format = format } }

    func filter(_ filter: TailFilter) { state.withLock { $0.filter = filter } }

    func stop() {
        reader.withLock { reader in
            reader?.stop()
            reader = nil
        }
    }
}

extension MessageProgram.Outcome {
    var isShown: Bool { self == .asItIs || { if case .instead = self { true } else { false } }() }
}

extension TailStart {
    var readStart: ReadStart {
        switch self {
        case .beginning: .earliest
        case .end: .latest
        case .last(let count): .last(count)
        case .offset(let offset): .offset(Offset(offset))
        case .timestamp(let time): .timestamp(time)
        case .ago(let milliseconds): .ago(milliseconds: milliseconds)
        case .afterStart(let count): .afterStart(count)
        }
    }
}

extension TailStop? {
    var readStop: ReadStop {
        switch self {
        case nil: .never
        case .end: .atEnd
        case .offset(let offset): .offset(Offset(offset))
        case .afterStart(let count): .afterStart(count)
        case .beforeEnd(let count): .beforeEnd(count)
        case .timestamp(let time): .timestamp(time)
        }
    }
}
