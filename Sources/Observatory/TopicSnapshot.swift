import Primitives

/// One topic as observed. Its partitions stand at their index.
package struct TopicSnapshot: Equatable, Sendable {
    package var name: String
    /// Zero where the cluster is too old to tell.
    package var id: UUID
    package var isInternal: Bool
    package var partitions: [PartitionSnapshot] { didSet { counted.value = nil } }
    /// Kafka's error name where the cluster could not describe it, such as LEADER_NOT_AVAILABLE.
    package var error: String? = nil

    /// Sums over the partitions; nil until something of it is known. The size counts leader replicas once.
    package var messages: Int64? = nil
    package var sizeBytes: Int64? = nil
    /// Messages and bytes per second written, from differences.
    package var messageRate: Double? = nil
    package var byteRate: Double? = nil
    /// Messages per second over time, oldest first, while its offsets are being read.
    package var rates: [RateSample] = []
    package var offsetsObservation = Observation()
    package var sizeObservation = Observation()
    /// `min.insync.replicas` as it holds for the topic; nil until read.
    package var minInSyncReplicas: Int? = nil { didSet { counted.value = nil } }
    /// The lists of `partition:broker` of a throttled reassignment, or `*`; empty where nothing is throttled.
    package var throttledLeaders = ""
    package var throttledFollowers = ""
    /// `retention.ms` and `retention.bytes` as they hold, -1 for no limit, nil until read; and whether old records are deleted at all.
    package var retentionMs: Int64? = nil
    package var retentionBytes: Int64? = nil
    package var deletesOldRecords: Bool? = nil
    /// Of these settings.
    package var settingsObservation = Observation()
    /// What `counts` found, until a partition changes.
    private var counted = Remembered<PartitionCounts>()

    package init(name: String, id: UUID = .zero, isInternal: Bool = false, partitions: [PartitionSnapshot] = []) {
        self.name = name
        self.id = id
        self.isInternal = isInternal
        self.partitions = partitions
    }

    package var replicationFactor: Int { counts.replicationFactor }
    package var underReplicated: Int { counts.underReplicated }
    package var offline: Int { counts.offline }

    /// How its partitions are, counted. Remembered by `count()`: screens ask for every topic, and few of a large cluster change.
    package var counts: PartitionCounts { counted.value ?? PartitionCounts(self) }
    var isCounted: Bool { counted.value != nil }
    mutating func count() { if counted.value == nil { counted.value = PartitionCounts(self) } }

    /// Bound on `rates`.
    package static let ratesMax = 60
}

/// How many of a topic's partitions are in which state.
package struct PartitionCounts: Equatable, Sendable {
    package private(set) var replicationFactor = 0
    package private(set) var offline = 0
    package private(set) var underReplicated = 0
    package private(set) var notPreferred = 0
    package private(set) var reassigning = 0
    package private(set) var underMinISR = 0
    package private(set) var atMinISR = 0

    init(_ topic: TopicSnapshot) {
        for index in topic.partitions.indices {
            replicationFactor = max(replicationFactor, topic.partitions[index].replicas.count)
            if topic.partitions[index].isOffline { offline += 1 }
            if topic.partitions[index].isUnderReplicated { underReplicated += 1 }
            if !topic.partitions[index].isLeaderPreferred { notPreferred += 1 }
            if topic.partitions[index].isReassigning { reassigning += 1 }
            guard let minimum = topic.minInSyncReplicas else { continue }
            let inSync = topic.partitions[index].inSyncReplicas.count
            let wanted = min(minimum, max(1, topic.partitions[index].replicas.count))
            if inSync < wanted { underMinISR += 1 } else if inSync == wanted { atMinISR += 1 }
        }
    }
}

/// A result that follows from the value it is kept in, and so does not count when two such values are compared.
struct Remembered<Value: Sendable>: Equatable, Sendable {
    var value: Value?
    static func == (a: Remembered, b: Remembered) -> Bool { true }
}

