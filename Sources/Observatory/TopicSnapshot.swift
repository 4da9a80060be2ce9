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
    /// Its settings, as far as they matter here. Most topics of a cluster have the same, and share them.
    private(set) var settings = TopicSettings.unknown { didSet { counted.value = nil } }
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

    /// Bound on `rates`: what one topic may hold by itself, less where there are very many.
    package static func ratesMax(among count: Int) -> Int { max(12, min(60, 120_000 / max(count, 1))) }

    // MARK: Settings

    /// `min.insync.replicas` as it holds for the topic; nil until read.
    package var minInSyncReplicas: Int? {
        get { settings.fields.minInSyncReplicas }
        set { change { $0.minInSyncReplicas = newValue } }
    }
    /// The lists of `partition:broker` of a throttled reassignment, or `*`; empty where nothing is throttled.
    package var throttledLeaders: String {
        get { settings.fields.throttledLeaders }
        set { change { $0.throttledLeaders = newValue } }
    }
    package var throttledFollowers: String {
        get { settings.fields.throttledFollowers }
        set { change { $0.throttledFollowers = newValue } }
    }
    /// `retention.ms` and `retention.bytes` as they hold, -1 for no limit, nil until read; and whether old records are deleted at all.
    package var retentionMs: Int64? {
        get { settings.fields.retentionMs }
        set { change { $0.retentionMs = newValue } }
    }
    package var retentionBytes: Int64? {
        get { settings.fields.retentionBytes }
        set { change { $0.retentionBytes = newValue } }
    }
    package var deletesOldRecords: Bool? {
        get { settings.fields.deletesOldRecords }
        set { change { $0.deletesOldRecords = newValue } }
    }

    private mutating func change(_ change: (inout TopicSettings.Fields) -> Void) {
        var fields = settings.fields
        change(&fields)
        if fields != settings.fields { settings = TopicSettings(fields) }
    }

    /// All settings at once. `shared` is another topic's, which is held instead of a copy where they are the same.
    mutating func set(_ fields: TopicSettings.Fields, sharing shared: inout TopicSettings) {
        if fields == settings.fields { return shared = settings }
        if fields != shared.fields { shared = TopicSettings(fields) }
        settings = shared
    }
}

/// Settings of topics that replication and retention go by. Never changed once made, so that topics may share them.
final class TopicSettings: Equatable, Sendable {
    struct Fields: Equatable, Sendable {
        var minInSyncReplicas: Int?
        var throttledLeaders = ""
        var throttledFollowers = ""
        var retentionMs: Int64?
        var retentionBytes: Int64?
        var deletesOldRecords: Bool?
    }
    let fields: Fields
    init(_ fields: Fields) { self.fields = fields }

    static let unknown = TopicSettings(Fields())
    static func == (a: TopicSettings, b: TopicSettings) -> Bool { a === b || a.fields == b.fields }
}

extension TopicSnapshot {
    /// Of two pictures of the same number of topics: where they look different in a table of topics. Times of reading do not count, nor do
    /// offsets that add up to the same. What the pictures share is not looked at, the rest field by field in place: copying a topic costs
    /// more than comparing it.
    package static func differences(_ a: SharedArray<TopicSnapshot>, _ b: SharedArray<TopicSnapshot>) -> [Int] {
        b.rangesApart(from: a).flatMap { range in
            range.filter { i in
                a[i].messages != b[i].messages || a[i].sizeBytes != b[i].sizeBytes || a[i].messageRate != b[i].messageRate
                    || a[i].byteRate != b[i].byteRate || a[i].partitions.count != b[i].partitions.count
                    || a[i].counted.value != b[i].counted.value || b[i].counted.value == nil || a[i].isInternal != b[i].isInternal
                    || a[i].error != b[i].error || a[i].rates != b[i].rates || a[i].name != b[i].name
            }
        }
    }
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
        let minimum = topic.minInSyncReplicas
        for index in topic.partitions.indices {
            let places = topic.partitions[index].places
            replicationFactor = max(replicationFactor, places.replicas.count)
            if topic.partitions[index].isOffline { offline += 1 }
            if topic.partitions[index].isUnderReplicated { underReplicated += 1 }
            if !topic.partitions[index].isLeaderPreferred { notPreferred += 1 }
            if topic.partitions[index].isReassigning { reassigning += 1 }
            guard let minimum else { continue }
            let inSync = places.inSyncReplicas.count
            let wanted = min(minimum, max(1, places.replicas.count))
            if inSync < wanted { underMinISR += 1 } else if inSync == wanted { atMinISR += 1 }
        }
    }
}

/// A result that follows from the value it is kept in, and so does not count when two such values are compared.
struct Remembered<Value: Sendable>: Equatable, Sendable {
    var value: Value?
    static func == (a: Remembered, b: Remembered) -> Bool { true }
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
