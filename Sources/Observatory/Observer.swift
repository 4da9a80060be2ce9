import ClientCore
import Primitives
import Records
import Wire

/// What an observer is told.
package enum ObserverInput: Equatable, Sendable {
    case interest(Interest)
    /// Now, without waiting for the interval.
    case refresh
    /// The interval between refreshes, in milliseconds; 0 stops them.
    case interval(milliseconds: Int64)
    /// What the engine itself says happened: exact, and preferred over what would be inferred.
    case ingest([ClusterEvent])
    /// What is remembered from before; goes before what has been seen since.
    case recall(Recollection)
}

/// Watches a cluster: asks for what is on the screen with the fewest requests, folds the answers into one snapshot after another, and
/// reads events off their differences.
///
/// Owner: its host. A round is one pass over what is wanted: Metadata and ListGroups first; then, with what they told, offsets from each
/// leader, members and commits from each coordinator. Invariants: (1) at most one round is under way, and it ends when all its requests
/// are answered; (2) the time from one round to the next is at least the interval, and at least four times what a round takes, so that a
/// slow cluster is asked less; (3) it only reads: no joining, no committing, no look-ups by time; (4) what cannot be read keeps its last
/// value and its age.
package struct Observer: ClientMachine {
    package typealias Input = ObserverInput
    package typealias Output = ClusterSnapshot
    typealias Effects = [ClientEffect<ClusterSnapshot>]

    enum Purpose: Equatable, Sendable {
        case metadata(isWhole: Bool, topics: [String])
        case listGroups(BrokerID)
        case describeGroups([String])
        case describeConsumerGroups([String])
        case describeShareGroups([String])
        case shareOffsets([String])
        case commits([String])
        case commitsOfOne(String)
        case offsets(timestamp: Int64)
        /// Of one topic, or of all.
        case logDirs(BrokerID, String?)
        case quorum
        case configs(ConfigResource)
        case replicaEnds(BrokerID, [String])
        case reassignments
        case settings([String])
        case throttle(BrokerID)
        case registrations
        case eligible
        case unread(TopicPartition, Offset)
        case stableOffsets
        case producers
        case listTransactions(BrokerID)
        case describeTransactions(BrokerID)
        case partitionProducers(BrokerID)
        case stableEnds
        case access
        case quotas
        case users
        case versions(BrokerID)
        case overrides
    }

    /// What happens in the round that is under way.
    struct Round: Sendable {
        var startedAt: Instant
        var number: Int
        /// Everything is read, and not as much as a round in the background may cost.
        var isThorough = false
        var outstanding = 0
        /// Brokers that have not listed their groups yet, and what the others listed.
        var listing: [BrokerID] = []
        var listed: [String] = []
        var allListed = true
        var hasListed = false
        var topicsRead: [String] = []
        var groupsRead: [String] = []
        /// Topics whose ends were asked for in this round.
        var asked = Set<String>()
        var readsSizes = false
        /// The one topic whose sizes are read; nil: all are.
        var sizesOf: String?
        /// Metadata was shown as soon as it was there; what is to be asked with it comes next.
        var owesPlan = false
        var isGroupsPlanned = false
        var isUnreadPlanned = false
        /// Metadata was asked for a second time: the first broker did not answer.
        var isMetadataRepeated = false
        var transactions = TransactionRound()
        var versions = VersionRound()
    }

    package internal(set) var snapshot = ClusterSnapshot()
    var interest: Interest
    private var intervalMs: Int64 = 1_000
    var round: Round?
    private var rounds = 0
    private var nextRoundAt = Instant.zero
    private var wantsRound = false
    /// The next round reads everything the screen may show, however much that is: the first one, and those somebody asks for.
    private var wantsAll = true
    /// In a cluster too large for one round, the topics and settings read last: the next round goes on after them.
    var offsetsCursor = ""
    var settingsCursor = ""
    /// The last whole Metadata answer, by `MetadataDelta.revision`.
    var knownMetadata = 0
    /// Followers' sizes were among those read last.
    var hasReplicaSizes = false
    var overridesCursor = ""
    /// What each broker said last of the APIs that it serves.
    var toldVersions = OrderedMap<BrokerID, ApiVersionsResponse>()
    var purposes = OrderedMap<Int, Purpose>()
    private var nextToken = 0
    /// The picture that events were last inferred from, and when it was taken.
    var compared = ClusterSnapshot()
    var lastEmittedAt = Instant.zero
    /// False once a broker said that it does not know OffsetFetch for many groups at once (before Kafka 3.0).
    var hasBatchCommits = true
    /// The engine's own events of late, to hold inferred ones against.
    var told = Ring<ClusterEvent>(capacity: 256)
    private var requestsBefore = 0
    /// To read the one record at a committed offset.
    let codecs: Codecs

    package init(bootstrap: [String] = [], codecs: Codecs = .uncompressed, interest: Interest = Interest(.overview)) {
        self.codecs = codecs
        self.interest = interest
        snapshot.bootstrap = bootstrap
    }

    package var nextDeadline: Instant {
        if round?.owesPlan == true { return lastEmittedAt }
        return round == nil && intervalMs > 0 && interest.screen != .nothing ? nextRoundAt : .distantFuture
    }

    // MARK: Events

    package mutating func start(now: Now) -> [ClientEffect<ClusterSnapshot>] {
        snapshot.time = now.wall
        snapshot.connection = .connecting(since: now.wall)
        snapshot.cost.intervalMs = intervalMs
        var effects: Effects = [.output(snapshot)]
        beginRound(&effects, now: now)
        return effects
    }

    package mutating func receive(_ input: ObserverInput, now: Now) -> [ClientEffect<ClusterSnapshot>] {
        var effects: Effects = []
        switch input {
        case .interest(let interest):
            guard interest != self.interest else { return [] }
            // Scrolling changes the visible rows many times a second: only another screen is worth an immediate round.
            wantsRound = wantsRound || interest.screen != self.interest.screen
            self.interest = interest
        case .refresh: (wantsRound, wantsAll) = (true, true)
        case .interval(let milliseconds):
            intervalMs = milliseconds
            snapshot.cost.intervalMs = milliseconds
            nextRoundAt = now.instant.adding(milliseconds: milliseconds)
        case .ingest(let events): ingest(events, &effects, now: now)
        case .recall(let recollection):
            snapshot.recall(recollection)
            compared.recall(recollection)
            emit(&effects, now: now)
        }
        if wantsRound && round == nil { beginRound(&effects, now: now) }
        return effects
    }

    package mutating func tick(now: Now) -> [ClientEffect<ClusterSnapshot>] {
        guard nextDeadline <= now.instant else { return [] }
        var effects: Effects = []
        if round?.owesPlan == true {
            round?.owesPlan = false
            askWithLeaders(&effects)
            if round?.outstanding == 0 { endRound(&effects, now: now) }
            return effects
        }
        beginRound(&effects, now: now)
        return effects
    }

    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<ClusterSnapshot>] {
        guard let purpose = purposes.remove(token) else { return [] }
        var effects: Effects = []
        round?.outstanding -= 1
        snapshot.cost.inFlight -= 1
        if case .success(let answer) = result { snapshot.brokers.update(answer.broker) { $0.latencyMs = answer.latencyMs } }
        take(purpose, result, &effects, now: now)
        if round?.owesPlan == true { return effects }
        if round?.outstanding == 0 { askUnread(&effects, now: now) }
        if round?.outstanding == 0 {
            endRound(&effects, now: now)
        } else if now.instant.milliseconds(since: lastEmittedAt) >= (isLarge ? ObserverLimits.emitLargeMs : ObserverLimits.emitMs) {
            emit(&effects, now: now)
        }
        return effects
    }

    // MARK: Rounds

    private mutating func beginRound(_ effects: inout Effects, now: Now) {
        wantsRound = false
        guard interest.screen != .nothing else { return }
        rounds += 1
        round = Round(startedAt: now.instant, number: rounds, isThorough: wantsAll)
        wantsAll = false
        askFirst(&effects)
    }

    private mutating func endRound(_ effects: inout Effects, now: Now) {
        guard let ended = round else { return }
        round = nil
        if ended.allListed && ended.hasListed && ended.listing.isEmpty { snapshot.keepGroups(ended.listed) }
        snapshot.sumOffsets(of: ended.topicsRead.uniqued(), at: now.wall)
        if ended.readsSizes {
            snapshot.sumSizes(only: ended.sizesOf, at: now.wall)
            snapshot.measureReassignments(at: now.wall)
        }
        if !ended.topicsRead.isEmpty { snapshot.sampleThroughput(at: now.wall) }
        snapshot.sampleLag(of: ended.groupsRead.uniqued(), at: now.wall)
        foldTransactions(ended, at: now.wall)
        snapshot.countHealth()
        inferEvents(groupsAreWhole: ended.allListed && ended.hasListed, now: now)
        let took = now.instant.milliseconds(since: ended.startedAt)
        let interval = max(intervalMs, min(took * 4, ObserverLimits.intervalMaxMs))
        snapshot.cost.intervalMs = interval
        sayHowOld(interval)
        snapshot.cost.requestsPerSecond = Double(snapshot.cost.requests - requestsBefore) * 1000 / Double(max(interval, 1))
        requestsBefore = snapshot.cost.requests
        nextRoundAt = max(ended.startedAt.adding(milliseconds: interval), now.instant.adding(milliseconds: ObserverLimits.pauseMs))
        emit(&effects, now: now)
        if wantsRound { nextRoundAt = now.instant.adding(milliseconds: ObserverLimits.pauseMs) }
        wantsRound = false
    }

    private mutating func sayHowOld(_ interval: Int64) {
        func sweep(_ count: Int, _ most: Int) -> Int64? { count > most ? Int64((count + most - 1) / most) * interval : nil }
        let sizes = isLarge ? sizesIntervalMs : 0
        snapshot.cost.topicSweepMs = sweep(snapshot.health.partitions, ObserverLimits.partitionsMax).map { max($0, sizes) }
        snapshot.cost.groupSweepMs = sweep(snapshot.groups.count, ObserverLimits.groupsMax)
    }

    mutating func emit(_ effects: inout Effects, now: Now) {
        lastEmittedAt = now.instant
        snapshot.time = now.wall
        effects.append(.output(snapshot))
    }

    mutating func send(_ message: any WireRequest, to target: RequestTarget, _ purpose: Purpose, _ effects: inout Effects) {
        let token = nextToken
        nextToken += 1
        purposes[token] = purpose
        round?.outstanding += 1
        snapshot.cost.requests += 1
        snapshot.cost.inFlight += 1
        var request = ClientRequest(message, to: target, timeoutMs: ObserverLimits.requestMs)
        if case .metadata(let isWhole, _) = purpose {
            if round?.isMetadataRepeated == false { request.timeoutMs = ObserverLimits.firstMetadataMs }
            if isWhole { request.knownMetadata = knownMetadata }
        }
        switch purpose {
        case .commits: request.versions = 8...9
        case .commitsOfOne: request.versions = 1...7
        // Topics go by name up to version 12, and before version 4 there is one message after another.
        case .unread: request.versions = 4...12
        default: break
        }
        effects.append(.send(token: token, request))
    }

    // MARK: Events out

    private mutating func ingest(_ events: [ClusterEvent], _ effects: inout Effects, now: Now) {
        guard !events.isEmpty else { return }
        for event in events {
            told.append(event)
            record(event)
        }
        emit(&effects, now: now)
    }

    /// Compares with the last picture, at the end of a round.
    private mutating func inferEvents(groupsAreWhole: Bool, now: Now) {
        defer { compared = snapshot }
        guard let since = compared.observations.metadata.time, snapshot.observations.metadata.error == nil else { return }
        var inference = EventInference(from: compared, to: snapshot, since: since, time: now.wall)
        inference.compareBrokers()
        inference.compareQuorum()
        inference.compareTopics(whole: true)
        inference.compareReassignments()
        inference.compareConfigs()
        inference.compareVerdicts()
        inference.compareAdmin()
        let tellsGroups = told.contains { if case .rebalance = $0.kind { true } else { false } }
        if !tellsGroups && compared.observations.groups.time != nil { inference.compareGroups(whole: groupsAreWhole) }
        for event in inference.events where !told.contains(where: { event.repeats($0) }) { record(event) }
    }

    private mutating func record(_ event: ClusterEvent) {
        snapshot.events.append(event)
        snapshot.eventCount += 1
    }
}

