import Primitives
import Records
import Wire

/// Reads topics the way a tail does: finds leaders and starting offsets, then fetches from every leader, one request at a time each,
/// without joining a group and without committing anything.
///
/// Owner: its host. Phases of a partition: no leader (asks Metadata) → no position (asks ListOffsets) → fetching → done. Invariants:
/// (1) at most one fetch per broker is under way; (2) no fetch begins while more than `bufferedBytesMax` bytes are handed out and not
/// taken; (3) messages of a partition come out in order, each once.
package struct TopicReaderMachine: ClientMachine {
    package typealias Input = ReaderInput
    package typealias Output = ReaderOutput
    typealias Effects = [ClientEffect<ReaderOutput>]

    struct Partition: Sendable {
        var leader: BrokerID?
        var leaderEpoch = LeaderEpoch.none
        /// A topic made anew under its name begins its epochs anew.
        var topicID = UUID.zero
        var start: Offset?
        var position: Offset?
        var end: Offset = .none
        /// Reading is over when the position has come here.
        var stopAt: Offset?
        var earliest: Offset?
        var latest: Offset?
        var byTime: Offset?
        var byStopTime: Offset?
        /// The last stable offset as last heard.
        var stable: Offset?
        var bytesMax: Int32
        var filter = TransactionFilter()
        var isBusy = false
        var isDone = false
        /// The broker said that the position is not in its log: find a new one, from the log's own bounds.
        var isOutOfRange = false
        /// How often in a row what was fetched was damaged.
        var damageSeen = 0
    }

    enum Purpose: Sendable {
        case metadata
        case offsets(Bound, [TopicPartition])
        case fetch([TopicPartition])
    }

    /// Which offset is asked for.
    enum Bound: Int, Sendable {
        case earliest
        case latest
        case byTime
        case byStopTime
    }

    let options: ReaderOptions
    let codecs: Codecs
    var partitions = OrderedMap<TopicPartition, Partition>()
    var purposes = OrderedMap<Int, Purpose>()
    private var nextToken = 0
    private var bufferedBytes = 0
    private var isPaused = false
    private var isEnded = false
    var hasStarted = false
    private var hasCaughtUp = false
    private var isAskingMetadata = false
    private var metadataAt = Instant.distantFuture
    private var backoff = Backoff(minMs: 50, maxMs: 2_000)
    private var random = PRNG(seed: 1)
    /// `ago` counts from the start.
    private var startTime = Timestamp.none

    package init(_ options: ReaderOptions, codecs: Codecs) {
        self.options = options
        self.codecs = codecs
    }

    /// New partitions are looked for this often.
    static let refreshMs: Int64 = 10_000
    static let partitionBytesLimit: Int32 = 64 << 20
    /// What is damaged is asked for so often before it is given up.
    static let damageTriesMax = 5

    package var nextDeadline: Instant { isEnded ? .distantFuture : metadataAt }

    // MARK: Events

    package mutating func start(now: Now) -> [ClientEffect<ReaderOutput>] {
        startTime = now.wall
        var effects: Effects = []
        askMetadata(&effects)
        return effects
    }

    package mutating func receive(_ input: ReaderInput, now: Now) -> [ClientEffect<ReaderOutput>] {
        guard !isEnded else { return [] }
        var effects: Effects = []
        switch input {
        case .taken(let bytes): bufferedBytes = max(0, bufferedBytes - bytes)
        case .pause: isPaused = true
        case .resume: isPaused = false
        case .stop: end(&effects)
        }
        advance(&effects, now: now)
        return effects
    }

    package mutating func tick(now: Now) -> [ClientEffect<ReaderOutput>] {
        guard !isEnded, metadataAt <= now.instant else { return [] }
        metadataAt = .distantFuture
        var effects: Effects = []
        askMetadata(&effects)
        advance(&effects, now: now)
        return effects
    }

    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<ReaderOutput>] {
        guard let purpose = purposes.remove(token), !isEnded else { return [] }
        var effects: Effects = []
        switch purpose {
        case .metadata:
            isAskingMetadata = false
            metadataAnswered(result, &effects, now: now)
        case .offsets(let bound, let asked): offsetsAnswered(bound, asked, result, &effects, now: now)
        case .fetch(let asked): fetchAnswered(asked, result, &effects, now: now)
        }
        advance(&effects, now: now)
        return effects
    }

    // MARK: Effects

    mutating func send(_ message: any WireRequest, to target: RequestTarget, _ purpose: Purpose, _ effects: inout Effects) {
        let token = nextToken
        nextToken += 1
        purposes[token] = purpose
        var request = ClientRequest(message, to: target)
        if case .fetch = purpose {
            request.lane = .fetch
            request.timeoutMs = Int64(options.waitMs) + 30_000
            // Where the connection broke, the leader may be another by now.
            request.isRepeatable = false
            // Topics go by name up to version 12.
            request.versions = 4...12
        } else if case .metadata = purpose {
            request.lane = .routing
        }
        effects.append(.send(token: token, request))
    }

    mutating func end(_ effects: inout Effects) {
        guard !isEnded else { return }
        isEnded = true
        effects.append(.finished)
    }

    mutating func handOut(_ records: [ReadRecord], bytes: Int, _ positions: [ReaderPosition], _ effects: inout Effects) {
        bufferedBytes += bytes
        effects.append(.output(.records(records, bytes: bytes, positions: positions)))
    }

    /// Leaders have moved, or nobody knows: ask soon, with a growing pause.
    mutating func askMetadataLater(now: Now) {
        let at = now.instant.adding(milliseconds: backoff.failed(&random))
        metadataAt = min(metadataAt, at)
    }

    mutating func metadataIsGood(now: Now) {
        backoff.succeeded()
        if options.stop == .never && options.partitions == nil {
            metadataAt = now.instant.adding(milliseconds: TopicReaderMachine.refreshMs)
        }
    }

    private mutating func askMetadata(_ effects: inout Effects) {
        guard !isAskingMetadata else { return }
        isAskingMetadata = true
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = options.topics.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        send(request, to: .any, .metadata, &effects)
    }

    /// Does what can be done now: finds offsets for partitions without, fetches for those with.
    private mutating func advance(_ effects: inout Effects, now: Now) {
        guard !isEnded else { return }
        findOffsets(&effects)
        announceStart(&effects)
        if !isPaused && bufferedBytes < options.bufferedBytesMax { fetch(&effects) }
        guard hasStarted else { return }
        if !hasCaughtUp, partitions.values.allSatisfy({ $0.isDone || ($0.position ?? .none) >= $0.end && $0.position != nil }) {
            hasCaughtUp = true
            effects.append(.output(.caughtUp))
        }
        if partitions.values.allSatisfy(\.isDone) { end(&effects) }
    }

    /// The requested starting time, where the start goes by time.
    var startTimestamp: Timestamp? {
        switch options.start {
        case .timestamp(let time): time
        case .ago(let milliseconds): Timestamp(milliseconds: max(0, startTime.milliseconds - milliseconds))
        default: nil
        }
    }

    private mutating func announceStart(_ effects: inout Effects) {
        guard !hasStarted, !partitions.isEmpty, partitions.values.allSatisfy({ $0.position != nil || $0.isDone }) else { return }
        hasStarted = true
        effects.append(.output(.started(partitions.map { position($0.key, $0.value) })))
    }

    func position(_ partition: TopicPartition, _ state: Partition) -> ReaderPosition {
        let position = state.position ?? .zero
        return ReaderPosition(
            partition: partition, start: state.start ?? position, position: position, end: max(state.end, position), stable: state.stable,
            stop: state.stopAt)
    }
}