/// One partition as observed. What few partitions have lies apart, so that copying a hundred thousand costs little.
package struct PartitionSnapshot: Equatable, Sendable {
    package var index: Int32
    /// Nil where it has none.
    package var leader: BrokerID?
    package var leaderEpoch: LeaderEpoch
    package var replicas: [BrokerID]
    package var inSyncReplicas: [BrokerID]

    package var startOffset: Offset? = nil
    /// The high watermark: where the next message a consumer may see will stand.
    package var endOffset: Offset? = nil
    /// When the offsets were read.
    package var offsetsTime: Timestamp? = nil
    /// The end over time.
    package var ends = OffsetSeries()
    /// Consumers that read committed records get no further than this: an open transaction begins there, or it is the end.
    package var stableOffset: Offset? = nil
    /// Who writes, as the leader tells it; asked for where a transaction is open.
    package var producers: [ProducerSnapshot] = []
    /// Bytes of the leader's replica.
    package var sizeBytes: Int64? = nil
    /// Messages per second written, from the last two readings.
    package var messageRate: Double? = nil
    private var rare: Rare?
    /// What each replica's own broker says of it, in the order in which they were heard.
    package var replicaLogs: [ReplicaSnapshot] = []

    package init(
        index: Int32, leader: BrokerID?, leaderEpoch: LeaderEpoch = .none, replicas: [BrokerID], inSyncReplicas: [BrokerID],
        offlineReplicas: [BrokerID] = []
    ) {
        self.index = index
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
        self.offlineReplicas = offlineReplicas
    }

    /// Kafka's error name, nil where all is well.
    package var error: String? {
        get { rare?.error }
        set { change { $0.error = newValue } }
    }
    package var offlineReplicas: [BrokerID] {
        get { rare?.offline ?? [] }
        set { change { $0.offline = newValue } }
    }
    /// On their way in and out, in a reassignment.
    package var addingReplicas: [BrokerID] {
        get { rare?.adding ?? [] }
        set { change { $0.adding = newValue } }
    }
    package var removingReplicas: [BrokerID] {
        get { rare?.removing ?? [] }
        set { change { $0.removing = newValue } }
    }
    /// Not in sync and yet safe to elect (KIP-966); empty where the cluster does not tell.
    package var eligibleLeaderReplicas: [BrokerID] {
        get { rare?.eligible ?? [] }
        set { change { $0.eligible = newValue } }
    }

    private mutating func change(_ change: (inout RareFields) -> Void) {
        var fields = rare?.fields ?? RareFields()
        change(&fields)
        if fields != rare?.fields ?? RareFields() { rare = fields == RareFields() ? nil : Rare(fields) }
    }

    private struct RareFields: Equatable, Sendable {
        var error: String?
        var offline: [BrokerID] = []
        var adding: [BrokerID] = []
        var removing: [BrokerID] = []
        var eligible: [BrokerID] = []
    }

    /// Never changed once made, so that copies may share it.
    private final class Rare: Equatable, Sendable {
        let fields: RareFields
        init(_ fields: RareFields) { self.fields = fields }
        var error: String? { fields.error }
        var offline: [BrokerID] { fields.offline }
        var adding: [BrokerID] { fields.adding }
        var removing: [BrokerID] { fields.removing }
        var eligible: [BrokerID] { fields.eligible }
        static func == (a: Rare, b: Rare) -> Bool { a === b || a.fields == b.fields }
    }

    package var isOffline: Bool { leader == nil }
    /// Replicas on their way in do not count before they are there.
    package var isUnderReplicated: Bool {
        if rare == nil, inSyncReplicas.count == replicas.count, inSyncReplicas == replicas { return false }
        let adding = addingReplicas
        return replicas.contains { !inSyncReplicas.contains($0) && !adding.contains($0) }
    }
    package var isReassigning: Bool { rare.map { !$0.adding.isEmpty || !$0.removing.isEmpty } ?? false }
    package var isLeaderPreferred: Bool { leader == nil || leader == replicas.first }
    /// Messages between start and end. Offsets are not dense under compaction and transactions: an upper bound.
    package var messages: Int64? {
        guard let startOffset, let endOffset else { return nil }
        return max(0, endOffset - startOffset)
    }
}

