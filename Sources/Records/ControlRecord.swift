import Primitives

/// What a control record says, by its key: i16 version, i16 type.
package enum ControlRecordType: Int16, Sendable {
    case abort = 0
    case commit = 1
    case leaderChange = 2
    case snapshotHeader = 3
    case snapshotFooter = 4
    case kraftVersion = 5
    case kraftVoters = 6

    package static func parse(key: Bytes?) -> ControlRecordType? {
        guard let key, key.count >= 4 else { return nil }
        return ControlRecordType(rawValue: key.load(2))
    }

    /// The key of a record of this type: version 0 and the type.
    package var key: Bytes { Bytes([0, 0, 0, UInt8(rawValue)]) }
}

/// The end of a transaction on one partition (KIP-98): value is i16 version, i32 coordinator epoch.
package struct EndTransactionMarker: Hashable, Sendable {
    package var isCommit: Bool
    package var coordinatorEpoch: Int32

    package init(isCommit: Bool, coordinatorEpoch: Int32) {
        self.isCommit = isCommit
        self.coordinatorEpoch = coordinatorEpoch
    }

    /// The marker a control record holds, or nil where it is another kind.
    package init?(_ record: Record) {
        guard let type = ControlRecordType.parse(key: record.key), type == .abort || type == .commit else { return nil }
        guard let value = record.value, value.count >= 6 else { return nil }
        self.init(isCommit: type == .commit, coordinatorEpoch: value.load(2))
    }

    package var value: Bytes {
        var writer = ByteWriter(capacity: 6)
        writer.integer(Int16(0))
        writer.integer(coordinatorEpoch)
        return writer.finish()
    }

    /// The one-record control batch that ends the transaction of `producerID`.
    package func batch(producerID: Int64, producerEpoch: Int16, timestamp: Timestamp) -> Bytes {
        var builder = BatchBuilder(producerID: producerID, producerEpoch: producerEpoch, isTransactional: true, isControl: true)
        builder.append(timestamp: timestamp, key: (isCommit ? ControlRecordType.commit : .abort).key, value: value)
        return builder.buildUncompressed()
    }
}
