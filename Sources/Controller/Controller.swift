import Primitives
import Wire

/// The active controller: decides about topics, partitions, brokers and settings.
///
/// `decide…` reads the image and changes nothing; `apply` is the only mutation, and is the same for the leader, a follower and a restart.
/// The leader applies its records as soon as they are appended, so that the next decision sees them; what is served to clients is another
/// image, which the broker applies when they are committed. Owner: the broker's metadata log.
package struct Controller: Sendable {
    /// All that was decided, committed or not.
    package private(set) var image: ClusterImage
    /// The image before a metadata transaction that is still open, to return to if it is aborted (KIP-868).
    private var beforeTransaction: ClusterImage?

    /// What this node's settings file says of topics that say nothing themselves.
    package var topicDefaults = TopicPolicy()

    package init(image: ClusterImage) { self.image = image }

    /// Applies the record at `offset`. Returns what it changed.
    @discardableResult
    package mutating func apply(_ record: MetadataRecord, at offset: Offset) -> ClusterImageDelta {
        var delta = ClusterImageDelta()
        apply(record, at: offset, into: &delta)
        return delta
    }

    /// Applies the record at `offset` and adds what it changed to `delta`. After an aborted transaction `delta` says what it had changed,
    /// and is to be thrown away with the picture it was made for.
    package mutating func apply(_ record: MetadataRecord, at offset: Offset, into delta: inout ClusterImageDelta) {
        switch record {
        case .beginTransaction: beforeTransaction = image
        case .endTransaction: beforeTransaction = nil
        case .abortTransaction:
            if let before = beforeTransaction { image = before }
            beforeTransaction = nil
        default: break
        }
        image.apply(record, at: offset, into: &delta)
    }

    /// The records that begin a new cluster: the level of its metadata, eligible leader replicas, transactions, consumer and share groups,
    /// as in a cluster that Kafka 4.1 or later begins, as one transaction.
    package static func bootstrapRecords() -> [MetadataRecord] {
        [
            MetadataRecords.beginTransaction("Bootstrap records"),
            MetadataRecords.featureLevel("metadata.version", metadataVersion),
            MetadataRecords.featureLevel(eligibleLeadersFeature, 1),
            MetadataRecords.featureLevel(groupVersionFeature, 1),
            MetadataRecords.featureLevel(shareFeature, 1),
            MetadataRecords.featureLevel(transactionFeature, 2),
            MetadataRecords.endTransaction(),
        ]
    }

    /// The same with these records.
    package static func bootstrapRecords(_ records: [MetadataRecord]) -> [MetadataRecord] {
        [MetadataRecords.beginTransaction("Bootstrap records")] + records + [MetadataRecords.endTransaction()]
    }

    /// KIP-848's consumer groups: 1 where all brokers know them.
    package static let groupVersionFeature = "group.version"
    /// KIP-932's share groups: 1 where all brokers know them.
    package static let shareFeature = "share.version"
    /// 4.3-IV0: the records this controller writes have the versions of that level.
    package static let metadataVersion: Int16 = 30
    /// As Kafka's tools call it.
    package static let metadataVersionName = "4.3-IV0"
    /// What one request may bring into being, as in Kafka.
    package static let partitionsPerRequestMax = 10_000

    var placementCandidates: [Placement.Candidate] {
        image.brokers.values.map { Placement.Candidate(id: $0.id, rack: $0.rack, isActive: $0.isActive) }
    }

    func isActive(_ broker: BrokerID) -> Bool { image.brokers[broker]?.isActive ?? false }
}
