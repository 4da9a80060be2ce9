import Primitives

/// Key of a record in `__consumer_offsets` or `__transaction_state`: an int16 that tells the type, then the fields, never flexible.
/// A type's number stands where elsewhere the version does, and `validVersions` is the numbers a key goes by.
package protocol CoordinatorKey: WireMessage {}

/// Value of such a record: an int16 version, then the fields.
package protocol CoordinatorValue: WireMessage {}

extension CoordinatorKey {
    /// The key as it stands in the record.
    package func encodeKey() -> Bytes { versioned(Self.validVersions.upperBound) }
}

extension CoordinatorValue {
    /// The value as it stands in the record.
    package func encodeValue(version: Int16) -> Bytes { versioned(version) }

    /// The value that a record holds, in whatever version.
    package static func decodeValue(_ value: Bytes) throws(WireError) -> Self { try decodeVersionedValue(value).value }

    package static func decodeVersionedValue(_ value: Bytes) throws(WireError) -> (value: Self, version: Int16) {
        let (version, body) = try splitVersion(value)
        return (try decode(body, version: version), version)
    }
}

extension WireMessage {
    /// The message after its version.
    func versioned(_ version: Int16) -> Bytes {
        var encoder = WireEncoder(version: version, isFlexible: version >= Self.flexibleFrom)
        encoder.put(version)
        encoder.put(self)
        return encoder.finish()
    }
}

/// The int16 in front of bytes, and the rest.
func splitVersion(_ bytes: Bytes) throws(WireError) -> (version: Int16, body: Bytes) {
    guard bytes.count >= 2 else { throw .truncated }
    return (bytes.load(0), bytes.dropFirst(2))
}

/// Any key of `__consumer_offsets`.
package enum GroupRecordKey: Equatable, Sendable {
    case offsetCommit(OffsetCommitKey)
    case groupMetadata(GroupMetadataKey)
    case consumerGroupMetadata(ConsumerGroupMetadataKey)
    case consumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey)
    case consumerGroupMemberMetadata(ConsumerGroupMemberMetadataKey)
    case consumerGroupTargetAssignmentMetadata(ConsumerGroupTargetAssignmentMetadataKey)
    case consumerGroupTargetAssignmentMember(ConsumerGroupTargetAssignmentMemberKey)
    case consumerGroupCurrentMemberAssignment(ConsumerGroupCurrentMemberAssignmentKey)
    case shareGroupMemberMetadata(ShareGroupMemberMetadataKey)
    case shareGroupMetadata(ShareGroupMetadataKey)
    case shareGroupTargetAssignmentMetadata(ShareGroupTargetAssignmentMetadataKey)
    case shareGroupTargetAssignmentMember(ShareGroupTargetAssignmentMemberKey)
    case shareGroupCurrentMemberAssignment(ShareGroupCurrentMemberAssignmentKey)
    case shareGroupStatePartitionMetadata(ShareGroupStatePartitionMetadataKey)
    case consumerGroupRegularExpression(ConsumerGroupRegularExpressionKey)
    /// A type that is not described (streams groups).
    case unknown(type: Int16, body: Bytes)

    package static func decode(_ key: Bytes) throws(WireError) -> GroupRecordKey {
        let (type, body) = try splitVersion(key)
        return switch type {
        case 0, 1: .offsetCommit(try .decode(body, version: type))
        case 2: .groupMetadata(try .decode(body, version: type))
        case 3: .consumerGroupMetadata(try .decode(body, version: type))
        case 4: .consumerGroupPartitionMetadata(try .decode(body, version: type))
        case 5: .consumerGroupMemberMetadata(try .decode(body, version: type))
        case 6: .consumerGroupTargetAssignmentMetadata(try .decode(body, version: type))
        case 7: .consumerGroupTargetAssignmentMember(try .decode(body, version: type))
        case 8: .consumerGroupCurrentMemberAssignment(try .decode(body, version: type))
        case 10: .shareGroupMemberMetadata(try .decode(body, version: type))
        case 11: .shareGroupMetadata(try .decode(body, version: type))
        case 12: .shareGroupTargetAssignmentMetadata(try .decode(body, version: type))
        case 13: .shareGroupTargetAssignmentMember(try .decode(body, version: type))
        case 14: .shareGroupCurrentMemberAssignment(try .decode(body, version: type))
        case 15: .shareGroupStatePartitionMetadata(try .decode(body, version: type))
        case 16: .consumerGroupRegularExpression(try .decode(body, version: type))
        default: .unknown(type: type, body: body)
        }
    }

    /// The described structure inside; nil of an unknown type.
    package var message: (any CoordinatorKey)? {
        switch self {
        case .offsetCommit(let key): key
        case .groupMetadata(let key): key
        case .consumerGroupMetadata(let key): key
        case .consumerGroupPartitionMetadata(let key): key
        case .consumerGroupMemberMetadata(let key): key
        case .consumerGroupTargetAssignmentMetadata(let key): key
        case .consumerGroupTargetAssignmentMember(let key): key
        case .consumerGroupCurrentMemberAssignment(let key): key
        case .shareGroupMemberMetadata(let key): key
        case .shareGroupMetadata(let key): key
        case .shareGroupTargetAssignmentMetadata(let key): key
        case .shareGroupTargetAssignmentMember(let key): key
        case .shareGroupCurrentMemberAssignment(let key): key
        case .shareGroupStatePartitionMetadata(let key): key
        case .consumerGroupRegularExpression(let key): key
        case .unknown: nil
        }
    }

    /// What type of value belongs to this key; nil of an unknown type.
    package var valueType: (any CoordinatorValue.Type)? {
        switch self {
        case .offsetCommit: OffsetCommitValue.self
        case .groupMetadata: GroupMetadataValue.self
        case .consumerGroupMetadata: ConsumerGroupMetadataValue.self
        case .consumerGroupPartitionMetadata: ConsumerGroupPartitionMetadataValue.self
        case .consumerGroupMemberMetadata: ConsumerGroupMemberMetadataValue.self
        case .consumerGroupTargetAssignmentMetadata: ConsumerGroupTargetAssignmentMetadataValue.self
        case .consumerGroupTargetAssignmentMember: ConsumerGroupTargetAssignmentMemberValue.self
        case .consumerGroupCurrentMemberAssignment: ConsumerGroupCurrentMemberAssignmentValue.self
        case .shareGroupMemberMetadata: ShareGroupMemberMetadataValue.self
        case .shareGroupMetadata: ShareGroupMetadataValue.self
        case .shareGroupTargetAssignmentMetadata: ShareGroupTargetAssignmentMetadataValue.self
        case .shareGroupTargetAssignmentMember: ShareGroupTargetAssignmentMemberValue.self
        case .shareGroupCurrentMemberAssignment: ShareGroupCurrentMemberAssignmentValue.self
        case .shareGroupStatePartitionMetadata: ShareGroupStatePartitionMetadataValue.self
        case .consumerGroupRegularExpression: ConsumerGroupRegularExpressionValue.self
        case .unknown: nil
        }
    }
}

extension TransactionLogKey {
    /// The key as it stands in a record of `__transaction_state`.
    package static func decodeKey(_ key: Bytes) throws(WireError) -> TransactionLogKey {
        let (version, body) = try splitVersion(key)
        return try decode(body, version: version)
    }
}
