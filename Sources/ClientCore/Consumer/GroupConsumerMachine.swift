import Primitives
import Records
import Wire

/// A member of a consumer group: joins, takes its share, reads it, commits what its user has dealt with, and follows the group through
/// rebalances and its coordinator through failovers. By the classic protocol or by KIP-848's, which differ in how a member comes by its
/// partitions (`+Membership`, `+Heartbeats`) and agree in all else.
///
/// Phases of the classic protocol and what leads out of them: `outside` → `joining` (JoinGroup is parked at the coordinator) → `sharing`
/// (the leader asks how many partitions there are) → `syncing` → `stable` → `releasing` (a rebalance is due: what was handed out of the
/// partitions to be given up is dealt with and committed first) → `outside`; from everywhere back to `outside` where the group went on
/// without us, to `leaving` when the user closes, and to `ended`. With KIP-848 there is no sharing and syncing, and after `releasing` the
/// member is `stable` again.
/// Owner: its host; each member needs a session of its own (see `Lane.group`). Invariants: (1) records of a partition come out in order,
/// each once per ownership; (2) a position is committed only while its partition is owned, in the generation in which it is, and by one
/// commit at a time, so that commits of a partition never go back; (3) at most one fetch per broker is under way, and none begins while
/// more than `bufferedBytesMax` bytes are handed out and not taken.
package struct GroupConsumerMachine: ClientMachine {
    package typealias Input = GroupConsumerInput
    package typealias Output = GroupConsumerOutput
    typealias Effects = [ClientEffect<GroupConsumerOutput>]

    enum Phase: Equatable, Sendable {
        case outside
        case joining
        case sharing
        case syncing
        case stable
        case releasing
        case leaving
        case ended
    }

    /// A partition as this member owns it. Positions are nil until they are known.
    struct Owned: Sendable {
        /// Which ownership of the partition this is; answers to questions of an earlier one are dropped.
        var tenure: Int
        /// Grows with each seek: what was fetched before it is dropped.
        var reading = 0
        var leader: BrokerID?
        var leaderEpoch = LeaderEpoch.none
        var topicID = UUID.zero
        /// The next offset to fetch, and the leader epoch of the record before it.
        var position: Offset?
        var epoch = LeaderEpoch.none
        /// The newest leader epoch of what was read.
        var readEpoch = LeaderEpoch.none
        /// What the user has dealt with: the position that may be committed.
        var taken: Offset?
        var takenEpoch = LeaderEpoch.none
        var committed: Offset?
        var bytesMax: Int32
        var filter = TransactionFilter()
        /// A replica nearer than the leader, which sent us there (KIP-392), until it fails or the time is over.
        var nearReplica: BrokerID?
        var nearUntil = Instant.zero
        var isFetching = false
        /// A question about its position is under way.
        var isAsking = false
        var notBefore = Instant.zero
        var needsReset = false
        /// Where a reset goes that the user asked for: a time of ListOffsets. Nil: where the options say.
        var resetTo: Int64?
        var isPaused = false
        /// Its leader changed since `position` was read: the log may have been cut below it (KIP-320).
        var mustValidate = false
        /// It is to be given up: nothing more is fetched.
        var isReleasing = false
        /// Under which topic id it was assigned; zero in the classic protocol, which assigns names.
        var assignedID = UUID.zero
        var isFailed = false
    }

    /// A partition in one of its ownerships.
    struct Claim: Equatable, Sendable {
        var partition: TopicPartition
        var tenure: Int
        var reading = 0
    }

    struct Delivery: Sendable {
        var bytes: Int
        /// Where the user is when it has dealt with the delivery.
        var reached: [(claim: Claim, offset: Offset, epoch: LeaderEpoch)]
    }

    struct Commit: Sendable {
        /// Nil: an auto commit.
        var number: Int?
        var positions: [(claim: Claim, position: CommittedPosition)]
    }

    /// What a request was for. Membership carries the round in which it was asked: an answer of an earlier round is dropped.
    enum Purpose: Sendable {
        case join(round: Int)
        case shares(round: Int)
        case sync(round: Int)
        case heartbeat(round: Int)
        case beat(round: Int, Reconciling.Told)
        case leave
        /// Of a member that lives on: nothing waits for its answer.
        case farewell
        case metadata
        case offsets([Claim])
        case reset([Claim])
        case validate([Claim])
        case fetch([Claim])
        case commit(round: Int)
    }

    let options: GroupConsumerOptions
    let codecs: Codecs
    var topics: [String]
    /// Topics are those that match it; `topics` are the ones known so far.
    var pattern: TopicPattern?
    /// Topics are those that match it, as the coordinator finds (KIP-848).
    var topicRegex: String?
    var phase = Phase.outside
    /// Grows whenever the member leaves a generation, in order or not.
    var round = 0
    var memberID = ""
    /// With KIP-848 the member epoch: what commits carry.
    var generationID: Int32 = -1
    var reconciling = Reconciling()
    /// When the last heartbeat was sent, and the last one that was answered well.
    var beatAt = Instant.zero
    var heardAt = Instant.zero
    var joined: JoinGroupResponse?
    /// With its generation: what this member last was given, for sticky assignors that have to be told.
    var lastAssigned: (partitions: [TopicPartition], generationID: Int32) = ([], -1)
    /// Of the leader: how many partitions each topic of the group had when they were shared out.
    var shared: OrderedMap<String, Int32>?
    var needsRejoin = false
    var rejoinReason = ""
    var owned = OrderedMap<TopicPartition, Owned>()
    var metadata = ClusterMetadata()
    var deliveries = OrderedMap<Int, Delivery>()
    var bufferedBytes = 0
    var commits: [Commit] = []
    var committing: Commit?
    var commitNotBefore = Instant.zero
    /// While releasing or closing: what was taken has been handed to a last commit.
    var hasLastCommit = false
    var isPaused = false
    /// The user has been told of a revocation and has not answered.
    var isAwaitingRelease = false
    var isClosing = false
    var isHeartbeating = false
    var isAskingMetadata = false
    /// When the step that `phase` is waiting to try again is due.
    var stepAt = Instant.zero
    var heartbeatAt = Instant.distantFuture
    var autoCommitAt = Instant.distantFuture
    /// When the user has not asked for records for too long.
    var pollAt = Instant.distantFuture
    /// It has not: the member is out until it does.
    var isExpired = false
    var metadataAt = Instant.zero
    /// While releasing or closing: when it goes on in any case.
    var giveUpAt = Instant.distantFuture
    var membershipBackoff: Backoff
    var metadataBackoff: Backoff
    var commitBackoff: Backoff
    var random: PRNG
    var lastHandled = Instant.zero
    private var purposes = OrderedMap<Int, Purpose>()
    private var nextToken = 0
    var nextTenure = 0
    var nextDelivery = 0

    package init(_ options: GroupConsumerOptions, codecs: Codecs) {
        self.options = options
        self.codecs = codecs
        topics = options.topics.sorted()
        topicRegex = options.topicRegex
        random = PRNG(seed: options.seed)
        membershipBackoff = Backoff(minMs: options.backoffMinMs, maxMs: options.backoffMaxMs)
        metadataBackoff = membershipBackoff
        commitBackoff = membershipBackoff
    }

    /// A partition's fetch size grows no further than this where a batch does not fit.
    static let partitionBytesLimit: Int32 = 64 << 20
    /// Commits that wait; past it they are refused.
    static let commitsMax = 256
    /// The leader is asked again this often whether the near replica is still the one.
    static let nearReplicaMs: Int64 = 300_000

    // MARK: What a host may look at

    package var membership: (memberID: String, generationID: Int32) { (memberID, generationID) }
    package var isStable: Bool {
        phase == .stable && !needsRejoin && !reconciling.mustTell && !reconciling.isTargetOpen && reconciling.unnamed.isEmpty
    }
    /// When the last heartbeat was sent of those that were answered well: from then on the coordinator's session runs, at least.
    package var lastHeard: Instant { heardAt }
    package var ownedPartitions: [TopicPartition] { owned.keys }
    /// The next offset to be fetched; nil while it is not known.
    package func position(_ partition: TopicPartition) -> Offset? { owned[partition]?.position }

    // MARK: Events

    package mutating func start(now: Now) -> [ClientEffect<GroupConsumerOutput>] {
        step(now) { machine, _ in machine.polled(isWaiting: false, now: now) }
    }

    package mutating func tick(now: Now) -> [ClientEffect<GroupConsumerOutput>] { step(now) { _, _ in } }

    package mutating func receive(_ input: GroupConsumerInput, now: Now) -> [ClientEffect<GroupConsumerOutput>] {
        step(now) { machine, effects in
            switch input {
            case .taken(let delivery): machine.took(upTo: delivery)
            case .commit(let number, let positions): machine.queueCommit(number, positions, &effects)
            case .subscribe(let topics):
                (machine.pattern, machine.topicRegex) = (nil, nil)
                machine.subscribe(topics)
            case .subscribeMatching(let pattern):
                (machine.pattern, machine.topicRegex) = (pattern, nil)
                machine.metadataAt = .zero
            case .subscribeRegex(let regex):
                (machine.pattern, machine.topicRegex) = (nil, regex)
                machine.subscribe([])
            case .polled(let isWaiting): machine.polled(isWaiting: isWaiting, now: now)
            case .assign(let partitions): machine.assign(partitions, &effects)
            case .reached(let positions): machine.reached(positions)
            case .seek(let number, let partitions, let target):
                for name in partitions { machine.seek(name, target, &effects) }
                effects.append(.output(.sought(number: number)))
            case .discard(let partitions): for name in partitions { machine.discard(name) }
            case .pausePartitions(let partitions): machine.setPaused(partitions, true)
            case .resumePartitions(let partitions): machine.setPaused(partitions, false)
            case .released: machine.isAwaitingRelease = false
            case .pause: machine.isPaused = true
            case .resume: machine.isPaused = false
            case .close: machine.beginClose(now: now)
            }
        }
    }

    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<GroupConsumerOutput>] {
        guard let purpose = purposes.remove(token) else { return [] }
        return step(now) { machine, effects in machine.answered(purpose, result, &effects, now: now) }
    }

    private mutating func answered(_ purpose: Purpose, _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        switch purpose {
        case .join(let round):
            if round == self.round { joinAnswered(result, &effects, now: now) }
        case .shares(let round):
            if round == self.round { sharesAnswered(result, &effects, now: now) }
        case .sync(let round):
            if round == self.round { syncAnswered(result, &effects, now: now) }
        case .heartbeat(let round):
            isHeartbeating = false
            if round == self.round { heartbeatAnswered(result, &effects, now: now) }
        case .beat(let round, let told):
            guard round == self.round else { return }
            isHeartbeating = false
            beatAnswered(told, result, &effects, now: now)
        case .leave: end(&effects)
        case .farewell: break
        case .metadata: metadataAnswered(result, &effects, now: now)
        case .offsets(let claims): offsetsAnswered(claims, result, &effects, now: now)
        case .reset(let claims): resetAnswered(claims, result, &effects, now: now)
        case .validate(let claims): validationAnswered(claims, result, &effects, now: now)
        case .fetch(let claims): fetchAnswered(claims, result, &effects, now: now)
        case .commit(let round): commitAnswered(round: round, result, &effects, now: now)
        }
    }

    /// Every event ends with doing what now can be done.
    private mutating func step(_ now: Now, _ act: (inout GroupConsumerMachine, inout Effects) -> Void) -> Effects {
        guard phase != .ended else { return [] }
        lastHandled = now.instant
        var effects: Effects = []
        act(&self, &effects)
        guard phase != .ended else { return effects }
        if !isClosing { expire(&effects, now: now) }
        if isClosing { close(&effects, now: now) } else { stepMembership(&effects, now: now) }
        guard phase != .ended, phase != .leaving else { return effects }
        heartbeat(&effects, now: now)
        if !isClosing {
            askMetadata(&effects, now: now)
            findPositions(&effects, now: now)
            if !isPaused && bufferedBytes < options.bufferedBytesMax { fetch(&effects, now: now) }
        }
        autoCommit(now: now)
        sendCommit(&effects, now: now)
        return effects
    }

    // MARK: Time

    package var nextDeadline: Instant {
        switch phase {
        case .ended: return .distantFuture
        case .leaving: return giveUpAt
        case .outside, .joining, .sharing, .syncing, .stable, .releasing: break
        }
        var next = min(giveUpAt, isAskingMetadata || isClosing ? .distantFuture : metadataAt)
        if phase == .outside && !isExpired || phase == .sharing && !isAskingShares { next = min(next, stepAt) }
        // Who closes by KIP-848 says so in its last heartbeat, and sends none before.
        if isMember && !isHeartbeating && !(isClosing && isOfConsumerProtocol) { next = min(next, heartbeatAt) }
        if !isClosing && !isAlone { next = min(next, pollAt) }
        if isMember && committing == nil && !commits.isEmpty { next = min(next, commitNotBefore) }
        if phase == .stable && committing == nil && commits.isEmpty { next = min(next, autoCommitAt) }
        if isClosing { return next }
        for state in owned.values where state.notBefore > lastHandled && !state.isAsking { next = min(next, state.notBefore) }
        return next
    }

    /// Part of a generation, with time to act in it.
    var isMember: Bool { phase == .stable || phase == .releasing }

    var isAskingShares: Bool {
        purposes.values.contains { purpose in
            if case .shares(let asked) = purpose { asked == round } else { false }
        }
    }

    // MARK: Effects

    mutating func send(_ request: ClientRequest, _ purpose: Purpose, _ effects: inout Effects) {
        let token = nextToken
        nextToken += 1
        purposes[token] = purpose
        effects.append(.send(token: token, request))
    }

    /// A request to the group's coordinator.
    func toCoordinator(_ message: any WireRequest, lane: Lane = .group, timeoutMs: Int64) -> ClientRequest {
        ClientRequest(message, to: .coordinator(group: options.group), lane: lane, timeoutMs: timeoutMs)
    }

    /// A membership that cannot be: the user has to change something.
    mutating func fail(_ error: ClientError, _ effects: inout Effects) {
        loseAll(&effects)
        effects.append(.output(.failed(nil, error)))
        end(&effects)
    }

    mutating func end(_ effects: inout Effects) {
        guard phase != .ended else { return }
        phase = .ended
        effects.append(.finished)
    }
}
