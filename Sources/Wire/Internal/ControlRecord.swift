import Primitives

/// What a control record says: end of a transaction, or an event of the metadata quorum. Its key is int16 version 0 and int16 type.
package enum ControlRecord: Equatable, Sendable {
    case abort(EndTxnMarker)
    case commit(EndTxnMarker)
    case leaderChange(LeaderChangeMessage)
    case snapshotHeader(SnapshotHeaderRecord)
    case snapshotFooter(SnapshotFooterRecord)
    case kRaftVersion(KRaftVersionRecord)
    case voters(VotersRecord)
    /// A type that is not described.
    case unknown(type: Int16, value: Bytes)

    package static func decode(key: Bytes, value: Bytes) throws(WireError) -> ControlRecord {
        let (keyVersion, rest) = try splitVersion(key)
        guard keyVersion >= 0 else { throw .unsupportedVersion(keyVersion) }
        let (type, _) = try splitVersion(rest)
        let (version, _) = try splitVersion(value)
        return switch type {
        case 0: .abort(try .decode(value, version: 0))
        case 1: .commit(try .decode(value, version: 0))
        case 2: .leaderChange(try .decode(value, version: version))
        case 3: .snapshotHeader(try .decode(value, version: version))
        case 4: .snapshotFooter(try .decode(value, version: version))
        case 5: .kRaftVersion(try .decode(value, version: version))
        case 6: .voters(try .decode(value, version: version))
        default: .unknown(type: type, value: value)
        }
    }

    /// Kafka's number of the type.
    package var type: Int16 {
        switch self {
        case .abort: 0
        case .commit: 1
        case .leaderChange: 2
        case .snapshotHeader: 3
        case .snapshotFooter: 4
        case .kRaftVersion: 5
        case .voters: 6
        case .unknown(let type, _): type
        }
    }

    package var key: Bytes {
        var encoder = WireEncoder(version: 0, isFlexible: false, capacity: 4)
        encoder.put(0 as Int16)
        encoder.put(type)
        return encoder.finish()
    }

    /// The value; the structure's own `version` field says in which version.
    package var value: Bytes {
        switch self {
        case .abort(let marker), .commit(let marker): marker.encode(version: 0)
        case .leaderChange(let message): message.encode(version: message.version)
        case .snapshotHeader(let record): record.encode(version: record.version)
        case .snapshotFooter(let record): record.encode(version: record.version)
        case .kRaftVersion(let record): record.encode(version: record.version)
        case .voters(let record): record.encode(version: record.version)
        case .unknown(_, let value): value
        }
    }
}
