import Primitives
import Wire

/// One classic consumer group: its members and its generation. A protocol machine: each request or timer changes it and
/// leaves effects in the `GroupTurn`. What must survive a restart goes through records; the answers that promise it wait for them.
///
/// Invariants, checked by `checkInvariants`:
/// 1. Each request is answered once: a parked JoinGroup exists only in `preparingRebalance` (or for a replaced static member whose record
///    is on its way), a parked SyncGroup only in `completingRebalance`.
/// 2. The leader is a member, whenever there are members.
/// 3. `awaitingJoin` counts the members with a parked JoinGroup.
/// 4. Each static member's instance id names exactly that member.
///
/// The rules are those of Kafka's GroupMetadataManager (KIP-62, 345, 394, 559, 800, 814).
struct ClassicGroup: Equatable, Sendable {
    let groupID: String
    var state = ClassicGroupState.empty
    /// The state before `state`; from `empty` the first join phase is a timed one.
    var previousState = ClassicGroupState.empty
    /// When `state` was entered; nil for a group loaded from a value older than v2.
    var stateTimestamp: Timestamp?
    var generationID: Int32 = 0
    /// Nil until a member joins: then the offsets belong to simple consumers, which only commit.
    var protocolType: String?
    var protocolName: String?
    var leaderID: String?
    var members = OrderedMap<String, GroupMember>()
    /// Ids handed out with MEMBER_ID_REQUIRED and not yet used, with when they lapse (KIP-394).
    var pendingMembers = OrderedMap<String, Instant>()
    /// Member ids by group instance id (KIP-345).
    var staticMembers = OrderedMap<String, String>()
    /// How many members support each protocol.
    var protocolSupport = OrderedMap<String, Int>()
    var awaitingJoin = 0
    /// The topics that the members subscribe to, as far as their metadata can be read; nil where it cannot.
    var subscribedTopics: [String]?

    /// When the join phase ends though members are missing.
    var joinDeadline = Instant.distantFuture
    /// During the timed join phase of a group that was empty: what may still be added to `joinDeadline`; nil otherwise.
    var joinExtensionMs: Int32?
    /// Someone joined since `joinDeadline` was set.
    var newMemberAdded = false
    /// When the members that still owe a SyncGroup are removed.
    var syncDeadline = Instant.distantFuture
    /// Why the rebalance under way, or the latest, began.
    var cause = RebalanceCause(.unknown)
    /// The last who left by the LeaveGroup being handled.
    var lastLeft: RebalanceCause?

    /// The log holds a record of this group itself, so that forgetting it takes a tombstone.
    var isRecorded = false

    init(_ groupID: String) { self.groupID = groupID }

    var leader: GroupMember? { leaderID.flatMap { members[$0] } }

    /// The longest rebalance timeout of the members: how long a join phase may take.
    var rebalanceTimeoutMs: Int32 { members.values.reduce(0) { max($0, $1.rebalanceTimeoutMs) } }

    var haveAllJoined: Bool { members.count == awaitingJoin && pendingMembers.isEmpty }

    /// Nobody is in it, nor about to come.
    var hasNobody: Bool { state == .empty && members.isEmpty && pendingMembers.isEmpty }

    mutating func transition(to next: ClassicGroupState, _ turn: GroupTurn) {
        precondition(allowed(next), "a group cannot go from \(state) to \(next)")
        previousState = state
        state = next
        stateTimestamp = turn.now.wall
    }

    private func allowed(_ next: ClassicGroupState) -> Bool {
        switch next {
        case .empty: state == .preparingRebalance || state == .dead
        case .preparingRebalance: state == .stable || state == .completingRebalance || state == .empty
        case .completingRebalance: state == .preparingRebalance
        case .stable: state == .completingRebalance
        case .dead: state == .empty
        }
    }

    // MARK: members

    mutating func add(_ member: GroupMember, _ turn: inout GroupTurn) {
        if members.isEmpty { protocolType = turn.protocolType ?? protocolType }
        if leaderID == nil { leaderID = member.memberID }
        if let instance = member.groupInstanceID { staticMembers[instance] = member.memberID }
        pendingMembers.remove(member.memberID)
        countProtocols(of: member, by: 1)
        if member.parkedJoin != nil { awaitingJoin += 1 }
        members[member.memberID] = member
    }

    /// Removes a member or a pending id. Whatever it had parked is answered with UNKNOWN_MEMBER_ID, so that a client that is still there
    /// joins anew.
    mutating func remove(_ memberID: String, _ turn: inout GroupTurn) {
        pendingMembers.remove(memberID)
        guard members[memberID] != nil else { return }
        answerJoin(memberID, .failed(.unknownMemberID, memberID), &turn)
        answerSync(memberID, .failed(.unknownMemberID), &turn)
        guard let member = members.remove(memberID) else { return }
        countProtocols(of: member, by: -1)
        if let instance = member.groupInstanceID, staticMembers[instance] == memberID { staticMembers.remove(instance) }
        if leaderID == memberID { leaderID = members.keys.first }
    }

    func countedSupport(of name: String) -> Int { protocolSupport[name] ?? 0 }

    mutating func countProtocols(of member: GroupMember, by step: Int) {
        for name in member.distinctProtocolNames {
            let count = countedSupport(of: name) + step
            protocolSupport[name] = count > 0 ? count : nil
        }
    }

    /// Whether a joiner that offers `protocols` can take part: the type is the group's, and at least one protocol is everyone's.
    func supports(type: String, protocols: [MemberProtocol]) -> Bool {
        if state == .empty { return !type.isEmpty && !protocols.isEmpty }
        return type == protocolType && protocols.contains { countedSupport(of: $0.name) == members.count }
    }

    /// Which member a request speaks for: nil when it is right, else why it is refused.
    func refusal(memberID: String, groupInstanceID: String?) -> GroupRefusal? {
        if let instance = groupInstanceID {
            guard let holder = staticMembers[instance] else { return .unknownMember }
            if holder != memberID { return .fencedInstance }
        }
        return members[memberID] == nil ? .unknownMember : nil
    }

    /// The protocol of the next generation: among those that all support, the one with most votes, each member voting for the first in its
    /// list. A tie goes to the first in the leader's order, as a fixed choice.
    func selectedProtocol() -> String? {
        let candidates = protocolSupport.filter { $0.value == members.count }.map(\.key)
        var votes = OrderedMap<String, Int>()
        for member in members.values {
            if let name = member.vote(among: candidates) { votes[name, default: 0] += 1 }
        }
        guard let most = votes.values.max() else { return nil }
        let winners = votes.filter { $0.value == most }.map(\.key)
        return leader?.vote(among: winners) ?? winners.first
    }

    /// A new session for a member that has just been heard.
    mutating func restartSession(_ memberID: String, timeoutMs: Int32? = nil, _ turn: inout GroupTurn) {
        guard let index = members.index(of: memberID) else { return }
        let timeout = timeoutMs ?? members.values[index].sessionTimeoutMs
        let deadline = turn.now.instant.adding(milliseconds: Int64(timeout))
        members.update(memberID) { $0.sessionDeadline = deadline }
        turn.wake(at: deadline)
    }
}

extension GroupMember {
    /// Each protocol once, however often the client named it.
    var distinctProtocolNames: [String] {
        var names: [String] = []
        for entry in protocols where !names.contains(entry.name) { names.append(entry.name) }
        return names
    }
}
