import ClientCore
import Primitives
import Reactor
import Synchronization

/// What is called when partitions come and go. Runs within `poll`, which waits for it: in `onRevoked` offsets can still be committed.
public struct RebalanceListener: Sendable {
    /// Is given the partitions that the change is about.
    public typealias Callback = @Sendable ([TopicPartition]) async -> Void
    /// Partitions that are read from now on, beside those before.
    public var onAssigned: Callback
    /// Partitions that are about to be given up.
    public var onRevoked: Callback
    /// Partitions that the group took away; commits of them would be refused.
    public var onLost: Callback

    /// What is left out does nothing.
    public init(
        onAssigned: @escaping Callback = { _ in }, onRevoked: @escaping Callback = { _ in }, onLost: @escaping Callback = { _ in }
    ) {
        self.onAssigned = onAssigned
        self.onRevoked = onRevoked
        self.onLost = onLost
    }
}

/// Reads records, alone or as a member of a group, with the settings and the semantics of Java's consumer.
///
/// `subscribe` joins the group of `group.id`, which shares the topics' partitions among its members; `assign` reads what it is told.
/// With `group.protocol=consumer` the group's coordinator shares out (KIP-848), else its members do.
/// `poll` returns records in the order of each partition. With `enable.auto.commit` what was returned is committed at the next `poll`
/// after `auto.commit.interval.ms`, and by `close`; a record is thus dealt with at least once. One task polls at a time; the other
/// methods may be called from any.
///
///     let consumer = try Consumer(ClientConfiguration(properties: [
///         "bootstrap.servers": "localhost:9092", "group.id": "billing", "auto.offset.reset": "earliest",
///     ]))
///     try consumer.subscribe(["orders"])
///     for try await record in consumer.records { print(record.offset, record.value?.string ?? "") }
///
/// `process(_:_:)` is the loop with retries and dead letters.
public final class Consumer: Sendable {
    let client: ClusterClient
    let options: GroupConsumerOptions
    let inbox = ConsumerInbox()
    let apiTimeoutMs: Int64
    private let recordsMax: Int
    private let isPolling = Atomic<Bool>(false)

    /// Whether the client ends with the consumer.
    private let ownsClient: Bool

    /// - Throws: `KafkaError` of kind `configuration`, naming the key.
    public convenience init(_ configuration: ClientConfiguration) throws(KafkaError) {
        try self.init(configuration, over: try configuration.client(), ownsClient: true)
    }

    /// The same over connections that somebody else made and, unless it `ownsClient`, ends: of `configuration` only what is said of
    /// consuming counts.
    package init(_ configuration: ClientConfiguration, over client: ClusterClient, ownsClient: Bool = false) throws(KafkaError) {
        options = try configuration.consumer()
        recordsMax = Int(configuration.integer("max.poll.records"))
        apiTimeoutMs = configuration.integer("default.api.timeout.ms")
        (self.client, self.ownsClient) = (client, ownsClient)
    }

    deinit {
        inbox.hosted?.cancel()
        if ownsClient { client.stop() }
    }

    // MARK: What is read

    /// Joins the group and reads its share of these topics; called again, the topics change.
    public func subscribe(_ topics: [String], listener: RebalanceListener = RebalanceListener()) throws(KafkaError) {
        try join(listener, .subscribe(topics)) { $0.topics = topics }
    }

    /// Joins the group and reads its share of all topics whose whole name matches, also those made later; never internal ones.
    ///
    /// - Throws: kind `configuration` where the pattern is no regular expression.
    public func subscribe(matching pattern: String, listener: RebalanceListener = RebalanceListener()) throws(KafkaError) {
        guard let regex = NamePattern(pattern) else { throw KafkaError(.configuration, "\(pattern) is no regular expression") }
        let topics = TopicPattern { regex.matches($0) }
        if try join(listener, .subscribeMatching(topics), { $0.topics = [] }) { post(.subscribeMatching(topics)) }
    }

