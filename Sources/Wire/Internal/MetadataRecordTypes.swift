import Primitives

// The types of metadata records: their numbers, names and bodies. One line per type in each table.

extension MetadataRecord {
    /// Kafka's number of the record type.
    package var type: Int16 {
        switch self {
        case .registerBroker: 0
        case .unregisterBroker: 1
        case .topic: 2
        case .partition: 3
        case .config: 4
        case .partitionChange: 5
        case .fenceBroker: 7
        case .unfenceBroker: 8
        case .removeTopic: 9
        case .userScramCredential: 11
        case .featureLevel: 12
        case .clientQuota: 14
        case .producerIDs: 15
        case .brokerRegistrationChange: 17
        case .accessControlEntry: 18
        case .removeAccessControlEntry: 19
        case .noOp: 20
        case .removeUserScramCredential: 22
        case .beginTransaction: 23
        case .endTransaction: 24
        case .abortTransaction: 25
        case .registerController: 27
        case .clearElr: 28
        case .opaque(let record): record.type
        }
    }

    /// The newest version described of this type.
    package var newestVersion: Int16 {
        switch self {
        case .registerBroker: RegisterBrokerRecord.validVersions.upperBound
        case .partition: PartitionRecord.validVersions.upperBound
        case .partitionChange: PartitionChangeRecord.validVersions.upperBound
        case .brokerRegistrationChange: BrokerRegistrationChangeRecord.validVersions.upperBound
        case .opaque(let record): record.version
        default: 0
        }
    }

    /// The described structure inside; nil of an opaque record.
    package var message: (any WireMessage)? {
        switch self {
        case .registerBroker(let record): record
        case .unregisterBroker(let record): record
        case .topic(let record): record
        case .partition(let record): record
        case .config(let record): record
        case .partitionChange(let record): record
        case .fenceBroker(let record): record
        case .unfenceBroker(let record): record
        case .removeTopic(let record): record
        case .userScramCredential(let record): record
        case .featureLevel(let record): record
        case .clientQuota(let record): record
        case .producerIDs(let record): record
        case .brokerRegistrationChange(let record): record
        case .accessControlEntry(let record): record
        case .removeAccessControlEntry(let record): record
        case .noOp(let record): record
        case .removeUserScramCredential(let record): record
        case .beginTransaction(let record): record
        case .endTransaction(let record): record
        case .abortTransaction(let record): record
        case .registerController(let record): record
        case .clearElr(let record): record
        case .opaque: nil
        }
    }

    /// Kafka's name of the type, as its dump tool prints it: "PARTITION_CHANGE_RECORD".
    package var typeName: String { MetadataRecord.typeNames[type] ?? "UNKNOWN_RECORD_\(type)" }

    private static let typeNames: [Int16: String] = [
        0: "REGISTER_BROKER_RECORD",
        1: "UNREGISTER_BROKER_RECORD",
        2: "TOPIC_RECORD",
        3: "PARTITION_RECORD",
        4: "CONFIG_RECORD",
        5: "PARTITION_CHANGE_RECORD",
        7: "FENCE_BROKER_RECORD",
        8: "UNFENCE_BROKER_RECORD",
        9: "REMOVE_TOPIC_RECORD",
        10: "DELEGATION_TOKEN_RECORD",
        11: "USER_SCRAM_CREDENTIAL_RECORD",
        12: "FEATURE_LEVEL_RECORD",
        14: "CLIENT_QUOTA_RECORD",
        15: "PRODUCER_IDS_RECORD",
        17: "BROKER_REGISTRATION_CHANGE_RECORD",
        18: "ACCESS_CONTROL_ENTRY_RECORD",
        19: "REMOVE_ACCESS_CONTROL_ENTRY_RECORD",
        20: "NO_OP_RECORD",
        21: "ZK_MIGRATION_STATE_RECORD",
        22: "REMOVE_USER_SCRAM_CREDENTIAL_RECORD",
        23: "BEGIN_TRANSACTION_RECORD",
        24: "END_TRANSACTION_RECORD",
        25: "ABORT_TRANSACTION_RECORD",
        26: "REMOVE_DELEGATION_TOKEN_RECORD",
        27: "REGISTER_CONTROLLER_RECORD",
        28: "CLEAR_ELR_RECORD",
        29: "UNREGISTER_CONTROLLER_RECORD",
    ]

