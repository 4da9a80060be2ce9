import Primitives

/// One partition as observed: a hundred bytes, and few references, so that a hundred thousand of them can be held and copied. Numbers that
/// are not known have a value of their own inside; what few partitions have lies apart.
package struct PartitionSnapshot: Equatable, Sendable {
    package var index: Int32
    private var leaderID: Int32
    package var leaderEpoch: LeaderEpoch
    /// Lists of brokers, which many partitions share.
    private(set) var places: PartitionPlaces
    private var startValue = PartitionSnapshot.unknown
    private var endValue = PartitionSnapshot.unknown
    private var timeValue = PartitionSnapshot.unknown
    private var sizeValue = PartitionSnapshot.unknown
    /// Negative while it is not known.
    private var rateValue = -1.0
    /// The end over time.
    package var ends = OffsetSeries()
    private var rare: Rare?

    private static let unknown = Int64.min

    package init(
        index: Int32, leader: BrokerID?, leaderEpoch: LeaderEpoch = .none, replicas: [BrokerID], inSyncReplicas: [BrokerID],
        offlineReplicas: [BrokerID] = []
    ) {
        self.init(
            index: index, leader: leader, leaderEpoch: leaderEpoch,
            places: PartitionPlaces(replicas: replicas, inSyncReplicas: inSyncReplicas), offlineReplicas: offlineReplicas)
    }

    init(index: Int32, leader: BrokerID?, leaderEpoch: LeaderEpoch, places: PartitionPlaces, offlineReplicas: [BrokerID]) {
        self.index = index
        leaderID = leader?.rawValue ?? -1
        self.leaderEpoch = leaderEpoch
        self.places = places
        if !offlineReplicas.isEmpty { self.offlineReplicas = offlineReplicas }
    }

    // MARK: What every partition has

    /// Nil where it has none.
    package var leader: BrokerID? {
        get { leaderID >= 0 ? BrokerID(leaderID) : nil }
        set { leaderID = newValue?.rawValue ?? -1 }
    }
    package var replicas: [BrokerID] {
        get { places.replicas }
        set { places = PartitionPlaces(replicas: newValue, inSyncReplicas: places.inSyncReplicas) }
    }
    package var inSyncReplicas: [BrokerID] {
        get { places.inSyncReplicas }
        set { places = PartitionPlaces(replicas: places.replicas, inSyncReplicas: newValue) }
    }
    package var startOffset: Offset? {
        get { startValue == PartitionSnapshot.unknown ? nil : Offset(startValue) }
        set { startValue = newValue?.rawValue ?? PartitionSnapshot.unknown }
    }
    /// The high watermark: where the next message a consumer may see will stand.
    package var endOffset: Offset? {
        get { endValue == PartitionSnapshot.unknown ? nil : Offset(endValue) }
        set { endValue = newValue?.rawValue ?? PartitionSnapshot.unknown }
    }
    /// When the offsets were read.
    package var offsetsTime: Timestamp? {
        get { timeValue == PartitionSnapshot.unknown ? nil : Timestamp(milliseconds: timeValue) }
        set { timeValue = newValue?.milliseconds ?? PartitionSnapshot.unknown }
    }
    /// Bytes of the leader's replica.
    package var sizeBytes: Int64? {
        get { sizeValue == PartitionSnapshot.unknown ? nil : sizeValue }
        set { sizeValue = newValue ?? PartitionSnapshot.unknown }
    }
    /// Messages per second written, from the last two readings.
    package var messageRate: Double? {
        get { rateValue < 0 ? nil : rateValue }
        set { rateValue = newValue ?? -1 }
    }

    // MARK: What few have

    /// Kafka's error name, nil where all is well.
    package var error: String? {
        get { rare?.fields.error }
        set { change { $0.error = newValue } }
    }
    package var offlineReplicas: [BrokerID] {
        get { rare?.fields.offline ?? [] }
        set { change { $0.offline = newValue } }
    }
    /// On their way in and out, in a reassignment.
    package var addingReplicas: [BrokerID] {
        get { rare?.fields.adding ?? [] }
        set { change { $0.adding = newValue } }
    }
    package var removingReplicas: [BrokerID] {
        get { rare?.fields.removing ?? [] }
        set { change { $0.removing = newValue } }
    }
    /// Not in sync and yet safe to elect (KIP-966); empty where the cluster does not tell.
    package var eligibleLeaderReplicas: [BrokerID] {
        get { rare?.fields.eligible ?? [] }
        set { change { $0.eligible = newValue } }
    }
    /// Consumers that read committed records get no further than this: an open transaction begins there, or it is the end.
    package var stableOffset: Offset? {
        get { rare?.fields.stableOffset }
        set { change { $0.stableOffset = newValue } }
    }
    /// Who writes, as the leader tells it; asked for where a transaction is open.
    package var producers: [ProducerSnapshot] {
        get { rare?.fields.producers ?? [] }
        set { change { $0.producers = newValue } }
    }
    /// What each replica's own broker says of it, in the order in which they were heard.
    package var replicaLogs: [ReplicaSnapshot] {
        get { rare?.fields.replicaLogs ?? [] }
        set { change { $0.replicaLogs = newValue } }
    }

    /// Whether it has any of these.
    var hasRare: Bool { rare != nil }

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
        var stableOffset: Offset?
        var producers: [ProducerSnapshot] = []
        var replicaLogs: [ReplicaSnapshot] = []
    }

    /// Never changed once made, so that copies may share it.
    private final class Rare: Equatable, Sendable {
        let fields: RareFields
        init(_ fields: RareFields) { self.fields = fields }
        static func == (a: Rare, b: Rare) -> Bool { a === b || a.fields == b.fields }
    }

    // MARK: How it is

    package var isOffline: Bool { leaderID < 0 }
    /// Replicas on their way in do not count before they are there.
    package var isUnderReplicated: Bool {
        if places.isWhole { return false }
        let adding = addingReplicas
        return places.missing.contains { !adding.contains($0) }
    }
    package var isReassigning: Bool { rare.map { !$0.fields.adding.isEmpty || !$0.fields.removing.isEmpty } ?? false }
    package var isLeaderPreferred: Bool { leaderID < 0 || leaderID == places.preferred }
    /// Messages between start and end. Offsets are not dense under compaction and transactions: an upper bound.
    package var messages: Int64? {
        guard let startOffset, let endOffset else { return nil }
        return max(0, endOffset - startOffset)
    }
}