    /// Joins the group and reads its share of all topics that the coordinator finds to match, also those made later (KIP-848): the
    /// cluster does the matching, by RE2's syntax, and members need not know of other topics.
    ///
    /// - Throws: kind `illegalState` without `group.protocol=consumer`. A pattern that the coordinator cannot read is told by `poll`, as
    ///   INVALID_REGULAR_EXPRESSION.
    public func subscribe(_ pattern: SubscriptionPattern, listener: RebalanceListener = RebalanceListener()) throws(KafkaError) {
        guard options.groupProtocol == .consumer else {
            throw KafkaError(.illegalState, "a SubscriptionPattern wants group.protocol=consumer; subscribe(matching:) does not")
        }
        try join(listener, .subscribeRegex(pattern.pattern)) { $0.topicRegex = pattern.pattern }
    }

    /// True where the membership began by this.
    @discardableResult
    private func join(
        _ listener: RebalanceListener, _ change: GroupConsumerInput, _ fill: (inout GroupConsumerOptions) -> Void
    ) throws(KafkaError) -> Bool {
        guard !options.group.isEmpty else { throw KafkaError(.configuration, "subscribing wants a group.id") }
        var options = options
        options.announcesRevocations = true
        fill(&options)
        let isNew = try begin(options, isAssigned: false)
        inbox.change { $0.listener = listener }
        if !isNew { post(change) }
        return isNew
    }

    /// Reads these partitions and no others, without a group's sharing; called again, the partitions change. With `group.id` offsets
    /// can be committed.
    public func assign(_ partitions: [TopicPartition]) throws(KafkaError) {
        var options = options
        options.partitions = partitions
        let isNew = try begin(options, isAssigned: true)
        inbox.change { state in
            state.drop { !partitions.contains($0) }
            state.assigned = Set(partitions)
        }
        if !isNew { post(.assign(partitions)) }
    }

    /// Hosts the machine where there is none yet; whether this was the first.
    private func begin(_ options: GroupConsumerOptions, isAssigned: Bool) throws(KafkaError) -> Bool {
        let (isClosed, mode) = inbox.change { ($0.isClosed, $0.isAssigned) }
        if isClosed { throw KafkaError(.closed, "the consumer is closed") }
        if let mode {
            guard mode == isAssigned else {
                throw KafkaError(.illegalState, "a consumer either subscribes or is assigned partitions; make another one")
            }
            return false
        }
        inbox.change { $0.isAssigned = isAssigned }
        let inbox = inbox
        let hosted = client.host(
            GroupConsumerMachine(options, codecs: clientCodecs), output: { inbox.take($0) }, finished: { inbox.finish() })
        inbox.change { $0.hosted = hosted }
        return true
    }

    /// The partitions that are read now.
    public var assignment: [TopicPartition] { inbox.change { $0.assigned.sorted() } }

    /// Who this member is, for `Producer.sendOffsets`.
    public var groupMetadata: GroupMetadata {
        let membership = inbox.change { $0.membership }
        return GroupMetadata(
            group: options.group, generation: membership?.generationID ?? -1, memberID: membership?.memberID ?? "",
            groupInstanceID: options.groupInstanceID)
    }

    /// Behind the last record that `poll` returned of each partition: what is to be committed once they are dealt with.
    public var consumed: [TopicPartition: OffsetAndMetadata] {
        inbox.change { $0.consumed.mapValues { OffsetAndMetadata($0.offset.rawValue, leaderEpoch: $0.leaderEpoch.rawValue) } }
    }

    // MARK: Reading

    /// The next records, up to `max.poll.records`; empty where none came in time. What it returned the last time counts as dealt with.
    ///
    /// - Throws: `KafkaError`, of kind `wokenUp` after `wakeup`; `CancellationError` where the task was cancelled.
    public func poll(timeout: Duration) async throws -> [ConsumerRecord] {
        try await poll(timeout: timeout, max: recordsMax, isReporting: true)
    }

