import Primitives

/// One record of `__cluster_metadata`: the only way in which the cluster's metadata changes.
///
/// The value of such a record is a frame: unsigned varint frame version (1), unsigned varint record type, unsigned varint version of that
/// type, then the fields in flexible form. Its key is null. Types that Kastellan has no use for yet are kept as bytes.
package enum MetadataRecord: Equatable, Sendable {
    case registerBroker(RegisterBrokerRecord)
    case unregisterBroker(UnregisterBrokerRecord)
    case topic(TopicRecord)
    case partition(PartitionRecord)
    case config(ConfigRecord)
    case partitionChange(PartitionChangeRecord)
    case fenceBroker(FenceBrokerRecord)
    case unfenceBroker(UnfenceBrokerRecord)
    case removeTopic(RemoveTopicRecord)
    case userScramCredential(UserScramCredentialRecord)
    case featureLevel(FeatureLevelRecord)
    case clientQuota(ClientQuotaRecord)
    case producerIDs(ProducerIDsRecord)
    case brokerRegistrationChange(BrokerRegistrationChangeRecord)
    case accessControlEntry(AccessControlEntryRecord)
    case removeAccessControlEntry(RemoveAccessControlEntryRecord)
    case noOp(NoOpRecord)
    case removeUserScramCredential(RemoveUserScramCredentialRecord)
    case beginTransaction(BeginTransactionRecord)
    case endTransaction(EndTransactionRecord)
    case abortTransaction(AbortTransactionRecord)
    case registerController(RegisterControllerRecord)
    case clearElr(ClearElrRecord)
    case opaque(OpaqueMetadataRecord)

    private static let frameVersion = 1

    /// The record in a record's value, at whatever version it was written.
    package static func decode(_ value: Bytes) throws(WireError) -> MetadataRecord { try decodeVersioned(value).record }

    /// The record in a record's value, and the version it was written at.
    package static func decodeVersioned(_ value: Bytes) throws(WireError) -> (record: MetadataRecord, version: Int16) {
        var frame = WireDecoder(value, version: 0, isFlexible: true)
        let frameVersion = Int(try frame.unsignedVarint())
        guard frameVersion == MetadataRecord.frameVersion else { throw .unknownKind(frameVersion) }
        guard let type = Int16(exactly: try frame.unsignedVarint()) else { throw .badVarint }
        guard let version = Int16(exactly: try frame.unsignedVarint()) else { throw .badVarint }
        return (try body(type, value.dropFirst(frame.consumed), version), version)
    }

    /// The value of a record that holds this one, at the newest version this codec describes unless told otherwise.
    package func encode(version: Int16? = nil) -> Bytes {
        let version = version ?? newestVersion
        var encoder = WireEncoder(version: version, isFlexible: true)
        encoder.unsignedVarint(MetadataRecord.frameVersion)
        encoder.unsignedVarint(Int(type))
        encoder.unsignedVarint(Int(version))
        putBody(&encoder)
        return encoder.finish()
    }
}

/// A metadata record of a type that is not described, or of a version newer than described.
package struct OpaqueMetadataRecord: Equatable, Sendable {
    package var type: Int16
    package var version: Int16
    package var body: Bytes

    package init(type: Int16, version: Int16, body: Bytes) {
        self.type = type
        self.version = version
        self.body = body
    }
}