/// Where a partition's replicas are and which are in sync. A cluster places a hundred thousand partitions in a few hundred ways: those that
/// are placed alike share one. Never changed once made.
final class PartitionPlaces: Equatable, Sendable {
    let replicas: [BrokerID]
    let inSyncReplicas: [BrokerID]
    /// Replicas that are not in sync.
    let missing: [BrokerID]
    /// The first replica, whom Kafka would have lead; -1 where there is none.
    let preferred: Int32

    init(replicas: [BrokerID], inSyncReplicas: [BrokerID]) {
        (self.replicas, self.inSyncReplicas) = (replicas, inSyncReplicas)
        missing = replicas == inSyncReplicas ? [] : replicas.filter { !inSyncReplicas.contains($0) }
        preferred = replicas.first?.rawValue ?? -1
    }

    var isWhole: Bool { missing.isEmpty }

    static func == (a: PartitionPlaces, b: PartitionPlaces) -> Bool {
        a === b || a.replicas == b.replicas && a.inSyncReplicas == b.inSyncReplicas
    }
}

/// Placements, each kept once.
struct KnownPlaces {
    private var known: [[Int32]: PartitionPlaces] = [:]
    private var key: [Int32] = []

    /// `old` is where the partition was before, which is mostly where it is.
    mutating func places(_ replicas: [Int32], _ inSync: [Int32], _ old: PartitionPlaces?) -> PartitionPlaces {
        if let old, KnownPlaces.isSame(old.replicas, replicas), KnownPlaces.isSame(old.inSyncReplicas, inSync) { return old }
        // The number of replicas parts the two lists.
        key.removeAll(keepingCapacity: true)
        key.append(Int32(truncatingIfNeeded: replicas.count))
        key += replicas
        key += inSync
        if let places = known[key] { return places }
        let places = PartitionPlaces(replicas: replicas.map(BrokerID.init(_:)), inSyncReplicas: inSync.map(BrokerID.init(_:)))
        known[key] = places
        return places
    }

    private static func isSame(_ a: [BrokerID], _ b: [Int32]) -> Bool {
        guard a.count == b.count else { return false }
        for index in a.indices where a[index].rawValue != b[index] { return false }
        return true
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
