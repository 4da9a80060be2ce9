import Primitives

/// What the console has seen of transactions, access rules, quotas and users. Read only while a view shows it; each part has its age, and
/// keeps its last value where it cannot be read again.
package struct AdminSnapshot: Equatable, Sendable {
    package var transactions = OrderedMap<String, TransactionSnapshot>()
    package var transactionsSeen = Observation()
    /// Transactions that partitions' leaders hold open.
    package var open: [OpenTransaction] = []
    package var openSeen = Observation()
    /// Who wrote to partitions of late, by producer id, as far as their leaders remember.
    package var writers = OrderedMap<Int64, PartitionWriter>()
    package var writersSeen = Observation()
    /// Where a read_committed consumer stops (KIP-98), of partitions with transactions on the screen.
    package var stableOffsets = OrderedMap<TopicPartition, Offset>()
    package var access: [AccessRule] = []
    package var accessSeen = Observation()
    package var quotas: [QuotaSnapshot] = []
    package var quotasSeen = Observation()
    package var users: [ScramUserSnapshot] = []
    package var usersSeen = Observation()
    /// Of the brokers that told; nil until one did.
    package var versions: VersionTable?
    package var versionsSeen = Observation()

    /// What was set of topics and brokers, as far as it was looked at for the timeline; sorted by name.
    package var overrides = OrderedMap<ConfigResource, [ConfigValue]>()

    package init() {}

    package func quota(_ subject: QuotaSubject) -> QuotaSnapshot? { quotas.first { $0.subject == subject } }
}

/// A transactional id as its coordinator knows it (KIP-664).
package struct TransactionSnapshot: Equatable, Sendable {
    package var id: String
    package var coordinator: BrokerID
    package var producerID: Int64
    /// Kafka's word: Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, Dead, PrepareEpochFence.
    package var state: String
    /// Nil until it was described.
    package var producerEpoch: Int16?
    package var timeoutMs: Int32?
    /// Nil where nothing is under way.
    package var startedAt: Timestamp?
    package var partitions: [TopicPartition] = []
    /// Why it could not be described.
    package var error: String?

    package init(id: String, coordinator: BrokerID, producerID: Int64, state: String) {
        (self.id, self.coordinator, self.producerID, self.state) = (id, coordinator, producerID, state)
    }

    /// Whether it is between its beginning and the last of its markers.
    package var isOpen: Bool { ["Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"].contains(state) }

    /// Milliseconds since it began, by the clock of who looks.
    package func age(at now: Timestamp) -> Int64? { startedAt.map { max(0, now.milliseconds - $0.milliseconds) } }
}

/// A producer as a partition's leader knows it (KIP-664).
package struct ActiveProducer: Equatable, Sendable {
    package var producerID: Int64
    package var producerEpoch: Int32
    /// Of the last marker; -1 where there was none.
    package var coordinatorEpoch: Int32
    package var lastSequence: Int32
    package var lastTimestamp: Timestamp
    /// Where its open transaction begins; nil where it has none.
    package var transactionStart: Offset?

    package init(
        producerID: Int64, producerEpoch: Int32, coordinatorEpoch: Int32 = -1, lastSequence: Int32 = -1, lastTimestamp: Timestamp,
        transactionStart: Offset? = nil
    ) {
        (self.producerID, self.producerEpoch, self.coordinatorEpoch) = (producerID, producerEpoch, coordinatorEpoch)
        (self.lastSequence, self.lastTimestamp, self.transactionStart) = (lastSequence, lastTimestamp, transactionStart)
    }
}

/// A transaction that is open in a partition, and what its coordinator says of it.
package struct OpenTransaction: Equatable, Sendable {
    package enum Standing: String, Equatable, Sendable {
        /// Its coordinator knows of it and will end it, at its timeout at the latest.
        case underWay
        /// No coordinator knows of it there, by one look: it may have ended between two answers.
        case unclaimed
        /// No coordinator knew of it at two looks: nobody will ever end it, and read_committed consumers wait for ever (KIP-664).
        case hanging
    }
    package var partition: TopicPartition
    package var producer: ActiveProducer
    /// Nil where no coordinator knows the producer id (any more).
    package var transactionalID: String?
    package var standing: Standing

    package init(_ partition: TopicPartition, _ producer: ActiveProducer, transactionalID: String?, standing: Standing) {
        (self.partition, self.producer, self.transactionalID, self.standing) = (partition, producer, transactionalID, standing)
    }

    /// The same one, seen again.
    func isSame(_ other: OpenTransaction) -> Bool {
        partition == other.partition && producer.producerID == other.producer.producerID
            && producer.transactionStart == other.producer.transactionStart
    }

    /// Milliseconds since its last record.
    package func age(at now: Timestamp) -> Int64 { max(0, now.milliseconds - producer.lastTimestamp.milliseconds) }
}

/// The quotas of one entity.
package struct QuotaSnapshot: Equatable, Sendable {
    package var subject: QuotaSubject
    /// By Kafka's name, such as `producer_byte_rate`.
    package var values: OrderedMap<String, Double>

    package init(_ subject: QuotaSubject, _ values: OrderedMap<String, Double>) { (self.subject, self.values) = (subject, values) }
}

/// A user who can log in by SCRAM, and how; what they log in with is told by no cluster.
package struct ScramUserSnapshot: Equatable, Sendable {
    package struct Credential: Equatable, Sendable {
        /// `SCRAM-SHA-256`.
        package var mechanism: String
        package var iterations: Int32
        package init(_ mechanism: String, iterations: Int32) { (self.mechanism, self.iterations) = (mechanism, iterations) }
    }
    package var name: String
    package var credentials: [Credential]

    package init(_ name: String, _ credentials: [Credential]) { (self.name, self.credentials) = (name, credentials) }
}