    /// Without `isReporting` the machine is told later what is dealt with, but before anything is waited for.
    func poll(timeout: Duration, max: Int, isReporting: Bool) async throws -> [ConsumerRecord] {
        guard !isPolling.exchange(true, ordering: .acquiringAndReleasing) else {
            throw KafkaError(.illegalState, "another task is polling")
        }
        defer { isPolling.store(false, ordering: .releasing) }
        guard inbox.change({ $0.isAssigned != nil }) else { throw KafkaError(.illegalState, "nothing is subscribed to or assigned") }
        let deadline = SystemClock.instant().adding(milliseconds: timeout.milliseconds)
        if isReporting { report() }
        notePoll()
        while true {
            try Task.checkCancellation()
            if inbox.change({ state in defer { state.isWoken = false }; return state.isWoken }) {
                throw KafkaError(.wokenUp, "wakeup was called")
            }
            try await hear()
            let records = inbox.change { $0.next(max) }
            if !records.isEmpty { return records }
            report()
            let left = deadline.milliseconds(since: SystemClock.instant())
            guard left > 0 else { return [] }
            let signal = inbox.signal
            client.after(milliseconds: left) { signal.raise() }
            post(.polled(isWaiting: true))
            await withTaskCancellationHandler { await signal.wait() } onCancel: { signal.raise() }
            post(.polled(isWaiting: false))
        }
    }

    /// Tells the machine now and then that records are still asked for (`max.poll.interval.ms`).
    private func notePoll() {
        let now = SystemClock.instant()
        let wait = Consumer.pollNoteMs(Int64(options.rebalanceTimeoutMs))
        let isDue = inbox.change { state in
            guard now.milliseconds(since: state.pollNotedAt) >= wait else { return false }
            state.pollNotedAt = now
            return true
        }
        if isDue { post(.polled(isWaiting: false)) }
    }

    /// How long that may be kept back.
    static func pollNoteMs(_ intervalMaxMs: Int64) -> Int64 { min(1_000, intervalMaxMs / 20) }

    /// Record by record; ends when the consumer is closed. Asking for the next record says that those before are dealt with.
    public var records: ConsumerRecords { ConsumerRecords(self) }

    /// Ends a `poll` that is waiting, or the next one.
    public func wakeup() {
        inbox.change { $0.isWoken = true }
        inbox.signal.raise()
    }

    /// Deals with what came in beside records, in order.
    private func hear() async throws(KafkaError) {
        while let event = inbox.change({ $0.popEvent() }) {
            switch event {
            case .assigned(let partitions):
                let listener = inbox.change { state in
                    state.assigned.formUnion(partitions)
                    return state.listener
                }
                await listener.onAssigned(partitions)
            case .revoking(let partitions):
                let listener = inbox.change { state in
                    state.drop { partitions.contains($0) }
                    return state.listener
                }
                await listener.onRevoked(partitions)
                post(.discard(partitions))
                post(.released)
            case .revoked(let partitions): inbox.change { $0.forget(partitions) }
            case .lost(let partitions):
                let listener = inbox.change { state in
                    state.forget(partitions)
                    return state.listener
                }
                await listener.onLost(partitions)
            case .failed(let error): throw error
            }
        }
    }

    /// Tells the machine what is dealt with: all that `poll` has returned.
    func report() {
        let (reached, taken) = inbox.change { $0.report() }
        if !reached.isEmpty { post(.reached(reached)) }
        if taken >= 0 { post(.taken(delivery: taken)) }
    }

    func post(_ input: GroupConsumerInput) { inbox.hosted?.post(input) }

    // MARK: Commits

    /// Commits what `poll` has returned so far, and waits for it.
    ///
    /// - Throws: why not; after REBALANCE_IN_PROGRESS or ILLEGAL_GENERATION another member may own the partitions.
    public func commit() async throws(KafkaError) {
        report()
        try await commit(nil)
    }

