import Primitives

/// A change to the cluster, worked out before it is made: what will be different, what it touches, how Kafka's own tool would do it, how
/// to take it back. Console, headless command and test make the same plan and run it with the same `PlanRunner`.
///
/// Life: `PlanAction` → `PlanBuilder` reads the cluster → `Plan` shown and confirmed → `PlanRunner` runs the steps, reads the cluster
/// again and compares → `PlanOutcome`.
package struct Plan: Equatable, Sendable {
    package var action: PlanAction
    /// "Delete topic orders".
    package var title: String
    /// Column titles of `rows`, such as TOPIC, PARTITION, BEFORE, AFTER, CHANGE.
    package var columns: [String]
    /// Before and after, one row per thing that changes.
    package var rows: [Row]
    /// The blast radius, in sentences: "3 partitions, 1 204 messages", "2 members of group billing read it".
    package var touches: [String]
    /// What is unusual and still allowed: a clamped offset, a partition that was left out.
    package var warnings: [String]
    /// Why it cannot be run now. A plan with obstacles is shown and refused.
    package var obstacles: [String]
    /// The same with Kafka's own tools. Several lines where it takes several commands or a file.
    package var kafkaCommand: String
    package var inverse: Inverse
    package var confirmation: Confirmation
    package var steps: [PlanStep]
    /// What it does it does to a share group, for which Kafka has a tool of its own.
    package var isOfShareGroup = false
    /// The address of the registry or of the Connect that it changes; empty where it is the cluster.
    package var place = ""

    package struct Row: Equatable, Sendable {
        package var cells: [String]
        /// False where the row stands for information only: nothing changes in it.
        package var isChange: Bool
        package init(_ cells: [String], isChange: Bool = true) {
            self.cells = cells
            self.isChange = isChange
        }
    }

    /// How to take it back.
    package enum Inverse: Equatable, Sendable {
        case action(PlanAction)
        /// Cannot be undone, and why.
        case none(String)
    }

    package enum Confirmation: Equatable, Sendable {
        case yes
        /// The name has to be typed, because it cannot be undone.
        case typedName(String)
    }

    package init(action: PlanAction, title: String) {
        self.action = action
        self.title = title
        columns = []
        rows = []
        touches = []
        warnings = []
        obstacles = []
        kafkaCommand = ""
        inverse = .none("")
        confirmation = .yes
        steps = []
    }

    /// It is carried out for as long as the copying takes.
    package var isInBatches: Bool { steps.contains { if case .reassignInBatches = $0 { true } else { false } } }

    package var isRunnable: Bool { obstacles.isEmpty && !steps.isEmpty }

    /// What `kafkaCommand` is a line of: registries and Connect are asked over HTTP.
    package var toolWords: String {
        switch action {
        case .schema, .connect: "With curl"
        default: "With Kafka's own tools"
        }
    }
}

/// One request of a plan, with exact values: what was shown is what is done.
package enum PlanStep: Equatable, Sendable {
    case createTopic(NewTopic)
    case deleteTopic(name: String)
    case createPartitions(topic: String, total: Int32)
    case alterConfig(ConfigResource, set: [ConfigValue], delete: [String])
    case produce(NewMessage)
    case commitOffsets(group: String, [OffsetToCommit])
    case deleteGroup(String)
    case deleteGroupOffsets(group: String, [TopicPartition])
    /// Where a share group goes on; its own API, as it commits nothing.
    case setShareOffsets(group: String, [OffsetToCommit])
    case deleteShareOffsets(group: String, [TopicPartition])
    case deleteRecords([RecordsToDelete])
    case reassign([PartitionReplicas])
    /// Each of them when the one before has got there.
    case reassignInBatches([[PartitionReplicas]])
    case electLeaders([TopicPartition], unclean: Bool)
    /// The rate of throttled replicas on these brokers; nil removes it.
    case throttle(brokers: [BrokerID], rate: Int64?)
    case throttleReplicas([ThrottledReplicas])
    case addAccess([AccessRule])
    case removeAccess([AccessRule])
    case alterQuota(QuotaSubject, set: [ConfigValue], delete: [String])
    case setFeature(String, level: Int16, isDowngrade: Bool)
    case send(SendJob)
    case load(LoadJob)
    case schema(SchemaChange)
    case connect(ConnectChange)
    case abortMarker(TopicPartition, ActiveProducer)
    case fenceProducer(transactionalID: String)
    case removeCredentials(user: String, mechanisms: [String])
    case setCredential(NewCredential)
}

package struct OffsetToCommit: Equatable, Sendable {
    package var partition: TopicPartition
    package var offset: Offset
    package init(_ partition: TopicPartition, _ offset: Offset) {
        self.partition = partition
        self.offset = offset
    }
}

/// How a plan ended.
package struct PlanOutcome: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        /// Done, and the cluster read again is what the plan said.
        case done
        /// The cluster accepted, but reading it again shows something else.
        case doneButDiffers
        case failed
    }
    package var title: String
    package var verdict: Verdict
    /// What was done and what was not, or how the cluster differs from the plan; sentences.
    package var lines: [String]
    /// The inverse, ready to be planned, where the plan has one and was done.
    package var undo: PlanAction?

    package init(title: String, verdict: Verdict, lines: [String], undo: PlanAction? = nil) {
        self.title = title
        self.verdict = verdict
        self.lines = lines
        self.undo = undo
    }
}

/// Why no plan could be made.
package struct PlanError: Error, Equatable, Sendable {
    /// A sentence for people: "Topic orders does not exist.".
    package var message: String
    package init(_ message: String) { self.message = message }
}
