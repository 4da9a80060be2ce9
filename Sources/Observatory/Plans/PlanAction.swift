import Primitives

/// What somebody wants done to the cluster: pure parameters. `PlanBuilder` reads the cluster and makes a `Plan` of it.
package enum PlanAction: Equatable, Sendable {
    case createTopic(NewTopic)
    case deleteTopic(String)
    /// Deletes a topic and creates it again, empty, with the partitions, the replication factor and the configs that it had.
    case recreateTopic(String)
    /// `total` is the number of partitions afterwards.
    case addPartitions(topic: String, total: Int32)
    /// Sets `set` and takes `delete` back to the default, leaving all other configs as they are.
    case alterConfig(ConfigResource, set: [ConfigValue], delete: [String])
    case produce(NewMessage)
    case resetOffsets(group: String, scope: ResetScope, strategy: ResetStrategy)
    case deleteGroup(String)
    /// Forgets the group's commits for one topic.
    case deleteGroupOffsets(group: String, topic: String)
    /// Everything before these offsets; `Offset.none` means up to the end.
    case deleteRecords([RecordsToDelete])
    case reassign(Reassign)
    /// Ends reassignments where they are; none named: all.
    case cancelReassignments([TopicPartition])
    /// Preferred leaders, or unclean: any replica that lives, whatever it lacks.
    case electLeaders(PartitionScope, unclean: Bool)
    /// The limit of running reassignments in bytes per second; nil removes all limits, also those left behind.
    case throttle(Int64?)
    case addAccess([AccessRule])
    case removeAccess([AccessRule])
    /// Values are numbers; `delete` takes limits away.
    case alterQuota(QuotaSubject, set: [ConfigValue], delete: [String])
    case setFeature(String, level: Int16, isDowngrade: Bool)
    case send(SendJob)
    case load(LoadJob)
    /// Of a schema registry, which is no part of the cluster.
    case schema(SchemaChange)
    /// Of a cluster of Kafka Connect, which is none either.
    case connect(ConnectChange)
    /// Ends a transaction in one partition by a marker of its own, whatever its coordinator knows (KIP-664).
    case abortTransaction(TransactionToAbort)
    /// Takes the transactional id from its producer: what it has under way is aborted, and it can go on no more (KIP-939's tool).
    case fenceProducer(transactionalID: String)
    /// Takes ways to log in from a user: mechanisms by name, such as SCRAM-SHA-256.
    case removeCredentials(user: String, mechanisms: [String])
    /// Gives a user a way to log in, or another password.
    case setCredential(NewCredential)
}

/// Which open transaction of a partition is meant.
package struct TransactionToAbort: Equatable, Sendable {
    package enum Which: Equatable, Sendable {
        /// The one that begins there.
        case startOffset(Offset)
        /// Of that producer; brokers before Kafka 2.5 do not tell what is open.
        case producer(id: Int64, epoch: Int16, coordinatorEpoch: Int32)
    }
    package var partition: TopicPartition
    package var which: Which

    package init(_ partition: TopicPartition, _ which: Which) { (self.partition, self.which) = (partition, which) }
}

package struct NewTopic: Equatable, Sendable {
    package var name: String
    /// Nil: the broker's default.
    package var partitions: Int32?
    package var replicationFactor: Int16?
    package var configs: [ConfigValue]
    /// A topic of the same cluster, which has what is not said here; nil: the brokers' defaults. In a plan it is filled in, and nil.
    package var like: String?

    package init(
        name: String, partitions: Int32? = nil, replicationFactor: Int16? = nil, configs: [ConfigValue] = [], like: String? = nil
    ) {
        self.name = name
        self.like = like
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.configs = configs
    }
}

package struct ConfigValue: Equatable, Sendable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

package struct NewMessage: Equatable, Sendable {
    package struct Header: Equatable, Sendable {
        package var name: String
        package var value: Bytes?
        package init(_ name: String, _ value: Bytes?) {
            self.name = name
            self.value = value
        }
    }
    package var topic: String
    /// Nil: by the key's hash, or any where there is no key.
    package var partition: Int32?
    package var key: Bytes?
    /// Nil: a tombstone.
    package var value: Bytes?
    package var headers: [Header]

    package init(topic: String, partition: Int32? = nil, key: Bytes? = nil, value: Bytes?, headers: [Header] = []) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
    }
}

package struct RecordsToDelete: Equatable, Sendable {
    package var partition: TopicPartition
    package var before: Offset
    package init(_ partition: TopicPartition, before: Offset) {
        self.partition = partition
        self.before = before
    }
}

/// Which of a group's partitions to reset.
package enum ResetScope: Equatable, Sendable {
    case allTopics
    case topics([String])
    case partitions([TopicPartition])
}

/// Where to reset to: the strategies of `kafka-consumer-groups --reset-offsets`.
package enum ResetStrategy: Equatable, Sendable {
    case earliest
    case latest
    /// Commit again what is committed (and the end where nothing is).
    case current
    case offset(Offset)
    case shiftBy(Int64)
    /// The first message not older than this.
    case datetime(Timestamp)
    /// The first message not older than this many milliseconds before now.
    case byDuration(milliseconds: Int64)
    /// The text of a CSV file as `--export` writes it, with the name that the command line shows.
    case file(name: String, csv: String)
}