    static func body(_ type: Int16, _ bytes: Bytes, _ version: Int16) throws(WireError) -> MetadataRecord {
        do {
            return try describedBody(type, bytes, version) ?? .opaque(OpaqueMetadataRecord(type: type, version: version, body: bytes))
        } catch .unsupportedVersion {
            return .opaque(OpaqueMetadataRecord(type: type, version: version, body: bytes))
        }
    }

    /// Nil of a type that is not described.
    private static func describedBody(_ type: Int16, _ bytes: Bytes, _ version: Int16) throws(WireError) -> MetadataRecord? {
        switch type {
        case 0: .registerBroker(try .decode(bytes, version: version))
        case 1: .unregisterBroker(try .decode(bytes, version: version))
        case 2: .topic(try .decode(bytes, version: version))
        case 3: .partition(try .decode(bytes, version: version))
        case 4: .config(try .decode(bytes, version: version))
        case 5: .partitionChange(try .decode(bytes, version: version))
        case 7: .fenceBroker(try .decode(bytes, version: version))
        case 8: .unfenceBroker(try .decode(bytes, version: version))
        case 9: .removeTopic(try .decode(bytes, version: version))
        case 11: .userScramCredential(try .decode(bytes, version: version))
        case 12: .featureLevel(try .decode(bytes, version: version))
        case 14: .clientQuota(try .decode(bytes, version: version))
        case 15: .producerIDs(try .decode(bytes, version: version))
        case 17: .brokerRegistrationChange(try .decode(bytes, version: version))
        case 18: .accessControlEntry(try .decode(bytes, version: version))
        case 19: .removeAccessControlEntry(try .decode(bytes, version: version))
        case 20: .noOp(try .decode(bytes, version: version))
        case 22: .removeUserScramCredential(try .decode(bytes, version: version))
        case 23: .beginTransaction(try .decode(bytes, version: version))
        case 24: .endTransaction(try .decode(bytes, version: version))
        case 25: .abortTransaction(try .decode(bytes, version: version))
        case 27: .registerController(try .decode(bytes, version: version))
        case 28: .clearElr(try .decode(bytes, version: version))
        default: nil
        }
    }

    func putBody(_ encoder: inout WireEncoder) {
        switch self {
        case .registerBroker(let record): encoder.put(record)
        case .unregisterBroker(let record): encoder.put(record)
        case .topic(let record): encoder.put(record)
        case .partition(let record): encoder.put(record)
        case .config(let record): encoder.put(record)
        case .partitionChange(let record): encoder.put(record)
        case .fenceBroker(let record): encoder.put(record)
        case .unfenceBroker(let record): encoder.put(record)
        case .removeTopic(let record): encoder.put(record)
        case .userScramCredential(let record): encoder.put(record)
        case .featureLevel(let record): encoder.put(record)
        case .clientQuota(let record): encoder.put(record)
        case .producerIDs(let record): encoder.put(record)
        case .brokerRegistrationChange(let record): encoder.put(record)
        case .accessControlEntry(let record): encoder.put(record)
        case .removeAccessControlEntry(let record): encoder.put(record)
        case .noOp(let record): encoder.put(record)
        case .removeUserScramCredential(let record): encoder.put(record)
        case .beginTransaction(let record): encoder.put(record)
        case .endTransaction(let record): encoder.put(record)
        case .abortTransaction(let record): encoder.put(record)
        case .registerController(let record): encoder.put(record)
        case .clearElr(let record): encoder.put(record)
        case .opaque(let record): encoder.put(raw: record.body)
        }
    }
}