/// What configs belong to. Ordered by kind, then name.
package struct ConfigResource: Hashable, Comparable, Sendable {
    package enum Kind: Int8, Hashable, Comparable, Sendable {
        case topic = 2
        case broker = 4
        package static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
    }
    package var kind: Kind
    package var name: String

    package init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }
    package static func topic(_ name: String) -> ConfigResource { ConfigResource(.topic, name) }
    package static func broker(_ id: BrokerID) -> ConfigResource { ConfigResource(.broker, id.description) }

    package static func < (a: ConfigResource, b: ConfigResource) -> Bool { a.kind == b.kind ? a.name < b.name : a.kind < b.kind }
    /// "topic orders", "broker 1".
    package var text: String { "\(kind == .topic ? "topic" : "broker") \(name)" }
}

/// The configs of one topic or broker, read on demand; entries by name.
package struct ConfigSnapshot: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var name: String
        /// Nil for a sensitive value, which Kafka does not tell.
        package var value: String?
        package var source: ConfigSource
        package var isReadOnly: Bool
        package var isSensitive: Bool
        /// Kafka's name of the type, such as "long"; empty below DescribeConfigs v3.
        package var type: String
        package var documentation: String?
        /// Where the value comes from in turn: "DYNAMIC_TOPIC_CONFIG:retention.ms=1000".
        package var synonyms: [String]

        package init(
            name: String, value: String?, source: ConfigSource, isReadOnly: Bool = false, isSensitive: Bool = false, type: String = "",
            documentation: String? = nil, synonyms: [String] = []
        ) {
            self.name = name
            self.value = value
            self.source = source
            self.isReadOnly = isReadOnly
            self.isSensitive = isSensitive
            self.type = type
            self.documentation = documentation
            self.synonyms = synonyms
        }
        /// Set here by somebody, and not a default or inherited.
        package var isOverride: Bool { source == .topic || source == .dynamicBroker }
    }
    package var entries: [Entry]
    package var observation: Observation

    package init(entries: [Entry] = [], observation: Observation = Observation()) {
        self.entries = entries
        self.observation = observation
    }
    package func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }
}

/// Kafka's config sources by their numbers in DescribeConfigs.
package enum ConfigSource: Int8, Equatable, Sendable {
    case unknown = 0
    case topic = 1
    case dynamicBroker = 2
    case dynamicDefaultBroker = 3
    case staticBroker = 4
    case defaultConfig = 5
    case brokerLogger = 6
    case clientMetrics = 7
    case group = 8

    /// Kafka's own name.
    package var name: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .topic: "DYNAMIC_TOPIC_CONFIG"
        case .dynamicBroker: "DYNAMIC_BROKER_CONFIG"
        case .dynamicDefaultBroker: "DYNAMIC_DEFAULT_BROKER_CONFIG"
        case .staticBroker: "STATIC_BROKER_CONFIG"
        case .defaultConfig: "DEFAULT_CONFIG"
        case .brokerLogger: "DYNAMIC_BROKER_LOGGER_CONFIG"
        case .clientMetrics: "DYNAMIC_CLIENT_METRICS_CONFIG"
        case .group: "DYNAMIC_GROUP_CONFIG"
        }
    }
}

/// One producer of a partition, as DescribeProducers tells it (KIP-664).
package struct ProducerSnapshot: Equatable, Sendable {
    package var producerID: Int64
    package var epoch: Int32
    /// Of its last record.
    package var lastTime: Timestamp
    /// Where its open transaction begins here; nil where none is open.
    package var transactionStart: Offset?

    package init(producerID: Int64, epoch: Int32, lastTime: Timestamp, transactionStart: Offset?) {
        (self.producerID, self.epoch, self.lastTime, self.transactionStart) = (producerID, epoch, lastTime, transactionStart)
    }
}
