import Primitives
import Wire

/// A consumer group of KIP-848: its members, what each is to have and what each has. The coordinator assigns; members come by heartbeats,
/// on their own time, and there is no moment at which all stop.
///
/// Three epochs: the group's grows with whatever asks for a new assignment (members, subscriptions, partitions); the assignment's is that
/// of the group for which the target was computed; a member's is that of the target which it has reached.
///
/// Each request changes the group at once and leaves the records of the change in its turn; answers wait until those are below the high
/// watermark. Records that could not be written are written with the next change (`GroupJournal`).
///
/// Invariants, checked by `checkInvariants`:
/// 1. A partition is held (assigned, or not yet given back) by one member at most, and `holders` says by whom.
/// 2. No member's epoch is above the assignment's, nor that above the group's.
/// 3. Each static member's instance id names exactly that member.
///
/// The rules are those of Kafka's GroupMetadataManager (KIP-848, 1082, 1101, 1251).
struct ConsumerGroup: Equatable, Sendable {
    let groupID: String
    /// As in Kafka 4.3 a group begins with 1, so that the first member's join makes it 2.
    var groupEpoch: Int32 = 1
    /// Of the subscribed topics' partitions; 0: to be computed anew.
    var metadataHash: Int64 = 0
    var assignmentEpoch: Int32 = 1
    /// When the target was computed; 0 before the first time.
    var assignmentTimestamp: Int64 = 0
    var members = OrderedMap<String, ConsumerMember>()
    /// By member id; partitions sorted.
    var targets = OrderedMap<String, [PartitionID]>()
    /// Member ids by instance id.
    var staticMembers = OrderedMap<String, String>()
    /// Who holds each partition. Never iterated.
    private(set) var holders: [PartitionID: String] = [:]
    /// The topics that each regular expression stands for.
    var regexes = OrderedMap<String, ResolvedRegex>()
    /// The surroundings' version at which the subscribed topics were looked at last; -1: to be looked at anew.
    var checkedVersion: Int64 = -1
    /// Its tombstones are on their way to the log.
    var isDead = false
    /// The log holds records of it.
    var isRecorded = false
    /// The last consumer-protocol member has just gone, and classic ones are left: the group goes back to their protocol.
    var isLeftToClassics = false

    init(_ groupID: String) { self.groupID = groupID }

    /// A regular expression's topics, as of a version of the metadata.
    struct ResolvedRegex: Equatable, Sendable {
        /// Sorted.
        var topics: [String] = []
        var version: Int64 = 0
        var timestamp: Int64 = 0
    }

    var state: ConsumerGroupState {
        if isDead { return .dead }
        if members.isEmpty { return .empty }
        if groupEpoch > assignmentEpoch { return .assigning }
        return members.values.allSatisfy { $0.isReconciled(to: assignmentEpoch) } ? .stable : .reconciling
    }

    func target(of memberID: String) -> [PartitionID] { targets[memberID] ?? [] }

    /// All topics that any member subscribes to, by name or expression, sorted.
    var subscribedTopics: [String] {
        var names: Set<String> = []
        for member in members.values { names.formUnion(topics(of: member)) }
        return names.sorted()
    }

    /// What one member subscribes to, sorted.
    func topics(of member: ConsumerMember) -> [String] {
        guard let found = regexes[member.subscribedRegex]?.topics, !found.isEmpty else { return member.subscribedTopics }
        if member.subscribedTopics.isEmpty { return found }
        return Set(member.subscribedTopics).union(found).sorted()
    }

    func isSubscribed(to topic: String) -> Bool { members.values.contains { topics(of: $0).contains(topic) } }

    // MARK: the members' changes, in memory

    /// Puts a member in or changes it, with the indexes over members.
    mutating func put(_ member: ConsumerMember) {
        if let old = members[member.memberID] { release(old) }
        if let instance = member.instanceID { staticMembers[instance] = member.memberID }
        for partition in member.assigned.keys { holders[partition] = member.memberID }
        for partition in member.pendingRevocation.keys { holders[partition] = member.memberID }
        members[member.memberID] = member
    }

    @discardableResult
    mutating func take(_ memberID: String) -> ConsumerMember? {
        guard let member = members.remove(memberID) else { return nil }
        release(member)
        if let instance = member.instanceID, staticMembers[instance] == memberID { staticMembers.remove(instance) }
        return member
    }

    private mutating func release(_ member: ConsumerMember) {
        for partition in member.assigned.keys where holders[partition] == member.memberID { holders[partition] = nil }
        for partition in member.pendingRevocation.keys where holders[partition] == member.memberID { holders[partition] = nil }
    }

    func isHeld(_ partition: PartitionID, byOtherThan memberID: String) -> Bool {
        guard let holder = holders[partition] else { return false }
        return holder != memberID
    }

    // MARK: settings

    func sessionTimeoutMs(_ turn: GroupTurn) -> Int32 {
        turn.setting("consumer.session.timeout.ms", of: groupID) ?? turn.config.consumerSessionTimeoutMs
    }

    func heartbeatIntervalMs(_ turn: GroupTurn) -> Int32 {
        turn.setting("consumer.heartbeat.interval.ms", of: groupID) ?? turn.config.consumerHeartbeatIntervalMs
    }

    func assignmentIntervalMs(_ turn: GroupTurn) -> Int32 {
        turn.setting("consumer.assignment.interval.ms", of: groupID) ?? turn.config.consumerAssignmentIntervalMs
    }
}

/// The states of a group of KIP-848, under the names that Kafka shows.
package enum ConsumerGroupState: String, Equatable, Sendable, CaseIterable {
    case empty = "Empty"
    /// A new target is to be computed.
    case assigning = "Assigning"
    /// Members are on their way to the target.
    case reconciling = "Reconciling"
    case stable = "Stable"
    case dead = "Dead"
}
