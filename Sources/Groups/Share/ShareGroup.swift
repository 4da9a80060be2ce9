import Primitives
import Wire

/// A share group of KIP-932: its members, and what each of them reads. A partition may have several readers; who gets which record is the
/// partition's leader's business. Nothing has to be given back before another may have it, so a member goes to its target in one step.
///
/// The epochs are those of a group of KIP-848. Beside its members the group keeps of which partitions a share coordinator holds state:
/// only those are assigned, so that no leader serves one whose state nobody has made.
///
/// Each request changes the group at once and leaves the records of the change in its turn; answers wait until those are below the high
/// watermark (`GroupJournal`).
///
/// Invariants, checked by `checkInvariants`:
/// 1. No member's epoch is above the assignment's, nor that above the group's.
/// 2. A partition of the state is in one of `initializing` and `initialized` at most.
///
/// The rules are those of Kafka's GroupMetadataManager.
struct ShareGroup: Equatable, Sendable {
    let groupID: String
    /// As in Kafka 4.3 a group begins with 1, so that the first member's join makes it 2.
    var groupEpoch: Int32 = 1
    /// Of the subscribed topics' partitions; 0: of none.
    var metadataHash: Int64 = 0
    var assignmentEpoch: Int32 = 1
    /// When the target was computed; 0 before the first time.
    var assignmentTimestamp: Int64 = 0
    var members = OrderedMap<String, ShareMember>()
    /// By member id; partitions sorted.
    var targets = OrderedMap<String, [PartitionID]>()
    var state = ShareGroupPartitions()
    /// The surroundings' version at which the subscribed topics were looked at last; -1: to be looked at anew.
    var checkedVersion: Int64 = -1
    /// Its state is being deleted, or its tombstones are on their way to the log.
    var isDead = false
    /// The log holds records of it.
    var isRecorded = false

    init(_ groupID: String) { self.groupID = groupID }

    var groupState: ShareGroupState { isDead ? .dead : members.isEmpty ? .empty : .stable }

    func target(of memberID: String) -> [PartitionID] { targets[memberID] ?? [] }

    /// All topics that any member subscribes to, sorted.
    var subscribedTopics: [String] { Set(members.values.flatMap(\.subscribedTopics)).sorted() }

    func isSubscribed(to topic: String) -> Bool { members.values.contains { $0.subscribedTopics.contains(topic) } }

    // MARK: settings

    func sessionTimeoutMs(_ turn: GroupTurn) -> Int32 {
        turn.setting("share.session.timeout.ms", of: groupID) ?? turn.config.shareSessionTimeoutMs
    }

    func heartbeatIntervalMs(_ turn: GroupTurn) -> Int32 {
        turn.setting("share.heartbeat.interval.ms", of: groupID) ?? turn.config.shareHeartbeatIntervalMs
    }

    func assignmentIntervalMs(_ turn: GroupTurn) -> Int32 {
        turn.setting("share.assignment.interval.ms", of: groupID) ?? turn.config.shareAssignmentIntervalMs
    }
}

/// The states of a share group, under the names that Kafka shows.
package enum ShareGroupState: String, Equatable, Sendable, CaseIterable {
    case empty = "Empty"
    case stable = "Stable"
    case dead = "Dead"
}

/// A member of a share group. All but the deadline stands in records.
struct ShareMember: Equatable, Sendable {
    let memberID: String
    var rackID: String?
    var clientID = ""
    var clientHost = ""
    /// Sorted, each once.
    var subscribedTopics: [String] = []
    var memberEpoch: Int32 = 0
    var previousMemberEpoch: Int32 = 0
    /// Sorted.
    var assigned: [PartitionID] = []
    /// When it is taken for gone.
    var sessionDeadline = Instant.distantFuture

    init(_ memberID: String) { self.memberID = memberID }

    /// The member as a record tells it: what it said of itself.
    func describesSame(as other: ShareMember) -> Bool {
        rackID == other.rackID && clientID == other.clientID && clientHost == other.clientHost
            && subscribedTopics == other.subscribedTopics
    }
}

/// Of which partitions a share coordinator holds the group's state, or is to make or delete it.
struct ShareGroupPartitions: Equatable, Sendable {
    struct Topic: Equatable, Sendable {
        /// As of when it came in; the topic may be gone.
        var name: String
        /// Sorted.
        var partitions: [Int32] = []
        /// Of those being initialized: when that was asked for; nil: before this coordinator's time.
        var askedAt: Instant?
    }

    var initializing = OrderedMap<UUID, Topic>()
    var initialized = OrderedMap<UUID, Topic>()
    /// Names by topic id.
    var deleting = OrderedMap<UUID, String>()

    var isEmpty: Bool { initializing.isEmpty && initialized.isEmpty && deleting.isEmpty }

    func isInitialized(_ partition: PartitionID) -> Bool {
        initialized[partition.topicID]?.partitions.contains(partition.partition) == true
    }

    var allInitialized: [PartitionID] { ShareGroupPartitions.list(initialized) }
    /// Those that a share coordinator may hold something of.
    var all: [PartitionID] { (allInitialized + ShareGroupPartitions.list(initializing)).sorted() }

    private static func list(_ topics: OrderedMap<UUID, Topic>) -> [PartitionID] {
        topics.flatMap { id, topic in topic.partitions.map { PartitionID(id, $0) } }
    }

    /// These are to be initialized, whatever they were.
    mutating func begin(_ topicID: UUID, _ name: String, _ partitions: [Int32], at now: Instant) {
        ShareGroupPartitions.drop(topicID, partitions, from: &initialized)
        var topic = initializing[topicID] ?? Topic(name: name)
        topic.partitions = Set(topic.partitions + partitions).sorted()
        topic.askedAt = now
        initializing[topicID] = topic
        deleting.remove(topicID)
    }

    mutating func finish(_ topicID: UUID, _ partitions: [Int32]) {
        guard let waiting = initializing[topicID] else { return }
        let done = partitions.filter { waiting.partitions.contains($0) }
        guard !done.isEmpty else { return }
        ShareGroupPartitions.drop(topicID, done, from: &initializing)
        var topic = initialized[topicID] ?? Topic(name: waiting.name)
        topic.partitions = Set(topic.partitions + done).sorted()
        initialized[topicID] = topic
    }

    /// They could not be initialized, and will be asked for again.
    mutating func giveUp(_ topicID: UUID, _ partitions: [Int32]) {
        ShareGroupPartitions.drop(topicID, partitions, from: &initializing)
    }

    mutating func beginDeletion(of topicID: UUID, _ name: String) {
        initializing.remove(topicID)
        initialized.remove(topicID)
        deleting[topicID] = name
    }

    /// Nothing is left of the topic.
    mutating func forget(_ topicID: UUID) {
        initializing.remove(topicID)
        initialized.remove(topicID)
        deleting.remove(topicID)
    }

    private static func drop(_ topicID: UUID, _ partitions: [Int32], from topics: inout OrderedMap<UUID, Topic>) {
        guard var topic = topics[topicID] else { return }
        topic.partitions.removeAll { partitions.contains($0) }
        topics[topicID] = topic.partitions.isEmpty ? nil : topic
    }
}
