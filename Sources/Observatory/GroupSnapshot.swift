import Primitives

/// One consumer group as observed.
package struct GroupSnapshot: Equatable, Sendable {
    package var id: String
    /// Kafka's names: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead; Assigning, Reconciling for KIP-848 groups. Empty text
    /// where the cluster is too old to list it and the group was not described yet.
    package var state: String
    /// "classic", "consumer" (KIP-848), "share"; empty where not told.
    package var type: String
    /// "consumer" for consumer groups.
    package var protocolType: String
    /// The assignor, such as "range".
    package var assignor: String = ""
    package var coordinator: BrokerID? = nil
    package var members: [MemberSnapshot] = []
    /// Group and target assignment epochs of a KIP-848 group.
    package var groupEpoch: Int32? = nil
    package var assignmentEpoch: Int32? = nil
    /// Committed or assigned partitions, sorted.
    package var partitions: [GroupPartitionSnapshot] = []
    package var error: String? = nil

    /// Sum of known lags; nil while none is known.
    package var lag: Int64? = nil
    /// The lag over time, oldest first, while it is being read.
    package var lags: [LagSample] = []
    /// Messages per second by which the group's committed offsets move.
    package var consumeRate: Double? = nil
    /// Its partitions judged together; made anew with every reading.
    package var analysis = GroupLag()
    /// State, members: read with Describe.
    package var observation = Observation()
    package var offsetsObservation = Observation()

    package init(id: String, state: String = "", type: String = "", protocolType: String = "") {
        self.id = id
        self.state = state
        self.type = type
        self.protocolType = protocolType
    }

    /// Of KIP-848, with epochs and target assignments.
    package var isConsumerProtocol: Bool { type == "consumer" || type == "Consumer" }
    /// Of KIP-932: partitions may have several readers, and share coordinators tell how far it is.
    package var isShare: Bool { type == "share" || type == "Share" }
    package var isRebalancing: Bool { GroupSnapshot.rebalancingStates.contains(state) }
    package var hasMembers: Bool { !members.isEmpty || state == "Stable" || isRebalancing }
    /// Topics it has committed or been assigned, sorted.
    package var topics: [String] {
        var names: [String] = []
        for partition in partitions where names.last != partition.partition.topic { names.append(partition.partition.topic) }
        return names
    }

    package static let rebalancingStates = ["PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"]
    /// Bound on `lags`.
    package static let lagsMax = 60
}

package struct LagSample: Equatable, Sendable {
    package var time: Timestamp
    package var lag: Int64
    package init(time: Timestamp, lag: Int64) {
        self.time = time
        self.lag = lag
    }
}

/// One member of a group.
package struct MemberSnapshot: Equatable, Sendable {
    package var id: String
    package var instanceID: String?
    package var clientID: String
    package var host: String
    /// Sorted.
    package var assignment: [TopicPartition]
    /// Topics it subscribed to, where its metadata could be read; sorted.
    package var subscription: [String]
    /// Checksum of its subscription bytes: tells that a member changed what it asks for.
    package var subscriptionHash: UInt32 = 0
    /// KIP-848 only.
    package var memberEpoch: Int32? = nil
    package var targetAssignment: [TopicPartition] = []
    /// A member of the classic protocol in a group of KIP-848.
    package var isClassic = false

    /// It has reached the target of this epoch, and has what that says.
    package func isReconciled(to assignmentEpoch: Int32?) -> Bool {
        memberEpoch == assignmentEpoch && assignment == targetAssignment
    }

    package init(
        id: String, instanceID: String? = nil, clientID: String, host: String, assignment: [TopicPartition] = [],
        subscription: [String] = []
    ) {
        self.id = id
        self.instanceID = instanceID
        self.clientID = clientID
        self.host = host
        self.assignment = assignment
        self.subscription = subscription
    }
}

/// A group's position in one partition.
package struct GroupPartitionSnapshot: Equatable, Sendable {
    package var partition: TopicPartition
    /// Nil where it never committed.
    package var committed: Offset?
    package var committedLeaderEpoch: LeaderEpoch
    /// The commit's metadata; text from outside.
    package var metadata: String
    package var start: Offset?
    package var end: Offset?
    /// The id of the member that owns it now; of a share group the first of its readers.
    package var member: String?
    /// The members that read it now; above one only in share groups.
    package var readers = 0
    /// The lag as the broker told it, of a share group: records behind the start offset may be done with.
    package var toldLag: Int64? = nil
    package var error: String?
    /// The commits over time.
    package var commits = OffsetSeries()
    /// The record at the committed offset, when it was read.
    package var unread: UnreadRecord? = nil
    package var analysis = PartitionLag()

    package init(
        partition: TopicPartition, committed: Offset? = nil, committedLeaderEpoch: LeaderEpoch = .none, metadata: String = "",
        start: Offset? = nil, end: Offset? = nil, member: String? = nil, error: String? = nil
    ) {
        self.partition = partition
        self.committed = committed
        self.committedLeaderEpoch = committedLeaderEpoch
        self.metadata = metadata
        self.start = start
        self.end = end
        self.member = member
        self.error = error
    }

    /// End minus committed, or what the broker said; nil where it is not known.
    package var lag: Int64? {
        if let toldLag { return toldLag }
        guard let committed, let end else { return nil }
        return max(0, end - committed)
    }
    /// Committed before the first message that is still there: what lay between is lost to the group.
    package var hasLostData: Bool {
        guard let committed, let start else { return false }
        return committed < start
    }
}
