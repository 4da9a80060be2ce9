import Client
import ClientCore
import Console
import Primitives
import Records
import Synchronization

/// A tail's reader and what it has brought and the UI has not taken yet.
///
/// Bounded twice: the reader stops fetching at its own bound of bytes that were not taken; and a live tail that brings more than
/// `pendingMax` messages between two frames is sampled, the oldest being counted and not shown, because nobody can read them. A tail
/// that reads from the past is never sampled: it waits.
final class SessionTail: Sendable {
    static let pendingMax = 4000
    /// Messages handed to the UI per frame.
    static let batchMax = 2000

    private struct State {
        var records: [ReadRecord] = []
        /// Sampled away since the UI last took something.
        var skipped = 0
        var isCaughtUp = false
        var error: String?
        var hasNews = false
        var isPaused = false
    }

    let query: TailQuery
    private let state = Mutex(State())
    private let reader = Mutex<TopicReader?>(nil)
    private let mailbox: ConsoleMailbox

    init(_ query: TailQuery, _ client: ClusterClient, _ mailbox: ConsoleMailbox) {
        self.query = query
        self.mailbox = mailbox
        let partitions = query.partition.map { [TopicPartition(query.topic, $0)] }
        var options = ReaderOptions(topics: [query.topic], partitions: partitions, start: query.start.readStart)
        options.waitMs = 250
        let made = TopicReader(client, options, onOutput: { [weak self] in self?.receive($0) })
        reader.withLock { $0 = made }
    }

    private var isLive: Bool {
        switch query.start {
        case .end, .last: true
        default: false
        }
    }

    /// On the client's thread.
    private func receive(_ output: ReaderOutput) {
        var taken = 0
        state.withLock { state in
            switch output {
            case .started: break
            case .records(let records, _, _):
                state.records += records
                state.error = nil
                if isLive, state.isCaughtUp, !state.isPaused, state.records.count > SessionTail.pendingMax {
                    taken = SessionTail.sample(&state)
                }
            case .caughtUp: state.isCaughtUp = true
            case .notice(let text): state.error = text
            case .failed(let partition, let error): state.error = (partition.map { "\($0): " } ?? "") + "\(error)"
            }
            state.hasNews = true
        }
        if taken > 0 { reader.withLock { $0 }?.taken(bytes: taken) }
        mailbox.wake()
    }

    /// Lets go of all but the newest; returns their bytes.
    private static func sample(_ state: inout State) -> Int {
        let excess = state.records.count - batchMax
        let bytes = state.records.prefix(excess).reduce(0) { $0 + $1.size }
        state.records.removeFirst(excess)
        state.skipped += excess
        return bytes
    }

    /// For the UI thread: up to a batch, in the order of time across partitions.
    func take() -> TailUpdate? {
        let (records, update, hasMore) = state.withLock { state -> ([ReadRecord], TailUpdate?, Bool) in
            guard state.hasNews, !state.isPaused else { return ([], nil, false) }
            let records = Array(state.records.prefix(SessionTail.batchMax))
            state.records.removeFirst(records.count)
            let hasMore = !state.records.isEmpty
            let update = TailUpdate(
                session: query.session, skipped: state.skipped, isCaughtUp: state.isCaughtUp && !hasMore, error: state.error)
            state.skipped = 0
            state.hasNews = hasMore
            return (records, update, hasMore)
        }
        guard var update else { return nil }
        update.messages = SessionTail.ordered(records).map(TailMessage.init)
        let bytes = records.reduce(0) { $0 + $1.size }
        if bytes > 0 { reader.withLock { $0 }?.taken(bytes: bytes) }
        if hasMore { mailbox.wake() }
        return update
    }

    /// Merges the partitions by timestamp, each keeping its own order.
    static func ordered(_ records: [ReadRecord]) -> [ReadRecord] {
        var lanes: [[ReadRecord]] = []
        var places = OrderedMap<TopicPartition, Int>()
        for record in records {
            if let lane = places[record.partition] {
                lanes[lane].append(record)
            } else {
                places[record.partition] = lanes.count
                lanes.append([record])
            }
        }
        if lanes.count < 2 { return records }
        var heads = Array(repeating: 0, count: lanes.count)
        var out: [ReadRecord] = []
        out.reserveCapacity(records.count)
        while out.count < records.count {
            var best = -1
            for lane in lanes.indices where heads[lane] < lanes[lane].count {
                if best < 0 || lanes[lane][heads[lane]].timestamp < lanes[best][heads[best]].timestamp { best = lane }
            }
            out.append(lanes[best][heads[best]])
            heads[best] += 1
        }
        return out
    }

    /// While paused nothing is handed over either: what was fetched already waits.
    func pause(_ isPaused: Bool) {
        state.withLock { $0.isPaused = isPaused }
        mailbox.wake()
        let reader = reader.withLock { $0 }
        if isPaused { reader?.pause() } else { reader?.resume() }
    }

    func stop() {
        reader.withLock { reader in
            reader?.stop()
            reader = nil
        }
    }
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
        }
    }
}

extension TailMessage {
    init(_ record: ReadRecord) {
        self.init(
            partition: record.partition, offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value,
            headers: record.headers.map { Header($0.key.lossyString, $0.value) })
    }
}
