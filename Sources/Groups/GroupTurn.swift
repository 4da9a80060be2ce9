import Primitives
import Wire

/// Why a request about a member is refused.
enum GroupRefusal: Equatable, Sendable {
    case unknownMember
    case fencedInstance

    var errorCode: ErrorCode {
        switch self {
        case .unknownMember: .unknownMemberID
        case .fencedInstance: .fencedInstanceID
        }
    }
}

/// Who or what set off a rebalance, for its events.
struct RebalanceCause: Equatable, Sendable {
    var reason: RebalanceEvent.Reason
    var memberID = ""
    var groupInstanceID: String?
    var clientID = ""
    var clientHost = ""
    var clientReason: String?

    init(_ reason: RebalanceEvent.Reason, _ member: GroupMember? = nil, clientReason: String? = nil) {
        self.reason = reason
        self.clientReason = clientReason
        guard let member else { return }
        memberID = member.memberID
        groupInstanceID = member.groupInstanceID
        clientID = member.clientID
        clientHost = member.clientHost
    }
}

/// What to do when an append has succeeded or failed.
enum AppendContinuation: Equatable, Sendable {
    /// The leader's assignment for this generation: the group becomes stable and the parked SyncGroups are answered.
    case assignment(generationID: Int32)
    /// A group without members was written down. Nobody waits for it.
    case emptied
    /// A static member came back under a new id: its JoinGroup is answered.
    case staticMember(StaticReplacement)
    case commit(ParkedCommit)
    case transactionalCommit(ParkedTransactionalCommit)
    /// Offsets removed: by an OffsetDelete whose answer waits, or because they expired.
    case offsetsDeleted([TopicPartition], answer: ParkedOffsetDelete?)
    /// The group's tombstone: by a DeleteGroups whose answer waits, or because nothing was left of it.
    case groupDeleted(request: GroupToken?)
    /// The records of a turn of a group of KIP-848 or KIP-932, and the answers that wait for them.
    case journal
}

/// An append that has not completed yet.
struct PendingAppend: Equatable, Sendable {
    var partition: Int32
    var groupID: String
    var continuation: AppendContinuation
}

/// One event's turn at one group: what the group may look at, and what it leaves to be done.
struct GroupTurn {
    let now: Now
    let config: GroupConfig
    let partition: Int32
    let groupID: String
    var random: PRNG
    var nextAppend: UInt64
    /// The protocol type in the JoinGroup under way; it becomes the group's when the first member is added.
    var protocolType: String?
    var effects: [GroupEffect] = []
    var appends: [(token: AppendToken, append: PendingAppend)] = []
    /// The cluster around the group.
    let surroundings: GroupSurroundings
    /// What this turn writes down, and the answers that wait for it (`Group.settle`).
    var records: [GroupRecord] = []
    var held: [HeldAnswer] = []
    /// What share coordinators are to do once that is written, and what they have been asked for in this turn.
    var works: [PendingShareWork] = []
    var startedWorks: [(token: ShareWorkToken, work: PendingShareWork)] = []
    /// Share groups whose state could not be deleted, with the DeleteGroups that wanted it.
    var failedDeletions: [(request: GroupToken, error: ErrorCode)] = []
    /// The earliest timer set in this turn.
    var wakeAt = Instant.distantFuture

    init(
        now: Now, config: GroupConfig, partition: Int32, groupID: String, random: PRNG, nextAppend: UInt64,
        surroundings: GroupSurroundings
    ) {
        self.surroundings = surroundings
        self.now = now
        self.config = config
        self.partition = partition
        self.groupID = groupID
        self.random = random
        self.nextAppend = nextAppend
    }

    mutating func respond(_ token: GroupToken, _ response: GroupResponse) { effects.append(.respond(token, response)) }

    /// Answers when the records of this turn, and those before them, are in the log.
    mutating func hold(_ token: GroupToken, _ response: GroupResponse) { held.append(HeldAnswer(token: token, response: response)) }

    /// What was set for this group alone, as a number.
    func setting(_ key: String, of groupID: String) -> Int32? { surroundings.setting(key, of: groupID).flatMap { Int32($0) } }

    mutating func start(_ work: PendingShareWork) {
        let token = ShareWorkToken(nextAppend)
        nextAppend += 1
        startedWorks.append((token, work))
        effects.append(.shareState(work.work, token: token))
    }

    @discardableResult
    mutating func append(
        _ records: [GroupRecord], of producer: GroupProducer? = nil, then continuation: AppendContinuation
    ) -> AppendToken {
        let token = AppendToken(nextAppend)
        nextAppend += 1
        appends.append((token, PendingAppend(partition: partition, groupID: groupID, continuation: continuation)))
        effects.append(
            producer.map { .appendTransactional(partition: partition, records: records, $0, token: token) }
                ?? .append(partition: partition, records: records, token: token))
        return token
    }

    mutating func emit(_ step: RebalanceEvent.Step, _ cause: RebalanceCause, in group: ClassicGroup) {
        effects.append(
            .event(
                RebalanceEvent(
                    group: groupID, generation: group.generationID, step: step, reason: cause.reason, memberID: cause.memberID,
                    groupInstanceID: cause.groupInstanceID, clientID: cause.clientID, clientHost: cause.clientHost,
                    clientReason: cause.clientReason, members: group.members.count)))
    }

    mutating func wake(at deadline: Instant) { wakeAt = min(wakeAt, deadline) }
    func after(milliseconds: Int32) -> Instant { now.instant.adding(milliseconds: Int64(milliseconds)) }
}