    /// Commits these offsets, each of the next record to be read, and waits for it.
    public func commit(_ offsets: [TopicPartition: OffsetAndMetadata]) async throws(KafkaError) {
        try await commit(offsets.sorted { $0.key < $1.key }.map { CommittedPosition($0.key, $0.value) })
    }

    private func commit(_ positions: [CommittedPosition]?) async throws(KafkaError) {
        let promise = Promise<Result<Void, KafkaError>>()
        commit(positions) { promise.fill($0) }
        try await promise.value.get()
    }

    /// Commits what `poll` has returned so far and goes on; `completion` is called on the client's thread.
    public func commitAsync(completion: @escaping @Sendable (Result<Void, KafkaError>) -> Void = { _ in }) {
        report()
        commit(nil, completion)
    }

    /// Commits these offsets, each of the next record to be read, and goes on; `completion` is called on the client's thread.
    public func commitAsync(
        _ offsets: [TopicPartition: OffsetAndMetadata], completion: @escaping @Sendable (Result<Void, KafkaError>) -> Void = { _ in }
    ) {
        commit(offsets.sorted { $0.key < $1.key }.map { CommittedPosition($0.key, $0.value) }, completion)
    }

    private func commit(_ positions: [CommittedPosition]?, _ completion: @escaping @Sendable (Result<Void, KafkaError>) -> Void) {
        guard let number = inbox.expectCommit(completion) else {
            return completion(.failure(KafkaError(.illegalState, "nothing is subscribed to or assigned")))
        }
        post(.commit(number: number, positions))
    }

    // MARK: The end

    /// Commits what was returned (with auto commit), leaves the group, and ends.
    public func close(timeout: Duration = .seconds(10)) async {
        guard !inbox.change({ $0.isClosed }) else { return }
        report()
        let (listener, assigned, isMember) = inbox.change { ($0.listener, $0.assigned.sorted(), $0.isAssigned == false) }
        if isMember && !assigned.isEmpty { await listener.onRevoked(assigned) }
        if let hosted = inbox.hosted {
            hosted.post(.close)
            client.after(milliseconds: timeout.milliseconds) { hosted.cancel() }
            await inbox.ended.value
        }
        inbox.close()
        if ownsClient { client.stop() }
    }
}

/// Which topics are subscribed to, by a regular expression in RE2's syntax that the group's coordinator matches with their whole names.
public struct SubscriptionPattern: Hashable, Sendable {
    /// RE2's syntax; it has to match a topic's whole name.
    public let pattern: String

    /// The coordinator refuses what is no regular expression when the group is joined.
    public init(_ pattern: String) { self.pattern = pattern }
}

/// A consumer's records, one by one.
public struct ConsumerRecords: AsyncSequence, Sendable {
    let consumer: Consumer

    init(_ consumer: Consumer) { self.consumer = consumer }

    /// What `for try await` goes through; all iterators of a consumer share its position.
    public func makeAsyncIterator() -> Iterator { Iterator(consumer: consumer) }

    /// Polls for one record at a time.
    public struct Iterator: AsyncIteratorProtocol {
        let consumer: Consumer
        private var count = 0

        init(consumer: Consumer) { self.consumer = consumer }

        /// The next record, however long it takes; nil once the consumer is closed. Throws what `poll` throws.
        public mutating func next() async throws -> ConsumerRecord? {
            count += 1
            while !consumer.inbox.change({ $0.isClosed }) {
                // One at a time: what was taken out and not asked for must not count as dealt with.
                let records = try await consumer.poll(timeout: .seconds(1), max: 1, isReporting: count % 500 == 0)
                if let record = records.first { return record }
            }
            return nil
        }
    }
}

/// A compiled pattern of whole names.
private final class NamePattern: Sendable {
    /// Only read after it is made.
    private nonisolated(unsafe) let regex: Regex<AnyRegexOutput>

    init?(_ pattern: String) {
        guard let regex = try? Regex(pattern) else { return nil }
        self.regex = regex
    }

    func matches(_ name: String) -> Bool { (try? regex.wholeMatch(in: name)) != nil }
}