package enum ObserverLimits {
    /// An observing request that takes longer counts as failed.
    static let requestMs: Int64 = 5_000
    /// Any broker can answer Metadata: one that hangs is not waited for that long before another is asked.
    static let firstMetadataMs: Int64 = 1_500
    /// Within a round, pictures follow each other no faster than this.
    static let emitMs: Int64 = 50
    /// The same where a picture is large: making and drawing one takes its time.
    static let emitLargeMs: Int64 = 500
    /// On a large cluster sizes are read again when a millisecond has passed for so many partitions.
    static let sizesPerMs: Int64 = 2
    /// But no longer than this: over a minute a difference says what was, and not how fast it grows.
    static let sizesMaxMs: Int64 = 50_000
    /// The least pause between two rounds.
    static let pauseMs: Int64 = 100
    static let intervalMaxMs: Int64 = 30_000
    /// Partitions whose offsets are asked for in one round; the others follow in the next ones.
    static let partitionsMax = 4_000
    /// Groups that are described, or whose commits are read, in one round.
    static let groupsMax = 200
    /// Producer ids that are shown; a broker forgets one after a day.
    static let writersMax = 2_000
    /// Every so many rounds: what changes slowly (log starts, sizes), and what is not on the screen but in the timeline.
    static let slowRounds = 5
    /// Records at committed offsets that are read in one round, of all brokers and of one.
    static let unreadMax = 16
    static let unreadPerBrokerMax = 2
    /// A commit that moves is looked up again after so long; meanwhile the log's ends tell.
    static let unreadAgainMs: Int64 = 10_000
    /// What a batch may inflate to for the sake of one timestamp.
    static let unreadInflatedMax = 16 << 20
    /// Topics whose replication settings are asked for in one round.
    static let settingsMax = 500
    static let settingsLargeMax = 200
    /// Partitions whose replicas' log ends are asked for in one round.
    static let replicaEndsMax = 2_000
    /// With more partitions than this, whole Metadata is asked for in slow rounds only.
    static let metadataPartitionsMax = 20_000
}

extension Array where Element: Comparable {
    /// Of a sorted array: where what comes after `element` begins.
    func firstIndexSorted(after element: Element) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] <= element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func containsSorted(_ element: Element) -> Bool {
        let end = firstIndexSorted(after: element)
        return end > 0 && self[end - 1] == element
    }

    /// Sorted, each once.
    package func uniqued() -> [Element] {
        var out: [Element] = []
        for element in sorted() where out.last != element { out.append(element) }
        return out
    }
}
