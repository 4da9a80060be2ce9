import Primitives
import Wire

/// Where a member stands on its way to its target, with the numbers that records have.
enum ConsumerMemberState: Int8, Equatable, Sendable {
    case stable = 0
    /// It must give partitions back before it may go on.
    case unrevokedPartitions = 1
    /// It waits for partitions that others still hold.
    case unreleasedPartitions = 2
}

/// A member of a group of KIP-848. All but the timers stands in records.
struct ConsumerMember: Equatable, Sendable {
    let memberID: String
    var instanceID: String?
    var rackID: String?
    var clientID = ""
    var clientHost = ""
    /// Sorted, each once.
    var subscribedTopics: [String] = []
    /// Empty: it subscribes by names alone.
    var subscribedRegex = ""
    var rebalanceTimeoutMs: Int32 = -1
    var serverAssignor: String?
    /// Set of a member that speaks the classic protocol.
    var classic: ConsumerGroupMemberMetadataValue.ClassicMemberMetadata?

    var memberEpoch: Int32 = 0
    var previousMemberEpoch: Int32 = 0
    var state = ConsumerMemberState.stable
    var assigned = AssignedPartitions()
    /// Taken from it, and not yet given back.
    var pendingRevocation = AssignedPartitions()

    /// When it is taken for gone.
    var sessionDeadline = Instant.distantFuture
    /// By when it must have given back what it has to.
    var revocationDeadline = Instant.distantFuture
    /// By when a classic member that was told to rejoin, or has joined and owes a SyncGroup, must have done so.
    var classicDeadline = Instant.distantFuture

    /// The epoch of a static member that left for a while.
    static let leftForAWhile: Int32 = -2

    init(_ memberID: String) { self.memberID = memberID }

    var isClassic: Bool { classic != nil }

    func isReconciled(to assignmentEpoch: Int32) -> Bool { state == .stable && memberEpoch == assignmentEpoch }

    mutating func enter(_ epoch: Int32) {
        previousMemberEpoch = memberEpoch
        memberEpoch = epoch
    }

    /// The member as a record tells it: what it said of itself.
    func describesSame(as other: ConsumerMember) -> Bool {
        instanceID == other.instanceID && rackID == other.rackID && clientID == other.clientID && clientHost == other.clientHost
            && subscribedTopics == other.subscribedTopics && subscribedRegex == other.subscribedRegex
            && rebalanceTimeoutMs == other.rebalanceTimeoutMs && serverAssignor == other.serverAssignor && classic == other.classic
    }

    /// What it has, in whatever way, as a record tells it.
    func hasSame(as other: ConsumerMember) -> Bool {
        memberEpoch == other.memberEpoch && previousMemberEpoch == other.previousMemberEpoch && state == other.state
            && assigned == other.assigned && pendingRevocation == other.pendingRevocation
    }

    /// The deadlines that may run out next.
    var nextDeadline: Instant { min(sessionDeadline, min(revocationDeadline, classicDeadline)) }
}
